//! POST /traders/services/{id}/telegram-group/test-alert: a trader tries the group.

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
        test_alert::handle(store, queue, &call).await
    })
    .await
}
