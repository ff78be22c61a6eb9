//! An invite link.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

use super::lenient;

/// An invite link (Bot API, `ChatInviteLink`). `Debug` does not show the link: who has it may use
/// it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ChatInviteLink {
    /// The address. A link that another admin made arrives cut and ends in "…".
    pub invite_link: String,
    /// What admins see.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: Option<String>,
    /// Who taps it asks to join.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub creates_join_request: bool,
    /// How many of those who came by it may be in the group at the same time; any number, if
    /// `None`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub member_limit: Option<u32>,
    /// When it stops working; never, if `None`.
    #[serde(rename = "expire_date", default, deserialize_with = "lenient::moment")]
    pub expires_at: Option<Timestamp>,
    /// It does not work any more.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub is_revoked: bool,
}

impl fmt::Debug for ChatInviteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatInviteLink")
            .field("name", &self.name)
            .field("creates_join_request", &self.creates_join_request)
            .field("member_limit", &self.member_limit)
            .field("expires_at", &self.expires_at)
            .field("is_revoked", &self.is_revoked)
            .finish_non_exhaustive()
    }
}
