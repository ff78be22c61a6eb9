//! Members who have paid before are taken over.

use serde_json::{Value, json};
use testkit::functions::{Answer, Request};
use testkit::house::{Place, hours, minutes, text};
use testkit::{Call, Fault, House};

use crate::{insider, one_service, service_of_a_used_group};

const FAR: &str = "2027-01-31T12:00:00Z";

fn imports(house: &House, place: &Place, members: &Value) -> Answer {
    let path = format!("/traders/services/{}/members/import", place.service);
    house.trader("t1").posts(&path, &json!({ "members": members }))
}

fn progress(house: &House, place: &Place, begun: &Value) -> Value {
    let id = text(begun, "/id");
    let path = format!("/traders/services/{}/members/import/{id}", place.service);
    house.trader("t1").gets(&path).is(200)
}

fn subscriptions(house: &House, place: &Place) -> Vec<Value> {
    let path = format!("/traders/services/{}/subscriptions?limit=100", place.service);
    house.trader("t1").gets(&path).is(200)["items"].as_array().cloned().unwrap()
}

#[test]
fn nobody_who_paid_before_is_put_out_and_all_leave_at_their_own_end() {
    let (house, place, old) = service_of_a_used_group();
    let new = house.person("New");
    let ends = |days: i64| (house.now() + hours(24 * days)).to_string();
    let members = json!([
        { "telegram_user_id": old.id, "ends_at": ends(10) },
        { "telegram_user_id": new.id.to_string(), "ends_at": ends(20) },
        { "email": "mia@customers.example", "ends_at": ends(20) },
    ]);
    let begun = imports(&house, &place, &members).is(202);
    assert_eq!((&begun["status"], &begun["lines"]), (&json!("running"), &json!(3)));
    house.settle();
    let done = progress(&house, &place, &begun);
    assert_eq!((&done["status"], &done["added"]), (&json!("done"), &json!(3)));
    let found = subscriptions(&house, &place);
    let inside: Vec<_> = found.iter().filter(|it| it["membership"] == "joined").collect();
    assert_eq!(inside.len(), 1, "who is inside already is found: {found:?}");
    // One more, outside until now, comes in by the link; one by the claim link of the list.
    new.enters(&place.link);
    let mia = house.person("Mia");
    let claim = found.iter().find(|it| it["claim_link"] != Value::Null).unwrap();
    mia.enters(&text(claim, "/claim_link"));
    mia.enters(&place.link);
    assert_eq!(house.members(place.group), ["Mia", "New", "Old", "Tara", "Usher"]);
    house.passes(hours(24 * 10) + minutes(30));
    assert_eq!(house.members(place.group), ["Mia", "New", "Tara", "Usher"]);
    house.passes(hours(24 * 10) + minutes(30));
    assert_eq!(house.members(place.group), ["Tara", "Usher"]);
    let shown =
        serde_json::to_string(&house.answers().iter().map(|it| &it.body).collect::<Vec<_>>());
    let shown = shown.unwrap();
    assert!(!shown.contains("customers.example") && !shown.contains(&format!("\"{}\"", old.id)));
}

#[test]
fn every_bad_line_is_named_and_nothing_is_half_done() {
    let (house, place) = one_service();
    let members = json!([
        { "telegram_user_id": 5001, "ends_at": FAR },
        { "telegram_user_id": "x", "ends_at": FAR },
        { "ends_at": FAR },
        { "email": "a@b.example", "telegram_user_id": 5002, "ends_at": FAR },
        { "email": "a@b.example", "ends_at": "2020-01-01T00:00:00Z" },
        { "email": "m@b.example", "ends_at": FAR },
        { "email": "M@b.example", "ends_at": FAR },
        { "telegram_user_id": 5001, "ends_at": FAR, "note": "x" },
        7,
    ]);
    let refused = imports(&house, &place, &members).is(422);
    let faults = refused["errors"].as_array().unwrap();
    let named: Vec<_> = faults.iter().map(|it| it["pointer"].as_str().unwrap()).collect();
    let expected = [
        "/members/1/telegram_user_id",
        "/members/2/telegram_user_id",
        "/members/3/email",
        "/members/4/ends_at",
        "/members/6/email",
        "/members/7/telegram_user_id",
        "/members/7/note",
        "/members/8",
    ];
    assert_eq!(named, expected);
    house.settle();
    assert!(subscriptions(&house, &place).is_empty());
    for bad in [json!([]), json!("x"), Value::Null] {
        imports(&house, &place, &bad).is(422);
    }
    let line = json!({ "telegram_user_id": 1, "ends_at": FAR });
    imports(&house, &place, &json!(vec![line; 1_001])).is(422);
}

#[test]
fn who_has_a_subscription_keeps_it_and_never_loses_time() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    let longer = (house.now() + hours(24 * 90)).to_string();
    for (ends_at, count) in [("2026-01-10T00:00:00Z", "unchanged"), (&longer, "extended")] {
        let line = json!([{ "telegram_user_id": ada.id, "ends_at": ends_at }]);
        let begun = imports(&house, &place, &line).is(202);
        house.settle();
        assert_eq!(progress(&house, &place, &begun)[count], 1, "{count}");
    }
    let now = house.storefront().reads(&sold);
    assert_eq!((&now["end_date"], &now["membership"]), (&json!(longer), &json!("joined")));
    assert_eq!(subscriptions(&house, &place).len(), 1);
}

#[test]
fn a_thousand_lines_are_carried_out_though_the_tables_stumble() {
    let (house, place) = one_service();
    let line = |number: i64| json!({ "telegram_user_id": 70_000 + number, "ends_at": FAR });
    let members: Vec<_> = (0..1_000).map(line).collect();
    let begun = imports(&house, &place, &json!(members)).is(202);
    for _ in 0..30 {
        house.store().fail_next(Fault::NotDone(Call::Commit));
    }
    house.passes(hours(2));
    let done = progress(&house, &place, &begun);
    assert_eq!((&done["status"], &done["done"]), (&json!("done"), &json!(1_000)));
    assert_eq!((&done["added"], &done["over"]), (&json!(1_000), &json!([])));
    let trail = house.steps(&place.service, &format!("import/{}", text(&begun, "/id")));
    assert_eq!(trail, ["members.import_begun", "members.imported"]);
}

#[test]
fn a_list_that_is_sent_again_is_known_although_one_of_its_times_has_passed_since() {
    let (house, place) = one_service();
    let path = format!("/traders/services/{}/members/import", place.service);
    let soon = (house.now() + minutes(5)).to_string();
    let body = json!({ "members": [{ "email": "a@b.example", "ends_at": soon }] });
    let ask = || Request::json("POST", path.clone(), &body).with("idempotency-key", "k-1").by("t1");
    let first = house.call(ask());
    house.waits(minutes(10));
    let again = house.call(ask());
    assert_eq!((again.status, again.replayed, again.body), (202, true, first.body));
    house.call(Request::json("POST", path.clone(), &body).by("t1")).is(422);
}

#[test]
fn the_same_list_under_the_same_key_is_taken_over_once() {
    let (house, place) = one_service();
    let path = format!("/traders/services/{}/members/import", place.service);
    let body = json!({ "members": [{ "email": "a@b.example", "ends_at": FAR }] });
    let ask = || Request::json("POST", path.clone(), &body).with("idempotency-key", "k-1").by("t1");
    let first = house.call(ask());
    house.settle();
    let again = house.call(ask());
    assert_eq!((again.status, again.replayed, again.body), (202, true, first.body));
    house.settle();
    assert_eq!(subscriptions(&house, &place).len(), 1);
}
