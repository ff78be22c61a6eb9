//! A subscription: one customer in one service. It has two sides: what was **paid** (its period)
//! and where the person **is** (its membership, in [`crate::membership`]).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, ServiceId, SubscriptionId, UserId};
use crate::language::Language;
use crate::membership::{Membership, end_membership, removal_given_up};
use crate::service::{ReminderHours, Reminders, Service};
use crate::text::Email;
use crate::time::{after, before};

/// How the paid side stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Bought and running.
    Active,
    /// Cancelled; access lasts to [`Subscription::access_ends_at`].
    Cancelled,
    /// Run out.
    Expired,
}

/// One customer in one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id, derived from service and customer.
    pub id: SubscriptionId,
    /// The service.
    pub service: ServiceId,
    /// The customer, as the storefront names them.
    pub customer: CustomerId,
    /// Where mail goes, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The Telegram account, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The language in which they are written to.
    #[serde(default, skip_serializing_if = "Language::is_usual")]
    pub language: Language,
    /// How the paid side stands.
    pub status: Status,
    /// When the present run began.
    pub starts_at: Timestamp,
    /// When the paid time ends.
    pub ends_at: Timestamp,
    /// When access ends: the paid time and the grace, or the moment of a cancellation. The right
    /// to be in the group hangs on this alone.
    pub access_ends_at: Timestamp,
    /// Reminders that are still to go out, earliest first.
    pub reminders: Reminders,
    /// Where the person is.
    pub membership: Membership,
    /// The update by which they last asked to be let in, by which its repetition is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<i64>,
    /// How many claim links are void; the present one carries this number.
    pub claims: u32,
    /// How many purchases it had.
    pub purchases: u32,
    /// When it was first bought.
    pub created_at: Timestamp,
}

impl Subscription {
    /// Whether the person may be in the group. Whatever the sweep has done so far does not matter.
    pub fn entitled(&self, now: Timestamp) -> bool {
        now < self.access_ends_at
    }

    /// The same, of somebody who was heard to speak this language.
    #[must_use]
    pub fn in_language(self, language: Language) -> Self {
        Self { language, ..self }
    }

    /// The status as a caller should see it: a run that is over is over, even before the sweep
    /// has written it down.
    pub fn status_at(&self, now: Timestamp) -> Status {
        match self.status {
            Status::Active if !self.entitled(now) => Status::Expired,
            status @ (Status::Active | Status::Cancelled | Status::Expired) => status,
        }
    }

    /// When the sweep has to look at it; `None` when nothing is left to do.
    pub fn due_at(&self) -> Option<Timestamp> {
        let end = match self.membership {
            Membership::Invited { .. } | Membership::Joined { .. } => Some(self.access_ends_at),
            Membership::Leaving { .. }
            | Membership::Removing { .. }
            | Membership::Removed { .. }
            | Membership::Kept { .. } => match self.status {
                Status::Active => Some(self.access_ends_at),
                Status::Cancelled | Status::Expired => None,
            },
        };
        [end, self.next_reminder().map(|(at, _)| at), self.membership.due_at()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next reminder and its time, for somebody who can be written to and has not cancelled.
    fn next_reminder(&self) -> Option<(Timestamp, ReminderHours)> {
        let reachable = self.status == Status::Active && self.user.is_some();
        let hours = *self.reminders.as_slice().first().filter(|_| reachable)?;
        Some((before(self.ends_at, hours.length()), hours))
    }
}

/// What the storefront says about a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// Who bought.
    pub customer: CustomerId,
    /// Their Telegram account, if the storefront knows it.
    pub user: Option<UserId>,
    /// Where mail goes.
    pub email: Option<Email>,
    /// The end, instead of the service's duration (trials, promotions).
    pub ends_at: Option<Timestamp>,
}

/// Why a purchase was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurchaseRefusal {
    /// The given end lies in the past.
    #[error("must lie in the future")]
    EndsInThePast,
    /// The subscription belongs to another Telegram account.
    #[error("the subscription is linked to another Telegram account")]
    OtherAccount,
}

/// Carries out a purchase: a new subscription, or a renewal of the one that there is.
///
/// A renewal adds to the later of now and the old end; the new grace and reminders are those of
/// the service today. Somebody who was being removed stays, or is invited back
/// ([`crate::membership`] has the cases).
///
/// # Errors
/// [`PurchaseRefusal`]; nothing changes then.
pub fn purchase(
    service: &Service,
    old: Option<&Subscription>,
    purchase: Purchase,
    now: Timestamp,
) -> Result<Subscription, PurchaseRefusal> {
    let Purchase { customer, user, email, ends_at: given_end } = purchase;
    if given_end.is_some_and(|end| end <= now) {
        return Err(PurchaseRefusal::EndsInThePast);
    }
    if let Some((known, given)) = old.and_then(|old| old.user).zip(user)
        && known != given
    {
        return Err(PurchaseRefusal::OtherAccount);
    }
    let runs = old.is_some_and(|old| old.entitled(now));
    // Paid time is never taken away, so a cancelled subscription goes on from its old end, too.
    let from = old.map_or(now, |old| old.ends_at.max(now));
    let ends_at = given_end.unwrap_or_else(|| after(from, service.duration_days.length()));
    let with_grace = after(ends_at, service.settings.grace_hours.length());
    // Nor is access: the grace may have been longer at the last purchase than it is today.
    let access_ends_at = match old {
        Some(old) if given_end.is_none() => with_grace.max(old.access_ends_at),
        _ => with_grace,
    };
    let reminders = service.settings.reminder_hours.due_after(ends_at, now);
    let user = user.or(old.and_then(|old| old.user));
    Ok(match old {
        None => Subscription {
            id: SubscriptionId::derived(service.id, &customer),
            service: service.id,
            customer,
            email,
            user,
            language: Language::default(),
            status: Status::Active,
            starts_at: now,
            ends_at,
            access_ends_at,
            reminders,
            membership: Membership::Invited { asked: None },
            asked_by: None,
            claims: 0,
            purchases: 1,
            created_at: now,
        },
        Some(old) => Subscription {
            email: email.or_else(|| old.email.clone()),
            user,
            status: Status::Active,
            starts_at: if runs { old.starts_at } else { now },
            ends_at,
            access_ends_at,
            reminders,
            membership: old.membership.clone().renewed(now),
            purchases: old.purchases.saturating_add(1),
            ..old.clone()
        },
    })
}

/// Why a subscription could not be moved to another Telegram account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelinkRefusal {
    /// The subscription is over.
    #[error("the subscription has ended")]
    Ended,
}

/// Takes the Telegram account away, so that another can be linked by a new claim link; earlier ones
/// are void. Answers with the account that it had: it has to give up its place, and to leave.
///
/// # Errors
/// [`RelinkRefusal`]; nothing changes then.
pub fn relink(
    old: &Subscription,
    now: Timestamp,
) -> Result<(Subscription, Option<UserId>), RelinkRefusal> {
    if !old.entitled(now) {
        return Err(RelinkRefusal::Ended);
    }
    let next = Subscription {
        user: None,
        claims: old.claims.saturating_add(1),
        // A removal that is under way is one of the old account.
        membership: Membership::Invited { asked: None },
        ..old.clone()
    };
    Ok((next, old.user))
}

/// When a cancellation takes effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelWhen {
    /// At once.
    #[default]
    Now,
    /// When the paid time is over; the grace falls away.
    PeriodEnd,
}

/// Cancels. `None` when nothing changes: it is over already, or was cancelled the same way.
pub fn cancel(old: &Subscription, when: CancelWhen, now: Timestamp) -> Option<Subscription> {
    let access_ends_at = match when {
        CancelWhen::Now => now,
        CancelWhen::PeriodEnd => old.ends_at.max(now),
    };
    if !old.entitled(now) || (old.status == Status::Cancelled && when == CancelWhen::PeriodEnd) {
        return None;
    }
    let mut next = Subscription { status: Status::Cancelled, access_ends_at, ..old.clone() };
    if !next.entitled(now) {
        next.membership = end_membership(&next, now);
    }
    Some(next)
}

/// What the sweep did to a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueStep {
    /// The paid time and the grace are over.
    Expired,
    /// A cancelled subscription came to the end of its period.
    PeriodEnded,
    /// A reminder goes out.
    Reminded(ReminderHours),
    /// Something that was begun is begun again.
    Nudged,
    /// A removal broke off and the buyer paid meanwhile. They may be out already, so they are told
    /// that they may come back.
    InvitedBack,
}

/// What the sweep does to a subscription; `None` when nothing is due.
pub fn subscription_due(old: &Subscription, now: Timestamp) -> Option<(Subscription, DueStep)> {
    let mut next = old.clone();
    if !old.entitled(now) {
        let step = match old.status {
            Status::Active => Some(DueStep::Expired),
            // Clocks differ a little: a sender whose clock is behind may have put back somebody
            // whose run was over already.
            Status::Expired if old.membership.is_before_the_end() => Some(DueStep::Expired),
            Status::Cancelled if old.membership.is_before_the_end() => Some(DueStep::PeriodEnded),
            Status::Cancelled | Status::Expired => None,
        };
        if let Some(step) = step {
            if step == DueStep::Expired {
                next.status = Status::Expired;
            }
            if old.membership.is_before_the_end() {
                next.membership = end_membership(old, now);
            }
            return Some((next, step));
        }
    }
    if old.membership.due_at().is_some_and(|at| at <= now) {
        if old.entitled(now) && matches!(old.membership, Membership::Removing { .. }) {
            // The lease is over without an outcome, and there is nobody to remove any more.
            let (next, tell) = removal_given_up(old, now)?;
            return Some((next, if tell { DueStep::InvitedBack } else { DueStep::Nudged }));
        }
        next.membership = old.membership.clone().nudged(now);
        return Some((next, DueStep::Nudged));
    }
    let (at, hours) = old.next_reminder()?;
    if at <= now {
        // After an outage it may come late, within the grace: better than no word at all. And one
        // stands for all that are due: nobody wants two at once.
        next.reminders = old.reminders.due_after(old.ends_at, now);
        return Some((next, DueStep::Reminded(hours)));
    }
    None
}

impl Reminders {
    /// Those of them that still lie ahead.
    fn due_after(&self, end: Timestamp, now: Timestamp) -> Self {
        self.only(|hours| now < before(end, hours.length()))
    }
}

/// Why a Telegram account could not be linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefusal {
    /// The link was used by somebody else, or a newer one was made.
    #[error("the claim link was used already")]
    Used,
    /// The subscription is over.
    #[error("the subscription has ended")]
    Ended,
}

/// Links a Telegram account by the claim link with this number. `Ok(None)` when it is linked to
/// this very account already (a link that was tapped twice).
///
/// # Errors
/// [`ClaimRefusal`]; nothing changes then.
pub fn claim(
    old: &Subscription,
    number: u32,
    user: UserId,
    now: Timestamp,
) -> Result<Option<Subscription>, ClaimRefusal> {
    if !old.entitled(now) {
        return Err(ClaimRefusal::Ended);
    }
    match old.user {
        Some(known) if known == user => Ok(None),
        Some(_) => Err(ClaimRefusal::Used),
        None if number != old.claims => Err(ClaimRefusal::Used),
        // Whoever links their account is told the end at once: reminders that were due before are
        // no news then.
        None => Ok(Some(Subscription {
            user: Some(user),
            reminders: old.reminders.due_after(old.ends_at, now),
            ..old.clone()
        })),
    }
}
