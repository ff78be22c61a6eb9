//! POST /traders/services/{id}/telegram-group/test-alert: a trader tries the group.

use alerts::accept_alert;
use domain::alert::{Content, NewAlert};
use domain::ids::{AlertId, ServiceId};
use queue::Queue;
use store::Store;
use web::{Call, Problem, Reply, owned_service};

/// Saves a test alert and queues it: it takes the same way as every other.
///
/// # Errors
/// As for alerts.
pub async fn handle(store: &impl Store, queue: &impl Queue, call: &Call) -> Result<Reply, Problem> {
    let id: ServiceId = call.id()?;
    let idempotency = call.key()?;
    call.optional_body()?.finish(Some(()))?;
    let service = owned_service(store, call, id).await?.value;
    let alert = match idempotency {
        Some(key) => AlertId::derived(id, "test", key.as_str()),
        None => AlertId::fresh(call.fresh),
    };
    let new = NewAlert {
        id: alert,
        service: id,
        trader: service.trader.clone(),
        client_alert_id: None,
        content: Content::Test,
        fingerprint: call.fingerprint("test-alert"),
    };
    accept_alert(store, queue, call, &service, new).await
}
