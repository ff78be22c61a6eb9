//! Checks that every implementation of a port has to pass: the one in memory, so that stories told
//! on it are true, and the real one.

mod store;

pub use store::{RawRows, store};
