//! A person taps a link: to a bot, to a bot with a group, or into a group.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::admins::{admin_status, parse_rights};
use crate::errors::{ControlError, ControlResult};
use crate::links::Unusable;
use crate::model::{ChatKind, Content, Status};
use crate::people::Kind;
use crate::rights::{Right, Rights};
use crate::text;
use crate::updates::UpdateKind;
use crate::world::World;

/// The body of `/control/open`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tap {
    user: i64,
    link: String,
    /// For a `startgroup` link: the group that the person picks. Left out: a new one is made.
    chat_id: Option<i64>,
    /// The name of that new group.
    title: Option<String>,
    /// The kind of that new group.
    #[serde(default)]
    kind: Kind,
    /// What becomes of a basic group.
    #[serde(default)]
    upgrade: Upgrade,
    #[serde(default)]
    order: Order,
}

/// Whether and when the app turns a basic group into a supergroup.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(from = "Value")]
enum Upgrade {
    #[default]
    No,
    Before,
    After,
}

impl From<Value> for Upgrade {
    fn from(value: Value) -> Self {
        match value.as_str() {
            Some("before") => Self::Before,
            Some("after") => Self::After,
            _ if value == Value::Bool(true) => Self::Before,
            _ => Self::No,
        }
    }
}

/// Which of the two updates comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    #[default]
    MemberFirst,
    StartFirst,
}

impl World {
    pub(crate) fn open(&mut self, now: i64, tap: Tap) -> ControlResult {
        self.person(tap.user)?;
        let rest = tap.link.trim().trim_start_matches("https://").trim_start_matches("http://");
        let Some(rest) = rest.strip_prefix("t.me/") else {
            return Err(ControlError::new("this is no link to Telegram (https://t.me/…)"));
        };
        if rest.starts_with('+') || rest.starts_with("joinchat/") {
            return Ok(self.tap_invite(now, tap.user, &tap.link));
        }
        let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
        let bot = self
            .bots
            .values()
            .find(|bot| bot.username.eq_ignore_ascii_case(name))
            .map(|bot| bot.id)
            .ok_or_else(|| ControlError::new(format!("there is no bot @{name}")))?;
        let mut start = None;
        let mut group = None;
        let mut rights = Rights::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "start" => start = Some(payload(&value)?),
                "startgroup" => group = Some(payload(&value)?),
                // In a link `+` stands between the rights; read as a form it is a space.
                "admin" => {
                    let names: Vec<String> = value.split([' ', '+']).map(str::to_owned).collect();
                    rights = parse_rights(&names)?;
                }
                other => return Err(ControlError::new(format!("unknown part `{other}`"))),
            }
        }
        match (start, group) {
            (_, Some(payload)) => self.tap_startgroup(now, &tap, bot, &payload, rights),
            (start, None) => {
                let start = start.unwrap_or_default();
                let text = format!("/start {start}");
                let said = json!({ "user": tap.user, "bot": bot, "text": text.trim() });
                if let Some(private) = self.privates.get_mut(&(bot, tap.user)).map(Arc::make_mut) {
                    // Start is also the button that lifts a block.
                    private.blocked = false;
                }
                let id = self.control(now, "message", said)?;
                Ok(json!({ "outcome": "started", "message_id": id.get("message_id") }))
            }
        }
    }

    fn tap_invite(&mut self, now: i64, user: i64, url: &str) -> Value {
        let (chat, link) = match self.follow_link(now, user, url) {
            Ok(found) => found,
            Err(why) => {
                let outcome = match why {
                    Unusable::Unknown => "unknown",
                    Unusable::Revoked => "revoked",
                    Unusable::Expired => "expired",
                    Unusable::Full => "full",
                };
                return json!({ "outcome": outcome });
            }
        };
        let outcome = match self.status(chat, user) {
            status if status.is_member() => "already_member",
            Status::Kicked { .. } => "banned",
            _ if link.creates_join_request => {
                if self.file_request(now, chat, user, &link.code) {
                    "requested"
                } else {
                    "already_requested"
                }
            }
            _ if self.users.get(&user).is_some_and(|user| user.in_too_many_chats) => {
                "too_many_chats"
            }
            old => {
                let status = match old {
                    Status::Restricted { permissions, until, .. } => {
                        Status::Restricted { permissions, until, is_member: true }
                    }
                    _ => Status::Member,
                };
                self.let_in(now, chat, user, user, status, Some(&link.code), false);
                "joined"
            }
        };
        json!({ "outcome": outcome, "chat_id": chat })
    }

    fn tap_startgroup(
        &mut self,
        now: i64,
        tap: &Tap,
        bot: i64,
        payload: &str,
        rights: Rights,
    ) -> ControlResult {
        let user = tap.user;
        let mut chat = match tap.chat_id {
            Some(chat) => chat,
            None => {
                let title = tap.title.as_deref().unwrap_or("New group");
                self.found_group(now, user, title, tap.kind.chat())
            }
        };
        let by = self.status(chat, user);
        let basic = self.live_chat(chat)?.kind == ChatKind::Basic;
        if !by.has(Right::InviteUsers)
            || (!rights.is_empty() && !by.has(Right::PromoteMembers))
            || (basic && tap.upgrade != Upgrade::No && by != Status::Creator)
        {
            return Err(ControlError::new("this person may not add the bot to this group"));
        }
        if basic && tap.upgrade == Upgrade::Before {
            chat = self.upgraded(now, chat, user)?;
        }
        let kind = self.live_chat(chat)?.kind;
        let status = admin_status(kind, rights.clone());
        let already = self.outgoing.len();
        if self.status(chat, bot).is_member() {
            self.set_status(now, chat, bot, user, status);
        } else {
            self.let_in(now, chat, bot, user, status, None, false);
        }
        let bot_name = self.bots.get(&bot).map_or("", |bot| bot.username.as_str());
        let text = text::plain(format!("/start@{bot_name} {payload}").trim());
        let content = Content::Text { text: text.text, entities: text.entities, preview: None };
        let message = self.post(now, chat, user, content, None, None);
        if let Some(id) = message {
            self.announce(chat, id, UpdateKind::Message);
        }
        if tap.order == Order::StartFirst
            && let Some(fresh) = self.outgoing.get_mut(already..)
        {
            fresh.sort_by_key(|update| update.kind == UpdateKind::MyChatMember);
        }
        if basic && tap.upgrade == Upgrade::After {
            chat = self.upgraded(now, chat, user)?;
            let status = admin_status(ChatKind::Super, rights);
            self.set_status(now, chat, bot, user, status);
        }
        Ok(json!({ "outcome": "added", "chat_id": chat, "message_id": message }))
    }

    fn upgraded(&mut self, now: i64, chat: i64, by: i64) -> ControlResult<i64> {
        self.migrate(now, chat, by, false).ok_or_else(|| ControlError::new("no such group"))
    }
}

/// The payload of a start link: 1 to 64 characters of `A-Za-z0-9_-` (Telegram, "Deep linking").
fn payload(text: &str) -> ControlResult<String> {
    let good = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if good && (1..=64).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(ControlError::new("a payload is 1 to 64 of A-Z a-z 0-9 _ -"))
    }
}
