//! Gives an operator the link by which spare groups are added to the pool.

use create_pool_link::pool_link;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use startup::{Clock as _, SystemClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let (bot, key) = (&start.bot_name()?, &start.link_key().await?);
    run(service_fn(|_: LambdaEvent<Value>| async move {
        Ok::<_, Error>(pool_link(bot, key, SystemClock.now()))
    }))
    .await
}
