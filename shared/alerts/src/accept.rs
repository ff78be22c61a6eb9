//! Accepting an alert: saved first, then queued. From the answer on, it will be posted, whatever
//! stops in between.

use domain::alert::{Alert, COUNTED_WAITING, NewAlert, room_in};
use domain::change::{Actor, Cause, Why};
use domain::group::Group;
use domain::relay::quick_posts;
use domain::service::Service;
use queue::{Queue, send_at_once};
use serde_json::json;
use store::{CommitError, Count, Store, Write, load};

use web::{Call, Problem, Reply};

/// Saves and queues an alert, or finds the one that an earlier request under the same key made.
///
/// # Errors
/// "Key reused", "no group", "too many alerts", or what the store says. Nothing was accepted then.
pub async fn accept_alert(
    store: &impl Store,
    queue: &impl Queue,
    call: &Call,
    service: &Service,
    new: NewAlert,
) -> Result<Reply, Problem> {
    // A repetition gets its answer even when no new alert would be taken.
    if let Some(known) = known(store, &new).await? {
        return Ok(known);
    }
    has_group(service)?;
    let waiting = Count::Waiting { service: service.id.to_string() };
    if let Some(wait) = room_in(store.count(&waiting, COUNTED_WAITING).await?) {
        return Err(Problem::too_many_alerts(wait));
    }
    let alert = Alert::queued(new.clone(), call.now);
    let write = Write::create(&alert, &by_its_trader(&alert, call));
    let ver = write.row.meta.ver;
    match store.commit(vec![write]).await {
        Ok(()) => {}
        // The same request was accepted a moment ago.
        Err(CommitError::Conflict) => {
            return known(store, &new).await?.ok_or_else(Problem::contention);
        }
        Err(error) => return Err(error.into()),
    }
    send_at_once(queue, quick_posts(None, &alert, ver)).await;
    Ok(accepted(&alert))
}

/// Its trader is who sends an alert, with a token of theirs or by their chart.
fn by_its_trader(alert: &Alert, call: &Call) -> Cause {
    Cause { at: call.now, by: Actor::Trader(alert.trader.clone()), why: Why::AlertQueued }
}

/// Whether the service has a group in which something can be posted.
///
/// # Errors
/// "No group".
pub fn has_group(service: &Service) -> Result<(), Problem> {
    match &service.group {
        Group::Bound(group) if group.can_post() => Ok(()),
        Group::Bound(_) | Group::None | Group::AwaitingBot(_) => Err(Problem::no_group()),
    }
}

async fn known(store: &impl Store, new: &NewAlert) -> Result<Option<Reply>, Problem> {
    match load::<Alert>(store, &new.id.to_string()).await? {
        None => Ok(None),
        Some(alert) if alert.value.fingerprint == new.fingerprint => {
            Ok(Some(accepted(&alert.value).replayed()))
        }
        Some(_) => Err(Problem::key_reused()),
    }
}

/// The answer, the same however far the alert is by now: it says what was accepted.
pub fn accepted(alert: &Alert) -> Reply {
    Reply::new(202, json!({ "alert_id": alert.id, "status": "queued" }))
}
