//! Why a call failed, told as what to do next.

use domain::ids::ChatId;

/// Why a call failed, told as what the caller does next.
///
/// Descriptions quote Telegram in at most a few hundred characters, without the bot token and with
/// everything that may be an id or a secret hidden, so that they may be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Too many calls (429). Make no such call for so long, then the same call again; it did
    /// nothing. It may mean this chat or the whole bot, and the answer does not say which.
    /// Seconds have been seen from 2 to 86400: hand the work back to its queue, do not sleep.
    #[error("Telegram asks to wait for {seconds} s")]
    RetryAfter {
        /// At least 1.
        seconds: u32,
    },

    /// The group became a supergroup and has another id. Save the new id in place of the old one,
    /// in one step, then make the call again with it.
    #[error("the group became a supergroup with another id")]
    Migrated {
        /// The id from now on.
        to: ChatId,
    },

    /// The bot is not in the group: kicked, never a member, the group deleted, or a known chat that
    /// is not found. Mark the group as lost and tell the trader; delete nothing; do not repeat
    /// until the bot is back (`my_chat_member`).
    #[error("the bot is not in the group")]
    BotRemoved,

    /// The bot may not do this in the group. Mark the group as degraded and tell the trader which
    /// right is missing; leave the work as it is and repeat it when rights return.
    #[error("the bot lacks a right in the group: {what}")]
    RightsLost {
        /// What is missing.
        what: Right,
    },

    /// The group is a basic one, where a bot cannot do this (`unbanChatMember`, join requests). Mark
    /// the group and tell the trader; repeat it once it was upgraded.
    #[error("the group is no supergroup")]
    NotASupergroup,

    /// The person is the owner, an admin, or the bot itself, whom a bot cannot remove. Flag it and
    /// leave them in; do not repeat.
    #[error("the person is the owner or an admin of the group")]
    TargetIsAdmin,

    /// It is as it was wanted already (a member is approved again, a description is set that
    /// stands there). Take it as a success.
    #[error("it is so already")]
    AlreadySo,

    /// There is no open join request of this person: never made, taken back, or handled by someone
    /// else. Look at how they stand in the group, and do not repeat.
    #[error("there is no open join request")]
    NotPending,

    /// Telegram does not let this bot see such a person: no such id, or one whom the bot never met.
    /// Nobody can be admitted, written to or removed by this id. Do not repeat; if the id was given
    /// by somebody, tell them.
    #[error("Telegram knows no such person")]
    UnknownUser,

    /// Telegram does not find the person among those who ever had to do with the group
    /// (`PARTICIPANT_ID_INVALID`): always for a number that is nobody's, and at random for people who
    /// are fine. It did nothing. Make the same call again later; whom nobody has ever seen inside,
    /// and who is never found, is not there.
    #[error("Telegram does not find the person in the group")]
    NoParticipant,

    /// The person is in as many groups as Telegram allows. Leave the request; they can tap the link
    /// again after they have left a group.
    #[error("the person is in too many groups")]
    TooManyGroups,

    /// The person cannot be written to or let in: blocked the bot, never began a conversation, or
    /// the account is gone. Give this message up; use another way (mail) if there is one.
    #[error("the person cannot be reached")]
    UserUnreachable,

    /// The message that this one answers is gone. Send the same without a reply if it still makes
    /// sense.
    #[error("the message to reply to is gone")]
    ReplyGone,

    /// Telegram refuses what was asked for, and will refuse it again: a text that is too long, HTML
    /// that cannot be parsed, a picture that cannot be fetched, any 400 that is not known here.
    /// Do not repeat; record the description and fix the cause.
    #[error("Telegram refuses the request: {description}")]
    BadInput {
        /// Telegram's words.
        description: String,
    },

    /// A failure that passes: no connection, a 5xx, an answer that is not the Bot API's. The call did
    /// nothing, or doing it twice does no harm. Make the same call again later, with growing pauses.
    #[error("Telegram cannot do it at present: {description}")]
    Transient {
        /// What happened.
        description: String,
    },

    /// Nobody knows whether the call acted: the time limit passed or the connection broke after the
    /// request had gone out, or the answer was a success that cannot be read; of a message or a removal
    /// also a 5xx. Calls that are safe to repeat are repeated. For messages the service's own setting decides between a message
    /// that may come twice and one that may not come at all; record it either way.
    #[error("it is unknown whether the call acted: {description}")]
    UnknownOutcome {
        /// What happened.
        description: String,
    },

    /// The token is wrong or revoked, or the base URL is not a Bot API server that knows it. No
    /// call will work: raise an alarm and repeat slowly, so that work is not lost while somebody
    /// puts the settings right.
    #[error("Telegram does not accept the bot token")]
    Unauthorized,
}

/// What a bot can be short of in a group, by the names of `ChatAdministratorRights`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Right {
    /// To make links and to answer join requests.
    #[error("can_invite_users")]
    InviteUsers,
    /// To remove members and to set what members may do.
    #[error("can_restrict_members")]
    RestrictMembers,
    /// To set title and description.
    #[error("can_change_info")]
    ChangeInfo,
    /// To post. Admins may; so the bot is a plain member, and members may not post.
    #[error("can_send_messages")]
    SendMessages,
    /// Something else, in Telegram's words.
    #[error("{0}")]
    Other(String),
}

impl CallError {
    /// Whether the same call may go well another time, without a person's hand: it was not the time
    /// for it, or it failed in passing.
    pub const fn passes(&self) -> bool {
        match self {
            Self::RetryAfter { .. }
            | Self::Migrated { .. }
            | Self::NoParticipant
            | Self::Transient { .. }
            | Self::UnknownOutcome { .. }
            | Self::Unauthorized => true,
            Self::BotRemoved
            | Self::RightsLost { .. }
            | Self::NotASupergroup
            | Self::TargetIsAdmin
            | Self::AlreadySo
            | Self::NotPending
            | Self::UnknownUser
            | Self::TooManyGroups
            | Self::UserUnreachable
            | Self::ReplyGone
            | Self::BadInput { .. } => false,
        }
    }

    /// Reads the error as one about this chat. In a private chat there is no group to lose:
    /// "chat not found" means that the person never spoke to the bot.
    pub(crate) fn in_chat(self, chat: ChatId) -> Self {
        match self {
            Self::BotRemoved if chat.get() > 0 => Self::UserUnreachable,
            other => other,
        }
    }
}
