//! An alert on its way into the group: saved, queued, posted, and what is known of it afterwards.
//!
//! `sendMessage` has no idempotency key, so an alert is marked *sending* before the call. Where
//! the outcome stays unknown it is sent again: a lost stop is worse than a repeated one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{AlertId, MessageId, ServiceId, TraderId};
use crate::pace::ROOM_EVERY;
use crate::service::AlertFormat;
use crate::signal::Signal;
use crate::text::{ImageUrl, Reference};
use crate::time::{after, back_off};

/// How long a sender may be inside the call: the 25 s that it may take, and room for the turn.
pub const SENDING_LEASE: SignedDuration = SignedDuration::from_secs(45);

/// An alert is refused when more than this many of its group are waiting: Telegram takes 20
/// messages a minute in a group (Bots FAQ, "My bot is hitting limits"), so it would wait for long.
const MOST_WAITING: usize = 20;

/// So many waiting alerts are counted; how many more there are makes no difference.
pub const COUNTED_WAITING: usize = 2 * MOST_WAITING;

/// An alert that could not be posted within this time is given up as failed.
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// When the sweep sends the message of a waiting alert again.
const ASK_AGAIN: SignedDuration = SignedDuration::from_mins(2);

/// What an alert says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// A signal.
    Signal {
        /// The signal.
        signal: Box<Signal>,
        /// A picture beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image_url: Option<ImageUrl>,
        /// The layout.
        format: AlertFormat,
    },
    /// A trader's test that alerts arrive.
    Test,
}

/// How far an alert is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Delivery {
    /// Waits for its turn.
    Queued,
    /// A sender is inside the call, or died in it.
    Sending {
        /// Since when.
        since: Timestamp,
    },
    /// The call had no answer; it will be sent again.
    Unknown {
        /// Since when.
        since: Timestamp,
    },
    /// It stands in the group.
    Sent {
        /// As which message.
        message: MessageId,
        /// Since when.
        at: Timestamp,
    },
    /// It was given up.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        reason: FailureReason,
    },
}

/// Why an alert was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The bot is not in the group, or the group is gone.
    BotOutside,
    /// The bot may not write in the group.
    MayNotWrite,
    /// Telegram refused the message or its picture.
    Refused,
    /// It could not be posted for a day.
    TooOld,
    /// Telegram asked to write nothing into the group until it would be a day old.
    Blocked,
    /// A mistake of ours.
    Internal,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// The service.
    pub service: ServiceId,
    /// Who sent it.
    pub trader: TraderId,
    /// The trader's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_alert_id: Option<Reference>,
    /// What it says.
    pub content: Content,
    /// How far it is.
    pub delivery: Delivery,
    /// How many calls were made for it.
    pub attempts: u32,
    /// How many of them had no answer: the most times it can stand in the group too often.
    pub unknown_outcomes: u32,
    /// Failures in a row, and when the sweep sends it again.
    pub failures: u32,
    /// How often the sweep sent it again; the relay sends a message for each new number.
    pub nudges: u32,
    /// When the sweep sends it again.
    pub retry_at: Timestamp,
    /// The fingerprint of the request that made it: another body under the same key is refused.
    pub fingerprint: String,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// What makes an alert.
#[derive(Clone, Debug)]
pub struct NewAlert {
    /// Its id.
    pub id: AlertId,
    /// The service.
    pub service: ServiceId,
    /// Who sends it.
    pub trader: TraderId,
    /// The trader's own name for it.
    pub client_alert_id: Option<Reference>,
    /// What it says.
    pub content: Content,
    /// The fingerprint of the request.
    pub fingerprint: String,
}

impl Alert {
    /// An alert that waits for its turn.
    pub fn queued(new: NewAlert, now: Timestamp) -> Self {
        let NewAlert { id, service, trader, client_alert_id, content, fingerprint } = new;
        Self {
            id,
            service,
            trader,
            client_alert_id,
            content,
            delivery: Delivery::Queued,
            attempts: 0,
            unknown_outcomes: 0,
            failures: 0,
            nudges: 0,
            retry_at: after(now, ASK_AGAIN),
            fingerprint,
            created_at: now,
        }
    }

    /// Whether it is still to be posted.
    pub fn is_waiting(&self) -> bool {
        match self.delivery {
            Delivery::Queued | Delivery::Sending { .. } | Delivery::Unknown { .. } => true,
            Delivery::Sent { .. } | Delivery::Failed { .. } => false,
        }
    }

    /// Whether waiting for so long makes it too old to be posted: then it is given up at once, so
    /// that its trader hears of it today.
    pub fn outlives(&self, wait: SignedDuration, now: Timestamp) -> bool {
        after(self.created_at, GIVE_UP_AFTER) <= after(now, wait)
    }

    /// When the sweep has to look at it; `None` when nothing is left to do.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.is_waiting().then_some(self.retry_at)
    }
}

/// When a group with so many alerts waiting will take another, in whole seconds; `None` when it does
/// now.
pub fn room_in(waiting: usize) -> Option<SignedDuration> {
    let surplus = waiting.checked_sub(MOST_WAITING).filter(|surplus| *surplus > 0)?;
    let surplus = i32::try_from(surplus).unwrap_or(i32::MAX);
    let millis = ROOM_EVERY.saturating_mul(surplus).as_millis().unsigned_abs();
    Some(SignedDuration::from_secs(i64::try_from(millis.div_ceil(1_000)).unwrap_or(i64::MAX)))
}

/// What a sender does with a message that says "post".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostPlan {
    /// Save this, then call Telegram.
    Start(Box<Alert>),
    /// Another sender may be inside the call until then.
    Busy(Timestamp),
    /// It is too old: save this.
    GiveUp(Box<Alert>),
    /// It stands in the group already, or was given up.
    Nothing,
}

/// Decides about posting an alert, on what was just read.
pub fn plan_post(alert: &Alert, now: Timestamp) -> PostPlan {
    let unanswered = match alert.delivery {
        Delivery::Sent { .. } | Delivery::Failed { .. } => return PostPlan::Nothing,
        Delivery::Sending { since } if now < after(since, SENDING_LEASE) => {
            return PostPlan::Busy(after(since, SENDING_LEASE));
        }
        // The sender died between its two saves: nobody knows whether the message was posted.
        Delivery::Sending { .. } => 1,
        Delivery::Queued | Delivery::Unknown { .. } => 0,
    };
    let mut next = alert.clone();
    next.unknown_outcomes = next.unknown_outcomes.saturating_add(unanswered);
    if alert.outlives(SignedDuration::ZERO, now) {
        next.delivery = Delivery::Failed { at: now, reason: FailureReason::TooOld };
        return PostPlan::GiveUp(Box::new(next));
    }
    next.delivery = Delivery::Sending { since: now };
    next.attempts = next.attempts.saturating_add(1);
    next.retry_at = after(now, ASK_AGAIN);
    PostPlan::Start(Box::new(next))
}

/// The alert, given up otherwise than by Telegram's answer. Where a call was under way, nobody knows
/// whether it was posted.
pub fn given_up(old: &Alert, reason: FailureReason, now: Timestamp) -> Alert {
    let unanswered = u32::from(matches!(old.delivery, Delivery::Sending { .. }));
    Alert {
        delivery: Delivery::Failed { at: now, reason },
        unknown_outcomes: old.unknown_outcomes.saturating_add(unanswered),
        ..old.clone()
    }
}

/// How an attempt to post ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posting {
    /// It stands in the group.
    Posted(MessageId),
    /// No answer came: it may stand there.
    NoAnswer,
    /// It surely does not stand there, and can be tried again: no turn, too many requests.
    NotNow,
    /// It surely does not stand there; a real failure that may pass.
    Failed,
    /// It never will.
    Refused(FailureReason),
}

/// The alert after an attempt; `None` when it was not being sent: somebody else has seen to it.
pub fn posted(old: &Alert, how: Posting, now: Timestamp) -> Option<Alert> {
    let Delivery::Sending { .. } = old.delivery else { return None };
    let mut next = old.clone();
    let failed = |next: &mut Alert| {
        next.failures = next.failures.saturating_add(1);
        let wait = back_off(ASK_AGAIN, SignedDuration::from_mins(30), next.failures);
        next.retry_at = after(now, wait);
    };
    match how {
        Posting::Posted(message) => next.delivery = Delivery::Sent { message, at: now },
        Posting::NoAnswer => {
            next.unknown_outcomes = next.unknown_outcomes.saturating_add(1);
            next.delivery = Delivery::Unknown { since: now };
            failed(&mut next);
        }
        Posting::NotNow => next.delivery = Delivery::Queued,
        Posting::Failed => {
            next.delivery = Delivery::Queued;
            failed(&mut next);
        }
        Posting::Refused(reason) => next.delivery = Delivery::Failed { at: now, reason },
    }
    Some(next)
}

/// What the sweep does to an alert that is due: its message is sent again.
pub fn alert_due(old: &Alert, now: Timestamp) -> Option<Alert> {
    old.due_at().filter(|at| *at <= now)?;
    let nudges = old.nudges.saturating_add(1);
    let wait = back_off(ASK_AGAIN, SignedDuration::from_hours(1), nudges);
    Some(Alert { nudges, retry_at: after(now, wait), ..old.clone() })
}
