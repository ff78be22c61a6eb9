//! Accepting alerts and their updates, whichever way they come: reading their bodies, saving,
//! queueing.

mod accept;
mod body;
mod update_body;

pub use accept::{accept_alert, has_group, send_at_once};
pub use body::{AlertBody, alert_body};
pub use update_body::update_body;
