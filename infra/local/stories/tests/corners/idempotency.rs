//! A request that is made twice is carried out once.

use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use stories::{Answer, Caller, Trouble};

use crate::stage::{Stage, Told, items, offer, text, time};

async fn with_key(
    stage: &Stage,
    caller: &Caller,
    path: &str,
    body: &Value,
    key: &str,
) -> Result<Answer, Trouble> {
    stage.stack.call(caller, Method::POST, path, Some(body), &[("idempotency-key", key)]).await
}

#[tokio::test]
async fn every_post_under_the_same_key_is_carried_out_once() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let id = &shop.id;
    let no_group = stage.service(&offer("No Group")).await?;
    let alert = json!({ "service_id": id, "symbol": "EURUSD", "action": "buy" });
    let sale = json!({ "service_id": id, "customer_id": "ann" });
    let (trader, storefront) = (&stage.trader, &Caller::Storefront);
    let group = format!("/traders/services/{no_group}/telegram-group/create");
    let test = format!("/traders/services/{id}/telegram-group/test-alert");
    let posts = [
        (trader, "/traders/services".to_owned(), offer("Once"), 201),
        (trader, group, json!({ "mode": "link" }), 202),
        (trader, test, json!({}), 202),
        (trader, "/alerts".to_owned(), alert, 202),
        (storefront, "/subscriptions".to_owned(), sale, 201),
    ];
    for (caller, path, body, status) in &posts {
        let first = with_key(&stage, caller, path, body, "key-1").await?.expect_status(*status)?;
        assert!(!first.headers.contains_key("idempotent-replayed"), "{path}");
        let again = with_key(&stage, caller, path, body, "key-1").await?.expect_status(*status)?;
        assert_eq!(again.headers["idempotent-replayed"], "true", "{path}");
        assert_eq!(again.body, first.body, "{path}");
        // The same request under another key is another request.
        let other = with_key(&stage, caller, path, body, "key-2").await?;
        assert!(!other.headers.contains_key("idempotent-replayed"), "{path}");
        for bad in ["two words", &"k".repeat(256)] {
            let refused = with_key(&stage, caller, path, body, bad).await?.expect_status(422)?;
            assert_eq!(refused.text("/errors/0/pointer"), "Idempotency-Key", "{path}");
        }
    }
    // The same key with another body is a mistake, and nothing comes of it.
    let mut others = posts;
    others[0].2["name"] = json!("Twice");
    others[1].2["mode"] = json!("auto");
    others[3].2["action"] = json!("sell");
    others[4].2["customer_id"] = json!("ben");
    for (caller, path, body, _) in [&others[0], &others[1], &others[3], &others[4]] {
        let refused = with_key(&stage, caller, path, body, "key-1").await?.expect_status(422)?;
        assert_eq!(refused.text("/type"), "/problems/idempotency-key-reused", "{path}");
    }

    let services = stage.all("/traders/services", 100).await?;
    assert_eq!(services.len(), 4, "two of the story, two by keys: {services:?}");
    let alerts = stage.all(&format!("/traders/services/{id}/alerts"), 100).await?;
    assert_eq!(alerts.len(), 4, "two signals, two tests");
    let sold = stage.all(&format!("/traders/services/{id}/subscriptions"), 100).await?;
    assert_eq!(sold.len(), 1);
    let (start, end) = (time(text(&sold[0], "starts_at")), time(text(&sold[0], "end_date")));
    assert_eq!(end.duration_since(start).as_hours(), 2 * 30 * 24, "two purchases");
    Ok(())
}

#[tokio::test]
async fn the_callers_own_names_stand_in_for_a_key() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let sale = json!({ "service_id": shop.id, "customer_id": "ann", "payment_ref": "pay-1" });
    let alert = json!({ "service_id": shop.id, "symbol": "EURUSD", "action": "buy",
                        "client_alert_id": "mine-1" });
    for (caller, path, body, status, field) in [
        (&Caller::Storefront, "/subscriptions", sale, 201, "customer_id"),
        (&stage.trader, "/alerts", alert, 202, "symbol"),
    ] {
        let first = stage.stack.post(caller, path, &body).await?.expect_status(status)?;
        let again = stage.stack.post(caller, path, &body).await?.expect_status(status)?;
        assert_eq!(again.headers["idempotent-replayed"], "true", "{path}");
        assert_eq!(again.body, first.body, "{path}");
        // However the body is written, it is the same one.
        let spaced = serde_json::to_string_pretty(&body)?;
        let spaced = Some((spaced, "application/json; charset=utf-8"));
        let again = stage.stack.send(caller, Method::POST, path, spaced, &[]).await?;
        assert_eq!(again.expect_status(status)?.body, first.body, "{path}");
        let mut other = body;
        other[field] = json!("another");
        let refused = stage.stack.post(caller, path, &other).await?.expect_status(422)?;
        assert_eq!(refused.text("/type"), "/problems/idempotency-key-reused", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_purchase_that_is_told_many_times_at_once_counts_once() -> Told {
    let stage = &Stage::open()?;
    let id = &stage.service(&offer("Gold Signals")).await?;
    let body = &json!({ "service_id": id, "customer_id": "ann", "payment_ref": "pay-1" });
    let at_once = (0..8).map(|_| async move {
        stage.stack.post(&Caller::Storefront, "/subscriptions", body).await?.expect_status(201)
    });
    let answers = try_join_all(at_once).await?;
    let fresh = answers.iter().filter(|it| !it.headers.contains_key("idempotent-replayed"));
    assert_eq!(fresh.count(), 1);
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));

    // Different purchases at once all count.
    let renewals = ["pay-2", "pay-3", "pay-4"].map(|paid| async move {
        stage.sell(id, "ann", json!({ "payment_ref": paid })).await?.expect_status(200)
    });
    try_join_all(renewals).await?;
    let page = stage.get(&format!("/traders/services/{id}/subscriptions")).await?;
    assert_eq!(items(&page.body, "items").len(), 1);
    let (start, end) = (page.text("/items/0/starts_at"), page.text("/items/0/end_date"));
    assert_eq!(time(&end).duration_since(time(&start)).as_hours(), 4 * 30 * 24);
    Ok(())
}
