//! GET /traders/services/{id}: one service of the caller.

use store::{Count, Store};
use web::{Call, Problem, Reply, owned_service, views};

/// Answers with the service.
///
/// # Errors
/// "Not found" for what is not there or not the caller's.
pub async fn handle(store: &impl Store, call: &Call) -> Result<Reply, Problem> {
    let service = owned_service(store, call, call.id()?).await?.value;
    let active = Count::Active { service: service.id.to_string(), now: call.now };
    let active = store.count(&active, usize::MAX).await?;
    Ok(Reply::new(200, views::service(&service, active)))
}
