//! Links that a trader asks for, guests, and whoever comes in without a right to.

use serde_json::{Value, json};
use testkit::House;
use testkit::functions::Request;
use testkit::house::{Place, hours, minutes, text};

use crate::{insider, one_service, pair, service_of_a_used_group, stands};

fn asks_for_link(house: &House, place: &Place, body: &Value) -> testkit::functions::Answer {
    let path = format!("/traders/services/{}/telegram-group/generate-link", place.service);
    house.trader("t1").posts(&path, body)
}

fn guest_link(house: &House, place: &Place) -> Value {
    asks_for_link(house, place, &json!({ "kind": "single_use", "name": "For Gus" })).is(201)
}

#[test]
fn a_guest_pass_lets_its_first_user_in_and_dies() {
    let (house, place) = one_service();
    let link = guest_link(&house, &place);
    assert_eq!((&link["kind"], &link["name"]), (&json!("single_use"), &json!("For Gus")));
    let url = text(&link, "/invite_link");
    let (gus, eve) = (house.person("Gus"), house.person("Eve"));
    assert_eq!(gus.enters(&url), "joined");
    assert_eq!(house.members(place.group), ["Gus", "Usher", "t1 (owner)"]);
    assert_eq!(eve.enters(&url), "revoked");
    let item = format!("link/{}", text(&link, "/id"));
    let story = house.steps(&place.service, &item);
    assert_eq!(story, ["link.requested", "link.made", "link.used", "link.revoked"]);
    house.passes(hours(24));
    assert_eq!(house.members(place.group), ["Gus", "Usher", "t1 (owner)"]);
    gus.leaves(place.group);
    house.settle();
    place.owner.does("add", json!({ "user": gus.id, "chat_id": place.group }));
    house.settle();
    assert!(house.members(place.group).contains(&"Gus".to_owned()), "the pass is for the person");
}

#[test]
fn the_second_who_slips_in_by_a_guest_pass_is_put_out() {
    let (house, place) = one_service();
    let url = text(&guest_link(&house, &place), "/invite_link");
    let (gus, eve) = (house.person("Gus"), house.person("Eve"));
    assert_eq!(gus.taps(&url), "joined");
    assert_eq!(eve.taps(&url), "full", "one at a time");
    gus.leaves(place.group);
    assert_eq!(eve.taps(&url), "joined", "the limit counts who is inside");
    house.settle();
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(house.person("Mal").enters(&url), "revoked");
}

#[test]
fn a_guest_of_whose_link_telegram_does_not_tell_is_a_guest() {
    let (house, place) = one_service();
    let url = text(&guest_link(&house, &place), "/invite_link");
    let unnamed = json!({ "fault": "link_unnamed", "method": "chat_member" });
    crate::fault(&house, unnamed);
    let (gus, eve) = (house.person("Gus"), house.person("Eve"));
    assert_eq!(gus.enters(&url), "joined");
    assert_eq!(house.members(place.group), ["Gus", "Usher", "t1 (owner)"]);
    assert_eq!(passes(&house, &place).len(), 1);
    assert_eq!(eve.enters(&url), "revoked");
    // With no link that waits for a guest, nobody is one.
    let foreign = place.owner.does("link", json!({ "chat_id": place.group }));
    assert_eq!(eve.enters(&text(&foreign, "/invite_link")), "joined");
    assert_eq!(house.members(place.group), ["Gus", "Usher", "t1 (owner)"]);
}

#[test]
fn a_guest_is_found_behind_a_hundred_links_that_nobody_used_in_time() {
    let (house, place) = one_service();
    for _ in 0..101 {
        let short = json!({ "kind": "single_use", "expires_in_hours": 1 });
        asks_for_link(&house, &place, &short).is(201);
    }
    house.passes(hours(2));
    let url = text(&guest_link(&house, &place), "/invite_link");
    crate::fault(&house, json!({ "fault": "link_unnamed", "method": "chat_member" }));
    assert_eq!(house.person("Gus").enters(&url), "joined");
    assert_eq!(house.members(place.group), ["Gus", "Usher", "t1 (owner)"]);
}

#[test]
fn a_guest_who_left_asks_and_is_let_in_again() {
    let (house, place) = one_service();
    let link = guest_link(&house, &place);
    let gus = house.person("Gus");
    gus.enters(&text(&link, "/invite_link"));
    gus.leaves(place.group);
    gus.enters(&place.link);
    assert_eq!(house.members(place.group), ["Gus", "Usher", "t1 (owner)"]);
    let story = house.steps(&place.service, &format!("link/{}", text(&link, "/id")));
    assert_eq!(story.last().map(String::as_str), Some("pass.guest_let_in"));
    let pass = passes(&house, &place).remove(0);
    withdraws(&house, &place, "t1", &pass).is(200);
    house.settle();
    gus.enters(&place.link);
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"], "the pass was taken back");
}

#[test]
fn who_did_not_come_by_a_link_uses_up_nobodys() {
    let (house, place) = one_service();
    let url = text(&guest_link(&house, &place), "/invite_link");
    let (ada, eve) = (house.person("Ada"), house.person("Eve"));
    house.storefront().sells_to(&place.service, "c-1", &ada);
    ada.enters(&place.link);
    place.owner.does("add", json!({ "user": eve.id, "chat_id": place.group }));
    house.settle();
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
    assert_eq!(house.person("Gus").enters(&url), "joined");
    assert_eq!(house.members(place.group), ["Ada", "Gus", "Usher", "t1 (owner)"]);
}

#[test]
fn a_link_that_could_not_be_revoked_is_revoked_later() {
    let (house, place) = one_service();
    let url = text(&guest_link(&house, &place), "/invite_link");
    let stumble =
        json!({ "fault": "server_error_json", "method": "revokeChatInviteLink", "count": 1 });
    crate::fault(&house, stumble);
    house.person("Gus").enters(&url);
    house.waits(minutes(2));
    assert_eq!(house.person("Eve").enters(&url), "revoked");
    assert_eq!(house.members(place.group), ["Gus", "Usher", "t1 (owner)"]);
}

#[test]
fn a_buyer_who_takes_a_guest_link_is_a_buyer() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-1", &ada);
    ada.enters(&text(&guest_link(&house, &place), "/invite_link"));
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
    house.storefront().cancels(&sold, "now").is(200);
    house.settle();
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
}

fn passes(house: &House, place: &Place) -> Vec<Value> {
    let path = format!("/traders/services/{}/telegram-group/passes", place.service);
    house.trader("t1").gets(&path).is(200)["items"].as_array().cloned().unwrap()
}

fn withdraws(house: &House, place: &Place, by: &str, pass: &Value) -> testkit::functions::Answer {
    let id = text(pass, "/id");
    let path = format!("/traders/services/{}/telegram-group/passes/{id}", place.service);
    house.trader(by).call(Request::bare("DELETE", path))
}

/// What the trader is told in numbers: who is inside without a right to, and who came in today.
fn intruders(house: &House, place: &Place) -> (i64, i64) {
    let told = house.trader("t1").sees_group(&place.service);
    let number = |name: &str| told["intruders"][name].as_i64().unwrap();
    (number("inside"), number("last_24_hours"))
}

#[test]
fn a_pass_that_is_taken_back_puts_the_guest_out() {
    for guard in ["enforce", "observe"] {
        let house = House::new();
        let place = house.trader("t1").opens_with("Gold", &json!({ "guard": guard }));
        let link = guest_link(&house, &place);
        assert!(passes(&house, &place).is_empty(), "nobody has come yet");
        let gus = house.person("Gus");
        gus.enters(&text(&link, "/invite_link"));
        let pass = passes(&house, &place).remove(0);
        assert_eq!((&pass["id"], &pass["name"]), (&link["id"], &json!("For Gus")));
        assert_eq!(pass["withdrawn_at"], Value::Null);
        withdraws(&house, &place, "t2", &pass).is(404);
        let first = withdraws(&house, &place, "t1", &pass).is(200);
        assert_ne!(first["withdrawn_at"], Value::Null);
        house.settle();
        assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"], "{guard}");
        house.waits(minutes(5));
        assert_eq!(withdraws(&house, &place, "t1", &pass).is(200), first, "twice is once");
        assert!(passes(&house, &place).is_empty());
        let story = house.steps(&place.service, &format!("link/{}", text(&link, "/id")));
        assert_eq!(story.last().map(String::as_str), Some("pass.withdrawn"));
        gus.enters(&place.link);
        assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    }
}

#[test]
fn a_guest_who_bought_stays_without_the_pass() {
    let (house, place) = one_service();
    let gus = house.person("Gus");
    gus.enters(&text(&guest_link(&house, &place), "/invite_link"));
    let sold = house.storefront().sells_to(&place.service, "c-gus", &gus);
    withdraws(&house, &place, "t1", &passes(&house, &place)[0]).is(200);
    house.passes(hours(2));
    assert!(house.members(place.group).contains(&"Gus".to_owned()));
    house.storefront().cancels(&sold, "now").is(200);
    house.passes(hours(1));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
}

#[test]
fn a_guest_whose_subscription_ends_stays_by_the_pass_until_it_is_taken_back() {
    let (house, place) = one_service();
    let gus = house.person("Gus");
    gus.enters(&text(&guest_link(&house, &place), "/invite_link"));
    let sold = house.storefront().sells_to(&place.service, "c-gus", &gus);
    house.storefront().cancels(&sold, "now").is(200);
    house.passes(hours(24));
    assert!(
        house.members(place.group).contains(&"Gus".to_owned()),
        "the pass is the trader's word"
    );
    assert_eq!(stands(&house, &sold), pair("cancelled", "joined"));
    withdraws(&house, &place, "t1", &passes(&house, &place)[0]).is(200);
    house.settle();
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
}

#[test]
fn an_intruder_is_on_record_and_counted_and_put_out_when_telegram_is_back() {
    let (house, place) = one_service();
    let eve = house.person("Eve");
    place.owner.does("add", json!({ "user": eve.id, "chat_id": place.group }));
    house.telegram().set_down(true);
    house.waits(minutes(1));
    house.passes(hours(3));
    house.telegram().set_down(false);
    assert_eq!(intruders(&house, &place), (1, 1));
    house.passes(hours(3));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(intruders(&house, &place), (0, 1));
    let trail = house.audit(&place.service);
    let actions: Vec<_> = trail.iter().filter(|it| it.item.starts_with("intruder/")).collect();
    assert_eq!(actions.first().unwrap().action, "guard.intruder_seen");
    assert_eq!(actions.last().unwrap().action, "guard.intruder_removed");
    let names: Vec<_> = house.events().published().iter().map(|it| it.name.clone()).collect();
    for name in ["IntruderSeen", "IntruderRemoved"] {
        assert_eq!(names.iter().filter(|it| *it == name).count(), 1, "{name}");
    }
    house.passes(hours(25));
    assert_eq!(intruders(&house, &place), (0, 0));
    assert!(house.queue().dead().is_empty());
}

#[test]
fn a_guard_that_observes_reports_once_and_counts() {
    let house = House::new();
    let place = house.trader("t1").opens_with("Gold", &json!({ "guard": "observe" }));
    let eve = house.person("Eve");
    place.owner.does("add", json!({ "user": eve.id, "chat_id": place.group }));
    house.passes(hours(5));
    assert_eq!(intruders(&house, &place), (1, 1));
    let reported = |it: &&domain::relay::AuditRecord| it.action == "guard.intruder_reported";
    assert_eq!(house.audit(&place.service).iter().filter(reported).count(), 1);
    eve.leaves(place.group);
    house.settle();
    assert_eq!(intruders(&house, &place), (0, 1));
}

#[test]
fn a_permanent_link_is_held_against_the_subscriptions() {
    let (house, place) = one_service();
    let link = asks_for_link(&house, &place, &json!({ "kind": "permanent" })).is(201);
    let url = text(&link, "/invite_link");
    let ada = house.person("Ada");
    house.storefront().sells_to(&place.service, "c-1", &ada);
    assert_eq!(ada.enters(&url), "requested");
    assert_eq!(house.person("Eve").enters(&url), "requested");
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
}

#[test]
fn a_link_with_an_hour_to_live_is_dead_afterwards() {
    let (house, place) = one_service();
    let body = json!({ "kind": "single_use", "expires_in_hours": 1 });
    let begin = house.now();
    let link = asks_for_link(&house, &place, &body).is(201);
    let expires: jiff::Timestamp = text(&link, "/expires_at").parse().unwrap();
    assert_eq!(expires, begin + hours(1));
    house.waits(minutes(61));
    assert_eq!(house.person("Gus").enters(&text(&link, "/invite_link")), "expired");
    let both = json!({ "kind": "permanent", "expires_in_hours": 1 });
    asks_for_link(&house, &place, &both).is(422);
}

#[test]
fn the_same_request_for_a_link_makes_one_link() {
    let (house, place) = one_service();
    let path = format!("/traders/services/{}/telegram-group/generate-link", place.service);
    let ask = || {
        Request::json("POST", path.clone(), &json!({ "kind": "single_use" }))
            .with("idempotency-key", "k-1")
            .by("t1")
    };
    let made = house.calls("createChatInviteLink").len();
    let at_once = house.at_once(vec![ask(), ask()]);
    let mut statuses: Vec<_> = at_once.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "while the first is at it");
    let first = at_once.into_iter().find(|answer| answer.status == 201).unwrap();
    let again = house.call(ask());
    assert_eq!((again.status, again.replayed, again.body), (201, true, first.body));
    assert_eq!(house.calls("createChatInviteLink").len(), made + 1);
}

#[test]
fn a_request_for_a_link_that_failed_can_be_repeated() {
    let (house, place) = one_service();
    house.telegram().set_down(true);
    let refused = asks_for_link(&house, &place, &json!({ "kind": "single_use" }));
    assert_eq!(refused.status, 503);
    assert!(refused.retry_after.is_some());
    house.telegram().set_down(false);
    guest_link(&house, &place);
}

#[test]
fn an_intruder_is_put_out_where_the_guard_enforces() {
    let (house, place) = one_service();
    let eve = house.person("Eve");
    place.owner.does("add", json!({ "user": eve.id, "chat_id": place.group }));
    assert!(house.members(place.group).contains(&"Eve".to_owned()));
    house.settle();
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);

    let leak = place.owner.does("link", json!({ "chat_id": place.group }));
    let mal = house.person("Mal");
    assert_eq!(mal.enters(&text(&leak, "/invite_link")), "joined");
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);

    let (ada, sold) = insider(&house, &place, "Ada");
    ada.leaves(place.group);
    house.settle();
    assert_eq!(ada.enters(&text(&leak, "/invite_link")), "joined");
    assert_eq!(
        stands(&house, &sold),
        pair("active", "joined"),
        "who has paid may come by any link"
    );
}

#[test]
fn an_intruder_is_let_be_where_the_guard_observes() {
    let house = House::new();
    let place = house.trader("t1").opens_with("Gold", &json!({ "guard": "observe" }));
    let eve = house.person("Eve");
    place.owner.does("add", json!({ "user": eve.id, "chat_id": place.group }));
    house.passes(hours(2));
    assert!(house.members(place.group).contains(&"Eve".to_owned()));
    let path = format!("/traders/services/{}", place.service);
    let enforce = json!({ "settings": { "guard": "enforce" } });
    house.trader("t1").call(Request::json("PATCH", path, &enforce)).is(200);
    let mal = house.person("Mal");
    place.owner.does("add", json!({ "user": mal.id, "chat_id": place.group }));
    house.settle();
    assert!(!house.members(place.group).contains(&"Mal".to_owned()));
}

#[test]
fn somebody_who_comes_back_after_the_end_by_a_side_door_is_put_out_at_once() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    house.storefront().cancels(&sold, "now").is(200);
    house.settle();
    place.owner.does("add", json!({ "user": ada.id, "chat_id": place.group }));
    house.settle();
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
}

#[test]
fn who_was_there_when_the_group_was_bound_and_new_administrators_stay() {
    let (house, place, _) = service_of_a_used_group();
    let (admin, group) = (house.person("Admin"), place.group);
    let rights = json!({ "user": admin.id, "chat_id": group, "rights": ["pin_messages"] });
    place.owner.does("promote", rights);
    house.passes(hours(2));
    assert_eq!(house.members(group), ["Admin", "Old", "Tara", "Usher"]);
}
