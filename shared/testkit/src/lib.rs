//! The ports in memory, and what tests are built from.
