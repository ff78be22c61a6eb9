//! GET /traders/services/{id}/subscriptions: the subscriptions of a service.

use domain::ids::ServiceId;
use domain::subscription::Subscription;
use domain::token::{BotName, LinkKey};
use store::{List, Store};
use web::{Call, Problem, Reply, owned_service, page_request, readable, views};

/// Answers with a page, newest first.
///
/// # Errors
/// "Not found" when the service is not the caller's.
pub async fn handle(
    store: &impl Store,
    bot: &BotName,
    key: &LinkKey,
    call: &Call,
) -> Result<Reply, Problem> {
    let page = page_request(call)?;
    let id: ServiceId = call.id()?;
    let service = owned_service(store, call, id).await?.value;
    let list = List::SubscriptionsOf(id.to_string());
    let found = store.list(&list, page.limit, page.from.as_ref()).await?;
    let subscriptions = readable::<Subscription>(found.items);
    let view = |item| views::subscription(item, &service, bot, key, call.now);
    let items = subscriptions.iter().map(view).collect();
    let next = found.next.map(|cursor| cursor.0);
    Ok(Reply::new(200, views::PageView { items, next }))
}
