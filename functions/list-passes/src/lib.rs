//! GET /traders/services/{id}/telegram-group/passes: who is in the group as a guest.

use domain::ids::ServiceId;
use domain::link::Link;
use store::{List, Store};
use web::{Call, Problem, Reply, owned_service, page_request, readable, views};

/// Answers with a page, newest first.
///
/// # Errors
/// "Not found" when the service is not the caller's.
pub async fn handle(store: &impl Store, call: &Call) -> Result<Reply, Problem> {
    let page = page_request(call)?;
    let id: ServiceId = call.id()?;
    owned_service(store, call, id).await?;
    let list = List::PassesOf(id.to_string());
    let found = store.list(&list, page.limit, page.from.as_ref()).await?;
    let items = readable::<Link>(found.items).iter().map(views::pass).collect();
    let next = found.next.map(|cursor| cursor.0);
    Ok(Reply::new(200, views::PageView { items, next }))
}
