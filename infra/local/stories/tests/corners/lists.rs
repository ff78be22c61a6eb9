//! Lists come in pages, newest first; a service is changed in part.

use serde_json::{Value, json};
use stories::Caller;

use crate::stage::{Stage, Told, offer, text, time};

#[tokio::test]
async fn lists_come_in_pages_newest_first_and_miss_nothing() -> Told {
    let stage = Stage::open()?;
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(stage.service(&offer(&format!("Service {number}"))).await?);
    }
    made.reverse();
    for limit in [1, 2, 5, 100] {
        let listed = stage.all("/traders/services", limit).await?;
        let ids: Vec<_> = listed.iter().map(|service| text(service, "id")).collect();
        assert_eq!(ids, made, "{limit} to a page");
    }
    let one = stage.get(&format!("/traders/services/{}", made[0])).await?;
    assert_eq!(stage.all("/traders/services", 1).await?[0], one.body);

    let id = &made[0];
    let mut sold = Vec::new();
    for customer in ["ann", "ben", "carl"] {
        sold.push(stage.sell(id, customer, json!({})).await?.body);
    }
    sold.reverse();
    let path = format!("/traders/services/{id}/subscriptions");
    assert_eq!(stage.all(&path, 2).await?, sold);
    let item = format!("subscription/{}", text(&sold[0], "id"));
    stage.is_on_record(id, &item, "subscription.purchased").await?;
    let audit = format!("/traders/services/{id}/audit");
    let trail = stage.all(&audit, 100).await?;
    assert_eq!(stage.all(&audit, 3).await?, trail);
    let times: Vec<_> = trail.iter().map(|line| time(text(line, "at"))).collect();
    assert!(times.windows(2).all(|pair| pair[0] >= pair[1]), "{times:?}");

    let lists =
        ["/traders/services".to_owned(), path, audit, format!("/traders/services/{id}/alerts")];
    for list in lists {
        for (query, pointer) in [
            ("limit=0", "?limit"),
            ("limit=101", "?limit"),
            ("limit=ten", "?limit"),
            ("limit=-1", "?limit"),
            ("next=nonsense", "?next"),
            ("page=2", "?page"),
        ] {
            let asked = format!("{list}?{query}");
            let refused = stage.stack.get(&stage.trader, &asked).await?.expect_status(422)?;
            assert_eq!(refused.text("/type"), "/problems/invalid", "{asked}");
            assert_eq!(refused.text("/errors/0/pointer"), pointer, "{asked}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_service_is_changed_in_what_the_body_names_and_nothing_else() -> Told {
    let stage = Stage::open()?;
    let mut body = offer("Gold Signals");
    body["description"] = json!("Two trades a day.\nLondon session.");
    body["settings"] = json!({ "grace_hours": 24 });
    let id = stage.service(&body).await?;
    let path = format!("/traders/services/{id}");
    let made = stage.get(&path).await?.body;
    let defaults = json!({ "alert_format": "rich", "guard": "enforce", "grace_hours": 24,
                           "reminder_hours": [72, 24] });
    assert_eq!(made["settings"], defaults);
    assert_eq!(made["telegram_group"], json!({ "status": "none" }));

    let mut wanted = made;
    let change = async |body: Value, wanted: &Value| {
        let changed = stage.patch(&id, &body).await?.expect_status(200)?;
        assert_eq!(&changed.body, wanted, "{body}");
        assert_eq!(&stage.get(&path).await?.body, wanted, "{body}");
        Told::Ok(())
    };
    change(json!({}), &wanted).await?;
    wanted["price"] = json!({ "amount": "59.95", "currency": "EUR" });
    change(json!({ "price": { "amount": 59.95, "currency": "EUR" } }), &wanted).await?;
    wanted["description"] = Value::Null;
    change(json!({ "description": null, "name": null }), &wanted).await?;
    wanted["settings"]["guard"] = json!("observe");
    wanted["settings"]["reminder_hours"] = json!([48, 2]);
    let settings = json!({ "guard": "observe", "reminder_hours": [2, 48] });
    change(json!({ "settings": settings }), &wanted).await?;
    wanted["name"] = json!("Silver Signals");
    wanted["duration_days"] = json!(7);
    change(json!({ "name": "  Silver Signals ", "duration_days": 7 }), &wanted).await?;

    // New terms hold for later purchases.
    let sold = stage.sell(&id, "ann", json!({})).await?;
    let (start, end) = (time(&sold.text("/starts_at")), time(&sold.text("/end_date")));
    assert_eq!(end.duration_since(start).as_hours(), 7 * 24);
    assert_eq!(stage.get(&path).await?.body["active_subscriptions"], json!(1));

    stage.is_on_record(&id, &format!("service/{id}"), "service.revised").await?;
    let trail = stage.audit(&id).await?;
    let first = trail.iter().find(|line| text(line, "action") == "service.revised").unwrap();
    assert_eq!(first["before"], json!({ "price": "49.00 USD" }));
    assert_eq!(first["after"], json!({ "price": "59.95 EUR" }));
    let trader = text(first, "actor").strip_prefix("trader:").unwrap_or_default();
    assert_eq!(stage.trader, Caller::Trader(trader.to_owned()));
    Ok(())
}
