//! When Telegram says 429: who waits, who does not, and what a turn costs.

use domain::ids::ChatId;
use domain::pace::{ChatBlock, Kind};
use domain::task::Lane;
use futures::future::FutureExt as _;
use jiff::SignedDuration;
use limiter::{Call, Limiter, Limits as _};
use serde_json::json;
use startup::Clock as _;
use testkit::functions::Functions;
use testkit::house::{HouseFunctions, Place, hours, minutes, text};
use testkit::{House, TakingTurns};

use crate::{fault, insider, one_service, pair, signal, stands};

/// Telegram asks once to wait, in this group, for calls of this method.
fn told_to_wait(house: &House, place: &Place, method: &str, seconds: u32) {
    let wait = json!({
        "fault": "too_many_requests", "method": method, "count": 1, "retry_after": seconds,
        "chat_id": place.group,
    });
    fault(house, wait);
}

fn sends(house: &House, place: &Place) -> String {
    text(&house.trader("t1").alerts(&place.service, signal("EURUSD")).is(202), "/alert_id")
}

fn status(house: &House, alert: &str) -> String {
    text(&house.trader("t1").sees_alert(alert), "/status")
}

#[test]
fn a_group_that_may_not_remove_for_an_hour_still_gets_its_alerts_and_others_are_not_delayed() {
    let (house, gold) = one_service();
    let silver = house.trader("t1").opens("Silver");
    let (_, golden) = insider(&house, &gold, "Ada");
    let (_, silvery) = insider(&house, &silver, "Ben");
    told_to_wait(&house, &gold, "unbanChatMember", 3_600);
    house.storefront().cancels(&golden, "now").is(200);
    house.settle();
    house.storefront().cancels(&silvery, "now").is(200);
    let alert = sends(&house, &gold);
    house.waits(minutes(1));
    assert_eq!(status(&house, &alert), "sent");
    assert_eq!(stands(&house, &silvery), pair("cancelled", "removed"));
    assert_eq!(stands(&house, &golden), pair("cancelled", "leaving"));
    house.passes(hours(2));
    assert_eq!(stands(&house, &golden), pair("cancelled", "removed"));
    let refused = house.calls("unbanChatMember").iter().filter(|call| call["code"] == 429).count();
    assert_eq!(refused, 1, "nobody asked again too soon");
}

#[test]
fn a_group_that_takes_no_message_for_an_hour_delays_nobody_else() {
    let (house, gold) = one_service();
    let silver = house.trader("t1").opens("Silver");
    house.waits(minutes(2));
    told_to_wait(&house, &gold, "sendMessage", 3_600);
    let (begin, late) = (house.now(), sends(&house, &gold));
    house.settle();
    for _ in 0..5 {
        let quick = sends(&house, &silver);
        house.settle();
        assert_eq!(status(&house, &quick), "sent");
    }
    assert!(house.now() < begin + minutes(1));
    house.passes(hours(2));
    assert_eq!(status(&house, &late), "sent");
    let refused = house.calls("sendMessage").iter().filter(|call| call["code"] == 429).count();
    assert_eq!(refused, 1);
}

#[test]
fn three_alerts_in_a_row_stand_in_their_group_at_once_and_the_fourth_when_their_seconds_are_over() {
    let (house, place) = one_service();
    house.waits(minutes(2));
    let begin = house.now();
    let alerts = [(); 4].map(|()| sends(&house, &place));
    house.waits(minutes(1));
    let waits = alerts.map(|alert| {
        let sent: jiff::Timestamp =
            text(&house.trader("t1").sees_alert(&alert), "/sent_at").parse().unwrap();
        sent.duration_since(begin).as_millis()
    });
    assert!(waits.is_sorted(), "{waits:?}");
    assert!(waits[2] < 1_000, "{waits:?}");
    assert!((3_150..4_000).contains(&waits[3]), "{waits:?}");
    assert!(house.calls("sendMessage").iter().all(|call| call["code"] == 200));
}

#[test]
fn three_groups_that_ask_to_wait_mean_the_bot_also_when_only_alerts_are_sent() {
    let house = House::new();
    let places: Vec<_> =
        (0..4).map(|number| house.trader("t1").opens(&format!("Service {number}"))).collect();
    house.waits(minutes(2));
    let begin = house.now();
    for place in &places[..3] {
        told_to_wait(&house, place, "sendMessage", 30);
        sends(&house, place);
        house.settle();
    }
    let alert = sends(&house, &places[3]);
    house.settle();
    assert_eq!(status(&house, &alert), "queued", "the fourth waits with them");
    house.waits(minutes(1));
    assert_eq!(status(&house, &alert), "sent");
    let sent: jiff::Timestamp =
        text(&house.trader("t1").sees_alert(&alert), "/sent_at").parse().unwrap();
    assert!(sent >= begin + jiff::SignedDuration::from_secs(30));
}

#[test]
fn an_alert_that_would_be_a_day_old_before_it_may_be_posted_fails_at_once_and_says_why() {
    let (house, place) = one_service();
    house.waits(minutes(2));
    told_to_wait(&house, &place, "sendMessage", 86_400);
    let first = sends(&house, &place);
    house.settle();
    let failure = |alert: &str| text(&house.trader("t1").sees_alert(alert), "/failure/code");
    assert_eq!(failure(&first), "blocked");
    // An hour later there are 23 left: a later alert can wait for that.
    house.passes(hours(1));
    let second = sends(&house, &place);
    house.settle();
    assert_eq!(status(&house, &second), "queued");
    house.passes(hours(25));
    assert_eq!(status(&house, &second), "sent");
    assert!(house.queue().dead().is_empty());
}

#[test]
fn a_second_message_for_a_picture_that_was_not_taken_notes_no_wait_that_nobody_asked_for() {
    use limiter::Limits as _;
    let (house, place) = one_service();
    house.waits(minutes(2));
    let mut with = signal("EURUSD");
    with["image_url"] = json!("https://example.org/chart.missing.jpg");
    house.trader("t1").alerts(&place.service, with).is(202);
    house.waits(minutes(1));
    let chat = domain::ids::ChatId::new(place.group);
    let pace = house.functions().clock.run(house.limits().chat(chat)).unwrap().unwrap();
    assert_eq!((pace.blocked_us, pace.others_blocked_us), (0, 0));
}

/// A batch of alerts for as many groups, and how many writes its turns cost.
#[test]
fn a_burst_costs_at_most_thirteen_writes_of_the_limiter_for_ten_messages() {
    let house = House::new();
    let places: Vec<_> =
        (0..20).map(|number| house.trader("t1").opens(&format!("Service {number}"))).collect();
    house.waits(minutes(2));
    let alerts: Vec<_> = places.iter().map(|place| sends(&house, place)).collect();
    let before = house.limits().writes();
    let HouseFunctions { store, queue, limits, events, telegram, clock, settings } =
        house.functions().clone();
    // With others at the table, as it is over a network.
    let limits = TakingTurns(limits);
    let functions = Functions { store, queue, limits, events, telegram, clock, settings };
    for _ in 0..2 {
        let batch = house.queue().receive(Lane::Alerts, 10);
        assert_eq!(batch.len(), 10);
        let deadline = house.now() + minutes(1);
        let back = functions.clock.run(functions.send(batch, deadline));
        assert!(back.is_empty());
    }
    let writes = house.limits().writes() - before;
    assert!(alerts.iter().all(|alert| status(&house, alert) == "sent"));
    assert!(writes <= 26, "{writes} writes for 20 messages");
}

/// Several other chats ask to wait for two seconds: that means the bot.
fn has_to_wait(house: &House) {
    let limiter = Limiter::new(house.functions().limits.clone());
    let clock = &house.functions().clock;
    for chat in 1..=3 {
        let call = Call::Message(ChatId::new(chat));
        clock.run(limiter.told_to_wait(call, 2, clock)).unwrap();
    }
}

/// A function carries out what waits in a lane; a while later, in which it waits for its turn,
/// something happens.
fn meanwhile(house: &House, lane: Lane, happens: impl FnOnce()) {
    let functions = house.functions();
    let batch = house.queue().receive(lane, 10);
    assert_eq!(batch.len(), 1);
    has_to_wait(house);
    let begin = house.now();
    let work = functions.send(batch, begin + minutes(1));
    let beside = async {
        functions.clock.sleep_until(begin + SignedDuration::from_millis(600)).await;
        happens();
    };
    functions.clock.run(futures::future::join(work, beside));
    assert!(house.now() >= begin + SignedDuration::from_secs(2), "it waited for its turn");
}

#[test]
fn a_group_that_asks_to_wait_while_a_removal_waits_for_its_turn_is_left_alone() {
    let (house, place) = one_service();
    let (_, sold) = insider(&house, &place, "Ada");
    house.waits(minutes(2));
    house.storefront().cancels(&sold, "now").is(200);
    assert!(house.carry_changes());
    let chat = ChatId::new(place.group);
    meanwhile(&house, Lane::Housekeeping, || {
        let now_us = house.now().as_microsecond();
        let block = ChatBlock::new(Kind::Other, 60, now_us);
        house.limits().block_chat(chat, block, now_us).now_or_never().unwrap().unwrap();
    });
    assert!(house.calls("unbanChatMember").is_empty());
    house.waits(minutes(2));
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
}

#[test]
fn whose_access_ends_while_their_admission_waits_for_its_turn_stays_outside() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-1", &ada);
    house.waits(minutes(2));
    ada.taps(&place.link);
    for update in house.telegram().updates() {
        assert!(house.deliver(&update));
    }
    meanwhile(&house, Lane::Alerts, || {
        house.storefront().cancels(&sold, "now").is(200);
    });
    house.waits(minutes(2));
    assert!(house.calls("approveChatJoinRequest").is_empty());
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
}

#[test]
fn somebody_whose_chat_asked_to_wait_at_a_farewell_is_written_to_when_that_is_over() {
    let (house, place) = one_service();
    let eve = house.person("Eve");
    house.waits(minutes(2));
    let wait = json!({
        "fault": "too_many_requests", "method": "sendMessage", "count": 1, "retry_after": 600,
        "chat_id": eve.id,
    });
    fault(&house, wait);
    eve.enters(&place.link);
    assert_eq!(house.calls("declineChatJoinRequest").len(), 1, "declined all the same");
    eve.writes("/start");
    house.settle();
    let refused = || house.calls("sendMessage").iter().filter(|it| it["code"] == 429).count();
    assert!(eve.letters().is_empty());
    house.waits(minutes(11));
    assert_eq!((refused(), eve.letters().len()), (1, 1));
}
