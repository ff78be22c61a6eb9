//! A service gets its group, by a link or from the pool, and what is wrong with a group is named.

use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::stage::{Stage, Told, items, offer, text, time};

/// The rights that a set-up link asks for, as the simulator names them.
const ALL_RIGHTS: [&str; 5] =
    ["invite_users", "restrict_members", "change_info", "delete_messages", "pin_messages"];

#[tokio::test]
async fn a_trader_brings_the_bot_and_the_group_is_ready() -> Told {
    let stage = Stage::open()?;
    let id = stage.service(&offer("Gold Signals")).await?;
    assert_eq!(stage.info(&id).await?.text("/status"), "none");

    let asked = stage.ask_for_group(&id, "link").await?.expect_status(202)?;
    assert_eq!(asked.text("/status"), "awaiting_bot");
    assert!(asked.text("/setup_link").contains("startgroup="));
    assert_eq!(stage.info(&id).await?.text("/status"), "awaiting_bot");
    // Asked again: the same link.
    let again = stage.ask_for_group(&id, "link").await?.expect_status(202)?;
    assert_eq!(again.body, asked.body);

    let owner = stage.telegram().person("Tara").await?;
    let chat = stage.telegram().group(owner, "Tara's own title", "supergroup").await?;
    stage.telegram().adds_bot(owner, chat, &asked.text("/setup_link"), json!({})).await?;
    let info = stage.group_is(&id, "ready").await?;
    assert_eq!(info.text("/group_id"), chat.to_string());
    assert_eq!(info.text("/title"), "Tara's own title");
    assert!(info.text("/invite_link").starts_with("https://t.me/+"));
    assert_eq!(info.body["member_count"], json!(2));
    assert_eq!(info.body["active_subscriptions"], json!(0));
    assert_eq!(info.body["problems"], json!([]));
    let bot = info.body["bot"].as_object().unwrap();
    assert!(bot.values().all(|right| right == &json!(true)), "{bot:?}");

    // One group per service, however often it is asked for and whichever way.
    for mode in ["auto", "link", "pool"] {
        let got = stage.ask_for_group(&id, mode).await?.expect_status(200)?;
        assert_eq!(got.text("/group_id"), chat.to_string());
        assert_eq!(got.text("/invite_link"), info.text("/invite_link"));
    }

    let group = stage.reads(chat, "This group is now the home of Gold Signals").await?;
    assert_eq!(group.title(), "Tara's own title", "a trader's group keeps its title");
    let permissions = items(group.raw(), "permissions");
    assert!(!permissions.contains(&json!("can_invite_users")), "members may not add members");
    let links = items(group.raw(), "links");
    let ours: Vec<_> = links.iter().filter(|link| text(link, "name") == "Usher: buyers").collect();
    assert_eq!(ours.len(), 1, "{links:?}");
    assert_eq!(ours[0]["creates_join_request"], json!(true), "the link is guarded");
    Ok(())
}

/// `/start@bot` and `my_chat_member` come in either order, and the app may turn a basic group into
/// a supergroup before or after: the id changes during the binding.
#[tokio::test]
async fn a_group_is_bound_in_whichever_order_telegram_tells_of_it() -> Told {
    let stage = &Stage::open()?;
    let orders = ["member_first", "start_first"];
    let kinds =
        [("supergroup", json!(false)), ("group", json!("before")), ("group", json!("after"))];
    let ways =
        orders.iter().flat_map(|order| kinds.iter().map(move |(kind, up)| (order, kind, up)));
    try_join_all(ways.map(|(order, kind, upgrade)| async move {
        let id = stage.service(&offer("Silver Signals")).await?;
        let link = stage.set_up_link(&id).await?;
        let owner = stage.telegram().person("Tara").await?;
        let chat = stage.telegram().group(owner, "Silver", kind).await?;
        let how = json!({ "order": order, "upgrade": upgrade });
        let added = stage.telegram().adds_bot(owner, chat, &link, how).await?;
        let info = stage.group_is(&id, "ready").await?;
        let way = format!("{order} {kind} {upgrade}");
        assert_eq!(info.text("/group_id"), added["chat_id"].to_string(), "{way}");
        assert_eq!(info.body["problems"], json!([]), "{way}");
        // It works: a buyer gets in by the link of the group that is there now.
        let user = stage.telegram().person("Ann").await?;
        stage.sell(&id, "ann", json!({ "telegram_user_id": user })).await?;
        stage.comes_in(user, &info.text("/invite_link")).await?;
        let chat = added["chat_id"].as_i64().unwrap();
        stage.members_are(chat, &["Ann", "Tara", "the bot"]).await?;
        Told::Ok(())
    }))
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_basic_group_is_named_as_the_problem_until_it_is_upgraded() -> Told {
    let stage = Stage::open()?;
    let id = stage.service(&offer("Basic Signals")).await?;
    let link = stage.set_up_link(&id).await?;
    let owner = stage.telegram().person("Tara").await?;
    let chat = stage.telegram().group(owner, "Basic", "group").await?;
    stage.telegram().adds_bot(owner, chat, &link, json!({})).await?;
    stage.group_is(&id, "degraded").await?;
    stage.has_problems(&id, &["not_a_supergroup"]).await?;

    let new = stage.order("migrate", json!({ "chat_id": chat, "by": owner })).await?;
    let new = new["chat_id"].as_i64().unwrap();
    let all = json!({ "by": owner, "chat_id": new, "rights": ALL_RIGHTS });
    stage.order("promote", all).await?;
    let info = stage.group_is(&id, "ready").await?;
    assert_eq!(info.text("/group_id"), new.to_string());
    stage.has_problems(&id, &[]).await?;
    Ok(())
}

/// People ask to be let in by a link of the owner's while the group is upgraded. Usher hears of the
/// upgrade by its call to the old chat, whose answer is lost once, and by Telegram's messages.
#[tokio::test]
async fn a_group_that_is_upgraded_while_people_ask_lets_in_who_has_paid_and_nobody_else() -> Told {
    let stage = Stage::open()?;
    let id = stage.service(&offer("Moving Signals")).await?;
    let link = stage.set_up_link(&id).await?;
    let owner = stage.telegram().person("Tara").await?;
    let old = stage.telegram().group(owner, "Moving", "group").await?;
    stage.telegram().adds_bot(owner, old, &link, json!({})).await?;
    stage.group_is(&id, "degraded").await?;
    let guarded = json!({ "by": owner, "chat_id": old, "creates_join_request": true });
    let link = stage.order("link", guarded).await?;
    let link = text(&link, "invite_link");

    // Ann's approval is done and its answer lost; Ben's never gets there.
    let buys = async |name: &str| {
        let user = stage.telegram().person(name).await?;
        let sold = stage.sell(&id, name, json!({ "telegram_user_id": user })).await?;
        Ok::<_, stories::Trouble>((user, sold.text("/id")))
    };
    let mut sold = Vec::new();
    for (name, fault, step) in [
        ("Ann", "timeout_after", "member.joined"),
        ("Ben", "timeout_before", "member.admission_failed"),
    ] {
        let fault = json!({ "fault": fault, "chat_id": old, "count": 1, "hold_ms": 200,
                            "method": "approveChatJoinRequest" });
        stage.order("faults", fault).await?;
        let (user, subscription) = buys(name).await?;
        stage.comes_in(user, link).await?;
        let item = format!("subscription/{subscription}");
        stage.is_on_record(&id, &item, step).await?;
        sold.push(subscription);
    }
    let eve = stage.telegram().person("Eve").await?;
    stage.comes_in(eve, link).await?;
    let (carl, subscription) = buys("Carl").await?;
    sold.push(subscription);
    let new = stage.order("migrate", json!({ "chat_id": old, "by": owner })).await?;
    let new = new["chat_id"].as_i64().unwrap();
    // Carl asks in the new chat, of which Usher may not have heard yet.
    stage.comes_in(carl, link).await?;

    let info = stage.group_is(&id, "ready").await?;
    assert_eq!(info.text("/group_id"), new.to_string());
    stage.members_are(new, &["Ann", "Ben", "Carl", "Tara", "the bot"]).await?;
    for subscription in &sold {
        stage.membership_is(subscription, "joined").await?;
        let item = format!("subscription/{subscription}");
        let steps = stage.is_on_record(&id, &item, "member.joined").await?;
        let mut steps = steps.iter();
        for step in ["subscription.purchased", "member.asked", "member.joined"] {
            assert!(steps.any(|it| it == step), "{step} is missing, or out of order");
        }
    }
    let service = format!("service/{id}");
    let steps = stage.is_on_record(&id, &service, "group.migrated").await?;
    assert_eq!(steps.iter().filter(|step| *step == "group.migrated").count(), 1, "{steps:?}");
    Ok(())
}

#[tokio::test]
async fn a_link_works_for_one_group_and_a_group_for_one_service() -> Told {
    let stage = Stage::open()?;
    let first = stage.service(&offer("First")).await?;
    let link = stage.set_up_link(&first).await?;
    let owner = stage.telegram().person("Tara").await?;
    let chat = stage.telegram().group(owner, "One", "supergroup").await?;
    stage.telegram().adds_bot(owner, chat, &link, json!({})).await?;
    stage.group_is(&first, "ready").await?;

    let other = stage.telegram().group(owner, "Two", "supergroup").await?;
    stage.telegram().adds_bot(owner, other, &link, json!({})).await?;
    stage.reads(other, "has its group already").await?;
    assert_eq!(stage.info(&first).await?.text("/group_id"), chat.to_string());

    // A token that nobody signed binds nothing, and nobody is told why.
    let second = stage.service(&offer("Second")).await?;
    let link = stage.set_up_link(&second).await?;
    let (bot, _) = link.split_once('?').unwrap();
    let forged = format!("{bot}?startgroup=a-token-that-nobody-signed");
    let third = stage.telegram().group(owner, "Three", "supergroup").await?;
    stage.telegram().adds_bot(owner, third, &forged, json!({})).await?;

    stage.telegram().adds_bot(owner, chat, &link, json!({})).await?;
    stage.reads(chat, "serves another service already").await?;
    assert_eq!(stage.info(&second).await?.text("/status"), "awaiting_bot");
    // Neither used the link up. What is said in one chat comes in order, so the forged token had
    // its chance.
    stage.telegram().adds_bot(owner, third, &link, json!({})).await?;
    let info = stage.group_is(&second, "ready").await?;
    assert_eq!(info.text("/group_id"), third.to_string());
    assert_eq!(stage.info(&first).await?.text("/group_id"), chat.to_string());
    Ok(())
}

#[tokio::test]
async fn the_info_names_each_right_that_is_missing() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let promote = async |more: Value| {
        let mut body = json!({ "by": shop.owner, "chat_id": shop.chat });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        stage.order("promote", body).await
    };
    for (right, blocks) in [
        ("invite_users", true),
        ("restrict_members", true),
        ("change_info", false),
        ("delete_messages", false),
        ("pin_messages", false),
    ] {
        promote(json!({ "remove": [right] })).await?;
        let info = stage.has_problems(&shop.id, &[&format!("cannot_{right}")]).await?;
        let status = if blocks { "degraded" } else { "ready" };
        assert_eq!(info.text("/status"), status, "without {right}");
        assert_eq!(info.body["bot"][format!("can_{right}")], json!(false));
        assert!(!info.text("/problems/0/detail").is_empty());
        promote(json!({ "add": [right] })).await?;
        stage.has_problems(&shop.id, &[]).await?;
        stage.group_is(&shop.id, "ready").await?;
    }
    promote(json!({ "rights": [] })).await?;
    let info = stage.has_problems(&shop.id, &["bot_not_admin"]).await?;
    assert_eq!(info.text("/status"), "degraded");
    assert_eq!(info.body["bot"]["is_admin"], json!(false));
    promote(json!({ "rights": ALL_RIGHTS })).await?;
    stage.group_is(&shop.id, "ready").await?;
    Ok(())
}

#[tokio::test]
async fn a_bot_that_was_kicked_forgets_nothing_and_comes_back() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.buyer(&shop, "Ann").await?;
    stage.order("kick_bot", json!({ "by": shop.owner, "chat_id": shop.chat })).await?;
    let info = stage.has_problems(&shop.id, &["bot_outside"]).await?;
    assert_eq!(info.text("/status"), "degraded");

    // Nothing can be posted, but buying goes on, and nobody is forgotten.
    let alert = json!({ "service_id": shop.id, "symbol": "EURUSD", "action": "buy" });
    stage.post("/alerts", &alert).await?.expect_status(409)?;
    assert_eq!(stage.subscription(&ann.subscription).await?.text("/membership"), "joined");
    let ben = stage.telegram().person("Ben").await?;
    let sold = stage.sell(&shop.id, "Ben", json!({ "telegram_user_id": ben })).await?;
    assert_eq!(sold.text("/status"), "active");

    let back = json!({ "by": shop.owner, "chat_id": shop.chat, "rights": ALL_RIGHTS });
    stage.order("promote", back).await?;
    let info = stage.group_is(&shop.id, "ready").await?;
    stage.comes_in(ben, &info.text("/invite_link")).await?;
    stage.members_are(shop.chat, &["Ann", "Ben", "Tara", "the bot"]).await?;
    let sent = stage.alert(&alert).await?;
    let sent = stage.alert_is(&sent, "sent").await?;
    assert!(time(&sent.text("/sent_at")) >= time(&sent.text("/created_at")));
    Ok(())
}
