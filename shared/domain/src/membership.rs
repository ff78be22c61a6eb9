//! Where a buyer is with regard to the group, and how they get in and out.
//!
//! ```text
//!            asked, approved              ended                 lease taken        Telegram says so
//! Invited ──────────────────▶ Joined ──────────────▶ Leaving ────────────▶ Removing ─────────▶ Removed
//!    ▲                          │  ▲                    │  ▲                  │                  │
//!    │          left by themself│  └──── renewed ───────┘  └──── failed ──────┤                  │
//!    ├──────────────────────────┘                                             │                  │
//!    └────────────── renewed ─────────────────────────────────────────────────┴──────────────────┘
//! ```
//!
//! *Removing* carries a lease: until it is over, one sender may be inside the call to Telegram. A
//! purchase meanwhile changes the paid side only; the sender sees it when it saves the outcome and
//! invites the person back.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::subscription::Subscription;
use crate::time::{after, back_off};

/// How long a sender may be inside one removal, of whomever: longer than the 25 s that a call may take, with
/// room for the look before it.
pub const REMOVAL_LEASE: SignedDuration = SignedDuration::from_secs(75);

/// How long after a call had no answer Telegram may still carry it out. Until then nobody is told
/// that they may come back: they would be put out a second time, without a word.
const AFTERMATH: SignedDuration = SignedDuration::from_secs(60);

/// Until when nothing is believed of somebody whose removal had no answer.
pub(crate) fn aftermath(now: Timestamp, wait: SignedDuration) -> Timestamp {
    after(now, wait.max(AFTERMATH))
}

/// When the sweep sends the message of an open request again.
const ASK_AGAIN: SignedDuration = SignedDuration::from_mins(2);

/// The longest pause between two attempts of the sweep: so long may somebody stay inside once
/// Telegram, or a right, is back.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// After so many looks in a row that did not find somebody whom nobody ever saw inside, they are
/// taken to be outside: such a number is nobody's, or they never came. With the pauses between them
/// they take an hour and more, so that an hour's trouble at Telegram is not mistaken for it; and if
/// they do turn up inside, an update says so, and they are removed as anybody else.
pub const NEVER_INSIDE: u32 = 12;

/// Where a buyer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Membership {
    /// Not in the group, free to come.
    Invited {
        /// A join request that waits for its approval.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<Asked>,
    },
    /// In the group.
    Joined {
        /// Since when, as far as is known.
        since: Timestamp,
    },
    /// To be removed.
    Leaving {
        /// Since when.
        since: Timestamp,
        /// Whether they were in the group, as far as was known.
        was_in: bool,
        /// How the attempts went.
        tries: Tries,
    },
    /// Being removed right now.
    Removing {
        /// Since when they are to be removed.
        since: Timestamp,
        /// Whether they were in the group, as far as was known.
        was_in: bool,
        /// Until when the sender that took the lease may be in the call.
        lease_until: Timestamp,
        /// How the attempts went.
        tries: Tries,
    },
    /// Out; Telegram confirmed it, or there was nobody to remove.
    Removed {
        /// Since when.
        at: Timestamp,
    },
    /// Ended, but left inside: owner and administrators cannot be removed by a bot
    /// (Telegram Bot API, `banChatMember`), and a guest's pass is the trader's word.
    Kept {
        /// Since when.
        at: Timestamp,
    },
}

/// A join request that waits for its approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Since when.
    pub at: Timestamp,
    /// How the attempts went.
    pub tries: Tries,
}

impl Asked {
    /// A request that may be open, to be looked at from the beginning. When there is none, nothing
    /// is lost: the attempt to approve it says so.
    fn anew(now: Timestamp) -> Self {
        Self { at: now, tries: Tries::none(now) }
    }
}

/// How the attempts at something went, and when the sweep begins it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// Real failures in a row; waiting for a turn is none.
    pub failures: u32,
    /// The last of them at which Telegram did not find the person, in a row.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_found: u32,
    /// How often the sweep began it again; the relay sends a message for each new number.
    pub nudges: u32,
    /// When the sweep begins it again.
    pub retry_at: Timestamp,
    /// Whether a call had no answer, so that it may have had its effect.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unanswered: bool,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Tries {
    /// Nothing tried yet.
    pub fn none(now: Timestamp) -> Self {
        let retry_at = after(now, ASK_AGAIN);
        Self { failures: 0, not_found: 0, nudges: 0, retry_at, unanswered: false }
    }

    /// How long the sweep leaves it alone: longer each time that it began it again.
    fn pause(self) -> SignedDuration {
        back_off(ASK_AGAIN, LONGEST_PAUSE, self.nudges)
    }

    /// The sweep begins it again.
    pub fn nudged(self, now: Timestamp) -> Self {
        let next = Self { nudges: self.nudges.saturating_add(1), ..self };
        Self { retry_at: after(now, next.pause()), ..next }
    }

    /// What the sweep makes of it; `None` when it is not due.
    pub fn due(self, now: Timestamp) -> Option<Self> {
        (self.retry_at <= now).then(|| self.nudged(now))
    }

    /// It failed in passing.
    pub fn failed(self, now: Timestamp, wait: SignedDuration) -> Self {
        let retry_at = after(now, wait.max(self.pause()));
        Self { failures: self.failures.saturating_add(1), not_found: 0, retry_at, ..self }
    }

    /// Telegram did not find the person.
    fn found_nobody(self, now: Timestamp, wait: SignedDuration) -> Self {
        Self { not_found: self.not_found.saturating_add(1), ..self.failed(now, wait) }
    }

    /// A call, also an earlier one, may have had its effect.
    #[must_use]
    pub(crate) fn perhaps_done(self, is_so: bool) -> Self {
        Self { unanswered: self.unanswered || is_so, ..self }
    }

    /// Waits for a person's hand: the next sweep tries, and then ever later.
    pub fn parked(self, now: Timestamp) -> Self {
        Self { failures: self.failures.saturating_add(1), retry_at: now, ..self }
    }
}

impl Membership {
    /// Whether the end of the access still has to be acted upon.
    pub fn is_before_the_end(&self) -> bool {
        matches!(self, Self::Invited { .. } | Self::Joined { .. })
    }

    /// When the sweep begins something again that was begun.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self {
            Self::Invited { asked } => asked.map(|asked| asked.tries.retry_at),
            Self::Leaving { tries, .. } => Some(tries.retry_at),
            Self::Removing { lease_until, .. } => Some(*lease_until),
            Self::Joined { .. } | Self::Removed { .. } | Self::Kept { .. } => None,
        }
    }

    /// How many attempts at what is under way failed in a row.
    pub fn failures(&self) -> u32 {
        match self {
            Self::Invited { asked } => asked.map_or(0, |asked| asked.tries.failures),
            Self::Leaving { tries, .. } | Self::Removing { tries, .. } => tries.failures,
            Self::Joined { .. } | Self::Removed { .. } | Self::Kept { .. } => 0,
        }
    }

    /// After a purchase.
    pub(crate) fn renewed(self, now: Timestamp) -> Self {
        match self {
            Self::Leaving { was_in: true, tries, .. } if !tries.unanswered => {
                Self::Joined { since: now }
            }
            Self::Kept { .. } => Self::Joined { since: now },
            // Their request may be open still.
            Self::Leaving { was_in: false, .. } => Self::Invited { asked: Some(Asked::anew(now)) },
            // Where a call had no answer they may be out: the relay tells them that they may come
            // back.
            Self::Leaving { .. } | Self::Removed { .. } => Self::Invited { asked: None },
            // The sender that holds the lease may be inside the call: it will invite them back.
            stays @ (Self::Invited { .. } | Self::Joined { .. } | Self::Removing { .. }) => stays,
        }
    }

    /// The sweep begins it again. A lease that is over is given up.
    pub(crate) fn nudged(self, now: Timestamp) -> Self {
        match self {
            Self::Invited { asked: Some(asked) } => {
                Self::Invited { asked: Some(Asked { tries: asked.tries.nudged(now), ..asked }) }
            }
            Self::Leaving { since, was_in, tries } => {
                Self::Leaving { since, was_in, tries: tries.nudged(now) }
            }
            // The sender died, perhaps after its call.
            Self::Removing { since, was_in, tries, .. } => {
                let tries = Tries { unanswered: true, ..tries.nudged(now) };
                Self::Leaving { since, was_in, tries }
            }
            stays @ (Self::Invited { asked: None }
            | Self::Joined { .. }
            | Self::Removed { .. }
            | Self::Kept { .. }) => stays,
        }
    }
}

/// The membership once access is over. Where no Telegram account is known there is nobody to
/// remove. Somebody who never came, as far as is known, is still looked for: an update about a
/// join can get lost.
pub(crate) fn end_membership(subscription: &Subscription, now: Timestamp) -> Membership {
    match (&subscription.membership, subscription.user) {
        (Membership::Invited { .. } | Membership::Joined { .. }, None) => {
            Membership::Removed { at: now }
        }
        (Membership::Invited { .. }, Some(_)) => {
            Membership::Leaving { since: now, was_in: false, tries: Tries::none(now) }
        }
        (Membership::Joined { .. }, Some(_)) => {
            Membership::Leaving { since: now, was_in: true, tries: Tries::none(now) }
        }
        (other, _) => other.clone(),
    }
}

/// The subscription with another membership.
fn with(subscription: &Subscription, membership: Membership) -> Subscription {
    Subscription { membership, ..subscription.clone() }
}

/// What a join request by the holder of a subscription leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinRequest {
    /// Save this; the request is approved as a consequence.
    Noted(Box<Subscription>),
    /// A removal is under way that the person's purchase came too late for: the request has to be
    /// looked at again in a moment.
    Later,
    /// Access is over.
    Refused,
}

/// Somebody with this subscription asks to be let in. A second request begins anew: the first may
/// have been withdrawn.
pub fn asked_to_join(subscription: &Subscription, now: Timestamp) -> JoinRequest {
    if !subscription.entitled(now) {
        return JoinRequest::Refused;
    }
    if holds_lease(subscription, now) {
        return JoinRequest::Later;
    }
    let asked = Some(Asked::anew(now));
    JoinRequest::Noted(Box::new(with(subscription, Membership::Invited { asked })))
}

/// Telegram says that the person is in. `None` when that changes nothing here.
pub fn came_in(subscription: &Subscription, now: Timestamp) -> Option<Subscription> {
    match &subscription.membership {
        Membership::Invited { .. } => Some(with(subscription, Membership::Joined { since: now })),
        Membership::Leaving { was_in, since, tries } if !was_in || tries.unanswered => {
            let tries = Tries { unanswered: false, ..*tries };
            Some(with(subscription, Membership::Leaving { was_in: true, since: *since, tries }))
        }
        // Out, but seen inside: they have to be looked at again, entitled or not.
        Membership::Removed { .. } if subscription.entitled(now) => {
            Some(with(subscription, Membership::Joined { since: now }))
        }
        Membership::Removed { .. } => {
            let tries = Tries::none(now);
            Some(with(subscription, Membership::Leaving { since: now, was_in: true, tries }))
        }
        Membership::Joined { .. }
        | Membership::Leaving { .. }
        | Membership::Removing { .. }
        | Membership::Kept { .. } => None,
    }
}

/// Telegram says that the person is no administrator any more: nothing keeps them inside after the
/// end. `None` when that changes nothing here.
pub fn no_longer_admin(subscription: &Subscription, now: Timestamp) -> Option<Subscription> {
    match subscription.membership {
        Membership::Kept { .. } if subscription.entitled(now) => {
            Some(with(subscription, Membership::Joined { since: now }))
        }
        Membership::Kept { .. } => {
            let tries = Tries::none(now);
            Some(with(subscription, Membership::Leaving { since: now, was_in: true, tries }))
        }
        _ => None,
    }
}

/// Telegram says that the person is out: by themself, or by an administrator.
pub fn went_out(subscription: &Subscription, now: Timestamp) -> Option<Subscription> {
    match &subscription.membership {
        Membership::Joined { .. } => Some(with(subscription, Membership::Invited { asked: None })),
        // A call of ours that had no answer may be the cause: the sender looks, and says so.
        Membership::Leaving { tries, .. } if tries.unanswered => None,
        Membership::Leaving { .. } | Membership::Kept { .. } => {
            Some(with(subscription, Membership::Removed { at: now }))
        }
        // The sender that holds the lease is the cause, and says so itself.
        Membership::Removing { .. } | Membership::Invited { .. } | Membership::Removed { .. } => {
            None
        }
    }
}

/// What a sender does with a message that says "admit".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmitPlan {
    /// Approve the request.
    Approve,
    /// Decline it: access is over.
    Decline,
    /// There is no open request.
    Nothing,
}

/// Decides about an open join request, on what was just read.
pub fn plan_admission(subscription: &Subscription, now: Timestamp) -> AdmitPlan {
    match subscription.membership {
        Membership::Invited { asked: Some(_) } if subscription.entitled(now) => AdmitPlan::Approve,
        Membership::Invited { asked: Some(_) } => AdmitPlan::Decline,
        _ => AdmitPlan::Nothing,
    }
}

/// How an attempt to let somebody in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// They are in.
    In,
    /// There was no open request any more.
    NoRequest,
    /// It was declined, since access was over.
    Declined,
    /// They are in too many groups. The request stays open, and asking again would be told to nobody.
    TooManyGroups,
    /// It failed in passing.
    Failed,
}

/// The subscription after an attempt to answer the request that was `seen`; `None` when nothing
/// changes. Whoever has asked anew since has another request, and the attempt tells nothing of it.
pub fn admitted(
    old: &Subscription,
    seen: &Subscription,
    how: Admission,
    now: Timestamp,
) -> Option<Subscription> {
    let Membership::Invited { asked: Some(asked) } = old.membership else { return None };
    let Membership::Invited { asked: Some(was) } = seen.membership else { return None };
    if (asked.at, old.user) != (was.at, seen.user) {
        return None;
    }
    Some(with(
        old,
        match how {
            Admission::In => Membership::Joined { since: now },
            // Whoever has paid since may have a request that nobody declined: it is looked at anew.
            Admission::Declined if old.entitled(now) => return None,
            Admission::NoRequest | Admission::Declined => Membership::Invited { asked: None },
            Admission::TooManyGroups | Admission::Failed => {
                let tries = asked.tries.failed(now, ASK_AGAIN);
                Membership::Invited { asked: Some(Asked { tries, ..asked }) }
            }
        },
    ))
}

/// What a sender does with a message that says "remove".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemovalPlan {
    /// Save this (the lease), then call Telegram.
    Start(Box<Subscription>),
    /// Another sender is inside the call until then.
    Busy(Timestamp),
    /// The sender that held the lease died, and the buyer paid meanwhile: nobody is removed any
    /// more. Save this.
    InviteBack {
        /// The subscription.
        next: Box<Subscription>,
        /// Whether they have to be told that they may come back.
        tell: bool,
    },
    /// It no longer applies: entitled again, or out already.
    Nothing,
}

/// Decides about a removal, on what was just read.
pub fn plan_removal(old: &Subscription, now: Timestamp) -> RemovalPlan {
    match &old.membership {
        Membership::Leaving { since, was_in, tries } if !old.entitled(now) => {
            RemovalPlan::Start(Box::new(with(
                old,
                Membership::Removing {
                    since: *since,
                    was_in: *was_in,
                    lease_until: after(now, REMOVAL_LEASE),
                    tries: *tries,
                },
            )))
        }
        Membership::Removing { lease_until, .. } if now < *lease_until => {
            RemovalPlan::Busy(*lease_until)
        }
        // The sender that held the lease died; nobody knows whether it had called.
        Membership::Removing { .. } if old.entitled(now) => match removal_given_up(old, now) {
            Some((next, tell)) => RemovalPlan::InviteBack { next: Box::new(next), tell },
            None => RemovalPlan::Nothing,
        },
        Membership::Removing { since, was_in, tries, .. } => RemovalPlan::Start(Box::new(with(
            old,
            Membership::Removing {
                since: *since,
                was_in: *was_in,
                lease_until: after(now, REMOVAL_LEASE),
                tries: Tries { unanswered: true, ..*tries },
            },
        ))),
        Membership::Leaving { .. }
        | Membership::Invited { .. }
        | Membership::Joined { .. }
        | Membership::Removed { .. }
        | Membership::Kept { .. } => RemovalPlan::Nothing,
    }
}

/// A removal from a group that does not work, as far as is known: no call is worth a turn before a
/// person has acted. Whose removal failed before waits already, ever longer; `None` for them, and
/// where it no longer applies.
pub fn removal_waits(old: &Subscription, now: Timestamp) -> Option<Subscription> {
    match old.membership {
        Membership::Leaving { since, was_in, tries }
            if !old.entitled(now) && tries.failures == 0 =>
        {
            let tries = tries.parked(now);
            Some(with(old, Membership::Leaving { since, was_in, tries }))
        }
        _ => None,
    }
}

/// A removal that waits for its group is begun again at once, since the group works again. `None` when
/// there is none, and where it failed more than once: when Telegram refuses what the bot's rights
/// allow, the group is found to work again and again, and each time this would be its next refusal.
pub fn removal_goes_on(old: &Subscription, now: Timestamp) -> Option<Subscription> {
    match old.membership {
        Membership::Leaving { tries, .. } if !old.entitled(now) && tries.failures == 1 => {
            Some(with(old, old.membership.clone().nudged(now)))
        }
        _ => None,
    }
}

/// How an attempt to remove somebody ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Telegram confirmed that they are out, or said that they were not in.
    Out,
    /// Owner or administrator: a bot cannot remove them.
    Untouchable,
    /// They have a guest's pass, and stay by it.
    Guest,
    /// The call was not made.
    NotCalled,
    /// It failed in passing and surely did nothing; nothing sooner than this helps.
    Failed {
        /// How long to wait.
        wait: SignedDuration,
    },
    /// Telegram did not find them in the group, which it says at random of people who are fine, too;
    /// nothing sooner than this helps.
    NotFound {
        /// How long to wait.
        wait: SignedDuration,
    },
    /// The call had no answer: they may be out, or be put out in a moment. Nothing sooner than this
    /// helps.
    NoAnswer {
        /// How long to wait.
        wait: SignedDuration,
    },
    /// The bot cannot do it before a person acts: rights lost, bot kicked.
    Parked,
}

/// The subscription after an attempt to remove the person, and whether they have to be told that
/// they may come back. `None` when it is not being removed: somebody else has seen to it.
pub fn removal_ended(
    old: &Subscription,
    how: Removal,
    now: Timestamp,
) -> Option<(Subscription, bool)> {
    let Membership::Removing { since, was_in, tries, .. } = old.membership else { return None };
    let entitled = old.entitled(now);
    let membership = match how {
        // A purchase came while the call was under way: back in by the link.
        Removal::Out if entitled => return removal_given_up(old, now),
        Removal::Out => Membership::Removed { at: now },
        Removal::Untouchable | Removal::Guest if entitled => Membership::Joined { since: now },
        Removal::Untouchable | Removal::Guest => Membership::Kept { at: now },
        Removal::NotCalled
        | Removal::Failed { .. }
        | Removal::NotFound { .. }
        | Removal::Parked
            if entitled =>
        {
            // An earlier call may have put them out.
            if was_in && !tries.unanswered {
                Membership::Joined { since: now }
            } else {
                return removal_given_up(old, now);
            }
        }
        Removal::NotCalled => Membership::Leaving { since, was_in, tries },
        Removal::Failed { wait } => {
            Membership::Leaving { since, was_in, tries: tries.failed(now, wait) }
        }
        Removal::NotFound { wait } => {
            let tries = tries.found_nobody(now, wait);
            match !was_in && !tries.unanswered && tries.not_found >= NEVER_INSIDE {
                true => Membership::Removed { at: now },
                false => Membership::Leaving { since, was_in, tries },
            }
        }
        // The lease goes on, whoever has paid meanwhile: when it is over, they are removed again or
        // invited back.
        Removal::NoAnswer { wait } => {
            let tries = Tries { unanswered: true, ..tries.failed(now, wait) };
            let lease_until = aftermath(now, wait);
            Membership::Removing { since, was_in, lease_until, tries }
        }
        Removal::Parked => Membership::Leaving { since, was_in, tries: tries.parked(now) },
    };
    Some((with(old, membership), false))
}

/// The subscription of somebody who has paid and may have been removed meanwhile. Whoever was inside
/// is told that they may come back: nobody who has paid is left outside without a word. Whoever was
/// not may have asked to be let in before. `None` when they are not being removed.
pub(crate) fn removal_given_up(old: &Subscription, now: Timestamp) -> Option<(Subscription, bool)> {
    let Membership::Removing { was_in, .. } = old.membership else { return None };
    let asked = (!was_in).then(|| Asked::anew(now));
    Some((with(old, Membership::Invited { asked }), was_in))
}

/// The guest's pass of somebody was withdrawn. Whose access is over has to leave; `None` when that
/// changes nothing here.
pub fn pass_withdrawn(old: &Subscription, now: Timestamp) -> Option<Subscription> {
    if old.entitled(now) {
        return None;
    }
    match old.membership {
        Membership::Kept { .. } | Membership::Removed { .. } => {
            let tries = Tries::none(now);
            Some(with(old, Membership::Leaving { since: now, was_in: true, tries }))
        }
        // The sweep ends it, or a removal is under way and finds no pass.
        Membership::Invited { .. }
        | Membership::Joined { .. }
        | Membership::Leaving { .. }
        | Membership::Removing { .. } => None,
    }
}

/// The subscription of somebody who was put out as an intruder in the moment in which they bought,
/// so that they can be told that they may come back. `None` when they have no access, or when they
/// are seen to otherwise.
pub fn put_out_meanwhile(old: &Subscription, now: Timestamp) -> Option<Subscription> {
    match old.membership {
        Membership::Invited { asked: None } | Membership::Joined { .. } if old.entitled(now) => {
            Some(with(old, Membership::Invited { asked: None }))
        }
        _ => None,
    }
}

/// Whether a sender may be inside the removal at this moment.
pub fn holds_lease(subscription: &Subscription, now: Timestamp) -> bool {
    matches!(subscription.membership, Membership::Removing { lease_until, .. } if now < lease_until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CustomerId, ServiceId, SubscriptionId, UserId};
    use crate::language::Language;
    use crate::service::Settings;
    use crate::subscription::Status;

    fn kept() -> Subscription {
        let start = Timestamp::UNIX_EPOCH;
        let customer = CustomerId::parse("c-1").unwrap();
        let service = ServiceId::fresh(uuid::Uuid::from_u128(1));
        Subscription {
            id: SubscriptionId::derived(service, &customer),
            service,
            customer,
            email: None,
            user: Some(UserId::new(1001)),
            language: Language::default(),
            status: Status::Expired,
            starts_at: start,
            ends_at: start,
            access_ends_at: start,
            reminders: Settings::default().reminder_hours,
            membership: Membership::Kept { at: start },
            asked_by: None,
            claims: 0,
            purchases: 1,
            created_at: start,
        }
    }

    #[test]
    fn whoever_was_left_inside_as_an_administrator_leaves_when_they_are_none_any_more() {
        let now = after(Timestamp::UNIX_EPOCH, SignedDuration::from_hours(1));
        let next = no_longer_admin(&kept(), now).unwrap();
        assert!(matches!(next.membership, Membership::Leaving { was_in: true, .. }));
        assert!(next.due_at() > Some(now));
        let paid = Subscription { access_ends_at: Timestamp::MAX, ..kept() };
        let next = no_longer_admin(&paid, now).unwrap();
        assert_eq!(next.membership, Membership::Joined { since: now });
        assert_eq!(no_longer_admin(&next, now), None);
    }
}
