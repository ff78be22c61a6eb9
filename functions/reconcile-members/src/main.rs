//! Begins the daily check of every group: known members against what Telegram says.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use reconcile_members::begin_all;
use serde_json::Value;
use startup::{Clock as _, SystemClock};
use store::{DynamoStore, Tables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let store = &DynamoStore::connect(&start.aws, tables, startup::fresh_id());
    run(service_fn(|_: LambdaEvent<Value>| async move {
        let report = begin_all(store, SystemClock.now()).await?;
        tracing::info!(?report, "began the checks");
        // For the alarm, and so that Lambda tries those groups again.
        match report.failed {
            0 => Ok::<_, Error>(report),
            failed => Err(format!("the checks of {failed} groups were not begun").into()),
        }
    }))
    .await
}
