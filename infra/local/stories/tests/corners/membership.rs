//! Whatever happens, who has paid and asked is inside in the end, nobody else is, and it is on record.

use std::time::Duration;

use futures::future::try_join;
use serde_json::{Value, json};
use stories::{Answer, Trouble, until};

use crate::stage::{Shop, Stage, Told, comes, in_seconds, offer, text, time};

const ALL_RIGHTS: [&str; 5] =
    ["invite_users", "restrict_members", "change_info", "delete_messages", "pin_messages"];

async fn rights(stage: &Stage, shop: &Shop, what: &str, right: &str) -> Told {
    let body = json!({ "by": shop.owner, "chat_id": shop.chat, what: [right] });
    stage.order("promote", body).await?;
    Ok(())
}

/// How often each action stands in the trail of an item.
fn count(actions: &[String], wanted: &str) -> usize {
    actions.iter().filter(|action| *action == wanted).count()
}

#[tokio::test]
async fn a_claim_link_that_does_not_lead_in_is_answered_with_a_kind_word() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    // Its time was over before it was tapped.
    let end = in_seconds(15);
    let late = stage.sell(&shop.id, "late", json!({ "ends_at": end })).await?;
    comes(end).await?;
    let lea = stage.telegram().person("Lea").await?;
    stage.telegram().opens(lea, &late.text("/claim_link")).await?;
    stage.telegram().is_told(lea, "The subscription behind this link has ended").await?;
    assert_eq!(stage.subscription(&late.text("/id")).await?.body["telegram_linked"], json!(false));

    // Tapped where all can see it: nobody is linked, and it works in private afterwards.
    let ann = stage.buyer(&shop, "Ann").await?;
    let sold = stage.sell(&shop.id, "ben", json!({})).await?;
    let claim = sold.text("/claim_link");
    let (bot, token) = claim.split_once("?start=").unwrap();
    let bot = bot.trim_start_matches("https://t.me/");
    let said = format!("/start@{bot} {token}");
    stage.order("message", json!({ "user": ann.user, "chat_id": shop.chat, "text": said })).await?;
    stage.reads(shop.chat, "This link is personal").await?;
    assert_eq!(stage.subscription(&sold.text("/id")).await?.body["telegram_linked"], json!(false));

    // And it is answered in the language of who taps it.
    let who = json!({ "first_name": "Uwe", "language_code": "de-AT" });
    let uwe = stage.order("users", who).await?["id"].as_i64().unwrap();
    stage.telegram().opens(uwe, &claim).await?;
    stage.telegram().is_told(uwe, "ist mit Gold Signals verknüpft").await?;
    stage.cancel(&sold.text("/id"), "now").await?;
    stage.comes_in(uwe, &shop.invite_link).await?;
    stage.telegram().is_told(uwe, "Ihr Abonnement ist zu Ende").await?;
    Ok(())
}

#[tokio::test]
async fn a_buyer_with_two_purchases_has_both_and_loses_only_what_ends() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.buyer(&shop, "Ann").await?;
    let first = stage.subscription(&ann.subscription).await?;
    let again = stage.sell(&shop.id, "Ann", json!({ "payment_ref": "second" })).await?;
    assert_eq!((again.status, again.text("/id")), (200, ann.subscription.clone()));
    let added = time(&again.text("/end_date")).duration_since(time(&first.text("/end_date")));
    assert_eq!(added.as_hours(), 30 * 24, "both count");
    stage.membership_is(&ann.subscription, "joined").await?;

    let other = stage.shop_of(&offer("Silver Signals")).await?;
    let second = stage.sell(&other.id, "Ann", json!({ "telegram_user_id": ann.user })).await?;
    stage.comes_in(ann.user, &other.invite_link).await?;
    stage.members_are(other.chat, &["Ann", "Tara", "the bot"]).await?;
    stage.order("message", json!({ "user": ann.user, "text": "/access" })).await?;
    stage.telegram().is_told(ann.user, "Silver Signals").await?;
    stage.cancel(&second.text("/id"), "now").await?;
    stage.members_are(other.chat, &["Tara", "the bot"]).await?;
    stage.members_are(shop.chat, &["Ann", "Tara", "the bot"]).await?;
    Ok(())
}

#[tokio::test]
async fn what_changes_in_a_group_is_told_within_a_minute() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.buyer(&shop, "Ann").await?;
    let body = json!({ "by": shop.owner, "chat_id": shop.chat, "title": "Tara's new title" });
    stage.order("title", body).await?;
    // Ann has the group now, and Tara is one of its administrators.
    let hand_over = json!({ "by": shop.owner, "user": ann.user, "chat_id": shop.chat });
    stage.order("transfer_owner", hand_over).await?;
    let is_fresh = |info: &stories::Answer| {
        in_seconds(0).duration_since(time(&info.text("/checked_at"))).as_secs() <= 62
    };
    until("the new title", || async {
        let info = stage.info(&shop.id).await?;
        assert!(is_fresh(&info), "{}", info.body);
        let title = info.text("/title");
        Ok(if title == "Tara's new title" { Ok(()) } else { Err(title) })
    })
    .await?;
    let info = stage.info(&shop.id).await?;
    assert_eq!((info.text("/status"), &info.body["problems"]), ("ready".into(), &json!([])));
    assert_eq!(info.body["member_count"], json!(3));
    stage.buyer(&shop, "Ben").await?;
    // An owner cannot be put out, whoever it is by now.
    stage.cancel(&ann.subscription, "now").await?;
    let item = format!("subscription/{}", ann.subscription);
    stage.is_on_record(&shop.id, &item, "member.kept").await?;
    stage.members_are(shop.chat, &["Ann", "Ben", "Tara", "the bot"]).await?;

    stage.order("delete_group", json!({ "chat_id": shop.chat })).await?;
    let info = stage.has_problems(&shop.id, &["bot_outside"]).await?;
    assert_eq!(info.text("/status"), "degraded");
    assert!(is_fresh(&info), "{}", info.body);
    assert!(!info.text("/problems/0/detail").is_empty());
    let sold = stage.sell(&shop.id, "carl", json!({})).await?;
    assert_eq!(sold.status, 201, "nothing is forgotten, and selling goes on");
    Ok(())
}

#[tokio::test]
async fn an_operator_is_told_what_a_spare_group_lacks_and_each_group_is_given_out_once() -> Told {
    let stage = Stage::open()?;
    let link = stage.stack.pool_link().await?;
    let (bare, _) = link.split_once("&admin=").unwrap();
    let olga = stage.telegram().person("Olga").await?;
    stage.order("message", json!({ "user": olga, "text": "/start" })).await?;
    let mut spares = Vec::new();
    for name in ["Spare one", "Spare two"] {
        let spare = stage.telegram().group(olga, name, "supergroup").await?;
        stage.telegram().adds_bot(olga, spare, bare, json!({})).await?;
        stage.telegram().is_told(olga, &format!("{name} cannot join the pool")).await?;
        spares.push(spare);
    }
    stage.telegram().is_told(olga, "I am no administrator").await?;
    for spare in &spares {
        let all = json!({ "by": olga, "chat_id": spare, "rights": ALL_RIGHTS });
        stage.order("promote", all).await?;
    }
    for name in ["Spare one", "Spare two"] {
        stage.telegram().is_told(olga, &format!("{name} is in the pool")).await?;
    }
    let (one, two) = (stage.service(&offer("One")).await?, stage.service(&offer("Two")).await?);
    // Each is asked for twice at the same moment. Another story may have taken one of the two; it
    // has brought one as well.
    let stage = &stage;
    let asks = |id: String| async move {
        until("a group of the pool", || async {
            let got = stage.ask_for_group(&id, "pool").await?;
            Ok(if got.status < 300 { Ok(got) } else { Err(got.body.to_string()) })
        })
        .await
    };
    let ((a, b), (c, d)) = try_join(
        try_join(asks(one.clone()), asks(one.clone())),
        try_join(asks(two.clone()), asks(two.clone())),
    )
    .await?;
    let group = |answer: &stories::Answer| answer.text("/group_id");
    assert_eq!((group(&a), group(&c)), (group(&b), group(&d)), "one group for a service");
    assert_ne!(group(&a), group(&c), "one service for a group");
    Ok(())
}

#[tokio::test]
async fn who_asked_while_the_bot_could_not_hear_is_let_in_when_it_can_again() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.telegram().person("Ann").await?;
    let sold = stage.sell(&shop.id, "ann", json!({ "telegram_user_id": ann })).await?;
    let eve = stage.telegram().person("Eve").await?;
    rights(&stage, &shop, "remove", "invite_users").await?;
    stage.group_is(&shop.id, "degraded").await?;
    stage.comes_in(ann, &shop.invite_link).await?;
    stage.comes_in(eve, &shop.invite_link).await?;
    rights(&stage, &shop, "add", "invite_users").await?;
    // A group that works again has its members checked.
    stage.members_are(shop.chat, &["Ann", "Tara", "the bot"]).await?;
    stage.membership_is(&sold.text("/id"), "joined").await?;
    let item = format!("check/{}", shop.id);
    stage.is_on_record(&shop.id, &item, "members.checked").await?;
    Ok(())
}

#[tokio::test]
async fn updates_that_come_twice_and_out_of_order_change_nothing() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    // For as long as this story is told; others see some of it, too.
    let mut faults = Vec::new();
    for kind in ["chat_member", "chat_join_request", "message"] {
        for fault in ["webhook_duplicate", "webhook_cross"] {
            let fault = json!({ "fault": fault, "method": kind, "probability": 0.7, "count": 30 });
            faults.push(stage.order("faults", fault).await?);
        }
    }
    let told = come_and_go(&stage, &shop).await;
    for fault in &faults {
        stage.lift(fault).await?;
    }
    told
}

async fn come_and_go(stage: &Stage, shop: &Shop) -> Told {
    let ann = stage.claiming_buyer(shop, "Ann").await?;
    let ben = stage.buyer(shop, "Ben").await?;
    let eve = stage.telegram().person("Eve").await?;
    let added = json!({ "by": shop.owner, "user": eve, "chat_id": shop.chat });
    stage.order("add", added).await?;
    stage.members_are(shop.chat, &["Ann", "Ben", "Tara", "the bot"]).await?;
    stage.order("leave", json!({ "user": ben.user, "chat_id": shop.chat })).await?;
    stage.membership_is(&ben.subscription, "invited").await?;
    stage.comes_in(ben.user, &shop.invite_link).await?;
    stage.membership_is(&ben.subscription, "joined").await?;
    stage.cancel(&ann.subscription, "now").await?;
    stage.membership_is(&ann.subscription, "removed").await?;
    stage.members_are(shop.chat, &["Ben", "Tara", "the bot"]).await?;
    let item = format!("subscription/{}", ann.subscription);
    let actions = stage.is_on_record(&shop.id, &item, "member.removed").await?;
    for once in ["subscription.account_linked", "member.joined", "member.removed"] {
        assert_eq!(count(&actions, once), 1, "{actions:?}");
    }
    let info = stage.info(&shop.id).await?;
    assert_eq!(info.body["intruders"], json!({ "inside": 0, "last_24_hours": 1 }));
    Ok(())
}

#[tokio::test]
async fn whose_time_ends_while_telegram_is_down_leaves_when_it_is_back() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let (ann, ben) = (stage.buyer(&shop, "Ann").await?, stage.buyer(&shop, "Ben").await?);
    let end = in_seconds(15);
    for name in ["Ann", "Ben"] {
        stage.sell(&shop.id, name, json!({ "ends_at": end })).await?;
    }
    let down = json!({ "fault": "server_error_html", "chat_id": shop.chat });
    let down = stage.order("faults", down).await?;
    comes(end).await?;
    stage.stack.sweep().await?;
    for buyer in [&ann, &ben] {
        let item = format!("subscription/{}", buyer.subscription);
        stage.is_on_record(&shop.id, &item, "member.removal_failed").await?;
    }
    // Ben pays while nobody can be put out.
    stage.sell(&shop.id, "Ben", json!({})).await?;
    stage.members_are(shop.chat, &["Ann", "Ben", "Tara", "the bot"]).await?;
    stage.lift(&down).await?;
    stage.members_are(shop.chat, &["Ben", "Tara", "the bot"]).await?;
    stage.membership_is(&ann.subscription, "removed").await?;
    stage.membership_is(&ben.subscription, "joined").await?;
    Ok(())
}

#[tokio::test]
async fn whoever_renews_around_their_removal_is_inside_or_invited() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let end = in_seconds(20);
    let mut buyers = Vec::new();
    for name in ["Ann", "Ben", "Carl"] {
        let buyer = stage.buyer(&shop, name).await?;
        stage.sell(&shop.id, name, json!({ "ends_at": end })).await?;
        buyers.push(buyer);
    }
    let (ann, ben, carl) = (&buyers[0], &buyers[1], &buyers[2]);
    // Before the end: the time that was paid for is added to what was left.
    let renewed = stage.sell(&shop.id, "Ann", json!({})).await?;
    let days =
        |answer: &Answer| time(&answer.text("/end_date")).duration_since(end).as_hours() / 24;
    assert_eq!((renewed.status, days(&renewed)), (200, 30), "{}", renewed.body);
    comes(end).await?;
    // After the end, before the sweep.
    stage.sell(&shop.id, "Ben", json!({})).await?;
    stage.stack.sweep().await?;
    stage.membership_is(&carl.subscription, "removed").await?;
    stage.members_are(shop.chat, &["Ann", "Ben", "Tara", "the bot"]).await?;
    // After the removal: the way in is the old one.
    let back = stage.sell(&shop.id, "Carl", json!({})).await?;
    assert_eq!(back.text("/invite_link"), shop.invite_link);
    stage.comes_in(carl.user, &shop.invite_link).await?;
    stage.members_are(shop.chat, &["Ann", "Ben", "Carl", "Tara", "the bot"]).await?;
    for buyer in [ann, ben, carl] {
        stage.membership_is(&buyer.subscription, "joined").await?;
    }
    for buyer in [ann, ben] {
        let item = format!("subscription/{}", buyer.subscription);
        let actions = stage.is_on_record(&shop.id, &item, "subscription.renewed").await?;
        assert!(!actions.iter().any(|action| action.starts_with("member.remov")), "{actions:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_operator_is_alarmed_when_the_pool_runs_low() -> Told {
    let stage = Stage::open()?;
    // No other story leaves a group in the pool.
    stage.stack.sweep().await?;
    until("the alarm rings", || async {
        let alarms = stage.stack.alarms().await?;
        Ok(if text(&alarms, "PoolLow") == "ALARM" { Ok(()) } else { Err(alarms.to_string()) })
    })
    .await
}

#[tokio::test]
async fn an_intruder_who_buys_while_the_call_has_no_answer_is_invited_back() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let fault = json!({ "fault": "timeout_after", "method": "unbanChatMember",
                        "chat_id": shop.chat, "count": 1 });
    stage.order("faults", fault).await?;
    let eve = stage.telegram().person("Eve").await?;
    stage.order("message", json!({ "user": eve, "text": "/start" })).await?;
    stage.order("add", json!({ "by": shop.owner, "user": eve, "chat_id": shop.chat })).await?;
    until("the call has no answer", || async {
        let lines = stage.audit(&shop.id).await?;
        let failed = lines.iter().any(|line| text(line, "action") == "guard.eviction_failed");
        Ok(if failed { Ok(()) } else { Err(format!("{} lines", lines.len())) })
    })
    .await?;
    let sold = stage.sell(&shop.id, "eve", json!({ "telegram_user_id": eve })).await?;
    let item = format!("subscription/{}", sold.text("/id"));
    stage.is_on_record(&shop.id, &item, "member.invited_back").await?;
    stage.telegram().is_told(eve, "Please come back in").await?;
    stage.comes_in(eve, &shop.invite_link).await?;
    stage.members_are(shop.chat, &["Eve", "Tara", "the bot"]).await?;
    stage.membership_is(&sold.text("/id"), "joined").await?;
    Ok(())
}

/// How many people are in a group, the bot included.
async fn crowd(stage: &Stage, chat: i64) -> Result<usize, Trouble> {
    Ok(stage.telegram().look(chat).await?.members().len())
}

#[tokio::test]
async fn two_hundred_leave_although_the_bot_loses_its_rights_and_telegram_errs() -> Told {
    let stage = Stage::open()?;
    let owner = stage.telegram().person("Tara").await?;
    let chat = stage.telegram().group(owner, "Gold Signals", "supergroup").await?;
    let ends_at = in_seconds(45);
    let mut members = Vec::new();
    for number in 0..200 {
        let user = stage.telegram().person(&format!("Member {number}")).await?;
        stage.order("add", json!({ "by": owner, "user": user, "chat_id": chat })).await?;
        members.push(json!({ "telegram_user_id": user, "ends_at": ends_at }));
    }
    // They were there before Usher was: nobody is put out when the group is bound.
    let id = stage.service(&offer("Gold Signals")).await?;
    let link = stage.set_up_link(&id).await?;
    stage.telegram().adds_bot(owner, chat, &link, json!({})).await?;
    let info = stage.group_is(&id, "ready").await?;
    let shop = Shop { id, chat, owner, invite_link: info.text("/invite_link") };
    let path = format!("/traders/services/{}/members/import", shop.id);
    let begun = stage.post(&path, &json!({ "members": members })).await?.expect_status(202)?;
    let read = format!("{path}/{}", begun.text("/id"));
    until("the list is taken over", || async {
        let status = stage.get(&read).await?.text("/status");
        Ok(if status == "done" { Ok(()) } else { Err(status) })
    })
    .await?;
    comes(ends_at).await?;
    assert_eq!(crowd(&stage, chat).await?, 202);

    let fault = json!({ "fault": "participant_id_invalid", "chat_id": chat, "probability": 0.2 });
    let fault = stage.order("faults", fault).await?;
    stage.stack.sweep().await?;
    until("some have left", || async {
        let there = crowd(&stage, chat).await?;
        Ok(if there < 180 { Ok(()) } else { Err(there.to_string()) })
    })
    .await?;
    rights(&stage, &shop, "remove", "restrict_members").await?;
    stage.group_is(&shop.id, "degraded").await?;
    until("removals wait for the right", || async {
        let lines = stage.audit(&shop.id).await?;
        let parked = lines.iter().any(|line| text(line, "action") == "member.removal_parked");
        Ok(if parked { Ok(()) } else { Err(format!("{} lines", lines.len())) })
    })
    .await?;
    assert!(crowd(&stage, chat).await? > 2, "not all could be put out");
    rights(&stage, &shop, "add", "restrict_members").await?;
    stage.group_is(&shop.id, "ready").await?;
    // The sweep takes up again what waits; in AWS it comes every half hour. Here each is a process,
    // which takes from the functions what it needs.
    let all_but = async |few: usize| {
        tokio::time::sleep(Duration::from_secs(2)).await;
        stage.stack.sweep().await?;
        let there = crowd(&stage, chat).await? - 2;
        Ok::<_, Trouble>(if there <= few { Ok(()) } else { Err(there.to_string()) })
    };
    until("nearly all have left", || all_but(20)).await?;
    // Whoever met the fault by chance again and again waits longer each time, but not longer than it
    // has lasted so far: the last of them are out that long after its end.
    stage.lift(&fault).await?;
    until("all have left", || all_but(0)).await?;
    let is_left = async |state: &str| {
        let list = format!("/traders/services/{}/subscriptions?membership={state}", shop.id);
        Ok::<_, Trouble>(stage.all(&list, 100).await?.len())
    };
    until("nobody is on their way out", || async {
        stage.stack.sweep().await?;
        let (joined, leaving) = (is_left("joined").await?, is_left("leaving").await?);
        Ok(if joined + leaving == 0 { Ok(()) } else { Err(format!("{joined} {leaving}")) })
    })
    .await?;
    let lines = stage.audit(&shop.id).await?;
    let removed = lines.iter().filter(|line| {
        matches!(text(line, "action"), "member.removed" | "member.left" | "member.never_inside")
    });
    assert_eq!(removed.count(), 200, "every end is on record, once");
    let value = Value::from(lines).to_string();
    assert!(!value.contains("telegram_user_id"));
    Ok(())
}
