//! Buyers come in and go out, and nobody else does.

use serde_json::{Value, json};
use stories::{Caller, until};

use crate::stage::{Stage, Told, comes, in_seconds, items, offer, text, time};

#[tokio::test]
async fn a_buyer_gets_in_and_leaves_when_the_time_is_up() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let end = in_seconds(15);
    let sold = stage.sell(&shop.id, "ann", json!({ "ends_at": end })).await?;
    assert_eq!(sold.status, 201);
    assert_eq!(
        (sold.text("/status"), sold.text("/membership")),
        ("active".into(), "invited".into())
    );
    assert_eq!(sold.body["telegram_linked"], json!(false));
    assert_eq!(sold.text("/invite_link"), shop.invite_link);
    assert_eq!(time(&sold.text("/end_date")), end);

    // The personal link tells whose account it is; the bot shows the way in.
    let ann = stage.telegram().person("Ann").await?;
    assert_eq!(stage.telegram().opens(ann, &sold.text("/claim_link")).await?, "started");
    let told = stage.telegram().is_told(ann, "is linked to Gold Signals").await?;
    assert!(told.to_string().contains(&shop.invite_link), "a button leads in: {told}");

    // Who found the link without having bought is turned away, and told why.
    let mallory = stage.telegram().person("Mallory").await?;
    stage.comes_in(mallory, &shop.invite_link).await?;
    stage.telegram().is_told(mallory, "could not let you into Gold Signals").await?;

    stage.comes_in(ann, &shop.invite_link).await?;
    stage.members_are(shop.chat, &["Ann", "Tara", "the bot"]).await?;
    let subscription = sold.text("/id");
    let joined = stage.membership_is(&subscription, "joined").await?;
    assert_eq!(joined.body["telegram_linked"], json!(true));
    assert_eq!(joined.body["claim_link"], Value::Null);
    assert_eq!(stage.info(&shop.id).await?.body["active_subscriptions"], json!(1));

    comes(end).await?;
    // Over is over, whatever the sweep has done so far.
    assert_eq!(stage.subscription(&subscription).await?.text("/status"), "expired");
    assert_eq!(stage.info(&shop.id).await?.body["active_subscriptions"], json!(0));
    stage.stack.sweep().await?;
    stage.members_are(shop.chat, &["Tara", "the bot"]).await?;
    let gone = stage.membership_is(&subscription, "removed").await?;
    assert_eq!(gone.text("/status"), "expired");
    stage.telegram().is_told(ann, "has ended").await?;

    // Out, not banned; but without another purchase the link does not let her in.
    stage.comes_in(ann, &shop.invite_link).await?;
    stage.telegram().is_told(ann, "your subscription has ended").await?;
    stage.members_are(shop.chat, &["Tara", "the bot"]).await?;

    let lines = stage.audit(&shop.id).await?;
    let item = format!("subscription/{subscription}");
    let about: Vec<_> = lines
        .iter()
        .filter(|line| text(line, "item") == item)
        .map(|line| (text(line, "action"), text(line, "actor")))
        .collect();
    let story = [
        ("subscription.purchased", "storefront"),
        ("subscription.account_linked", "person"),
        ("member.asked", "person"),
        ("subscription.expired", "usher:sweep"),
        ("member.removing", "usher:sender"),
        ("member.removed", "usher:sender"),
    ];
    let mut told = about.iter();
    for step in story {
        assert!(told.any(|it| *it == step), "{step:?} is missing, or out of order, in {about:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_cancelled_buyer_is_out_at_once_and_comes_back_after_another_purchase() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.buyer(&shop, "Ann").await?;
    stage.buyer(&shop, "Ben").await?;
    let cancelled = stage.cancel(&ann.subscription, "now").await?;
    assert_eq!(cancelled.text("/status"), "cancelled");
    assert!(time(&cancelled.text("/access_ends_at")) <= in_seconds(0));
    stage.members_are(shop.chat, &["Ben", "Tara", "the bot"]).await?;
    let removed = stage.membership_is(&ann.subscription, "removed").await?;
    // Cancelled twice: the same answer.
    assert_eq!(stage.cancel(&ann.subscription, "now").await?.body, removed.body);
    assert_eq!(stage.cancel(&ann.subscription, "period_end").await?.body, removed.body);

    let again = stage.sell(&shop.id, "Ann", json!({})).await?;
    assert_eq!(again.status, 200, "the same subscription is renewed");
    assert_eq!(again.text("/id"), ann.subscription);
    assert_eq!(again.text("/status"), "active");
    // Paid time is not taken away: the new run goes on from the old end.
    let old_end = time(&cancelled.text("/end_date"));
    let added = time(&again.text("/end_date")).duration_since(old_end);
    assert_eq!(added.as_hours(), 30 * 24);
    stage.comes_in(ann.user, &shop.invite_link).await?;
    stage.members_are(shop.chat, &["Ann", "Ben", "Tara", "the bot"]).await?;
    stage.membership_is(&ann.subscription, "joined").await?;
    Ok(())
}

#[tokio::test]
async fn a_cancellation_at_the_end_of_the_period_leaves_the_buyer_in_until_then() -> Told {
    let stage = Stage::open()?;
    let mut body = offer("Gold Signals");
    body["settings"] = json!({ "grace_hours": 24 });
    let shop = stage.shop_of(&body).await?;
    let ann = stage.claiming_buyer(&shop, "Ann").await?;
    let end = in_seconds(8);
    let renewed = stage.sell(&shop.id, "Ann", json!({ "ends_at": end })).await?;
    assert_eq!(time(&renewed.text("/end_date")), end);
    let grace = time(&renewed.text("/access_ends_at")).duration_since(end);
    assert_eq!(grace.as_hours(), 24, "access lasts longer than the paid time");

    let cancelled = stage.cancel(&ann.subscription, "period_end").await?;
    assert_eq!(cancelled.text("/status"), "cancelled");
    assert_eq!(cancelled.text("/membership"), "joined");
    assert_eq!(time(&cancelled.text("/access_ends_at")), end, "the grace falls away");
    stage.stack.sweep().await?;
    assert!(stage.telegram().look(shop.chat).await?.members().contains(&"Ann (member)".into()));
    comes(end).await?;
    stage.stack.sweep().await?;
    stage.members_are(shop.chat, &["Tara", "the bot"]).await?;
    assert_eq!(
        stage.membership_is(&ann.subscription, "removed").await?.text("/status"),
        "cancelled"
    );
    Ok(())
}

#[tokio::test]
async fn one_account_holds_one_subscription_of_a_service() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.telegram().person("Ann").await?;
    let eve = stage.telegram().person("Eve").await?;
    let sold = stage.sell(&shop.id, "ann", json!({})).await?;
    let claim = sold.text("/claim_link");
    stage.telegram().opens(ann, &claim).await?;
    stage.telegram().is_told(ann, "is linked to").await?;

    // The personal link was passed on, or forged, or opened where it does not belong.
    stage.telegram().opens(eve, &claim).await?;
    stage.telegram().is_told(eve, "This link was used already").await?;
    let (bot, _) = claim.split_once('?').unwrap();
    stage.telegram().opens(eve, &format!("{bot}?start=a-token-that-nobody-signed")).await?;
    stage.telegram().is_told(eve, "I do not know this link").await?;
    stage.telegram().opens(eve, bot).await?;
    stage.telegram().is_told(eve, "Hello!").await?;
    stage.comes_in(eve, &shop.invite_link).await?;
    stage.telegram().is_told(eve, "belongs to no subscription").await?;

    // Another subscription for the same account, or another account for the same subscription.
    let conflict = async |customer: &str, user: i64| {
        let body =
            json!({ "service_id": shop.id, "customer_id": customer, "telegram_user_id": user });
        let answer = stage.stack.post(&Caller::Storefront, "/subscriptions", &body).await?;
        answer.expect_status(409)
    };
    assert_eq!(conflict("ben", ann).await?.text("/type"), "/problems/conflict");
    assert_eq!(conflict("ann", eve).await?.text("/type"), "/problems/conflict");
    let other = stage.sell(&shop.id, "carl", json!({})).await?;
    stage.telegram().opens(ann, &other.text("/claim_link")).await?;
    stage.telegram().is_told(ann, "linked to another subscription").await?;
    assert_eq!(stage.subscription(&other.text("/id")).await?.body["telegram_linked"], json!(false));
    // The same account in another service is another matter.
    let second = stage.service(&offer("Second")).await?;
    stage.sell(&second, "ann", json!({ "telegram_user_id": ann })).await?;
    // Whoever is entitled got in by none of this but their own asking.
    stage.comes_in(ann, &shop.invite_link).await?;
    stage.members_are(shop.chat, &["Ann", "Tara", "the bot"]).await?;
    Ok(())
}

#[tokio::test]
async fn who_came_in_by_another_link_is_removed_or_only_noted() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let body = json!({ "by": shop.owner, "chat_id": shop.chat });
    stage.order("link", body).await?;
    let group = stage.telegram().look(shop.chat).await?;
    let links = items(group.raw(), "links");
    let open = links.iter().find(|link| link["creator"] == json!(shop.owner)).unwrap();
    let open = text(open, "invite_link");

    let eve = stage.telegram().person("Eve").await?;
    assert_eq!(stage.telegram().opens(eve, open).await?, "joined");
    stage.members_are(shop.chat, &["Tara", "the bot"]).await?;

    // A buyer may take any way in.
    let ann = stage.telegram().person("Ann").await?;
    let sold = stage.sell(&shop.id, "ann", json!({ "telegram_user_id": ann })).await?;
    assert_eq!(stage.telegram().opens(ann, open).await?, "joined");
    stage.membership_is(&sold.text("/id"), "joined").await?;

    let observe = json!({ "settings": { "guard": "observe" } });
    stage.patch(&shop.id, &observe).await?.expect_status(200)?;
    assert_eq!(stage.telegram().opens(eve, open).await?, "joined");
    // Once a later update of hers has been carried out, so has this one.
    let ben = stage.buyer(&shop, "Ben").await?;
    stage.cancel(&ben.subscription, "now").await?;
    stage.membership_is(&ben.subscription, "removed").await?;
    stage.members_are(shop.chat, &["Ann", "Eve", "Tara", "the bot"]).await?;
    Ok(())
}

#[tokio::test]
async fn who_leaves_by_themself_may_come_again_and_an_owner_is_left_inside() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.buyer(&shop, "Ann").await?;
    stage.order("leave", json!({ "user": ann.user, "chat_id": shop.chat })).await?;
    stage.membership_is(&ann.subscription, "invited").await?;
    stage.comes_in(ann.user, &shop.invite_link).await?;
    stage.membership_is(&ann.subscription, "joined").await?;

    // The owner buys, too, and cancels: nobody can put an owner out.
    let sold = stage.sell(&shop.id, "tara", json!({ "telegram_user_id": shop.owner })).await?;
    stage.cancel(&sold.text("/id"), "now").await?;
    let item = format!("subscription/{}", sold.text("/id"));
    stage.is_on_record(&shop.id, &item, "member.kept").await?;
    stage.members_are(shop.chat, &["Ann", "Tara", "the bot"]).await?;

    // Who is put out by a person and banned stays out, also when the time is up.
    let ban = json!({ "by": shop.owner, "user": ann.user, "chat_id": shop.chat });
    stage.order("ban", ban).await?;
    stage.membership_is(&ann.subscription, "invited").await?;
    stage.cancel(&ann.subscription, "now").await?;
    stage.membership_is(&ann.subscription, "removed").await?;
    assert_eq!(stage.telegram().opens(ann.user, &shop.invite_link).await?, "banned");
    Ok(())
}

#[tokio::test]
async fn a_purchase_before_the_group_is_there_waits_for_it() -> Told {
    let stage = Stage::open()?;
    let id = stage.service(&offer("Later Signals")).await?;
    let ann = stage.telegram().person("Ann").await?;
    let sold = stage.sell(&id, "ann", json!({ "email": "ann@mail.example" })).await?;
    assert_eq!(sold.body["invite_link"], Value::Null);
    stage.telegram().opens(ann, &sold.text("/claim_link")).await?;
    stage.telegram().is_told(ann, "is still being set up").await?;

    let link = stage.set_up_link(&id).await?;
    let owner = stage.telegram().person("Tara").await?;
    let chat = stage.telegram().group(owner, "Later", "supergroup").await?;
    stage.telegram().adds_bot(owner, chat, &link, json!({})).await?;
    stage.group_is(&id, "ready").await?;
    let way_in = until("the way in is there", || async {
        let link = stage.subscription(&sold.text("/id")).await?.text("/invite_link");
        Ok(if link.is_empty() { Err("no link".to_owned()) } else { Ok(link) })
    })
    .await?;
    stage.comes_in(ann, &way_in).await?;
    stage.members_are(chat, &["Ann", "Tara", "the bot"]).await?;
    // No Telegram id and no address comes out anywhere.
    let record = Value::from(stage.audit(&id).await?).to_string();
    assert!(!record.contains("ann@mail.example"));
    assert!(!record.contains(&ann.to_string()), "{record}");
    Ok(())
}
