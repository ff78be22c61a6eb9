//! What AWS and Telegram do between the functions: streams, event source mappings, webhooks, time.

use std::collections::VecDeque;

use domain::task::Lane;
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{House, WEBHOOK_SECRET};
use crate::StreamRecord;
use crate::functions::{Request, change};

/// How long a sender may run: what the template sets.
const SENDER_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// The most messages of a batch, and the most changes: what the template sets.
const MESSAGES: usize = 10;
const CHANGES: usize = 100;

/// How soon a failed batch of a stream comes again.
const STREAM_RETRY: SignedDuration = SignedDuration::from_secs(1);

/// The longest pause between two deliveries of an update.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// Days of virtual time after which something that does not end is called endless.
const ENDLESS: usize = 100_000;

/// What is on its way.
#[derive(Debug, Default)]
pub(super) struct Belt {
    changes: VecDeque<(u64, StreamRecord)>,
    /// What the stream told so far.
    told: Vec<StreamRecord>,
    numbered: u64,
    /// When the stream goes on after a failure.
    changes_from: Option<Timestamp>,
    updates: Vec<Waiting>,
}

/// An update that is to be delivered.
#[derive(Debug)]
struct Waiting {
    update: Value,
    /// Updates of one queue wait for each other.
    queue: String,
    failures: u32,
    from: Timestamp,
}

/// The queue in which Telegram keeps an update (tdlib/telegram-bot-api: messages and the bot's own
/// standing by chat, members and join requests by person).
pub(crate) fn queue_of(update: &Value) -> String {
    for (kind, pointer) in [
        ("message", "/message/chat/id"),
        ("my_chat_member", "/my_chat_member/chat/id"),
        ("person", "/chat_member/new_chat_member/user/id"),
        ("person", "/chat_join_request/from/id"),
    ] {
        if let Some(id) = update.pointer(pointer) {
            return format!("{kind} {id}");
        }
    }
    update["update_id"].to_string()
}

impl House {
    /// Carries streams, queues and updates until nothing is left to do now. The clock moves by what
    /// the functions wait for their turns.
    ///
    /// # Panics
    /// When it does not end.
    pub fn settle(&self) {
        for _ in 0..ENDLESS {
            let mut moved = self.carry_changes();
            moved |= self.carry_updates();
            for lane in [Lane::Alerts, Lane::Housekeeping] {
                moved |= self.carry_messages(lane);
            }
            if !moved {
                return;
            }
        }
        unreachable!("the house does not come to rest");
    }

    /// Lets time go by, and does what becomes due meanwhile, but for the sweep.
    pub fn waits(&self, time: SignedDuration) {
        let until = after(self.now(), time);
        self.settle();
        while let Some(next) = self.next_moment().filter(|next| *next <= until) {
            self.functions().clock.move_to(next);
            self.settle();
        }
        self.functions().clock.move_to(until);
        self.settle();
    }

    /// Lets time go by as in a deployed house: the sweep runs every 30 minutes.
    pub fn passes(&self, time: SignedDuration) {
        let until = after(self.now(), time);
        while self.now() < until {
            let left = until.duration_since(self.now());
            self.waits(left.min(SignedDuration::from_mins(30)));
            self.sweep();
        }
    }

    /// Runs the function that begins the daily checks of members, and what follows from it.
    ///
    /// # Panics
    /// When the tables cannot be read.
    pub fn reconciles(&self) -> reconcile_members::Report {
        let report = self.functions().clock.run(self.functions().reconcile());
        self.settle();
        assert!(report.is_ok(), "{report:?}");
        report.unwrap_or_default()
    }

    /// Runs the sweep, and what follows from it.
    pub fn sweep(&self) -> expire_subscriptions::Report {
        let report = self.functions().clock.run(self.functions().sweep());
        self.settle();
        report
    }

    /// Lets the stream tell everything once more, from the beginning.
    pub fn replays_changes(&self) {
        self.settle();
        let belt = &mut *self.belt();
        for record in belt.told.clone() {
            belt.numbered += 1;
            belt.changes.push_back((belt.numbered, record));
        }
    }

    /// When something becomes due next.
    fn next_moment(&self) -> Option<Timestamp> {
        let now = self.now();
        let belt = self.belt();
        let updates = belt.updates.iter().map(|waiting| waiting.from);
        let changes = belt.changes_from.filter(|_| !belt.changes.is_empty());
        let all = updates.chain(changes).chain(self.queue().next_visible());
        all.filter(|at| *at > now).min()
    }

    /// One batch of the stream, and nothing else. Its first failure and all behind it come again.
    /// False when there is none.
    pub fn carry_changes(&self) -> bool {
        let now = self.now();
        let batch: Vec<_> = {
            let belt = &mut *self.belt();
            for record in self.store().take_stream() {
                belt.numbered += 1;
                belt.told.push(record.clone());
                belt.changes.push_back((belt.numbered, record));
            }
            if belt.changes_from.is_some_and(|from| now < from) {
                return false;
            }
            let first = belt.changes.iter().take(CHANGES);
            first.map(|(number, record)| change(record.clone(), number.to_string())).collect()
        };
        if batch.is_empty() {
            return false;
        }
        let last = batch.last().map(|change| change.sequence_number.clone());
        let failed = self.functions().clock.run(self.functions().relay(batch));
        let belt = &mut *self.belt();
        belt.changes_from = failed.is_some().then(|| after(self.now(), STREAM_RETRY));
        let number = |text: Option<String>| text.and_then(|text| text.parse::<u64>().ok());
        let (failed, last) = (number(failed).unwrap_or(u64::MAX), number(last).unwrap_or(0));
        belt.changes.retain(|(number, _)| *number >= failed || *number > last);
        true
    }

    /// Takes the updates that Telegram has for us now. Those of this kind get lost, unless the test
    /// delivers them itself; the others arrive as ever.
    pub fn holds_back(&self, is_held: impl Fn(&Value) -> bool) -> Vec<Value> {
        let (held, others) = self.telegram().updates().into_iter().partition(is_held);
        self.takes_in(others);
        held
    }

    /// Updates are to be delivered from now on.
    pub fn takes_in(&self, updates: Vec<Value>) {
        let from = self.now();
        self.belt().updates.extend(updates.into_iter().map(|update| {
            let queue = queue_of(&update);
            Waiting { update, queue, failures: 0, from }
        }));
    }

    /// One delivery of each update whose time has come and that waits for no other.
    fn carry_updates(&self) -> bool {
        let now = self.now();
        self.takes_in(self.telegram().updates());
        let mut due = Vec::new();
        {
            let belt = &mut *self.belt();
            let mut blocked = Vec::new();
            let all = std::mem::take(&mut belt.updates);
            for waiting in all {
                let is_free = waiting.from <= now && !blocked.contains(&waiting.queue);
                blocked.push(waiting.queue.clone());
                if is_free { due.push(waiting) } else { belt.updates.push(waiting) }
            }
        }
        let moved = !due.is_empty();
        for mut waiting in due {
            if self.deliver(&waiting.update) {
                continue;
            }
            // At once, then after 1 s, 2 s, 4 s …
            let pause = match waiting.failures {
                0 => SignedDuration::ZERO,
                failures => SignedDuration::from_secs(1_i64 << (failures - 1).min(6)),
            };
            waiting.failures += 1;
            waiting.from = after(self.now(), pause.min(LONGEST_PAUSE));
            self.belt().updates.insert(0, waiting);
        }
        moved
    }

    /// Delivers an update to the webhook. True when it was taken.
    pub fn deliver(&self, update: &Value) -> bool {
        let request = Request::json("POST", "/telegram/webhook", update)
            .with("x-telegram-bot-api-secret-token", WEBHOOK_SECRET);
        (200..300).contains(&self.call(request).status)
    }

    /// One batch of a queue.
    fn carry_messages(&self, lane: Lane) -> bool {
        let batch = self.queue().receive(lane, MESSAGES);
        if batch.is_empty() {
            return false;
        }
        let receipts: Vec<_> =
            batch.iter().map(|it| (it.message_id.clone(), it.receipt.clone())).collect();
        let deadline = after(self.now(), SENDER_TIMEOUT);
        let given_back = self.functions().clock.run(self.functions().send(batch, deadline));
        for (id, receipt) in receipts {
            if !given_back.contains(&id) {
                self.queue().acknowledge(lane, &receipt);
            }
        }
        true
    }
}
