//! POST /alerts: a trader sends an alert.

use alerts::{AlertBody, accept_alert, alert_body};
use domain::alert::{Content, NewAlert};
use domain::ids::AlertId;
use queue::Queue;
use store::Store;
use web::{Call, Problem, Reply, owned_service};

/// Saves the alert and queues it.
///
/// # Errors
/// A problem that names every value that does not fit; "too many alerts" when Telegram could not
/// keep up.
pub async fn handle(store: &impl Store, queue: &impl Queue, call: &Call) -> Result<Reply, Problem> {
    let idempotency = call.key()?;
    let (id, body) = alert_body(call.body()?)?;
    let AlertBody { client_alert_id, signal, image_url, format } = body;
    let service = owned_service(store, call, id).await?.value;
    let alert = match (&idempotency, &client_alert_id) {
        (Some(key), _) => AlertId::derived(id, "key", key.as_str()),
        (None, Some(own)) => AlertId::derived(id, "client", own.as_str()),
        (None, None) => AlertId::fresh(call.fresh),
    };
    let format = format.unwrap_or(service.settings.alert_format);
    let new = NewAlert {
        id: alert,
        service: id,
        trader: service.trader.clone(),
        client_alert_id,
        content: Content::Signal { signal: Box::new(signal), image_url, format },
        fingerprint: call.fingerprint("send-alert"),
    };
    accept_alert(store, queue, call, &service, new).await
}
