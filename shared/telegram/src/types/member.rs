//! How somebody stands in a chat.

use serde::Deserialize;

use super::lenient;
use super::user::User;

/// How somebody stands in a chat (Bot API, `ChatMember`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct ChatMember {
    /// Whom it is about.
    pub user: User,
    /// How they stand.
    pub status: MemberStatus,
}

/// The ways to stand in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberStatus {
    /// The owner (`creator`).
    Owner,
    /// An admin, with rights of their own.
    Administrator(AdministratorRights),
    /// A plain member.
    Member,
    /// Restricted; whether inside or outside is a matter of its own.
    Restricted {
        /// Whether they are in the chat now.
        is_member: bool,
    },
    /// Not in the chat, and free to come.
    Left,
    /// Banned (`kicked`): not in the chat, and not free to come.
    Banned,
    /// A status that is not known here.
    Other,
}

impl MemberStatus {
    /// Surely in the chat. For a status that is not known here, this and
    /// [`is_outside`](Self::is_outside) are both false.
    pub const fn is_inside(self) -> bool {
        matches!(
            self,
            Self::Owner
                | Self::Administrator(_)
                | Self::Member
                | Self::Restricted { is_member: true }
        )
    }

    /// Surely not in the chat.
    pub const fn is_outside(self) -> bool {
        matches!(self, Self::Left | Self::Banned | Self::Restricted { is_member: false })
    }

    /// The owner or an admin, whom a bot cannot remove.
    pub const fn is_admin(self) -> bool {
        matches!(self, Self::Owner | Self::Administrator(_))
    }
}

/// The rights of an admin that matter here (Bot API, `ChatMemberAdministrator`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AdministratorRights {
    /// Makes invite links, answers join requests.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_invite_users: bool,
    /// Removes members, sets what members may do.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_restrict_members: bool,
    /// Sets title, description and photo.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_change_info: bool,
    /// Deletes others' messages.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_delete_messages: bool,
    /// Pins messages.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_pin_messages: bool,
    /// Makes others admins.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_promote_members: bool,
}

/// The one form on the wire that all statuses share.
#[derive(Deserialize)]
struct Wire {
    user: User,
    #[serde(default, deserialize_with = "lenient::or_default")]
    status: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    is_member: bool,
    #[serde(flatten)]
    rights: AdministratorRights,
}

impl From<Wire> for ChatMember {
    fn from(wire: Wire) -> Self {
        let status = match wire.status.as_str() {
            "creator" => MemberStatus::Owner,
            "administrator" => MemberStatus::Administrator(wire.rights),
            "member" => MemberStatus::Member,
            "restricted" => MemberStatus::Restricted { is_member: wire.is_member },
            "left" => MemberStatus::Left,
            "kicked" => MemberStatus::Banned,
            _ => MemberStatus::Other,
        };
        Self { user: wire.user, status }
    }
}
