//! POST /subscriptions/{id}/cancel: the storefront cancels.

use domain::change::Why;
use domain::ids::SubscriptionId;
use domain::subscription::{CancelWhen, Subscription, cancel};
use domain::token::{BotName, LinkKey};
use store::{CommitError, Requested, Store, Write, key, load};
use web::{Call, Problem, Reply, earlier, one_of, service_for_storefront, views};

const ROUTE: &str = "cancel-subscription";

/// How often it is tried when others change the subscription at the same moment.
const TRIES: usize = 5;

/// Cancels, now or at the end of the period. Cancelling twice gives the same answer. Under a key it does
/// so, too, when the subscription was bought again in between: a late repetition takes nothing away.
///
/// # Errors
/// "Not found" for what is not there.
pub async fn handle(
    store: &impl Store,
    bot: &BotName,
    link_key: &LinkKey,
    call: &Call,
) -> Result<Reply, Problem> {
    let id: SubscriptionId = call.id()?;
    let idempotency = call.key()?;
    let mut body = call.optional_body()?;
    let when = body.optional(
        "when",
        one_of([("now", CancelWhen::Now), ("period_end", CancelWhen::PeriodEnd)]),
    );
    let when = body.finish(Some(when.unwrap_or_default()))?;
    let request = idempotency.map(|name| key::request(ROUTE, &id.to_string(), name.as_str()));
    let fingerprint = call.fingerprint(ROUTE);
    for _ in 0..TRIES {
        let read = load::<Subscription>(store, &id.to_string()).await?;
        let read = read.ok_or_else(Problem::not_found)?;
        let service = service_for_storefront(store, read.value.service).await?.value;
        let view = |it: &Subscription| views::subscription(it, &service, bot, link_key, call.now);
        if let Some(request) = &request
            && let Some(done) = earlier::<Subscription>(store, request, &fingerprint).await?
        {
            return Ok(Reply::new(200, view(&done)).replayed());
        }
        let next = cancel(&read.value, when, call.now);
        let cause = call.by_storefront(Why::Cancelled);
        let mut writes: Vec<_> =
            next.iter().map(|next| Write::update(&read, next, &cause)).collect();
        let outcome = next.unwrap_or_else(|| read.value.clone());
        let answer = Reply::new(200, view(&outcome));
        if let Some(id) = &request {
            let (id, fingerprint) = (id.clone(), fingerprint.clone());
            writes
                .push(Write::create(&Requested { id, fingerprint, outcome, at: call.now }, &cause));
        }
        if writes.is_empty() {
            return Ok(answer);
        }
        match store.commit(writes).await {
            Err(CommitError::Conflict) => {}
            done => return Ok(done.map(|()| answer)?),
        }
    }
    Err(Problem::contention())
}
