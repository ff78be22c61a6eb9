//! Stories about the simulator, told to the real HTTP server. Time stands still unless a story moves it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy's leave for tests does not reach the helpers between them"
)]

mod answers;
mod faults;
mod flood;
mod groups;
mod joining;
mod links;
mod messages;
mod removing;
mod stage;
mod updates;
mod webhooks;
