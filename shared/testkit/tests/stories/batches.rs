//! Batches, as Lambda hands them over: one bad record spoils itself only.

use std::pin::pin;
use std::sync::{Arc, Mutex};

use aws_lambda_events::dynamodb::Event;
use domain::ids::ChatId;
use domain::pace::{ChatBlock, Kind};
use domain::task::{Lane, Task};
use futures::future::{Either, FutureExt as _};
use jiff::SignedDuration;
use limiter::Limits as _;
use queue::{Outgoing, Queue, QueueError};
use serde_json::json;
use startup::Clock as _;
use testkit::TakingTurns;
use testkit::functions::change;
use testkit::house::{minutes, text};
use testkit::memory_telegram::Moment;

use crate::{fault, insider, one_service, pair, signal, stands};

fn sends(house: &testkit::House, service: &str, symbol: &str) -> String {
    text(&house.trader("t1").alerts(service, signal(symbol)).is(202), "/alert_id")
}

#[test]
fn a_stream_that_is_told_again_writes_and_does_nothing_twice() {
    let (house, place) = one_service();
    let (ada, stayer) = insider(&house, &place, "Ada");
    let (_, leaver) = insider(&house, &place, "Ben");
    house.storefront().cancels(&leaver, "now").is(200);
    sends(&house, &place.service, "EURUSD");
    house.waits(minutes(1));
    let (trail, heard) = (house.store().trail(), house.events().heard());
    // What is said for courtesy only may be said again; nothing that counts is.
    let signals = || {
        let mut posts = house.posts(place.group);
        posts.retain(|post| text(post, "/text").contains("EURUSD"));
        posts
    };
    let before = (house.members(place.group), signals(), ada.letters());
    house.replays_changes();
    house.passes(minutes(30));
    assert_eq!(house.store().trail(), trail);
    assert_eq!(house.events().heard(), heard, "a listener knows them by their keys");
    assert_eq!((house.members(place.group), signals(), ada.letters()), before);
    assert_eq!(before.1.len(), 1);
    assert_eq!(stands(&house, &stayer), pair("active", "joined"));
    assert_eq!(stands(&house, &leaver), pair("cancelled", "removed"));
    let moved: Vec<_> = house.store().take_stream();
    assert!(moved.is_empty(), "nothing was saved: {moved:?}");
}

#[test]
fn a_stream_record_that_cannot_be_read_does_not_hold_up_the_others() {
    let (house, place) = one_service();
    let sold = house.storefront().sells(&place.service, "c-1");
    let row = house.store().take_stream().into_iter().next().unwrap().after;
    let image = serde_json::to_value(store::item_from_row(&row).unwrap().into_inner()).unwrap();
    let mut broken = image.clone();
    broken["body"] = json!({ "S": "{\"nobody\": true}" });
    let record = |number: u32, image: &serde_json::Value| {
        json!({
            "awsRegion": "eu-central-1", "eventID": number.to_string(), "eventName": "INSERT",
            "eventSource": "aws:dynamodb", "eventVersion": "1.1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_767_258_000.0,
                "Keys": { "id": image["id"] }, "NewImage": image,
                "SequenceNumber": number.to_string(), "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        })
    };
    let garbage = json!({ "id": { "S": "x" }, "odd": { "N": "1" } });
    let records = [record(1, &garbage), record(2, &broken), record(3, &image)];
    let event: Event = serde_json::from_value(json!({ "Records": records })).unwrap();
    let changes = relay::changes(event);
    assert_eq!(changes.len(), 3);
    let failed = house.functions().clock.run(house.functions().relay(changes));
    assert_eq!(failed, None, "what can never be read is not waited for");
    let story = crate::story_of(&house, &place, &sold);
    assert_eq!(story, ["subscription.purchased"], "the good one behind them was carried on");
}

#[test]
fn after_the_first_that_is_handed_back_the_rest_of_its_group_waits_untouched() {
    let (house, gold) = one_service();
    let silver = house.trader("t1").opens("Silver");
    house.waits(minutes(2));
    let wait = json!({
        "fault": "too_many_requests", "method": "sendMessage", "count": 1, "retry_after": 20,
        "chat_id": gold.group,
    });
    fault(&house, wait);
    let golden: Vec<_> = ["G1", "G2", "G3"].map(|it| sends(&house, &gold.service, it)).into();
    let silvery: Vec<_> = ["S1", "S2"].map(|it| sends(&house, &silver.service, it)).into();
    let batch = house.queue().receive(Lane::Alerts, 10);
    assert_eq!(batch.len(), 5);
    let of_gold: Vec<_> = batch[..3].iter().map(|message| message.message_id.clone()).collect();
    let deadline = house.now() + minutes(1);
    let back = house.functions().clock.run(house.functions().send(batch, deadline));
    assert_eq!(back, of_gold, "in their order, and none of the other group");
    for (id, attempts) in golden.iter().zip([1, 0, 0]) {
        let seen = house.trader("t1").sees_alert(id);
        assert_eq!((&seen["status"], &seen["attempts"]), (&json!("queued"), &json!(attempts)));
    }
    for id in &silvery {
        assert_eq!(house.trader("t1").sees_alert(id)["status"], "sent");
    }
    house.waits(minutes(2));
    for id in &golden {
        assert_eq!(house.trader("t1").sees_alert(id)["status"], "sent");
    }
}

#[test]
fn garbage_and_a_panic_fail_alone() {
    let (house, gold) = one_service();
    let silver = house.trader("t1").opens("Silver");
    house.waits(minutes(2));
    house.queue().put_raw(Lane::Alerts, "odd", "{\"task\":\"dance\"}");
    house.queue().put_raw(Lane::Alerts, "odd2", "not even JSON");
    house.beside("sendMessage", Moment::Before, |_| panic!("a mistake in the middle of a task"));
    let alerts = [sends(&house, &gold.service, "G1"), sends(&house, &silver.service, "S1")];
    let statuses = || {
        let mut all =
            alerts.each_ref().map(|id| text(&house.trader("t1").sees_alert(id), "/status"));
        all.sort();
        all
    };
    let batch = house.queue().receive(Lane::Alerts, 10);
    assert_eq!(batch.len(), 4);
    let garbage = [batch[0].message_id.clone(), batch[1].message_id.clone()];
    let deadline = house.now() + minutes(1);
    let back = house.functions().clock.run(house.functions().send(batch, deadline));
    assert_eq!(back.len(), 3);
    assert!(garbage.iter().all(|id| back.contains(id)));
    assert_eq!(statuses(), ["sending", "sent"], "one had the panic, and the other went out");
    house.waits(minutes(2));
    assert_eq!(statuses(), ["sent", "sent"]);
}

#[test]
fn whoever_has_no_time_left_begins_nothing() {
    let (house, place) = one_service();
    let id = sends(&house, &place.service, "G1");
    let batch = house.queue().receive(Lane::Alerts, 10);
    let deadline = house.now() + jiff::SignedDuration::from_secs(20);
    let back = house.functions().clock.run(house.functions().send(batch, deadline));
    assert_eq!(back.len(), 1);
    assert_eq!(house.trader("t1").sees_alert(&id)["attempts"], 0);
    house.settle();
    assert_eq!(house.trader("t1").sees_alert(&id)["status"], "sent");
}

#[test]
fn a_message_that_cannot_be_given_back_comes_later_by_itself() {
    let (house, place) = one_service();
    let wait = json!({
        "fault": "too_many_requests", "method": "sendMessage", "count": 1, "retry_after": 3,
    });
    fault(&house, wait);
    house.queue().fail_next(testkit::QueueFault::NotHandedBack);
    let id = sends(&house, &place.service, "G1");
    house.waits(minutes(1));
    assert_ne!(house.trader("t1").sees_alert(&id)["status"], "sent");
    house.waits(SignedDuration::from_secs(10));
    assert_eq!(house.trader("t1").sees_alert(&id)["status"], "sent");
}

#[test]
fn an_alert_whose_sender_is_killed_goes_out_a_minute_later() {
    let (house, place) = one_service();
    let id = sends(&house, &place.service, "G1");
    dies(&house);
    house.settle();
    assert_eq!(house.trader("t1").sees_alert(&id)["status"], "sent");
}

#[test]
fn a_batch_that_could_not_be_hidden_comes_again_when_the_queue_says_so() {
    let (house, place) = one_service();
    let id = sends(&house, &place.service, "G1");
    house.queue().fail_next(testkit::QueueFault::NotHidden);
    dies(&house);
    assert!(house.queue().receive(Lane::Alerts, 10).is_empty());
    house.waits(minutes(5));
    assert_eq!(house.trader("t1").sees_alert(&id)["status"], "sent");
}

#[test]
fn a_message_that_is_given_back_at_once_is_not_hidden_by_its_batch() {
    let (house, place) = one_service();
    let id = sends(&house, &place.service, "G1");
    let batch = house.queue().receive(Lane::Alerts, 10);
    let testkit::functions::Functions { store, queue, clock, .. } = house.functions();
    let queue = HidesLate(queue.clone(), clock.clone());
    let sender = sender_with(&house, store.clone(), queue);
    let deadline = house.now() + SignedDuration::from_secs(20);
    let back = clock.run(telegram_sender::handle(&sender, batch, deadline));
    assert_eq!(back.len(), 1, "there is not time enough");
    house.settle();
    assert_eq!(house.trader("t1").sees_alert(&id)["status"], "sent");
}

#[test]
fn the_next_alert_of_a_group_does_not_wait_for_the_slow_neighbours_of_the_one_before() {
    let (house, gold) = one_service();
    let silver = house.trader("t1").opens("Silver");
    house.waits(minutes(2));
    // Three at once are what a group takes; the fourth waits for its second.
    for number in 0..3 {
        sends(&house, &silver.service, &format!("S{number}"));
    }
    house.settle();
    sends(&house, &gold.service, "G1");
    let slow = sends(&house, &silver.service, "S4");
    let batch = house.queue().receive(Lane::Alerts, 10);
    assert_eq!(batch.len(), 2);
    let next = sends(&house, &gold.service, "G2");
    assert!(house.queue().receive(Lane::Alerts, 10).is_empty(), "one after another in a group");
    let found = Arc::new(Mutex::new(Vec::new()));
    let finds = Arc::clone(&found);
    // The first call is for the one that need not wait.
    house.beside("sendMessage", Moment::Before, move |house| {
        house.beside("sendMessage", Moment::Before, move |house| {
            finds.lock().unwrap().extend(house.queue().receive(Lane::Alerts, 10));
        });
    });
    let functions = house.functions();
    let deadline = house.now() + minutes(1);
    assert!(functions.clock.run(functions.send(batch, deadline)).is_empty());
    assert_eq!(house.trader("t1").sees_alert(&slow)["status"], "sent");
    let next_batch = std::mem::take(&mut *found.lock().unwrap());
    assert_eq!(next_batch.len(), 1, "it was there before the slow one was posted");
    assert!(functions.clock.run(functions.send(next_batch, deadline)).is_empty());
    assert_eq!(house.trader("t1").sees_alert(&next)["status"], "sent");
}

/// Queues that take their time to hide something.
struct HidesLate(testkit::MemoryQueue, testkit::VirtualClock);

impl Queue for HidesLate {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        self.0.send(messages).await
    }

    async fn bury(&self, lane: Lane, key: &str, body: &str) -> Result<(), QueueError> {
        self.0.bury(lane, key, body).await
    }

    async fn redrive(&self, lane: Lane) -> Result<Option<usize>, QueueError> {
        self.0.redrive(lane).await
    }

    async fn hide(
        &self,
        lane: Lane,
        receipts: &[&str],
        time: SignedDuration,
    ) -> Result<(), QueueError> {
        self.1.sleep_until(self.1.now() + SignedDuration::from_secs(1)).await;
        self.0.hide(lane, receipts, time).await
    }

    async fn finish(&self, lane: Lane, receipt: &str) -> Result<(), QueueError> {
        self.0.finish(lane, receipt).await
    }

    async fn hand_back(
        &self,
        lane: Lane,
        receipt: &str,
        delay: SignedDuration,
    ) -> Result<(), QueueError> {
        self.0.hand_back(lane, receipt, delay).await
    }
}

#[test]
fn two_deliveries_of_one_message_at_the_same_time_post_once() {
    let (house, place) = one_service();
    let id = sends(&house, &place.service, "G1");
    let batch = house.queue().receive(Lane::Alerts, 10);
    let deadline = house.now() + minutes(1);
    let functions = house.functions();
    let both = futures::future::join(
        functions.send(batch.clone(), deadline),
        functions.send(batch.clone(), deadline),
    );
    functions.clock.run(both);
    house.waits(minutes(2));
    assert_eq!(house.trader("t1").sees_alert(&id)["status"], "sent");
    assert_eq!(house.posts(place.group).len(), 2, "the greeting and the alert");
}

/// The sender of one process, which lives on between batches, on these tables and queues.
type SenderOn<S, Q> = telegram_sender::Sender<
    S,
    Q,
    testkit::MemoryLimits,
    testkit::MemoryTelegram,
    testkit::VirtualClock,
>;

/// On those of the house.
type OneSender = SenderOn<testkit::Shared<testkit::MemoryStore>, testkit::MemoryQueue>;

fn one_sender(house: &testkit::House) -> OneSender {
    let functions = house.functions();
    sender_with(house, functions.store.clone(), functions.queue.clone())
}

fn sender_with<S, Q>(house: &testkit::House, store: S, queue: Q) -> SenderOn<S, Q> {
    let functions = house.functions().clone();
    telegram_sender::Sender {
        store,
        queue,
        limiter: limiter::Limiter::new(functions.limits),
        lines: telegram_sender::Lines::default(),
        telegram: functions.telegram,
        clock: functions.clock,
        bot: functions.settings.bot,
    }
}

/// The sender gets what is there; answers with how many messages are to come again.
fn receives(house: &testkit::House, sender: &OneSender) -> usize {
    let batch = house.queue().receive(Lane::Alerts, 10);
    let receipts: Vec<_> =
        batch.iter().map(|it| (it.message_id.clone(), it.receipt.clone())).collect();
    let deadline = house.now() + minutes(1);
    let back = house.functions().clock.run(telegram_sender::handle(sender, batch, deadline));
    for (id, receipt) in receipts {
        if !back.contains(&id) {
            house.queue().acknowledge(Lane::Alerts, &receipt);
        }
    }
    house.functions().clock.move_to(house.now() + minutes(1));
    back.len()
}

#[test]
fn an_alert_that_panics_each_time_fails_and_says_so_and_the_next_goes_out() {
    let (house, place) = one_service();
    house.waits(minutes(2));
    let [bad, good] = ["BAD", "GOOD"].map(|it| sends(&house, &place.service, it));
    for _ in 0..4 {
        house
            .beside("sendMessage", Moment::Before, |_| panic!("a mistake in the middle of a task"));
        let another = one_sender(&house);
        assert_eq!(receives(&house, &another), 2, "the next waits behind it");
    }
    house.beside("sendMessage", Moment::Before, |_| panic!("a mistake in the middle of a task"));
    assert_eq!(receives(&house, &one_sender(&house)), 0, "processes count together");
    let seen = house.trader("t1").sees_alert(&bad);
    assert_eq!((&seen["status"], &seen["failure"]["code"]), (&json!("failed"), &json!("internal")));
    assert_eq!(house.trader("t1").sees_alert(&good)["status"], "sent");
    assert_eq!(house.queue().dead().len(), 1);
    // Sent again, it stays failed: nobody wants it any more.
    let clock = &house.functions().clock;
    let report = clock.run(redrive_dead_letters::redrive(house.queue())).unwrap();
    assert_eq!((report.alerts, report.housekeeping), (1, 0));
    house.waits(minutes(1));
    assert_eq!(house.trader("t1").sees_alert(&bad)["status"], "failed");
    assert!(house.queue().dead().is_empty() && house.queue().next_visible().is_none());
}

/// How long what a killed process was given stays hidden: until it would have been stopped, and a few
/// seconds.
const HIDDEN: SignedDuration = SignedDuration::from_secs(65);

/// A process gets what is there, and dies while it looks for the first of it.
fn dies(house: &testkit::House) {
    let batch = house.queue().receive(Lane::Alerts, 10);
    assert!(!batch.is_empty(), "nothing is lost");
    let functions = house.functions();
    let sender = sender_with(house, TakingTurns(functions.store.clone()), functions.queue.clone());
    let deadline = house.now() + minutes(1);
    let dropped = telegram_sender::handle(&sender, batch, deadline).now_or_never();
    assert!(dropped.is_none(), "it does not come to its end");
    house.functions().clock.move_to(house.now() + HIDDEN);
}

/// A process gets what is there, and dies a second later, while it waits for this group's chat.
fn dies_with(house: &testkit::House, place: &testkit::house::Place) {
    let clock = &house.functions().clock;
    let (begin, chat) = (house.now(), ChatId::new(place.group));
    let block = ChatBlock::new(Kind::Message, 3, begin.as_microsecond());
    clock.run(house.limits().block_chat(chat, block, begin.as_microsecond())).unwrap();
    let batch = house.queue().receive(Lane::Alerts, 10);
    let sender = one_sender(house);
    let work = pin!(telegram_sender::handle(&sender, batch, begin + minutes(1)));
    let death = pin!(clock.sleep_until(begin + SignedDuration::from_secs(1)));
    let first = clock.run(futures::future::select(work, death));
    assert!(matches!(first, Either::Right(_)), "it does not come to its end");
    clock.move_to(begin + HIDDEN);
}

#[test]
fn an_alert_that_kills_whoever_tries_it_fails_within_minutes_and_takes_no_other_along() {
    let (house, place) = one_service();
    let other = house.trader("t1").opens("Silver");
    house.waits(minutes(2));
    let begin = house.now();
    let places = [&place, &other];
    let alerts = places.map(|place| sends(&house, &place.service, "EURUSD"));
    let groups: Vec<_> = house.queue().waiting(Lane::Alerts).iter().map(Task::group).collect();
    assert_eq!(groups.len(), 2);
    // Of those with as many strikes, the first by their groups is tried first.
    let (deadly, bad, good) = match groups[0] < groups[1] {
        true => (&place, &alerts[0], &alerts[1]),
        false => (&other, &alerts[1], &alerts[0]),
    };
    let status = |id| text(&house.trader("t1").sees_alert(id), "/status");
    // Twelve times, whatever is in the batch dies with it. The last time is a strike against both.
    for _ in 0..12 {
        dies(&house);
    }
    assert_eq!((status(bad), status(good)), ("queued".into(), "queued".into()));
    dies_with(&house, deadly);
    assert_eq!(status(good), "queued", "it was not tried, and has no strike of it");
    dies_with(&house, deadly);
    assert_eq!(status(good), "sent", "it has fewer strikes, and so its turn first");
    for _ in 0..2 {
        dies_with(&house, deadly);
    }
    assert_eq!(receives(&house, &one_sender(&house)), 0, "five tries that never ended");
    let seen = house.trader("t1").sees_alert(bad);
    assert_eq!((&seen["status"], &seen["failure"]["code"]), (&json!("failed"), &json!("internal")));
    assert_eq!(house.queue().dead().len(), 1);
    assert!(house.now().duration_since(begin) < minutes(20));
}

#[test]
fn after_a_long_outage_all_go_on_at_the_same_time() {
    let (house, place) = one_service();
    let leavers: Vec<_> =
        (0..20).map(|number| insider(&house, &place, &format!("L{number}")).1).collect();
    house.waits(minutes(2));
    for leaver in &leavers {
        house.storefront().cancels(leaver, "now").is(200);
    }
    let functions = house.functions();
    let changes = house.store().take_stream().into_iter().zip(0..);
    let changes = changes.map(|(row, number): (_, u32)| change(row, number.to_string())).collect();
    assert_eq!(functions.clock.run(functions.relay(changes)), None);
    house.queue().were_delivered(20);
    let begin = house.now();
    let batch = house.queue().receive(Lane::Housekeeping, 20);
    assert_eq!(batch.len(), 20);
    let back = functions.clock.run(functions.send(batch, begin + minutes(1)));
    assert!(back.is_empty(), "{back:?}");
    for leaver in &leavers {
        assert_eq!(stands(&house, leaver), pair("cancelled", "removed"));
    }
    let took = house.now().duration_since(begin);
    assert!(took < SignedDuration::from_secs(3), "one kick takes more than a second: {took}");
}

#[test]
fn tables_that_stumble_over_strikes_give_no_message_up() {
    use testkit::LimitsFault::{NotForgiven, StrikeAnswerLost};
    let (house, place) = one_service();
    let alert = sends(&house, &place.service, "EURUSD");
    house.queue().were_delivered(20);
    for _ in 0..10 {
        house.limits().fail_next(StrikeAnswerLost);
        assert_eq!(receives(&house, &one_sender(&house)), 1);
    }
    // It waits for its chat, and each time that is told at the third try only.
    let clock = &house.functions().clock;
    for _ in 0..10 {
        let (chat, now) = (ChatId::new(place.group), house.now().as_microsecond());
        let block = ChatBlock::new(Kind::Message, 50, now);
        clock.run(house.limits().block_chat(chat, block, now)).unwrap();
        house.limits().fail_next(NotForgiven);
        house.limits().fail_next(NotForgiven);
        assert_eq!(receives(&house, &one_sender(&house)), 1);
    }
    house.waits(minutes(2));
    assert_eq!(house.trader("t1").sees_alert(&alert)["status"], "sent");
    assert!(house.queue().dead().is_empty());
}

#[test]
fn an_alert_is_not_given_up_before_that_is_on_record() {
    let (house, place) = one_service();
    let sender = one_sender(&house);
    house.queue().put_raw(Lane::Alerts, "odd", "{\"task\":\"dance\"}");
    for _ in 0..4 {
        assert_eq!(receives(&house, &sender), 1);
    }
    house.queue().fail_next(testkit::QueueFault::NotSent);
    assert_eq!(receives(&house, &sender), 1, "it could not be given up");
    assert_eq!(receives(&house, &sender), 0);
    assert_eq!(house.queue().dead(), ["{\"task\":\"dance\"}"]);
    let clock = &house.functions().clock;
    let report = clock.run(redrive_dead_letters::redrive(house.queue())).unwrap();
    assert_eq!(report, redrive_dead_letters::Report::default(), "what nobody can read stays");
    assert_eq!(house.queue().dead().len(), 1);
    let alert = sends(&house, &place.service, "EURUSD");
    house.waits(minutes(1));
    assert_eq!(house.trader("t1").sees_alert(&alert)["status"], "sent");
}

#[test]
fn tables_that_cannot_be_reached_are_no_failure_of_a_message() {
    let (house, place) = one_service();
    let sender = one_sender(&house);
    let alert = sends(&house, &place.service, "EURUSD");
    for _ in 0..20 {
        house.store().fail_next(testkit::Fault::NotDone(testkit::Call::Read));
        assert_eq!(receives(&house, &sender), 1);
    }
    assert_eq!(receives(&house, &sender), 0);
    assert_eq!(house.trader("t1").sees_alert(&alert)["status"], "sent");
    assert!(house.queue().dead().is_empty());
}
