//! Every decision that Usher makes, as plain functions over plain values.
//!
//! Nothing here reads a clock, draws a random number, or talks to anything: `now` and fresh ids
//! come in as parameters, and what is to be done comes out as a value. The functions of the
//! workspace load, ask this crate, and save.

pub mod ids;
