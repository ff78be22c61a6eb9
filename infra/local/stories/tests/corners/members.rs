//! Who is in a group and why: passes that are taken back, accounts that are changed, lists that are
//! taken over, checks, tables.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Answer, Trouble, until};

use crate::stage::{Shop, Stage, Told, in_seconds, text};

async fn asks(stage: &Stage, method: Method, path: &str) -> Result<Answer, Trouble> {
    stage.stack.call(&stage.trader, method, path, None, &[]).await
}

/// The check of the members, once it is through.
async fn checked(stage: &Stage, shop: &Shop) -> Result<Value, Trouble> {
    until("a check of the members", || async {
        let check = stage.info(&shop.id).await?.body["members_check"].clone();
        Ok(if check["status"] == "done" { Ok(check) } else { Err(check.to_string()) })
    })
    .await
}

#[tokio::test]
async fn a_guest_is_listed_and_leaves_when_the_pass_is_taken_back() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let group = format!("/traders/services/{}/telegram-group", shop.id);
    let body = json!({ "kind": "single_use", "name": "For a friend" });
    let link = stage.post(&format!("{group}/generate-link"), &body).await?.expect_status(201)?;
    let gus = stage.telegram().person("Gus").await?;
    assert_eq!(stage.telegram().opens(gus, &link.text("/invite_link")).await?, "joined");
    let item = format!("link/{}", link.text("/id"));
    stage.is_on_record(&shop.id, &item, "link.used").await?;
    let passes = format!("{group}/passes");
    let listed = stage.all(&passes, 10).await?;
    assert_eq!((listed.len(), text(&listed[0], "name")), (1, "For a friend"));

    let pass = format!("{passes}/{}", text(&listed[0], "id"));
    let first = asks(&stage, Method::DELETE, &pass).await?.expect_status(200)?;
    let again = asks(&stage, Method::DELETE, &pass).await?.expect_status(200)?;
    assert_eq!(again.body, first.body);
    stage.members_are(shop.chat, &["Tara", "the bot"]).await?;
    assert!(stage.all(&passes, 10).await?.is_empty());
    asks(&stage, Method::DELETE, &format!("{passes}/{}", shop.id)).await?.expect_status(404)?;
    Ok(())
}

#[tokio::test]
async fn a_subscription_moves_to_another_account() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let old = stage.buyer(&shop, "Old").await?;
    let path = format!("/subscriptions/{}/relink", old.subscription);
    let key = [("idempotency-key", "move-1")];
    let shopkeeper = stories::Caller::Storefront;
    let relink = || stage.stack.call(&shopkeeper, Method::POST, &path, None, &key);
    let moved = relink().await?.expect_status(200)?;
    assert_eq!(relink().await?.body, moved.body);
    assert_eq!(moved.body["telegram_linked"], json!(false));
    stage.members_are(shop.chat, &["Tara", "the bot"]).await?;
    let new = stage.telegram().person("New").await?;
    stage.telegram().opens(new, &moved.text("/claim_link")).await?;
    stage.telegram().is_told(new, "is linked to").await?;
    stage.comes_in(new, &shop.invite_link).await?;
    stage.members_are(shop.chat, &["New", "Tara", "the bot"]).await?;
    stage.order("message", json!({ "user": new, "text": "/access" })).await?;
    stage.telegram().is_told(new, "You have access to").await?;
    Ok(())
}

#[tokio::test]
async fn members_who_paid_before_are_taken_over_and_found_inside() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.telegram().person("Ann").await?;
    let ends_at = in_seconds(86_400).to_string();
    let mut members = vec![
        json!({ "telegram_user_id": ann, "ends_at": ends_at }),
        json!({ "email": "ben@customers.example", "ends_at": ends_at }),
    ];
    members.extend(
        (0..60).map(|number| json!({ "telegram_user_id": 900_000 + number, "ends_at": ends_at })),
    );
    // A thousand, as many as one call takes, are taken over in the stories of the handlers.
    members.extend((0..88).map(|number| {
        json!({ "email": format!("buyer-{number}@customers.example"), "ends_at": ends_at })
    }));
    let path = format!("/traders/services/{}/members/import", shop.id);
    let bad = json!({ "members": [{ "ends_at": ends_at }, { "email": "x", "ends_at": "soon" }] });
    let refused = stage.post(&path, &bad).await?.expect_status(422)?;
    assert_eq!(refused.text("/errors/0/pointer"), "/members/0/telegram_user_id");
    let begun = stage.post(&path, &json!({ "members": members })).await?.expect_status(202)?;
    let read = format!("{path}/{}", begun.text("/id"));
    let done = until("the list is taken over", || async {
        let now = stage.get(&read).await?.expect_status(200)?;
        let status = now.text("/status").to_owned();
        Ok(if status == "done" { Ok(now) } else { Err(status) })
    })
    .await?;
    assert_eq!((&done.body["added"], &done.body["done"]), (&json!(150), &json!(150)));
    stage.comes_in(ann, &shop.invite_link).await?;
    stage.members_are(shop.chat, &["Ann", "Tara", "the bot"]).await?;
    let check = checked(&stage, &shop).await?;
    assert_eq!(check["put_right"], json!(0));

    let table = format!("/traders/services/{}/subscriptions?format=csv", shop.id);
    let table = stage.get(&table).await?.expect_status(200)?;
    assert!(table.headers["content-type"].starts_with("text/csv"));
    let path = format!("/traders/services/{}/subscriptions?membership=joined", shop.id);
    assert_eq!(stage.all(&path, 100).await?.len(), 1);
    let path = format!("/traders/services/{}/members/reconcile", shop.id);
    let again = stage.post(&path, &json!({})).await?.expect_status(202)?;
    assert_eq!(again.text("/status"), "running");
    checked(&stage, &shop).await?;
    Ok(())
}

#[tokio::test]
async fn the_daily_check_goes_through_every_group_once_a_day() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.telegram().person("Ann").await?;
    stage.sell(&shop.id, "ann", json!({ "telegram_user_id": ann })).await?;
    stage.comes_in(ann, &shop.invite_link).await?;
    stage.members_are(shop.chat, &["Ann", "Tara", "the bot"]).await?;
    let said = stage.stack.daily_check().await?;
    assert!(said["begun"].as_u64() >= Some(1) && said["failed"] == json!(0), "{said}");
    let check = checked(&stage, &shop).await?;
    let seen = (&check["checked"], &check["known_inside"], &check["put_right"]);
    assert_eq!(seen, (&json!(1), &json!(1), &json!(0)));
    stage.is_on_record(&shop.id, &format!("check/{}", shop.id), "members.checked").await?;
    let requested = check["requested_at"].clone();
    stage.stack.daily_check().await?;
    assert_eq!(checked(&stage, &shop).await?["requested_at"], requested, "made a moment ago");
    Ok(())
}
