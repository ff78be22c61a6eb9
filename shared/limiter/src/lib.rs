//! Turns at Telegram, shared by all senders.
//!
//! Many processes, one bot. The arithmetic is [`domain::pace`]; [`Limits`] is the table in which it
//! stands, where each move is one conditional update; [`Limiter`] plans the moves of one process.

mod dynamo;
mod limiter;
mod port;

pub use dynamo::DynamoLimits;
pub use limiter::{Call, Limiter, Looked, Pass, Turn};
pub use port::{Limits, Moved};
