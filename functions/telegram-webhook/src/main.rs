//! POST /telegram/webhook: what Telegram reports.

use lambda_http::Error;
use queue::{SqsQueue, Urls};
use store::{DynamoStore, Tables};
use telegram_webhook::{Secret, Webhook, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let webhook = Webhook {
        store: DynamoStore::connect(&start.aws, tables, startup::fresh_id()),
        queue: SqsQueue::new(&start.aws, Urls::named(|name| start.settings.get(name))),
        bot: start.bot_name()?,
        key: start.link_key().await?,
        secret: Secret::new(start.secret("WEBHOOK_SECRET_SECRET").await?),
    };
    web::serve(webhook, |webhook, call| async move { handle(webhook, &call).await }).await
}
