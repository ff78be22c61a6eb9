//! Join requests: filed by people, decided by administrators, each only once.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::access::Access;
use crate::arguments::Args;
use crate::errors::{ApiError, ApiResult};
use crate::model::{JoinQuery, JoinRequest, Status};
use crate::rights::Right;
use crate::world::World;

/// How long a bot may write to somebody who asks to be let in (Bot API, `ChatJoinRequest`).
const WINDOW: i64 = 5 * 60_000;

/// How long a guard bot has to answer a join request query (Bot API 10.1).
const QUERY: i64 = 10_000;

impl World {
    /// A person asks to be let in by a link. False if the request was waiting already.
    pub(crate) fn file_request(&mut self, now: i64, chat: i64, user: i64, link: &str) -> bool {
        let date = now / 1000;
        let Some(group) = self.group_mut(chat) else { return false };
        if group.requests.contains_key(&user) {
            return false;
        }
        group.requests.insert(user, JoinRequest { link: link.to_owned(), date });
        for bot in self.inviting_bots(chat) {
            let payload = self.request_json(now, chat, user, bot, link);
            self.private_mut(bot, user).open_until = Some(now + WINDOW);
            self.announce_request(bot, user, payload);
        }
        true
    }

    fn request_json(&mut self, now: i64, chat: i64, user: i64, bot: i64, link: &str) -> Value {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("chat", self.chat_json(chat));
        put("from", self.user_json(user));
        put("user_chat_id", json!(user));
        put("date", json!(now / 1000));
        if let Some(bio) = self.users.get(&user).and_then(|user| user.bio.clone()) {
            put("bio", json!(bio));
        }
        let group = self.chats.get(&chat);
        let link = group.and_then(|g| g.links.iter().find(|l| l.code == link).map(|l| (g, l)));
        if let Some((group, link)) = link {
            put("invite_link", self.link_json(group, link, bot));
        }
        if self.bots.get(&bot).is_some_and(|bot| bot.guard) {
            let id = format!("jq{}", self.fresh_id());
            put("query_id", json!(id));
            if let Some(bot) = self.bots.get_mut(&bot) {
                bot.join_queries.insert(id, JoinQuery { chat, user, until: now + QUERY });
            }
        }
        Value::Object(fields)
    }

    pub(crate) fn approve_request(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let (chat, user) = self.request_of(bot, args)?;
        self.approve(now, chat, user, bot)?;
        Ok(Value::Bool(true))
    }

    pub(crate) fn decline_request(&mut self, bot: i64, args: &Args) -> ApiResult {
        let (chat, user) = self.request_of(bot, args)?;
        self.close_request(chat, user)?;
        Ok(Value::Bool(true))
    }

    /// `answerChatJoinRequestQuery`: for guard bots, within ten seconds, once.
    pub(crate) fn answer_join_query(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let id = args.text("chat_join_request_query_id").to_owned();
        let result = args.text("result").to_owned();
        if !["approve", "decline", "queue"].contains(&result.as_str()) {
            return Err(ApiError::bad("invalid result specified"));
        }
        let query = self.bot_mut(bot)?.join_queries.remove(&id);
        let query = query.filter(|query| now <= query.until).ok_or_else(|| {
            ApiError::bad("query is too old and response timeout expired or query ID is invalid")
        })?;
        match result.as_str() {
            "approve" => self.approve(now, query.chat, query.user, bot)?,
            "decline" => self.close_request(query.chat, query.user)?,
            _ => {}
        }
        Ok(Value::Bool(true))
    }

    fn request_of(&self, bot: i64, args: &Args) -> ApiResult<(i64, i64)> {
        let user = args.user_id()?;
        let target = self.target(bot, args, Access::Write)?;
        let chat = target.group("the chat can't have join requests")?;
        if !self.status(chat, bot).has(Right::InviteUsers) {
            return Err(ApiError::bad("not enough rights to manage chat join requests"));
        }
        let person = self.users.get(&user).ok_or_else(|| ApiError::bad("USER_ID_INVALID"))?;
        if person.deactivated {
            return Err(ApiError::forbidden("user is deactivated"));
        }
        Ok((chat, user))
    }

    /// Lets somebody in whose request waits; `by` is who decides, a bot or a person.
    pub(crate) fn approve(&mut self, now: i64, chat: i64, user: i64, by: i64) -> ApiResult<()> {
        if self.status(chat, user).is_member() {
            return Err(ApiError::bad("USER_ALREADY_PARTICIPANT"));
        }
        let group = self.chat(chat)?;
        let request = group
            .requests
            .get(&user)
            .cloned()
            .ok_or_else(|| ApiError::bad("HIDE_REQUESTER_MISSING"))?;
        if self.users.get(&user).is_some_and(|user| user.in_too_many_chats) {
            return Err(ApiError::bad("USER_CHANNELS_TOO_MUCH"));
        }
        self.close_request(chat, user)?;
        self.let_in(now, chat, user, by, Status::Member, Some(&request.link), true);
        Ok(())
    }

    /// Takes a request from the list; where it was the last one, nobody may write because of it any more.
    pub(crate) fn close_request(&mut self, chat: i64, user: i64) -> ApiResult<()> {
        let removed = self.chat_mut(chat)?.requests.remove(&user);
        removed.ok_or_else(|| ApiError::bad("HIDE_REQUESTER_MISSING"))?;
        if self.chats.values().any(|chat| chat.requests.contains_key(&user)) {
            return Ok(());
        }
        for ((_, person), private) in &mut self.privates {
            if *person == user {
                Arc::make_mut(private).open_until = None;
            }
        }
        Ok(())
    }
}
