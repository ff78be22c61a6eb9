//! A simulated world: the real handlers on the ports in memory, on one thread and on virtual time,
//! where everything that can go wrong between them goes wrong on purpose.
//!
//! Every effect of a function (a read, a save, a message, a call) waits for the scheduler, which
//! lets it be done, refuses it, loses its answer, has it done late, or lets the process die before
//! or after it. What carries the messages repeats, delays and reorders them; clocks differ; people
//! interfere. After the story all is calm, and what has to hold is looked at ([`Invariant`]).
//!
//! A run is decided by its [`Plan`]: the same plan is the same run.

mod at_rest;
mod bug;
mod chance;
mod forest;
mod hub;
mod machine;
mod ports;
pub mod report;
mod run;
mod search;
mod soak;
mod stories;
mod story;
mod telegram;
mod watch;

pub use bug::Bug;
pub use chance::{Faults, Order};
pub use hub::{Effect, Verdict};
pub use run::{Notes, Outcome, Plan, Run, Scene, Turn};
pub use search::{Schedule, Tally, shrink, tell};
pub use soak::{hunt, meetings, soak};
pub use stories::{Stage, Told};
pub use story::{NewGroup, Step};
pub use watch::{Checks, Invariant, Violation};
