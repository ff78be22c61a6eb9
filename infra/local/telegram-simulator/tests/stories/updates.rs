//! Who hears of what.

use serde_json::{Value, json};

use crate::stage::{BOT, Stage, stage};

async fn texts(stage: &Stage) -> Vec<String> {
    let messages = stage.updates_of("message").await;
    messages.iter().filter_map(|message| message["text"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn chat_member_does_not_come_by_default_but_my_chat_member_does() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users").await;
    stage.member("Ann", chat, owner).await;
    let updates = stage.updates().await;
    assert!(updates.iter().all(|update| update.get("chat_member").is_none()));
    let own = updates.iter().find_map(|update| update.get("my_chat_member")).unwrap();
    assert_eq!(own["from"]["id"], json!(owner));
    assert_eq!(own["new_chat_member"]["user"]["id"], json!(BOT));
    assert_eq!(own["old_chat_member"]["status"], json!("left"));
    assert_eq!(own["new_chat_member"]["can_invite_users"], json!(true));
    assert_eq!(own["new_chat_member"]["can_restrict_members"], json!(false));
}

#[tokio::test]
async fn what_is_asked_for_is_sent_and_unknown_names_are_dropped_in_silence() {
    let stage = stage().await;
    let body =
        json!({ "url": "http://127.0.0.1:9/", "allowed_updates": ["chat_member", "weather"] });
    stage.ok("setWebhook", body).await;
    let info = stage.ok("getWebhookInfo", json!({})).await;
    assert_eq!(info["allowed_updates"], json!(["chat_member"]));
    // Not given: as before. An empty list: the default again.
    stage.ok("setWebhook", json!({ "url": "http://127.0.0.1:9/" })).await;
    assert_eq!(
        stage.ok("getWebhookInfo", json!({})).await["allowed_updates"],
        json!(["chat_member"])
    );
    stage.ok("setWebhook", json!({ "url": "http://127.0.0.1:9/", "allowed_updates": [] })).await;
    assert!(stage.ok("getWebhookInfo", json!({})).await.get("allowed_updates").is_none());
}

#[tokio::test]
async fn a_bot_that_is_no_administrator_hears_of_no_other_members() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users").await;
    stage.hear_everything().await;
    stage.control("promote", json!({ "by": owner, "chat_id": chat, "rights": [] })).await;
    stage.updates().await;
    let user = stage.member("Ann", chat, owner).await;
    let updates = stage.updates().await;
    assert!(updates.iter().all(|update| update.get("chat_member").is_none()));
    // The service message is for everyone.
    assert_eq!(updates[0]["message"]["new_chat_members"][0]["id"], json!(user));
}

#[tokio::test]
async fn privacy_mode_lets_through_what_is_meant_for_the_bot() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users").await;
    let say = |text: &'static str, reply_to: Option<i64>| {
        let body = json!({ "user": owner, "chat_id": chat, "text": text, "reply_to": reply_to });
        stage.control("message", body)
    };
    stage.updates().await;
    say("an administrator hears everything", None).await;
    assert_eq!(texts(&stage).await.len(), 1);
    stage.control("promote", json!({ "by": owner, "chat_id": chat, "rights": [] })).await;
    stage.updates().await;
    say("small talk", None).await;
    say("/help", None).await;
    say("/help@other_bot", None).await;
    say("/help@Usher_Bot now", None).await;
    assert_eq!(texts(&stage).await, ["/help@Usher_Bot now"]);
    let said = stage.ok("sendMessage", json!({ "chat_id": chat, "text": "here" })).await;
    say("a reply", said["message_id"].as_i64()).await;
    say("/help", None).await;
    say("more small talk", None).await;
    assert_eq!(texts(&stage).await, ["a reply", "/help"]);
}

#[tokio::test]
async fn a_bot_does_not_hear_itself() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users+change_info").await;
    stage.updates().await;
    stage.ok("sendMessage", json!({ "chat_id": chat, "text": "me" })).await;
    assert!(stage.updates().await.is_empty());
    // Of its own doings it hears the new title.
    stage.ok("setChatTitle", json!({ "chat_id": chat, "title": "New" })).await;
    assert_eq!(stage.updates_of("message").await[0]["new_chat_title"], json!("New"));
}

#[tokio::test]
async fn start_in_private_opens_the_chat_and_a_block_closes_it() {
    let stage = stage().await;
    let user = stage.user("Ann").await;
    let hello = json!({ "chat_id": user, "text": "hello" });
    assert_eq!(
        stage.refused("sendMessage", hello.clone()).await,
        "400 Bad Request: chat not found"
    );
    assert_eq!(stage.tap(user, "https://t.me/usher_bot?start=abc_1-2").await, "started");
    let update = &stage.updates_of("message").await[0];
    assert_eq!(update["text"], json!("/start abc_1-2"));
    assert_eq!(update["chat"], json!({ "id": user, "first_name": "Ann", "type": "private" }));
    assert_eq!(update["entities"], json!([{ "type": "bot_command", "offset": 0, "length": 6 }]));
    stage.ok("sendMessage", hello.clone()).await;
    stage.control("block", json!({ "user": user })).await;
    assert_eq!(
        stage.refused("sendMessage", hello.clone()).await,
        "403 Forbidden: bot was blocked by the user"
    );
    assert_eq!(
        stage.updates_of("my_chat_member").await[0]["new_chat_member"]["status"],
        json!("kicked")
    );
    stage.control("unblock", json!({ "user": user })).await;
    stage.ok("sendMessage", hello.clone()).await;
    stage.control("deactivate", json!({ "user": user })).await;
    assert_eq!(stage.refused("sendMessage", hello).await, "403 Forbidden: user is deactivated");
    let shown = stage.get(&format!("/control/users/{user}/messages")).await;
    assert_eq!(shown[0]["messages"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_member_of_a_group_who_never_pressed_start_cannot_be_written_to() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users").await;
    stage.hear_everything().await;
    let user = stage.member("Ann", chat, owner).await;
    assert_eq!(
        stage.refused("sendMessage", json!({ "chat_id": user, "text": "hello" })).await,
        "403 Forbidden: bot can't initiate conversation with a user"
    );
}

#[tokio::test]
async fn a_payload_outside_its_alphabet_is_no_link() {
    let stage = stage().await;
    let user = stage.user("Ann").await;
    for payload in ["", "a.b", &"x".repeat(65)] {
        let body =
            json!({ "user": user, "link": format!("https://t.me/usher_bot?start={payload}") });
        assert_eq!(
            stage.control_refused("open", body).await,
            "a payload is 1 to 64 of A-Z a-z 0-9 _ -"
        );
    }
}

#[tokio::test]
async fn a_button_calls_back_once() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users").await;
    let keyboard = json!({ "inline_keyboard": [[{ "text": "Yes", "callback_data": "yes" }]] });
    let body = json!({ "chat_id": chat, "text": "Sure?", "reply_markup": keyboard });
    let sent = stage.ok("sendMessage", body).await;
    assert_eq!(sent["reply_markup"], keyboard);
    stage.updates().await;
    let press = |data: &str| json!({ "user": owner, "chat_id": chat, "message_id": sent["message_id"], "data": data });
    assert_eq!(
        stage.control_refused("callback", press("no")).await,
        "the message has no such button"
    );
    stage.control("callback", press("yes")).await;
    let query = stage.updates_of("callback_query").await.remove(0);
    assert_eq!(query["data"], json!("yes"));
    assert_eq!(query["from"]["id"], json!(owner));
    assert_eq!(query["message"]["message_id"], sent["message_id"]);
    let answer = json!({ "callback_query_id": query["id"], "text": "Done" });
    stage.ok("answerCallbackQuery", answer.clone()).await;
    let shown = stage.get(&format!("/control/callbacks/{}", query["id"].as_str().unwrap())).await;
    assert_eq!(shown["answer"]["text"], json!("Done"));
    assert_eq!(
        stage.refused("answerCallbackQuery", answer).await,
        "400 Bad Request: query is too old and response timeout expired or query ID is invalid"
    );
}

#[tokio::test]
async fn get_updates_confirms_what_lies_before_its_offset() {
    let stage = stage().await;
    let user = stage.user("Ann").await;
    for text in ["one", "two", "three"] {
        stage.control("message", json!({ "user": user, "text": text })).await;
    }
    let all = stage.ok("getUpdates", json!({})).await;
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_eq!(stage.ok("getUpdates", json!({ "limit": 1 })).await[0], all[0]);
    let offset = all[1]["update_id"].clone();
    let rest = stage.ok("getUpdates", json!({ "offset": offset })).await;
    assert_eq!(rest, Value::from(all.as_array().unwrap()[1..].to_vec()));
    assert_eq!(stage.ok("getUpdates", json!({ "offset": -1 })).await, json!([all[2]]));
    assert_eq!(stage.ok("getUpdates", json!({})).await, json!([all[2]]));
}

#[tokio::test]
async fn get_updates_waits_for_something_to_come() {
    let stage = stage().await;
    let user = stage.user("Ann").await;
    let poll = stage.ok("getUpdates", json!({ "timeout": 30 }));
    let say = async {
        tokio::task::yield_now().await;
        stage.control("message", json!({ "user": user, "text": "now" })).await
    };
    let (updates, _) = tokio::join!(poll, say);
    assert_eq!(updates[0]["message"]["text"], json!("now"));
}
