//! POST /traders/services/{id}/tradingview-url: a trader asks for the address of their charts.

use create_tradingview_url::ApiAddress;
use lambda_http::Error;
use store::{DynamoStore, Tables};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let start = startup::begin().await;
    let tables = Tables::named(|name| start.settings.get(name));
    let store = DynamoStore::connect(&start.aws, tables, startup::fresh_id());
    let address = ApiAddress::new(start.settings.required("API_ADDRESS")?);
    let key = start.link_key().await?;
    web::serve((store, key, address), |(store, key, address), call| async move {
        create_tradingview_url::handle(store, key, address, &call).await
    })
    .await
}
