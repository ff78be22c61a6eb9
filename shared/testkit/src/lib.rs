//! The ports in memory, and what tests are built from.

pub mod conformance;
mod memory_store;

pub use memory_store::{Call, Fault, MemoryStore, StreamRecord};
