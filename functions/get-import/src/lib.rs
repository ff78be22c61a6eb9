//! GET /traders/services/{id}/members/import/{import_id}: how far an import is.

use domain::ids::{ImportId, ServiceId};
use domain::import::Import;
use store::{Store, key, load};
use web::{Call, Problem, Reply, owned_service, views};

/// Answers with the import.
///
/// # Errors
/// "Not found" when there is no such import in this service, or the service is not the caller's.
pub async fn handle(store: &impl Store, call: &Call) -> Result<Reply, Problem> {
    let service: ServiceId = call.id()?;
    let id: ImportId = call.id_named("import_id")?;
    owned_service(store, call, service).await?;
    let import = load::<Import>(store, &key::import(id)).await?;
    let import = import.filter(|import| import.value.service == service);
    let import = import.ok_or_else(Problem::not_found)?.value;
    Ok(Reply::new(200, views::import(&import)))
}
