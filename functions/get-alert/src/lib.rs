//! GET /alerts/{id}: one alert of the caller.

use domain::alert::Alert;
use domain::ids::AlertId;
use store::{Store, load};
use web::{Call, Problem, Reply, views};

/// Answers with the alert.
///
/// # Errors
/// "Not found" for what is not there or not the caller's.
pub async fn handle(store: &impl Store, call: &Call) -> Result<Reply, Problem> {
    let (trader, id) = (call.trader()?, call.id::<AlertId>()?);
    let alert = load::<Alert>(store, &id.to_string())
        .await?
        .filter(|alert| alert.value.trader == trader)
        .ok_or_else(Problem::not_found)?;
    Ok(Reply::new(200, views::alert(&alert.value)))
}
