//! Traders: they send alerts and tell what becomes of them, take over members, and one opens a shop
//! in the middle of the storm.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stories::{Caller, Trouble};
use tokio::time::Instant;

use crate::client::{Request, short};
use crate::ledger::now;
use crate::played::{Customer, Followed, Import, Sent, Shop};
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
                sent.push(Sent { shop: number, marker, id, updates: Vec::new() });
            }
        }
        // What becomes of one of them, of the newest as a rule: it may not stand there yet.
        let back = dice.usize(0..6).saturating_sub(3);
        if let Some(alert) = sent.iter_mut().rev().nth(back) {
            for _ in 0..dice.u8(0..4).min(2) {
                follows(town, shop, alert, &mut dice).await?;
            }
        }
        rest(&mut dice, 3_500..8_000).await;
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
    // Telegram fetches some of the pictures, and others it does not find.
    let picture = match dice.u8(0..8) {
        0..2 => json!("https://charts.example/eurusd.png"),
        2 => json!("https://charts.example/eurusd.missing.jpg"),
        _ => Value::Null,
    };
    let body = json!({
        "service_id": shop.service, "symbol": "EURUSD", "action": "buy", "entry": "1.1010",
        "target": "1.1080", "sl": "1.0970", "note": marker, "image_url": picture,
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
            // The bot has left the group that there was, and nobody has told of the new one yet.
            409 if shop.grows => return Ok(None),
            _ => {
                town.ledger.odd(marker, format!("an alert was refused: {}", short(&answer)));
                return Ok(None);
            }
        }
    }
}

/// Tells what becomes of an alert, unless the group has too many waiting.
async fn follows(
    town: &Town<'_>,
    shop: &Shop,
    alert: &mut Sent,
    dice: &mut fastrand::Rng,
) -> Result<(), Trouble> {
    let number = alert.updates.len() + 1;
    let marker = format!("{}-{number}.", alert.marker.replace("alert", "update").trim_matches('.'));
    let body = match dice.u8(0..3) {
        0 => json!({ "kind": "tp_hit", "target": 1, "percent": "50", "text": marker }),
        1 => json!({ "kind": "breakeven", "text": marker }),
        _ => json!({ "kind": "note", "text": marker }),
    };
    let path = format!("/alerts/{}/updates", alert.id);
    let request =
        Request { caller: &shop.trader, path: &path, body: &body, key: &marker, about: &marker };
    let answer = match dice.u8(0..6) {
        0 => town.client().ask_twice(&request).await?,
        _ => town.client().ask(&request).await?,
    };
    match answer.status {
        202 => alert.updates.push(Followed { marker, id: answer.text("/update_id") }),
        429 => {}
        409 if shop.grows => {}
        _ => town.ledger.odd(&marker, format!("an update was refused: {}", short(&answer))),
    }
    Ok(())
}

/// Takes over people who have paid before: some by their accounts, who come in, and somebody by an
/// address.
pub(crate) async fn takes_over(
    town: &Town<'_>,
    number: usize,
    shop: &Shop,
    mut dice: fastrand::Rng,
) -> Result<(Import, Vec<Customer>), Trouble> {
    let about = format!("import-{number}");
    let ends = (now() + SignedDuration::from_hours(40 * 24)).round(jiff::Unit::Second)?;
    let mut taken_over = Vec::new();
    for which in 0..3 {
        let name = format!("regular-{number}-{which}");
        let user = town.telegram.person(&name).await?;
        taken_over.push(regular(number, name, user, ends));
    }
    let mut lines: Vec<_> = taken_over
        .iter()
        .map(|it| json!({ "telegram_user_id": it.user, "ends_at": ends }))
        .collect();
    lines.push(json!({ "email": format!("{about}@customers.example"), "ends_at": ends }));
    rest(&mut dice, 1_000..5_000).await;
    let path = format!("/traders/services/{}/members/import", shop.service);
    let body = json!({ "members": lines });
    let request =
        Request { caller: &shop.trader, path: &path, body: &body, key: &about, about: &about };
    let answer = town.client().ask_twice(&request).await?.expect_status(202)?;
    let import = Import { id: answer.text("/id"), lines: 4 };
    rest(&mut dice, 1_000..4_000).await;
    for customer in &taken_over {
        let outcome = town.telegram.opens(customer.user, &shop.link).await?;
        town.ledger.tell(&customer.name, format!("opens the invite link: {outcome}"));
    }
    Ok((import, taken_over))
}

const fn regular(shop: usize, name: String, user: i64, ends: Timestamp) -> Customer {
    Customer {
        shop,
        name,
        user,
        subscription: String::new(),
        purchases: 1,
        ends: (ends, ends),
        wants_in: true,
        banned: false,
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
    Ok(Shop {
        trader,
        service,
        chat,
        grows: false,
        former: None,
        owner,
        link: String::new(),
        chart: String::new(),
    })
}
