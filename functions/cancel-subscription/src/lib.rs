//! POST /subscriptions/{id}/cancel: the storefront cancels.

use domain::change::Why;
use domain::ids::SubscriptionId;
use domain::subscription::{CancelWhen, Subscription, cancel};
use domain::token::{BotName, LinkKey};
use store::{CommitError, Store, Write, load};
use web::{Call, Idempotency, Problem, Reply, one_of, service_for_storefront, views};

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
    let request = Idempotency::of(call, ROUTE, &id.to_string())?;
    let mut body = call.optional_body()?;
    let when = body.optional(
        "when",
        one_of([("now", CancelWhen::Now), ("period_end", CancelWhen::PeriodEnd)]),
    );
    let when = body.finish(Some(when.unwrap_or_default()))?;
    for _ in 0..TRIES {
        let read = load::<Subscription>(store, &id.to_string()).await?;
        let read = read.ok_or_else(Problem::not_found)?;
        let service = service_for_storefront(store, read.value.service).await?.value;
        let view = |it: &Subscription| views::subscription(it, &service, bot, link_key, call.now);
        if let Some(done) = request.earlier::<Subscription>(store).await? {
            return Ok(Reply::new(200, view(&done)).replayed());
        }
        let next = cancel(&read.value, when, call.now);
        let cause = call.by_storefront(Why::Cancelled);
        let mut writes: Vec<_> =
            next.iter().map(|next| Write::update(&read, next, &cause)).collect();
        let outcome = next.unwrap_or_else(|| read.value.clone());
        let answer = Reply::new(200, view(&outcome));
        writes.extend(request.done(outcome, &cause));
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
