//! What goes over the wire, method by method: the name, and every field of the body.

use std::num::NonZeroU32;

use domain::ids::{ChatId, MessageId, UserId};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::server::{Scripted, Server, client};
use crate::{
    AllowedUpdate, Answer, BotApi, BotCommand, Button, ChatKind, ChatPermissions, LinkKind,
    MemberStatus, NewLink, NewMessage, NewPhoto, Telegram, TimeLimits,
};

const CHAT: ChatId = ChatId::new(-2001);
const USER: UserId = UserId::new(1001);

/// Makes a call to which the server answers with `result`; gives what the call gave, the method's
/// name and the body.
async fn call<T>(
    result: Value,
    make: impl AsyncFnOnce(&BotApi) -> Answer<T>,
) -> (T, String, Value) {
    let server = Server::start(Scripted::result(result)).await;
    let given = make(&client(&server.base, TimeLimits::default())).await.unwrap_or_else(|error| {
        panic!("the call failed: {error}");
    });
    let mut received = server.received();
    assert_eq!(received.len(), 1, "one call is one request");
    let request = received.remove(0);
    assert_eq!(request.method, "POST");
    assert_eq!(request.headers["content-type"], "application/json");
    let name = request.path.strip_prefix("/bot100:test-token/").unwrap().to_owned();
    (given, name, request.body)
}

/// As `call`, for calls that give nothing.
async fn tell(make: impl AsyncFnOnce(&BotApi) -> Answer<()>) -> (String, Value) {
    let ((), name, body) = call(json!(true), make).await;
    (name, body)
}

fn link_answer() -> Value {
    json!({ "invite_link": "https://t.me/+x", "creates_join_request": true, "is_primary": false })
}

#[tokio::test]
async fn the_bot_asks_who_it_is() {
    let answer =
        json!({ "id": 100, "is_bot": true, "first_name": "Usher", "username": "usher_bot" });
    let (me, name, body) = call(answer, async |api| api.get_me().await).await;
    assert_eq!((name.as_str(), body), ("getMe", json!({})));
    assert_eq!((me.id, me.is_bot), (UserId::new(100), true));
    assert_eq!(me.username.as_deref(), Some("usher_bot"));
}

#[tokio::test]
async fn a_group_is_looked_at() {
    let answer = json!({
        "id": -2001, "type": "supergroup", "title": "Signals",
        "permissions": { "can_send_messages": true, "can_invite_users": false },
    });
    let (chat, name, body) = call(answer, async |api| api.get_chat(CHAT).await).await;
    assert_eq!((name.as_str(), body), ("getChat", json!({ "chat_id": -2001 })));
    assert_eq!(
        (chat.id, chat.kind, chat.title.as_deref()),
        (CHAT, ChatKind::Supergroup, Some("Signals"))
    );
    let permissions = chat.permissions.unwrap();
    assert!(permissions.can_send_messages && !permissions.can_invite_users);

    let (count, name, body) =
        call(json!(7), async |api| api.get_chat_member_count(CHAT).await).await;
    assert_eq!((name.as_str(), body), ("getChatMemberCount", json!({ "chat_id": -2001 })));
    assert_eq!(count, 7);
}

#[tokio::test]
async fn a_member_is_looked_at() {
    let answer =
        json!({ "user": { "id": 1001, "is_bot": false, "first_name": "A" }, "status": "left" });
    let (member, name, body) =
        call(answer, async |api| api.get_chat_member(CHAT, USER).await).await;
    assert_eq!(name, "getChatMember");
    assert_eq!(body, json!({ "chat_id": -2001, "user_id": 1001 }));
    assert_eq!((member.user.id, member.status), (USER, MemberStatus::Left));
}

#[tokio::test]
async fn a_guarded_link_says_nothing_of_limits() {
    let link =
        NewLink { chat: CHAT, name: String::new(), kind: LinkKind::Guarded, expires_at: None };
    let (made, name, body) =
        call(link_answer(), async |api| api.create_invite_link(&link).await).await;
    assert_eq!(name, "createChatInviteLink");
    assert_eq!(body, json!({ "chat_id": -2001, "creates_join_request": true }));
    assert_eq!(made.invite_link, "https://t.me/+x");
    assert!(made.creates_join_request && made.member_limit.is_none() && made.expires_at.is_none());
}

#[tokio::test]
async fn a_limited_link_says_nothing_of_join_requests() {
    let link = NewLink {
        chat: CHAT,
        name: "Guest".to_owned(),
        kind: LinkKind::MemberLimit(NonZeroU32::MIN),
        expires_at: Some(Timestamp::from_millisecond(1_700_000_000_900).unwrap()),
    };
    let (_, name, body) =
        call(link_answer(), async |api| api.create_invite_link(&link).await).await;
    assert_eq!(name, "createChatInviteLink");
    assert_eq!(
        body,
        json!({
            "chat_id": -2001, "name": "Guest", "member_limit": 1, "expire_date": 1_700_000_000,
        })
    );
}

#[tokio::test]
async fn a_link_is_revoked() {
    let ((), name, body) =
        call(link_answer(), async |api| api.revoke_invite_link(CHAT, "https://t.me/+x").await)
            .await;
    assert_eq!(name, "revokeChatInviteLink");
    assert_eq!(body, json!({ "chat_id": -2001, "invite_link": "https://t.me/+x" }));
}

#[tokio::test]
async fn join_requests_are_answered() {
    let member = json!({ "chat_id": -2001, "user_id": 1001 });
    let approved = tell(async |api| api.approve_join_request(CHAT, USER).await).await;
    assert_eq!(approved, ("approveChatJoinRequest".to_owned(), member.clone()));
    let declined = tell(async |api| api.decline_join_request(CHAT, USER).await).await;
    assert_eq!(declined, ("declineChatJoinRequest".to_owned(), member));
}

#[tokio::test]
async fn a_removal_is_an_unban_that_is_not_only_for_the_banned() {
    let removed = tell(async |api| api.remove_member(CHAT, USER).await).await;
    let body = json!({ "chat_id": -2001, "user_id": 1001 });
    assert_eq!(removed, ("unbanChatMember".to_owned(), body));
}

#[tokio::test]
async fn a_plain_message_is_three_fields() {
    let message = NewMessage::new(CHAT, "<b>BUY</b>");
    let answer = json!({ "message_id": 5, "chat": { "id": -2001 }, "date": 1_700_000_000 });
    let (id, name, body) = call(answer, async |api| api.send_message(&message).await).await;
    assert_eq!(name, "sendMessage");
    assert_eq!(body, json!({ "chat_id": -2001, "text": "<b>BUY</b>", "parse_mode": "HTML" }));
    assert_eq!(id, MessageId::new(5));
}

#[tokio::test]
async fn a_full_message_has_reply_buttons_and_silence() {
    let button = Button { text: "Renew".to_owned(), url: "https://example.org/r".to_owned() };
    let message = NewMessage {
        reply_to: Some(MessageId::new(4)),
        buttons: vec![vec![button]],
        silent: true,
        ..NewMessage::new(CHAT, "text")
    };
    let (_, _, body) =
        call(json!({ "message_id": 5 }), async |api| api.send_message(&message).await).await;
    assert_eq!(
        body,
        json!({
            "chat_id": -2001,
            "text": "text",
            "parse_mode": "HTML",
            "reply_parameters": { "message_id": 4 },
            "reply_markup": {
                "inline_keyboard": [[{ "text": "Renew", "url": "https://example.org/r" }]],
            },
            "disable_notification": true,
        })
    );
}

#[tokio::test]
async fn a_photo_is_fetched_by_telegram() {
    let mut photo = NewPhoto {
        chat: CHAT,
        url: "https://example.org/p.png".to_owned(),
        caption_html: "text".to_owned(),
        reply_to: Some(MessageId::new(4)),
    };
    let answer = json!({ "message_id": 6 });
    let (id, name, body) = call(answer.clone(), async |api| api.send_photo(&photo).await).await;
    assert_eq!(name, "sendPhoto");
    assert_eq!(
        body,
        json!({
            "chat_id": -2001,
            "photo": "https://example.org/p.png",
            "caption": "text",
            "parse_mode": "HTML",
            "reply_parameters": { "message_id": 4 },
        })
    );
    assert_eq!(id, MessageId::new(6));

    photo.caption_html.clear();
    photo.reply_to = None;
    let (_, _, body) = call(answer, async |api| api.send_photo(&photo).await).await;
    assert_eq!(
        body,
        json!({ "chat_id": -2001, "photo": "https://example.org/p.png", "parse_mode": "HTML" })
    );
}

#[tokio::test]
async fn a_group_is_set_up() {
    let titled = tell(async |api| api.set_chat_title(CHAT, "Signals").await).await;
    let body = json!({ "chat_id": -2001, "title": "Signals" });
    assert_eq!(titled, ("setChatTitle".to_owned(), body));

    let described = tell(async |api| api.set_chat_description(CHAT, "Daily").await).await;
    let body = json!({ "chat_id": -2001, "description": "Daily" });
    assert_eq!(described, ("setChatDescription".to_owned(), body));

    let cleared = tell(async |api| api.set_chat_description(CHAT, "").await).await;
    assert_eq!(cleared, ("setChatDescription".to_owned(), json!({ "chat_id": -2001 })));

    let left = tell(async |api| api.leave_chat(CHAT).await).await;
    assert_eq!(left, ("leaveChat".to_owned(), json!({ "chat_id": -2001 })));
}

#[tokio::test]
async fn permissions_are_said_in_full_so_that_none_follows_from_another() {
    let permissions = ChatPermissions { can_send_messages: true, ..ChatPermissions::default() };
    let (name, body) = tell(async |api| api.set_chat_permissions(CHAT, &permissions).await).await;
    assert_eq!(name, "setChatPermissions");
    assert_eq!(
        body,
        json!({
            "chat_id": -2001,
            "use_independent_chat_permissions": true,
            "permissions": {
                "can_send_messages": true,
                "can_send_audios": false,
                "can_send_documents": false,
                "can_send_photos": false,
                "can_send_videos": false,
                "can_send_video_notes": false,
                "can_send_voice_notes": false,
                "can_send_polls": false,
                "can_send_other_messages": false,
                "can_add_web_page_previews": false,
                "can_react_to_messages": false,
                "can_edit_tag": false,
                "can_change_info": false,
                "can_invite_users": false,
                "can_pin_messages": false,
                "can_manage_topics": false,
            },
        })
    );
}

#[tokio::test]
async fn the_webhook_names_every_kind_that_can_be_read() {
    let (name, body) = tell(async |api| {
        api.set_webhook("https://example.org/hook", "webhook-secret", &AllowedUpdate::ALL).await
    })
    .await;
    assert_eq!(name, "setWebhook");
    assert_eq!(
        body,
        json!({
            "url": "https://example.org/hook",
            "secret_token": "webhook-secret",
            "allowed_updates": [
                "message", "my_chat_member", "chat_member", "chat_join_request", "callback_query",
            ],
        })
    );
}

#[tokio::test]
async fn commands_and_taps_are_answered() {
    let commands = [BotCommand { command: "start".to_owned(), description: "Begin".to_owned() }];
    let set = tell(async |api| api.set_my_commands(&commands, None).await).await;
    let mut body = json!({ "commands": [{ "command": "start", "description": "Begin" }] });
    assert_eq!(set, ("setMyCommands".to_owned(), body.clone()));
    let german = tell(async |api| api.set_my_commands(&commands, Some("de")).await).await;
    body["language_code"] = json!("de");
    assert_eq!(german.1, body);

    let silent = tell(async |api| api.answer_callback_query("q1", None).await).await;
    assert_eq!(silent, ("answerCallbackQuery".to_owned(), json!({ "callback_query_id": "q1" })));

    let spoken = tell(async |api| api.answer_callback_query("q1", Some("Done")).await).await;
    assert_eq!(spoken.1, json!({ "callback_query_id": "q1", "text": "Done" }));
}

#[tokio::test]
async fn a_base_url_may_have_a_path_and_a_slash() {
    let server = Server::start(Scripted::result(json!(3))).await;
    let api = client(&format!("{}/some/path/", server.base), TimeLimits::default());
    assert_eq!(api.get_chat_member_count(CHAT).await, Ok(3));
    assert_eq!(server.received()[0].path, "/some/path/bot100:test-token/getChatMemberCount");
}

#[tokio::test]
async fn calls_share_a_connection() {
    let server = Server::start(Scripted::result(json!(3))).await;
    let api = client(&server.base, TimeLimits::default());
    for _ in 0..3 {
        assert_eq!(api.get_chat_member_count(CHAT).await, Ok(3));
    }
    let received = server.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|request| request.from == received[0].from));
}

#[test]
fn futures_of_generic_code_can_move_between_threads() {
    async fn handler<T: Telegram>(telegram: &T) -> Answer<()> {
        telegram.send_message(&NewMessage::new(CHAT, "text")).await?;
        telegram.leave_chat(CHAT).await
    }
    fn can_move<F: Future + Send>(future: F) -> F {
        future
    }
    drop(can_move(handler(&client("http://127.0.0.1:1", TimeLimits::default()))));
}
