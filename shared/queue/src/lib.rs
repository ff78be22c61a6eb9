//! The queue port and its SQS side.

mod port;
mod sqs;

pub use port::{MOST_DELAY, Outgoing, Queue, QueueError};
pub use sqs::{SqsQueue, Urls};
