//! What becomes of an alert is told after it, as an answer to it, in order.

use domain::task::Lane;
use serde_json::{Value, json};
use testkit::House;
use testkit::functions::{Answer, Request};
use testkit::house::{Place, hours, minutes, text};
use testkit::memory_telegram::WireFault;

use crate::{fault, one_service, signal};

fn path(alert: &str) -> String {
    format!("/alerts/{alert}/updates")
}

fn tells(house: &House, alert: &str, update: &Value) -> Answer {
    house.trader("t1").posts(&path(alert), update)
}

/// Sends an alert; answers with its id.
fn sends(house: &House, place: &Place, symbol: &str) -> String {
    text(&house.trader("t1").alerts(&place.service, signal(symbol)).is(202), "/alert_id")
}

fn updates(house: &House, alert: &str) -> Vec<Value> {
    house.trader("t1").sees_alert(alert)["updates"].as_array().unwrap().clone()
}

/// The first lines of what stands in the group, without the greeting.
fn lines(house: &House, group: i64) -> Vec<String> {
    let texts = house.posts(group).into_iter().map(|post| text(&post, "/text"));
    texts.skip(1).map(|text| text.lines().next().unwrap().to_owned()).collect()
}

#[test]
fn an_update_answers_its_alert_and_the_record_tells_of_it() {
    let (house, place) = one_service();
    let alert = sends(&house, &place, "EURUSD");
    house.settle();
    let body = json!({ "kind": "tp_hit", "target": 1, "percent": 50, "text": "Well done" });
    let accepted = tells(&house, &alert, &body).is(202);
    assert_eq!((&accepted["alert_id"], &accepted["status"]), (&json!(alert), &json!("queued")));
    let waiting = &updates(&house, &alert)[0];
    assert_eq!((&waiting["status"], &waiting["id"]), (&json!("queued"), &accepted["update_id"]));
    house.settle();
    let posts = house.posts(place.group);
    let (post, alert_post) = (posts.last().unwrap(), &posts[posts.len() - 2]);
    assert_eq!(post["reply_to"], alert_post["message_id"]);
    let told = text(post, "/text");
    assert!(told.starts_with("✅ Target 1 hit at 110\n50 % closed\n\nWell done\n\n#A"), "{told}");
    let seen = &updates(&house, &alert)[0];
    assert_eq!((&seen["status"], &seen["attempts"]), (&json!("sent"), &json!(1)));
    assert_eq!(seen["message_id"], json!(post["message_id"].to_string()));
    assert_eq!((&seen["target"], &seen["percent"]), (&json!(1), &json!("50")));
    let story = house.steps(&place.service, &format!("alert/{alert}"));
    let own = &story[3..];
    assert_eq!(own, ["alert.update_queued", "alert.update_sending", "alert.update_sent"]);
    assert!(house.events().heard().iter().any(|event| event.name == "AlertUpdateSent"));
    house.passes(hours(1));
    assert_eq!(house.posts(place.group).len(), 3, "the handler's message and the relay's are one");
}

#[test]
fn an_update_of_an_alert_that_still_waits_comes_after_it() {
    let (house, place) = one_service();
    house.telegram().set_down(true);
    let alert = sends(&house, &place, "EURUSD");
    house.settle();
    tells(&house, &alert, &json!({ "kind": "close" })).is(202);
    house.waits(minutes(1));
    assert_eq!(updates(&house, &alert)[0]["status"], "queued");
    house.telegram().set_down(false);
    house.waits(minutes(10));
    assert_eq!(lines(&house, place.group), ["🟢 BUY EURUSD", "🏁 Close the position"]);
    assert_eq!(updates(&house, &alert)[0]["status"], "sent");
}

#[test]
fn whatever_was_accepted_stands_in_the_order_of_its_acceptance() {
    let (house, place) = one_service();
    let wait = json!({
        "fault": "too_many_requests", "method": "sendMessage", "count": 2, "retry_after": 20,
    });
    fault(&house, wait);
    let one = sends(&house, &place, "ONE");
    let move_to = |price: &str| json!({ "kind": "move_sl", "price": price });
    tells(&house, &one, &move_to("96")).is(202);
    let two = sends(&house, &place, "TWO");
    tells(&house, &one, &move_to("97")).is(202);
    tells(&house, &two, &json!({ "kind": "cancel" })).is(202);
    tells(&house, &one, &json!({ "kind": "breakeven" })).is(202);
    house.waits(minutes(3));
    let stop = |price: &str| format!("🛡 Move the stop loss to {price}");
    let entry = stop("the entry: 100.50");
    assert_eq!(
        lines(&house, place.group),
        [
            "🟢 BUY ONE",
            &stop("96"),
            "🟢 BUY TWO",
            &stop("97"),
            "❌ Cancelled: do not enter any more",
            &entry
        ]
    );
    assert_eq!(house.calls("sendMessage").iter().filter(|call| call["code"] == 429).count(), 2);
}

#[test]
fn a_copier_gets_one_command_as_an_answer() {
    let (house, place) = one_service();
    for (format, update, command) in [
        ("cornix", json!({ "kind": "close", "text": "for people only" }), "CLOSE"),
        ("cornix", json!({ "kind": "cancel" }), "CANCEL"),
        ("mt4", json!({ "kind": "close", "price": "105" }), "CLOSE"),
        ("mt4", json!({ "kind": "move_sl", "price": 99.50 }), "Move SL to 99.5"),
    ] {
        let mut body = signal("BTC/USDT");
        body["format"] = json!(format);
        let alert = house.trader("t1").alerts(&place.service, body).is(202);
        tells(&house, &text(&alert, "/alert_id"), &update).is(202);
        house.waits(minutes(1));
        let posts = house.posts(place.group);
        let (post, alert) = (posts.last().unwrap(), &posts[posts.len() - 2]);
        assert_eq!((&post["text"], &post["reply_to"]), (&json!(command), &alert["message_id"]));
    }
}

#[test]
fn an_update_without_an_answer_is_sent_again_and_counted() {
    for (lost, copies) in [(WireFault::LostAfter, 2), (WireFault::LostBefore, 1)] {
        let (house, place) = one_service();
        let alert = sends(&house, &place, "EURUSD");
        house.settle();
        house.telegram().fail_next("sendMessage", lost);
        tells(&house, &alert, &json!({ "kind": "close" })).is(202);
        house.settle();
        assert_eq!(updates(&house, &alert)[0]["status"], "unknown");
        house.waits(minutes(1));
        let seen = &updates(&house, &alert)[0];
        assert_eq!((&seen["status"], &seen["attempts"]), (&json!("sent"), &json!(2)));
        assert_eq!(lines(&house, place.group).len(), 1 + copies);
        assert!(house.events().heard().iter().any(|event| event.name == "AlertUpdateUnknown"));
        assert_eq!(house.trader("t1").sees_alert(&alert)["attempts"], 1, "the alert's own");
    }
}

#[test]
fn an_update_whose_sender_died_is_taken_up_again() {
    let (house, place) = one_service();
    let alert = sends(&house, &place, "EURUSD");
    house.settle();
    tells(&house, &alert, &json!({ "kind": "close" })).is(202);
    // The message is received and never comes back: the function was stopped.
    assert_eq!(house.queue().receive(Lane::Alerts, 10).len(), 1);
    house.waits(minutes(7));
    assert_eq!(updates(&house, &alert)[0]["status"], "sent");
    assert_eq!(lines(&house, place.group).len(), 2);
}

#[test]
fn an_update_goes_out_although_the_queue_did_not_take_it() {
    for fault in [testkit::QueueFault::NotSent, testkit::QueueFault::SendAnswerLost] {
        let (house, place) = one_service();
        let alert = sends(&house, &place, "EURUSD");
        house.settle();
        house.queue().fail_next(fault);
        tells(&house, &alert, &json!({ "kind": "close" })).is(202);
        house.settle();
        assert_eq!(updates(&house, &alert)[0]["status"], "sent", "{fault:?}");
        assert_eq!(lines(&house, place.group).len(), 2, "{fault:?}");
    }
}

#[test]
fn what_is_about_an_alert_that_never_stood_there_is_given_up_with_it() {
    let (house, place) = one_service();
    let alert = sends(&house, &place, "EURUSD");
    tells(&house, &alert, &json!({ "kind": "close" })).is(202);
    place.owner.does("kick_bot", json!({ "chat_id": place.group }));
    house.settle();
    let seen = &updates(&house, &alert)[0];
    let failed = (&json!("failed"), &json!("alert_not_posted"));
    assert_eq!((&seen["status"], &seen["failure"]["code"]), failed, "{seen}");
    let problem = tells(&house, &alert, &json!({ "kind": "close" })).is(409);
    assert_eq!(problem["type"], "/problems/conflict");
    let story = house.steps(&place.service, &format!("alert/{alert}"));
    assert_eq!(story.last().unwrap(), "alert.update_failed");
}

#[test]
fn an_update_of_a_group_that_lost_the_bot_fails_with_the_reason() {
    let (house, place) = one_service();
    let alert = sends(&house, &place, "EURUSD");
    house.settle();
    tells(&house, &alert, &json!({ "kind": "close" })).is(202);
    place.owner.does("kick_bot", json!({ "chat_id": place.group }));
    house.settle();
    let seen = house.trader("t1").sees_alert(&alert);
    assert_eq!(seen["status"], "sent");
    assert_eq!(seen["updates"][0]["failure"]["code"], "bot_outside");
    let problem = tells(&house, &alert, &json!({ "kind": "close" })).is(409);
    assert!(text(&problem, "/detail").contains("no Telegram group"), "{problem}");
}

#[test]
fn where_the_alerts_message_was_deleted_the_update_names_the_alert() {
    for format in ["rich", "mt4", "cornix"] {
        let (house, place) = one_service();
        let mut body = signal("EURUSD");
        body["format"] = json!(format);
        let alert = house.trader("t1").alerts(&place.service, body).is(202);
        let alert = text(&alert, "/alert_id");
        house.settle();
        let whole = text(house.posts(place.group).last().unwrap(), "/text");
        let tag = whole.lines().last().unwrap();
        let gone = json!({
            "fault": "error", "method": "sendMessage", "code": 400, "count": 1,
            "description": "Bad Request: message to be replied not found",
        });
        fault(&house, gone);
        tells(&house, &alert, &json!({ "kind": "close" })).is(202);
        house.waits(minutes(1));
        let posts = house.posts(place.group);
        let post = posts.last().unwrap();
        assert_eq!(post["reply_to"], Value::Null);
        assert!(text(post, "/text").contains(tag), "{post}");
        let seen = &updates(&house, &alert)[0];
        assert_eq!((&seen["status"], &seen["attempts"]), (&json!("sent"), &json!(1)));
    }
}

#[test]
fn an_update_after_the_group_became_a_supergroup_does_not_answer_a_strangers_message() {
    let house = House::new();
    let trader = house.trader("t1");
    let service = trader.creates_service("Gold Signals");
    let link = text(&trader.asks_for_group(&service, "link").is(202), "/setup_link");
    let owner = house.person("Tara");
    let basic = owner.adds_bot(&link, json!({ "kind": "group" }));
    house.settle();
    let alert = trader.alerts(&service, signal("EURUSD")).is(202);
    let alert = text(&alert, "/alert_id");
    house.waits(minutes(1));
    let posted = trader.sees_alert(&alert);
    assert_eq!(posted["status"], "sent", "{posted}");
    let upgraded = owner.does("migrate", json!({ "chat_id": basic }));
    let group = upgraded["chat_id"].as_i64().unwrap();
    // Nobody has told Usher: the first call to the old chat does. Meanwhile messages of the same
    // numbers are written in the new one.
    for _ in 0..20 {
        let hello = json!({ "chat_id": group, "user": owner.id, "text": "hello" });
        house.telegram().control("message", hello);
    }
    tells(&house, &alert, &json!({ "kind": "close" })).is(202);
    house.waits(minutes(5));
    let posts = house.posts(group);
    let about: Vec<_> =
        posts.iter().filter(|post| text(post, "/text").contains("Close the position")).collect();
    assert_eq!(about.len(), 1, "{posts:?}");
    assert_eq!(about[0]["reply_to"], Value::Null);
    assert!(text(about[0], "/text").contains("#A"));
    assert_eq!(updates(&house, &alert)[0]["status"], "sent");
}

#[test]
fn updates_count_among_what_waits() {
    let (house, place) = one_service();
    let alert = sends(&house, &place, "EURUSD");
    let note = |number: usize| json!({ "kind": "note", "text": format!("Note {number}") });
    let answers: Vec<_> = (0..25).map(|number| tells(&house, &alert, &note(number))).collect();
    let taken = answers.iter().take_while(|answer| answer.status == 202).count();
    assert_eq!(taken, 20, "with the alert itself, 21 are waiting");
    assert!(answers[taken..].iter().all(|it| it.status == 429 && it.retry_after.is_some()));
    house.waits(minutes(4));
    let wanted: Vec<_> = (0..20).map(|number| format!("📝 Note {number}")).collect();
    assert_eq!(lines(&house, place.group)[1..], wanted);
    tells(&house, &alert, &note(99)).is(202);
}

#[test]
fn an_alert_takes_fifty_updates() {
    let (house, place) = one_service();
    let alert = sends(&house, &place, "EURUSD");
    for _ in 0..50 {
        tells(&house, &alert, &json!({ "kind": "breakeven" })).is(202);
        house.waits(minutes(1));
    }
    let problem = tells(&house, &alert, &json!({ "kind": "breakeven" })).is(409);
    assert!(text(&problem, "/detail").contains("50 updates"), "{problem}");
    assert!(updates(&house, &alert).iter().all(|update| update["status"] == "sent"));
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_stored() {
    let (house, place) = one_service();
    let alert = sends(&house, &place, "EURUSD");
    house.settle();
    let bad = |body: Value| tells(&house, &alert, &body).is(422)["errors"].to_string();
    assert!(bad(json!({ "kind": "move_sl", "price": "{{close}}" })).contains("/price"));
    assert!(bad(json!({ "kind": "tp_hit", "target": 2 })).contains("/target"));
    assert!(bad(json!({ "kind": "close", "percent": 10 })).contains("/percent"));
    assert!(bad(json!({ "colour": "red" })).contains("/colour"));
    assert!(updates(&house, &alert).is_empty());
    let stranger = Request::json("POST", path(&alert), &json!({ "kind": "close" })).by("t2");
    assert_eq!(house.call(stranger).status, 404);
}
