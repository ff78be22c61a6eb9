//! The methods, with the arguments that the real client sends: a test compares the two.

use domain::ids::{ChatId, MessageId, UserId};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use telegram::{
    AllowedUpdate, Answer, BotCommand, CallError, Chat, ChatInviteLink, ChatMember,
    ChatPermissions, LinkKind, NewLink, NewMessage, NewPhoto, Telegram, User,
};

use super::{MemoryTelegram, in_chat};

/// Leaves out what says nothing.
fn said(args: Value) -> Value {
    let is_said = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    };
    match args {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().filter(|(_, value)| is_said(value)).collect())
        }
        other => other,
    }
}

fn read<T: DeserializeOwned>(result: Value) -> Answer<T> {
    serde_json::from_value(result).map_err(|error| CallError::UnknownOutcome {
        description: format!("unreadable answer: {error}"),
    })
}

impl MemoryTelegram {
    async fn call_in(&self, chat: ChatId, method: &'static str, args: Value) -> Answer<Value> {
        let mut all = Map::from_iter([("chat_id".to_owned(), json!(chat.get()))]);
        if let Value::Object(args) = said(args) {
            all.extend(args);
        }
        self.call(method, Value::Object(all)).await.map_err(|error| in_chat(error, chat))
    }

    async fn about(&self, chat: ChatId, method: &'static str, user: UserId) -> Answer<Value> {
        self.call_in(chat, method, json!({ "user_id": user.get() })).await
    }

    /// Does something of which it matters whether it was done: a server that stumbles may have.
    async fn act_in(&self, chat: ChatId, method: &'static str, args: Value) -> Answer<Value> {
        let is_stumble = |text: &str| text.starts_with('5');
        self.call_in(chat, method, args).await.map_err(|error| match error {
            CallError::Transient { description } if is_stumble(&description) => {
                CallError::UnknownOutcome { description }
            }
            other => other,
        })
    }

    async fn post_in(&self, chat: ChatId, method: &'static str, args: Value) -> Answer<MessageId> {
        let result = self.act_in(chat, method, args).await?;
        read(result.get("message_id").cloned().unwrap_or_default())
    }
}

fn reply(to: Option<MessageId>) -> Value {
    json!(to.map(|message| json!({ "message_id": message.get() })))
}

fn keyboard(message: &NewMessage) -> Value {
    let row = |row: &Vec<telegram::Button>| -> Value {
        row.iter().map(|button| json!({ "text": button.text, "url": button.url })).collect()
    };
    if message.buttons.is_empty() {
        return Value::Null;
    }
    json!({ "inline_keyboard": message.buttons.iter().map(row).collect::<Value>() })
}

impl Telegram for MemoryTelegram {
    async fn get_me(&self) -> Answer<User> {
        read(self.call("getMe", json!({})).await?)
    }

    async fn get_chat(&self, chat: ChatId) -> Answer<Chat> {
        read(self.call_in(chat, "getChat", json!({})).await?)
    }

    async fn get_chat_member(&self, chat: ChatId, user: UserId) -> Answer<ChatMember> {
        read(self.about(chat, "getChatMember", user).await?)
    }

    async fn get_chat_member_count(&self, chat: ChatId) -> Answer<u64> {
        read(self.call_in(chat, "getChatMemberCount", json!({})).await?)
    }

    async fn create_invite_link(&self, link: &NewLink) -> Answer<ChatInviteLink> {
        let limit = match link.kind {
            LinkKind::Guarded => None,
            LinkKind::MemberLimit(limit) => Some(limit.get()),
        };
        let args = json!({
            "name": link.name,
            "expire_date": link.expires_at.map(|at| at.as_second()),
            "creates_join_request": link.kind == LinkKind::Guarded,
            "member_limit": limit,
        });
        read(self.call_in(link.chat, "createChatInviteLink", args).await?)
    }

    async fn revoke_invite_link(&self, chat: ChatId, link: &str) -> Answer<()> {
        let args = json!({ "invite_link": link });
        self.call_in(chat, "revokeChatInviteLink", args).await.map(|_| ())
    }

    async fn approve_join_request(&self, chat: ChatId, user: UserId) -> Answer<()> {
        self.about(chat, "approveChatJoinRequest", user).await.map(|_| ())
    }

    async fn decline_join_request(&self, chat: ChatId, user: UserId) -> Answer<()> {
        self.about(chat, "declineChatJoinRequest", user).await.map(|_| ())
    }

    async fn remove_member(&self, chat: ChatId, user: UserId) -> Answer<()> {
        let args = json!({ "user_id": user.get() });
        self.act_in(chat, "unbanChatMember", args).await.map(|_| ())
    }

    async fn send_message(&self, message: &NewMessage) -> Answer<MessageId> {
        let args = json!({
            "text": message.html,
            "parse_mode": "HTML",
            "reply_parameters": reply(message.reply_to),
            "reply_markup": keyboard(message),
            "disable_notification": message.silent,
        });
        self.post_in(message.chat, "sendMessage", args).await
    }

    async fn send_photo(&self, photo: &NewPhoto) -> Answer<MessageId> {
        let args = json!({
            "photo": photo.url,
            "parse_mode": "HTML",
            "caption": photo.caption_html,
            "reply_parameters": reply(photo.reply_to),
        });
        self.post_in(photo.chat, "sendPhoto", args).await
    }

    async fn set_chat_title(&self, chat: ChatId, title: &str) -> Answer<()> {
        self.call_in(chat, "setChatTitle", json!({ "title": title })).await.map(|_| ())
    }

    async fn set_chat_description(&self, chat: ChatId, description: &str) -> Answer<()> {
        let args = json!({ "description": description });
        self.call_in(chat, "setChatDescription", args).await.map(|_| ())
    }

    async fn set_chat_permissions(
        &self,
        chat: ChatId,
        permissions: &ChatPermissions,
    ) -> Answer<()> {
        let args = json!({ "permissions": permissions, "use_independent_chat_permissions": true });
        self.call_in(chat, "setChatPermissions", args).await.map(|_| ())
    }

    async fn set_webhook(
        &self,
        url: &str,
        secret: &str,
        allowed_updates: &[AllowedUpdate],
    ) -> Answer<()> {
        let names: Vec<_> = allowed_updates.iter().map(|kind| kind.name()).collect();
        let args = json!({ "url": url, "secret_token": secret, "allowed_updates": names });
        self.call("setWebhook", args).await.map(|_| ())
    }

    async fn set_my_commands(
        &self,
        commands: &[BotCommand],
        language: Option<&'static str>,
    ) -> Answer<()> {
        let commands: Vec<_> = commands
            .iter()
            .map(|it| json!({ "command": it.command, "description": it.description }))
            .collect();
        let args = said(json!({ "commands": commands, "language_code": language }));
        self.call("setMyCommands", args).await.map(|_| ())
    }

    async fn answer_callback_query(&self, id: &str, text: Option<&str>) -> Answer<()> {
        let args = said(json!({ "callback_query_id": id, "text": text }));
        self.call("answerCallbackQuery", args).await.map(|_| ())
    }

    async fn leave_chat(&self, chat: ChatId) -> Answer<()> {
        self.call_in(chat, "leaveChat", json!({})).await.map(|_| ())
    }
}
