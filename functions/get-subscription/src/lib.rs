//! GET /subscriptions/{id}: one subscription, for the storefront.

use domain::ids::SubscriptionId;
use domain::subscription::Subscription;
use domain::token::{BotName, LinkKey};
use store::{Store, load};
use web::{Call, Problem, Reply, service_for_storefront, views};

/// Answers with the subscription.
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
    let found = load::<Subscription>(store, &id.to_string()).await?;
    let subscription = found.ok_or_else(Problem::not_found)?.value;
    let service = service_for_storefront(store, subscription.service).await?.value;
    Ok(Reply::new(200, views::subscription(&subscription, &service, bot, key, call.now)))
}
