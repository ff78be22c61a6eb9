//! What every queue has to do.
//!
//! The checks want queues of their own, empty at the start.

use std::future::Future;

use domain::ids::{AlertId, ServiceId};
use domain::task::{Lane, Task};
use jiff::SignedDuration;
use queue::{Outgoing, Queue};
use telegram_sender::Received;
use uuid::Uuid;

use crate::{MemoryQueue, VirtualClock};

/// The other end of the queues, where AWS stands between them and the sender.
pub trait QueueSide {
    /// Takes up to `most` messages and hides them.
    fn receive(&self, lane: Lane, most: usize) -> impl Future<Output = Vec<Received>>;

    /// Deletes a message.
    fn delete(&self, lane: Lane, receipt: &str) -> impl Future<Output = ()>;

    /// Lets time go by.
    fn pass(&self, time: SignedDuration) -> impl Future<Output = ()>;
}

impl QueueSide for (MemoryQueue, VirtualClock) {
    async fn receive(&self, lane: Lane, most: usize) -> Vec<Received> {
        self.0.receive(lane, most)
    }

    async fn delete(&self, lane: Lane, receipt: &str) {
        self.0.acknowledge(lane, receipt);
    }

    async fn pass(&self, time: SignedDuration) {
        use startup::Clock as _;
        self.1.sleep_until(self.1.now() + time).await;
    }
}

/// Runs all checks.
///
/// # Panics
/// When the queues do not do what they should.
pub async fn queue(queue: &impl Queue, side: &impl QueueSide) {
    lanes(queue, side).await;
    repetitions(queue, side).await;
    order(queue, side).await;
    handing_back(queue, side).await;
    hiding(queue, side).await;
    finishing(queue, side).await;
    many(queue, side).await;
    dead_letters(queue, side).await;
}

/// So often a queue is asked before it is believed that no more comes: a standard queue gives out
/// what it likes.
const PATIENCE: usize = 10;

fn service(number: u128) -> ServiceId {
    ServiceId::fresh(Uuid::from_u128(number))
}

/// A task of the alerts lane, in the group of its service.
fn post(of: u128, alert: u128) -> Task {
    Task::PostAlert { service: service(of), alert: AlertId::fresh(Uuid::from_u128(alert)) }
}

fn greet(of: u128) -> Task {
    Task::Greet { service: service(of) }
}

async fn send(queue: &impl Queue, messages: &[(&str, Task)]) {
    let messages: Vec<_> = messages
        .iter()
        .map(|(key, task)| Outgoing { key: (*key).to_owned(), task: *task })
        .collect();
    let sent = queue.send(&messages).await;
    assert!(sent.is_ok(), "{sent:?}");
}

fn task(message: &Received) -> Option<Task> {
    serde_json::from_str(&message.body).ok()
}

/// Takes messages until there are so many, or no more come.
async fn take(side: &impl QueueSide, lane: Lane, count: usize) -> Vec<Received> {
    let mut all = Vec::new();
    for _ in 0..PATIENCE {
        all.extend(side.receive(lane, 10).await);
        if all.len() >= count {
            break;
        }
    }
    all
}

async fn nothing(side: &impl QueueSide, lane: Lane) {
    let more = side.receive(lane, 10).await;
    assert!(more.is_empty(), "nothing more was to come: {more:?}");
}

fn assert_tasks(messages: &[Received], tasks: &[Task]) {
    let found: Vec<_> = messages.iter().filter_map(task).collect();
    assert_eq!(found, tasks);
}

async fn delete(side: &impl QueueSide, messages: &[Received]) {
    for message in messages {
        side.delete(message.lane, &message.receipt).await;
    }
}

async fn lanes(queue: &impl Queue, side: &impl QueueSide) {
    send(queue, &[("lanes-1", post(1, 1)), ("lanes-2", greet(1))]).await;
    for (lane, wanted) in [(Lane::Alerts, post(1, 1)), (Lane::Housekeeping, greet(1))] {
        let taken = take(side, lane, 1).await;
        assert_tasks(&taken, &[wanted]);
        assert!(taken.iter().all(|message| message.lane == lane));
        nothing(side, lane).await;
        delete(side, &taken).await;
    }
    send(queue, &[]).await;
}

async fn repetitions(queue: &impl Queue, side: &impl QueueSide) {
    send(queue, &[("again", post(2, 1)), ("again", post(2, 1)), ("other", post(2, 2))]).await;
    let taken = take(side, Lane::Alerts, 2).await;
    assert_tasks(&taken, &[post(2, 1), post(2, 2)]);
    delete(side, &taken).await;
    send(queue, &[("again", post(2, 1))]).await;
    nothing(side, Lane::Alerts).await;

    send(queue, &[("twice", greet(2)), ("twice", greet(2))]).await;
    let taken = take(side, Lane::Housekeeping, 2).await;
    assert_eq!(taken.len(), 2, "the other lane knows no keys");
    delete(side, &taken).await;
}

async fn order(queue: &impl Queue, side: &impl QueueSide) {
    let (a, b) = (10, 20);
    send(queue, &[("o1", post(a, 1)), ("o2", post(a, 2)), ("o3", post(a, 3)), ("o4", post(b, 4))])
        .await;
    let first = side.receive(Lane::Alerts, 1).await;
    assert_tasks(&first, &[post(a, 1)]);
    let others = take(side, Lane::Alerts, 1).await;
    assert_tasks(&others, &[post(b, 4)]);
    nothing(side, Lane::Alerts).await;
    delete(side, &first).await;
    let rest = take(side, Lane::Alerts, 2).await;
    assert_tasks(&rest, &[post(a, 2), post(a, 3)]);
    delete(side, &rest).await;
    delete(side, &others).await;
    nothing(side, Lane::Alerts).await;
}

async fn handing_back(queue: &impl Queue, side: &impl QueueSide) {
    let two = SignedDuration::from_secs(2);
    let back = async |message: &Received, delay: SignedDuration| {
        let done = queue.hand_back(message.lane, &message.receipt, delay).await;
        assert!(done.is_ok(), "{done:?}");
    };
    send(queue, &[("b1", post(30, 1)), ("b2", post(30, 2))]).await;
    let taken = take(side, Lane::Alerts, 2).await;
    for message in &taken {
        back(message, SignedDuration::ZERO).await;
    }
    let again = take(side, Lane::Alerts, 2).await;
    assert_tasks(&again, &[post(30, 1), post(30, 2)]);
    let ids = |messages: &[Received]| -> Vec<_> {
        messages.iter().map(|message| message.message_id.clone()).collect()
    };
    assert_eq!(ids(&again), ids(&taken), "the same messages");
    for message in &again {
        back(message, two).await;
    }
    nothing(side, Lane::Alerts).await;
    side.pass(two + SignedDuration::from_millis(500)).await;
    let late = take(side, Lane::Alerts, 2).await;
    assert_tasks(&late, &[post(30, 1), post(30, 2)]);
    delete(side, &late).await;
    nothing(side, Lane::Alerts).await;

    send(queue, &[("h1", greet(3))]).await;
    let taken = take(side, Lane::Housekeeping, 1).await;
    for message in &taken {
        back(message, two).await;
    }
    nothing(side, Lane::Housekeeping).await;
    side.pass(two + SignedDuration::from_millis(500)).await;
    let late = take(side, Lane::Housekeeping, 1).await;
    assert_tasks(&late, &[greet(3)]);
    delete(side, &late).await;
}

/// A batch is hidden for other than the queue's own time, and can be deleted afterwards.
async fn hiding(queue: &impl Queue, side: &impl QueueSide) {
    let two = SignedDuration::from_secs(2);
    for (lane, task) in [(Lane::Alerts, post(60, 1)), (Lane::Housekeeping, greet(60))] {
        send(queue, &[("hidden", task)]).await;
        let taken = take(side, lane, 1).await;
        let receipts: Vec<_> = taken.iter().map(|message| message.receipt.as_str()).collect();
        let done = queue.hide(lane, &receipts, two).await;
        assert!(done.is_ok(), "{done:?}");
        nothing(side, lane).await;
        side.pass(two + SignedDuration::from_millis(500)).await;
        let again = take(side, lane, 1).await;
        assert_tasks(&again, &[task]);
        let receipts: Vec<_> = again.iter().map(|message| message.receipt.as_str()).collect();
        let done = queue.hide(lane, &receipts, two).await;
        assert!(done.is_ok(), "{done:?}");
        delete(side, &again).await;
        side.pass(two + SignedDuration::from_millis(500)).await;
        nothing(side, lane).await;
    }
}

/// What is done with is deleted, and no longer in the way of the next of its group.
async fn finishing(queue: &impl Queue, side: &impl QueueSide) {
    send(queue, &[("f1", post(70, 1)), ("f2", post(71, 1))]).await;
    let taken = take(side, Lane::Alerts, 2).await;
    send(queue, &[("f3", post(70, 2))]).await;
    nothing(side, Lane::Alerts).await;
    let (first, other): (Vec<_>, Vec<_>) =
        taken.into_iter().partition(|message| task(message) == Some(post(70, 1)));
    assert_eq!((first.len(), other.len()), (1, 1));
    for message in &first {
        let done = queue.finish(message.lane, &message.receipt).await;
        assert!(done.is_ok(), "{done:?}");
    }
    let next = take(side, Lane::Alerts, 1).await;
    assert_tasks(&next, &[post(70, 2)]);
    delete(side, &next).await;
    delete(side, &other).await;
    nothing(side, Lane::Alerts).await;
}

/// More than the ten that one call takes.
async fn many(queue: &impl Queue, side: &impl QueueSide) {
    let keys: Vec<_> = (0..23_u128).map(|number| (format!("m{number}"), number)).collect();
    let alerts: Vec<_> = keys.iter().map(|(key, n)| (key.as_str(), post(40, *n))).collect();
    let others: Vec<_> = keys.iter().map(|(key, n)| (key.as_str(), greet(100 + *n))).collect();
    send(queue, &[alerts.clone(), others.clone()].concat()).await;
    let mut taken = Vec::new();
    while taken.len() < alerts.len() {
        let batch = take(side, Lane::Alerts, 1).await;
        assert!(!batch.is_empty() && batch.len() <= 10, "{}", batch.len());
        delete(side, &batch).await;
        taken.extend(batch);
    }
    let wanted: Vec<_> = alerts.into_iter().map(|(_, task)| task).collect();
    assert_tasks(&taken, &wanted);
    let taken = take(side, Lane::Housekeeping, others.len()).await;
    assert_eq!(taken.len(), others.len());
    let found: Vec<_> = taken.iter().filter_map(task).collect();
    assert!(others.iter().all(|(_, task)| found.contains(task)));
    delete(side, &taken).await;
}

/// What is given up is sent again on request; what cannot be read stays where it is.
async fn dead_letters(queue: &impl Queue, side: &impl QueueSide) {
    for (lane, task) in [(Lane::Alerts, post(50, 1)), (Lane::Housekeeping, greet(50))] {
        let body = serde_json::to_string(&task).unwrap_or_default();
        for (key, body) in [("dead", body.as_str()), ("odd", "{}")] {
            let buried = queue.bury(lane, key, body).await;
            assert!(buried.is_ok(), "{buried:?}");
        }
        nothing(side, lane).await;
        // The two of them may be found by one look or by two.
        let mut sent = 0;
        loop {
            let look = queue.redrive(lane).await;
            assert!(look.is_ok(), "{look:?}");
            let Ok(Some(more)) = look else { break };
            sent += more;
        }
        assert_eq!(sent, 1);
        let taken = take(side, lane, 1).await;
        assert_tasks(&taken, &[task]);
        delete(side, &taken).await;
        nothing(side, lane).await;
    }
}
