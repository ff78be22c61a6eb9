//! Charts send alerts by an address of their own, without a token.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Answer, Caller, Trouble};

use crate::stage::{Shop, Stage, Told};

/// An address for charts, as a path of this stack.
async fn address(stage: &Stage, shop: &Shop) -> Result<String, Trouble> {
    let path = format!("/traders/services/{}/tradingview-url", shop.id);
    let made = stage.post(&path, &json!({})).await?.expect_status(201)?;
    let url = made.text("/url");
    let at = url.find("/ingest/tradingview/").ok_or("it is no address for charts")?;
    Ok(url[at..].to_owned())
}

async fn raise(stage: &Stage, path: &str, body: &Value) -> Result<Answer, Trouble> {
    stage.stack.call(&Caller::Nobody, Method::POST, path, Some(body), &[]).await
}

#[tokio::test]
async fn a_chart_sends_alerts_by_its_newest_address_and_by_no_other() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let old = address(&stage, &shop).await?;
    let body = json!({ "ticker": "BTCUSDT", "action": "buy", "price": 64250.5, "interval": "15" });
    let refused = raise(&stage, &old, &body).await?.expect_status(422)?;
    assert_eq!(refused.text("/errors/0/pointer"), "/interval");

    let body = json!({ "ticker": "BTCUSDT", "action": "buy", "price": 64250.5, "timeframe": "15" });
    let accepted = raise(&stage, &old, &body).await?.expect_status(202)?;
    stage.alert_is(&accepted.text("/alert_id"), "sent").await?;
    stage.reads(shop.chat, "🟢 BUY BTCUSDT").await?;
    let again = raise(&stage, &old, &body).await?.expect_status(202)?;
    assert_eq!(again.body, accepted.body);
    assert_eq!(again.headers["idempotent-replayed"], "true");

    let new = address(&stage, &shop).await?;
    let problem = raise(&stage, &old, &body).await?.expect_status(404)?;
    let nonsense =
        raise(&stage, "/ingest/tradingview/nonsense", &body).await?.expect_status(404)?;
    assert_eq!(problem.text("/detail"), nonsense.text("/detail"));
    let other = json!({ "ticker": "ETHUSDT", "action": "sell" });
    raise(&stage, &new, &other).await?.expect_status(202)?;
    stage.reads(shop.chat, "🔴 SELL ETHUSDT").await?;
    Ok(())
}
