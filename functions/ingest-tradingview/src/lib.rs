//! POST /ingest/tradingview/{token}: a chart sends an alert.
//!
//! TradingView sends no header of its own, so the address itself says whose chart it is. It gives a
//! call three seconds, and repeats one that failed a few seconds later ("Webhooks", "How to
//! configure webhook alerts"); so the same body within half a minute is the same alert.

use alerts::{AlertBody, accept_alert, accepted, chart_body, chart_fields};
use domain::alert::{Alert, Content, NewAlert};
use domain::ids::AlertId;
use domain::service::Service;
use domain::time::after;
use domain::token::{LinkKey, Token};
use jiff::SignedDuration;
use queue::Queue;
use store::{Store, fingerprint, load};
use web::{Call, Problem, Reply};

const ROUTE: &str = "ingest-tradingview";

/// How long the same body is the same alert. No bar of a chart that is worth a signal is shorter.
const REPEATED_WITHIN: SignedDuration = SignedDuration::from_secs(30);

/// Saves the alert of a chart and queues it.
///
/// # Errors
/// "Not found" for an address that is not the newest of any service; otherwise as for alerts.
pub async fn handle(
    store: &impl Store,
    queue: &impl Queue,
    link_key: &LinkKey,
    call: &Call,
) -> Result<Reply, Problem> {
    let service = service(store, link_key, call).await?;
    let text = chart_fields(call)?;
    let AlertBody { client_alert_id, signal, image_url, format } = chart_body(&text)?;
    let print = fingerprint(&[ROUTE, &service.id.to_string(), &text]);
    // The half minute in which it came, counted from the epoch.
    let slot = call.now.as_second().div_euclid(REPEATED_WITHIN.as_secs());
    let id_in = |slot: i64| AlertId::derived(service.id, ROUTE, &format!("{slot}:{print}"));
    let earlier = load::<Alert>(store, &id_in(slot.saturating_sub(1)).to_string()).await?;
    if let Some(earlier) = earlier
        && call.now < after(earlier.value.post.created_at, REPEATED_WITHIN)
    {
        return Ok(accepted(&earlier.value).replayed());
    }
    let format = format.unwrap_or(service.settings.alert_format);
    let new = NewAlert {
        id: id_in(slot),
        service: service.id,
        trader: service.trader.clone(),
        client_alert_id,
        content: Content::Signal { signal: Box::new(signal), image_url, format },
        fingerprint: print,
    };
    accept_alert(store, queue, call, &service, new).await
}

/// The service whose chart has this address. Nobody is told what is wrong with an address.
async fn service(store: &impl Store, key: &LinkKey, call: &Call) -> Result<Service, Problem> {
    let token = call.path.get("token").map(String::as_str).unwrap_or_default();
    let Some(Token::Chart { service, number }) = Token::read(token, key) else {
        return Err(Problem::not_found());
    };
    load::<Service>(store, &service.to_string())
        .await?
        .map(|service| service.value)
        .filter(|service| service.chart_urls == number)
        .ok_or_else(Problem::not_found)
}
