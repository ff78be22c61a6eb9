//! A hundred come, and a hundred go.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stories::{Shop, Stack, Telegram, Told, Trouble, until};

#[expect(clippy::disallowed_methods, reason = "the story waits for the time that it has set")]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn count(telegram: &Telegram<'_>, chat: i64, wanted: usize) -> Result<(), Trouble> {
    until(&format!("{wanted} are in the group"), || async {
        let there = telegram.look(chat).await?.members().len();
        Ok(if there == wanted { Ok(()) } else { Err(there.to_string()) })
    })
    .await
}

#[tokio::test]
async fn a_hundred_subscriptions_end_with_only_the_bot_and_the_owner() -> Told {
    let stack = Stack::open()?;
    let telegram = Telegram::of(&stack)?;
    let shop = &Shop::open(&stack, &telegram).await?;

    // Every tenth is known by a claim link only.
    let bought: Vec<(usize, i64, String)> = stream::iter(0_usize..100)
        .map(|number| async move {
            let user = shop.telegram.person(&format!("Buyer {number}")).await?;
            let mut body = json!({ "customer_id": format!("c-{number}") });
            if !number.is_multiple_of(10) {
                body["telegram_user_id"] = json!(user);
            }
            let sold = shop.sells(body).await?.expect_status(201)?;
            if number.is_multiple_of(10) {
                shop.telegram.opens(user, &sold.text("/claim_link")).await?;
                shop.telegram.is_told(user, "is linked to").await?;
            }
            let outcome = shop.telegram.opens(user, &sold.text("/invite_link")).await?;
            assert_eq!(outcome, "requested");
            Ok::<_, Trouble>((number, user, sold.text("/id")))
        })
        .buffer_unordered(8)
        .try_collect()
        .await?;
    count(&telegram, shop.chat, 102).await?;
    for (_, _, id) in &bought {
        shop.membership_becomes(id, "joined").await?;
    }

    let ends_at = now().checked_add(SignedDuration::from_secs(20))?;
    stream::iter(&bought)
        .map(|(number, _, id)| async move {
            if number.is_multiple_of(2) {
                shop.cancels(id).await?;
            } else {
                let customer = format!("c-{number}");
                let body = json!({ "customer_id": customer, "ends_at": ends_at });
                shop.sells(body).await?.expect_status(200)?;
            }
            Ok::<_, Trouble>(())
        })
        .buffer_unordered(8)
        .try_collect::<Vec<_>>()
        .await?;
    count(&telegram, shop.chat, 52).await?;
    until("the end has come", || async {
        Ok(if now() > ends_at { Ok(()) } else { Err("not yet".to_owned()) })
    })
    .await?;
    let report = stack.sweep().await?;
    assert_eq!(report.pointer("/failed"), Some(&json!(0)), "{report}");
    telegram.has_members(shop.chat, &["Tara", "the bot"]).await?;
    for (_, _, id) in &bought {
        shop.membership_becomes(id, "removed").await?;
    }

    let wanted = |number: usize| {
        let end = if number.is_multiple_of(2) {
            "subscription.cancelled"
        } else {
            "subscription.expired"
        };
        BTreeSet::from([
            "subscription.purchased",
            "member.asked",
            "member.joined",
            end,
            "member.removing",
            "member.removed",
        ])
    };
    until("every step is on record", || async {
        let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in shop.audit().await? {
            let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
            told.entry(text("item").to_owned()).or_default().insert(text("action").to_owned());
        }
        let missing = bought.iter().find(|(number, _, id)| {
            let there = told.get(&format!("subscription/{id}"));
            !wanted(*number).iter().all(|step| there.is_some_and(|steps| steps.contains(*step)))
        });
        Ok(missing.map_or(Ok(()), |(number, _, _)| Err(format!("steps of {number} are missing"))))
    })
    .await
}
