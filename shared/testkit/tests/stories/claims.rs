//! How a Telegram account becomes that of a buyer.

use serde_json::{Value, json};
use store::{Store as _, Table, Write};
use testkit::House;
use testkit::functions::Request;
use testkit::house::{Person, Place, WEBHOOK_SECRET, hours, minutes, text};

use crate::{insider, one_service, pair, stands, story_of};

#[test]
fn a_buyer_whose_account_is_unknown_claims_and_comes_in_by_the_button() {
    let (house, place) = one_service();
    let sold = house.storefront().sells(&place.service, "c-1");
    assert_eq!(sold["telegram_linked"], false);
    let ada = house.person("Ada");
    assert_eq!(ada.enters(&place.link), "requested", "too early");
    assert!(ada.last_letter().contains("personal link"), "{}", ada.last_letter());
    assert_eq!(ada.enters(&text(&sold, "/claim_link")), "started");
    let letters = ada.letters();
    let letter = letters.last().unwrap();
    assert!(text(letter, "/text").contains("linked to Gold Signals"), "{letter}");
    let button = text(letter, "/buttons/0/0/url");
    assert_eq!(button, place.link);
    assert_eq!(ada.enters(&button), "requested");
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
    let now = house.storefront().reads(&sold);
    assert_eq!((&now["telegram_linked"], &now["claim_link"]), (&json!(true), &Value::Null));
    let story = story_of(&house, &place, &sold);
    assert_eq!(
        story,
        ["subscription.purchased", "subscription.account_linked", "member.asked", "member.joined"]
    );
}

#[test]
fn a_claim_link_serves_one_account_only() {
    let (house, place) = one_service();
    let sold = house.storefront().sells(&place.service, "c-1");
    let link = text(&sold, "/claim_link");
    let (ada, eve) = (house.person("Ada"), house.person("Eve"));
    ada.enters(&link);
    eve.enters(&link);
    assert!(eve.last_letter().contains("was used already"), "{}", eve.last_letter());
    eve.enters(&place.link);
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    let before = ada.letters().len();
    ada.enters(&link);
    assert_eq!(ada.letters().len(), before + 1, "tapped again: the way in again");
    assert!(ada.last_letter().contains("linked to Gold Signals"));
}

#[test]
fn two_who_tap_a_claim_link_at_once_are_not_both_linked() {
    let (house, place) = one_service();
    let sold = house.storefront().sells(&place.service, "c-1");
    let link = text(&sold, "/claim_link");
    let people = [house.person("Ada"), house.person("Eve")];
    for person in &people {
        person.taps(&link);
    }
    let at_once = house.telegram().updates().into_iter().map(|update| {
        Request::json("POST", "/telegram/webhook", &update)
            .with("x-telegram-bot-api-secret-token", WEBHOOK_SECRET)
    });
    let answers = house.at_once(at_once.collect());
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    house.settle();
    let mut told: Vec<_> = people.iter().map(|person| person.last_letter()).collect();
    told.sort();
    assert!(told[0].contains("used already") && told[1].contains("is linked to"), "{told:?}");
}

#[test]
fn an_account_holds_one_subscription_of_a_service() {
    let (house, place) = one_service();
    let (ada, _) = insider(&house, &place, "Ada");
    let second = house.storefront().sells(&place.service, "c-2");
    ada.enters(&text(&second, "/claim_link"));
    assert!(ada.last_letter().contains("another subscription"), "{}", ada.last_letter());
    assert_eq!(house.storefront().reads(&second)["telegram_linked"], false);
    let account = json!({ "telegram_user_id": ada.id });
    let refused = house.storefront().buys(&place.service, "c-3", &account).is(409);
    assert!(text(&refused, "/detail").contains("another subscription"));
    let other = json!({ "telegram_user_id": ada.id + 1 });
    house.storefront().buys(&place.service, "c-Ada", &other).is(409);
    house.storefront().sells(&place.service, "c-Ada");
}

#[test]
fn two_purchases_for_one_account_at_once_are_one_purchase_and_one_refusal() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let buy = |customer: &str| {
        let body = json!({
            "service_id": place.service, "customer_id": customer, "telegram_user_id": ada.id,
        });
        Request::json("POST", "/subscriptions", &body)
    };
    let answers = house.at_once(vec![buy("c-1"), buy("c-2")]);
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{answers:?}");
}

#[test]
fn a_claim_in_a_group_is_not_carried_out() {
    let (house, place) = one_service();
    let (ada, _) = insider(&house, &place, "Ada");
    let other = house.storefront().sells(&place.service, "c-2");
    let link = text(&other, "/claim_link");
    let token = link.split('=').next_back().unwrap();
    let said = format!("/start@usher_bot {token}");
    let body = json!({ "user": ada.id, "chat_id": place.group, "text": said });
    house.telegram().control("message", body);
    house.settle();
    let posts = house.posts(place.group);
    assert!(text(posts.last().unwrap(), "/text").contains("personal"), "{posts:?}");
    assert_eq!(house.storefront().reads(&other)["telegram_linked"], false);
}

#[test]
fn what_is_no_link_of_ours_gets_a_kind_word() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    ada.enters("https://t.me/usher_bot?start=abc");
    assert!(ada.last_letter().contains("do not know this link"), "{}", ada.last_letter());
    ada.writes("/start");
    house.settle();
    assert!(ada.last_letter().starts_with("Hello!"), "{}", ada.last_letter());
    let before = ada.letters().len();
    ada.writes("good morning");
    house.settle();
    assert_eq!(ada.letters().len(), before, "small talk is not answered");
    let sold = house.storefront().sells(&place.service, "c-1");
    house.storefront().cancels(&sold, "now").is(200);
    ada.enters(&text(&sold, "/claim_link"));
    assert!(ada.last_letter().contains("has ended"), "{}", ada.last_letter());
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
}

fn relinks(house: &House, sold: &Value) -> testkit::functions::Answer {
    let path = format!("/subscriptions/{}/relink", text(sold, "/id"));
    house.storefront().call(Request::bare("POST", path))
}

#[test]
fn a_subscription_moves_to_another_account_and_the_old_one_leaves() {
    for guard in ["enforce", "observe"] {
        let house = House::new();
        let place = house.trader("t1").opens_with("Gold", &json!({ "guard": guard }));
        let (old, sold) = insider(&house, &place, "Old");
        let first = text(&house.storefront().sells(&place.service, "c-other"), "/claim_link");
        let moved = relinks(&house, &sold).is(200);
        assert_eq!(
            (&moved["telegram_linked"], &moved["membership"]),
            (&json!(false), &json!("invited"))
        );
        house.settle();
        assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"], "{guard}");
        assert_eq!(old.enters(&place.link), "requested");
        assert!(old.last_letter().contains("belongs to no"), "{}", old.last_letter());
        let new = house.person("New");
        new.enters(&text(&moved, "/claim_link"));
        new.enters(&place.link);
        assert_eq!(house.members(place.group), ["New", "Usher", "t1 (owner)"]);
        assert_eq!(stands(&house, &sold), pair("active", "joined"));
        // The old account is free for another subscription of the service.
        old.enters(&first);
        old.enters(&place.link);
        assert_eq!(house.members(place.group), ["New", "Old", "Usher", "t1 (owner)"]);
        let story = story_of(&house, &place, &sold);
        assert!(story.contains(&"subscription.relinked".to_owned()), "{story:?}");
    }
}

#[test]
fn a_claim_link_in_the_wrong_hands_is_replaced() {
    let (house, place) = one_service();
    let sold = house.storefront().sells(&place.service, "c-1");
    let moved = relinks(&house, &sold).is(200);
    assert_ne!(moved["claim_link"], sold["claim_link"]);
    let (eve, ada) = (house.person("Eve"), house.person("Ada"));
    eve.enters(&text(&sold, "/claim_link"));
    assert!(eve.last_letter().contains("used already"), "{}", eve.last_letter());
    ada.enters(&text(&moved, "/claim_link"));
    ada.enters(&place.link);
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
}

/// Somebody who asked to join while Telegram was down, which it still is, and whose subscription has
/// moved away since.
fn waits_at_the_door_when_it_moves(house: &House, place: &Place) -> Person {
    let old = house.person("Old");
    let sold = house.storefront().sells_to(&place.service, "c-1", &old);
    house.telegram().set_down(true);
    old.taps(&place.link);
    house.waits(minutes(1));
    relinks(house, &sold).is(200);
    old
}

#[test]
fn an_open_request_of_the_old_account_lets_nobody_in() {
    let (house, place) = one_service();
    waits_at_the_door_when_it_moves(&house, &place);
    house.waits(minutes(1));
    house.telegram().set_down(false);
    house.passes(hours(1));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    let asking = house.group(place.group)["join_requests"].as_array().cloned().unwrap();
    assert!(asking.is_empty(), "{asking:?}");
}

#[test]
fn who_waits_at_the_door_when_the_subscription_moves_and_buys_another_is_let_in() {
    let (house, place) = one_service();
    let old = waits_at_the_door_when_it_moves(&house, &place);
    let other = house.storefront().sells_to(&place.service, "c-2", &old);
    house.waits(minutes(1));
    house.telegram().set_down(false);
    house.passes(hours(1));
    assert_eq!(house.members(place.group), ["Old", "Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &other), pair("active", "joined"));
    assert_eq!(house.group(place.group)["join_requests"], json!([]));
}

#[test]
fn a_request_that_meets_the_move_of_the_subscription_is_nobodys() {
    let (house, place) = one_service();
    let old = house.person("Old");
    let sold = house.storefront().sells_to(&place.service, "c-1", &old);
    let claim = || {
        let rows = house.store().rows(Table::Subscriptions);
        rows.into_iter().find(|row| row.kind == "user").unwrap()
    };
    let mut row = claim();
    relinks(&house, &sold).is(200);
    house.settle();
    // As it looks to a webhook that reads the claim before the move and the subscription after it.
    let moved = claim().meta.ver;
    row.meta.ver = moved + 1;
    let write = Write { table: Table::Subscriptions, expected: Some(moved), row };
    house.functions().clock.run(house.store().commit(vec![write])).unwrap();
    assert_eq!(old.enters(&place.link), "requested");
    house.passes(hours(2));
    assert!(house.calls("approveChatJoinRequest").is_empty());
    let story = story_of(&house, &place, &sold);
    assert!(!story.contains(&"member.asked".to_owned()), "{story:?}");
    assert_eq!(house.group(place.group)["join_requests"], json!([]), "it is declined");
}

#[test]
fn what_has_ended_is_not_moved() {
    let (house, place) = one_service();
    let (_, sold) = insider(&house, &place, "Ada");
    house.storefront().cancels(&sold, "now").is(200);
    relinks(&house, &sold).is(409);
    house.settle();
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
}

#[test]
fn the_bot_lists_what_an_account_may_enter_with_the_ways_in() {
    let house = House::new();
    let gold = house.trader("t1").opens("Gold & Co");
    let silver = house.trader("t2").opens("Silver");
    let bronze = house.trader("t3").opens("Bronze");
    let ada = house.person("Ada");
    ada.writes("/access");
    house.settle();
    assert!(ada.last_letter().starts_with("Hello!"), "nothing yet: {}", ada.last_letter());
    for (place, customer) in [(&gold, "c-1"), (&silver, "c-2")] {
        house.storefront().sells_to(&place.service, customer, &ada);
    }
    let over = house.storefront().sells_to(&bronze.service, "c-3", &ada);
    house.storefront().cancels(&over, "now").is(200);
    ada.enters(&gold.link);
    for command in ["/access", "/start"] {
        ada.writes(command);
        house.settle();
        let letter = ada.letters().last().unwrap().clone();
        let said = text(&letter, "/text");
        assert!(
            said.contains("Gold & Co, paid until") && said.contains("Silver, paid until"),
            "{said}"
        );
        assert!(!said.contains("Bronze"), "{said}");
        let mut ways: Vec<_> = letter["buttons"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (text(row, "/0/text"), text(row, "/0/url")))
            .collect();
        ways.sort();
        let expected = [
            ("Open Gold & Co".to_owned(), gold.link.clone()),
            ("Open Silver".to_owned(), silver.link.clone()),
        ];
        assert_eq!(ways, expected);
    }
    assert!(ada.last_letter().contains("you are in"), "{}", ada.last_letter());
    let letters = ada.letters().len();
    let asked = json!({ "user": ada.id, "chat_id": gold.group, "text": "/access" });
    house.telegram().control("message", asked);
    house.settle();
    assert_eq!(
        (ada.letters().len(), house.posts(gold.group).len()),
        (letters, 1),
        "not in a group"
    );
}
