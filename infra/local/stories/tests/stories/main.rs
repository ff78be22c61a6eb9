//! Stories through the deployed functions: the real binaries behind the real `template.yaml`, on
//! the emulator and the simulator. Each story has a trader, a service and people of its own, so
//! they can be told side by side; each needs a running stack (`STACK_JSON`, or `make up`).

#![expect(
    clippy::unwrap_used,
    reason = "clippy's leave for tests does not reach the helpers between them"
)]

mod alerts;
mod entry;
mod groups;
mod stage;
