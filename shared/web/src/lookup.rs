//! Finding the service that a request is about, and whether the caller may see it.

use domain::change::Stored;
use domain::ids::ServiceId;
use domain::service::Service;
use store::{Entity, Row, Store, decode, load};

use crate::call::Call;
use crate::problem::Problem;

/// Loads a service that has to be the caller's own.
///
/// # Errors
/// "Not found", also when it is somebody else's; or what the store says.
pub async fn owned_service(
    store: &impl Store,
    call: &Call,
    id: ServiceId,
) -> Result<Stored<Service>, Problem> {
    let trader = call.trader()?;
    load::<Service>(store, &id.to_string())
        .await?
        .filter(|service| service.value.trader == trader)
        .ok_or_else(Problem::not_found)
}

/// Loads any service, for the storefront.
///
/// # Errors
/// "Not found", or what the store says.
pub async fn service_for_storefront(
    store: &impl Store,
    id: ServiceId,
) -> Result<Stored<Service>, Problem> {
    load::<Service>(store, &id.to_string()).await?.ok_or_else(Problem::not_found)
}

/// The items of a list. A row that cannot be read must not hide the others: it is left out, and
/// told in the log.
pub fn readable<E: Entity>(rows: Vec<Row>) -> Vec<E> {
    rows.into_iter()
        .filter_map(|row| {
            decode::<E>(row)
                .inspect_err(|broken| {
                    tracing::error!(cause = %broken, "a row was left out of a list");
                })
                .ok()
        })
        .map(|stored| stored.value)
        .collect()
}
