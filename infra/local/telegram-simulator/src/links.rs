//! Invite links: making, changing, revoking, and what a tap on one leads to.

use serde_json::Value;

use crate::access::Access;
use crate::arguments::Args;
use crate::errors::{ApiError, ApiResult};
use crate::model::Link;
use crate::rights::Right;
use crate::world::World;

/// The longest name; what is longer is cut, not refused.
const NAME_LENGTH: usize = 32;

/// Why a tap on a link does not lead in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    Unknown,
    Revoked,
    Expired,
    Full,
}

/// What `createChatInviteLink` and `editChatInviteLink` set.
struct Terms {
    name: String,
    expire_date: Option<i64>,
    member_limit: Option<i64>,
    creates_join_request: bool,
}

impl Terms {
    fn read(args: &Args, now: i64) -> ApiResult<Self> {
        let creates_join_request = args.boolean("creates_join_request")?;
        let member_limit = args.integer("member_limit")?.filter(|limit| *limit != 0);
        let expire_date = args.integer("expire_date")?.filter(|date| *date != 0);
        if creates_join_request && member_limit.is_some() {
            return Err(ApiError::bad(
                "member limit can't be specified for links requiring administrator approval",
            ));
        }
        if member_limit.is_some_and(|limit| !(1..=99_999).contains(&limit)) {
            return Err(ApiError::bad("USAGE_LIMIT_INVALID"));
        }
        // A date in milliseconds does not fit the 32 bits of Telegram's dates.
        let sane = now / 1000 + 1..=i64::from(i32::MAX);
        if expire_date.is_some_and(|date| !sane.contains(&date)) {
            return Err(ApiError::bad("EXPIRE_DATE_INVALID"));
        }
        let name = args.text("name").trim().chars().take(NAME_LENGTH).collect();
        Ok(Self { name, expire_date, member_limit, creates_join_request })
    }
}

impl World {
    pub(crate) fn create_link(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let chat = self.link_chat(bot, args)?;
        let terms = Terms::read(args, now)?;
        let link = self.new_link(bot, terms, false);
        self.chat_mut(chat)?.links.push(link.clone());
        Ok(self.link_json(self.chat(chat)?, &link, bot))
    }

    pub(crate) fn edit_link(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let chat = self.link_chat(bot, args)?;
        let terms = Terms::read(args, now)?;
        let link = self.own_link(chat, bot, args.text("invite_link"))?;
        if link.is_primary {
            return Err(ApiError::bad("CHAT_INVITE_PERMANENT"));
        }
        link.name = terms.name;
        link.expire_date = terms.expire_date;
        link.member_limit = terms.member_limit;
        link.creates_join_request = terms.creates_join_request;
        let link = link.clone();
        Ok(self.link_json(self.chat(chat)?, &link, bot))
    }

    pub(crate) fn revoke_link(&mut self, bot: i64, args: &Args) -> ApiResult {
        let chat = self.link_chat(bot, args)?;
        let link = self.own_link(chat, bot, args.text("invite_link"))?;
        link.is_revoked = true;
        let link = link.clone();
        if link.is_primary {
            self.new_primary(chat, bot)?;
        }
        Ok(self.link_json(self.chat(chat)?, &link, bot))
    }

    pub(crate) fn export_link(&mut self, bot: i64, args: &Args) -> ApiResult {
        let chat = self.link_chat(bot, args)?;
        for link in &mut self.chat_mut(chat)?.links {
            if link.creator == bot && link.is_primary {
                link.is_revoked = true;
            }
        }
        Ok(Value::String(self.new_primary(chat, bot)?))
    }

    fn new_primary(&mut self, chat: i64, creator: i64) -> ApiResult<String> {
        let terms = Terms {
            name: String::new(),
            expire_date: None,
            member_limit: None,
            creates_join_request: false,
        };
        let link = self.new_link(creator, terms, true);
        let url = link.url();
        self.chat_mut(chat)?.links.push(link);
        Ok(url)
    }

    fn new_link(&mut self, creator: i64, terms: Terms, is_primary: bool) -> Link {
        Link {
            code: self.rng.code(16),
            creator,
            name: terms.name,
            expire_date: terms.expire_date,
            member_limit: terms.member_limit,
            creates_join_request: terms.creates_join_request,
            is_primary,
            is_revoked: false,
        }
    }

    /// A link made by a person in the app, with the same rules.
    pub(crate) fn link_by_person(
        &mut self,
        now: i64,
        by: i64,
        chat: i64,
        args: &Args,
    ) -> ApiResult<Link> {
        let terms = Terms::read(args, now)?;
        let link = self.new_link(by, terms, false);
        self.chat_mut(chat)?.links.push(link.clone());
        Ok(link)
    }

    fn link_chat(&self, bot: i64, args: &Args) -> ApiResult<i64> {
        let target = self.target(bot, args, Access::Write)?;
        let chat = target.group("can't invite members to a private chat")?;
        if !self.status(chat, bot).has(Right::InviteUsers) {
            return Err(ApiError::bad("not enough rights to manage chat invite link"));
        }
        Ok(chat)
    }

    /// A link of this bot that still lives. Others', unknown and revoked ones are one and the same.
    fn own_link(&mut self, chat: i64, bot: i64, url: &str) -> ApiResult<&mut Link> {
        self.chat_mut(chat)?
            .links
            .iter_mut()
            .find(|link| link.creator == bot && !link.is_revoked && link.url() == url)
            .ok_or_else(|| ApiError::bad("INVITE_HASH_EXPIRED"))
    }

    /// Finds the group behind a link, alive and open, or says why it does not lead in.
    pub(crate) fn follow_link(
        &self,
        now: i64,
        user: i64,
        url: &str,
    ) -> Result<(i64, Link), Unusable> {
        let found = self.chats.values().find_map(|chat| {
            // After a migration the links lead to the supergroup.
            let link = chat.links.iter().find(|link| same_link(link, url))?;
            (chat.life == crate::model::Life::Active).then_some((chat, link))
        });
        let (chat, link) = found.ok_or(Unusable::Unknown)?;
        if link.is_revoked {
            return Err(Unusable::Revoked);
        }
        if link.expire_date.is_some_and(|date| date * 1000 <= now) {
            return Err(Unusable::Expired);
        }
        let inside = chat
            .members
            .values()
            .filter(|member| member.status.is_member() && member.via.as_ref() == Some(&link.code))
            .count();
        // The limit counts who is in at the same time, not who ever came.
        let comes_new = !self.status(chat.id, user).is_member();
        if comes_new && link.member_limit.is_some_and(|limit| inside as i64 >= limit) {
            return Err(Unusable::Full);
        }
        Ok((chat.id, link.clone()))
    }
}

fn same_link(link: &Link, url: &str) -> bool {
    let rest = url.trim().trim_start_matches("https://").trim_start_matches("http://");
    let code = rest.strip_prefix("t.me/+").or_else(|| rest.strip_prefix("t.me/joinchat/"));
    code == Some(link.code.as_str())
}
