//! Who may call what: tokens, scopes, owners, and the webhook's secret.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Caller, Trouble};

use crate::stage::{Stage, Told, offer};

/// A request that would be carried out if its caller were the right one.
type Route = (Method, String, Option<Value>);

/// Every route of the traders that is about one service.
fn of_a_service(id: &str, alert: &str) -> Vec<Route> {
    let at = |rest: &str| format!("/traders/services/{id}{rest}");
    let signal = json!({ "service_id": id, "symbol": "EURUSD", "action": "buy" });
    vec![
        (Method::GET, at(""), None),
        (Method::PATCH, at(""), Some(json!({ "name": "Stolen" }))),
        (Method::POST, at("/telegram-group/create"), Some(json!({ "mode": "link" }))),
        (Method::GET, at("/telegram-group/info"), None),
        (Method::POST, at("/telegram-group/test-alert"), Some(json!({}))),
        (Method::POST, at("/telegram-group/generate-link"), Some(json!({ "kind": "permanent" }))),
        (Method::POST, at("/tradingview-url"), Some(json!({}))),
        (Method::GET, at("/subscriptions"), None),
        (Method::GET, at("/alerts"), None),
        (Method::GET, at("/audit"), None),
        (Method::POST, "/alerts".to_owned(), Some(signal)),
        (Method::GET, format!("/alerts/{alert}"), None),
        (Method::POST, format!("/alerts/{alert}/updates"), Some(json!({ "kind": "close" }))),
    ]
}

fn of_any_trader() -> Vec<Route> {
    let path = "/traders/services".to_owned();
    vec![(Method::POST, path.clone(), Some(offer("Stolen"))), (Method::GET, path, None)]
}

fn of_the_storefront(service: &str, subscription: &str) -> Vec<Route> {
    let sale = json!({ "service_id": service, "customer_id": "mallory" });
    let path = format!("/subscriptions/{subscription}");
    vec![
        (Method::POST, "/subscriptions".to_owned(), Some(sale)),
        (Method::GET, path.clone(), None),
        (Method::POST, format!("{path}/cancel"), Some(json!({}))),
    ]
}

/// A token under the signature of another one: signed by nobody.
fn forged(token: &str, other: &str) -> String {
    let (claims, _) = token.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    format!("{claims}.{signature}")
}

#[tokio::test]
async fn no_route_is_open_to_who_may_not_call_it() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.buyer(&shop, "Ann").await?;
    let signal = json!({ "service_id": shop.id, "symbol": "EURUSD", "action": "buy" });
    let alert = stage.alert(&signal).await?;
    stage.alert_is(&alert, "sent").await?;
    let before = picture(&stage, &shop.id).await?;

    let Caller::Trader(name) = &stage.trader else { unreachable!() };
    let token = async |scope: &str, seconds| stage.stack.token(scope, name, seconds).await;
    let trader = token("usher/trader", 600).await?;
    let storefront = token("usher/storefront", 600).await?;
    let nobodys = [
        ("no token", Caller::Nobody),
        ("an expired token", Caller::Bearer(token("usher/trader", -60).await?)),
        ("a token that nobody signed", Caller::Bearer(forged(&trader, &storefront))),
        ("what is no token at all", Caller::Bearer("nonsense".to_owned())),
    ];
    let mut traders = of_a_service(&shop.id, &alert);
    traders.extend(of_any_trader());
    let sales = of_the_storefront(&shop.id, &ann.subscription);
    for (with, caller) in &nobodys {
        for (method, path, body) in traders.iter().chain(&sales) {
            let answer = stage.stack.call(caller, method.clone(), path, body.as_ref(), &[]).await?;
            assert_eq!(answer.status, 401, "{method} {path} with {with}: {}", answer.body);
        }
    }
    let other_scope = Caller::Bearer(token("usher/other", 600).await?);
    for (routes, wrong) in [(&traders, &Caller::Storefront), (&sales, &stage.trader)] {
        for (method, path, body) in routes {
            for caller in [wrong, &other_scope] {
                let answer =
                    stage.stack.call(caller, method.clone(), path, body.as_ref(), &[]).await?;
                assert_eq!(answer.status, 403, "{method} {path}: {}", answer.body);
            }
        }
    }
    // Another trader sees nothing of it, and cannot tell it from what does not exist.
    let other = Caller::new_trader();
    let nowhere = "00000000-0000-4000-8000-000000000000";
    let missing = of_a_service(nowhere, nowhere);
    let routes = of_a_service(&shop.id, &alert);
    for ((method, path, body), (_, no_path, no_body)) in routes.iter().zip(&missing) {
        let call = async |path: &str, body: &Option<Value>| {
            let answer = stage.stack.call(&other, method.clone(), path, body.as_ref(), &[]).await?;
            let mut answer = answer.expect_status(404)?;
            assert_eq!(answer.text("/type"), "/problems/not-found");
            assert_eq!(answer.headers["content-type"], "application/problem+json");
            // But for the id of the request, all of them are the same.
            answer.body["instance"] = Value::Null;
            Ok::<_, Trouble>(answer.body)
        };
        assert_eq!(call(path, body).await?, call(no_path, no_body).await?, "{method} {path}");
    }
    let mine = stage.stack.get(&other, "/traders/services").await?.expect_status(200)?;
    assert_eq!(mine.body, json!({ "items": [], "next": null }));

    assert_eq!(picture(&stage, &shop.id).await?, before, "something was changed");
    stage.members_are(shop.chat, &["Ann", "Tara", "the bot"]).await?;
    Ok(())
}

/// Everything that could have been changed.
async fn picture(stage: &Stage, id: &str) -> Result<Vec<Value>, Trouble> {
    let mut lists = vec![Value::from(stage.all("/traders/services", 100).await?)];
    for list in ["subscriptions", "alerts"] {
        lists.push(stage.all(&format!("/traders/services/{id}/{list}"), 100).await?.into());
    }
    Ok(lists)
}

#[tokio::test]
async fn only_telegram_can_report_what_happened_in_telegram() -> Told {
    let stage = Stage::open()?;
    let shop = stage.shop().await?;
    let ann = stage.buyer(&shop, "Ann").await?;
    let member = |status: &str| {
        json!({ "status": status,
                "user": { "id": ann.user, "is_bot": false, "first_name": "Ann" } })
    };
    // As if she had left, the bot had been thrown out, and she had started the bot.
    let chat = json!({ "id": shop.chat, "type": "supergroup", "title": "Gold Signals" });
    let user = json!({ "id": ann.user, "is_bot": false, "first_name": "Ann" });
    let private = json!({ "id": ann.user, "type": "private", "first_name": "Ann" });
    let updates = [
        json!({ "update_id": 900_001, "chat_member": {
            "chat": chat, "from": user, "date": 1_800_000_000,
            "old_chat_member": member("member"), "new_chat_member": member("left") } }),
        json!({ "update_id": 900_002, "my_chat_member": {
            "chat": chat, "from": user, "date": 1_800_000_000,
            "old_chat_member": member("administrator"), "new_chat_member": member("kicked") } }),
        json!({ "update_id": 900_003, "message": {
            "message_id": 1, "date": 1_800_000_000, "chat": private, "from": user,
            "text": "/start" } }),
        json!({ "no": "update" }),
    ];
    let secret = "x-telegram-bot-api-secret-token";
    let trader = Caller::Bearer(stage.stack.token("usher/trader", "telegram", 600).await?);
    for update in &updates {
        for headers in [vec![], vec![(secret, "")], vec![(secret, "not-the-secret")]] {
            for caller in [&Caller::Nobody, &trader] {
                let path = "/telegram/webhook";
                let refused = stage
                    .stack
                    .call(caller, Method::POST, path, Some(update), &headers)
                    .await?
                    .expect_status(401)?;
                assert_eq!(refused.text("/type"), "/problems/wrong-secret");
            }
        }
    }
    // What Telegram itself reports afterwards is seen; nothing of the above was.
    let ben = stage.claiming_buyer(&shop, "Ben").await?;
    assert!(!stage.telegram().told(ben.user).await?.is_empty());
    assert_eq!(stage.subscription(&ann.subscription).await?.text("/membership"), "joined");
    assert_eq!(stage.info(&shop.id).await?.text("/status"), "ready");
    assert!(stage.telegram().told(ann.user).await?.is_empty());
    Ok(())
}
