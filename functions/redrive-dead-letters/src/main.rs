//! Sends again what was given up, once its cause is repaired.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use queue::{SqsQueue, Urls};
use redrive_dead_letters::redrive;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let queue = &SqsQueue::new(&start.aws, Urls::named(|name| start.settings.get(name)));
    run(service_fn(|_: LambdaEvent<Value>| async move { Ok::<_, Error>(redrive(queue).await?) }))
        .await
}
