//! POST /subscriptions/{id}/cancel: the storefront cancels.

use domain::change::Why;
use domain::ids::SubscriptionId;
use domain::subscription::{CancelWhen, Subscription, cancel};
use domain::token::{BotName, LinkKey};
use store::{CommitError, Store, Write, load};
use web::{Call, Problem, Reply, one_of, service_for_storefront, views};

/// How often it is tried when others change the subscription at the same moment.
const TRIES: usize = 5;

/// Cancels, now or at the end of the period. Cancelling twice gives the same answer.
///
/// # Errors
/// "Not found" for what is not there.
pub async fn handle(
    store: &impl Store,
    bot: &BotName,
    key: &LinkKey,
    call: &Call,
) -> Result<Reply, Problem> {
    let id: SubscriptionId = call.id()?;
    call.key()?;
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
        let next = cancel(&read.value, when, call.now);
        if let Some(next) = &next {
            let write = Write::update(&read, next, &call.by_storefront(Why::Cancelled));
            match store.commit(vec![write]).await {
                Err(CommitError::Conflict) => continue,
                done => done?,
            }
        }
        let now = next.as_ref().unwrap_or(&read.value);
        return Ok(Reply::new(200, views::subscription(now, &service, bot, key, call.now)));
    }
    Err(Problem::contention())
}
