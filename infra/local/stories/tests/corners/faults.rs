//! Letting in and putting out go on through whatever Telegram answers, and wait where only a person
//! can help.

use futures::future::try_join_all;
use serde_json::json;
use stories::until;

use crate::stage::{Stage, Told};

#[tokio::test]
async fn refusals_at_random_delay_a_removal_and_do_not_stop_it() -> Told {
    let stage = &Stage::open()?;
    let shop = &stage.shop().await?;
    let names = ["Ann", "Ben", "Carl", "Dora"];
    let buyers = try_join_all(names.iter().map(|name| stage.buyer(shop, name))).await?;
    // The first two calls for certain, then about every second one.
    for (count, probability) in [(2, 1.0), (4, 0.5)] {
        let fault = json!({ "fault": "participant_id_invalid", "chat_id": shop.chat,
                            "count": count, "probability": probability });
        stage.order("faults", fault).await?;
    }
    // Nor do answers that tell nothing: it is looked at again before the call is repeated.
    for fault in ["timeout_after", "nonsense", "server_error_html"] {
        let fault = json!({ "fault": fault, "chat_id": shop.chat, "count": 1,
                            "method": "unbanChatMember" });
        stage.order("faults", fault).await?;
    }
    try_join_all(buyers.iter().map(|buyer| stage.cancel(&buyer.subscription, "now"))).await?;
    stage.members_are(shop.chat, &["Tara", "the bot"]).await?;
    for buyer in &buyers {
        stage.membership_is(&buyer.subscription, "removed").await?;
        // Nobody is left banned: the link asks again.
        stage.comes_in(buyer.user, &shop.invite_link).await?;
    }
    let lines = stage.audit(&shop.id).await?;
    assert!(lines.iter().any(|line| line["action"] == json!("member.removal_failed")));
    Ok(())
}

#[tokio::test]
async fn a_removal_without_the_right_to_waits_until_the_right_is_back() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.buyer(&shop, "Ann").await?;
    let promote = async |what: &str| {
        let body = json!({ "by": shop.owner, "chat_id": shop.chat, what: ["restrict_members"] });
        stage.order("promote", body).await
    };
    promote("remove").await?;
    let info = stage.group_is(&shop.id, "degraded").await?;
    assert_eq!(info.text("/problems/0/code"), "cannot_restrict_members");

    stage.cancel(&ann.subscription, "now").await?;
    let item = format!("subscription/{}", ann.subscription);
    stage.is_on_record(&shop.id, &item, "member.removal_parked").await?;
    let there = stage.subscription(&ann.subscription).await?;
    assert_eq!(there.text("/status"), "cancelled");
    assert_eq!(there.text("/membership"), "leaving");
    stage.members_are(shop.chat, &["Ann", "Tara", "the bot"]).await?;

    promote("add").await?;
    let info = stage.group_is(&shop.id, "ready").await?;
    assert_eq!(info.body["problems"], json!([]));
    stage.stack.sweep().await?;
    stage.members_are(shop.chat, &["Tara", "the bot"]).await?;
    stage.membership_is(&ann.subscription, "removed").await?;
    Ok(())
}

/// A refusal that names a missing right is believed, and looked into: Telegram may have said it
/// before it knew better.
#[tokio::test]
async fn a_refusal_for_want_of_a_right_is_looked_into_and_the_removal_tried_again() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.buyer(&shop, "Ann").await?;
    let fault = json!({
        "fault": "error", "code": 400, "method": "unbanChatMember", "chat_id": shop.chat,
        "description": "Bad Request: not enough rights to restrict/unrestrict chat member",
    });
    let fault = stage.order("faults", fault).await?;
    stage.cancel(&ann.subscription, "now").await?;
    let service = format!("service/{}", shop.id);
    stage.is_on_record(&shop.id, &service, "group.bot_right_lost").await?;
    let item = format!("subscription/{}", ann.subscription);
    stage.is_on_record(&shop.id, &item, "member.removal_parked").await?;
    assert_eq!(stage.subscription(&ann.subscription).await?.text("/membership"), "leaving");
    stage.group_is(&shop.id, "ready").await?;
    stage.lift(&fault).await?;
    stage.stack.sweep().await?;
    stage.members_are(shop.chat, &["Tara", "the bot"]).await?;
    stage.membership_is(&ann.subscription, "removed").await?;
    Ok(())
}

#[tokio::test]
async fn who_pays_while_being_removed_is_invited_back() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.claiming_buyer(&shop, "Ann").await?;
    let slow = json!({ "fault": "slow", "hold_ms": 8_000, "method": "unbanChatMember",
                       "chat_id": shop.chat, "count": 1 });
    stage.order("faults", slow).await?;
    stage.cancel(&ann.subscription, "now").await?;
    // Telegram has put her out, and has not said so yet.
    stage.members_are(shop.chat, &["Tara", "the bot"]).await?;
    let paid = stage.sell(&shop.id, "Ann", json!({})).await?;
    assert_eq!(paid.text("/membership"), "leaving", "the call is still under way");
    stage.membership_is(&ann.subscription, "invited").await?;
    stage.telegram().is_told(ann.user, "Please come back in").await?;
    stage.comes_in(ann.user, &shop.invite_link).await?;
    stage.members_are(shop.chat, &["Ann", "Tara", "the bot"]).await?;
    Ok(())
}

#[tokio::test]
async fn a_buyer_gets_in_although_telegram_refuses_at_first() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    for fault in ["server_error_json", "timeout_after"] {
        let fault = json!({ "fault": fault, "method": "approveChatJoinRequest",
                            "chat_id": shop.chat, "count": 1 });
        stage.order("faults", fault).await?;
    }
    let ann = stage.buyer(&shop, "Ann").await?;
    stage.members_are(shop.chat, &["Ann", "Tara", "the bot"]).await?;
    let item = format!("subscription/{}", ann.subscription);
    let actions = stage.is_on_record(&shop.id, &item, "member.joined").await?;
    let joined = actions.iter().filter(|action| *action == "member.joined").count();
    assert_eq!(joined, 1, "{actions:?}");
    Ok(())
}

/// While nothing in Telegram works, purchases are still taken, and carried out later.
#[tokio::test]
async fn buying_needs_no_telegram() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let down = json!({ "fault": "server_error_html", "chat_id": shop.chat });
    let down = stage.order("faults", down).await?;
    let ann = stage.telegram().person("Ann").await?;
    let sold = stage.sell(&shop.id, "ann", json!({ "telegram_user_id": ann })).await?;
    assert_eq!(sold.text("/invite_link"), shop.invite_link);
    stage.comes_in(ann, &shop.invite_link).await?;
    let item = format!("subscription/{}", sold.text("/id"));
    stage.is_on_record(&shop.id, &item, "member.admission_failed").await?;
    let link = format!("/traders/services/{}/telegram-group/generate-link", shop.id);
    let unavailable = until("a link cannot be made", || async {
        let answer = stage.post(&link, &json!({ "kind": "permanent" })).await?;
        Ok(if answer.status == 503 { Ok(answer) } else { Err(answer.body.to_string()) })
    })
    .await?;
    assert_eq!(unavailable.text("/type"), "/problems/unavailable");
    assert!(unavailable.headers.contains_key("retry-after"));
    stage.lift(&down).await?;
    stage.members_are(shop.chat, &["Ann", "Tara", "the bot"]).await?;
    Ok(())
}
