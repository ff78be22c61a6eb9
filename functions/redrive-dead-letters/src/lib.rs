//! Sends again what was given up, once its cause is repaired.
//!
//! The sender reads each item again: what was seen to meanwhile is dropped. An alert that was given
//! up has failed, and stays so: a signal of yesterday must not appear today.

use domain::task::Lane;
use queue::{Queue, QueueError};
use serde::Serialize;

/// So many looks at the dead letters of a lane at the most, ten letters each; invoked again, it goes
/// on.
const MOST: usize = 100;

/// How many messages were sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Alerts, admissions.
    pub alerts: usize,
    /// Everything else.
    pub housekeeping: usize,
}

/// Sends the dead letters of both lanes again.
///
/// # Errors
/// [`QueueError`]; some may have been sent.
pub async fn redrive(queue: &impl Queue) -> Result<Report, QueueError> {
    Ok(Report {
        alerts: all_of(queue, Lane::Alerts).await?,
        housekeeping: all_of(queue, Lane::Housekeeping).await?,
    })
}

async fn all_of(queue: &impl Queue, lane: Lane) -> Result<usize, QueueError> {
    let mut sent = 0_usize;
    for _ in 0..MOST {
        let Some(more) = queue.redrive(lane).await? else { break };
        sent = sent.saturating_add(more);
    }
    Ok(sent)
}
