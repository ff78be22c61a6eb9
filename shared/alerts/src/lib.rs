//! Accepting alerts and their updates, whichever way they come: reading their bodies, saving,
//! queueing.

mod accept;
#[cfg(test)]
mod bad_input;
mod body;
mod chart;
mod update_body;

pub use accept::{accept_alert, accepted, has_group};
pub use body::{AlertBody, alert_body, chart_body};
pub use chart::chart_fields;
pub use update_body::update_body;
