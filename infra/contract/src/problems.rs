//! Problems are those of which the contract tells, word for word where the words are fixed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::{Value, json};
use testkit::functions::Request;
use testkit::house::{minutes, text};
use testkit::memory_telegram::Moment;
use testkit::{Call, Fault};
use web::Problem;

use crate::openapi::Contract;
use crate::stage::Stage;

/// One problem of each kind.
fn kinds() -> Vec<Problem> {
    vec![
        Problem::bad_json("no JSON"),
        Problem::wrong_secret(),
        Problem::not_found(),
        Problem::no_group(),
        Problem::in_progress(),
        Problem::too_large(),
        Problem::unsupported_media_type(),
        Problem::invalid_at("/name", "is missing"),
        Problem::key_reused(),
        Problem::too_many_alerts(SignedDuration::from_secs(4)),
        Problem::again(),
        Problem::internal(),
    ]
}

#[test]
fn the_contract_tells_of_every_kind_of_problem_and_shows_it_as_it_is() {
    let contract = Contract::read();
    let schema = contract.component("schemas", "Problem");
    let told: BTreeSet<_> = schema["properties"]["type"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .cloned()
        .map(text_of)
        .collect();
    let bodies: BTreeMap<_, _> = kinds()
        .iter()
        .map(|problem| problem.body("request"))
        .map(|body| (text(&body, "/type"), body))
        .collect();
    assert_eq!(bodies.keys().cloned().collect::<BTreeSet<_>>(), told);
    // What says something of its own in each case.
    let free = ["/problems/bad-json", "/problems/invalid", "/problems/conflict"];
    let mut shown = BTreeSet::new();
    for example in contract.examples() {
        let Some(kind) = example.value["type"].as_str().filter(|it| it.starts_with('/')) else {
            continue;
        };
        for part in ["title", "status", "detail"] {
            if part == "detail" && free.contains(&kind) {
                continue;
            }
            assert_eq!(example.value[part], bodies[kind][part], "{}", example.place);
        }
        shown.insert(kind.to_owned());
    }
    assert_eq!(shown, told);
}

fn text_of(value: Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn a_body_that_is_no_json_too_large_or_not_declared_is_refused_everywhere() {
    let stage = Stage::new();
    for operation in stage.operations.values().filter(|it| !it.scopes().is_empty()) {
        let id = &operation.id;
        if stage.examples(id).is_empty() {
            continue;
        }
        let with_body = |body: &[u8]| {
            let mut request = stage.request(id, Some(&json!({})));
            request.body = body.to_vec();
            request
        };
        stage.send(id, with_body(b"{\"name\": ")).is(400);
        stage.send(id, with_body(&[0xff])).is(400);
        stage.send(id, with_body(b"[]")).is(422);
        let most = if id == "import-members" { 256 } else { 32 };
        stage.send(id, with_body(&vec![b' '; most * 1024 + 1])).is(413);
        stage.send(id, with_body(b"{}").with("content-type", "text/plain")).is(415);
        let mut bare = with_body(b"{}");
        bare.headers.remove("content-type");
        stage.send(id, bare).is(415);
    }
}

#[test]
fn what_is_somebody_elses_or_nowhere_is_not_found() {
    let stage = Stage::new();
    let nowhere = "00000000-0000-4000-8000-000000000000";
    for operation in stage.operations.values().filter(|it| it.parameter("id").is_some()) {
        let id = &operation.id;
        let body = stage.examples(id).first().cloned();
        for unknown in [nowhere, "x", "5B7A1F0E-3C1D-4F6A-9D2E-8A4C7E1B0F35"] {
            stage.send(id, stage.request_about(id, unknown, body.as_ref())).is(404);
        }
        if operation.scopes() == ["usher/trader"] {
            stage.send(id, stage.request(id, body.as_ref()).by("trader-2")).is(404);
        }
    }
    let alert = &stage.examples("send-alert")[0];
    stage.send("send-alert", stage.request("send-alert", Some(alert)).by("trader-2")).is(404);
}

#[test]
fn a_pass_that_nobody_has_is_not_found() {
    let stage = Stage::new();
    for unknown in ["00000000-0000-4000-8000-000000000000", "x"] {
        let mut request = stage.request("withdraw-pass", None);
        request.path = request.path.replace(&stage.pass, unknown);
        stage.send("withdraw-pass", request).is(404);
    }
}

#[test]
fn an_import_that_nobody_began_is_not_found() {
    let stage = Stage::new();
    let mut request = stage.request("get-import", None);
    request.path = request.path.replace(&stage.import, "00000000-0000-4000-8000-000000000000");
    stage.send("get-import", request).is(404);
}

#[test]
fn a_subscription_that_has_ended_is_not_moved() {
    let stage = Stage::new();
    stage.ask("cancel-subscription").is(200);
    stage.ask("relink-subscription").is(409);
}

#[test]
fn a_caller_without_a_name_is_not_found() {
    let stage = Stage::new();
    for operation in stage.operations.values().filter(|it| it.scopes() == ["usher/trader"]) {
        let id = &operation.id;
        let body = stage.examples(id).first().cloned();
        let mut request = stage.request(id, body.as_ref());
        request.subject = None;
        stage.send(id, request).is(404);
    }
}

#[test]
fn tables_that_cannot_be_reached_are_told_with_a_time_to_come_back() {
    for operation in Contract::read().operations().into_values() {
        let stage = Stage::new();
        let id = &operation.id;
        // An update that changes nothing needs no table.
        if id == "telegram-webhook" {
            continue;
        }
        let body = stage.examples(id).last().cloned();
        let request = stage.request(id, body.as_ref());
        for call in [Call::Read, Call::Commit, Call::List, Call::Count, Call::Audit] {
            stage.house.store().fail_next(Fault::NotDone(call));
        }
        let answer = stage.send(id, request);
        assert!(answer.retry_after.is_some(), "{id}: {answer:?}");
        answer.is(503);
    }
}

#[test]
fn a_row_that_cannot_be_read_is_a_mistake_of_ours() {
    let stage = Stage::new();
    // A service stands where an alert is asked for.
    let rows = stage.house.store().rows(store::Table::Services);
    let row = rows.into_iter().find(|row| row.id == stage.place.service).unwrap();
    stage.house.store().put_item(store::Table::Alerts, store::item_from_row(&row).unwrap());
    let request = stage.request_about("get-alert", &stage.place.service, None);
    stage.send("get-alert", request).is(500);
}

#[test]
fn telegram_out_of_reach_is_told_with_a_time_to_come_back() {
    let stage = Stage::new();
    stage.house.waits(minutes(2));
    stage.house.telegram().set_down(true);
    let body = &stage.examples("generate-link")[0];
    for answer in [stage.call("generate-link", body), stage.ask("group-info")] {
        assert!(answer.retry_after.is_some(), "{answer:?}");
        answer.is(503);
    }
}

#[test]
fn a_group_that_has_too_many_alerts_waiting_takes_no_more() {
    let stage = Stage::new();
    let body = json!({ "service_id": stage.place.service, "symbol": "EURUSD", "action": "sell" });
    let answer = (0..30).map(|_| stage.call("send-alert", &body)).find(|it| it.status != 202);
    let answer = answer.unwrap();
    assert_eq!(answer.retry_after, Some(4), "three seconds for one more, and a bit");
    assert_eq!(answer.is(429)["type"], "/problems/too-many-alerts");
    stage.ask("test-alert").is(429);
}

#[test]
fn without_a_group_nothing_is_posted_and_no_link_is_made() {
    let stage = Stage::new();
    let service = stage.house.trader(crate::stage::TRADER).creates_service("Silver");
    for id in ["test-alert", "generate-link"] {
        let body = stage.examples(id)[0].clone();
        stage.send(id, stage.request_about(id, &service, Some(&body))).is(409);
    }
    let mut alert = stage.examples("send-alert")[0].clone();
    alert["service_id"] = json!(service);
    stage.call("send-alert", &alert).is(409);
    let pool = json!({ "mode": "pool" });
    stage.send("create-group", stage.request_about("create-group", &service, Some(&pool))).is(409);
}

#[test]
fn the_second_of_two_equal_requests_is_told_that_the_first_is_running() {
    let stage = Stage::new();
    let body = stage.examples("generate-link")[0].clone();
    let keyed = || stage.request("generate-link", Some(&body)).with("idempotency-key", "key-1");
    let second = std::sync::Arc::new(std::sync::Mutex::new(None));
    let (request, found) = (keyed(), second.clone());
    stage.house.beside("createChatInviteLink", Moment::Before, move |house| {
        *found.lock().unwrap() = Some(house.call(request));
    });
    stage.send("generate-link", keyed()).is(201);
    let second = second.lock().unwrap().take().unwrap();
    assert!(second.retry_after.is_some());
    assert_eq!(second.is(409)["type"], "/problems/in-progress");
}

#[test]
fn an_account_has_one_subscription_and_a_subscription_one_account() {
    let stage = Stage::new();
    let buys = |customer: &str, user: i64| {
        let body = json!({
            "service_id": stage.place.service,
            "customer_id": customer,
            "telegram_user_id": user,
        });
        stage.call("create-subscription", &body)
    };
    buys("ann", 1001).is(201);
    buys("ann", 1002).is(409);
    buys("ben", 1001).is(409);
}

#[test]
fn who_does_not_know_the_webhooks_secret_is_not_let_in() {
    let stage = Stage::new();
    let update = &stage.examples("telegram-webhook")[0];
    let mut request = stage.request("telegram-webhook", Some(update));
    request.headers.remove("x-telegram-bot-api-secret-token");
    stage.send("telegram-webhook", request).is(401);
    let wrong = Request::json("POST", "/telegram/webhook", update)
        .with("x-telegram-bot-api-secret-token", "another");
    stage.send("telegram-webhook", wrong).is(401);
    stage.call("telegram-webhook", &json!({ "no": "update" })).is(400);
}
