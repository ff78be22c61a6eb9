//! Every decision that Usher makes, as plain functions over plain values.
//!
//! Nothing here reads a clock, draws a random number, or talks to anything: `now` and fresh ids
//! come in as parameters, and what is to be done comes out as a value. The functions of the
//! workspace load, ask this crate, and save.

pub mod alert;
pub mod change;
pub mod group;
pub mod guard;
pub mod ids;
pub mod import;
pub mod language;
pub mod link;
pub mod membership;
pub mod pace;
mod post;
pub mod price;
pub mod reconcile;
pub mod relay;
pub mod service;
pub mod signal;
pub mod subscription;
pub mod task;
pub mod text;
pub mod texts;
pub mod time;
pub mod token;
pub mod update;
