//! The three workflows.

use serde_json::json;
use stories::{Caller, Shop, Stack, Telegram, Told, offer, until};

#[tokio::test]
async fn a_buyer_is_linked_let_in_told_and_taken_out_when_the_subscription_is_cancelled() -> Told {
    let stack = Stack::open()?;
    let telegram = Telegram::of(&stack)?;
    let shop = Shop::open(&stack, &telegram).await?;
    let sold = shop.sells(json!({ "customer_id": "ann" })).await?.expect_status(201)?;
    let ann = telegram.person("Ann").await?;
    telegram.opens(ann, &sold.text("/claim_link")).await?;
    telegram.is_told(ann, "is linked to").await?;
    assert_eq!(telegram.opens(ann, &sold.text("/invite_link")).await?, "requested");
    telegram.has_members(shop.chat, &["Ann", "Tara", "the bot"]).await?;

    shop.cancels(&sold.text("/id")).await?;
    telegram.has_members(shop.chat, &["Tara", "the bot"]).await?;
    let gone = shop.membership_becomes(&sold.text("/id"), "removed").await?;
    assert_eq!(gone.text("/status"), "cancelled");
    telegram.is_told(ann, "has ended").await?;

    let again = shop.sells(json!({ "customer_id": "ann" })).await?.expect_status(200)?;
    assert_eq!(telegram.opens(ann, &again.text("/invite_link")).await?, "requested");
    telegram.has_members(shop.chat, &["Ann", "Tara", "the bot"]).await?;
    Ok(())
}

#[tokio::test]
async fn two_people_with_one_leaked_link_and_only_the_buyer_gets_in() -> Told {
    let stack = Stack::open()?;
    let telegram = Telegram::of(&stack)?;
    let shop = Shop::open(&stack, &telegram).await?;
    let sold = shop.sells(json!({ "customer_id": "ann" })).await?.expect_status(201)?;
    let (ann, eve) = (telegram.person("Ann").await?, telegram.person("Eve").await?);
    telegram.opens(ann, &sold.text("/claim_link")).await?;
    telegram.is_told(ann, "is linked to").await?;
    telegram.opens(eve, &sold.text("/claim_link")).await?;
    telegram.is_told(eve, "used already").await?;
    telegram.opens(eve, &sold.text("/invite_link")).await?;
    telegram.is_told(eve, "could not let you into").await?;
    telegram.opens(ann, &sold.text("/invite_link")).await?;
    telegram.has_members(shop.chat, &["Ann", "Tara", "the bot"]).await?;
    Ok(())
}

#[tokio::test]
async fn a_group_is_bound_whichever_update_comes_first_and_across_its_upgrade() -> Told {
    let stack = Stack::open()?;
    let telegram = Telegram::of(&stack)?;
    for (kind, more) in [
        ("supergroup", json!({ "order": "start_first" })),
        ("supergroup", json!({ "order": "member_first" })),
        ("group", json!({ "upgrade": "before" })),
        ("group", json!({ "upgrade": "after" })),
    ] {
        let shop = Shop::open_with(&stack, &telegram, &offer("Gold"), kind, more).await?;
        let group = telegram.look(shop.chat).await?;
        let kind = group.raw().pointer("/kind").and_then(|kind| kind.as_str());
        assert_eq!(kind, Some("supergroup"));
        shop.lets_in("Ann").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_spare_group_is_given_out_once_at_once_and_named_after_its_service() -> Told {
    let stack = Stack::open()?;
    let telegram = Telegram::of(&stack)?;
    let operator = telegram.person("Olga").await?;
    let spare = telegram.group(operator, "Spare", "supergroup").await?;
    telegram.adds_bot(operator, spare, &stack.pool_link().await?, json!({})).await?;
    let trader = Caller::new_trader();
    let made = stack.post(&trader, "/traders/services", &offer("Silver")).await?;
    let id = made.expect_status(201)?.text("/id");
    let path = format!("/traders/services/{id}/telegram-group/create");
    let got = until("a spare group", || async {
        let answer = stack.post(&trader, &path, &json!({ "mode": "pool" })).await?;
        Ok(if answer.status == 201 { Ok(answer) } else { Err(answer.body.to_string()) })
    })
    .await?;
    assert_eq!((got.text("/status").as_str(), got.text("/title").as_str()), ("ready", "Silver"));
    assert!(got.text("/invite_link").starts_with("https://t.me/+"));
    let chat: i64 = got.text("/group_id").parse()?;
    until("the name in Telegram", || async {
        let title = telegram.look(chat).await?.title().to_owned();
        Ok(if title == "Silver" { Ok(()) } else { Err(title) })
    })
    .await?;
    let again = stack.post(&trader, &path, &json!({})).await?.expect_status(200)?;
    assert_eq!(again.text("/group_id"), got.text("/group_id"));
    Ok(())
}

#[tokio::test]
async fn alerts_stand_in_the_group_once_and_in_order_and_too_many_are_refused() -> Told {
    let stack = Stack::open()?;
    let telegram = Telegram::of(&stack)?;
    let shop = Shop::open(&stack, &telegram).await?;
    let mut accepted = Vec::new();
    let mut refused = None;
    for number in 0..40 {
        let mut body = shop.signal();
        body["note"] = json!(format!("number {number}."));
        let answer = shop.alerts(&body, &format!("burst-{number}")).await?;
        match answer.status {
            202 => accepted.push((number, answer.text("/alert_id"))),
            _ => {
                refused = Some(answer);
                break;
            }
        }
    }
    let refused = refused.ok_or("forty alerts at once were all accepted")?;
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(accepted.len() > 20, "only {} were accepted", accepted.len());
    let (_, tenth) = &accepted[9];
    shop.alert_becomes(tenth, "sent").await?;
    let messages = telegram.look(shop.chat).await?.messages();
    let posted: Vec<_> = messages.iter().filter(|text| text.contains("BTC/USDT")).collect();
    for (number, text) in posted.iter().enumerate() {
        assert!(text.contains(&format!("number {number}.")), "out of order: {text}");
        assert!(text.contains("Entry: 64250.10") && text.contains("Target 1: 65500"), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_guest_pass_lets_one_in_and_a_second_is_put_out() -> Told {
    let stack = Stack::open()?;
    let telegram = Telegram::of(&stack)?;
    let shop = Shop::open(&stack, &telegram).await?;
    let path = shop.path("telegram-group/generate-link");
    let body = json!({ "kind": "single_use", "name": "For a friend" });
    let link = stack.post(&shop.trader, &path, &body).await?.expect_status(201)?;
    let guest = telegram.person("Gus").await?;
    assert_eq!(telegram.opens(guest, &link.text("/invite_link")).await?, "joined");
    let second = telegram.person("Sam").await?;
    until("the link is dead", || async {
        let outcome = telegram.opens(second, &link.text("/invite_link")).await?;
        Ok(if outcome == "revoked" { Ok(()) } else { Err(outcome) })
    })
    .await?;
    telegram.has_members(shop.chat, &["Gus", "Tara", "the bot"]).await?;
    Ok(())
}

#[tokio::test]
async fn an_intruder_whom_an_administrator_added_is_put_out() -> Told {
    let stack = Stack::open()?;
    let telegram = Telegram::of(&stack)?;
    let shop = Shop::open(&stack, &telegram).await?;
    let intruder = telegram.person("Ivan").await?;
    let body = json!({ "by": shop.owner, "user": intruder, "chat_id": shop.chat });
    telegram.control("add", Some(&body)).await?;
    telegram.has_members(shop.chat, &["Tara", "the bot"]).await?;
    Ok(())
}
