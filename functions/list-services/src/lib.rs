//! GET /traders/services: the services of the caller.

use domain::service::Service;
use futures::future::try_join_all;
use store::{Count, List, Store};
use web::{Call, Problem, Reply, page_request, readable, views};

/// Answers with a page of services, newest first.
///
/// # Errors
/// A problem when the page that is asked for does not exist.
pub async fn handle(store: &impl Store, call: &Call) -> Result<Reply, Problem> {
    let page = page_request(call)?;
    let list = List::ServicesOf(call.trader()?.as_str().to_owned());
    let found = store.list(&list, page.limit, page.from.as_ref()).await?;
    let services = readable::<Service>(found.items);
    let counts = services.iter().map(|service| async {
        let active = Count::Active { service: service.id.to_string(), now: call.now };
        store.count(&active, usize::MAX).await
    });
    let counts = try_join_all(counts).await?;
    let items = services.iter().zip(counts).map(|(service, n)| views::service(service, n));
    let next = found.next.map(|cursor| cursor.0);
    Ok(Reply::new(200, views::PageView { items: items.collect(), next }))
}
