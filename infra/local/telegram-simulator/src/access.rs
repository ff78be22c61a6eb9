//! May the bot reach this chat at all? (`check_chat` and `check_chat_access` of the Bot API server.)

use crate::arguments::Args;
use crate::errors::{ApiError, ApiResult};
use crate::model::{ChatKind, Life, Status};
use crate::world::World;

/// What a method needs of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadMembers,
    Edit,
    Write,
}

/// The chat that a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Group(i64),
    Person(i64),
}

impl Target {
    /// The group, for methods that make no sense in a private chat.
    pub(crate) fn group(self, otherwise: &str) -> ApiResult<i64> {
        match self {
            Self::Group(id) => Ok(id),
            Self::Person(_) => Err(ApiError::bad(otherwise)),
        }
    }
}

impl World {
    /// Finds the chat named by `chat_id` and checks that the bot has that access to it.
    pub(crate) fn target(&self, bot: i64, args: &Args, access: Access) -> ApiResult<Target> {
        let text = args.text("chat_id").trim();
        if text.is_empty() {
            return Err(ApiError::bad("chat_id is empty"));
        }
        // Groups here have no public names, and people are never found by theirs.
        let id: i64 = text.parse().map_err(|_| ApiError::bad("chat not found"))?;
        if id > 0 {
            return self.person_access(bot, id, access);
        }
        self.group_access(bot, id, access)?;
        Ok(Target::Group(id))
    }

    fn person_access(&self, bot: i64, user: i64, access: Access) -> ApiResult<Target> {
        let met = self.bot(bot)?.known.contains(&user) || self.privates.contains_key(&(bot, user));
        let person = self.users.get(&user).filter(|_| met || user == bot);
        let person = person.ok_or_else(|| ApiError::bad("chat not found"))?;
        if person.deactivated && matches!(access, Access::Edit | Access::Write) {
            return Err(ApiError::forbidden("user is deactivated"));
        }
        Ok(Target::Person(user))
    }

    fn group_access(&self, bot: i64, id: i64, access: Access) -> ApiResult<()> {
        let chat = self.chat(id)?;
        // A group in which the bot has never been does not exist for it.
        let member = chat.members.get(&bot).ok_or_else(|| ApiError::bad("chat not found"))?;
        match chat.kind {
            ChatKind::Basic => {
                let write = matches!(access, Access::Write | Access::ReadMembers);
                let edit = write || access == Access::Edit;
                match (chat.life, &member.status) {
                    (Life::MigratedTo(to), _) if write => Err(ApiError::migrated(to)),
                    (Life::Deleted, _) if write => {
                        Err(ApiError::forbidden("the group chat was deleted"))
                    }
                    (Life::Active, Status::Kicked { .. }) if edit => {
                        Err(ApiError::forbidden("bot was kicked from the group chat"))
                    }
                    (Life::Active, Status::Left) if edit => {
                        Err(ApiError::forbidden("bot is not a member of the group chat"))
                    }
                    _ => Ok(()),
                }
            }
            ChatKind::Super => {
                // A deleted supergroup looks like one that the bot was thrown out of (tdlib,
                // `channelForbidden`).
                let gone = chat.life == Life::Deleted;
                if gone || matches!(member.status, Status::Kicked { .. }) {
                    return Err(ApiError::forbidden("bot was kicked from the supergroup chat"));
                }
                if !member.status.is_member() {
                    return Err(ApiError::forbidden("bot is not a member of the supergroup chat"));
                }
                Ok(())
            }
        }
    }
}
