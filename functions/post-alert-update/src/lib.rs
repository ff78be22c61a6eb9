//! POST /alerts/{id}/updates: a trader says what becomes of an alert.
//!
//! The update is saved in the alert's own row, then queued.

use alerts::{has_group, update_body};
use domain::alert::{Alert, COUNTED_WAITING, MOST_UPDATES, TakesNoUpdate, add_update, room_in};
use domain::change::{Stored, Why};
use domain::ids::{AlertId, UpdateId};
use domain::relay::quick_posts;
use domain::update::{NewUpdate, Update};
use queue::{Queue, send_at_once};
use serde_json::json;
use store::{CommitError, Count, Store, Write, load};
use web::{Call, Problem, Reply, owned_service};

/// How often a save is tried while the sender saves the same alert.
const TRIES: usize = 6;

/// Reads an update of the caller's alert, saves and queues it; or finds the one that an earlier
/// request under the same key made.
///
/// # Errors
/// "Not found", every fault of the body, "key reused", "no group", "too many alerts", an alert that
/// takes no update, or what the store says. Nothing was accepted then.
pub async fn handle(store: &impl Store, queue: &impl Queue, call: &Call) -> Result<Reply, Problem> {
    let (id, key) = (call.id::<AlertId>()?, call.key()?);
    let mut read = owned_alert(store, call, id).await?;
    let service = owned_service(store, call, read.value.service).await?.value;
    let new = NewUpdate {
        id: match key {
            Some(key) => UpdateId::derived(id, key.as_str()),
            None => UpdateId::fresh(call.fresh),
        },
        says: update_body(call.body()?, &read.value)?,
        fingerprint: call.fingerprint("post-alert-update"),
    };
    // A repetition gets its answer even when no new update would be taken.
    if let Some(known) = known(&read.value, &new)? {
        return Ok(known);
    }
    has_group(&service)?;
    too_many(store, &read.value).await?;
    for _ in 0..TRIES {
        let next = add_update(&read.value, new.clone(), call.now).map_err(|why| match why {
            TakesNoUpdate::NotPosted => Problem::conflict(
                "The alert was given up and stands in no group, so nothing can be added to it.",
            ),
            TakesNoUpdate::Full => Problem::conflict(format!(
                "The alert has {MOST_UPDATES} updates, and takes no more."
            )),
        })?;
        let write = Write::update(&read, &next, &call.by_trader(Why::UpdateQueued)?);
        let ver = write.row.meta.ver;
        match store.commit(vec![write]).await {
            Ok(()) => {
                send_at_once(queue, quick_posts(Some(&read.value), &next, ver)).await;
                return Ok(accepted(id, new.id));
            }
            Err(CommitError::Conflict) => read = owned_alert(store, call, id).await?,
            Err(error) => return Err(error.into()),
        }
        // The same request may have been accepted a moment ago.
        if let Some(known) = known(&read.value, &new)? {
            return Ok(known);
        }
    }
    Err(Problem::contention())
}

async fn owned_alert(
    store: &impl Store,
    call: &Call,
    id: AlertId,
) -> Result<Stored<Alert>, Problem> {
    let trader = call.trader()?;
    load::<Alert>(store, &id.to_string())
        .await?
        .filter(|alert| alert.value.trader == trader)
        .ok_or_else(Problem::not_found)
}

/// Every message of this alert counts that is waiting, and every other alert of the group of which
/// something is.
async fn too_many(store: &impl Store, alert: &Alert) -> Result<(), Problem> {
    let waiting = Count::Waiting { service: alert.service.to_string() };
    let alerts = store.count(&waiting, COUNTED_WAITING).await?;
    let others = alerts.saturating_sub(usize::from(alert.is_waiting()));
    match room_in(others.saturating_add(alert.waiting())) {
        Some(wait) => Err(Problem::too_many_alerts(wait)),
        None => Ok(()),
    }
}

fn known(alert: &Alert, new: &NewUpdate) -> Result<Option<Reply>, Problem> {
    let same = |update: &&Update| update.id == new.id;
    match alert.updates.iter().find(same) {
        None => Ok(None),
        Some(update) if update.fingerprint == new.fingerprint => {
            Ok(Some(accepted(alert.id, update.id).replayed()))
        }
        Some(_) => Err(Problem::key_reused()),
    }
}

/// The answer, the same however far the update is by now: it says what was accepted.
fn accepted(alert: AlertId, update: UpdateId) -> Reply {
    Reply::new(202, json!({ "alert_id": alert, "update_id": update, "status": "queued" }))
}
