//! What becomes of an alert stands below it in the group, as an answer to it.

use serde_json::{Value, json};
use stories::{Answer, Trouble, until};

use crate::stage::{Shop, Stage, Told, items, text};

fn signal(shop: &Shop, format: &str) -> Value {
    json!({
        "service_id": shop.id, "symbol": "XAU/USD", "action": "buy", "entry": "2410.50",
        "targets": ["2425.00", "2440.00"], "stop_loss": "2398.00", "format": format,
    })
}

async fn tell(stage: &Stage, alert: &str, body: &Value) -> Result<Answer, Trouble> {
    stage.post(&format!("/alerts/{alert}/updates"), body).await
}

/// The alert, once all of its updates are so.
async fn updates_are(stage: &Stage, alert: &str, wanted: &str) -> Result<Answer, Trouble> {
    until("its updates get there", || async {
        let seen = stage.get(&format!("/alerts/{alert}")).await?;
        let all = items(&seen.body, "updates");
        let there = all.iter().all(|update| update["status"] == wanted);
        Ok(if there { Ok(seen) } else { Err(seen.body["updates"].to_string()) })
    })
    .await
}

#[tokio::test]
async fn updates_answer_their_alert_in_the_order_in_which_they_were_accepted() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let alert = stage.alert(&signal(&shop, "rich")).await?;
    // At once: the alert may not stand there yet.
    for body in [
        json!({ "kind": "tp_hit", "target": 1, "percent": "50", "text": "Half is home" }),
        json!({ "kind": "breakeven" }),
        json!({ "kind": "close", "price": "2431.10" }),
    ] {
        let accepted = tell(&stage, &alert, &body).await?.expect_status(202)?;
        assert_eq!(accepted.text("/status"), "queued");
        assert_eq!(accepted.text("/alert_id"), alert);
    }
    let seen = updates_are(&stage, &alert, "sent").await?;
    assert_eq!(seen.text("/status"), "sent");
    let group = stage.telegram().look(shop.chat).await?;
    let messages = items(group.raw(), "messages");
    let place = messages.iter().position(|it| text(it, "text").contains("XAU/USD")).unwrap();
    let own = &messages[place]["message_id"];
    let lines: Vec<_> = messages[place + 1..]
        .iter()
        .map(|message| {
            assert_eq!(&message["reply_to"], own, "{message}");
            text(message, "text").lines().next().unwrap()
        })
        .collect();
    assert_eq!(
        lines,
        [
            "✅ Target 1 hit at 2425.00",
            "🛡 Move the stop loss to the entry: 2410.50",
            "🏁 Close the position at 2431.10"
        ]
    );
    let ids: Vec<_> =
        items(&seen.body, "updates").iter().map(|update| text(update, "message_id")).collect();
    let standing: Vec<_> =
        messages[place + 1..].iter().map(|it| it["message_id"].to_string()).collect();
    assert_eq!(ids, standing);
    let story = format!("alert/{alert}");
    let actions = stage.is_on_record(&shop.id, &story, "alert.update_sent").await?;
    assert_eq!(actions[0], "alert.queued");
    Ok(())
}

#[tokio::test]
async fn a_copier_gets_its_one_command_and_a_lost_answer_is_repeated() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let alert = stage.alert(&signal(&shop, "mt4")).await?;
    stage.alert_is(&alert, "sent").await?;
    let fault = json!({ "fault": "timeout_after", "method": "sendMessage", "chat_id": shop.chat,
                        "count": 1, "hold_ms": 500 });
    stage.order("faults", fault).await?;
    let body = json!({ "kind": "move_sl", "price": "2405.00", "text": "for the record" });
    tell(&stage, &alert, &body).await?.expect_status(202)?;
    let seen = updates_are(&stage, &alert, "sent").await?;
    assert_eq!(seen.body["updates"][0]["attempts"], json!(2));
    assert_eq!(seen.body["updates"][0]["text"], "for the record");
    let group = stage.telegram().look(shop.chat).await?;
    let commands = group.messages().into_iter().filter(|text| text == "Move SL to 2405.00");
    assert_eq!(commands.count(), 2);
    Ok(())
}

#[tokio::test]
async fn an_update_of_a_deleted_message_stands_alone_and_names_it() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let alert = stage.alert(&signal(&shop, "cornix")).await?;
    stage.alert_is(&alert, "sent").await?;
    let group = stage.telegram().look(shop.chat).await?;
    let whole = group.messages().into_iter().find(|text| text.starts_with("XAU/USD")).unwrap();
    let tag = whole.lines().last().unwrap().to_owned();
    let gone = json!({
        "fault": "error", "code": 400, "count": 1, "method": "sendMessage", "chat_id": shop.chat,
        "description": "Bad Request: message to be replied not found",
    });
    stage.order("faults", gone).await?;
    tell(&stage, &alert, &json!({ "kind": "close" })).await?.expect_status(202)?;
    updates_are(&stage, &alert, "sent").await?;
    stage.reads(shop.chat, &format!("CLOSE\n{tag}")).await?;
    Ok(())
}

#[tokio::test]
async fn what_does_not_fit_the_alert_is_refused() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let alert = stage.alert(&signal(&shop, "rich")).await?;
    for (body, at) in [
        (json!({ "kind": "move_sl" }), "/price"),
        (json!({ "kind": "tp_hit", "target": 3 }), "/target"),
        (json!({ "kind": "note", "text": "{{close}}" }), "/text"),
    ] {
        let refused = tell(&stage, &alert, &body).await?.expect_status(422)?;
        assert_eq!(refused.text("/errors/0/pointer"), at);
    }
    assert_eq!(stage.get(&format!("/alerts/{alert}")).await?.body["updates"], json!([]));
    Ok(())
}
