//! A message on its way into a group: waiting, posted, or given up, and what is known of it.
//!
//! `sendMessage` has no idempotency key, so a message is marked *sending* before the call. Where
//! the outcome stays unknown it is sent again: a lost stop is worse than a repeated one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{ChatId, MessageId};
use crate::time::{after, back_off};

/// How long a sender may be inside the call: the 25 s that it may take, and room for the turn.
pub const SENDING_LEASE: SignedDuration = SignedDuration::from_secs(45);

/// A message that could not be posted within this time is given up as failed.
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// When the sweep sends the task of a waiting message again.
const ASK_AGAIN: SignedDuration = SignedDuration::from_mins(2);

/// Where a message stands. Its number counts within one chat only: when a group moves on to another
/// chat, its messages stay behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// In which chat.
    pub chat: ChatId,
    /// Its number there.
    pub id: MessageId,
}

/// How far a message is.
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
        message: Standing,
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

/// Why a message was given up.
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
    /// It is an update, and the alert that it is about was given up.
    AlertNotPosted,
    /// A mistake of ours.
    Internal,
}

/// How an attempt to post ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posting {
    /// It stands in the group.
    Posted(Standing),
    /// No answer came: it may stand there.
    NoAnswer,
    /// It surely does not stand there, and can be tried again: no turn, too many requests.
    NotNow,
    /// It surely does not stand there; a real failure that may pass.
    Failed,
    /// It never will.
    Refused(FailureReason),
}

/// One message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// How far it is.
    pub delivery: Delivery,
    /// How many calls were made for it.
    pub attempts: u32,
    /// How many of them had no answer: the most times it can stand in the group too often.
    pub unknown_outcomes: u32,
    /// Failures in a row.
    pub failures: u32,
    /// How often the sweep sent it again; the relay sends a task for each new number.
    pub nudges: u32,
    /// When the sweep sends it again.
    pub retry_at: Timestamp,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// What is to be done about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Save this, then call Telegram.
    Start(Post),
    /// Another sender may be inside the call until then.
    Busy(Timestamp),
    /// It is too old: save this.
    GiveUp(Post),
    /// It stands in the group already, or was given up.
    Nothing,
}

impl Post {
    /// A message that waits for its turn.
    pub fn queued(now: Timestamp) -> Self {
        Self {
            delivery: Delivery::Queued,
            attempts: 0,
            unknown_outcomes: 0,
            failures: 0,
            nudges: 0,
            retry_at: after(now, ASK_AGAIN),
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

    /// When the sweep has to look at it; `None` when nothing is left to do.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.is_waiting().then_some(self.retry_at)
    }

    /// Whether waiting for so long makes it too old to be posted.
    pub(crate) fn outlives(&self, wait: SignedDuration, now: Timestamp) -> bool {
        after(self.created_at, GIVE_UP_AFTER) <= after(now, wait)
    }

    /// What a sender does about it, on what was just read.
    pub(crate) fn plan(&self, now: Timestamp) -> Plan {
        let unanswered = match self.delivery {
            Delivery::Sent { .. } | Delivery::Failed { .. } => return Plan::Nothing,
            Delivery::Sending { since } if now < after(since, SENDING_LEASE) => {
                return Plan::Busy(after(since, SENDING_LEASE));
            }
            // The sender died between its two saves: nobody knows whether it was posted.
            Delivery::Sending { .. } => 1,
            Delivery::Queued | Delivery::Unknown { .. } => 0,
        };
        let mut next = self.clone();
        next.unknown_outcomes = next.unknown_outcomes.saturating_add(unanswered);
        if self.outlives(SignedDuration::ZERO, now) {
            return Plan::GiveUp(next.given_up(FailureReason::TooOld, now));
        }
        next.delivery = Delivery::Sending { since: now };
        next.attempts = next.attempts.saturating_add(1);
        next.retry_at = after(now, ASK_AGAIN);
        Plan::Start(next)
    }

    /// The same, given up.
    pub(crate) fn given_up(self, reason: FailureReason, now: Timestamp) -> Self {
        Self { delivery: Delivery::Failed { at: now, reason }, ..self }
    }

    /// The message after an attempt; `None` when it was not being sent: somebody else has seen to
    /// it.
    pub(crate) fn ended(&self, how: Posting, now: Timestamp) -> Option<Self> {
        let Delivery::Sending { .. } = self.delivery else { return None };
        let mut next = self.clone();
        let failed = |next: &mut Self| {
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
            Posting::Refused(reason) => next = next.given_up(reason, now),
        }
        Some(next)
    }

    /// What the sweep does when it is due: its task is sent again.
    pub(crate) fn nudged(&self, now: Timestamp) -> Option<Self> {
        self.due_at().filter(|at| *at <= now)?;
        let nudges = self.nudges.saturating_add(1);
        let wait = back_off(ASK_AGAIN, SignedDuration::from_hours(1), nudges);
        Some(Self { nudges, retry_at: after(now, wait), ..self.clone() })
    }
}
