//! Asking to be let in, and the five minutes in which the bot may write.

use serde_json::json;

use crate::stage::{BOT, START, stage};

#[tokio::test]
async fn a_request_waits_is_approved_and_the_person_is_in() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    stage.hear_everything().await;
    let link = stage.guarded_link(chat).await;
    let user = stage.user("Ann").await;
    assert_eq!(stage.tap(user, &link).await, "requested");
    assert_eq!(stage.tap(user, &link).await, "already_requested");
    let requests = stage.updates_of("chat_join_request").await;
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0]["from"]["id"], json!(user));
    assert_eq!(requests[0]["user_chat_id"], json!(user));
    assert_eq!(requests[0]["date"], json!(START / 1000));
    assert_eq!(requests[0]["chat"]["id"], json!(chat));
    assert_eq!(requests[0]["invite_link"]["invite_link"], json!(link));
    assert_eq!(requests[0]["invite_link"]["pending_join_request_count"], json!(1));
    assert!(requests[0].get("bio").is_none() && requests[0].get("query_id").is_none());
    assert_eq!(stage.status(chat, user).await, "left");

    let who = json!({ "chat_id": chat, "user_id": user });
    assert_eq!(stage.ok("approveChatJoinRequest", who.clone()).await, json!(true));
    assert_eq!(stage.status(chat, user).await, "member");
    let updates = stage.updates().await;
    let member = &updates.iter().find_map(|u| u.get("chat_member")).unwrap();
    assert_eq!(member["from"]["id"], json!(BOT));
    assert_eq!(member["new_chat_member"]["user"]["id"], json!(user));
    assert_eq!(member["old_chat_member"]["status"], json!("left"));
    assert_eq!(member["new_chat_member"]["status"], json!("member"));
    assert_eq!(member["via_join_request"], json!(true));
    assert_eq!(member["invite_link"]["invite_link"], json!(link));
    assert_eq!(
        stage.refused("approveChatJoinRequest", who.clone()).await,
        "400 Bad Request: USER_ALREADY_PARTICIPANT"
    );
    assert_eq!(
        stage.refused("declineChatJoinRequest", who).await,
        "400 Bad Request: HIDE_REQUESTER_MISSING"
    );
}

#[tokio::test]
async fn a_declined_request_is_gone_and_may_be_filed_again() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let link = stage.guarded_link(chat).await;
    let user = stage.user("Ann").await;
    stage.tap(user, &link).await;
    let who = json!({ "chat_id": chat, "user_id": user });
    stage.ok("declineChatJoinRequest", who.clone()).await;
    for method in ["declineChatJoinRequest", "approveChatJoinRequest"] {
        assert_eq!(
            stage.refused(method, who.clone()).await,
            "400 Bad Request: HIDE_REQUESTER_MISSING"
        );
    }
    assert_eq!(stage.tap(user, &link).await, "requested");
}

#[tokio::test]
async fn a_request_taken_back_or_decided_by_a_person_is_missing() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users").await;
    let link = stage.guarded_link(chat).await;
    let (ann, ben) = (stage.user("Ann").await, stage.user("Ben").await);
    stage.tap(ann, &link).await;
    stage.control("cancel_request", json!({ "user": ann, "chat_id": chat })).await;
    let who = json!({ "chat_id": chat, "user_id": ann });
    assert_eq!(
        stage.refused("approveChatJoinRequest", who).await,
        "400 Bad Request: HIDE_REQUESTER_MISSING"
    );
    stage.tap(ben, &link).await;
    stage.control("approve", json!({ "by": owner, "user": ben, "chat_id": chat })).await;
    assert_eq!(stage.status(chat, ben).await, "member");
}

#[tokio::test]
async fn the_bot_may_write_for_five_minutes_or_until_it_is_decided() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let link = stage.guarded_link(chat).await;
    let user = stage.user("Ann").await;
    let hello = json!({ "chat_id": user, "text": "hello" });
    assert_eq!(
        stage.refused("sendMessage", hello.clone()).await,
        "400 Bad Request: chat not found"
    );
    stage.tap(user, &link).await;
    stage.ok("sendMessage", hello.clone()).await;
    stage.advance(5 * 60_000);
    stage.ok("sendMessage", hello.clone()).await;
    stage.advance(1);
    let closed = "403 Forbidden: bot can't initiate conversation with a user";
    assert_eq!(stage.refused("sendMessage", hello.clone()).await, closed);

    let other = stage.user("Ben").await;
    stage.tap(other, &link).await;
    stage.ok("declineChatJoinRequest", json!({ "chat_id": chat, "user_id": other })).await;
    let hello = json!({ "chat_id": other, "text": "sorry" });
    assert_eq!(stage.refused("sendMessage", hello).await, closed);
}

#[tokio::test]
async fn a_limit_of_the_person_or_a_deleted_account_stops_the_approval() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let link = stage.guarded_link(chat).await;
    let full = json!({ "first_name": "Max", "in_too_many_chats": true });
    let full = stage.control("users", full).await["id"].as_i64().unwrap();
    stage.tap(full, &link).await;
    assert_eq!(
        stage.refused("approveChatJoinRequest", json!({ "chat_id": chat, "user_id": full })).await,
        "400 Bad Request: USER_CHANNELS_TOO_MUCH"
    );
    let gone = stage.user("Gil").await;
    stage.tap(gone, &link).await;
    stage.control("deactivate", json!({ "user": gone })).await;
    assert_eq!(
        stage.refused("approveChatJoinRequest", json!({ "chat_id": chat, "user_id": gone })).await,
        "403 Forbidden: user is deactivated"
    );
    assert_eq!(
        stage.refused("approveChatJoinRequest", json!({ "chat_id": chat, "user_id": 77 })).await,
        "400 Bad Request: USER_ID_INVALID"
    );
}

#[tokio::test]
async fn without_the_right_no_request_is_heard_of_or_decided() {
    let stage = stage().await;
    let (owner, chat) = stage.group("restrict_members").await;
    stage.hear_everything().await;
    let body = json!({ "by": owner, "chat_id": chat, "creates_join_request": true });
    let link = stage.control("link", body).await["invite_link"].as_str().unwrap().to_owned();
    let user = stage.user("Ann").await;
    assert_eq!(stage.tap(user, &link).await, "requested");
    assert!(stage.updates().await.is_empty());
    let who = json!({ "chat_id": chat, "user_id": user });
    for method in ["approveChatJoinRequest", "declineChatJoinRequest"] {
        assert_eq!(
            stage.refused(method, who.clone()).await,
            "400 Bad Request: not enough rights to manage chat join requests"
        );
    }
}

#[tokio::test]
async fn a_guard_bot_answers_within_ten_seconds() {
    let stage = stage().await;
    stage
        .running
        .world(|world, _| world.add_bot("200:test-token", "guard_bot", "", true, true))
        .unwrap();
    let owner = stage.user("Tara").await;
    let link = "https://t.me/guard_bot?startgroup=x&admin=invite_users";
    let made = stage.control("open", json!({ "user": owner, "link": link })).await;
    let chat = made["chat_id"].as_i64().unwrap();
    let body = json!({ "by": owner, "chat_id": chat, "creates_join_request": true });
    let link = stage.control("link", body).await["invite_link"].as_str().unwrap().to_owned();
    let call = |method: &'static str, body: serde_json::Value| {
        let args = telegram_simulator::Args::from_json(body.as_object().unwrap());
        stage.running.world(|world, now| world.call(now, "200:test-token", method, &args))
    };
    let mut query = Vec::new();
    for name in ["Ann", "Ben"] {
        let user = stage.user(name).await;
        stage.tap(user, &link).await;
        let updates = call("getUpdates", json!({ "offset": -1 })).unwrap();
        query
            .push((user, updates[0]["chat_join_request"]["query_id"].as_str().unwrap().to_owned()));
    }
    let answer = |id: &str| json!({ "chat_join_request_query_id": id, "result": "approve" });
    call("answerChatJoinRequestQuery", answer(&query[0].1)).unwrap();
    let group = stage.get(&format!("/control/groups/{chat}")).await;
    let ann = group["members"].as_array().unwrap().iter().find(|m| m["user"] == json!(query[0].0));
    assert_eq!(ann.unwrap()["status"], json!("member"));
    stage.advance(10_001);
    let late = call("answerChatJoinRequestQuery", answer(&query[1].1)).unwrap_err();
    assert!(late.description.starts_with("Bad Request: query is too old"));
}
