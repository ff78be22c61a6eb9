//! Checks that every implementation of a port has to pass: the one in memory, so that stories told
//! on it are true, and the real one.

mod limits;
mod queue;
mod store;
mod telegram;

pub use limits::limits;
pub use queue::{QueueSide, queue};
pub use store::{RawRows, store};
pub use telegram::{TelegramStage, telegram};
