//! POST /subscriptions/{id}/relink: a subscription is moved to another Telegram account.

use lambda_http::Error;
use store::{DynamoStore, Tables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let store = DynamoStore::connect(&start.aws, tables, startup::fresh_id());
    let (bot, key) = (start.bot_name()?, start.link_key().await?);
    web::serve((store, bot, key), |(store, bot, key), call| async move {
        relink_subscription::handle(store, bot, key, &call).await
    })
    .await
}
