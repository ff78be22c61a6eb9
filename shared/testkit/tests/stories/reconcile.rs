//! The books and Telegram are held against each other, and what differs is put right.

use serde_json::{Value, json};
use testkit::House;
use testkit::functions::Request;
use testkit::house::{Place, hours, minutes, text};
use testkit::memory_telegram::{Moment, WireFault};

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
fn one_who_cannot_be_looked_at_does_not_end_the_check_of_the_others() {
    let (house, place) = one_service();
    let left = ["Ada", "Ben", "Cyd"].map(|name| insider(&house, &place, name));
    untold(&house, || left.iter().for_each(|(person, _)| person.leaves(place.group)));
    let refused = json!({
        "fault": "error", "method": "getChatMember", "count": 1, "code": 400,
        "description": "Bad Request: nobody has heard of this",
    });
    fault(&house, refused);
    house.reconciles();
    let check = last_check(&house, &place);
    assert_eq!((&check["status"], &check["checked"]), (&json!("done"), &json!(2)));
    assert_eq!((&check["put_right"], &check["members"]), (&json!(2), &json!(2)));
    house.passes(hours(25));
    house.reconciles();
    for (_, sold) in &left {
        assert_eq!(stands(&house, sold), pair("active", "invited"));
    }
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

#[test]
fn whoever_asked_while_nobody_was_told_is_let_in_when_the_right_returns() {
    let (house, place) = one_service();
    let buyer = |name: &str| {
        let person = house.person(name);
        let sold = house.storefront().sells_to(&place.service, &format!("c-{name}"), &person);
        (person, sold)
    };
    let (ada, asked) = buyer("Ada");
    let (_, silent) = buyer("Ben");
    let (cyd, over) = buyer("Cyd");
    let (dan, banned) = buyer("Dan");
    let eve = house.person("Eve");
    // The bot loses the right to hear of requests.
    let right = |what: &str| json!({ "chat_id": place.group, what: ["invite_users"] });
    place.owner.does("promote", right("remove"));
    house.settle();
    for person in [&ada, &cyd, &eve] {
        assert_eq!(person.enters(&place.link), "requested");
    }
    place.owner.does("ban", json!({ "user": dan.id, "chat_id": place.group }));
    house.storefront().cancels(&over, "now").is(200);
    place.owner.does("promote", right("add"));
    house.waits(minutes(1));
    assert_eq!(house.reconciles().begun, 0, "one was begun when the right came back");
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &asked), pair("active", "joined"));
    for sold in [&silent, &banned] {
        assert_eq!(stands(&house, sold), pair("active", "invited"));
        assert_eq!(story_of(&house, &place, sold), ["subscription.purchased"], "and nothing else");
    }
    assert_eq!(story_of(&house, &place, &asked), ["subscription.purchased", "member.joined"]);
    let trail = house.audit(&place.service);
    let check = trail.iter().rev().find(|it| it.action == "members.checked").unwrap();
    assert_eq!(check.after.get("let_in").map(String::as_str), Some("1"), "{check:?}");
    assert_eq!(last_check(&house, &place)["put_right"], json!(1));
    let tried = house.calls("approveChatJoinRequest").len();
    assert_eq!(tried, 2, "the one who asked, and the one who did not");
    assert_eq!(house.sweep().visited, 0);
}

#[test]
fn who_leaves_and_asks_again_while_the_bot_is_outside_is_let_in_when_it_returns() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-ada", &ada);
    ada.taps(&place.link);
    house.settle();
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
    place.owner.does("kick_bot", json!({ "chat_id": place.group }));
    house.settle();
    ada.leaves(place.group);
    assert_eq!(ada.enters(&place.link), "requested");
    let rights = ["invite_users", "restrict_members", "change_info"];
    place.owner.does("promote", json!({ "chat_id": place.group, "rights": rights }));
    house.waits(minutes(1));
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
    assert_eq!(house.group(place.group)["join_requests"], json!([]));
}

#[test]
fn an_approval_by_the_check_ends_inside_whatever_becomes_of_its_answer() {
    for lost in [WireFault::LostBefore, WireFault::LostAfter] {
        let (house, place) = one_service();
        let ada = house.person("Ada");
        let sold = house.storefront().sells_to(&place.service, "c-ada", &ada);
        ada.taps(&place.link);
        assert_eq!(house.holds_back(|it| it.get("chat_join_request").is_some()).len(), 1);
        house.telegram().fail_next("approveChatJoinRequest", lost);
        house.reconciles();
        house.passes(hours(1));
        assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"], "{lost:?}");
        assert_eq!(stands(&house, &sold), pair("active", "joined"), "{lost:?}");
        assert_eq!(last_check(&house, &place)["status"], "done", "{lost:?}");
    }
}

#[test]
fn whose_access_ends_in_the_moment_before_the_check_lets_them_in_stays_outside() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-ada", &ada);
    ada.taps(&place.link);
    house.holds_back(|it| it.get("chat_join_request").is_some());
    let cancelled = sold.clone();
    house.beside("getChatMember", Moment::After, move |house| {
        house.storefront().cancels(&cancelled, "now").is(200);
    });
    house.reconciles();
    house.passes(hours(1));
    assert!(house.calls("approveChatJoinRequest").is_empty());
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
    assert_eq!(house.group(place.group)["join_requests"], json!([]), "and the request is declined");
}

#[test]
fn whose_subscription_moves_away_in_the_moment_before_the_check_lets_them_in_stays_outside() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-ada", &ada);
    ada.taps(&place.link);
    house.holds_back(|it| it.get("chat_join_request").is_some());
    let path = format!("/subscriptions/{}/relink", text(&sold, "/id"));
    house.beside("getChatMember", Moment::After, move |house| {
        house.storefront().call(Request::bare("POST", path)).is(200);
    });
    house.reconciles();
    house.passes(hours(1));
    assert!(house.calls("approveChatJoinRequest").is_empty());
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &sold), pair("active", "invited"));
}
