//! Takes messages from the queues and carries them out in Telegram.
//!
//! Each task has the same steps: **read the item again**, drop what no longer applies, take a turn
//! from the limiter, call Telegram, save the outcome. A message is given back when its turn has not
//! come; it is done with when its outcome is saved. Real failures are counted in the tables,
//! not by the queue, because waiting is no failure.

mod batch;
mod tasks;
mod trouble;
mod turns;

use domain::change::{Actor, Cause, Why};
use domain::ids::UserId;
use jiff::{SignedDuration, Timestamp};
use limiter::Limiter;
use store::{CommitError, StoreError};

pub use batch::{Received, handle, received};
pub use turns::Lines;

/// What a task needs: tables, queues, turns, Telegram, a clock, and who the bot is. One for each
/// process.
#[derive(Debug)]
pub struct Sender<S, Q, L, T, C> {
    /// The tables.
    pub store: S,
    /// The queues, to give messages back.
    pub queue: Q,
    /// Turns at Telegram.
    pub limiter: Limiter<L>,
    /// Who waits for a turn.
    pub lines: Lines,
    /// Telegram.
    pub telegram: T,
    /// The clock.
    pub clock: C,
    /// The bot's own account.
    pub bot: UserId,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is left to do.
    Done,
    /// Its time has not come: to be delivered again after this.
    Later(SignedDuration),
}

/// Why a task could not be carried out at all. The message is delivered again.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The tables could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others changed the same item again and again.
    #[error("others changed the same item again and again")]
    Contention,
}

impl TaskError {
    /// Whether it passes by itself: then it is no failure of the message.
    const fn passes(&self) -> bool {
        match self {
            Self::Contention | Self::Store(StoreError::Unavailable(_)) => true,
            Self::Store(StoreError::Refused(_) | StoreError::Broken(_) | StoreError::BadCursor) => {
                false
            }
        }
    }
}

impl From<CommitError> for TaskError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => Self::Store(error),
            CommitError::Conflict => Self::Contention,
        }
    }
}

/// How often a save is tried when others change the same item at the same moment.
const TRIES: usize = 6;

/// The cause of a change by the sender.
const fn because(why: Why, at: Timestamp) -> Cause {
    Cause { at, by: Actor::Sender, why }
}
