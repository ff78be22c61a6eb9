//! Who is in, who is out, and the methods that change it.

use serde_json::{Map, Value};

use crate::access::{Access, Target};
use crate::arguments::Args;
use crate::errors::{ApiError, ApiResult};
use crate::model::{ChatKind, Content, Later, Member, Service, Status};
use crate::rights::{BadPermissions, Permissions, Right, read_permissions};
use crate::world::World;

/// A ban shorter or longer than this is for ever (Bot API, `banChatMember`). Seconds.
const SHORTEST_BAN: i64 = 30;
const LONGEST_BAN: i64 = 366 * 86_400;

/// The timed ban inside `unbanChatMember(only_if_banned=false)` (tdlib, `restrict_channel_participant`).
const KICK_BAN: i64 = 60;

impl World {
    /// Changes somebody's status and tells the bots. `by` is who did it.
    pub(crate) fn set_status(&mut self, now: i64, chat: i64, user: i64, by: i64, new: Status) {
        let via = self.via(chat, user).filter(|_| new.is_member());
        self.change(now, chat, user, by, Member { status: new, via, by }, false);
    }

    /// Somebody comes in, by a link or added by somebody, with the message that the group sees.
    #[expect(clippy::too_many_arguments, reason = "who, where, by whom, as what, by which way")]
    pub(crate) fn let_in(
        &mut self,
        now: i64,
        chat: i64,
        user: i64,
        by: i64,
        status: Status,
        link: Option<&str>,
        by_request: bool,
    ) {
        let via = link.map(str::to_owned);
        self.change(now, chat, user, by, Member { status, via, by }, by_request);
        if let Some(group) = self.group_mut(chat) {
            group.requests.remove(&user);
        }
        // Who came by a link or was approved is the author of the message (tdlib,
        // `messageChatJoinByLink`, `messageChatJoinByRequest`).
        let author = if link.is_some() { user } else { by };
        self.service_message(now, chat, author, Service::Joined(user));
    }

    /// Somebody goes, or is thrown out, with the message that the group sees.
    pub(crate) fn let_out(&mut self, now: i64, chat: i64, user: i64, by: i64, status: Status) {
        let was_in = self.status(chat, user).is_member();
        self.set_status(now, chat, user, by, status);
        if was_in {
            self.service_message(now, chat, by, Service::Left(user));
        }
    }

    fn via(&self, chat: i64, user: i64) -> Option<String> {
        self.chats.get(&chat)?.members.get(&user)?.via.clone()
    }

    fn change(&mut self, now: i64, chat: i64, user: i64, by: i64, new: Member, by_request: bool) {
        let old = self.status(chat, user);
        let link = new.via.clone().filter(|_| !old.is_member() && new.status.is_member());
        let status = new.status.clone();
        let Some(group) = self.group_mut(chat) else { return };
        group.members.insert(user, new);
        if old == status {
            return;
        }
        let mut hearers = self.admin_bots(chat);
        if self.bots.contains_key(&user) && !hearers.contains(&user) {
            hearers.push(user);
        }
        for bot in hearers {
            let payload =
                self.member_update(now, chat, (user, by), (&old, &status), link.as_deref(), bot);
            let payload = with_request(payload, by_request);
            if bot == user {
                self.announce_own(bot, chat, payload);
            } else {
                self.announce_member(bot, user, payload);
            }
        }
    }

    fn member_update(
        &self,
        now: i64,
        chat: i64,
        (user, by): (i64, i64),
        (old, new): (&Status, &Status),
        link: Option<&str>,
        bot: i64,
    ) -> Value {
        let mut fields = Map::new();
        let Some(group) = self.chats.get(&chat) else { return Value::Null };
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("chat", self.chat_json(chat));
        put("from", self.user_json(by));
        put("date", Value::from(now / 1000));
        put("old_chat_member", self.member_json(group, user, old));
        put("new_chat_member", self.member_json(group, user, new));
        if let Some(link) = link.and_then(|code| group.links.iter().find(|l| l.code == code)) {
            put("invite_link", self.link_json(group, link, bot));
        }
        Value::Object(fields)
    }

    pub(crate) fn service_message(&mut self, now: i64, chat: i64, from: i64, what: Service) {
        let id = self.post(now, chat, from, Content::Service(what), None, None);
        if let Some(id) = id {
            self.announce(chat, id, crate::updates::UpdateKind::Message);
        }
    }

    pub(crate) fn get_member(&self, bot: i64, args: &Args) -> ApiResult {
        let user = args.user_id()?;
        let access = if user == bot { Access::Read } else { Access::ReadMembers };
        match self.target(bot, args, access)? {
            Target::Person(person) if user == person || user == bot => {
                let mut fields = Map::new();
                fields.insert("user".to_owned(), self.user_json(user));
                fields.insert("status".to_owned(), Value::from("member"));
                Ok(Value::Object(fields))
            }
            Target::Person(_) => Err(ApiError::bad("member not found")),
            Target::Group(chat) => {
                self.participant(user)?;
                let group = self.chat(chat)?;
                Ok(self.member_json(group, user, &self.status(chat, user)))
            }
        }
    }

    pub(crate) fn member_count(&self, bot: i64, args: &Args) -> ApiResult {
        match self.target(bot, args, Access::ReadMembers)? {
            Target::Person(_) => Ok(Value::from(2)),
            Target::Group(chat) => {
                let members = self.chat(chat)?.members.values();
                Ok(Value::from(members.filter(|m| m.status.is_member()).count()))
            }
        }
    }

    pub(crate) fn administrators(&self, bot: i64, args: &Args) -> ApiResult {
        let target = self.target(bot, args, Access::ReadMembers)?;
        let chat = self.chat(target.group("there are no administrators in the private chat")?)?;
        let shown = chat.members.iter().filter(|(id, member)| {
            // Other bots are not shown unless asked for.
            let other_bot = self.users.get(id).is_some_and(|user| user.is_bot) && **id != bot;
            member.status.is_admin() && !other_bot
        });
        Ok(shown.map(|(id, member)| self.member_json(chat, *id, &member.status)).collect())
    }

    pub(crate) fn ban_member(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let user = args.user_id()?;
        let until = args.integer("until_date")?.unwrap_or(0);
        args.boolean("revoke_messages")?;
        let target = self.target(bot, args, Access::Write)?;
        let chat = target.group("can't ban members in private chats")?;
        if self.chat(chat)?.kind == ChatKind::Basic {
            return self.remove_from_basic_group(now, bot, chat, user);
        }
        self.participant(user)?;
        let old = self.status(chat, user);
        if old == Status::Creator {
            return Err(ApiError::bad("can't remove chat owner"));
        }
        if user == bot {
            return Err(ApiError::bad("can't restrict self"));
        }
        self.may_restrict(bot, chat, &old)?;
        let ahead = until - now / 1000;
        let timed = (SHORTEST_BAN..=LONGEST_BAN).contains(&ahead);
        let until = if timed { until } else { 0 };
        self.let_out(now, chat, user, bot, Status::Kicked { until });
        if let Some(group) = self.group_mut(chat) {
            group.requests.remove(&user);
        }
        Ok(Value::Bool(true))
    }

    /// In a basic group a ban removes, and nothing is remembered of it.
    fn remove_from_basic_group(&mut self, now: i64, bot: i64, chat: i64, user: i64) -> ApiResult {
        self.participant(user)?;
        match self.status(chat, user) {
            Status::Creator => Err(ApiError::bad("can't remove chat owner")),
            Status::Administrator(_) if user != bot => {
                Err(ApiError::bad("user is an administrator of the chat"))
            }
            status if !status.is_member() => Err(ApiError::bad("USER_NOT_PARTICIPANT")),
            _ if !self.status(chat, bot).has(Right::RestrictMembers) => {
                Err(ApiError::bad("not enough rights to restrict/unrestrict chat member"))
            }
            _ => {
                self.let_out(now, chat, user, bot, Status::Left);
                Ok(Value::Bool(true))
            }
        }
    }

    /// `unbanChatMember`. Without `only_if_banned` it guarantees that the person is out and may come back:
    /// for a member that is a ban of 60 seconds, a pause and an unban, for a banned one the unban.
    /// The second value is when the answer is ready.
    pub(crate) fn unban_member(
        &mut self,
        now: i64,
        bot: i64,
        args: &Args,
    ) -> ApiResult<(Value, i64)> {
        let user = args.user_id()?;
        let only_if_banned = args.boolean("only_if_banned")?;
        let target = self.target(bot, args, Access::Write)?;
        let wrong = "method is available for supergroup and channel chats only";
        let chat = target.group(wrong)?;
        if self.chat(chat)?.kind == ChatKind::Basic {
            return Err(ApiError::bad(wrong));
        }
        self.participant(user)?;
        let done = Ok((Value::Bool(true), now));
        match self.status(chat, user) {
            Status::Left => done,
            status if only_if_banned && !matches!(status, Status::Kicked { .. }) => done,
            Status::Creator => Err(ApiError::bad("can't remove chat owner")),
            // Asked to be out, a bot leaves.
            _ if user == bot => {
                self.let_out(now, chat, bot, bot, Status::Left);
                done
            }
            Status::Kicked { .. } => {
                self.may_restrict(bot, chat, &Status::Left)?;
                self.set_status(now, chat, user, bot, Status::Left);
                done
            }
            status => {
                self.may_restrict(bot, chat, &status)?;
                if !status.is_member() {
                    self.set_status(now, chat, user, bot, Status::Left);
                    return done;
                }
                let until = now / 1000 + KICK_BAN;
                self.let_out(now, chat, user, bot, Status::Kicked { until });
                let ready = now + self.settings.kick_ms.max(0);
                self.later(ready, Later::Unban { chat, user, by: bot });
                // With no pause the second half belongs to this very call.
                if ready <= now {
                    self.tick(now);
                }
                Ok((Value::Bool(true), ready))
            }
        }
    }

    /// The second half of a kick: whatever ban there is by now, it is lifted.
    pub(crate) fn finish_kick(&mut self, now: i64, chat: i64, user: i64, by: i64) {
        if matches!(self.status(chat, user), Status::Kicked { .. }) {
            self.set_status(now, chat, user, by, Status::Left);
        }
    }

    pub(crate) fn restrict_member(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let user = args.user_id()?;
        let until = args.integer("until_date")?.unwrap_or(0);
        let permissions = permissions_of(args)?;
        let target = self.target(bot, args, Access::Write)?;
        let wrong = "method is available only for supergroups";
        let chat = target.group(wrong)?;
        if self.chat(chat)?.kind == ChatKind::Basic {
            return Err(ApiError::bad(wrong));
        }
        self.participant(user)?;
        let old = self.status(chat, user);
        if old == Status::Creator {
            return Err(ApiError::bad("can't remove chat owner"));
        }
        if user == bot {
            return Err(ApiError::bad("can't restrict self"));
        }
        self.may_restrict(bot, chat, &old)?;
        let is_member = old.is_member();
        let ahead = until - now / 1000;
        let until = if (SHORTEST_BAN..=LONGEST_BAN).contains(&ahead) { until } else { 0 };
        let everything = permissions.len() == crate::rights::Permission::ALL.len();
        let new = match (everything, is_member) {
            (true, true) => Status::Member,
            (true, false) => Status::Left,
            (false, _) => Status::Restricted { permissions, until, is_member },
        };
        self.set_status(now, chat, user, bot, new);
        Ok(Value::Bool(true))
    }

    pub(crate) fn leave_chat(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let target = self.target(bot, args, Access::Read)?;
        let chat = target.group("can't leave private chats")?;
        if self.status(chat, bot).is_member() {
            self.let_out(now, chat, bot, bot, Status::Left);
        }
        Ok(Value::Bool(true))
    }

    /// Somebody whom Telegram knows; the number of nobody is refused.
    fn participant(&self, user: i64) -> ApiResult<()> {
        if self.users.contains_key(&user) {
            Ok(())
        } else {
            Err(ApiError::bad("PARTICIPANT_ID_INVALID"))
        }
    }

    fn may_restrict(&self, bot: i64, chat: i64, whom: &Status) -> ApiResult<()> {
        if !self.status(chat, bot).has(Right::RestrictMembers) {
            return Err(ApiError::bad("not enough rights to restrict/unrestrict chat member"));
        }
        if whom.is_admin() {
            return Err(ApiError::bad("user is an administrator of the chat"));
        }
        Ok(())
    }
}

fn with_request(mut payload: Value, by_request: bool) -> Value {
    if by_request && let Some(fields) = payload.as_object_mut() {
        fields.insert("via_join_request".to_owned(), Value::Bool(true));
    }
    payload
}

/// Reads the `permissions` of a call.
pub(crate) fn permissions_of(args: &Args) -> ApiResult<Permissions> {
    let independent = args.boolean("use_independent_chat_permissions")?;
    let object = args.object("permissions", "permissions")?.unwrap_or_default();
    read_permissions(&object, independent).map_err(|bad| match bad {
        BadPermissions::NotBoolean(field) => ApiError::bad(format!(
            "can't parse chat permissions: Field \"{field}\" must be of type Boolean"
        )),
        BadPermissions::Unknown(field) => {
            ApiError::bad(format!("unknown argument \"permissions.{field}\""))
        }
    })
}
