//! Reads the streams of the tables and carries out what follows from each change.

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use events::EventBus;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use queue::{SqsQueue, Urls};
use relay::{Relay, changes, handle};
use store::{DynamoStore, Tables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let relay = &Relay {
        store: DynamoStore::connect(&start.aws, tables, startup::fresh_id()),
        queue: SqsQueue::new(&start.aws, Urls::named(|name| start.settings.get(name))),
        events: EventBus::new(&start.aws, start.settings.required("EVENT_BUS")?),
    };
    run(service_fn(|event: LambdaEvent<Event>| async move {
        let failed = handle(relay, changes(event.payload)).await;
        let mut answer = DynamoDbEventResponse::default();
        answer.batch_item_failures = failed
            .into_iter()
            .map(|sequence_number| {
                let mut failure = DynamoDbBatchItemFailure::default();
                failure.item_identifier = Some(sequence_number);
                failure
            })
            .collect();
        Ok::<_, Error>(answer)
    }))
    .await
}
