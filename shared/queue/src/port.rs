//! The port.

use std::future::Future;

use domain::task::{Lane, Task};
use jiff::SignedDuration;

/// The longest that a message can be hidden (Amazon SQS, `ChangeMessageVisibility`: 12 hours from
/// its receipt). A longer block is kept by the limiter, and the message asks again.
pub const MOST_DELAY: SignedDuration = SignedDuration::from_hours(11);

/// A message on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Repetitions under the same key within five minutes are dropped in the alerts lane
    /// (Amazon SQS, "Using the message deduplication ID"); elsewhere they arrive, and do no harm.
    pub key: String,
    /// What is to be done.
    pub task: Task,
}

/// The queue did not take everything, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// These many messages were not taken, or not hidden; the others were.
    #[error("the queue refused {refused} of {sent} messages: {cause}")]
    Refused {
        /// How many were refused.
        refused: usize,
        /// How many were given.
        sent: usize,
        /// The first refusal's code.
        cause: String,
    },
    /// The queue cannot be reached; some messages may have been taken.
    #[error("the queue cannot be reached: {0}")]
    Unavailable(String),
}

/// What Usher wants of its queues.
pub trait Queue: Send + Sync {
    /// Sends messages, each to the lane of its task. `Ok` means that every one was taken.
    fn send(&self, messages: &[Outgoing]) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Puts a message that cannot be carried out among the dead letters of its lane. `key` is its
    /// id: put there twice, it is there once or twice, and does no harm.
    fn bury(
        &self,
        lane: Lane,
        key: &str,
        body: &str,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Looks at a few dead letters of a lane and sends them again; those that cannot be read stay.
    /// Answers with how many were sent; `None` when no others are left to look at.
    fn redrive(&self, lane: Lane)
    -> impl Future<Output = Result<Option<usize>, QueueError>> + Send;

    /// Hides received messages of a lane, by their receipts, for `time` from now on instead of the
    /// queue's own. `Ok` means every one.
    fn hide(
        &self,
        lane: Lane,
        receipts: &[&str],
        time: SignedDuration,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Deletes a received message that is done with.
    fn finish(
        &self,
        lane: Lane,
        receipt: &str,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Gives a received message back: it is delivered again after `delay`, at most
    /// [`MOST_DELAY`].
    fn hand_back(
        &self,
        lane: Lane,
        receipt: &str,
        delay: SignedDuration,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}
