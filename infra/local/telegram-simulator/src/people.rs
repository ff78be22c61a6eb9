//! What people do: the control interface, apart from tapping links (`open`), running groups (`admins`),
//! ordering faults (`orders`) and looking (`show`).

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::errors::{ControlError, ControlResult};
use crate::model::{ChatKind, Content, Service, Status, User};
use crate::text;
use crate::updates::UpdateKind;
use crate::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBot {
    token: String,
    username: String,
    #[serde(default)]
    name: String,
    /// Privacy mode, on unless switched off.
    #[serde(default = "yes")]
    privacy: bool,
    #[serde(default)]
    guard: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    id: Option<i64>,
    first_name: String,
    username: Option<String>,
    language_code: Option<String>,
    bio: Option<String>,
    #[serde(default)]
    in_too_many_chats: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGroup {
    owner: i64,
    title: String,
    #[serde(default)]
    kind: Kind,
}

/// A kind of group as the control interface names it.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Group,
    #[default]
    Supergroup,
}

impl Kind {
    pub(crate) fn chat(self) -> ChatKind {
        match self {
            Self::Group => ChatKind::Basic,
            Self::Supergroup => ChatKind::Super,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserChat {
    user: i64,
    chat_id: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneUser {
    user: i64,
    bot: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rewrite {
    user: i64,
    chat_id: i64,
    message_id: i64,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Say {
    user: i64,
    chat_id: Option<i64>,
    bot: Option<i64>,
    text: String,
    reply_to: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Press {
    user: i64,
    /// Left out for the private chat.
    chat_id: Option<i64>,
    bot: Option<i64>,
    message_id: i64,
    data: String,
}

/// Reads the body of a control request; the refusal names the field.
pub(crate) fn read<T: DeserializeOwned>(body: Value) -> ControlResult<T> {
    serde_json::from_value(body).map_err(|error| ControlError::new(error.to_string()))
}

/// The answer where there is nothing to tell.
pub(crate) fn done() -> ControlResult {
    Ok(json!({ "ok": true }))
}

impl World {
    /// Does what a person or a test asks for; `what` is the path after `/control/`, for example `users`
    /// or `open`. The README of this crate lists them with their bodies.
    ///
    /// # Errors
    /// An unknown request, a body of the wrong form, or something that Telegram's apps would not let a
    /// person do; the text says which.
    pub fn control(&mut self, now: i64, what: &str, body: Value) -> Result<Value, ControlError> {
        self.tick(now);
        let result = self.control_unflushed(now, what, body);
        self.flush(now);
        result
    }

    fn control_unflushed(&mut self, now: i64, what: &str, body: Value) -> ControlResult {
        match what {
            "bots" => self.new_bot(read(body)?),
            "users" => self.new_user(read(body)?),
            "groups" => self.new_group(now, read(body)?),
            "open" => self.open(now, read(body)?),
            "leave" => self.person_leaves(now, &read(body)?),
            "message" => self.say(now, read(body)?),
            "edit" => self.rewrite(now, &read(body)?),
            "callback" => self.press(read(body)?),
            "add" => self.add_member(now, &read(body)?),
            "ban" => self.ban(now, &read(body)?),
            "unban" => self.unban(now, &read(body)?),
            "kick_bot" => self.kick_bot(now, &read(body)?),
            "promote" => self.promote(now, read(body)?),
            "delete_group" => self.delete_group(&read(body)?),
            "title" => self.title(now, read(body)?),
            "migrate" => self.upgrade(now, &read(body)?),
            "transfer_owner" => self.transfer_owner(now, &read(body)?),
            "deactivate" => self.deactivate(&read(body)?),
            "block" => self.block(now, &read(body)?, true),
            "unblock" => self.block(now, &read(body)?, false),
            "cancel_request" => self.cancel_request(&read(body)?),
            "approve" => self.decide(now, &read(body)?, true),
            "decline" => self.decide(now, &read(body)?, false),
            "link" => self.human_link(now, read(body)?),
            "faults" => self.order_fault(body),
            "webhook/duplicate" => self.order_webhook_fault("webhook_duplicate", body),
            "webhook/cross" => self.order_webhook_fault("webhook_cross", body),
            "webhook/delay" => self.order_webhook_fault("webhook_delay", body),
            "settings" => self.settle(read(body)?),
            "flood" => {
                self.flood.set(read(body)?);
                Ok(json!(self.flood.rules))
            }
            "flood/block" => self.order_block(now, read(body)?),
            "flood/unblock" => {
                self.flood.unblock();
                done()
            }
            "reset" => {
                self.reset();
                done()
            }
            _ => Err(ControlError::new(format!("there is no /control/{what}"))),
        }
    }

    fn new_bot(&mut self, bot: NewBot) -> ControlResult {
        let id = self.add_bot(&bot.token, &bot.username, &bot.name, bot.privacy, bot.guard)?;
        Ok(json!({ "id": id }))
    }

    fn new_user(&mut self, new: NewUser) -> ControlResult {
        let id = new.id.unwrap_or_else(|| self.fresh_user_id());
        // Bot API: ids have at most 52 significant bits.
        if id <= 0 || id >= 1 << 52 || self.users.contains_key(&id) {
            return Err(ControlError::new(format!("user id {id} is taken or impossible")));
        }
        let user = User {
            id,
            is_bot: false,
            first_name: new.first_name,
            username: new.username.map(|name| name.trim_start_matches('@').to_owned()),
            language_code: new.language_code,
            bio: new.bio,
            deactivated: false,
            in_too_many_chats: new.in_too_many_chats,
        };
        Arc::make_mut(&mut self.users).insert(id, user);
        Ok(json!({ "id": id }))
    }

    fn new_group(&mut self, now: i64, new: NewGroup) -> ControlResult {
        self.person(new.owner)?;
        let id = self.found_group(now, new.owner, &new.title, new.kind.chat());
        Ok(json!({ "chat_id": id }))
    }

    pub(crate) fn found_group(&mut self, now: i64, owner: i64, title: &str, kind: ChatKind) -> i64 {
        let id = self.add_chat(kind, title);
        self.set_status(now, id, owner, owner, Status::Creator);
        self.service_message(now, id, owner, Service::Created(kind));
        id
    }

    fn person_leaves(&mut self, now: i64, who: &UserChat) -> ControlResult {
        self.live_chat(who.chat_id)?;
        match self.status(who.chat_id, who.user) {
            Status::Creator => Err(ControlError::new("the owner must hand the group over first")),
            status if !status.is_member() => Err(ControlError::new("not a member")),
            Status::Restricted { permissions, until, .. } => {
                let gone = Status::Restricted { permissions, until, is_member: false };
                self.let_out(now, who.chat_id, who.user, who.user, gone);
                done()
            }
            _ => {
                self.let_out(now, who.chat_id, who.user, who.user, Status::Left);
                done()
            }
        }
    }

    fn say(&mut self, now: i64, say: Say) -> ControlResult {
        self.person(say.user)?;
        let formatted = text::plain(&say.text);
        let content =
            Content::Text { text: formatted.text, entities: formatted.entities, preview: None };
        if let Some(chat) = say.chat_id {
            return self.say_in_group(now, &say, chat, content);
        }
        let bot = self.some_bot(say.bot)?;
        let private = self.private_mut(bot, say.user);
        if private.blocked {
            return Err(ControlError::new("the bot is blocked; unblock it first"));
        }
        private.started = true;
        let id = private.history.add(now, say.user, content, say.reply_to, None);
        if let Some(bot) = self.bots.get_mut(&bot) {
            bot.known.insert(say.user);
        }
        self.announce_private(bot, say.user, id);
        Ok(json!({ "message_id": id, "bot": bot }))
    }

    fn say_in_group(&mut self, now: i64, say: &Say, chat: i64, content: Content) -> ControlResult {
        use crate::rights::Permission::SendMessages;
        let open = self.live_chat(chat)?.permissions.contains(&SendMessages);
        let allowed = match self.status(chat, say.user) {
            status if status.is_admin() => true,
            Status::Member => open,
            Status::Restricted { permissions, is_member, .. } => {
                open && is_member && permissions.contains(&SendMessages)
            }
            _ => false,
        };
        if !allowed {
            return Err(ControlError::new("this person may not write here"));
        }
        let id = self
            .post(now, chat, say.user, content, say.reply_to, None)
            .ok_or_else(|| ControlError::new("no such group"))?;
        self.announce(chat, id, UpdateKind::Message);
        Ok(json!({ "message_id": id, "chat_id": chat }))
    }

    /// A person changes what they wrote in a group.
    fn rewrite(&mut self, now: i64, new: &Rewrite) -> ControlResult {
        self.live_chat(new.chat_id)?;
        let formatted = text::plain(&new.text);
        let message = self
            .group_mut(new.chat_id)
            .and_then(|chat| chat.history.messages.get_mut(&new.message_id))
            .filter(|message| message.from == new.user)
            .ok_or_else(|| ControlError::new("this person wrote no such message"))?;
        message.content =
            Content::Text { text: formatted.text, entities: formatted.entities, preview: None };
        message.edited = Some(now / 1000);
        self.announce(new.chat_id, new.message_id, UpdateKind::EditedMessage);
        done()
    }

    /// The bot that was named, or the only one there is.
    pub(crate) fn some_bot(&self, wanted: Option<i64>) -> ControlResult<i64> {
        let found = match wanted {
            Some(id) => self.bots.get(&id),
            None => self.bots.values().next(),
        };
        found.map(|bot| bot.id).ok_or_else(|| ControlError::new("there is no such bot"))
    }

    fn press(&mut self, press: Press) -> ControlResult {
        self.person(press.user)?;
        let private_bot = self.some_bot(press.bot)?;
        let history = match press.chat_id {
            Some(chat) => &self.live_chat(chat)?.history,
            None => {
                let private = self.privates.get(&(private_bot, press.user));
                &private.ok_or_else(|| ControlError::new("no private chat"))?.history
            }
        };
        let message = history.messages.get(&press.message_id);
        let message = message.ok_or_else(|| ControlError::new("no such message"))?;
        let bot = message.from;
        let has = message.markup.as_ref().and_then(|markup| markup.get("inline_keyboard"));
        let rows = has.and_then(Value::as_array).into_iter().flatten();
        let mut buttons = rows.filter_map(Value::as_array).flatten();
        if !buttons.any(|button| button.get("callback_data") == Some(&json!(press.data))) {
            return Err(ControlError::new("the message has no such button"));
        }
        let shown = match press.chat_id {
            Some(chat) => self.message_json(chat, press.message_id, bot),
            None => self.private_message_json(bot, press.user, press.message_id),
        };
        let id = self.fresh_id().to_string();
        if let Some(bot) = self.bots.get_mut(&bot) {
            bot.callbacks.insert(id.clone(), None);
        }
        let payload = json!({
            "id": id,
            "from": self.user_json(press.user),
            "message": shown,
            "chat_instance": press.chat_id.unwrap_or(press.user).to_string(),
            "data": press.data,
        });
        self.announce_callback(bot, press.user, payload);
        Ok(json!({ "callback_query_id": id, "bot": bot }))
    }

    fn deactivate(&mut self, who: &OneUser) -> ControlResult {
        self.person(who.user)?;
        if let Some(user) = Arc::make_mut(&mut self.users).get_mut(&who.user) {
            user.deactivated = true;
        }
        done()
    }

    /// A person blocks a bot, or lets it write again; the bot hears of it as `my_chat_member`.
    fn block(&mut self, now: i64, who: &OneUser, blocked: bool) -> ControlResult {
        self.person(who.user)?;
        let bot = self.some_bot(who.bot)?;
        let private = self.private_mut(bot, who.user);
        if private.blocked == blocked {
            return Err(ControlError::new("is so already"));
        }
        private.blocked = blocked;
        let member = |status: &str| {
            let mut member = json!({ "user": self.user_json(bot), "status": status });
            if let (true, Some(fields)) = (status == "kicked", member.as_object_mut()) {
                fields.insert("until_date".to_owned(), json!(0));
            }
            member
        };
        let (old, new) = if blocked { ("member", "kicked") } else { ("kicked", "member") };
        let payload = json!({
            "chat": self.private_chat_json(who.user),
            "from": self.user_json(who.user),
            "date": now / 1000,
            "old_chat_member": member(old),
            "new_chat_member": member(new),
        });
        self.announce_own(bot, who.user, payload);
        done()
    }

    fn cancel_request(&mut self, who: &UserChat) -> ControlResult {
        self.live_chat(who.chat_id)?;
        self.close_request(who.chat_id, who.user)
            .map_err(|_| ControlError::new("no request is waiting"))?;
        done()
    }
}
