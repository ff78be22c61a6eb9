//! Stories through the deployed functions: what they share.
//!
//! [`Stack`] is the running stack as `make up` describes it: its API with tokens of its own issuer,
//! its sweep. [`Shop`] is a trader with a service and its group. [`Telegram`] plays people by the control interface of the simulator. Whatever takes
//! its time is waited for by [`until`], which asks again until it is so or says what it saw last.

mod shop;
mod stack;
mod telegram;
mod wait;

pub use shop::{Shop, offer};
pub use stack::{Answer, Caller, Stack};
pub use telegram::{Group, Telegram};
pub use wait::until;

/// What went wrong, in words for a person.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// How a story ends.
pub type Told = Result<(), Trouble>;
