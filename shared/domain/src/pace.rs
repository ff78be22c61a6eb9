//! How fast Telegram may be called. Telegram publishes about 30 messages a second for a bot, 20 a
//! minute in a group and one a second in a chat (Bots FAQ, "My bot is hitting limits"), says that
//! limits change, and asks to obey 429; so turns are taken somewhat below, and every 429 teaches.
//!
//! Every change is a **move**: a condition on what stands in the table and what is to stand there
//! then, in a form that DynamoDB carries out in one conditional update. `apply` is the move's
//! meaning; an implementation of the table has to do the same.
//!
//! Times are microseconds since 1970.

mod bot;
mod chat;
mod told;

pub use bot::{BotPace, Claim, Form, Take};
pub(crate) use chat::ROOM_EVERY;
pub use chat::{ChatBlock, ChatPace, ChatTake, Kind};
pub use told::{Note, Told};

/// A millisecond, in the unit of this module.
pub const MILLISECOND: i64 = 1_000;
/// A second.
pub const SECOND: i64 = 1_000_000;

/// The longest wait that is believed. Telegram has been seen to ask for a day.
const MOST_WAIT: i64 = 7 * 86_400 * SECOND;

/// When a wait that Telegram asked for is over.
fn wait_ends(now_us: i64, seconds: u32) -> i64 {
    now_us.saturating_add(i64::from(seconds).saturating_mul(SECOND).min(MOST_WAIT))
}
