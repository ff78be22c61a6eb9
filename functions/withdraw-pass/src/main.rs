//! DELETE /traders/services/{id}/telegram-group/passes/{pass_id}: a trader takes a guest's pass back.

use lambda_http::Error;
use store::{DynamoStore, Tables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let store = DynamoStore::connect(&start.aws, tables, startup::fresh_id());
    web::serve(store, |store, call| async move { withdraw_pass::handle(store, &call).await }).await
}
