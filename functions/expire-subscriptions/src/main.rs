//! The sweep: visits what is due and puts it right.

use expire_subscriptions::sweep;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use startup::{Clock as _, SystemClock};
use store::{DynamoStore, Tables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let store = &DynamoStore::connect(&start.aws, tables, startup::fresh_id());
    run(service_fn(|_: LambdaEvent<Value>| async move {
        let report = sweep(store, SystemClock.now()).await;
        tracing::info!(?report, "swept");
        Ok::<_, Error>(report)
    }))
    .await
}
