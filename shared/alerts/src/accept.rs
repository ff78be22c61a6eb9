//! Accepting an alert: saved first, then queued. From the answer on, it will be posted, whatever
//! stops in between.

use domain::alert::{Alert, COUNTED_WAITING, NewAlert, room_in};
use domain::change::Why;
use domain::group::Group;
use domain::relay::first_post;
use domain::service::Service;
use queue::{Outgoing, Queue};
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
    match &service.group {
        Group::Bound(group) if group.can_post() => {}
        Group::Bound(_) | Group::None | Group::AwaitingBot(_) => return Err(Problem::no_group()),
    }
    let waiting = Count::Waiting { service: service.id.to_string() };
    if let Some(wait) = room_in(store.count(&waiting, COUNTED_WAITING).await?) {
        return Err(Problem::too_many_alerts(wait));
    }
    let alert = Alert::queued(new.clone(), call.now);
    let write = Write::create(&alert, &call.by_trader(Why::AlertQueued)?);
    match store.commit(vec![write]).await {
        Ok(()) => {}
        // The same request was accepted a moment ago.
        Err(CommitError::Conflict) => {
            return known(store, &new).await?.ok_or_else(Problem::contention);
        }
        Err(error) => return Err(error.into()),
    }
    // The quick way. The relay sends the same message again under the same key; so when the queue
    // cannot be reached at this moment, the alert is a little later, not lost.
    let (key, task) = first_post(&alert);
    if let Err(error) = queue.send(&[Outgoing { key, task }]).await {
        tracing::warn!(cause = %error, "an alert goes by the relay: the queue did not take it");
    }
    Ok(accepted(&alert))
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
fn accepted(alert: &Alert) -> Reply {
    Reply::new(202, json!({ "alert_id": alert.id, "status": "queued" }))
}
