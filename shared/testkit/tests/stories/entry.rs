//! How buyers come in, and who does not.

use serde_json::json;
use testkit::house::{hours, minutes, text};
use testkit::memory_telegram::Moment;

use crate::{insider, one_service, pair, stands, story_of};

#[test]
fn a_buyer_is_let_in_by_the_guarded_link() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let calls = house.telegram().look(telegram_simulator::World::calls);
    let sold = house.storefront().sells_to(&place.service, "c-1", &ada);
    let after = house.telegram().look(telegram_simulator::World::calls);
    assert_eq!(calls, after, "a purchase asks nothing of Telegram");
    assert_eq!((&sold["invite_link"], &sold["claim_link"]), (&json!(place.link), &json!(null)));
    assert_eq!(ada.enters(&place.link), "requested");
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
    let story = story_of(&house, &place, &sold);
    assert_eq!(story, ["subscription.purchased", "member.asked", "member.joined"]);
    let active = house.trader("t1").gets("/traders/services").is(200);
    assert_eq!(active["items"][0]["active_subscriptions"], 1);
}

#[test]
fn a_stranger_is_declined_and_told_what_to_do() {
    let (house, place) = one_service();
    let eve = house.person("Eve");
    assert_eq!(eve.enters(&place.link), "requested");
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(house.group(place.group)["join_requests"], json!([]));
    assert!(eve.last_letter().contains("belongs to no subscription"), "{}", eve.last_letter());
}

#[test]
fn somebody_whose_time_is_over_is_declined_even_before_the_sweep() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-1", &ada);
    house.waits(hours(24 * 30));
    ada.enters(&place.link);
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert!(ada.last_letter().contains("your subscription has ended"), "{}", ada.last_letter());
    assert_eq!(stands(&house, &sold).0, "expired");
}

#[test]
fn a_request_that_came_too_early_is_let_in_after_the_purchase() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    ada.enters(&place.link);
    house.storefront().sells_to(&place.service, "c-1", &ada);
    assert_eq!(ada.enters(&place.link), "requested");
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
}

#[test]
fn a_purchase_between_the_request_and_its_refusal_lets_in() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    ada.taps(&place.link);
    for update in house.telegram().updates() {
        assert!(house.deliver(&update));
    }
    house.storefront().sells_to(&place.service, "c-1", &ada);
    house.settle();
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
}

#[test]
fn a_buyer_who_pays_while_being_turned_away_is_let_in() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let ends_at = house.now() + minutes(1);
    let known = json!({ "telegram_user_id": ada.id, "ends_at": ends_at.to_string() });
    let sold = house.storefront().buys(&place.service, "c-1", &known).is_good();
    // They ask in time; when Telegram can be reached at last, their time is over.
    house.telegram().set_down(true);
    ada.taps(&place.link);
    house.waits(minutes(2));
    house.telegram().set_down(false);
    let service = place.service.clone();
    house.beside("sendMessage", Moment::Before, move |house| {
        house.storefront().buys(&service, "c-1", &json!({})).is_good();
    });
    house.waits(minutes(5));
    assert_eq!(house.calls("declineChatJoinRequest").len(), 0, "nobody declines who has paid");
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
}

#[test]
fn a_request_that_is_taken_back_leaves_nothing_behind() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-1", &ada);
    ada.taps(&place.link);
    let back = json!({ "user": ada.id, "chat_id": place.group });
    house.telegram().control("cancel_request", back);
    house.settle();
    assert_eq!(stands(&house, &sold), pair("active", "invited"));
    assert_eq!(house.sweep().begun_again, 0, "nothing is stuck");
    ada.enters(&place.link);
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
}

#[test]
fn somebody_in_too_many_groups_is_told_so_once_and_let_in_after_leaving_one() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-1", &ada);
    let full = json!({
        "fault": "error", "method": "approveChatJoinRequest", "count": 5, "code": 400,
        "description": "Bad Request: USER_CHANNELS_TOO_MUCH",
    });
    crate::fault(&house, full);
    ada.writes("/start");
    ada.enters(&place.link);
    let told = ada.last_letter();
    assert!(told.contains("Leave one of them"), "{told}");
    let letters = ada.letters().len();
    house.passes(hours(1));
    assert_eq!(stands(&house, &sold), pair("active", "invited"));
    house.passes(hours(5));
    assert_eq!(stands(&house, &sold), pair("active", "joined"), "without asking again");
    assert_eq!(ada.letters().len(), letters);
}

#[test]
fn an_administrator_who_lets_a_buyer_in_is_quick_enough() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-1", &ada);
    ada.taps(&place.link);
    place.owner.does("approve", json!({ "user": ada.id, "chat_id": place.group }));
    house.settle();
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
}

#[test]
fn whoever_leaves_can_come_back_while_their_time_runs() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    ada.leaves(place.group);
    house.settle();
    assert_eq!(stands(&house, &sold), pair("active", "invited"));
    assert_eq!(ada.enters(&place.link), "requested");
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
}

#[test]
fn two_services_do_not_let_each_others_buyers_in() {
    let (house, gold) = one_service();
    let silver = house.trader("t2").opens("Silver Signals");
    let ada = house.person("Ada");
    house.storefront().sells_to(&gold.service, "c-1", &ada);
    ada.enters(&silver.link);
    assert_eq!(house.members(silver.group), ["Usher", "t2 (owner)"]);
    ada.enters(&gold.link);
    assert_eq!(house.members(gold.group), ["Ada", "Usher", "t1 (owner)"]);
}

#[test]
fn a_purchase_before_there_is_a_group_gets_its_way_in_later() {
    let house = testkit::House::new();
    let trader = house.trader("t1");
    let service = trader.creates_service("Gold Signals");
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&service, "c-1", &ada);
    assert_eq!(sold["invite_link"], json!(null));
    let link = text(&trader.asks_for_group(&service, "link").is(202), "/setup_link");
    house.person("Tara").adds_bot(&link, json!({}));
    house.settle();
    let way_in = text(&house.storefront().reads(&sold), "/invite_link");
    ada.enters(&way_in);
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
}
