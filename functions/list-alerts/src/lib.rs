//! GET /traders/services/{id}/alerts: the alerts of a service.

use domain::alert::Alert;
use domain::ids::ServiceId;
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
    let list = List::AlertsOf(id.to_string());
    let found = store.list(&list, page.limit, page.from.as_ref()).await?;
    let items = readable::<Alert>(found.items).iter().map(views::alert).collect();
    let next = found.next.map(|cursor| cursor.0);
    Ok(Reply::new(200, views::PageView { items, next }))
}
