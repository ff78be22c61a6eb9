//! What every Telegram has to do: the client over HTTP and the one in memory read the same answers
//! the same way, and send the same arguments.

use std::num::NonZeroU32;

use domain::ids::{ChatId, MessageId, UserId};
use serde_json::{Value, json};
use telegram::{
    AllowedUpdate, BotCommand, Button, CallError, ChatPermissions, LinkKind, MemberStatus, NewLink,
    NewMessage, NewPhoto, Right, Telegram, html,
};

use crate::MemoryTelegram;

/// Every right that matters, as a set-up link names them.
const RIGHTS: &str = "invite_users+restrict_members+delete_messages+pin_messages+change_info";

/// A Telegram with people to play with.
pub trait TelegramStage {
    /// Does what a person or a test does: see [`MemoryTelegram::control`].
    fn control(&self, what: &str, body: Value) -> Value;

    /// The calls that were made, as the simulator shows them.
    fn calls(&self) -> Value;
}

impl TelegramStage for MemoryTelegram {
    fn control(&self, what: &str, body: Value) -> Value {
        Self::control(self, what, body)
    }

    fn calls(&self) -> Value {
        self.look(telegram_simulator::World::calls)
    }
}

/// Runs all checks; answers with the calls that they made (method, arguments, outcome), which are
/// to be the same for every implementation.
///
/// # Panics
/// When it does not do what it should.
pub async fn telegram(telegram: &impl Telegram, stage: &impl TelegramStage) -> Vec<Value> {
    // Limits are told by faults here: how quick the machine is must not matter.
    stage.control("flood", json!({ "mode": "off" }));
    looking(telegram, stage).await;
    joining(telegram, stage).await;
    removing(telegram, stage).await;
    writing(telegram, stage).await;
    arranging(telegram, stage).await;
    rights(telegram, stage).await;
    failing(telegram, stage).await;
    moving(telegram, stage).await;
    settings(telegram, stage).await;
    let calls = stage.calls();
    let calls = calls.as_array().into_iter().flatten();
    calls
        .map(|call| {
            let part = |name: &str| call.get(name).cloned().unwrap_or_default();
            json!([part("method"), part("args"), part("code"), part("description")])
        })
        .collect()
}

fn number(made: &Value, name: &str) -> i64 {
    made.get(name).and_then(Value::as_i64).unwrap_or_default()
}

fn person(stage: &impl TelegramStage, name: &str) -> UserId {
    UserId::new(number(&stage.control("users", json!({ "first_name": name })), "id"))
}

/// A group with its owner, in which the bot has these rights.
fn group(stage: &impl TelegramStage, kind: &str, rights: &str) -> (ChatId, UserId) {
    let owner = person(stage, "Tara");
    let link = format!("https://t.me/usher_bot?startgroup=abc&admin={rights}");
    let body = json!({ "user": owner.get(), "link": link, "title": "Room", "kind": kind });
    (ChatId::new(number(&stage.control("open", body), "chat_id")), owner)
}

fn member(stage: &impl TelegramStage, chat: ChatId, owner: UserId, name: &str) -> UserId {
    let user = person(stage, name);
    let body = json!({ "by": owner.get(), "user": user.get(), "chat_id": chat.get() });
    stage.control("add", body);
    user
}

fn taps(stage: &impl TelegramStage, user: UserId, link: &str) -> String {
    let done = stage.control("open", json!({ "user": user.get(), "link": link }));
    done.get("outcome").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn good<T>(answer: Result<T, CallError>) -> T {
    match answer {
        Ok(value) => value,
        Err(error) => {
            let error: Result<(), _> = Err(error);
            assert!(error.is_ok(), "the call failed: {error:?}");
            unreachable!()
        }
    }
}

macro_rules! assert_fails {
    ($answer:expr, $pattern:pat) => {
        let answer = $answer;
        assert!(matches!(answer, Err($pattern)), "{answer:?}");
    };
}

async fn looking(telegram: &impl Telegram, stage: &impl TelegramStage) {
    let me = good(telegram.get_me().await);
    assert_eq!((me.id, me.username.as_deref()), (UserId::new(100), Some("usher_bot")));
    let (chat, owner) = group(stage, "supergroup", RIGHTS);
    let ada = member(stage, chat, owner, "Ada");
    let seen = good(telegram.get_chat(chat).await);
    assert_eq!((seen.id, seen.title.as_deref()), (chat, Some("Room")));
    assert!(seen.permissions.is_some_and(|permissions| permissions.can_send_messages));
    assert_eq!(good(telegram.get_chat_member_count(chat).await), 3);
    for (user, inside) in [(ada, true), (me.id, true), (owner, true)] {
        assert_eq!(good(telegram.get_chat_member(chat, user).await).status.is_inside(), inside);
    }
    assert_eq!(good(telegram.get_chat_member(chat, owner).await).status, MemberStatus::Owner);
    // Of somebody whom the bot never met, Telegram says what it also says at random of others.
    assert_fails!(
        telegram.get_chat_member(chat, UserId::new(987_654)).await,
        CallError::NoParticipant
    );
    assert_fails!(telegram.get_chat(ChatId::new(-5)).await, CallError::BotRemoved);
    assert_fails!(telegram.get_chat(ChatId::new(987_654)).await, CallError::UserUnreachable);
    let observed = good(telegram::look(telegram, chat, me.id, true).await);
    assert_eq!(observed.member_count, Some(3));
}

async fn joining(telegram: &impl Telegram, stage: &impl TelegramStage) {
    let (chat, _) = group(stage, "supergroup", RIGHTS);
    let mut new =
        NewLink { chat, name: "Buyers".to_owned(), kind: LinkKind::Guarded, expires_at: None };
    let guarded = good(telegram.create_invite_link(&new).await);
    let (ada, eve) = (person(stage, "Ada"), person(stage, "Eve"));
    assert_fails!(
        telegram.approve_join_request(chat, ada).await,
        CallError::NotPending | CallError::UnknownUser
    );
    assert_eq!(taps(stage, ada, &guarded.invite_link), "requested");
    assert_eq!(taps(stage, eve, &guarded.invite_link), "requested");
    good(telegram.approve_join_request(chat, ada).await);
    good(telegram.decline_join_request(chat, eve).await);
    assert_fails!(
        telegram.approve_join_request(chat, ada).await,
        CallError::AlreadySo | CallError::NotPending
    );
    assert_fails!(telegram.decline_join_request(chat, eve).await, CallError::NotPending);
    assert!(good(telegram.get_chat_member(chat, ada).await).status.is_inside());
    assert!(good(telegram.get_chat_member(chat, eve).await).status.is_outside());

    new.kind = LinkKind::MemberLimit(NonZeroU32::MIN);
    let single = good(telegram.create_invite_link(&new).await);
    assert_eq!(taps(stage, eve, &single.invite_link), "joined");
    good(telegram.revoke_invite_link(chat, &single.invite_link).await);
    assert_eq!(taps(stage, person(stage, "Mal"), &single.invite_link), "revoked");
}

async fn removing(telegram: &impl Telegram, stage: &impl TelegramStage) {
    let (chat, owner) = group(stage, "supergroup", RIGHTS);
    let ada = member(stage, chat, owner, "Ada");
    for _ in 0..2 {
        good(telegram.remove_member(chat, ada).await);
        assert_eq!(good(telegram.get_chat_member(chat, ada).await).status, MemberStatus::Left);
    }
    assert_fails!(telegram.remove_member(chat, owner).await, CallError::TargetIsAdmin);
    let admin = member(stage, chat, owner, "Admin");
    let body = json!({
        "by": owner.get(), "user": admin.get(), "chat_id": chat.get(), "rights": ["pin_messages"],
    });
    stage.control("promote", body);
    assert_fails!(telegram.remove_member(chat, admin).await, CallError::TargetIsAdmin);
}

async fn writing(telegram: &impl Telegram, stage: &impl TelegramStage) {
    let (chat, owner) = group(stage, "supergroup", RIGHTS);
    let mut message = NewMessage::new(chat, format!("<b>{}</b>", html::escape("a < b & c")));
    let first = good(telegram.send_message(&message).await);
    message.reply_to = Some(first);
    message.silent = true;
    message.buttons =
        vec![vec![Button { text: "Open".to_owned(), url: "https://example.org/".to_owned() }]];
    let second = good(telegram.send_message(&message).await);
    assert!(second > first);
    message.reply_to = Some(MessageId::new(987_654));
    assert_fails!(telegram.send_message(&message).await, CallError::ReplyGone);
    let text = |text: &str| NewMessage::new(chat, text);
    assert_fails!(telegram.send_message(&text("<b>open")).await, CallError::BadInput { .. });
    assert_fails!(
        telegram.send_message(&text(&"x".repeat(5_000))).await,
        CallError::BadInput { .. }
    );
    let mut photo = NewPhoto {
        chat,
        url: "https://example.org/chart.png".to_owned(),
        caption_html: "A <i>chart</i>".to_owned(),
        reply_to: Some(first),
    };
    good(telegram.send_photo(&photo).await);
    photo.url = "https://example.org/chart.missing.jpg".to_owned();
    assert_fails!(telegram.send_photo(&photo).await, CallError::BadInput { .. });

    let ada = member(stage, chat, owner, "Ada");
    let letter = NewMessage::new(ada.private_chat(), "Hello");
    assert_fails!(telegram.send_message(&letter).await, CallError::UserUnreachable);
    stage.control("message", json!({ "user": ada.get(), "text": "/start" }));
    good(telegram.send_message(&letter).await);
    stage.control("block", json!({ "user": ada.get() }));
    assert_fails!(telegram.send_message(&letter).await, CallError::UserUnreachable);
}

async fn arranging(telegram: &impl Telegram, stage: &impl TelegramStage) {
    let (chat, _) = group(stage, "supergroup", RIGHTS);
    good(telegram.set_chat_title(chat, "Gold Signals").await);
    good(telegram.set_chat_description(chat, "Twice a day").await);
    assert_fails!(telegram.set_chat_description(chat, "Twice a day").await, CallError::AlreadySo);
    let permissions = ChatPermissions { can_send_messages: true, ..ChatPermissions::default() };
    good(telegram.set_chat_permissions(chat, &permissions).await);
    let seen = good(telegram.get_chat(chat).await);
    assert_eq!(seen.title.as_deref(), Some("Gold Signals"));
    assert_eq!(seen.description.as_deref(), Some("Twice a day"));
    assert_eq!(seen.permissions, Some(permissions));
    good(telegram.set_chat_description(chat, "").await);
}

async fn rights(telegram: &impl Telegram, stage: &impl TelegramStage) {
    let (chat, owner) = group(stage, "supergroup", "pin_messages");
    let ada = member(stage, chat, owner, "Ada");
    let link = NewLink { chat, name: String::new(), kind: LinkKind::Guarded, expires_at: None };
    for (answer, right) in [
        (telegram.create_invite_link(&link).await.map(|_| ()), Right::InviteUsers),
        (telegram.approve_join_request(chat, ada).await, Right::InviteUsers),
        (telegram.remove_member(chat, ada).await, Right::RestrictMembers),
        (telegram.set_chat_title(chat, "Mine").await, Right::ChangeInfo),
    ] {
        assert_eq!(answer, Err(CallError::RightsLost { what: right }));
    }
    stage.control("kick_bot", json!({ "by": owner.get(), "chat_id": chat.get() }));
    assert_fails!(telegram.remove_member(chat, ada).await, CallError::BotRemoved);
    assert_fails!(telegram.send_message(&NewMessage::new(chat, "x")).await, CallError::BotRemoved);
    let (gone, _) = group(stage, "supergroup", RIGHTS);
    stage.control("delete_group", json!({ "chat_id": gone.get() }));
    assert_fails!(telegram.get_chat(gone).await, CallError::BotRemoved);
}

async fn failing(telegram: &impl Telegram, stage: &impl TelegramStage) {
    let (chat, owner) = group(stage, "supergroup", RIGHTS);
    let ada = member(stage, chat, owner, "Ada");
    let fault = |method: &str, mut fault: Value| {
        if let Some(fields) = fault.as_object_mut() {
            fields.insert("method".to_owned(), json!(method));
            fields.insert("count".to_owned(), json!(1));
        }
        stage.control("faults", fault);
    };
    let wait = json!({ "fault": "too_many_requests", "retry_after": 34 });
    for method in ["sendMessage", "unbanChatMember"] {
        fault(method, wait.clone());
    }
    let message = NewMessage::new(chat, "Hello");
    assert_fails!(telegram.send_message(&message).await, CallError::RetryAfter { seconds: 34 });
    assert_fails!(telegram.remove_member(chat, ada).await, CallError::RetryAfter { seconds: 34 });
    fault("unbanChatMember", json!({ "fault": "participant_id_invalid" }));
    assert_fails!(telegram.remove_member(chat, ada).await, CallError::NoParticipant);
    for kind in ["server_error_json", "server_error_html"] {
        fault("getChatMember", json!({ "fault": kind }));
        assert_fails!(telegram.get_chat_member(chat, ada).await, CallError::Transient { .. });
        fault("sendMessage", json!({ "fault": kind }));
        assert_fails!(telegram.send_message(&message).await, CallError::UnknownOutcome { .. });
    }
    fault("getChatMember", json!({ "fault": "unknown_member_status" }));
    let odd = good(telegram.get_chat_member(chat, ada).await);
    assert_eq!(odd.status, MemberStatus::Other);
}

async fn moving(telegram: &impl Telegram, stage: &impl TelegramStage) {
    let (chat, _) = group(stage, "group", RIGHTS);
    let moved = stage.control("migrate", json!({ "chat_id": chat.get() }));
    let to = ChatId::new(number(&moved, "chat_id"));
    let there = |chat| NewMessage::new(chat, "Hello");
    assert_eq!(telegram.send_message(&there(chat)).await, Err(CallError::Migrated { to }));
    good(telegram.send_message(&there(to)).await);
}

async fn settings(telegram: &impl Telegram, stage: &impl TelegramStage) {
    let (chat, _) = group(stage, "supergroup", RIGHTS);
    let commands = [BotCommand { command: "start".to_owned(), description: "Begin".to_owned() }];
    good(telegram.set_my_commands(&commands, None).await);
    good(telegram.set_my_commands(&commands, Some("de")).await);
    let answered = telegram.answer_callback_query("987654", Some("Too late")).await;
    assert!(answered.is_err(), "there is no such query");
    good(telegram.leave_chat(chat).await);
    assert_fails!(telegram.get_chat_member_count(chat).await, CallError::BotRemoved);
    let url = "http://127.0.0.1:9/telegram/webhook";
    good(telegram.set_webhook(url, "a-secret-for-tests", &AllowedUpdate::ALL).await);
}
