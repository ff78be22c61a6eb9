//! Links that a trader asks for: guest passes and guarded links.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Answer, Trouble};

use crate::stage::{Shop, Stage, Told, in_seconds, items, offer, text, time};

async fn generate(stage: &Stage, shop: &Shop, body: &Value) -> Result<Answer, Trouble> {
    let path = format!("/traders/services/{}/telegram-group/generate-link", shop.id);
    stage.post(&path, body).await
}

/// A link as Telegram has it.
async fn look(stage: &Stage, shop: &Shop, url: &str) -> Result<Value, Trouble> {
    let group = stage.telegram().look(shop.chat).await?;
    let found = items(group.raw(), "links").iter().find(|link| text(link, "invite_link") == url);
    Ok(found.cloned().unwrap_or_default())
}

#[tokio::test]
async fn a_guest_of_whose_link_telegram_does_not_tell_may_stay_and_comes_back() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let unnamed = json!({ "fault": "link_unnamed", "method": "chat_member", "chat_id": shop.chat });
    let unnamed = stage.order("faults", unnamed).await?;
    let made =
        generate(&stage, &shop, &json!({ "kind": "single_use" })).await?.expect_status(201)?;
    let gus = stage.telegram().person("Gus").await?;
    assert_eq!(stage.telegram().opens(gus, &made.text("/invite_link")).await?, "joined");
    let item = format!("link/{}", made.text("/id"));
    stage.is_on_record(&shop.id, &item, "link.used").await?;
    stage.lift(&unnamed).await?;
    stage.order("leave", json!({ "user": gus, "chat_id": shop.chat })).await?;
    stage.members_are(shop.chat, &["Tara", "the bot"]).await?;
    stage.comes_in(gus, &shop.invite_link).await?;
    stage.members_are(shop.chat, &["Gus", "Tara", "the bot"]).await?;
    stage.is_on_record(&shop.id, &item, "pass.guest_let_in").await?;
    Ok(())
}

#[tokio::test]
async fn a_guest_pass_is_one_guests_and_dies() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    // For as long as the link cannot be revoked, it goes on working in Telegram.
    let fault = json!({ "fault": "server_error_json", "method": "revokeChatInviteLink",
                        "chat_id": shop.chat });
    let fault = stage.order("faults", fault).await?;
    let body = json!({ "kind": "single_use", "name": "For a friend", "expires_in_hours": 48 });
    let made = generate(&stage, &shop, &body).await?.expect_status(201)?;
    let url = made.text("/invite_link");
    assert_eq!(made.text("/name"), "For a friend");
    let lasts = time(&made.text("/expires_at")).duration_since(in_seconds(0));
    assert!((47..=48).contains(&lasts.as_hours()));
    let link = look(&stage, &shop, &url).await?;
    assert_eq!((&link["member_limit"], &link["name"]), (&json!(1), &json!("For a friend")));

    let gus = stage.telegram().person("Gus").await?;
    assert_eq!(stage.telegram().opens(gus, &url).await?, "joined");
    let item = format!("link/{}", made.text("/id"));
    stage.is_on_record(&shop.id, &item, "link.used").await?;
    stage.members_are(shop.chat, &["Gus", "Tara", "the bot"]).await?;

    // The limit counts who is in at the same time: when the guest leaves, somebody else can use
    // the link. But it was one guest's.
    stage.order("leave", json!({ "user": gus, "chat_id": shop.chat })).await?;
    let eve = stage.telegram().person("Eve").await?;
    assert_eq!(stage.telegram().opens(eve, &url).await?, "joined");
    stage.members_are(shop.chat, &["Tara", "the bot"]).await?;
    assert_eq!(stage.telegram().opens(gus, &url).await?, "joined");

    stage.lift(&fault).await?;
    stage.is_on_record(&shop.id, &item, "link.revoked").await?;
    assert_eq!(look(&stage, &shop, &url).await?["is_revoked"], json!(true));
    assert_eq!(stage.telegram().opens(eve, &url).await?, "revoked");
    stage.members_are(shop.chat, &["Gus", "Tara", "the bot"]).await?;
    Ok(())
}

#[tokio::test]
async fn a_permanent_link_is_held_against_the_subscriptions() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let body = json!({ "kind": "permanent", "name": "Landing page" });
    let made = generate(&stage, &shop, &body).await?.expect_status(201)?;
    let url = made.text("/invite_link");
    assert_ne!(url, shop.invite_link);
    assert_eq!(made.body["expires_at"], Value::Null);
    assert_eq!(look(&stage, &shop, &url).await?["creates_join_request"], json!(true));

    let eve = stage.telegram().person("Eve").await?;
    stage.comes_in(eve, &url).await?;
    stage.telegram().is_told(eve, "could not let you into").await?;
    for name in ["Ann", "Ben"] {
        let user = stage.telegram().person(name).await?;
        stage.sell(&shop.id, name, json!({ "telegram_user_id": user })).await?;
        stage.comes_in(user, &url).await?;
    }
    stage.members_are(shop.chat, &["Ann", "Ben", "Tara", "the bot"]).await?;
    Ok(())
}

#[tokio::test]
async fn a_link_is_made_once_for_a_key_and_never_without_a_group() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let path = format!("/traders/services/{}/telegram-group/generate-link", shop.id);
    let body = json!({ "kind": "single_use" });
    let with_key = async |body: &Value| {
        let key = [("idempotency-key", "link-1")];
        stage.stack.call(&stage.trader, Method::POST, &path, Some(body), &key).await
    };
    let first = with_key(&body).await?.expect_status(201)?;
    let again = with_key(&body).await?.expect_status(201)?;
    assert_eq!(again.body, first.body);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = with_key(&json!({ "kind": "permanent" })).await?.expect_status(422)?;
    assert_eq!(other.text("/type"), "/problems/idempotency-key-reused");
    let group = stage.telegram().look(shop.chat).await?;
    let passes = items(group.raw(), "links").iter().filter(|link| link["member_limit"] == json!(1));
    assert_eq!(passes.count(), 1);

    let id = stage.service(&offer("No Group")).await?;
    let path = format!("/traders/services/{id}/telegram-group/generate-link");
    let refused = stage.post(&path, &body).await?.expect_status(409)?;
    assert_eq!(refused.text("/type"), "/problems/conflict");
    Ok(())
}
