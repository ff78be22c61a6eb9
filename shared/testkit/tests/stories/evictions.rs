//! A call that puts an intruder out has no answer, and Telegram may carry it out up to a minute later,
//! when the intruder has become a buyer.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use testkit::House;
use testkit::house::{Person, Place, hours, minutes, text};
use testkit::memory_telegram::{Moment, WireFault};

use crate::{news, one_service, pair, stands};

/// When the call has its effect.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Acts {
    AtOnce,
    Late,
    Never,
}

/// What the intruder does after the call, beside buying.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Nothing,
    AsksToBeLetIn,
    LeavesAndAsks,
}

/// An intruder who knows the bot; the call that puts them out has no answer.
fn evicted(house: &House, place: &Place, acts: Acts) -> Person {
    let eve = house.person("Eve");
    eve.writes("/start");
    house.settle();
    let lost = if acts == Acts::AtOnce { WireFault::LostAfter } else { WireFault::LostBefore };
    house.telegram().fail_next("unbanChatMember", lost);
    place.owner.does("add", json!({ "user": eve.id, "chat_id": place.group }));
    house.settle();
    eve
}

/// Telegram carries out what was asked of it before.
fn acts_now(house: &House, place: &Place, person: &Person) {
    let call = json!({ "chat_id": place.group, "user_id": person.id, "only_if_banned": false });
    let call: Map<String, Value> = call.as_object().unwrap().clone();
    house.telegram().ask("unbanChatMember", &call).unwrap();
    house.waits(SignedDuration::from_secs(2));
}

fn actions(house: &House, place: &Place) -> Vec<String> {
    let trail = house.audit(&place.service).into_iter();
    trail.filter(|it| it.item.starts_with("intruder/")).map(|it| it.action).collect()
}

#[test]
fn whoever_buys_while_they_are_put_out_without_an_answer_is_inside_or_invited_back() {
    for acts in [Acts::AtOnce, Acts::Late, Acts::Never] {
        for then in [Then::Nothing, Then::AsksToBeLetIn, Then::LeavesAndAsks] {
            let how = format!("{acts:?} {then:?}");
            let (house, place) = one_service();
            let eve = evicted(&house, &place, acts);
            house.waits(SignedDuration::from_secs(10));
            let sold = house.storefront().sells_to(&place.service, "c-eve", &eve);
            if then == Then::LeavesAndAsks && acts != Acts::AtOnce {
                eve.leaves(place.group);
            }
            if then != Then::Nothing {
                eve.enters(&place.link);
            }
            house.waits(SignedDuration::from_secs(30));
            if acts == Acts::Late {
                acts_now(&house, &place, &eve);
            }
            house.waits(minutes(3));
            let is_inside = house.members(place.group).contains(&"Eve".to_owned());
            let said: Vec<_> = news(&eve).iter().map(|letter| text(letter, "/text")).collect();
            let invited = said.iter().filter(|it| it.contains("Please come back in")).count();
            assert_eq!(invited, usize::from(!is_inside), "{how}: {said:?}");
            if !is_inside {
                eve.enters(&place.link);
            }
            house.passes(hours(1));
            house.reconciles();
            house.waits(minutes(10));
            assert_eq!(house.members(place.group), ["Eve", "Usher", "t1 (owner)"], "{how}");
            assert_eq!(stands(&house, &sold), pair("active", "joined"), "{how}");
            let actions = actions(&house, &place);
            let wanted = [
                "guard.intruder_seen",
                "guard.intruder_removing",
                "guard.eviction_failed",
                "guard.intruder_cleared",
            ];
            assert_eq!(actions, wanted, "{how}");
            assert_eq!(house.sweep().visited, 0, "{how}");
            assert_eq!(house.queue().next_visible(), None, "{how}");
        }
    }
}

#[test]
fn a_guest_who_is_put_out_by_an_older_call_is_asked_back_in() {
    for acts in [Acts::AtOnce, Acts::Late] {
        let (house, place) = one_service();
        let eve = evicted(&house, &place, acts);
        let path = format!("/traders/services/{}/telegram-group/generate-link", place.service);
        let link = house.trader("t1").posts(&path, &json!({ "kind": "single_use" })).is(201);
        house.waits(SignedDuration::from_secs(10));
        if acts == Acts::Late {
            eve.leaves(place.group);
        }
        assert_eq!(eve.enters(&text(&link, "/invite_link")), "joined", "{acts:?}");
        house.waits(SignedDuration::from_secs(30));
        acts_now(&house, &place, &eve);
        house.waits(minutes(3));
        assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"], "{acts:?}");
        let said: Vec<_> = news(&eve).iter().map(|letter| text(letter, "/text")).collect();
        let invited = said.iter().filter(|it| it.contains("as a guest")).count();
        assert_eq!(invited, 1, "{acts:?}: {said:?}");
        eve.enters(&place.link);
        assert_eq!(house.members(place.group), ["Eve", "Usher", "t1 (owner)"], "{acts:?}");
        let steps = house.steps(&place.service, &format!("link/{}", text(&link, "/id")));
        assert!(steps.contains(&"pass.guest_put_out".to_owned()), "{acts:?}: {steps:?}");
        assert_eq!(house.sweep().visited, 0, "{acts:?}");
    }
}

#[test]
fn an_intruder_is_out_in_the_end_whatever_became_of_the_call() {
    for acts in [Acts::AtOnce, Acts::Late, Acts::Never] {
        let (house, place) = one_service();
        let eve = evicted(&house, &place, acts);
        let calls = || house.calls("unbanChatMember").len();
        let before = calls();
        house.waits(SignedDuration::from_secs(50));
        assert_eq!(calls(), before, "{acts:?}: nothing is done while it may act");
        if acts == Acts::Late {
            acts_now(&house, &place, &eve);
        }
        house.waits(minutes(3));
        assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"], "{acts:?}");
        let actions = actions(&house, &place);
        assert_eq!(actions.last().map(String::as_str), Some("guard.intruder_removed"), "{acts:?}");
        assert_eq!(house.sweep().visited, 0, "{acts:?}");
    }
}

#[test]
fn whoever_comes_in_again_while_a_call_has_no_answer_is_put_out_when_it_is_over() {
    let (house, place) = one_service();
    let eve = evicted(&house, &place, Acts::AtOnce);
    house.waits(SignedDuration::from_secs(5));
    place.owner.does("add", json!({ "user": eve.id, "chat_id": place.group }));
    house.waits(minutes(3));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(house.sweep().visited, 0);
    assert_eq!(house.queue().next_visible(), None);
}

#[test]
fn a_sender_that_dies_after_its_call_leaves_no_buyer_outside_without_a_word() {
    // The call is done; then the tables cannot be reached for what came of it.
    let (house, place) = one_service();
    let eve = house.person("Eve");
    eve.writes("/start");
    house.settle();
    let (service, person) = (place.service.clone(), eve.clone());
    house.beside("unbanChatMember", Moment::After, move |house| {
        house.storefront().sells_to(&service, "c-eve", &person);
        for _ in 0..12 {
            house.store().fail_next(testkit::Fault::NotDone(testkit::Call::Read));
        }
    });
    place.owner.does("add", json!({ "user": eve.id, "chat_id": place.group }));
    house.passes(hours(2));
    assert!(eve.last_letter().contains("Please come back in"), "{}", eve.last_letter());
    eve.enters(&place.link);
    assert_eq!(house.members(place.group), ["Eve", "Usher", "t1 (owner)"]);
}
