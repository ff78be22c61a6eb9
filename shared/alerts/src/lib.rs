//! Accepting alerts, whichever way they come: reading their bodies, saving, queueing.

mod accept;
#[cfg(test)]
mod bad_input;
mod body;

pub use accept::accept_alert;
pub use body::{AlertBody, alert_body};
