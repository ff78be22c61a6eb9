//! POST /traders/services/{id}/telegram-group/generate-link: a trader asks for a link.

use generate_link::{LinkMaker, handle};
use lambda_http::Error;
use limiter::{DynamoLimits, Limiter};
use store::{DynamoStore, Tables};
use telegram::{BotApi, BotToken};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let token = BotToken::parse(&start.secret("BOT_TOKEN_SECRET").await?)?;
    let maker = LinkMaker {
        store: DynamoStore::connect(&start.aws, tables, startup::fresh_id()),
        limiter: Limiter::new(DynamoLimits::connect(
            &start.aws,
            start.settings.required("LIMITS_TABLE")?,
        )),
        telegram: BotApi::new(&start.settings.required("TELEGRAM_API")?, token)?,
        clock: startup::SystemClock,
    };
    web::serve(maker, |maker, call| async move { handle(maker, &call).await }).await
}
