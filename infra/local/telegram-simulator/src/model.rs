//! What a simulated Telegram is made of: people, bots, groups, messages, as plain data.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::rights::{Permissions, Right, Rights};
use crate::updates::Inbox;

/// A person or a bot as Telegram knows them.
#[derive(Debug, Clone, Default)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) is_bot: bool,
    pub(crate) first_name: String,
    pub(crate) username: Option<String>,
    pub(crate) language_code: Option<String>,
    pub(crate) bio: Option<String>,
    pub(crate) deactivated: bool,
    /// In as many groups as Telegram allows: cannot be let into another one.
    pub(crate) in_too_many_chats: bool,
}

/// A text that does not show when data is printed.
#[derive(Clone, PartialEq)]
pub(crate) struct Secret(pub(crate) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// A bot: its key, its updates and what only it knows.
#[derive(Debug, Clone)]
pub(crate) struct Bot {
    pub(crate) id: i64,
    pub(crate) token: Secret,
    pub(crate) username: String,
    /// With privacy mode on, a bot that is no administrator hears only what is meant for it.
    pub(crate) privacy: bool,
    /// A guard bot gets a `query_id` with each join request (Bot API 10.1).
    pub(crate) guard: bool,
    /// Users whom the bot has met; to others there is not even a chat.
    pub(crate) known: BTreeSet<i64>,
    pub(crate) inbox: Inbox,
    pub(crate) commands: BTreeMap<String, Value>,
    /// Callback queries that still can be answered, with the answers.
    pub(crate) callbacks: BTreeMap<String, Option<Value>>,
    /// Open join request queries of a guard bot.
    pub(crate) join_queries: BTreeMap<String, JoinQuery>,
}

#[derive(Debug, Clone)]
pub(crate) struct JoinQuery {
    pub(crate) chat: i64,
    pub(crate) user: i64,
    pub(crate) until: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChatKind {
    Basic,
    Super,
}

/// What became of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Active,
    Deleted,
    MigratedTo(i64),
}

#[derive(Debug, Clone)]
pub(crate) struct Chat {
    pub(crate) id: i64,
    pub(crate) kind: ChatKind,
    pub(crate) life: Life,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) permissions: Permissions,
    pub(crate) members: BTreeMap<i64, Member>,
    pub(crate) history: History,
    pub(crate) links: Vec<Link>,
    pub(crate) requests: BTreeMap<i64, JoinRequest>,
    /// The bot that wrote last: commands without a name are for it.
    pub(crate) last_bot: Option<i64>,
}

/// Messages of one chat. Ids count up from 1.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    pub(crate) messages: BTreeMap<i64, Message>,
    pub(crate) last_id: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) status: Status,
    /// The code of the invite link by which the person came; counts against the link's limit for as
    /// long as the person is in.
    pub(crate) via: Option<String>,
    /// The administrator who banned, restricted or promoted.
    pub(crate) by: i64,
}

/// Dates are unix seconds; 0 is "for ever".
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Status {
    Creator,
    Administrator(Rights),
    Member,
    Restricted { permissions: Permissions, until: i64, is_member: bool },
    Left,
    Kicked { until: i64 },
}

impl Status {
    pub(crate) fn is_member(&self) -> bool {
        match self {
            Self::Creator | Self::Administrator(_) | Self::Member => true,
            Self::Restricted { is_member, .. } => *is_member,
            Self::Left | Self::Kicked { .. } => false,
        }
    }

    /// When it ends by itself (unix seconds).
    pub(crate) fn until(&self) -> Option<i64> {
        match self {
            Self::Kicked { until } | Self::Restricted { until, .. } => {
                Some(*until).filter(|until| *until != 0)
            }
            _ => None,
        }
    }

    pub(crate) fn is_admin(&self) -> bool {
        matches!(self, Self::Creator | Self::Administrator(_))
    }

    pub(crate) fn has(&self, right: Right) -> bool {
        match self {
            Self::Creator => right != Right::Anonymous,
            Self::Administrator(rights) => rights.contains(&right),
            _ => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Link {
    pub(crate) code: String,
    pub(crate) creator: i64,
    pub(crate) name: String,
    pub(crate) expire_date: Option<i64>,
    pub(crate) member_limit: Option<i64>,
    pub(crate) creates_join_request: bool,
    pub(crate) is_primary: bool,
    pub(crate) is_revoked: bool,
}

impl Link {
    pub(crate) fn url(&self) -> String {
        format!("https://t.me/+{}", self.code)
    }
}

/// A request that waits for an administrator.
#[derive(Debug, Clone)]
pub(crate) struct JoinRequest {
    pub(crate) link: String,
    /// Unix seconds.
    pub(crate) date: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: i64,
    pub(crate) from: i64,
    /// Unix seconds.
    pub(crate) date: i64,
    pub(crate) edited: Option<i64>,
    pub(crate) reply_to: Option<i64>,
    pub(crate) content: Content,
    /// The inline keyboard, as given.
    pub(crate) markup: Option<Value>,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Text { text: String, entities: Vec<Value>, preview: Option<Value> },
    Photo { url: String, caption: String, entities: Vec<Value> },
    Service(Service),
}

/// What Telegram itself writes into a chat.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Service {
    Created(ChatKind),
    Joined(i64),
    Left(i64),
    Title(String),
    MigratedTo(i64),
    MigratedFrom(i64),
}

/// The chat between one person and one bot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Private {
    /// The person pressed Start (or wrote) at least once.
    pub(crate) started: bool,
    pub(crate) blocked: bool,
    /// Because of a join request the bot may write until then (milliseconds).
    pub(crate) open_until: Option<i64>,
    pub(crate) history: History,
}

/// One call of the Bot API, as it is shown to tests and people. Tokens are never kept.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) at: i64,
    pub(crate) bot: i64,
    pub(crate) method: String,
    pub(crate) args: Value,
    pub(crate) code: u16,
    pub(crate) description: Option<String>,
    pub(crate) fault: Option<&'static str>,
}

/// Something that Telegram finishes later by itself.
#[derive(Debug, Clone)]
pub(crate) enum Later {
    /// The second half of ban → unban.
    Unban { chat: i64, user: i64, by: i64 },
}
