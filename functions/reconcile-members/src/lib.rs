//! Begins the daily check of every group: known members against what Telegram says.
//!
//! It only marks the checks as begun. The sender does them, in small steps and at housekeeping's pace,
//! so that neither depends on how long a function may run. Begun twice, a check runs once.

use domain::change::{Actor, Cause, Stored, Why};
use domain::ids::ServiceId;
use domain::reconcile::{Reconciliation, daily_check};
use jiff::Timestamp;
use serde::Serialize;
use store::{CommitError, Cursor, List, Store, StoreError, change, key};

/// How many groups one page holds.
const PAGE: usize = 100;

/// How often a change is tried when others change the same item at the same moment.
const TRIES: usize = 3;

/// What was begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Groups that there are.
    pub groups: usize,
    /// Checks that were begun.
    pub begun: usize,
    /// Groups that could not be begun; the next run tries again.
    pub failed: usize,
}

/// Begins the check of every group.
///
/// # Errors
/// What the table says when the list cannot be read. The next run goes on: checks that are under way
/// or were made lately are left alone.
pub async fn begin_all(store: &impl Store, now: Timestamp) -> Result<Report, StoreError> {
    let (mut report, mut from) = (Report::default(), None::<Cursor>);
    loop {
        let page = store.list(&List::Groups, PAGE, from.as_ref()).await?;
        for row in page.items {
            report.groups += 1;
            let Ok(service) = row.id.parse::<ServiceId>() else { continue };
            match begin(store, service, now).await {
                Ok(true) => report.begun += 1,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(cause = %error, "the check of a group was not begun");
                    report.failed += 1;
                }
            }
        }
        from = page.next;
        if from.is_none() {
            return Ok(report);
        }
    }
}

async fn begin(
    store: &impl Store,
    service: ServiceId,
    now: Timestamp,
) -> Result<bool, CommitError> {
    let cause = Cause { at: now, by: Actor::Sweep, why: Why::ReconcileRequested };
    let decide = |read: Option<&Stored<Reconciliation>>| {
        let next = daily_check(read.map(|read| &read.value), service, now);
        let begun = next.is_some();
        (next.map(|next| (next, cause.clone())), begun)
    };
    change(store, &key::reconciliation(service), TRIES, decide).await
}
