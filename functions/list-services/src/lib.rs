//! GET /traders/services: the services of the caller.

use domain::service::Service;
use futures::future::try_join_all;
use store::{Count, List, Store, decode};
use web::{Call, Problem, Reply, page_request, views};

/// Answers with a page of services, newest first.
///
/// # Errors
/// A problem when the page that is asked for does not exist.
pub async fn handle(store: &impl Store, call: &Call) -> Result<Reply, Problem> {
    let page = page_request(call)?;
    let list = List::ServicesOf(call.trader()?.as_str().to_owned());
    let found = store.list(&list, page.limit, page.from.as_ref()).await?;
    // One row that cannot be read must not hide the others.
    let services: Vec<Service> = found
        .items
        .into_iter()
        .filter_map(|row| match decode::<Service>(row) {
            Ok(service) => Some(service.value),
            Err(broken) => {
                tracing::error!(cause = %broken, "a row was left out of a list");
                None
            }
        })
        .collect();
    let counts = services.iter().map(|service| async {
        let active = Count::Active { service: service.id.to_string(), now: call.now };
        store.count(&active, usize::MAX).await
    });
    let counts = try_join_all(counts).await?;
    let items = services.iter().zip(counts).map(|(service, n)| views::service(service, n));
    let next = found.next.map(|cursor| cursor.0);
    Ok(Reply::new(200, views::PageView { items: items.collect(), next }))
}
