//! GET /traders/services/{id}/alerts: the alerts of a service.

use domain::alert::Alert;
use domain::ids::ServiceId;
use store::{List, Store, decode};
use web::{Call, Problem, Reply, owned_service, page_request, views};

/// Answers with a page, newest first.
///
/// # Errors
/// "Not found" when the service is not the caller's.
pub async fn handle(store: &impl Store, call: &Call) -> Result<Reply, Problem> {
    let page = page_request(call)?;
    let id: ServiceId = call.id()?;
    let _service = owned_service(store, call, id).await?.value;
    let list = List::AlertsOf(id.to_string());
    let found = store.list(&list, page.limit, page.from.as_ref()).await?;
    let items = found.items.into_iter().filter_map(|row| match decode::<Alert>(row) {
        Ok(item) => Some(views::alert(&item.value)),
        // One row that cannot be read must not hide the others.
        Err(broken) => {
            tracing::error!(cause = %broken, "a row was left out of a list");
            None
        }
    });
    let next = found.next.map(|cursor| cursor.0);
    Ok(Reply::new(200, views::PageView { items: items.collect(), next }))
}
