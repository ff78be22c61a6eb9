//! GET /traders/services/{id}/telegram-group/passes: who is in the group as a guest.

use lambda_http::Error;
use store::{DynamoStore, Tables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let store = DynamoStore::connect(&start.aws, tables, startup::fresh_id());
    web::serve(store, |store, call| async move { list_passes::handle(store, &call).await }).await
}
