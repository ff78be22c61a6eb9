//! GET /traders/services/{id}/audit: what happened in a service.

use domain::ids::ServiceId;
use store::Store;
use web::{Call, Problem, Reply, owned_service, page_request, views};

/// Answers with a page of the audit trail, newest first.
///
/// # Errors
/// "Not found" when the service is not the caller's.
pub async fn handle(store: &impl Store, call: &Call) -> Result<Reply, Problem> {
    let page = page_request(call)?;
    let id: ServiceId = call.id()?;
    owned_service(store, call, id).await?;
    let found = store.audit(&id.to_string(), page.limit, page.from.as_ref()).await?;
    let items = found.items.iter().map(views::audit).collect();
    Ok(Reply::new(200, views::PageView { items, next: found.next.map(|cursor| cursor.0) }))
}
