//! What owners and administrators do in their groups: the control interface.

use serde::Deserialize;
use serde_json::json;

use crate::arguments::Args;
use crate::errors::{ControlError, ControlResult};
use crate::model::{ChatKind, Life, Status};
use crate::people::done;
use crate::rights::{Right, Rights, basic_group_rights};
use crate::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneChat {
    chat_id: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Migrate {
    chat_id: i64,
    by: Option<i64>,
    /// Also tell bots that they left the old group.
    #[serde(default)]
    old_left: bool,
    /// Open join requests do not come along.
    #[serde(default)]
    requests_lost: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByUser {
    by: i64,
    user: i64,
    chat_id: i64,
    #[serde(default)]
    until_date: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KickBot {
    by: i64,
    chat_id: i64,
    bot: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Promote {
    by: i64,
    user: Option<i64>,
    bot: Option<i64>,
    chat_id: i64,
    /// Exactly these.
    rights: Option<Vec<String>>,
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Title {
    by: Option<i64>,
    chat_id: i64,
    title: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLink {
    by: i64,
    chat_id: i64,
    #[serde(default)]
    name: String,
    expire_date: Option<i64>,
    member_limit: Option<i64>,
    #[serde(default)]
    creates_join_request: bool,
}

impl World {
    /// An administrator with this right, or the owner.
    pub(crate) fn administrator(&self, chat: i64, by: i64, right: Right) -> ControlResult<()> {
        self.live_chat(chat)?;
        if self.status(chat, by).has(right) {
            Ok(())
        } else {
            Err(ControlError::new(format!("user {by} may not do that here")))
        }
    }

    pub(crate) fn add_member(&mut self, now: i64, add: &ByUser) -> ControlResult {
        use crate::rights::Permission::InviteUsers;
        self.person(add.user)?;
        let open = self.live_chat(add.chat_id)?.permissions.contains(&InviteUsers);
        let by = self.status(add.chat_id, add.by);
        let banned = matches!(self.status(add.chat_id, add.user), Status::Kicked { .. });
        let allowed = by.has(Right::InviteUsers) || (by == Status::Member && open);
        if !allowed || (banned && !by.has(Right::RestrictMembers)) {
            return Err(ControlError::new(format!("user {} may not add members", add.by)));
        }
        if self.status(add.chat_id, add.user).is_member() {
            return Err(ControlError::new("is a member already"));
        }
        self.let_in(now, add.chat_id, add.user, add.by, Status::Member, None, false);
        done()
    }

    pub(crate) fn ban(&mut self, now: i64, ban: &ByUser) -> ControlResult {
        self.administrator(ban.chat_id, ban.by, Right::RestrictMembers)?;
        let target = self.status(ban.chat_id, ban.user);
        let by_owner = self.status(ban.chat_id, ban.by) == Status::Creator;
        if target == Status::Creator || (target.is_admin() && !by_owner) {
            return Err(ControlError::new("this person cannot be banned"));
        }
        let status = Status::Kicked { until: ban.until_date };
        self.let_out(now, ban.chat_id, ban.user, ban.by, status);
        if let Some(group) = self.group_mut(ban.chat_id) {
            group.requests.remove(&ban.user);
        }
        done()
    }

    pub(crate) fn unban(&mut self, now: i64, unban: &ByUser) -> ControlResult {
        self.administrator(unban.chat_id, unban.by, Right::RestrictMembers)?;
        if !matches!(self.status(unban.chat_id, unban.user), Status::Kicked { .. }) {
            return Err(ControlError::new("is not banned"));
        }
        self.set_status(now, unban.chat_id, unban.user, unban.by, Status::Left);
        done()
    }

    pub(crate) fn kick_bot(&mut self, now: i64, kick: &KickBot) -> ControlResult {
        let bot = self.some_bot(kick.bot)?;
        let ban = ByUser { by: kick.by, user: bot, chat_id: kick.chat_id, until_date: 0 };
        if !self.status(kick.chat_id, bot).is_member() {
            return Err(ControlError::new("the bot is not in this group"));
        }
        self.ban(now, &ban)
    }

    pub(crate) fn promote(&mut self, now: i64, promote: Promote) -> ControlResult {
        let user = match promote.user {
            Some(user) => user,
            None => self.some_bot(promote.bot)?,
        };
        let chat = promote.chat_id;
        let kind = self.live_chat(chat)?.kind;
        let old = self.status(chat, user);
        let by = self.status(chat, promote.by);
        if old == Status::Creator || !by.has(Right::PromoteMembers) {
            return Err(ControlError::new(format!("user {} may not do that", promote.by)));
        }
        let mut rights = match (&promote.rights, &old) {
            (Some(rights), _) => parse_rights(rights)?,
            (None, Status::Administrator(rights)) => rights.clone(),
            (None, _) => Rights::new(),
        };
        rights.extend(parse_rights(&promote.add)?);
        for right in parse_rights(&promote.remove)? {
            rights.remove(&right);
        }
        let new = admin_status(kind, rights);
        if old.is_member() {
            self.set_status(now, chat, user, promote.by, new);
        } else {
            self.let_in(now, chat, user, promote.by, new, None, false);
        }
        done()
    }

    pub(crate) fn delete_group(&mut self, which: &OneChat) -> ControlResult {
        self.live_chat(which.chat_id)?;
        if let Some(chat) = self.group_mut(which.chat_id) {
            chat.life = Life::Deleted;
        }
        done()
    }

    pub(crate) fn title(&mut self, now: i64, title: Title) -> ControlResult {
        let by = self.actor(title.chat_id, title.by)?;
        self.rename(now, title.chat_id, by, &title.title);
        done()
    }

    pub(crate) fn upgrade(&mut self, now: i64, which: &Migrate) -> ControlResult {
        let by = self.actor(which.chat_id, which.by)?;
        if self.live_chat(which.chat_id)?.kind == ChatKind::Super {
            return Err(ControlError::new("is a supergroup already"));
        }
        let new = self
            .migrate(now, which.chat_id, by, which.old_left)
            .ok_or_else(|| ControlError::new("no such group"))?;
        if which.requests_lost
            && let Some(group) = self.group_mut(new)
        {
            group.requests.clear();
        }
        Ok(json!({ "chat_id": new }))
    }

    /// Who does it: the one named, or else the owner.
    pub(crate) fn actor(&self, chat: i64, by: Option<i64>) -> ControlResult<i64> {
        let chat = self.live_chat(chat)?;
        let owner = chat.members.iter().find(|(_, member)| member.status == Status::Creator);
        by.or(owner.map(|(id, _)| *id)).ok_or_else(|| ControlError::new("the group has no owner"))
    }

    pub(crate) fn transfer_owner(&mut self, now: i64, transfer: &ByUser) -> ControlResult {
        self.live_chat(transfer.chat_id)?;
        let new = self.status(transfer.chat_id, transfer.user);
        if self.status(transfer.chat_id, transfer.by) != Status::Creator || !new.is_member() {
            return Err(ControlError::new("only from the owner to a member"));
        }
        let all = admin_status(ChatKind::Super, Right::ALL.into());
        self.set_status(now, transfer.chat_id, transfer.user, transfer.by, Status::Creator);
        self.set_status(now, transfer.chat_id, transfer.by, transfer.by, all);
        done()
    }

    pub(crate) fn decide(&mut self, now: i64, who: &ByUser, approve: bool) -> ControlResult {
        self.administrator(who.chat_id, who.by, Right::InviteUsers)?;
        let outcome = if approve {
            self.approve(now, who.chat_id, who.user, who.by)
        } else {
            self.close_request(who.chat_id, who.user)
        };
        outcome.map_err(|error| ControlError::new(error.description))?;
        done()
    }

    pub(crate) fn human_link(&mut self, now: i64, new: NewLink) -> ControlResult {
        self.administrator(new.chat_id, new.by, Right::InviteUsers)?;
        let mut args = Args::default();
        args.insert("name".to_owned(), new.name);
        args.insert("creates_join_request".to_owned(), new.creates_join_request.to_string());
        for (name, value) in [("expire_date", new.expire_date), ("member_limit", new.member_limit)]
        {
            if let Some(value) = value {
                args.insert(name.to_owned(), value.to_string());
            }
        }
        let link = self
            .link_by_person(now, new.by, new.chat_id, &args)
            .map_err(|error| ControlError::new(error.description))?;
        Ok(json!({ "invite_link": link.url() }))
    }
}

/// Rights by their names, as in a `startgroup` link.
pub(crate) fn parse_rights(names: &[String]) -> ControlResult<Rights> {
    let parse = |name: &String| {
        Right::parse(name).ok_or_else(|| ControlError::new(format!("there is no right {name}")))
    };
    names.iter().map(parse).collect()
}

/// An administrator with these rights; without any, an ordinary member. Administrators of basic groups
/// all have the same rights.
pub(crate) fn admin_status(kind: ChatKind, mut rights: Rights) -> Status {
    if rights.is_empty() {
        return Status::Member;
    }
    if kind == ChatKind::Basic {
        return Status::Administrator(basic_group_rights());
    }
    // Every administrator has this one (Bot API, `can_manage_chat`: "implied by any other").
    rights.insert(Right::ManageChat);
    Status::Administrator(rights)
}
