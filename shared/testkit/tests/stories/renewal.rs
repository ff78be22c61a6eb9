//! A purchase that meets a removal, at each step of it.

use serde_json::{Value, json};
use testkit::House;
use testkit::functions::Request;
use testkit::house::{Place, hours, minutes, text};
use testkit::memory_telegram::{Moment, WireFault};

use crate::{insider, news, one_service, pair, stands, story_of};

/// Ada, who is in; her purchase can be repeated by the customer's name.
fn ada_renews(house: &House, place: &Place) -> Value {
    house.storefront().sells(&place.service, "c-Ada")
}

#[test]
fn a_renewal_adds_to_the_later_of_now_and_the_old_end() {
    let (house, place) = one_service();
    let (_, sold) = insider(&house, &place, "Ada");
    let begin: jiff::Timestamp = sold["end_date"].as_str().unwrap().parse().unwrap();
    house.waits(hours(24 * 10));
    let renewed = ada_renews(&house, &place);
    let end: jiff::Timestamp = renewed["end_date"].as_str().unwrap().parse().unwrap();
    assert_eq!(end, begin + hours(24 * 30), "not from now: nothing that was paid is lost");
    house.waits(hours(24 * 90));
    house.sweep();
    let late = ada_renews(&house, &place);
    let end: jiff::Timestamp = late["end_date"].as_str().unwrap().parse().unwrap();
    assert_eq!(end, house.now() + hours(24 * 30), "from now: the gap is not paid for");
    assert_eq!(late["id"], sold["id"]);
}

#[test]
fn whoever_renews_in_time_stays_inside_without_noticing() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    house.passes(hours(24 * 29));
    ada_renews(&house, &place);
    house.passes(hours(24 * 29));
    assert!(house.members(place.group).contains(&"Ada".to_owned()));
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
    assert!(house.calls("unbanChatMember").is_empty());
    assert!(news(&ada).len() >= 2, "reminded of both ends");
}

#[test]
fn a_renewal_before_the_removal_begins_stops_it() {
    let (house, place) = one_service();
    let (_, sold) = insider(&house, &place, "Ada");
    house.storefront().cancels(&sold, "now").is(200);
    let renewed = ada_renews(&house, &place);
    assert_eq!(renewed["membership"], "joined");
    house.settle();
    assert!(house.members(place.group).contains(&"Ada".to_owned()));
    assert!(house.calls("unbanChatMember").is_empty());
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
}

#[test]
fn a_renewal_between_the_lease_and_the_call_stops_it() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    house.storefront().cancels(&sold, "now").is(200);
    for moment in [Moment::Before, Moment::After] {
        let stage = place.clone();
        house.beside("getChatMember", moment, move |house| {
            ada_renews(house, &stage);
        });
    }
    house.settle();
    assert!(house.members(place.group).contains(&"Ada".to_owned()));
    assert!(house.calls("unbanChatMember").is_empty());
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
    assert!(news(&ada).is_empty(), "nothing happened that she should know of");
    let story = story_of(&house, &place, &sold);
    assert!(story.contains(&"member.removal_dropped".to_owned()), "{story:?}");
}

#[test]
fn a_renewal_during_and_just_after_the_call_is_invited_back() {
    for moment in [Moment::Before, Moment::After] {
        let (house, place) = one_service();
        let (ada, sold) = insider(&house, &place, "Ada");
        house.storefront().cancels(&sold, "now").is(200);
        let stage = place.clone();
        house.beside("unbanChatMember", moment, move |house| {
            ada_renews(house, &stage);
        });
        house.settle();
        assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"], "the call had its effect");
        assert_eq!(stands(&house, &sold), pair("active", "invited"));
        let letters = news(&ada);
        let letter = letters.last().unwrap();
        assert!(letter["text"].as_str().unwrap().contains("come back in"), "{letter}");
        assert_eq!(letters.len(), 1, "told once: {letters:?}");
        assert_eq!(ada.enters(letter["buttons"][0][0]["url"].as_str().unwrap()), "requested");
        assert!(house.members(place.group).contains(&"Ada".to_owned()));
        assert_eq!(stands(&house, &sold), pair("active", "joined"));
    }
}

#[test]
fn a_request_to_join_during_the_removal_is_let_in_after_it() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    house.storefront().cancels(&sold, "now").is(200);
    let stage = place.clone();
    let person = ada.clone();
    house.beside("unbanChatMember", Moment::After, move |house| {
        ada_renews(house, &stage);
        person.taps(&stage.link);
        for update in house.telegram().updates() {
            // The lease is held: Telegram is told to come again.
            if update.get("chat_join_request").is_some() {
                assert!(!house.deliver(&update));
            }
        }
    });
    house.settle();
    // The update that was turned away above comes again, as Telegram would deliver it.
    assert_eq!(ada.enters(&place.link), "already_requested");
    house.waits(minutes(3));
    house
        .telegram()
        .control("cancel_request", serde_json::json!({ "user": ada.id, "chat_id": place.group }));
    assert_eq!(ada.enters(&place.link), "requested");
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
}

/// Telegram tells of a request once, and keeps it: who asks again is told that they have asked.
#[test]
fn a_request_from_before_the_end_is_granted_after_the_next_purchase() {
    for during_removal in [false, true] {
        let (house, place) = one_service();
        let ada = house.person("Ada");
        let sold = house.storefront().sells_to(&place.service, "c-Ada", &ada);
        assert_eq!(ada.taps(&place.link), "requested");
        for update in house.telegram().updates() {
            assert!(house.deliver(&update));
        }
        house.storefront().cancels(&sold, "now").is(200);
        if during_removal {
            let stage = place.clone();
            house.beside("getChatMember", Moment::Before, move |house| {
                ada_renews(house, &stage);
            });
            house.telegram().fail_next("getChatMember", WireFault::LostBefore);
        } else {
            ada_renews(&house, &place);
        }
        house.settle();
        assert_eq!(ada.taps(&place.link), "already_member", "{during_removal}");
        assert_eq!(stands(&house, &sold), pair("active", "joined"), "{during_removal}");
    }
}

#[test]
fn a_renewal_after_the_removal_opens_the_door_again() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    house.storefront().cancels(&sold, "now").is(200);
    house.settle();
    let renewed = house.storefront().buys(&place.service, "c-Ada", &serde_json::json!({})).is(200);
    assert_eq!((&renewed["id"], &renewed["membership"]), (&sold["id"], &"invited".into()));
    assert_eq!(ada.enters(&place.link), "requested");
    assert!(house.members(place.group).contains(&"Ada".to_owned()));
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
}

#[test]
fn a_renewal_after_a_removal_without_an_answer_is_told_the_way_back() {
    for fault in [WireFault::LostBefore, WireFault::LostAfter] {
        let (house, place) = one_service();
        let (ada, sold) = insider(&house, &place, "Ada");
        house.storefront().cancels(&sold, "now").is(200);
        house.telegram().fail_next("unbanChatMember", fault);
        let stage = place.clone();
        house.beside("unbanChatMember", Moment::Before, move |house| {
            ada_renews(house, &stage);
        });
        house.settle();
        house.passes(hours(1));
        assert!(ada.last_letter().contains("come back in"), "{fault:?}: {}", ada.last_letter());
        // Where the call had not been done, she was never outside, and the letter does no harm.
        let outcome = ada.enters(&place.link);
        let was_done = fault == WireFault::LostAfter;
        assert_eq!(outcome, if was_done { "requested" } else { "already_member" });
        assert!(house.members(place.group).contains(&"Ada".to_owned()));
        house.waits(hours(24 * 61));
        house.sweep();
        assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"], "{fault:?}");
        assert_eq!(stands(&house, &sold), pair("expired", "removed"), "{fault:?}");
    }
}

#[test]
fn who_renews_at_the_moment_of_expiry_is_inside_or_invited_in_every_order() {
    for after_sweep in [false, true] {
        let (house, place) = one_service();
        let (ada, sold) = insider(&house, &place, "Ada");
        house.waits(hours(24 * 30));
        if after_sweep {
            let now = house.now();
            let store = house.functions().store.clone();
            house.functions().clock.run(expire_subscriptions::sweep(&store, now));
        }
        ada_renews(&house, &place);
        house.settle();
        house.sweep();
        assert_eq!(stands(&house, &sold), pair("active", "joined"), "{after_sweep}");
        assert!(house.members(place.group).contains(&"Ada".to_owned()));
        drop(ada);
    }
}

#[test]
fn a_kept_administrator_who_buys_again_is_an_ordinary_subscriber_again() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    let rights = serde_json::json!({
        "user": ada.id, "chat_id": place.group, "rights": ["pin_messages"],
    });
    place.owner.does("promote", rights);
    house.storefront().cancels(&sold, "now").is(200);
    house.settle();
    ada_renews(&house, &place);
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
    place.owner.does(
        "promote",
        serde_json::json!({ "user": ada.id, "chat_id": place.group, "rights": [] }),
    );
    house.settle();
    house.waits(hours(24 * 61));
    house.sweep();
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
}

#[test]
fn a_late_repetition_of_a_cancellation_takes_away_nothing_that_was_bought_since() {
    let (house, place) = one_service();
    let (_, sold) = insider(&house, &place, "Ada");
    let cancel = || {
        let path = format!("/subscriptions/{}/cancel", text(&sold, "/id"));
        let request = Request::json("POST", path, &json!({ "when": "now" }));
        house.call(request.by("storefront").with("idempotency-key", "c-1"))
    };
    let first = cancel();
    assert_eq!((first.status, first.replayed), (200, false));
    let renewed = house.storefront().buys(&place.service, "c-Ada", &json!({})).is(200);
    assert_eq!(renewed["status"], "active");
    let late = cancel();
    assert_eq!((late.status, late.replayed), (200, true));
    house.settle();
    assert_eq!(house.storefront().reads(&sold)["status"], "active");
}
