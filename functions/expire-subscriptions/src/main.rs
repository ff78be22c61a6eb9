//! The sweep: visits what is due and puts it right.

use expire_subscriptions::sweep;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use startup::{Clock as _, SystemClock, metric};
use store::{Count, DynamoStore, Store as _, Tables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let store = &DynamoStore::connect(&start.aws, tables, startup::fresh_id());
    // Lambda names the function (AWS Lambda, "Defined runtime environment variables").
    let function = start.settings.get("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    let function = function.as_str();
    run(service_fn(|_: LambdaEvent<Value>| async move {
        let report = sweep(store, SystemClock.now()).await;
        tracing::info!(?report, "swept");
        match store.count(&Count::Spares, usize::MAX).await {
            Ok(spares) => metric::count(function, "SpareGroups", spares, SystemClock.now()),
            Err(error) => tracing::error!(cause = %error, "the spare groups were not counted"),
        }
        // For the alarm. Lambda tries again after a minute or two, and so does the next sweep.
        match report.failed {
            0 => Ok::<_, Error>(report),
            failed => Err(format!("{failed} parts or items were left out of the sweep").into()),
        }
    }))
    .await
}
