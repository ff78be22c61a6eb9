//! How alerts reach the group.

use domain::task::Lane;
use serde_json::{Value, json};
use testkit::House;
use testkit::functions::Request;
use testkit::house::{Place, hours, minutes, text};
use testkit::memory_telegram::WireFault;

use crate::{fault, one_service, signal};

/// Sends an alert that has to be accepted; answers with its id.
fn sends(house: &House, place: &Place, symbol: &str) -> String {
    let accepted = house.trader("t1").alerts(&place.service, signal(symbol)).is(202);
    assert_eq!(accepted["status"], "queued");
    text(&accepted, "/alert_id")
}

fn alert(house: &House, id: &str) -> Value {
    house.trader("t1").sees_alert(id)
}

/// The symbols of the alerts in a group, in the order in which they stand there.
fn symbols(house: &House, place: &Place) -> Vec<String> {
    let texts = house.posts(place.group).into_iter().filter_map(|post| {
        let text = post["text"].as_str().or(post["caption"].as_str())?.to_owned();
        Some(text.split_once("BUY ")?.1.lines().next()?.to_owned())
    });
    texts.collect()
}

fn story_of_alert(house: &House, place: &Place, id: &str) -> Vec<String> {
    house.steps(&place.service, &format!("alert/{id}"))
}

#[test]
fn an_alert_stands_in_the_group_once_and_its_message_is_known() {
    let (house, place) = one_service();
    let id = sends(&house, &place, "EURUSD");
    assert_eq!(alert(&house, &id)["status"], "queued");
    house.settle();
    let posts = house.posts(place.group);
    let post = posts.last().unwrap();
    let told = text(post, "/text");
    for part in ["BUY EURUSD", "Entry: 100.50", "Target 1: 110", "Stop loss: 95", "#A"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert_eq!(
        symbols(&house, &place),
        ["EURUSD"],
        "the handler's message and the relay's are one"
    );
    let seen = alert(&house, &id);
    assert_eq!((&seen["status"], &seen["attempts"]), (&json!("sent"), &json!(1)));
    assert_eq!(seen["message_id"], json!(post["message_id"].to_string()));
    assert_eq!(seen["entry"], "100.50");
    let story = story_of_alert(&house, &place, &id);
    assert_eq!(story, ["alert.queued", "alert.sending", "alert.sent"]);
    assert_eq!(house.passes(hours(1)), ());
    assert_eq!(symbols(&house, &place), ["EURUSD"]);
}

#[test]
fn a_test_alert_takes_the_same_way() {
    let (house, place) = one_service();
    let path = format!("/traders/services/{}/telegram-group/test-alert", place.service);
    let accepted = house.trader("t1").call(Request::bare("POST", path)).is(202);
    house.settle();
    let posts = house.posts(place.group);
    assert!(text(posts.last().unwrap(), "/text").contains("Test alert"));
    assert_eq!(alert(&house, &text(&accepted, "/alert_id"))["status"], "sent");
}

#[test]
fn each_format_has_its_own_words() {
    let (house, place) = one_service();
    for (format, begins) in [("mt4", "BUY BTCUSDT\nEntry: 100.50"), ("cornix", "BTC/USDT\nLONG")] {
        let mut body = signal("BTC/USDT");
        body["format"] = json!(format);
        house.trader("t1").alerts(&place.service, body).is(202);
        house.settle();
        let told = text(house.posts(place.group).last().unwrap(), "/text");
        assert!(told.starts_with(begins), "{told}");
    }
}

#[test]
fn without_a_group_nothing_is_accepted() {
    let house = House::new();
    let service = house.trader("t1").creates_service("Gold");
    house.trader("t1").alerts(&service, signal("EURUSD")).is(409);
    assert!(
        house.trader("t1").gets(&format!("/traders/services/{service}/alerts")).is(200)["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn of_many_at_once_those_accepted_are_posted_in_order_and_within_the_limits() {
    let (house, place) = one_service();
    let name = |number: u32| format!("PAIR{number:02}");
    let answers: Vec<_> = (1..=25)
        .map(|number| house.trader("t1").alerts(&place.service, signal(&name(number))))
        .collect();
    let accepted: Vec<_> = answers.iter().take_while(|answer| answer.status == 202).collect();
    assert_eq!(accepted.len(), 21, "refused while more than 20 are waiting");
    for refused in &answers[accepted.len()..] {
        assert_eq!(refused.status, 429);
        assert!(refused.retry_after.is_some());
    }
    house.waits(minutes(3));
    let wanted: Vec<_> = (1..=21).map(name).collect();
    assert_eq!(symbols(&house, &place), wanted);
    let calls = house.calls("sendMessage");
    assert!(calls.iter().all(|call| call["code"] == 200), "Telegram never had to say 429");
    for answer in accepted {
        let seen = alert(&house, &text(&answer.body, "/alert_id"));
        assert_eq!((&seen["status"], &seen["attempts"]), (&json!("sent"), &json!(1)));
    }
    sends(&house, &place, "LATER");
}

#[test]
fn groups_do_not_wait_for_each_other() {
    let (house, gold) = one_service();
    let silver = house.trader("t1").opens("Silver Signals");
    for number in 0..15 {
        sends(&house, &gold, &format!("PAIR{number}"));
    }
    let id = sends(&house, &silver, "SILVER");
    let begin = house.now();
    house.waits(minutes(3));
    let sent: jiff::Timestamp = text(&alert(&house, &id), "/sent_at").parse().unwrap();
    assert!(sent < begin + testkit::house::minutes(1), "{begin} {sent}");
}

#[test]
fn an_alert_for_a_group_that_lost_the_bot_fails_with_the_reason() {
    let (house, place) = one_service();
    let id = sends(&house, &place, "EURUSD");
    place.owner.does("kick_bot", json!({ "chat_id": place.group }));
    house.settle();
    let seen = alert(&house, &id);
    assert_eq!(
        (&seen["status"], &seen["failure"]["code"]),
        (&json!("failed"), &json!("bot_outside"))
    );
    assert_eq!(story_of_alert(&house, &place, &id).last().unwrap(), "alert.failed");
    assert_eq!(house.sweep().begun_again, 0);
}

#[test]
fn an_alert_that_may_not_be_written_fails_after_some_tries() {
    let (house, place) = one_service();
    let closed = "Bad Request: not enough rights to send text messages to the chat";
    let fault_of = json!({
        "fault": "error", "method": "sendMessage", "code": 400, "description": closed,
    });
    fault(&house, fault_of);
    let id = sends(&house, &place, "EURUSD");
    house.passes(hours(1));
    let seen = alert(&house, &id);
    let failed = (&json!("failed"), &json!("may_not_write"));
    assert_eq!((&seen["status"], &seen["failure"]["code"]), failed, "{seen}");
}

#[test]
fn a_text_that_telegram_refuses_fails_at_once() {
    let (house, place) = one_service();
    let fault_of = json!({
        "fault": "error", "method": "sendMessage", "code": 400, "count": 1,
        "description": "Bad Request: can't parse entities: unexpected end tag",
    });
    fault(&house, fault_of);
    let bad = sends(&house, &place, "BAD");
    let good = sends(&house, &place, "GOOD");
    house.settle();
    house.waits(minutes(1));
    assert_eq!(alert(&house, &bad)["failure"]["code"], "refused");
    assert_eq!(alert(&house, &good)["status"], "sent");
}

#[test]
fn an_alert_without_an_answer_is_sent_again_and_stands_there_twice_at_most() {
    for (lost, copies) in [(WireFault::LostAfter, 2), (WireFault::LostBefore, 1)] {
        let (house, place) = one_service();
        house.telegram().fail_next("sendMessage", lost);
        let id = sends(&house, &place, "EURUSD");
        house.settle();
        assert_eq!(alert(&house, &id)["status"], "unknown");
        house.waits(minutes(1));
        let seen = alert(&house, &id);
        assert_eq!((&seen["status"], &seen["attempts"]), (&json!("sent"), &json!(2)));
        let posts = house.posts(place.group);
        assert_eq!(symbols(&house, &place).len(), copies, "{posts:?}");
        let tag = |post: &Value| text(post, "/text").lines().last().unwrap().to_owned();
        let last = posts.last().unwrap();
        assert!(posts[1..].iter().all(|post| tag(post) == tag(last)), "known by their tag");
        let story = story_of_alert(&house, &place, &id);
        assert_eq!(story.iter().filter(|step| *step == "alert.unknown").count(), 1, "{story:?}");
        assert!(house.events().heard().iter().any(|event| event.name == "AlertUnknown"));
        assert_eq!(seen["message_id"], json!(last["message_id"].to_string()));
    }
}

#[test]
fn a_stumbling_server_may_have_posted_it() {
    let (house, place) = one_service();
    fault(&house, json!({ "fault": "server_error_json", "method": "sendMessage", "count": 1 }));
    let id = sends(&house, &place, "EURUSD");
    house.settle();
    assert_eq!(alert(&house, &id)["status"], "unknown");
    house.waits(minutes(1));
    assert_eq!(alert(&house, &id)["status"], "sent");
}

#[test]
fn a_wait_that_telegram_asks_for_is_kept_and_the_order_too() {
    let (house, place) = one_service();
    let wait = json!({
        "fault": "too_many_requests", "method": "sendMessage", "count": 1, "retry_after": 34,
    });
    fault(&house, wait);
    let begin = house.now();
    let ids: Vec<_> = ["ONE", "TWO", "THREE"].map(|it| sends(&house, &place, it)).into();
    house.settle();
    assert!(symbols(&house, &place).is_empty());
    house.waits(minutes(2));
    assert_eq!(symbols(&house, &place), ["ONE", "TWO", "THREE"]);
    let sent: jiff::Timestamp = text(&alert(&house, &ids[0]), "/sent_at").parse().unwrap();
    assert!(sent >= begin + jiff::SignedDuration::from_secs(34));
    assert_eq!(alert(&house, &ids[0])["attempts"], 2);
    assert_eq!(alert(&house, &ids[1])["attempts"], 1);
}

#[test]
fn a_picture_stands_above_its_text_and_a_refused_one_becomes_a_link() {
    let (house, place) = one_service();
    let mut with = signal("EURUSD");
    with["image_url"] = json!("https://example.org/chart.png");
    house.trader("t1").alerts(&place.service, with).is(202);
    house.settle();
    let posts = house.posts(place.group);
    let post = posts.last().unwrap();
    assert_eq!(post["photo"], "https://example.org/chart.png");
    assert!(text(post, "/caption").contains("BUY EURUSD"));

    let mut with = signal("GBPUSD");
    with["image_url"] = json!("https://example.org/chart.missing.jpg");
    let accepted = house.trader("t1").alerts(&place.service, with).is(202);
    house.waits(minutes(1));
    let posts = house.posts(place.group);
    let told = posts.last().unwrap();
    assert!(text(told, "/text").contains("BUY GBPUSD"), "{told}");
    assert!(told["entities"].to_string().contains("chart.missing.jpg"), "{told}");
    assert_eq!(alert(&house, &text(&accepted, "/alert_id"))["status"], "sent");
}

#[test]
fn an_alert_whose_picture_the_group_does_not_allow_goes_out_as_a_message() {
    let (house, place) = one_service();
    let refused = json!({
        "fault": "error", "method": "sendPhoto", "code": 400,
        "description": "Bad Request: not enough rights to send photos to the chat",
    });
    fault(&house, refused);
    let mut with = signal("EURUSD");
    with["image_url"] = json!("https://example.org/chart.png");
    let accepted = house.trader("t1").alerts(&place.service, with).is(202);
    house.waits(minutes(1));
    assert_eq!(alert(&house, &text(&accepted, "/alert_id"))["status"], "sent");
    let posts = house.posts(place.group);
    let told = posts.last().unwrap();
    assert!(text(told, "/text").contains("BUY EURUSD"), "{told}");
    assert!(told["entities"].to_string().contains("chart.png"), "{told}");
}

#[test]
fn an_alert_whose_calls_stay_without_an_answer_does_not_fill_the_group_with_copies() {
    let (house, place) = one_service();
    for _ in 0..500 {
        house.telegram().fail_next("sendMessage", WireFault::LostAfter);
    }
    let id = sends(&house, &place, "EURUSD");
    house.waits(minutes(1));
    let copies = house.posts(place.group).len() - 1;
    assert!((2..=7).contains(&copies), "soon at first, then ever more seldom: {copies}");
    house.waits(minutes(59));
    let copies = house.posts(place.group).len() - 1;
    assert!(copies <= 24, "at most every five minutes: {copies}");
    assert_eq!(alert(&house, &id)["status"], "unknown");
}

#[test]
fn an_alert_that_nobody_could_post_for_a_day_is_given_up() {
    let (house, place) = one_service();
    let id = sends(&house, &place, "EURUSD");
    house.telegram().set_down(true);
    house.passes(hours(26));
    let seen = alert(&house, &id);
    assert_eq!((&seen["status"], &seen["failure"]["code"]), (&json!("failed"), &json!("too_old")));
    house.telegram().set_down(false);
    house.passes(hours(2));
    assert!(symbols(&house, &place).is_empty());
    assert!(house.queue().waiting(Lane::Alerts).is_empty());
    assert_eq!(story_of_alert(&house, &place, &id).last().unwrap(), "alert.failed");
}

#[test]
fn an_alert_whose_sender_died_is_taken_up_again() {
    let (house, place) = one_service();
    let id = sends(&house, &place, "EURUSD");
    // The message is received and never comes back: the function was stopped.
    let lost = house.queue().receive(Lane::Alerts, 10);
    assert_eq!(lost.len(), 1);
    house.waits(minutes(1));
    assert_eq!(alert(&house, &id)["status"], "queued");
    house.waits(minutes(6));
    assert_eq!(alert(&house, &id)["status"], "sent");
    assert_eq!(symbols(&house, &place), ["EURUSD"]);
}

#[test]
fn an_alert_goes_out_although_the_queue_did_not_take_it() {
    for fault in [testkit::QueueFault::NotSent, testkit::QueueFault::SendAnswerLost] {
        let (house, place) = one_service();
        house.queue().fail_next(fault);
        let id = sends(&house, &place, "EURUSD");
        house.settle();
        assert_eq!(alert(&house, &id)["status"], "sent");
        assert_eq!(symbols(&house, &place), ["EURUSD"], "{fault:?}");
    }
}

#[test]
fn what_contradicts_itself_is_refused_and_not_stored() {
    let (house, place) = one_service();
    let trader = house.trader("t1");
    let bad = |name: &str, value: Value| {
        let mut body = signal("EURUSD");
        body[name] = value;
        let problem = trader.alerts(&place.service, body).is(422);
        problem["errors"].to_string()
    };
    assert!(bad("entry", json!("{{close}}")).contains("/entry"));
    assert!(bad("stop_loss", json!("NaN")).contains("/stop_loss"));
    assert!(bad("stop_loss", json!("120")).contains("/stop_loss"), "above the entry of a buy");
    assert!(bad("targets", json!(["90"])).contains("/targets/0"));
    assert!(bad("colour", json!("red")).contains("/colour"));
    house.settle();
    let path = format!("/traders/services/{}/alerts", place.service);
    assert_eq!(trader.gets(&path).is(200)["items"], json!([]));
    assert!(symbols(&house, &place).is_empty());
}
