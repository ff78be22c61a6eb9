//! Tells Telegram where updates go; run by an operator after a deployment.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use register_webhook::register;
use serde_json::Value;
use telegram::{BotApi, BotToken};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let token = BotToken::parse(&start.secret("BOT_TOKEN_SECRET").await?)?;
    let telegram = &BotApi::new(&start.settings.required("TELEGRAM_API")?, token)?;
    let secret = start.secret("WEBHOOK_SECRET_SECRET").await?;
    let url = start.settings.required("WEBHOOK_URL")?;
    let bot = start.bot_name()?;
    let (secret, url, bot) = (&secret, &url, &bot);
    run(service_fn(|_: LambdaEvent<Value>| async move {
        Ok::<_, Error>(register(telegram, url, secret, bot).await?)
    }))
    .await
}
