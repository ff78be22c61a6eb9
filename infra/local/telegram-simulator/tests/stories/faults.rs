//! Everything that can go wrong on the way.

use serde_json::{Value, json};

use crate::stage::stage;

#[tokio::test]
async fn a_call_can_be_done_though_the_caller_never_hears_of_it() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let fault = json!({ "fault": "timeout_after", "method": "sendMessage", "count": 1 });
    stage.control("faults", fault).await;
    let send = json!({ "chat_id": chat, "text": "heard?" });
    assert!(stage.raw("sendMessage", send.clone()).await.is_err());
    stage.ok("sendMessage", send).await;
    let group = stage.get(&format!("/control/groups/{chat}")).await;
    let texts =
        group["messages"].as_array().unwrap().iter().filter(|m| m["text"] == json!("heard?"));
    assert_eq!(texts.count(), 2);
    let calls = stage.get("/control/calls?method=sendMessage").await;
    assert_eq!((&calls[0]["fault"], &calls[0]["code"]), (&json!("timeout_after"), &json!(200)));
    assert_eq!(calls[1]["fault"], json!(null));
}

#[tokio::test]
async fn a_call_can_get_lost_before_it_is_done() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let fault = json!({ "fault": "timeout_before", "chat_id": chat, "count": 1 });
    stage.control("faults", fault).await;
    let made = stage.raw("createChatInviteLink", json!({ "chat_id": chat })).await;
    assert!(made.is_err());
    let group = stage.get(&format!("/control/groups/{chat}")).await;
    assert_eq!(group["links"], json!([]));
}

#[tokio::test]
async fn a_429_names_its_time_in_the_body_and_in_the_header() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    for seconds in [2, 5, 34, 2_282, 10_072, 86_400] {
        let fault = json!({ "fault": "too_many_requests", "retry_after": seconds, "count": 1 });
        stage.control("faults", fault).await;
        let body = json!({ "chat_id": chat, "text": "x" });
        let answer = stage.raw("sendMessage", body).await.unwrap();
        assert_eq!(answer.code, 429);
        assert_eq!(answer.headers["retry-after"], seconds.to_string());
        assert_eq!(
            answer.json(),
            json!({
                "ok": false, "error_code": 429,
                "description": format!("Too Many Requests: retry after {seconds}"),
                "parameters": { "retry_after": seconds }
            })
        );
    }
}

#[tokio::test]
async fn the_server_can_be_ill_in_several_ways() {
    let stage = stage().await;
    stage.control("faults", json!({ "fault": "server_error_json", "count": 1 })).await;
    assert_eq!(stage.refused("getMe", json!({})).await, "500 Internal Server Error");
    stage.control("faults", json!({ "fault": "server_error_html", "code": 502, "count": 1 })).await;
    let answer = stage.raw("getMe", json!({})).await.unwrap();
    assert_eq!(answer.code, 502);
    assert!(answer.text.starts_with("<html>"));
    stage.control("faults", json!({ "fault": "nonsense", "count": 1 })).await;
    let answer = stage.raw("getMe", json!({})).await.unwrap();
    assert_eq!(answer.code, 200);
    assert!(serde_json::from_str::<serde_json::Value>(&answer.text).is_err());
    stage.ok("getMe", json!({})).await;
}

#[tokio::test]
async fn members_who_are_fine_can_be_refused_at_random_and_the_same_way_for_the_same_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let stage = stage().await;
        let (owner, chat) = stage.group("restrict_members").await;
        let user = stage.member("Ann", chat, owner).await;
        let fault = json!({ "fault": "participant_id_invalid", "method": "getChatMember", "probability": 0.5 });
        stage.control("faults", fault).await;
        let mut run = Vec::new();
        for _ in 0..20 {
            let who = json!({ "chat_id": chat, "user_id": user });
            let answer = stage.raw("getChatMember", who).await.unwrap();
            if answer.code != 200 {
                assert_eq!(
                    answer.json()["description"],
                    json!("Bad Request: PARTICIPANT_ID_INVALID")
                );
            }
            run.push(answer.code);
        }
        assert!(run.contains(&200) && run.contains(&400));
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn any_refusal_can_be_ordered_for_one_chat_and_taken_back() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let (_, other) = stage.group("invite_users").await;
    let fault = json!({ "fault": "error", "code": 400, "description": "Bad Request: have no write access to the chat", "chat_id": chat });
    let ordered = stage.control("faults", fault).await;
    let send = |chat: i64| json!({ "chat_id": chat, "text": "x" });
    assert_eq!(
        stage.refused("sendMessage", send(chat)).await,
        "400 Bad Request: have no write access to the chat"
    );
    stage.ok("sendMessage", send(other)).await;
    assert_eq!(stage.get("/control/faults").await[0]["id"], ordered["id"]);
    let url = format!("{}/control/faults", stage.running.base_url);
    let request = axum::http::Request::delete(url).body(http_body_util::Full::default()).unwrap();
    assert_eq!(stage.send(request).await.unwrap().code, 200);
    stage.ok("sendMessage", send(chat)).await;
}

#[tokio::test]
async fn updates_can_be_strange() {
    let stage = stage().await;
    let user = stage.user("Ann").await;
    stage.control("faults", json!({ "fault": "unknown_update", "count": 1 })).await;
    stage
        .control("faults", json!({ "fault": "extra_fields", "method": "message", "count": 1 }))
        .await;
    stage.control("message", json!({ "user": user, "text": "hello" })).await;
    let updates = stage.updates().await;
    assert!(updates[0].get("chat_weather_changed").is_some());
    assert_eq!(updates[1]["message"]["text"], json!("hello"));
    assert!(updates[1]["message"].get("field_of_tomorrow").is_some());
}

#[tokio::test]
async fn it_can_stay_untold_by_which_link_somebody_came() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    stage.hear_everything().await;
    let link = stage.ok("createChatInviteLink", json!({ "chat_id": chat })).await;
    let fault = json!({ "fault": "link_unnamed", "method": "chat_member", "count": 1 });
    stage.control("faults", fault).await;
    for name in ["Ann", "Ben"] {
        let user = stage.user(name).await;
        stage.control("open", json!({ "user": user, "link": link["invite_link"] })).await;
    }
    let updates = stage.updates().await;
    let links: Vec<&Value> = updates
        .iter()
        .filter_map(|update| update.get("chat_member"))
        .map(|change| &change["invite_link"]["invite_link"])
        .collect();
    assert_eq!(links, [&Value::Null, &link["invite_link"]]);
}

#[tokio::test]
async fn a_member_can_have_a_status_that_nobody_knows() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users").await;
    stage
        .control(
            "faults",
            json!({ "fault": "unknown_member_status", "method": "getChatMember", "count": 1 }),
        )
        .await;
    assert_eq!(stage.status(chat, owner).await, "observer");
    assert_eq!(stage.status(chat, owner).await, "creator");
    stage.hear_everything().await;
    let fault = json!({ "fault": "unknown_member_status", "method": "chat_member", "count": 1 });
    stage.control("faults", fault).await;
    stage.member("Ann", chat, owner).await;
    let heard = stage.updates_of("chat_member").await;
    assert_eq!(heard[0]["new_chat_member"]["status"], json!("observer"));
}

#[tokio::test]
async fn a_fault_that_makes_no_sense_is_refused() {
    let stage = stage().await;
    for body in [
        json!({ "fault": "earthquake" }),
        json!({ "fault": "nonsense", "probability": 2 }),
        json!({ "fault": "nonsense", "metod": "getMe" }),
    ] {
        stage.control_refused("faults", body).await;
    }
}

#[tokio::test]
async fn an_answer_can_be_late() {
    let stage = stage().await;
    stage.control("faults", json!({ "fault": "slow", "hold_ms": 60_000, "count": 1 })).await;
    let mut slow = Box::pin(stage.raw("getMe", json!({})));
    // Calls that come later are answered meanwhile.
    tokio::select! {
        _ = &mut slow => panic!("answered before its time"),
        () = async {
            while stage.get("/control/calls?method=getMe").await == json!([]) {
                tokio::task::yield_now().await;
            }
            stage.ok("getMe", json!({})).await;
        } => {}
    }
}

#[tokio::test]
async fn printing_the_world_shows_no_secret() {
    let stage = stage().await;
    stage
        .ok("setWebhook", json!({ "url": "http://127.0.0.1:9/", "secret_token": "hush-hush" }))
        .await;
    let printed = stage.running.world(|world, _| format!("{world:?}"));
    assert!(printed.contains("usher_bot"));
    assert!(!printed.contains("test-token") && !printed.contains("hush-hush"));
}
