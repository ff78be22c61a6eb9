//! POST /ingest/tradingview/{token}: a chart sends an alert.

use lambda_http::Error;
use queue::{SqsQueue, Urls};
use store::{DynamoStore, Tables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let store = DynamoStore::connect(&start.aws, tables, startup::fresh_id());
    let queue = SqsQueue::new(&start.aws, Urls::named(|name| start.settings.get(name)));
    let key = start.link_key().await?;
    web::serve((store, queue, key), |(store, queue, key), call| async move {
        ingest_tradingview::handle(store, queue, key, &call).await
    })
    .await
}
