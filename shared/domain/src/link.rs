//! Invite links that a trader asks for, guests who come in by them, and their passes.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::group::InviteLink;
use crate::ids::{ChatId, LinkId, ServiceId, UserId};
use crate::text::LinkName;
use crate::time::after;

/// How long one request may be making a link before another may take over.
const MAKING_LEASE: SignedDuration = SignedDuration::from_secs(40);

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// A guest pass: its first user is let in and exempt from the guard, and the link dies.
    /// (`member_limit` counts members who are inside at the same time, so a link with limit 1
    /// works again once its user has left; that is why it is revoked: Bot API, `ChatInviteLink`.)
    SingleUse,
    /// A guarded link: whoever taps it asks to join and is held against the subscriptions.
    Permanent,
}

/// How far a link is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LinkState {
    /// A request is asking Telegram for it.
    Making {
        /// Until when that request has the right to.
        lease_until: Timestamp,
    },
    /// It works.
    Ready,
    /// Its guest is in; it is to be revoked.
    Used {
        /// Since when, or since when it was last tried.
        at: Timestamp,
    },
    /// It is dead.
    Revoked,
}

/// An invite link that a trader asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// The service.
    pub service: ServiceId,
    /// The chat that it leads into.
    pub chat: ChatId,
    /// What it is for.
    pub kind: LinkKind,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<LinkName>,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The link itself, once Telegram has made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<InviteLink>,
    /// How far it is.
    pub state: LinkState,
    /// Who came in by a guest pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<Guest>,
    /// The fingerprint of the request that made it.
    pub fingerprint: String,
    /// When it was asked for.
    pub created_at: Timestamp,
}

impl Link {
    /// The lease under which a request makes a link.
    pub fn lease(now: Timestamp) -> LinkState {
        LinkState::Making { lease_until: after(now, MAKING_LEASE) }
    }

    /// Whether it is one by which a guest may yet come in.
    pub fn waits_for_guest(&self) -> bool {
        self.kind == LinkKind::SingleUse && self.state == LinkState::Ready
    }

    /// The same, for somebody who came in at this time.
    pub fn waited_for_guest(&self, at: Timestamp) -> bool {
        self.waits_for_guest() && self.expires_at.is_none_or(|end| at < end)
    }

    /// Whom it gave a pass that is still good.
    pub fn welcome_guest(&self) -> Option<UserId> {
        self.guest.filter(|guest| guest.withdrawn_at.is_none()).map(|guest| guest.user)
    }

    /// When the sweep has to look at it: a used link that is not revoked yet.
    pub fn due_at(&self) -> Option<Timestamp> {
        match &self.state {
            LinkState::Used { at } => Some(after(*at, SignedDuration::from_mins(5))),
            LinkState::Making { .. } | LinkState::Ready | LinkState::Revoked => None,
        }
    }
}

/// A guest, and what became of their pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// Who.
    pub user: UserId,
    /// Since when.
    pub since: Timestamp,
    /// When the trader withdrew the pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<Timestamp>,
}

/// The link after somebody came in by it; `None` when that changes nothing. A buyer who has access
/// (`guest` is `None` then) uses it up and gets no pass: they are inside by what they paid.
pub fn link_used(link: &Link, guest: Option<UserId>, now: Timestamp) -> Option<Link> {
    link.waits_for_guest().then(|| Link {
        state: LinkState::Used { at: now },
        guest: guest.map(|user| Guest { user, since: now, withdrawn_at: None }),
        ..link.clone()
    })
}

/// The link after the trader withdrew the pass that was given by it; `None` when nobody has such a
/// pass (any more).
pub fn pass_withdrawn(link: &Link, now: Timestamp) -> Option<Link> {
    let guest = link.guest.filter(|guest| guest.withdrawn_at.is_none())?;
    Some(Link { guest: Some(Guest { withdrawn_at: Some(now), ..guest }), ..link.clone() })
}

/// What the sweep does to a link that is due: its revocation is begun again. `None` when nothing
/// is due.
pub fn link_due(link: &Link, now: Timestamp) -> Option<Link> {
    link.due_at().filter(|at| *at <= now)?;
    Some(Link { state: LinkState::Used { at: now }, ..link.clone() })
}

/// Finds a link by what it looks like: updates name the link, not our id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkUrl {
    /// The link's text.
    pub url: InviteLink,
    /// Whose it is.
    pub link: LinkId,
}

/// Somebody who may be in the group without a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// In the group of this service.
    pub service: ServiceId,
    /// This person.
    pub user: UserId,
    /// By this link.
    pub link: LinkId,
    /// Since when.
    pub since: Timestamp,
    /// Whether the trader took it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

impl Pass {
    /// Whether it lets its holder in.
    pub const fn is_valid(&self) -> bool {
        !self.withdrawn
    }
}

/// Somebody who was outside when the owner made them an administrator. Once they are none any more,
/// they need a right of their own to stay; others who are demoted may have been in the group before
/// Usher was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointed {
    /// In the group of this service.
    pub service: ServiceId,
    /// This person.
    pub user: UserId,
    /// Since when.
    pub since: Timestamp,
}
