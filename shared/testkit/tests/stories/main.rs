//! Stories: the real handlers on the ports in memory, played by people.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "all of this is a test")]

mod entry;
