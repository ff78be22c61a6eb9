//! The queue port and its SQS side.

mod at_once;
mod port;
mod sqs;

pub use at_once::send_at_once;
pub use port::{MOST_DELAY, Outgoing, Queue, QueueError};
pub use sqs::{SqsQueue, Urls};
