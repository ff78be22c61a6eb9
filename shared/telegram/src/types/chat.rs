//! A chat.

use domain::ids::ChatId;
use serde::Deserialize;

use super::lenient;
use super::permissions::ChatPermissions;

/// A chat, as it stands in updates and as `getChat` tells of it (Bot API, `Chat` and
/// `ChatFullInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Chat {
    /// The chat's number. That of a basic group changes when it becomes a supergroup.
    pub id: ChatId,
    /// What kind of chat it is.
    #[serde(rename = "type", default, deserialize_with = "lenient::or_default")]
    pub kind: ChatKind,
    /// The title of a group or channel.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub title: Option<String>,
    /// The description of a group or channel; only from `getChat`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub description: Option<String>,
    /// What plain members may do; only from `getChat`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub permissions: Option<ChatPermissions>,
}

/// What kind of chat it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatKind {
    /// With one person.
    Private,
    /// A basic group: too small for Usher, until it is made a supergroup.
    Group,
    /// A supergroup.
    Supergroup,
    /// A channel.
    Channel,
    /// A kind that is not known here.
    #[default]
    #[serde(other)]
    Other,
}
