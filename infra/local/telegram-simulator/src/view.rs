//! The objects of the Bot API as JSON, as one particular bot sees them.
//!
//! Which fields are always there and which are left out when empty follows the server's source
//! (`JsonUser`, `JsonChat`, `JsonChatMember`, `JsonChatInviteLink`, `JsonMessage`).

use serde_json::{Map, Value, json};

use crate::model::{Chat, ChatKind, Content, History, Life, Link, Message, Service, Status};
use crate::rights::{write_permissions, write_rights};
use crate::world::World;

/// Puts a field where the value is not empty.
fn put(into: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    into.insert(name.to_owned(), value.into());
}

impl World {
    pub(crate) fn user_json(&self, id: i64) -> Value {
        let mut fields = Map::new();
        put(&mut fields, "id", id);
        let user = self.users.get(&id);
        put(&mut fields, "is_bot", user.is_some_and(|user| user.is_bot));
        // A deleted account has no name any more.
        let shown = user.filter(|user| !user.deactivated);
        put(&mut fields, "first_name", shown.map_or("", |user| user.first_name.as_str()));
        if let Some(username) = shown.and_then(|user| user.username.as_deref()) {
            put(&mut fields, "username", username);
        }
        if let Some(language) = shown.and_then(|user| user.language_code.as_deref()) {
            put(&mut fields, "language_code", language);
        }
        Value::Object(fields)
    }

    /// A group in short, as it stands in messages and updates.
    pub(crate) fn chat_json(&self, id: i64) -> Value {
        let mut fields = Map::new();
        if let Some(chat) = self.chats.get(&id) {
            put(&mut fields, "id", id);
            put(&mut fields, "title", chat.title.as_str());
            match chat.kind {
                ChatKind::Basic => {
                    put(&mut fields, "type", "group");
                    let all = chat.permissions == crate::rights::all_permissions();
                    put(&mut fields, "all_members_are_administrators", all);
                    put(&mut fields, "accepted_gift_types", gifts());
                }
                ChatKind::Super => put(&mut fields, "type", "supergroup"),
            }
        }
        Value::Object(fields)
    }

    /// A group in full, as `getChat` gives it.
    pub(crate) fn full_chat_json(&self, chat: &Chat, bot: i64) -> Value {
        let mut value = self.chat_json(chat.id);
        let Some(fields) = value.as_object_mut() else { return value };
        if !chat.description.is_empty() {
            put(fields, "description", chat.description.as_str());
        }
        let primary = chat
            .links
            .iter()
            .find(|link| link.creator == bot && link.is_primary && !link.is_revoked);
        if let Some(primary) = primary {
            put(fields, "invite_link", primary.url());
        }
        let mut permissions = Map::new();
        write_permissions(&chat.permissions, &mut permissions);
        put(fields, "permissions", permissions);
        put(fields, "accepted_gift_types", gifts());
        put(fields, "max_reaction_count", 11);
        put(fields, "accent_color_id", 0);
        value
    }

    /// The private chat with a person, seen by a bot.
    pub(crate) fn private_chat_json(&self, user: i64) -> Value {
        let mut fields = Map::new();
        put(&mut fields, "id", user);
        if let Some(user) = self.users.get(&user) {
            put(&mut fields, "first_name", user.first_name.as_str());
            if let Some(username) = user.username.as_deref() {
                put(&mut fields, "username", username);
            }
        }
        put(&mut fields, "type", "private");
        Value::Object(fields)
    }

    pub(crate) fn member_json(&self, chat: &Chat, user: i64, status: &Status) -> Value {
        let is_super = chat.kind == ChatKind::Super;
        let mut fields = Map::new();
        put(&mut fields, "user", self.user_json(user));
        put(&mut fields, "status", status_name(status));
        match status {
            Status::Creator => put(&mut fields, "is_anonymous", false),
            Status::Administrator(rights) => {
                put(&mut fields, "can_be_edited", false);
                write_rights(rights, is_super, &mut fields);
            }
            Status::Restricted { permissions, until, is_member } if is_super => {
                put(&mut fields, "until_date", *until);
                write_permissions(permissions, &mut fields);
                put(&mut fields, "is_member", *is_member);
            }
            Status::Kicked { until } => put(&mut fields, "until_date", *until),
            Status::Member | Status::Left | Status::Restricted { .. } => {}
        }
        Value::Object(fields)
    }

    /// A link as `bot` sees it: whole if it is its own, cut otherwise.
    pub(crate) fn link_json(&self, chat: &Chat, link: &Link, bot: i64) -> Value {
        let mut fields = Map::new();
        let url = if link.creator == bot {
            link.url()
        } else {
            let half = link.code.get(..link.code.len() / 2).unwrap_or("");
            format!("https://t.me/+{half}{}", self.settings.cut_mark)
        };
        put(&mut fields, "invite_link", url);
        if !link.name.is_empty() {
            put(&mut fields, "name", link.name.as_str());
        }
        put(&mut fields, "creator", self.user_json(link.creator));
        if let Some(date) = link.expire_date {
            put(&mut fields, "expire_date", date);
        }
        if let Some(limit) = link.member_limit {
            put(&mut fields, "member_limit", limit);
        }
        let pending = chat.requests.values().filter(|request| request.link == link.code).count();
        if pending > 0 {
            put(&mut fields, "pending_join_request_count", pending);
        }
        put(&mut fields, "creates_join_request", link.creates_join_request);
        put(&mut fields, "is_primary", link.is_primary);
        put(&mut fields, "is_revoked", link.is_revoked);
        Value::Object(fields)
    }

    /// A message of a group, with the message it answers.
    pub(crate) fn message_json(&self, chat: i64, id: i64, bot: i64) -> Value {
        let shown = self.chat_json(chat);
        let Some(group) = self.chats.get(&chat) else { return Value::Null };
        self.history_message_json(&group.history, shown, id, bot)
    }

    /// A message of a private chat.
    pub(crate) fn private_message_json(&self, bot: i64, user: i64, id: i64) -> Value {
        let shown = self.private_chat_json(user);
        let Some(private) = self.privates.get(&(bot, user)) else { return Value::Null };
        self.history_message_json(&private.history, shown, id, bot)
    }

    fn history_message_json(&self, history: &History, chat: Value, id: i64, bot: i64) -> Value {
        let Some(message) = history.messages.get(&id) else { return Value::Null };
        let mut value = self.bare_message_json(message, chat.clone(), bot);
        let replied = message.reply_to.and_then(|id| history.messages.get(&id));
        if let (Some(replied), Some(fields)) = (replied, value.as_object_mut()) {
            put(fields, "reply_to_message", self.bare_message_json(replied, chat, bot));
        }
        value
    }

    fn bare_message_json(&self, message: &Message, chat: Value, bot: i64) -> Value {
        let mut fields = Map::new();
        put(&mut fields, "message_id", message.id);
        put(&mut fields, "from", self.user_json(message.from));
        put(&mut fields, "chat", chat);
        put(&mut fields, "date", message.date);
        if let Some(edited) = message.edited {
            put(&mut fields, "edit_date", edited);
        }
        match &message.content {
            Content::Text { text, entities, preview } => {
                put(&mut fields, "text", text.as_str());
                if !entities.is_empty() {
                    put(&mut fields, "entities", entities.clone());
                }
                if let Some(preview) = preview {
                    put(&mut fields, "link_preview_options", preview.clone());
                }
            }
            Content::Photo { url, caption, entities } => {
                // The file id names the URL in a way that is the same each time.
                let id = format!("simulated-photo-{:08x}", hash(url));
                let size = json!({ "file_id": id, "file_unique_id": id, "width": 320,
                                   "height": 240, "file_size": 4096 });
                put(&mut fields, "photo", vec![size]);
                if !caption.is_empty() {
                    put(&mut fields, "caption", caption.as_str());
                }
                if !entities.is_empty() {
                    put(&mut fields, "caption_entities", entities.clone());
                }
            }
            Content::Service(service) => self.service_fields(service, &mut fields),
        }
        // Other bots' keyboards are not shown to a bot.
        if let Some(markup) = message.markup.as_ref().filter(|_| message.from == bot) {
            put(&mut fields, "reply_markup", markup.clone());
        }
        Value::Object(fields)
    }

    fn service_fields(&self, service: &Service, fields: &mut Map<String, Value>) {
        match service {
            Service::Created(ChatKind::Basic) => put(fields, "group_chat_created", true),
            Service::Created(ChatKind::Super) => put(fields, "supergroup_chat_created", true),
            Service::Joined(user) => {
                let user = self.user_json(*user);
                put(fields, "new_chat_participant", user.clone());
                put(fields, "new_chat_member", user.clone());
                put(fields, "new_chat_members", vec![user]);
            }
            Service::Left(user) => {
                let user = self.user_json(*user);
                put(fields, "left_chat_participant", user.clone());
                put(fields, "left_chat_member", user);
            }
            Service::Title(title) => put(fields, "new_chat_title", title.as_str()),
            Service::MigratedTo(id) => put(fields, "migrate_to_chat_id", *id),
            Service::MigratedFrom(id) => put(fields, "migrate_from_chat_id", *id),
        }
    }
}

pub(crate) fn status_name(status: &Status) -> &'static str {
    match status {
        Status::Creator => "creator",
        Status::Administrator(_) => "administrator",
        Status::Member => "member",
        Status::Restricted { .. } => "restricted",
        Status::Left => "left",
        Status::Kicked { .. } => "kicked",
    }
}

pub(crate) fn life_name(life: Life) -> &'static str {
    match life {
        Life::Active => "active",
        Life::Deleted => "deleted",
        Life::MigratedTo(_) => "migrated",
    }
}

fn gifts() -> Value {
    json!({ "unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false,
            "premium_subscription": false, "gifts_from_channels": false })
}

fn hash(text: &str) -> u32 {
    // FNV-1a, 32 bits.
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
