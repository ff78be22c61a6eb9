//! Writing, changing and deleting messages.

use serde_json::{Value, json};

use crate::access::{Access, Target};
use crate::arguments::{Args, only_fields};
use crate::errors::{ApiError, ApiResult};
use crate::keyboard;
use crate::model::{Content, History, Message, Status};
use crate::rights::{Permission, Right};
use crate::text::{Limit, format};
use crate::world::World;

/// A message can be deleted for everyone within this time (Bot API, `deleteMessage`). Seconds.
const DELETABLE: i64 = 48 * 3600;

impl History {
    pub(crate) fn add(
        &mut self,
        now: i64,
        from: i64,
        content: Content,
        reply_to: Option<i64>,
        markup: Option<Value>,
    ) -> i64 {
        self.last_id += 1;
        let id = self.last_id;
        let message =
            Message { id, from, date: now / 1000, edited: None, reply_to, content, markup };
        self.messages.insert(id, message);
        id
    }
}

impl World {
    /// Writes into a group; the id of the new message.
    pub(crate) fn post(
        &mut self,
        now: i64,
        chat: i64,
        from: i64,
        content: Content,
        reply_to: Option<i64>,
        markup: Option<Value>,
    ) -> Option<i64> {
        let by_bot = self.users.get(&from).is_some_and(|user| user.is_bot);
        let group = self.group_mut(chat)?;
        if by_bot && !matches!(content, Content::Service(_)) {
            group.last_bot = Some(from);
        }
        Some(group.history.add(now, from, content, reply_to, markup))
    }

    pub(crate) fn send_message(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let formatted = format(args.text("text"), args.text("parse_mode"), &Limit::Message)?;
        let content = Content::Text {
            text: formatted.text,
            entities: formatted.entities,
            preview: preview(args)?,
        };
        self.send(now, bot, args, content)
    }

    pub(crate) fn send_photo(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let url = args.text("photo").to_owned();
        let caption = format(args.text("caption"), args.text("parse_mode"), &Limit::Caption)?;
        if url.is_empty() {
            return Err(ApiError::bad("there is no photo in the request"));
        }
        let path = url.split(['?', '#']).next().unwrap_or("");
        let address =
            url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or("");
        let host = address.split(['/', '?', '#']).next().unwrap_or("");
        let known = url.starts_with("simulated-photo-");
        if path.ends_with(".invalid.jpg") || !(known || host.contains('.')) {
            return Err(ApiError::bad("wrong file identifier/HTTP URL specified"));
        }
        if path.ends_with(".missing.jpg") {
            return Err(ApiError::bad("failed to get HTTP URL content"));
        }
        let content = Content::Photo { url, caption: caption.text, entities: caption.entities };
        self.send(now, bot, args, content)
    }

    fn send(&mut self, now: i64, bot: i64, args: &Args, content: Content) -> ApiResult {
        for flag in ["disable_notification", "protect_content", "allow_paid_broadcast"] {
            args.boolean(flag)?;
        }
        let reply = ReplyTo::read(args)?;
        let markup = keyboard::read(args)?;
        match self.target(bot, args, Access::Write)? {
            Target::Group(chat) => {
                self.may_write(bot, chat, &content)?;
                let reply = reply.find(chat, &self.chat(chat)?.history)?;
                let id = self
                    .post(now, chat, bot, content, reply, markup)
                    .ok_or_else(|| ApiError::bad("chat not found"))?;
                Ok(self.message_json(chat, id, bot))
            }
            Target::Person(user) => {
                self.may_write_to(now, bot, user)?;
                let private = self.private_mut(bot, user);
                let reply = reply.find(user, &private.history)?;
                let id = private.history.add(now, bot, content, reply, markup);
                Ok(self.private_message_json(bot, user, id))
            }
        }
    }

    fn may_write(&self, bot: i64, chat: i64, content: &Content) -> ApiResult<()> {
        let (permission, what) = match content {
            Content::Photo { .. } => (Permission::SendPhotos, "photos"),
            _ => (Permission::SendMessages, "text messages"),
        };
        let group = self.chat(chat)?;
        let open = group.permissions.contains(&permission);
        let allowed = match self.status(chat, bot) {
            Status::Creator | Status::Administrator(_) => true,
            Status::Member => open,
            Status::Restricted { permissions, .. } => open && permissions.contains(&permission),
            Status::Left | Status::Kicked { .. } => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(ApiError::bad(format!("not enough rights to send {what} to the chat")))
        }
    }

    /// A bot cannot begin: the person must have pressed Start, or be waiting to be let in somewhere.
    fn may_write_to(&self, now: i64, bot: i64, user: i64) -> ApiResult<()> {
        if self.users.get(&user).is_some_and(|user| user.is_bot) {
            return Err(ApiError::forbidden("the bot can't send messages to the bot"));
        }
        let private = self.privates.get(&(bot, user));
        if private.is_some_and(|private| private.blocked) {
            return Err(ApiError::forbidden("bot was blocked by the user"));
        }
        let open = private.is_some_and(|private| {
            private.started || private.open_until.is_some_and(|until| now <= until)
        });
        if open {
            Ok(())
        } else {
            Err(ApiError::forbidden("bot can't initiate conversation with a user"))
        }
    }

    fn history(&self, bot: i64, target: Target) -> ApiResult<&History> {
        match target {
            Target::Group(chat) => Ok(&self.chat(chat)?.history),
            Target::Person(user) => self
                .privates
                .get(&(bot, user))
                .map(|private| &private.history)
                .ok_or_else(|| ApiError::bad("chat not found")),
        }
    }

    fn history_mut(&mut self, bot: i64, target: Target) -> ApiResult<&mut History> {
        match target {
            Target::Group(chat) => Ok(&mut self.chat_mut(chat)?.history),
            Target::Person(user) => Ok(&mut self.private_mut(bot, user).history),
        }
    }

    pub(crate) fn edit_text(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let formatted = format(args.text("text"), args.text("parse_mode"), &Limit::Message)?;
        let preview = preview(args)?;
        let new_markup = keyboard::read(args)?;
        let id = args.message_id()?;
        let target = self.target(bot, args, Access::Edit)?;
        let history = self.history_mut(bot, target)?;
        let message = history
            .messages
            .get_mut(&id)
            .ok_or_else(|| ApiError::bad("message to edit not found"))?;
        if message.from != bot {
            return Err(ApiError::bad("message can't be edited"));
        }
        let Content::Text { text, entities, .. } = &message.content else {
            return Err(ApiError::bad("there is no text in the message to edit"));
        };
        let same = *text == formatted.text && *entities == formatted.entities;
        if same && message.markup == new_markup {
            return Err(ApiError::bad(
                "message is not modified: specified new message content and reply markup are \
                 exactly the same as a current content and reply markup of the message",
            ));
        }
        message.content =
            Content::Text { text: formatted.text, entities: formatted.entities, preview };
        message.markup = new_markup;
        message.edited = Some(now / 1000);
        Ok(match target {
            Target::Group(chat) => self.message_json(chat, id, bot),
            Target::Person(user) => self.private_message_json(bot, user, id),
        })
    }

    pub(crate) fn delete_message(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let id = args.message_id()?;
        let target = self.target(bot, args, Access::Write)?;
        let message = self
            .history(bot, target)?
            .messages
            .get(&id)
            .ok_or_else(|| ApiError::bad("message to delete not found"))?;
        let fresh = now / 1000 - message.date < DELETABLE;
        let own = message.from == bot;
        let allowed = match target {
            Target::Group(chat) => {
                // An administrator with the right deletes anything, however old.
                self.status(chat, bot).has(Right::DeleteMessages) || (own && fresh)
            }
            Target::Person(_) => fresh,
        };
        if !allowed {
            return Err(ApiError::bad("message can't be deleted for everyone"));
        }
        self.history_mut(bot, target)?.messages.remove(&id);
        Ok(Value::Bool(true))
    }

    pub(crate) fn answer_callback(&mut self, bot: i64, args: &Args) -> ApiResult {
        let answer =
            json!({ "text": args.text("text"), "show_alert": args.boolean("show_alert")? });
        args.integer("cache_time")?;
        let id = args.text("callback_query_id").to_owned();
        match self.bot_mut(bot)?.callbacks.get_mut(&id) {
            Some(waiting @ None) => {
                *waiting = Some(answer);
                Ok(Value::Bool(true))
            }
            _ => Err(ApiError::bad(
                "query is too old and response timeout expired or query ID is invalid",
            )),
        }
    }
}

/// Which message is answered.
struct ReplyTo {
    message: Option<i64>,
    chat: Option<i64>,
    without: bool,
}

impl ReplyTo {
    fn read(args: &Args) -> ApiResult<Self> {
        if !args.has("reply_parameters") {
            return Ok(Self {
                message: args.integer("reply_to_message_id")?.filter(|id| *id > 0),
                chat: None,
                without: args.boolean("allow_sending_without_reply")?,
            });
        }
        let object = args.object("reply_parameters", "reply parameters")?.unwrap_or_default();
        if object.is_empty() {
            return Ok(Self { message: None, chat: None, without: false });
        }
        let known = ["message_id", "chat_id", "allow_sending_without_reply"];
        only_fields(&object, "reply_parameters", &known)?;
        let number = |name: &str| {
            object.get(name).and_then(|value| {
                value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
            })
        };
        let message =
            number("message_id").ok_or_else(|| ApiError::bad("can't find field \"message_id\""))?;
        let without = match object.get("allow_sending_without_reply") {
            None => false,
            Some(Value::Bool(without)) => *without,
            Some(_) => {
                return Err(ApiError::bad(
                    "field \"allow_sending_without_reply\" must be of type Boolean",
                ));
            }
        };
        Ok(Self { message: Some(message), chat: number("chat_id"), without })
    }

    fn find(&self, chat: i64, history: &History) -> ApiResult<Option<i64>> {
        let Some(id) = self.message else { return Ok(None) };
        let here = self.chat.is_none_or(|other| other == chat);
        if here && history.messages.contains_key(&id) {
            return Ok(Some(id));
        }
        if self.without {
            return Ok(None);
        }
        Err(ApiError::bad("message to be replied not found"))
    }
}

fn preview(args: &Args) -> ApiResult<Option<Value>> {
    if args.boolean("disable_web_page_preview")? {
        return Ok(Some(json!({ "is_disabled": true })));
    }
    let options = args.object("link_preview_options", "link preview options")?;
    if let Some(options) = &options {
        let known =
            ["is_disabled", "url", "prefer_small_media", "prefer_large_media", "show_above_text"];
        only_fields(options, "link_preview_options", &known)?;
    }
    Ok(options.map(Value::Object))
}
