//! Stories of corners, through the deployed functions: what is refused, what is kept in order, what
//! goes on although Telegram has its days. Each has a trader, a service and people of its own, so
//! they can be told side by side; each needs a running stack (`STACK_JSON`, or `make up`).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy's leave for tests does not reach the helpers between them"
)]

mod access;
mod alerts;
mod bad_input;
mod charts;
mod entry;
mod faults;
mod groups;
mod idempotency;
mod links;
mod lists;
mod members;
mod membership;
mod stage;
mod updates;
