//! Writing, replying, changing, deleting.

use serde_json::json;

use crate::stage::{BOT, START, stage};

#[tokio::test]
async fn a_message_in_html_comes_back_as_text_and_entities() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let body = json!({ "chat_id": chat, "text": "<b>BUY</b> EURUSD\nEntry: 1.10000", "parse_mode": "HTML",
                       "link_preview_options": { "is_disabled": true } });
    let sent = stage.ok("sendMessage", body).await;
    assert_eq!(sent["text"], json!("BUY EURUSD\nEntry: 1.10000"));
    assert_eq!(sent["entities"], json!([{ "type": "bold", "offset": 0, "length": 3 }]));
    assert_eq!(sent["from"]["id"], json!(BOT));
    assert_eq!(sent["date"], json!(START / 1000));
    assert_eq!(sent["chat"]["type"], json!("supergroup"));
    assert_eq!(sent["link_preview_options"], json!({ "is_disabled": true }));
    assert!(sent.get("edit_date").is_none() && sent.get("reply_to_message").is_none());
}

#[tokio::test]
async fn texts_that_telegram_refuses_are_refused() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let cases = [
        (json!({ "text": "" }), "message text is empty"),
        (json!({ "text": " \n " }), "text must be non-empty"),
        (json!({ "text": "x".repeat(4097) }), "message is too long"),
        (json!({ "text": "x", "parse_mode": "BBCode" }), "unsupported parse_mode"),
        (
            json!({ "text": "<i>x", "parse_mode": "HTML" }),
            "can't parse entities: Can't find end tag corresponding to start tag \"i\"",
        ),
        (
            json!({ "text": "Entry: 1.5", "parse_mode": "MarkdownV2" }),
            "can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'",
        ),
        (
            json!({ "text": "x", "reply_markup": { "inline_keyboard": [[{ "text": "a" }]] } }),
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            json!({ "text": "x", "reply_markup": { "inline_keyboard": [[{ "text": "a", "callback_data": "x".repeat(65) }]] } }),
            "BUTTON_DATA_INVALID",
        ),
    ];
    for (mut body, why) in cases {
        body["chat_id"] = json!(chat);
        assert_eq!(stage.refused("sendMessage", body).await, format!("400 Bad Request: {why}"));
    }
}

#[tokio::test]
async fn a_reply_shows_what_it_answers_and_to_nothing_it_is_refused_or_sent_alone() {
    let stage = stage().await;
    let (_, chat) = stage.group("delete_messages").await;
    let first = stage.ok("sendMessage", json!({ "chat_id": chat, "text": "BUY" })).await;
    let id = first["message_id"].as_i64().unwrap();
    let reply =
        json!({ "chat_id": chat, "text": "CLOSE", "reply_parameters": { "message_id": id } });
    let sent = stage.ok("sendMessage", reply.clone()).await;
    assert_eq!(sent["reply_to_message"]["message_id"], json!(id));
    assert_eq!(sent["message_id"], json!(id + 1));
    stage.ok("deleteMessage", json!({ "chat_id": chat, "message_id": id })).await;
    let gone = "400 Bad Request: message to be replied not found";
    assert_eq!(stage.refused("sendMessage", reply).await, gone);
    let old = json!({ "chat_id": chat, "text": "CLOSE", "reply_to_message_id": id });
    assert_eq!(stage.refused("sendMessage", old).await, gone);
    let alone = json!({ "chat_id": chat, "text": "CLOSE",
                        "reply_parameters": { "message_id": id, "allow_sending_without_reply": true } });
    assert!(stage.ok("sendMessage", alone).await.get("reply_to_message").is_none());
}

#[tokio::test]
async fn a_photo_is_sent_by_its_address() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let body = |photo: &str, caption: &str| json!({ "chat_id": chat, "photo": photo, "caption": caption, "parse_mode": "HTML" });
    let sent = stage.ok("sendPhoto", body("https://example.com/chart.png", "<b>Chart</b>")).await;
    assert_eq!(sent["caption"], json!("Chart"));
    assert_eq!(sent["caption_entities"][0]["type"], json!("bold"));
    assert!(sent["photo"][0]["file_id"].is_string());
    let cases = [
        ("https://example.com/a.invalid.jpg?x=1", "", "wrong file identifier/HTTP URL specified"),
        ("https://example.com/a.missing.jpg", "", "failed to get HTTP URL content"),
        ("chart", "", "wrong file identifier/HTTP URL specified"),
        ("", "", "there is no photo in the request"),
        ("https://example.com/chart.png", &"x".repeat(1025), "message caption is too long"),
    ];
    for (photo, caption, why) in cases {
        assert_eq!(
            stage.refused("sendPhoto", body(photo, caption)).await,
            format!("400 Bad Request: {why}")
        );
    }
}

#[tokio::test]
async fn a_message_is_changed_only_by_who_wrote_it_and_only_to_something_else() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users").await;
    let sent = stage.ok("sendMessage", json!({ "chat_id": chat, "text": "one" })).await;
    let edit = |id: &serde_json::Value, text: &str| json!({ "chat_id": chat, "message_id": id, "text": text });
    stage.advance(5_000);
    let changed = stage.ok("editMessageText", edit(&sent["message_id"], "two")).await;
    assert_eq!(
        (&changed["text"], &changed["edit_date"]),
        (&json!("two"), &json!(START / 1000 + 5))
    );
    let same = stage.refused("editMessageText", edit(&sent["message_id"], "two")).await;
    assert!(same.starts_with("400 Bad Request: message is not modified"));
    let theirs = json!({ "user": owner, "chat_id": chat, "text": "mine" });
    let theirs = stage.control("message", theirs).await;
    assert_eq!(
        stage.refused("editMessageText", edit(&theirs["message_id"], "x")).await,
        "400 Bad Request: message can't be edited"
    );
    assert_eq!(
        stage.refused("editMessageText", edit(&json!(999), "x")).await,
        "400 Bad Request: message to edit not found"
    );
}

#[tokio::test]
async fn own_messages_can_be_deleted_for_two_days_and_others_only_with_the_right() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users").await;
    let send = || stage.ok("sendMessage", json!({ "chat_id": chat, "text": "x" }));
    let delete = |id: &serde_json::Value| json!({ "chat_id": chat, "message_id": id });
    let (first, second) = (send().await, send().await);
    stage.ok("deleteMessage", delete(&first["message_id"])).await;
    assert_eq!(
        stage.refused("deleteMessage", delete(&first["message_id"])).await,
        "400 Bad Request: message to delete not found"
    );
    stage.advance(48 * 3_600_000);
    let refused = "400 Bad Request: message can't be deleted for everyone";
    assert_eq!(stage.refused("deleteMessage", delete(&second["message_id"])).await, refused);
    let theirs = json!({ "user": owner, "chat_id": chat, "text": "mine" });
    let theirs = stage.control("message", theirs).await;
    assert_eq!(stage.refused("deleteMessage", delete(&theirs["message_id"])).await, refused);
    stage
        .control("promote", json!({ "by": owner, "chat_id": chat, "add": ["delete_messages"] }))
        .await;
    stage.ok("deleteMessage", delete(&theirs["message_id"])).await;
    stage.ok("deleteMessage", delete(&second["message_id"])).await;
}

#[tokio::test]
async fn a_silenced_bot_is_refused_by_what_it_wants_to_send() {
    let stage = stage().await;
    let (owner, chat) = stage.group("restrict_members").await;
    let body = json!({ "chat_id": chat, "permissions": { "can_send_photos": true } });
    stage.ok("setChatPermissions", body).await;
    stage.ok("sendMessage", json!({ "chat_id": chat, "text": "an administrator may" })).await;
    stage.control("promote", json!({ "by": owner, "chat_id": chat, "rights": [] })).await;
    assert_eq!(
        stage.refused("sendMessage", json!({ "chat_id": chat, "text": "x" })).await,
        "400 Bad Request: not enough rights to send text messages to the chat"
    );
    stage.ok("sendPhoto", json!({ "chat_id": chat, "photo": "https://example.com/a.jpg" })).await;
}

#[tokio::test]
async fn a_person_who_rewrites_a_message_is_heard_as_an_edit() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users").await;
    let said = json!({ "user": owner, "chat_id": chat, "text": "tpyo" });
    let said = stage.control("message", said).await;
    stage.updates().await;
    let body =
        json!({ "user": owner, "chat_id": chat, "message_id": said["message_id"], "text": "typo" });
    stage.control("edit", body).await;
    assert_eq!(stage.updates_of("edited_message").await[0]["text"], json!("typo"));
}
