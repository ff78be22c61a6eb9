//! A chart sends alerts by an address that is its secret.

use jiff::SignedDuration;
use serde_json::{Value, json};
use testkit::House;
use testkit::functions::{Answer, Request};
use testkit::house::{Place, minutes, text};
use testkit::{Call, Fault};

use crate::{one_service, signal};

fn ask(place: &Place) -> Request {
    let path = format!("/traders/services/{}/tradingview-url", place.service);
    Request::bare("POST", path).by("t1")
}

/// An address for the charts of the service.
fn address(house: &House, place: &Place) -> String {
    text(&house.call(ask(place)).is(201), "/url")
}

fn path(address: &str) -> String {
    address.strip_prefix("https://api.usher.example").unwrap().to_owned()
}

fn raises(house: &House, address: &str, body: &Value) -> Answer {
    house.call(Request::json("POST", path(address), body))
}

fn buy(symbol: &str) -> Value {
    json!({ "ticker": symbol, "action": "buy", "price": 64250.5, "timeframe": "15" })
}

fn alerts(house: &House, place: &Place) -> Vec<Value> {
    let path = format!("/traders/services/{}/alerts", place.service);
    house.trader("t1").gets(&path).is(200)["items"].as_array().unwrap().clone()
}

#[test]
fn an_alert_of_a_chart_stands_in_the_group_like_any_other() {
    let (house, place) = one_service();
    let chart = address(&house, &place);
    let accepted = raises(&house, &chart, &buy("BTCUSDT")).is(202);
    assert_eq!(accepted["status"], "queued");
    house.settle();
    let told = text(house.posts(place.group).last().unwrap(), "/text");
    assert!(told.contains("BUY BTCUSDT") && told.contains("Entry: 64250.5"), "{told}");
    let seen = house.trader("t1").sees_alert(&text(&accepted, "/alert_id"));
    assert_eq!(seen["status"], "sent");
    let item = format!("alert/{}", text(&accepted, "/alert_id"));
    assert_eq!(house.steps(&place.service, &item)[0], "alert.queued");
    assert!(
        house.audit(&place.service).iter().any(|it| it.action == "service.tradingview_url_made")
    );
}

#[test]
fn a_plain_text_names_one_field_in_each_line() {
    let (house, place) = one_service();
    let chart = address(&house, &place);
    let plain = |body: &str| {
        let request =
            Request { body: body.as_bytes().to_vec(), ..Request::bare("POST", path(&chart)) };
        house.call(request.with("content-type", "text/plain; charset=utf-8"))
    };
    plain("symbol: EURUSD\naction: sell\nprice: 1.1000\nsl: 1.1050\ntargets: 1.09, 1.08").is(202);
    house.settle();
    let told = text(house.posts(place.group).last().unwrap(), "/text");
    for part in ["SELL EURUSD", "Entry: 1.1000", "Target 2: 1.08", "Stop loss: 1.1050"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    plain("BUY EURUSD now!").is(400);
    let unfilled = plain("symbol: {{ticker}}\naction: buy\nprice: {{close}}").is(422);
    assert!(unfilled["errors"].to_string().contains("/entry"), "{unfilled}");
    let broken = plain(r#"{"ticker": "BTCUSDT", "action": "buy", "price": {{close}}}"#).is(422);
    assert!(text(&broken, "/detail").contains("placeholder"), "{broken}");
    assert_eq!(alerts(&house, &place).len(), 1);
}

#[test]
fn a_new_address_replaces_the_old_one_at_once() {
    let (house, place) = one_service();
    let old = address(&house, &place);
    let new = address(&house, &place);
    assert_ne!(old, new);
    raises(&house, &old, &buy("OLD")).is(404);
    raises(&house, &new, &buy("NEW")).is(202);
    assert_eq!(alerts(&house, &place).len(), 1);
}

#[test]
fn a_wrong_address_is_not_found_whatever_is_wrong_with_it() {
    let (house, place) = one_service();
    let other = house.trader("t1").opens("Silver");
    let good = address(&house, &place);
    address(&house, &place);
    let mut changed = address(&house, &other);
    changed.replace_range(changed.len() - 1.., if changed.ends_with('A') { "B" } else { "A" });
    let link = text(
        &house
            .trader("t1")
            .asks_for_group(&house.trader("t1").creates_service("Bare"), "link")
            .is(202),
        "/setup_link",
    );
    let start = link.split("startgroup=").nth(1).unwrap().split('&').next().unwrap();
    let kind = format!("https://api.usher.example/ingest/tradingview/{start}");
    let nonsense = "https://api.usher.example/ingest/tradingview/nonsense".to_owned();
    let answers: Vec<_> = [good, changed, kind, nonsense]
        .iter()
        .map(|address| {
            let problem = raises(&house, address, &buy("EURUSD")).is(404);
            let token = address.rsplit('/').next().unwrap();
            assert!(!problem.to_string().contains(token), "{problem}");
            (problem["title"].clone(), problem["detail"].clone())
        })
        .collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "nobody is told which");
    assert!(alerts(&house, &place).is_empty());
}

#[test]
fn what_tradingview_repeats_is_one_alert_and_what_comes_later_is_another() {
    let (house, place) = one_service();
    let chart = address(&house, &place);
    // Wherever the half minutes begin.
    for shift in 0..6 {
        let body = buy(&format!("PAIR{shift}"));
        let first = raises(&house, &chart, &body).is(202);
        for _ in 0..3 {
            house.waits(SignedDuration::from_secs(8));
            let again = raises(&house, &chart, &body);
            assert_eq!((again.status, again.replayed, &again.body), (202, true, &first));
        }
        house.waits(SignedDuration::from_secs(11));
        let later = raises(&house, &chart, &body);
        assert!(!later.replayed && later.is(202) != first, "35 seconds later");
        house.waits(SignedDuration::from_secs(31));
    }
    assert_eq!(alerts(&house, &place).len(), 12);
    // What says when it was raised is told apart sooner.
    let at = |time: &str| {
        let mut body = buy("TIMED");
        body["time"] = json!(time);
        raises(&house, &chart, &body)
    };
    assert!(!at("2026-01-01T09:00:00Z").replayed);
    assert!(!at("2026-01-01T09:00:01Z").replayed);
    assert!(at("2026-01-01T09:00:01Z").replayed);
}

#[test]
fn what_does_not_fit_is_refused_by_name_and_too_much_at_once_too() {
    let (house, place) = one_service();
    let chart = address(&house, &place);
    let mut bad = signal("EURUSD");
    bad["service_id"] = json!(place.service);
    bad["entry"] = json!("{{close}}");
    let problem = raises(&house, &chart, &bad).is(422);
    let errors = problem["errors"].to_string();
    assert!(errors.contains("/service_id") && errors.contains("/entry"), "{errors}");
    let form = Request::bare("POST", path(&chart));
    assert_eq!(house.call(form.with("content-type", "text/html")).status, 415);
    let answers: Vec<_> =
        (0..25).map(|number| raises(&house, &chart, &buy(&format!("P{number}")))).collect();
    let taken = answers.iter().take_while(|answer| answer.status == 202).count();
    assert_eq!(taken, 21);
    assert!(answers[taken..].iter().all(|it| it.status == 429 && it.retry_after.is_some()));
    house.waits(minutes(3));
}

#[test]
fn while_the_table_cannot_be_reached_tradingview_is_told_to_come_again() {
    let (house, place) = one_service();
    let chart = address(&house, &place);
    house.store().fail_next(Fault::NotDone(Call::Commit));
    let body = buy("EURUSD");
    let refused = raises(&house, &chart, &body);
    assert_eq!(refused.status, 503, "TradingView repeats a call that was answered with 5xx");
    raises(&house, &chart, &body).is(202);
    house.settle();
    assert_eq!(alerts(&house, &place).len(), 1);
}

#[test]
fn the_same_key_gets_the_same_address_and_no_new_one_is_made() {
    let (house, place) = one_service();
    let send = || house.call(ask(&place).with("idempotency-key", "k-1"));
    let first = send();
    let again = send();
    assert_eq!(again, Answer { replayed: true, ..first.clone() });
    let chart = text(&first.is(201), "/url");
    raises(&house, &chart, &buy("EURUSD")).is(202);
    let at_once: Vec<_> = (0..3).map(|_| ask(&place).with("idempotency-key", "k-2")).collect();
    let answers = house.at_once(at_once);
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    raises(&house, &chart, &buy("GBPUSD")).is(404);
    raises(&house, &text(&answers[0].body, "/url"), &buy("GBPUSD")).is(202);
}
