//! Stands in front of the AWS emulator and of the Telegram simulator, and lets calls go wrong: the
//! connection is closed before the call or after it was done, it takes longer, it is answered with
//! a 500, or the process that makes it is killed before or after it. Off until it is told a
//! [`Weather`]; then it forwards every byte as it came, `Host` included, because that is signed. But
//! batches are hidden for the queue's own time only: nobody waits for a minute in a test.
//!
//! What goes wrong is drawn from a seed. What was done is counted by kind and operation; no body, no
//! token, no id is kept.

mod control;
mod fate;
mod forward;
mod hidden;
mod killer;
mod operation;
mod process;
mod record;
mod server;
mod weather;

pub use server::{Config, Running, start};
pub use weather::Weather;
