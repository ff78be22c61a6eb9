//! The ports in memory, and what tests are built from.

#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "used by tests and fuzzers only")]
pub mod bad_input;
pub mod conformance;
pub mod functions;
#[expect(clippy::indexing_slicing, reason = "JSON, where a missing field is null and no panic")]
pub mod house;
mod memory_events;
mod memory_limits;
mod memory_queue;
mod memory_store;
pub mod memory_telegram;
mod shared;
mod taking_turns;
mod virtual_clock;
pub mod world;

pub use house::House;
pub use memory_events::MemoryEvents;
pub use memory_limits::{LimitsFault, MemoryLimits};
pub use memory_queue::{MemoryQueue, QueueFault};
pub use memory_store::{Call, Fault, MemoryStore, StreamRecord};
pub use memory_telegram::MemoryTelegram;
pub use shared::Shared;
pub use taking_turns::TakingTurns;
pub use virtual_clock::VirtualClock;
