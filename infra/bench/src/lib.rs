//! The sender at the limits of what Telegram allows, beside the throttlers that people use.
//!
//! Everything runs in virtual time against the same model of Telegram, the world of the simulator:
//! Usher's real handlers on the ports in memory ([`usher`]), and the peers' real libraries on a
//! clock that the bench moves ([`peer`]). Beside that, `bench-real` measures the real functions in real
//! time, on the local stack. What is measured is read from the log of that Telegram,
//! the same way for everybody ([`measure`]).

pub mod aws;
pub mod load;
pub mod measure;
pub mod page;
pub mod peer;
pub mod picture;
pub mod report;
pub mod slow;
pub mod town;
pub mod usher;
