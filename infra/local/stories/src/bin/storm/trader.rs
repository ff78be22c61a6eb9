//! Traders: they send alerts, and one opens a shop in the middle of the storm.

use std::time::Duration;

use serde_json::json;
use stories::{Caller, Trouble};
use tokio::time::Instant;

use crate::client::{Request, short};
use crate::played::{Sent, Shop};
use crate::town::{Town, offer, rest};

/// Sends alerts until the end, at most as many as the group takes.
pub(crate) async fn sends_alerts(
    town: &Town<'_>,
    number: usize,
    shop: &Shop,
    mut dice: fastrand::Rng,
    end: Instant,
) -> Result<Vec<Sent>, Trouble> {
    let mut sent = Vec::new();
    let mut count = 0;
    while Instant::now() < end {
        // Now and then some at once, so that a batch holds more than one of a group.
        let burst = if dice.u8(0..5) == 0 { 3 } else { 1 };
        for _ in 0..burst {
            count += 1;
            let marker = format!("alert-{number}-{count}.");
            if let Some(id) = sends(town, shop, &marker, &mut dice, end).await? {
                sent.push(Sent { shop: number, marker, id });
            }
        }
        rest(&mut dice, 2_500..6_000).await;
    }
    Ok(sent)
}

/// Sends one alert until it is accepted; `None` when the group has too many waiting to the end.
async fn sends(
    town: &Town<'_>,
    shop: &Shop,
    marker: &str,
    dice: &mut fastrand::Rng,
    end: Instant,
) -> Result<Option<String>, Trouble> {
    let body = json!({
        "service_id": shop.service, "symbol": "EURUSD", "action": "buy", "entry": "1.1010",
        "target": "1.1080", "sl": "1.0970", "note": marker,
    });
    let caller = &shop.trader;
    let request = Request { caller, path: "/alerts", body: &body, key: marker, about: marker };
    loop {
        let answer = match dice.u8(0..6) {
            0 => town.client().ask_twice(&request).await?,
            _ => town.client().ask(&request).await?,
        };
        match answer.status {
            202 => return Ok(Some(answer.text("/alert_id"))),
            429 if Instant::now() < end => tokio::time::sleep(Duration::from_secs(2)).await,
            429 => return Ok(None),
            _ => {
                town.ledger.odd(marker, format!("an alert was refused: {}", short(&answer)));
                return Ok(None);
            }
        }
    }
}

/// Opens a shop during the storm: a service, its set-up link, and the tap that adds the bot.
pub(crate) async fn opens_late(
    town: &Town<'_>,
    seed: u64,
    mut dice: fastrand::Rng,
) -> Result<Shop, Trouble> {
    let about = "latecomer";
    let trader = Caller::Trader(format!("storm-{seed}-0"));
    rest(&mut dice, 3_000..8_000).await;
    let body = offer("Late Shop");
    let request =
        Request { caller: &trader, path: "/traders/services", body: &body, key: "late-1", about };
    let service = town.client().ask(&request).await?.expect_status(201)?.text("/id");
    let path = format!("/traders/services/{service}/telegram-group/create");
    let body = json!({ "mode": "link" });
    let request = Request { caller: &trader, path: &path, body: &body, key: "late-2", about };
    let setup = town.client().ask_twice(&request).await?.expect_status(202)?.text("/setup_link");
    let owner = town.telegram.person("Lena").await?;
    let chat = town.telegram.group(owner, "Late Shop", "supergroup").await?;
    town.telegram.adds_bot(owner, chat, &setup, json!({})).await?;
    town.ledger.tell(about, "the bot was added to the group");
    Ok(Shop { trader, service, chat, owner, link: String::new() })
}
