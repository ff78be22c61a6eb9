//! What every route promises: idempotency, ownership, pages, problems.

use serde_json::{Value, json};
use testkit::House;
use testkit::functions::{Answer, Request};
use testkit::house::{Place, text};

use crate::{one_service, signal};

/// Every POST of a trader or the storefront that makes or sends something, with two bodies.
fn posts(house: &House, place: &Place, spare: &str) -> Vec<(&'static str, String, Value, Value)> {
    let group = format!("/traders/services/{}/telegram-group", place.service);
    let service = |name: &str| {
        let price = json!({ "amount": "1", "currency": "EUR" });
        json!({ "name": name, "price": price, "duration_days": 7 })
    };
    let alert = |symbol: &str| {
        let mut body = signal(symbol);
        body["service_id"] = json!(place.service);
        body
    };
    let about =
        text(&house.trader("t1").alerts(&place.service, signal("ZERO")).is(202), "/alert_id");
    house.settle();
    let update = |kind: &str| json!({ "kind": kind });
    let sold = text(&house.storefront().sells(&place.service, "c-0"), "/id");
    let (now, later) = (json!({ "when": "now" }), json!({ "when": "period_end" }));
    let purchase = |customer: &str| json!({ "service_id": place.service, "customer_id": customer });
    let (pool, link) = (json!({ "mode": "auto" }), json!({ "mode": "link" }));
    vec![
        ("t1", "/traders/services".to_owned(), service("A"), service("B")),
        ("t1", format!("/traders/services/{spare}/telegram-group/create"), pool, link),
        (
            "t1",
            format!("{group}/generate-link"),
            json!({ "kind": "single_use" }),
            json!({ "kind": "permanent" }),
        ),
        ("t1", "/alerts".to_owned(), alert("ONE"), alert("TWO")),
        ("t1", format!("/alerts/{about}/updates"), update("close"), update("cancel")),
        ("storefront", "/subscriptions".to_owned(), purchase("c-1"), purchase("c-2")),
        ("storefront", format!("/subscriptions/{sold}/cancel"), now, later),
    ]
}

fn everything_stored(house: &House) -> usize {
    use store::Table::{Alerts, Services, Subscriptions};
    [Alerts, Services, Subscriptions].map(|table| house.store().rows(table).len()).iter().sum()
}

#[test]
fn the_same_key_gets_the_same_answer_and_nothing_is_done_twice() {
    let (house, place) = one_service();
    let spare = house.trader("t1").creates_service("Spare");
    for (who, path, body, other) in posts(&house, &place, &spare) {
        let send = |body: &Value| {
            house.call(
                Request::json("POST", path.clone(), body).by(who).with("idempotency-key", "k-1"),
            )
        };
        let first = send(&body);
        assert!(first.status < 300 && !first.replayed, "{path}: {first:?}");
        house.settle();
        let stored = everything_stored(&house);
        let again = send(&body);
        assert_eq!(again, Answer { replayed: true, ..first.clone() }, "{path}");
        let spaced = Request {
            body: serde_json::to_string_pretty(&body).unwrap().into_bytes(),
            ..Request::json("POST", path.clone(), &body).by(who).with("idempotency-key", "k-1")
        };
        assert!(house.call(spaced).replayed, "{path}: spaces say nothing");
        let reused = send(&other);
        assert_eq!(reused.status, 422, "{path}: {reused:?}");
        assert_eq!(text(&reused.body, "/type"), "/problems/idempotency-key-reused");
        house.settle();
        assert_eq!(everything_stored(&house), stored, "{path}");
        let fresh = house.call(
            Request::json("POST", path.clone(), &other).by(who).with("idempotency-key", "k-2"),
        );
        assert!(fresh.status < 300 && !fresh.replayed, "{path}: {fresh:?}");
        for key in ["", "with space", &"x".repeat(256)] {
            let bad =
                Request::json("POST", path.clone(), &body).by(who).with("idempotency-key", key);
            assert_eq!(house.call(bad).status, 422, "{path} {key:?}");
        }
    }
}

#[test]
fn the_same_key_at_the_same_moment_does_it_once() {
    let (house, place) = one_service();
    let spare = house.trader("t1").creates_service("Spare");
    for (who, path, body, _) in posts(&house, &place, &spare) {
        let stored = everything_stored(&house);
        let send =
            || Request::json("POST", path.clone(), &body).by(who).with("idempotency-key", "k-9");
        let answers = house.at_once(vec![send(), send(), send()]);
        let good: Vec<_> = answers.iter().filter(|answer| answer.status < 300).collect();
        assert!(!good.is_empty(), "{path}: {answers:?}");
        assert!(good.iter().all(|answer| answer.body == good[0].body), "{path}: {answers:?}");
        assert!(
            answers.iter().all(|it| it.status < 300 || it.status == 409),
            "{path}: {answers:?}"
        );
        assert_eq!(
            answers.iter().filter(|it| it.status < 300 && !it.replayed).count(),
            1,
            "{path}"
        );
        house.settle();
        let again = house.call(send());
        assert_eq!((again.status, &again.body), (good[0].status, &good[0].body), "{path}");
        // A group is taken, and an update stands with its alert.
        let is_new = !path.ends_with("create") && !path.ends_with("updates");
        assert!(everything_stored(&house) > stored || !is_new, "{path}");
    }
    assert_eq!(house.posts(place.group).len(), 4, "the greeting, two alerts, one update");
    let bought = house.audit(&place.service);
    assert_eq!(bought.iter().filter(|it| it.action == "subscription.purchased").count(), 2);
}

#[test]
fn a_name_of_the_callers_own_stands_in_for_the_key() {
    let (house, place) = one_service();
    let mut alert = signal("EURUSD");
    alert["client_alert_id"] = json!("mine-1");
    let first = house.trader("t1").alerts(&place.service, alert.clone());
    let again = house.trader("t1").alerts(&place.service, alert.clone());
    assert_eq!(again, Answer { replayed: true, ..first });
    alert["symbol"] = json!("GBPUSD");
    house.trader("t1").alerts(&place.service, alert).is(422);

    let paid = json!({ "payment_ref": "pay-1" });
    let first = house.storefront().buys(&place.service, "c-1", &paid);
    let again = house.storefront().buys(&place.service, "c-1", &paid);
    assert_eq!(again, Answer { replayed: true, ..first });
    house.storefront().buys(&place.service, "c-2", &paid).is(422);
    let next = json!({ "payment_ref": "pay-2" });
    house.storefront().buys(&place.service, "c-1", &next).is(200);
}

#[test]
fn the_key_of_one_trader_is_not_that_of_another() {
    let house = House::new();
    let body = json!({
        "name": "Gold", "price": { "amount": "1", "currency": "EUR" }, "duration_days": 7,
    });
    let send = |who: &str| {
        let request = Request::json("POST", "/traders/services", &body);
        house.call(request.by(who).with("idempotency-key", "k-1"))
    };
    let (one, two) = (send("t1"), send("t2"));
    assert!(!two.replayed);
    assert_ne!(text(&one.is(201), "/id"), text(&two.is(201), "/id"));
}

#[test]
fn what_is_anothers_is_not_found_on_any_route() {
    let (house, place) = one_service();
    let alert = house.trader("t1").alerts(&place.service, signal("EURUSD")).is(202);
    let mut intruding = signal("GBPUSD");
    intruding["service_id"] = json!(place.service);
    let of = format!("/traders/services/{}", place.service);
    let get = |path: String| Request::bare("GET", path);
    let post = |path: String, body: Value| Request::json("POST", path, &body);
    let requests = || {
        vec![
            get(of.clone()),
            Request::json("PATCH", of.clone(), &json!({ "name": "Mine" })),
            post(format!("{of}/telegram-group/create"), json!({})),
            get(format!("{of}/telegram-group/info")),
            post(format!("{of}/telegram-group/test-alert"), json!({})),
            post(format!("{of}/telegram-group/generate-link"), json!({ "kind": "single_use" })),
            post(format!("{of}/tradingview-url"), json!({})),
            get(format!("{of}/subscriptions")),
            get(format!("{of}/alerts")),
            get(format!("{of}/audit")),
            post("/alerts".to_owned(), intruding.clone()),
            get(format!("/alerts/{}", text(&alert, "/alert_id"))),
            post(
                format!("/alerts/{}/updates", text(&alert, "/alert_id")),
                json!({ "kind": "close" }),
            ),
        ]
    };
    house.settle();
    let (stored, calls) = (everything_stored(&house), house.calls("getChat").len());
    for who in [Some("t2"), None] {
        for mut request in requests() {
            request.subject = who.map(str::to_owned);
            let path = request.path.clone();
            let answer = house.call(request);
            assert_eq!(answer.status, 404, "{path}: {answer:?}");
            let known = text(&answer.body, "/detail");
            assert!(!known.contains(&place.service), "{known}");
        }
    }
    for request in requests() {
        let nowhere = "00000000-0000-4000-8000-000000000000";
        let path = request.path.replace(&place.service, nowhere);
        let path = path.replace(&text(&alert, "/alert_id"), nowhere);
        if path == "/alerts" {
            continue;
        }
        assert_eq!(house.call(Request { path, ..request }.by("t1")).status, 404);
    }
    house.settle();
    assert_eq!(everything_stored(&house), stored);
    assert_eq!(
        house.calls("getChat").len(),
        calls,
        "Telegram was not asked on a stranger's behalf"
    );
    assert_eq!(house.trader("t2").gets("/traders/services").is(200)["items"], json!([]));
    let missing = Request::bare("GET", "/subscriptions/not-an-id");
    assert_eq!(house.storefront().call(missing).status, 404);
}

/// Every item of a list, page by page.
fn walk(house: &House, path: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), String::new());
    for _ in 0..100 {
        let page = house.trader("t1").gets(&format!("{path}?limit={limit}{next}")).is(200);
        let items = page["items"].as_array().unwrap().clone();
        assert!(items.len() <= limit);
        all.extend(items);
        match page["next"].as_str() {
            Some(cursor) => next = format!("&next={cursor}"),
            None => return all,
        }
    }
    panic!("the pages do not end");
}

#[test]
fn lists_come_in_pages_newest_first_and_whole() {
    let (house, place) = one_service();
    for number in 0..23 {
        house.storefront().sells(&place.service, &format!("c-{number:02}"));
        house.waits(jiff::SignedDuration::from_secs(1));
    }
    for number in 0..7 {
        house.trader("t1").creates_service(&format!("S{number}"));
    }
    for number in 0..9 {
        house.trader("t1").alerts(&place.service, signal(&format!("P{number}"))).is(202);
        house.waits(jiff::SignedDuration::from_secs(5));
    }
    let of = format!("/traders/services/{}", place.service);
    for (path, count, newest) in [
        ("/traders/services".to_owned(), 8, "created_at"),
        (format!("{of}/subscriptions"), 23, "starts_at"),
        (format!("{of}/alerts"), 9, "created_at"),
    ] {
        for limit in [1, 4, 23, 100] {
            let all = walk(&house, &path, limit);
            assert_eq!(all.len(), count, "{path} {limit}");
            let times: Vec<_> = all.iter().map(|item| text(item, &format!("/{newest}"))).collect();
            assert!(times.windows(2).all(|two| two[0] >= two[1]), "{path}: {times:?}");
            let mut ids: Vec<_> = all.iter().map(|item| text(item, "/id")).collect();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), count, "{path}: each once");
        }
    }
    let trail = walk(&house, &format!("{of}/audit"), 10);
    assert_eq!(trail.len(), house.audit(&place.service).len());
    assert_eq!(
        house.trader("t1").gets(&format!("{of}/subscriptions")).is(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        23
    );
}

#[test]
fn a_page_that_does_not_exist_is_a_problem() {
    let (house, place) = one_service();
    let of = format!("/traders/services/{}", place.service);
    for list in [
        "/traders/services".to_owned(),
        format!("{of}/subscriptions"),
        format!("{of}/alerts"),
        format!("{of}/audit"),
    ] {
        for query in
            ["limit=0", "limit=101", "limit=x", "limit=-1", "page=2", "next=nonsense", "next="]
        {
            let answer = house.trader("t1").gets(&format!("{list}?{query}"));
            assert_eq!(answer.status, 422, "{list}?{query}: {answer:?}");
            assert!(answer.body["errors"][0]["pointer"].as_str().unwrap().starts_with('?'));
        }
    }
}

#[test]
fn bodies_that_are_none_get_the_stated_problem_on_every_route() {
    let (house, place) = one_service();
    let spare = house.trader("t1").creates_service("Spare");
    let posts = posts(&house, &place, &spare);
    let stored = everything_stored(&house);
    for (who, path, body, _) in posts {
        let good = || Request::json("POST", path.clone(), &body).by(who);
        let with = |bytes: &[u8]| Request { body: bytes.to_vec(), ..good() };
        assert_eq!(house.call(with(b"{\"a\":")).status, 400, "{path}");
        assert_eq!(house.call(with(&[0xff, 0xfe])).status, 400, "{path}");
        assert_eq!(house.call(with(b"[]")).status, 422, "{path}");
        assert_eq!(house.call(with(&vec![b' '; 33 * 1024])).status, 413, "{path}");
        let plain = good().with("content-type", "text/plain");
        assert_eq!(house.call(plain).status, 415, "{path}");
        let mut odd = body.clone();
        odd["colour"] = json!("red");
        let unknown = house.call(Request::json("POST", path.clone(), &odd).by(who)).is(422);
        assert!(unknown["errors"].to_string().contains("/colour"), "{path}: {unknown}");
        assert!(unknown["instance"].as_str().is_some_and(|id| id.starts_with("request-")));
    }
    house.settle();
    assert_eq!(everything_stored(&house), stored);
}

#[test]
fn every_fault_of_a_body_is_named_at_once() {
    let house = House::new();
    let body =
        json!({ "price": { "amount": "-1", "currency": "euro" }, "duration_days": 0, "x": 1 });
    let problem = house.trader("t1").posts("/traders/services", &body).is(422);
    let mut pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|fault| text(fault, "/pointer")).collect();
    pointers.sort();
    assert_eq!(pointers, ["/duration_days", "/name", "/price/amount", "/price/currency", "/x"]);
}

#[test]
fn the_webhook_is_for_telegram_only_and_swallows_what_it_does_not_know() {
    let house = House::new();
    let update = json!({ "update_id": 1, "message": {} });
    let path = "/telegram/webhook";
    let header = "x-telegram-bot-api-secret-token";
    assert_eq!(house.call(Request::json("POST", path, &update)).status, 401);
    assert_eq!(house.call(Request::json("POST", path, &update).with(header, "wrong")).status, 401);
    let secret = testkit::house::WEBHOOK_SECRET;
    let good = |body: &Value| house.call(Request::json("POST", path, body).with(header, secret));
    assert_eq!(good(&json!([])).status, 400);
    assert_eq!(good(&json!({ "message": {} })).status, 400);
    for body in [
        update,
        json!({ "update_id": 2 }),
        json!({ "update_id": 3, "weather": { "wind": 3 } }),
        json!({ "update_id": 4, "chat_member": { "chat": 1 } }),
        json!({ "update_id": 5, "callback_query": { "id": "1", "from": { "id": 5, "is_bot": false } } }),
    ] {
        assert_eq!(good(&body).status, 200, "{body}");
    }
}

#[test]
fn registering_the_webhook_asks_for_everything_and_checks_the_name() {
    let house = House::new();
    let settings = &house.functions().settings;
    let register = |bot: &domain::token::BotName| {
        let url = "https://usher.example/telegram/webhook";
        let secret = testkit::house::WEBHOOK_SECRET;
        let telegram = house.telegram();
        house.functions().clock.run(register_webhook::register(telegram, url, secret, bot))
    };
    register(&settings.bot_name).unwrap();
    let call = house.calls("setWebhook").pop().unwrap();
    for kind in ["message", "my_chat_member", "chat_member", "chat_join_request", "callback_query"]
    {
        assert!(text(&call, "/args/allowed_updates").contains(kind), "{call}");
    }
    assert!(!call.to_string().contains(testkit::house::WEBHOOK_SECRET));
    let commands = house.calls("setMyCommands");
    let languages: Vec<_> = commands.iter().map(|call| &call["args"]["language_code"]).collect();
    assert_eq!(languages, [&json!(null), &json!("de")], "English is for everybody else");
    let other = domain::token::BotName::parse("other_bot").unwrap();
    assert!(register(&other).is_err());
}
