//! GET /traders/services/{id}/telegram-group/info: everything about the group.

use group_info::{Info, handle};
use lambda_http::Error;
use limiter::{DynamoLimits, Limiter};
use store::{DynamoStore, Tables};
use telegram::{BotApi, BotToken};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let token = BotToken::parse(&start.secret("BOT_TOKEN_SECRET").await?)?;
    let info = Info {
        store: DynamoStore::connect(&start.aws, tables, startup::fresh_id()),
        limiter: Limiter::new(DynamoLimits::connect(
            &start.aws,
            start.settings.required("LIMITS_TABLE")?,
        )),
        bot: token.bot_id(),
        telegram: BotApi::new(&start.settings.required("TELEGRAM_API")?, token)?,
        clock: startup::SystemClock,
    };
    web::serve(info, |info, call| async move { handle(info, &call).await }).await
}
