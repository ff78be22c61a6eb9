//! Takes messages from the queues and carries them out in Telegram.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use limiter::{DynamoLimits, Limiter};
use queue::{SqsQueue, Urls};
use startup::SystemClock;
use store::{DynamoStore, Tables};
use telegram::{BotApi, BotToken};
use telegram_sender::{Lines, Sender, handle, received};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let token = BotToken::parse(&start.secret("BOT_TOKEN_SECRET").await?)?;
    let sender = &Sender {
        store: DynamoStore::connect(&start.aws, tables, startup::fresh_id()),
        queue: SqsQueue::new(&start.aws, Urls::named(|name| start.settings.get(name))),
        limiter: Limiter::new(DynamoLimits::connect(
            &start.aws,
            start.settings.required("LIMITS_TABLE")?,
        )),
        lines: Lines::default(),
        bot: token.bot_id(),
        telegram: BotApi::new(&start.settings.required("TELEGRAM_API")?, token)?,
        clock: SystemClock,
    };
    run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        let deadline = i64::try_from(event.context.deadline).ok();
        let deadline = deadline.and_then(|at| Timestamp::from_millisecond(at).ok());
        let given_back =
            handle(sender, received(event.payload), deadline.unwrap_or(Timestamp::MAX)).await;
        let mut answer = SqsBatchResponse::default();
        answer.batch_item_failures = given_back
            .into_iter()
            .map(|id| {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = id;
                failure
            })
            .collect();
        Ok::<_, Error>(answer)
    }))
    .await
}
