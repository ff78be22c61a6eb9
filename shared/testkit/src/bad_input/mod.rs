//! Bad input: what is thrown at the real handlers, on the ports in memory, and what has to be true of
//! their answers. `tests/bad_input` does so in every test run, `infra/fuzz` for as long as one likes.
//!
//! `@service@`, `@subscription@`, `@alert@`, `@group@` and `@person@` in an input stand for what is
//! in the house that it is thrown into.

mod mutation;
mod targets;

pub use mutation::mutated;
pub use targets::{Place, TARGETS, Target};
