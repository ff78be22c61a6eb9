//! POST /alerts/{id}/updates: a trader says what becomes of an alert.

use lambda_http::Error;
use queue::{SqsQueue, Urls};
use store::{DynamoStore, Tables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let store = DynamoStore::connect(&start.aws, tables, startup::fresh_id());
    let queue = SqsQueue::new(&start.aws, Urls::named(|name| start.settings.get(name)));
    web::serve((store, queue), |(store, queue), call| async move {
        post_alert_update::handle(store, queue, &call).await
    })
    .await
}
