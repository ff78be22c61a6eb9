//! Alerts reach the group: in order, and once, or as near to it as Telegram lets one be sure.

use serde_json::{Value, json};
use stories::until;

use crate::stage::{Shop, Stage, Told, items, offer, text};

/// An alert that its note tells from others.
fn signal(shop: &Shop, note: &str) -> Value {
    json!({
        "service_id": shop.id, "symbol": "XAU/USD", "action": "buy", "order_type": "limit",
        "entry": "2410.50", "targets": ["2425.00", 2440.0], "stop_loss": "2398.00",
        "leverage": 5, "timeframe": "4h", "exchange": "Spot & More", "note": note,
    })
}

/// The notes of the alerts in the group, in the order in which they stand there.
async fn notes(stage: &Stage, shop: &Shop) -> Result<Vec<String>, stories::Trouble> {
    let group = stage.telegram().look(shop.chat).await?;
    let note = |text: &str| text.lines().find(|line| line.starts_with("note-")).map(str::to_owned);
    Ok(group.messages().iter().filter_map(|text| note(text)).collect())
}

#[tokio::test]
async fn an_alert_stands_in_the_group_once_and_its_record_says_so() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let mut body = signal(&shop, "note-1 <b>half</b> & half");
    body["client_alert_id"] = json!("my-1");
    let id = stage.alert(&body).await?;
    let alert = stage.alert_is(&id, "sent").await?;
    assert_eq!(alert.body["attempts"], json!(1));
    assert_eq!(alert.text("/entry"), "2410.50", "digits are kept");
    assert_eq!(alert.body["targets"], json!(["2425.00", "2440.0"]));
    assert_eq!(alert.text("/client_alert_id"), "my-1");

    let group = stage.telegram().look(shop.chat).await?;
    let standing: Vec<_> = items(group.raw(), "messages")
        .iter()
        .filter(|message| text(message, "text").contains("XAU/USD"))
        .collect();
    assert_eq!(standing.len(), 1, "{standing:?}");
    assert_eq!(standing[0]["message_id"].to_string(), alert.text("/message_id"));
    let reads = text(standing[0], "text");
    let wanted = "🟢 BUY XAU/USD\n\nEntry: 2410.50 (limit)\nTarget 1: 2425.00\nTarget 2: 2440.0\n\
                  Stop loss: 2398.00\nLeverage: 5x\nSpot & More · 4h\n\n\
                  note-1 <b>half</b> & half\n\n#";
    assert!(reads.starts_with(wanted), "{reads}");

    // The other layouts, and the names that charting tools use.
    let chart = json!({
        "service_id": shop.id, "ticker": "btcusdt", "action": "long", "price": 64250.5,
        "tp": 65000, "sl": 63100.25, "timeframe": 15, "format": "mt4",
    });
    stage.alert_is(&stage.alert(&chart).await?, "sent").await?;
    let group = stage.reads(shop.chat, "BUY BTCUSDT\nEntry: 64250.5\nSL: 63100.25\nTP1: 65000\n#");
    group.await?;
    let pair = json!({
        "service_id": shop.id, "symbol": "BTC/USDT", "action": "sell", "entry": "100.0",
        "targets": ["90.0"], "stop_loss": "110.0", "format": "cornix",
    });
    stage.alert_is(&stage.alert(&pair).await?, "sent").await?;
    stage
        .reads(shop.chat, "BTC/USDT\nSHORT\nEntry: 100.0\nTake-Profit 1: 90.0\nStop: 110.0\n#")
        .await?;

    let path = format!("/traders/services/{}/telegram-group/test-alert", shop.id);
    let test = stage.post(&path, &json!({})).await?.expect_status(202)?;
    assert_eq!(test.text("/status"), "queued");
    let test = stage.alert_is(&test.text("/alert_id"), "sent").await?;
    assert_eq!(test.text("/kind"), "test");
    stage.reads(shop.chat, "Test alert\nSignals of Gold Signals reach this group.").await?;

    let listed = stage.all(&format!("/traders/services/{}/alerts", shop.id), 2).await?;
    assert_eq!(listed.len(), 4);
    assert_eq!(listed[0], test.body, "newest first");
    assert_eq!(listed[3], stage.get(&format!("/alerts/{id}")).await?.body);
    let actions = stage.is_on_record(&shop.id, &format!("alert/{id}"), "alert.sent").await?;
    assert_eq!(actions, ["alert.queued", "alert.sending", "alert.sent"]);
    Ok(())
}

#[tokio::test]
async fn more_than_telegram_takes_is_refused_and_what_was_accepted_keeps_its_order() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let mut accepted = Vec::new();
    let refused = loop {
        let note = format!("note-{:03}", accepted.len());
        assert!(accepted.len() < 100, "a hundred alerts at once are all accepted");
        let answer = stage.post("/alerts", &signal(&shop, &note)).await?;
        match answer.status {
            202 => accepted.push(note),
            _ => break answer.expect_status(429)?,
        }
    };
    assert!(accepted.len() >= 20, "only {} were accepted", accepted.len());
    assert_eq!(refused.text("/type"), "/problems/too-many-alerts");
    let wait: u32 = refused.headers["retry-after"].parse()?;
    assert!((1..=60).contains(&wait));

    // Telegram takes one a second; the first dozen is enough to see that order is kept.
    until("a dozen of them stand in the group", || async {
        let there = notes(&stage, &shop).await?;
        let wanted = accepted.get(..there.len()).unwrap_or_default();
        assert_eq!(there, wanted, "out of order, or more than once");
        Ok(if there.len() >= 12 { Ok(()) } else { Err(there.join(", ")) })
    })
    .await?;
    // The refused one was not kept.
    let listed = stage.all(&format!("/traders/services/{}/alerts", shop.id), 100).await?;
    assert_eq!(listed.len(), accepted.len());
    Ok(())
}

#[tokio::test]
async fn an_alert_waits_as_long_as_telegram_asks_and_survives_what_passes() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    // In the order in which they strike, one to a call.
    for fault in [
        json!({ "fault": "too_many_requests", "retry_after": 2 }),
        json!({ "fault": "server_error_html" }),
        json!({ "fault": "server_error_json" }),
        json!({ "fault": "timeout_before" }),
    ] {
        let mut fault = fault;
        fault["method"] = json!("sendMessage");
        fault["chat_id"] = json!(shop.chat);
        fault["count"] = json!(1);
        stage.order("faults", fault).await?;
    }
    let id = stage.alert(&signal(&shop, "note-1")).await?;
    let after = stage.alert(&signal(&shop, "note-2")).await?;
    let alert = stage.alert_is(&id, "sent").await?;
    stage.alert_is(&after, "sent").await?;
    assert_eq!(notes(&stage, &shop).await?, ["note-1", "note-2"], "once, and still in order");
    assert_eq!(alert.body["attempts"], json!(5));

    let calls = format!("calls?method=sendMessage&chat_id={}", shop.chat);
    let calls = stage.telegram().control(&calls, None).await?;
    let at = |code: i64| {
        let calls = calls.as_array().unwrap();
        let call = calls.iter().position(|call| call["code"] == json!(code)).unwrap();
        (calls[call]["at"].as_i64().unwrap(), calls[call + 1]["at"].as_i64().unwrap())
    };
    let (told, tried_again) = at(429);
    assert!(tried_again - told >= 2_000, "Telegram asked for two seconds");
    Ok(())
}

/// `sendMessage` cannot be asked whether it was done, so a call without an answer is made again: a
/// lost stop is worse than a repeated one. The record does not hide it.
#[tokio::test]
async fn an_alert_whose_call_has_no_answer_is_repeated_once_at_the_most() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let fault = json!({ "fault": "timeout_after", "method": "sendMessage", "chat_id": shop.chat,
                        "count": 1, "hold_ms": 500 });
    stage.order("faults", fault).await?;
    let id = stage.alert(&signal(&shop, "note-1")).await?;
    let alert = stage.alert_is(&id, "sent").await?;
    assert_eq!(alert.body["attempts"], json!(2));
    let group = stage.telegram().look(shop.chat).await?;
    let copies: Vec<_> =
        group.messages().into_iter().filter(|text| text.contains("note-1")).collect();
    assert_eq!(copies.len(), 2);
    assert_eq!(copies[0], copies[1], "both carry the same tag");
    let actions = stage.is_on_record(&shop.id, &format!("alert/{id}"), "alert.sent").await?;
    assert!(actions.contains(&"alert.unknown".to_owned()), "{actions:?}");
    Ok(())
}

#[tokio::test]
async fn a_picture_that_is_refused_does_not_cost_the_alert() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let mut body = signal(&shop, "note-1");
    body["image_url"] = json!("https://charts.example/gold.png");
    let sent = stage.alert_is(&stage.alert(&body).await?, "sent").await?;
    let group = stage.telegram().look(shop.chat).await?;
    let photo = items(group.raw(), "messages").iter().find(|it| it.get("photo").is_some()).unwrap();
    assert_eq!(text(photo, "photo"), "https://charts.example/gold.png");
    assert!(text(photo, "caption").starts_with("🟢 BUY XAU/USD"));
    assert_eq!(photo["message_id"].to_string(), sent.text("/message_id"));

    body["note"] = json!("note-2");
    body["image_url"] = json!("https://charts.example/gold.missing.jpg");
    let sent = stage.alert_is(&stage.alert(&body).await?, "sent").await?;
    let group = stage.telegram().look(shop.chat).await?;
    let message = items(group.raw(), "messages")
        .iter()
        .find(|it| text(it, "text").contains("note-2"))
        .unwrap();
    assert_eq!(message["message_id"].to_string(), sent.text("/message_id"));
    assert!(message["entities"].to_string().contains("https://charts.example/gold.missing.jpg"));
    Ok(())
}

#[tokio::test]
async fn without_a_group_that_works_no_alert_is_accepted() -> Told {
    let stage = Stage::open()?;
    let id = stage.service(&offer("No Group")).await?;
    let body = json!({ "service_id": id, "symbol": "EURUSD", "action": "sell" });
    let test = format!("/traders/services/{id}/telegram-group/test-alert");
    for asked in [false, true] {
        let refused = stage.post("/alerts", &body).await?.expect_status(409)?;
        assert_eq!(refused.text("/type"), "/problems/conflict");
        stage.post(&test, &json!({})).await?.expect_status(409)?;
        if !asked {
            stage.set_up_link(&id).await?;
        }
    }
    assert!(stage.all(&format!("/traders/services/{id}/alerts"), 100).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn an_alert_that_telegram_never_takes_is_given_up_and_the_next_one_goes_on() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let fault = json!({ "fault": "error", "code": 400, "description": "Bad Request: chat is strange",
                        "method": "sendMessage", "chat_id": shop.chat, "count": 1 });
    stage.order("faults", fault).await?;
    let lost = stage.alert(&signal(&shop, "note-1")).await?;
    let next = stage.alert(&signal(&shop, "note-2")).await?;
    let failed = stage.alert_is(&lost, "failed").await?;
    assert_eq!(failed.text("/failure/code"), "refused");
    assert_eq!(failed.body["message_id"], Value::Null);
    stage.alert_is(&next, "sent").await?;
    assert_eq!(notes(&stage, &shop).await?, ["note-2"]);
    Ok(())
}
