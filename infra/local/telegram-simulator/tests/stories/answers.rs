//! The envelope, the ways to give arguments, and who may call at all.

use axum::http::Request;
use http_body_util::Full;
use serde_json::json;

use crate::stage::{BOT, TOKEN, stage};

#[tokio::test]
async fn a_bot_learns_who_it_is() {
    let stage = stage().await;
    let me = stage.ok("getMe", json!({})).await;
    assert_eq!(me["id"], json!(BOT));
    assert_eq!(me["username"], json!("usher_bot"));
    assert_eq!(me["can_read_all_group_messages"], json!(false));
}

#[tokio::test]
async fn a_wrong_token_is_unauthorized_and_an_unknown_method_is_not_found() {
    let stage = stage().await;
    let url = format!("{}/bot100:wrong/getMe", stage.running.base_url);
    let answer = stage.send(Request::get(url).body(Full::default()).unwrap()).await.unwrap();
    assert_eq!(
        answer.json(),
        json!({ "ok": false, "error_code": 401, "description": "Unauthorized" })
    );
    assert_eq!(stage.refused("getWeather", json!({})).await, "404 Not Found");
    let url = format!("{}/elsewhere", stage.running.base_url);
    let answer = stage.send(Request::get(url).body(Full::default()).unwrap()).await.unwrap();
    assert_eq!(answer.code, 404);
}

#[tokio::test]
async fn arguments_come_by_query_form_or_json_with_numbers_as_text_or_not() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let base = format!("{}/bot{TOKEN}", stage.running.base_url);
    let query = Request::get(format!("{base}/sendMessage?chat_id={chat}&text=by+query"));
    let form = Request::post(format!("{base}/SENDMESSAGE"))
        .header("content-type", "application/x-www-form-urlencoded");
    let requests = [
        query.body(Full::default()).unwrap(),
        form.body(Full::from(format!("chat_id={chat}&text=by%20form"))).unwrap(),
    ];
    for request in requests {
        let answer = stage.send(request).await.unwrap();
        assert_eq!(answer.code, 200, "{}", answer.text);
    }
    stage.ok("sendMessage", json!({ "chat_id": chat.to_string(), "text": "text id" })).await;
    stage.ok("sendMessage", json!({ "chat_id": chat, "text": "number id" })).await;
    let group = stage.get(&format!("/control/groups/{chat}")).await;
    let texts: Vec<_> =
        group["messages"].as_array().unwrap().iter().filter_map(|m| m["text"].as_str()).collect();
    assert_eq!(texts, ["/start@usher_bot abc", "by query", "by form", "text id", "number id"]);
}

#[tokio::test]
async fn files_by_multipart_are_refused_in_so_many_words() {
    let stage = stage().await;
    let url = format!("{}/bot{TOKEN}/sendPhoto", stage.running.base_url);
    let request = Request::post(url).header("content-type", "multipart/form-data; boundary=x");
    let answer = stage.send(request.body(Full::from("--x--")).unwrap()).await.unwrap();
    assert_eq!(answer.code, 400);
    assert!(answer.text.contains("multipart/form-data is not modelled"));
}

#[tokio::test]
async fn a_misspelt_argument_is_refused_here_though_telegram_would_ignore_it() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    assert_eq!(
        stage.refused("sendMessage", json!({ "chat_id": chat, "txt": "x" })).await,
        "400 Bad Request: unknown argument \"txt\""
    );
    assert_eq!(
        stage
            .refused(
                "sendMessage",
                json!({ "chat_id": chat, "text": "x", "reply_parameters": { "mesage_id": 1 } })
            )
            .await,
        "400 Bad Request: unknown argument \"reply_parameters.mesage_id\""
    );
    assert_eq!(
        stage.refused("sendMessage", json!({ "chat_id": chat, "text": "x", "entities": [] })).await,
        "400 Bad Request: argument \"entities\" is not modelled"
    );
}

#[tokio::test]
async fn missing_and_ill_typed_arguments_are_refused() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let cases = [
        ("sendMessage", json!({ "text": "x" }), "chat_id is empty"),
        ("sendMessage", json!({ "chat_id": "@nobody", "text": "x" }), "chat not found"),
        ("sendMessage", json!({ "chat_id": chat }), "message text is empty"),
        ("getChatMember", json!({ "chat_id": chat }), "invalid user_id specified"),
        ("getChatMember", json!({ "chat_id": chat, "user_id": "x" }), "invalid user_id specified"),
        ("deleteMessage", json!({ "chat_id": chat }), "message identifier is not specified"),
        (
            "createChatInviteLink",
            json!({ "chat_id": chat, "expire_date": "soon" }),
            "expire_date is not a valid Integer",
        ),
        (
            "createChatInviteLink",
            json!({ "chat_id": chat, "creates_join_request": "perhaps" }),
            "creates_join_request must be a Boolean",
        ),
    ];
    for (method, body, why) in cases {
        assert_eq!(stage.refused(method, body).await, format!("400 Bad Request: {why}"));
    }
}

#[tokio::test]
async fn the_call_log_shows_everything_but_secrets() {
    let stage = stage().await;
    stage
        .ok("setWebhook", json!({ "url": "http://127.0.0.1:9/x", "secret_token": "hush-hush" }))
        .await;
    stage.refused("sendMessage", json!({ "chat_id": 5, "text": "x" })).await;
    let calls = stage.get("/control/calls").await;
    assert_eq!(calls[0]["method"], json!("setWebhook"));
    assert_eq!(calls[0]["args"]["secret_token"], json!("[secret]"));
    assert_eq!(calls[1]["code"], json!(400));
    assert_eq!(calls[1]["description"], json!("Bad Request: chat not found"));
    for path in ["/control/calls", "/control/state"] {
        let text = stage.get(path).await.to_string();
        assert!(!text.contains("test-token") && !text.contains("hush-hush"));
    }
    let only = stage.get("/control/calls?method=sendMessage&code=400").await;
    assert_eq!(only.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn commands_are_checked_and_kept_by_scope() {
    let stage = stage().await;
    let commands = json!([{ "command": "help", "description": "What to do" }]);
    stage.ok("setMyCommands", json!({ "commands": commands })).await;
    assert_eq!(stage.ok("getMyCommands", json!({})).await, commands);
    let scope = json!({ "type": "all_private_chats" });
    assert_eq!(stage.ok("getMyCommands", json!({ "scope": scope })).await, json!([]));
    let bad = json!([{ "command": "Help!", "description": "x" }]);
    assert_eq!(
        stage.refused("setMyCommands", json!({ "commands": bad })).await,
        "400 Bad Request: BOT_COMMAND_INVALID"
    );
}

#[tokio::test]
async fn the_page_and_the_health_check_are_there() {
    let stage = stage().await;
    for (path, part) in [("/", "Telegram simulator"), ("/health", "ok")] {
        let url = format!("{}{path}", stage.running.base_url);
        let answer = stage.send(Request::get(url).body(Full::default()).unwrap()).await.unwrap();
        assert_eq!(answer.code, 200);
        assert!(answer.text.contains(part));
    }
}

#[tokio::test]
async fn a_reset_forgets_people_and_groups_but_not_the_bot() {
    let stage = stage().await;
    stage.group("invite_users").await;
    stage.control("reset", json!({})).await;
    let state = stage.get("/control/state").await;
    assert_eq!(state["groups"], json!([]));
    assert_eq!(state["users"], json!([]));
    stage.ok("getMe", json!({})).await;
}

#[tokio::test]
async fn only_this_machine_is_listened_to() {
    let config = telegram_simulator::Config {
        listen: ([0, 0, 0, 0], 0).into(),
        ..telegram_simulator::Config::default()
    };
    assert!(telegram_simulator::Simulator::start(config).await.is_err());
}
