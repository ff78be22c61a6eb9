//! The world as tests and people look at it: everything, not what one bot may see.

use serde_json::{Value, json};

use crate::errors::{ControlError, ControlResult};
use crate::model::{Chat, ChatKind, Content, History, Life, Member, Message, Service, Status};
use crate::rights::{Permission, Right};
use crate::view::{life_name, status_name};
use crate::world::World;

impl World {
    /// One group: name, kind, description, permissions, members, messages, links, open requests.
    ///
    /// # Errors
    /// No group has this id.
    pub fn group(&self, chat: i64) -> Result<Value, ControlError> {
        let chat = self
            .chats
            .get(&chat)
            .ok_or_else(|| ControlError::new(format!("there is no group {chat}")))?;
        Ok(self.group_json(chat))
    }

    fn group_json(&self, chat: &Chat) -> Value {
        let members: Vec<Value> =
            chat.members.iter().map(|(id, member)| self.member_shown(*id, member)).collect();
        let links: Vec<Value> = chat
            .links
            .iter()
            .map(|link| {
                json!({
                    "invite_link": link.url(), "creator": link.creator, "name": link.name,
                    "expire_date": link.expire_date, "member_limit": link.member_limit,
                    "creates_join_request": link.creates_join_request,
                    "is_primary": link.is_primary, "is_revoked": link.is_revoked,
                })
            })
            .collect();
        let requests: Vec<Value> = chat
            .requests
            .iter()
            .map(|(user, request)| {
                json!({ "user": user, "name": self.name(*user), "date": request.date,
                        "invite_link": format!("https://t.me/+{}", request.link) })
            })
            .collect();
        let permissions: Vec<&str> =
            chat.permissions.iter().map(|permission| permission.field()).collect();
        let kind = match chat.kind {
            ChatKind::Basic => "group",
            ChatKind::Super => "supergroup",
        };
        let migrated_to = match chat.life {
            Life::MigratedTo(to) => Some(to),
            _ => None,
        };
        json!({
            "chat_id": chat.id, "title": chat.title, "kind": kind,
            "description": chat.description, "state": life_name(chat.life),
            "migrated_to": migrated_to, "permissions": permissions,
            "all_permissions": chat.permissions.len() == Permission::ALL.len(),
            "members": members, "messages": self.history_shown(&chat.history),
            "links": links, "join_requests": requests,
        })
    }

    fn member_shown(&self, id: i64, member: &Member) -> Value {
        let user = self.users.get(&id);
        let mut shown = json!({
            "user": id, "name": self.name(id),
            "username": user.and_then(|user| user.username.clone()),
            "is_bot": user.is_some_and(|user| user.is_bot),
            "status": status_name(&member.status),
            "is_member": member.status.is_member(), "by": member.by,
            "via": member.via.as_ref().map(|code| format!("https://t.me/+{code}")),
        });
        let extra = match &member.status {
            Status::Administrator(rights) => {
                let names: Vec<&str> = rights.iter().map(|right: &Right| right.name()).collect();
                Some(("rights", json!(names)))
            }
            Status::Kicked { until } => Some(("until_date", json!(until))),
            Status::Restricted { permissions, .. } => {
                let names: Vec<&str> = permissions.iter().map(|p| p.field()).collect();
                Some(("permissions", json!(names)))
            }
            _ => None,
        };
        if let (Some((name, value)), Some(fields)) = (extra, shown.as_object_mut()) {
            fields.insert(name.to_owned(), value);
        }
        shown
    }

    fn name(&self, id: i64) -> String {
        self.users.get(&id).map_or_else(String::new, |user| user.first_name.clone())
    }

    fn history_shown(&self, history: &History) -> Vec<Value> {
        history.messages.values().map(|message| self.message_shown(message)).collect()
    }

    fn message_shown(&self, message: &Message) -> Value {
        let mut shown = json!({
            "message_id": message.id, "from": message.from, "from_name": self.name(message.from),
            "date": message.date, "edit_date": message.edited, "reply_to": message.reply_to,
            "buttons": message.markup.as_ref().and_then(|m| m.get("inline_keyboard")),
        });
        let Some(fields) = shown.as_object_mut() else { return shown };
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        match &message.content {
            Content::Text { text, entities, preview } => {
                put("text", json!(text));
                put("entities", json!(entities));
                put("link_preview_options", json!(preview));
            }
            Content::Photo { url, caption, entities } => {
                put("photo", json!(url));
                put("caption", json!(caption));
                put("entities", json!(entities));
            }
            Content::Service(service) => {
                let text = match service {
                    Service::Created(_) => "created the group".to_owned(),
                    Service::Joined(user) if *user == message.from => "joined".to_owned(),
                    Service::Joined(user) => format!("added {}", self.name(*user)),
                    Service::Left(user) if *user == message.from => "left".to_owned(),
                    Service::Left(user) => format!("removed {}", self.name(*user)),
                    Service::Title(title) => format!("named the group “{title}”"),
                    Service::MigratedTo(id) => format!("made it supergroup {id}"),
                    Service::MigratedFrom(id) => format!("made it from group {id}"),
                };
                put("service", json!(text));
            }
        }
        shown
    }

    /// The private chats of one person with bots.
    ///
    /// # Errors
    /// No person has this id.
    pub fn private_chats(&self, user: i64) -> Result<Value, ControlError> {
        if !self.users.contains_key(&user) {
            return Err(ControlError::new(format!("there is no user {user}")));
        }
        let chats: Vec<Value> = self
            .privates
            .iter()
            .filter(|((_, person), _)| *person == user)
            .map(|((bot, _), private)| {
                json!({
                    "bot": bot, "bot_username": self.bots.get(bot).map(|bot| &bot.username),
                    "started": private.started, "blocked": private.blocked,
                    "messages": self.history_shown(&private.history),
                })
            })
            .collect();
        Ok(json!(chats))
    }

    /// Every call of the Bot API since the start or the last reset, oldest first. No tokens.
    #[must_use]
    pub fn calls(&self) -> Value {
        let shown = self.calls.iter().map(|call| {
            json!({
                "at": call.at, "bot": call.bot, "method": call.method, "args": call.args,
                "code": call.code, "description": call.description, "fault": call.fault,
            })
        });
        shown.collect()
    }

    /// How a button press was answered, if it was.
    pub(crate) fn callback_answer(&self, id: &str) -> ControlResult {
        let found = self.bots.values().find_map(|bot| bot.callbacks.get(id));
        let found = found.ok_or_else(|| ControlError::new("there is no such callback query"))?;
        Ok(json!({ "answered": found.is_some(), "answer": found }))
    }

    /// Everything at once, for the page; only the last hundred calls.
    #[must_use]
    pub fn state(&self) -> Value {
        let groups: Vec<Value> = self.chats.values().map(|chat| self.group_json(chat)).collect();
        let users: Vec<Value> = self
            .users
            .values()
            .filter(|user| !user.is_bot)
            .map(|user| {
                json!({
                    "id": user.id, "first_name": user.first_name, "username": user.username,
                    "deactivated": user.deactivated,
                    "private_chats": self.private_chats(user.id).unwrap_or_default(),
                })
            })
            .collect();
        let bots: Vec<Value> = self
            .bots
            .values()
            .map(|bot| {
                let webhook = bot.inbox.webhook.as_ref();
                json!({
                    "id": bot.id, "username": bot.username,
                    "webhook": webhook.map(|webhook| &webhook.url),
                    "webhook_error": webhook.and_then(|w| w.last_error.as_ref()),
                    "pending_updates": bot.inbox.pending(),
                    "updates_under_way": bot.inbox.in_flight(),
                })
            })
            .collect();
        let calls = self.calls();
        let recent: Vec<&Value> = calls.as_array().into_iter().flatten().rev().take(100).collect();
        let faults: Vec<Value> = self
            .faults
            .all()
            .iter()
            .map(|(id, fault)| json!({ "id": id, "fault": fault }))
            .collect();
        json!({
            "bots": bots, "users": users, "groups": groups, "calls": recent, "faults": faults,
            "flood": self.flood.rules, "blocks": self.flood.blocks(), "idle": self.is_idle(),
        })
    }
}
