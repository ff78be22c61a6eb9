//! The books and Telegram are held against each other, and what differs is put right.

use serde_json::{Value, json};
use testkit::House;
use testkit::functions::Request;
use testkit::house::{Place, hours, minutes, text};

use crate::{fault, insider, one_service, pair, stands, story_of};

fn asks_for_check(house: &House, place: &Place) -> Value {
    let path = format!("/traders/services/{}/members/reconcile", place.service);
    house.trader("t1").call(Request::bare("POST", path)).is(202)
}

fn last_check(house: &House, place: &Place) -> Value {
    house.trader("t1").sees_group(&place.service)["members_check"].clone()
}

/// Telegram forgets to tell of what happens meanwhile.
fn untold(house: &House, happens: impl FnOnce()) {
    house.settle();
    happens();
    house.telegram().updates();
}

#[test]
fn what_telegram_forgot_to_tell_is_found_the_next_day() {
    let (house, place) = one_service();
    let (ada, left) = insider(&house, &place, "Ada");
    let (ben, returned) = insider(&house, &place, "Ben");
    let cyd = house.person("Cyd");
    let came = house.storefront().sells_to(&place.service, "c-cyd", &cyd);
    house.storefront().cancels(&returned, "now").is(200);
    untold(&house, || {
        ada.leaves(place.group);
        for person in [&ben, &cyd] {
            let body = json!({ "user": person.id, "chat_id": place.group });
            place.owner.does("add", body);
        }
    });
    assert_eq!(last_check(&house, &place), Value::Null);
    assert_eq!(house.reconciles().begun, 1);
    assert_eq!(stands(&house, &left), pair("active", "invited"));
    assert_eq!(stands(&house, &came), pair("active", "joined"));
    assert_eq!(stands(&house, &returned), pair("cancelled", "removed"));
    assert_eq!(house.members(place.group), ["Cyd", "Usher", "t1 (owner)"]);
    let check = last_check(&house, &place);
    assert_eq!((&check["status"], &check["checked"]), (&json!("done"), &json!(3)));
    assert_eq!((&check["put_right"], &check["known_inside"]), (&json!(3), &json!(2)));
    assert!(story_of(&house, &place, &left).contains(&"member.left".to_owned()));
    assert_eq!(house.reconciles().begun, 0, "once a day");
    asks_for_check(&house, &place);
    house.settle();
    let again = last_check(&house, &place);
    assert_eq!((&again["put_right"], &again["members"]), (&json!(0), &json!(3)));
}

#[test]
fn a_check_of_many_goes_on_where_it_stopped() {
    let (house, place) = one_service();
    for number in 0..35 {
        insider(&house, &place, &format!("P{number:02}"));
    }
    let looks = house.calls("getChatMember").len();
    house.telegram().set_down(true);
    let begun = asks_for_check(&house, &place);
    assert_eq!(begun["status"], "running");
    house.passes(hours(2));
    assert_eq!(asks_for_check(&house, &place)["requested_at"], begun["requested_at"], "one check");
    house.telegram().set_down(false);
    fault(&house, json!({ "fault": "server_error_json", "method": "getChatMember", "count": 3 }));
    house.passes(hours(12));
    let check = last_check(&house, &place);
    assert_eq!((&check["status"], &check["checked"]), (&json!("done"), &json!(35)));
    assert_eq!((&check["put_right"], &check["members"]), (&json!(0), &json!(37)));
    let looks = house.calls("getChatMember").len() - looks;
    assert!(looks < 80, "{looks}: no step is made again and again");
    assert!(house.queue().dead().is_empty());
    let trail = house.steps(&place.service, &format!("check/{}", place.service));
    assert_eq!(trail, ["members.check_begun", "members.checked"], "not a line for each step");
}

#[test]
fn who_was_reported_has_to_leave_once_the_guard_enforces() {
    let house = House::new();
    let place = house.trader("t1").opens_with("Gold", &json!({ "guard": "observe" }));
    let eve = house.person("Eve");
    place.owner.does("add", json!({ "user": eve.id, "chat_id": place.group }));
    house.passes(hours(1));
    let path = format!("/traders/services/{}", place.service);
    let enforce = json!({ "settings": { "guard": "enforce" } });
    house.trader("t1").call(Request::json("PATCH", path, &enforce)).is(200);
    house.reconciles();
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
}

#[test]
fn a_check_of_a_group_that_does_not_work_ends() {
    let (house, place) = one_service();
    insider(&house, &place, "Ada");
    place.owner.does("kick_bot", json!({ "chat_id": place.group }));
    house.settle();
    asks_for_check(&house, &place);
    house.waits(minutes(1));
    let check = last_check(&house, &place);
    assert_eq!((&check["status"], &check["members"]), (&json!("done"), &Value::Null));
    let bare = house.trader("t1").creates_service("Silver");
    let path = format!("/traders/services/{bare}/members/reconcile");
    house.trader("t1").call(Request::bare("POST", path)).is(409);
    assert_eq!(house.reconciles().groups, 1, "{}", text(&check, "/requested_at"));
}
