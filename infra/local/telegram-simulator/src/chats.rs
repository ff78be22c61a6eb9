//! The group itself: its name, description, permissions, and its change into a supergroup.

use serde_json::{Value, json};

use crate::access::{Access, Target};
use crate::arguments::Args;
use crate::errors::{ApiError, ApiResult};
use crate::members::permissions_of;
use crate::model::{ChatKind, Life, Service, Status};
use crate::rights::{Permission, Right};
use crate::world::World;

impl World {
    pub(crate) fn get_me(&self, bot: i64) -> ApiResult {
        let reads_all = !self.bot(bot)?.privacy;
        let mut me = self.user_json(bot);
        if let Some(fields) = me.as_object_mut() {
            for (name, on) in [
                ("can_join_groups", true),
                ("can_read_all_group_messages", reads_all),
                ("supports_inline_queries", false),
                ("can_connect_to_business", false),
                ("has_main_web_app", false),
                ("has_topics_enabled", false),
            ] {
                fields.insert(name.to_owned(), Value::Bool(on));
            }
        }
        Ok(me)
    }

    pub(crate) fn get_chat(&self, bot: i64, args: &Args) -> ApiResult {
        match self.target(bot, args, Access::Read)? {
            Target::Group(chat) => Ok(self.full_chat_json(self.chat(chat)?, bot)),
            Target::Person(user) => {
                let mut chat = self.private_chat_json(user);
                if let Some(fields) = chat.as_object_mut() {
                    if let Some(bio) = self.users.get(&user).and_then(|user| user.bio.clone()) {
                        fields.insert("bio".to_owned(), Value::String(bio));
                    }
                    fields.insert("max_reaction_count".to_owned(), json!(11));
                    fields.insert("accent_color_id".to_owned(), json!(0));
                }
                Ok(chat)
            }
        }
    }

    pub(crate) fn set_title(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let target = self.target(bot, args, Access::Write)?;
        let chat = target.group("can't change private chat title")?;
        // 1–128 characters; what is longer is cut (tdlib, `clean_name`).
        let title: String = args.text("title").trim().chars().take(128).collect();
        if title.is_empty() {
            return Err(ApiError::bad("title must be non-empty"));
        }
        if !self.may_change_info(bot, chat)? {
            return Err(ApiError::bad("not enough rights to change chat title"));
        }
        self.rename(now, chat, bot, &title);
        Ok(Value::Bool(true))
    }

    /// Gives a group another name; the same name changes nothing and says nothing.
    pub(crate) fn rename(&mut self, now: i64, chat: i64, by: i64, title: &str) {
        let Some(group) = self.group_mut(chat) else { return };
        if group.title == title {
            return;
        }
        title.clone_into(&mut group.title);
        self.service_message(now, chat, by, Service::Title(title.to_owned()));
    }

    pub(crate) fn set_description(&mut self, bot: i64, args: &Args) -> ApiResult {
        let target = self.target(bot, args, Access::Write)?;
        let chat = target.group("can't change private chat description")?;
        if !self.may_change_info(bot, chat)? {
            return Err(ApiError::bad("not enough rights to set chat description"));
        }
        let description: String = args.text("description").trim().chars().take(255).collect();
        let group = self.chat_mut(chat)?;
        if group.description == description {
            return Err(ApiError::bad("chat description is not modified"));
        }
        group.description = description;
        Ok(Value::Bool(true))
    }

    pub(crate) fn set_permissions(&mut self, bot: i64, args: &Args) -> ApiResult {
        let permissions = permissions_of(args)?;
        let target = self.target(bot, args, Access::Write)?;
        let chat = target.group("can't change private chat permissions")?;
        if !self.status(chat, bot).has(Right::RestrictMembers) {
            return Err(ApiError::bad("not enough rights to change chat permissions"));
        }
        self.chat_mut(chat)?.permissions = permissions;
        Ok(Value::Bool(true))
    }

    fn may_change_info(&self, bot: i64, chat: i64) -> ApiResult<bool> {
        let by_all = self.chat(chat)?.permissions.contains(&Permission::ChangeInfo);
        Ok(match self.status(chat, bot) {
            Status::Creator => true,
            Status::Administrator(rights) => rights.contains(&Right::ChangeInfo),
            Status::Member => by_all,
            Status::Restricted { permissions, .. } => {
                by_all && permissions.contains(&Permission::ChangeInfo)
            }
            Status::Left | Status::Kicked { .. } => false,
        })
    }

    /// Turns a basic group into a supergroup with a new id. Members, links and open requests move along;
    /// messages do not. Bots hear of it by a message in each of the two and by their membership in the
    /// new one, and, where `old_left` is set, as having left the old one.
    pub(crate) fn migrate(&mut self, now: i64, old: i64, by: i64, old_left: bool) -> Option<i64> {
        let group = self.chats.get(&old)?.clone();
        let new = self.add_chat(ChatKind::Super, &group.title);
        let members = group.members.clone();
        let moved = self.group_mut(new)?;
        moved.description = group.description.clone();
        moved.permissions = group.permissions.clone();
        moved.links = group.links.clone();
        moved.requests = group.requests.clone();
        for (user, member) in &members {
            if member.status.is_member() && !self.bots.contains_key(user) {
                let member = member.clone();
                self.group_mut(new)?.members.insert(*user, member);
            }
        }
        let bots: Vec<i64> = self.bots.keys().copied().collect();
        for bot in bots {
            if let Some(member) = members.get(&bot).filter(|member| member.status.is_member()) {
                self.set_status(now, new, bot, by, member.status.clone());
            }
        }
        self.service_message(now, old, by, Service::MigratedTo(new));
        self.service_message(now, new, by, Service::MigratedFrom(old));
        if old_left {
            let bots: Vec<i64> = self.bots.keys().copied().collect();
            for bot in bots {
                if members.get(&bot).is_some_and(|member| member.status.is_member()) {
                    self.set_status(now, old, bot, by, Status::Left);
                }
            }
        }
        if let Some(group) = self.group_mut(old) {
            group.life = Life::MigratedTo(new);
            group.links.clear();
            group.requests.clear();
        }
        Some(new)
    }
}
