//! The real functions take what the contract shows, and answer what it promises.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::house::{minutes, text};

use crate::stage::{Stage, TRADER, guest};

#[test]
fn every_request_that_the_contract_shows_is_taken() {
    let operations: Vec<_> = Stage::new().operations.into_values().collect();
    for operation in operations {
        let id = &operation.id;
        let bodies = Stage::new().examples(id).len();
        for number in 0..bodies {
            let stage = Stage::new();
            let body = &stage.examples(id)[number];
            let answer = stage.call(id, body);
            assert!(answer.status < 300, "{id}: {body} leads to {}", answer.body);
        }
        let required = &operation.body["requestBody"]["required"];
        if bodies == 0 || required == false {
            let answer = Stage::new().ask(id);
            assert!(answer.status < 300, "{id} without a body leads to {}", answer.body);
        }
    }
}

#[test]
fn every_good_answer_of_which_the_contract_tells_is_given() {
    let stage = every_scene();
    let mut told = BTreeSet::new();
    for operation in stage.operations.values() {
        let statuses = stage.contract.responses(operation).into_keys();
        let good = statuses.filter(|status| *status < 300);
        told.extend(good.map(|status| (operation.id.clone(), status)));
    }
    let given = stage.seen.borrow().iter().filter(|(_, s)| *s < 300).cloned().collect();
    let never: Vec<_> = told.difference(&given).collect();
    assert!(never.is_empty(), "{never:?}");
}

#[test]
fn a_repeated_request_gets_the_same_answer_and_says_so() {
    let operations: Vec<_> = Stage::new().operations.into_values().collect();
    let with_key: Vec<_> = operations.iter().filter(|operation| operation.takes_key()).collect();
    assert!(with_key.len() > 4);
    for operation in with_key {
        let id = &operation.id;
        let stage = Stage::new();
        let bodies = stage.examples(id);
        let keyed = |body| stage.request(id, Some(body)).with("idempotency-key", "key-1");
        let first = stage.send(id, keyed(&bodies[0]));
        stage.house.waits(minutes(10));
        let second = stage.send(id, keyed(&bodies[0]));
        assert!(!first.replayed && second.replayed, "{id}");
        assert_eq!((first.status, &first.body), (second.status, &second.body), "{id}");
        if let Some(other) = bodies.get(1) {
            let problem = stage.send(id, keyed(other)).is(422);
            assert_eq!(problem["type"], "/problems/idempotency-key-reused", "{id}");
        }
    }
}

#[test]
fn a_list_is_read_page_by_page() {
    let stage = Stage::new();
    for number in 2..5 {
        let trader = stage.house.trader(TRADER);
        trader.creates_service(&format!("Service {number}"));
        trader.alerts(&stage.place.service, json!({ "symbol": "A", "action": "buy" })).is(202);
        stage.house.storefront().sells(&stage.place.service, &format!("customer-{number}"));
        guest(&stage.house, &stage.place, &format!("Guest {number}"));
    }
    stage.house.settle();
    for operation in stage.operations.values().filter(|it| it.parameter("next").is_some()) {
        let id = &operation.id;
        let mut whole = stage.request(id, None);
        whole.path.push_str("?limit=100");
        let all = stage.send(id, whole).is(200);
        let (mut items, mut next) = (Vec::new(), None::<String>);
        loop {
            let mut request = stage.request(id, None);
            request.path.push_str("?limit=1");
            if let Some(next) = &next {
                request.path.push_str(&format!("&next={next}"));
            }
            let page = stage.send(id, request).is(200);
            items.extend(page["items"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(more) => next = Some(more.to_owned()),
                None => break,
            }
        }
        assert!(items.len() >= 4, "{id}: {}", items.len());
        assert_eq!(json!(items), all["items"], "{id}");
    }
}

/// Plays whatever leads to another kind of answer.
pub(crate) fn every_scene() -> Stage {
    let stage = Stage::new();
    let mut ids: Vec<_> = stage.operations.keys().cloned().collect();
    // While the subscription runs.
    ids.sort_by_key(|id| id != "relink-subscription");
    for id in &ids {
        let bodies = stage.examples(id);
        for (number, body) in bodies.iter().enumerate() {
            let mut request = stage.request(id, Some(body));
            if stage.operation(id).takes_key() {
                request = request.with("idempotency-key", &format!("key-{number}"));
            }
            stage.send(id, request).is_good();
        }
        if bodies.is_empty() {
            stage.ask(id).is_good();
        }
    }
    stage.house.settle();
    groups(&stage);
    buyers(&stage);
    passes(&stage);
    alerts(&stage);
    stage
}

fn passes(stage: &Stage) {
    // Telegram does not say by which link a guest came: there is an older one that waits.
    let guests = || stage.ask("list-passes").is(200)["items"].as_array().map(Vec::len);
    let before = guests();
    let unnamed = json!({ "fault": "link_unnamed", "method": "chat_member", "count": 1 });
    stage.house.telegram().control("faults", unnamed);
    let body = json!({ "kind": "single_use" });
    let link = stage.call("generate-link", &body).is(201);
    assert_eq!(stage.house.person("Hal").taps(&text(&link, "/invite_link")), "joined");
    hear_telegram(stage);
    stage.house.settle();
    assert_eq!(guests(), before.map(|before| before + 1));
    // A guest who has a subscription beside the pass.
    let link = guest(&stage.house, &stage.place, "Gil");
    hear_telegram(stage);
    let pass = text(&stage.ask("list-passes").is(200)["items"][0], "/id");
    assert_eq!(pass, text(&link, "/id"));
    let members = stage.house.group(stage.place.group)["members"].clone();
    let gil = members.as_array().unwrap().iter().find(|it| it["name"] == "Gil").unwrap().clone();
    let body = json!({
        "service_id": stage.place.service,
        "customer_id": "gil",
        "telegram_user_id": gil["user"],
    });
    let sold = stage.call("create-subscription", &body).is(201);
    let id = text(&sold, "/id");
    stage
        .send("cancel-subscription", stage.request_about("cancel-subscription", &id, None))
        .is(200);
    stage.house.settle();
    let mut request = stage.request("withdraw-pass", None);
    request.path = request.path.replace(&stage.pass, &pass);
    stage.send("withdraw-pass", request).is(200);
    stage.house.settle();
    let read = stage.send("get-subscription", stage.request_about("get-subscription", &id, None));
    assert_eq!(read.is(200)["membership"], "removed");
    // Somebody whose account is known is moved to another.
    let body = json!({
        "service_id": stage.place.service, "customer_id": "rea", "telegram_user_id": 2001,
    });
    let sold = stage.call("create-subscription", &body).is(201);
    let id = text(&sold, "/id");
    let relink = stage.request_about("relink-subscription", &id, None);
    assert_eq!(stage.send("relink-subscription", relink).is(200)["telegram_linked"], false);
}

/// Brings what Telegram has to tell to the webhook.
fn hear_telegram(stage: &Stage) {
    for update in stage.house.telegram().updates() {
        stage.call("telegram-webhook", &update).is(200);
    }
}

fn groups(stage: &Stage) {
    let about = |operation: &str, service: &str, body: Option<&Value>| {
        stage.send(operation, stage.request_about(operation, service, body))
    };
    // Without a group, with a set-up link, and with a spare group.
    let bare = stage.house.trader(TRADER).creates_service("Silver");
    assert_eq!(about("group-info", &bare, None).is(200)["status"], "none");
    about("create-group", &bare, Some(&json!({}))).is(202);
    assert_eq!(about("group-info", &bare, None).is(200)["status"], "awaiting_bot");
    let operator = stage.house.person("Olga");
    operator.adds_bot(&stage.house.pool_link(), json!({ "title": "Spare" }));
    hear_telegram(stage);
    stage.house.settle();
    let pooled = about("create-group", &bare, Some(&json!({ "mode": "pool" }))).is(201);
    assert_eq!(pooled["title"], "Silver");
    about("create-group", &bare, None).is(200);
    // What is known is too old, so Telegram is asked.
    stage.house.waits(minutes(2));
    assert_eq!(stage.ask("group-info").is(200)["status"], "ready");
    // A right is taken away and given back.
    let change = |how: &str| {
        let body = json!({ "chat_id": stage.place.group, "bot": 100, how: ["restrict_members"] });
        stage.place.owner.does("promote", body);
        stage.house.waits(minutes(2));
        stage.ask("group-info").is(200)
    };
    let degraded = change("remove");
    assert_eq!(degraded["status"], "degraded");
    assert_eq!(degraded["problems"][0]["code"], "cannot_restrict_members");
    change("add");
    assert_eq!(stage.ask("group-info").is(200)["status"], "ready");
}

fn buyers(stage: &Stage) {
    let bob = stage.house.person("Bob");
    let body = json!({
        "service_id": stage.place.service,
        "customer_id": "bob",
        "telegram_user_id": bob.id.to_string(),
    });
    let sold = stage.call("create-subscription", &body).is(201);
    let about = |operation: &str, body: Option<&Value>| {
        let id = text(&sold, "/id");
        stage.send(operation, stage.request_about(operation, &id, body)).is(200)
    };
    assert_eq!(bob.taps(&stage.place.link), "requested");
    hear_telegram(stage);
    stage.house.settle();
    assert_eq!(about("get-subscription", None)["membership"], "joined");
    let later = about("cancel-subscription", Some(&json!({ "when": "period_end" })));
    assert_eq!((&later["status"], &later["membership"]), (&json!("cancelled"), &json!("joined")));
    assert_eq!(about("cancel-subscription", None)["membership"], "leaving");
    stage.house.settle();
    assert_eq!(about("get-subscription", None)["membership"], "removed");
    stage.call("create-subscription", &body).is(200);
    stage.ask("list-subscriptions").is(200);
    let mut request = stage.request("list-subscriptions", None);
    request.path.push_str("?format=csv&status=active");
    assert!(stage.send("list-subscriptions", request).is(200).is_string());
}

fn alerts(stage: &Stage) {
    let look =
        |id: &str| stage.send("get-alert", stage.request_about("get-alert", id, None)).is(200);
    let accepted = text(&stage.ask("test-alert").is(202), "/alert_id");
    assert_eq!(look(&accepted)["status"], "queued");
    stage.house.settle();
    assert_eq!(look(&accepted)["status"], "sent");
    // Nobody has told yet that the bot was put out.
    stage.place.owner.does("kick_bot", json!({ "chat_id": stage.place.group }));
    let body = json!({ "service_id": stage.place.service, "symbol": "EURUSD", "action": "sell" });
    let lost = text(&stage.call("send-alert", &body).is(202), "/alert_id");
    stage.house.settle();
    let failed = look(&lost);
    assert_eq!(failed["failure"]["code"], "bot_outside", "{failed}");
    stage.ask("list-alerts").is(200);
    stage.ask("list-audit").is(200);
    stage.ask("list-services").is(200);
}

#[test]
fn what_is_told_of_a_group_that_was_just_bound_keeps_to_the_contract() {
    let stage = Stage::new();
    let service = stage.house.trader(TRADER).creates_service("Silver");
    let ask = || stage.send("create-group", stage.request_about("create-group", &service, None));
    let link = text(&ask().is(202), "/setup_link");
    stage.house.person("Tom").adds_bot(&link, json!({ "title": "Tom's own" }));
    // Telegram tells the webhook, and the sender has not looked yet.
    hear_telegram(&stage);
    let bound = ask().is(200);
    assert_eq!((&bound["status"], &bound["invite_link"]), (&json!("awaiting_bot"), &Value::Null));
}
