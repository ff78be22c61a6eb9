//! A batch of messages: each is parsed and carried out on its own, in order within its group.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;

use domain::task::{Lane, Task};
use domain::time::before;
use futures::future::{FutureExt as _, join, join_all};
use futures::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use limiter::Limits;
use queue::Queue;
use startup::Clock;
use store::{Store, StoreError};
use telegram::Telegram;

use crate::{Outcome, Sender};

/// A task is only begun when so much time is left: the longest call, and room for its turn.
const NEEDED: SignedDuration = SignedDuration::from_secs(40);

/// A task is broken off when only so much time is left: enough to give its message back. Killed
/// together with the function, it would keep its message hidden for minutes, and behind an alert
/// every other of its group.
const RESERVE: SignedDuration = SignedDuration::from_secs(3);

/// A batch is hidden for so much longer than until the function is stopped: clocks may differ by
/// some seconds. The queue's own time is six times the function's, and who is killed leaves its
/// messages hidden for as long: an alert that late is worth nothing.
const BEYOND: SignedDuration = SignedDuration::from_secs(5);

/// No function runs longer (AWS Lambda, "Lambda quotas"): what is to end later has no known end.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// When a message is tried again whose task could not be carried out at all.
const AFTER_ERROR: SignedDuration = SignedDuration::from_secs(20);

/// So many strikes, and a message is given up: failures, or tries that never ended.
const MOST_STRIKES: u32 = 5;

/// A message that was delivered so often may be one that kills whoever tries it, which nobody lives
/// to tell. Each try of it counts as a failure until it has ended; after one that did not end it is
/// tried alone.
const SUSPECT: u32 = 12;

/// So often it is tried to forget the strikes against a message.
const FORGIVING: usize = 3;

/// A message failed by a mistake of ours: it cannot be read, its task panicked, or the tables refuse
/// what it asks of them.
struct Mistake;

/// A message as it came from a queue. `Debug` does not show the body: it can hold a Telegram id.
#[derive(Clone)]
pub struct Received {
    /// The id under which a failure is reported.
    pub message_id: String,
    /// What gives it back.
    pub receipt: String,
    /// Which way it came.
    pub lane: Lane,
    /// How often it was delivered, this time included. Most deliveries only waited for a turn.
    pub receives: u32,
    /// What it says.
    pub body: String,
}

impl Received {
    const fn is_suspect(&self) -> bool {
        self.receives >= SUSPECT
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("lane", &self.lane).finish_non_exhaustive()
    }
}

/// Reads a batch as Lambda hands it over. The queue's name tells the lane: the alerts' is FIFO.
pub fn received(event: aws_lambda_events::sqs::SqsEvent) -> Vec<Received> {
    let lane = |arn: Option<String>| match arn.is_some_and(|arn| arn.ends_with(".fifo")) {
        true => Lane::Alerts,
        false => Lane::Housekeeping,
    };
    event
        .records
        .into_iter()
        .map(|record| Received {
            message_id: record.message_id.unwrap_or_default(),
            receipt: record.receipt_handle.unwrap_or_default(),
            lane: lane(record.event_source_arn),
            receives: record
                .attributes
                .get("ApproximateReceiveCount")
                .and_then(|count| count.parse().ok())
                .unwrap_or(1),
            body: record.body.unwrap_or_default(),
        })
        .collect()
}

/// What the groups of one batch have in common.
struct Round<H> {
    /// When the function is stopped.
    deadline: Timestamp,
    /// Over once the batch is hidden: nothing is given back or deleted before.
    hidden: H,
    /// Whether there is more than one group.
    has_neighbours: bool,
}

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Hides a batch until the function has ended, one way or another.
    async fn hide(&self, lane: Lane, receipts: Vec<String>, deadline: Timestamp) {
        let time = deadline.duration_since(self.clock.now());
        if receipts.is_empty() || !(SignedDuration::ZERO..=LONGEST).contains(&time) {
            return;
        }
        let receipts: Vec<_> = receipts.iter().map(String::as_str).collect();
        // Without this it stays hidden for the queue's own time.
        if let Err(error) = self.queue.hide(lane, &receipts, time + BEYOND).await {
            tracing::warn!(cause = %error, "a batch is hidden for longer than it should be");
        }
    }

    /// Carries out one message; one that failed too often by a mistake of ours is given up.
    async fn one(&self, message: &Received, deadline: Timestamp) -> Outcome {
        let done = match message.is_suspect() {
            true => self.suspect(message, deadline).await,
            false => match self.attempt(message, deadline).await {
                Ok(outcome) => Ok(outcome),
                Err(Mistake) => match self.strike(message).await {
                    Ok(strikes) if strikes >= MOST_STRIKES => Ok(self.give_up(message).await),
                    counted => counted.map(|_| Outcome::Later(AFTER_ERROR)),
                },
            },
        };
        done.unwrap_or_else(|error| {
            tracing::error!(cause = %error, "what became of a message could not be counted");
            Outcome::Later(AFTER_ERROR)
        })
    }

    /// Carries out a message that may kill this process: the strike comes first.
    async fn suspect(
        &self,
        message: &Received,
        deadline: Timestamp,
    ) -> Result<Outcome, StoreError> {
        let strikes = match self.strike(message).await {
            Ok(strikes) => strikes,
            Err(error) => {
                // It may have been counted, and nobody has died of anything.
                self.forgive(message).await?;
                return Err(error);
            }
        };
        if strikes > MOST_STRIKES {
            return Ok(self.give_up(message).await);
        }
        match self.attempt(message, deadline).await {
            Ok(outcome) => {
                self.forgive(message).await?;
                Ok(outcome)
            }
            Err(Mistake) if strikes == MOST_STRIKES => Ok(self.give_up(message).await),
            Err(Mistake) => Ok(Outcome::Later(AFTER_ERROR)),
        }
    }

    /// The most strikes against a message of a group that may kill this process. One that never
    /// ended does not tell whose fault it was: from then on each is tried alone.
    async fn strikes(&self, group: &[Received]) -> u32 {
        let suspects = group.iter().filter(|message| message.is_suspect());
        let strikes = suspects.map(|message| self.limiter.strikes(&message.message_id));
        // What cannot be looked up is taken for the worst.
        let strikes = join_all(strikes).await.into_iter().map(|read| read.unwrap_or(u32::MAX));
        strikes.max().unwrap_or(0)
    }

    async fn strike(&self, message: &Received) -> Result<u32, StoreError> {
        self.limiter.strike(&message.message_id, &self.clock).await
    }

    /// Forgets the strikes against a message. Tables that stumble at just this, five times, would have
    /// it given up.
    async fn forgive(&self, message: &Received) -> Result<(), StoreError> {
        let mut forgiven = Ok(());
        for _ in 0..FORGIVING {
            forgiven = self.limiter.forgive(&message.message_id, &self.clock).await;
            if forgiven.is_ok() {
                break;
            }
        }
        forgiven
    }

    /// Puts a message among the dead letters. An alert has failed then, and its trader hears of it.
    async fn give_up(&self, message: &Received) -> Outcome {
        if let Ok(task) = serde_json::from_str(&message.body)
            && let Err(error) = self.has_failed(task).await
        {
            tracing::error!(cause = %error, "what was given up could not be marked");
            if error.passes() {
                return Outcome::Later(AFTER_ERROR);
            }
        }
        let Received { lane, message_id, body, .. } = message;
        match self.queue.bury(*lane, message_id, body).await {
            Ok(()) => {
                tracing::error!("a message was given up: it is among the dead letters");
                Outcome::Done
            }
            Err(error) => {
                tracing::error!(cause = %error, "a message could not be given up");
                Outcome::Later(AFTER_ERROR)
            }
        }
    }

    /// Whatever happens in a message, a panic included, ends with it.
    async fn attempt(&self, message: &Received, deadline: Timestamp) -> Result<Outcome, Mistake> {
        let task: Task = match serde_json::from_str(&message.body) {
            Ok(task) => task,
            Err(error) => {
                // The body can hold a Telegram id, and the error could quote it.
                let (line, column) = (error.line(), error.column());
                tracing::error!(line, column, "a message could not be read");
                return Err(Mistake);
            }
        };
        let work = AssertUnwindSafe(self.carry_out(task, message.lane)).catch_unwind();
        let Some(result) = self.clock.in_time(before(deadline, RESERVE), work).await else {
            // What it left behind is what a crash leaves behind: a lease that ends by itself.
            tracing::error!(task = task.name(), "a task took too long and was broken off");
            return Ok(Outcome::Later(AFTER_ERROR));
        };
        match result {
            Ok(Ok(outcome)) => {
                tracing::info!(task = task.name(), ?outcome, "carried out a task");
                Ok(outcome)
            }
            Ok(Err(error)) => {
                tracing::error!(task = task.name(), cause = %error, "a task could not be done");
                if error.passes() { Ok(Outcome::Later(AFTER_ERROR)) } else { Err(Mistake) }
            }
            Err(_) => {
                tracing::error!(task = task.name(), "a task panicked");
                Err(Mistake)
            }
        }
    }

    /// Deletes a message of the alerts' queue that is done with. Lambda would do so when the whole batch
    /// is; until then the next alert of its group would wait for its neighbours in this batch.
    async fn finish(&self, message: &Received, has_neighbours: bool) {
        if message.lane == Lane::Alerts
            && has_neighbours
            && let Err(error) = self.queue.finish(message.lane, &message.receipt).await
        {
            tracing::warn!(cause = %error, "the next of a group waits for this batch");
        }
    }

    /// Carries out the messages of one group in order. After the first that is given back, the rest
    /// of the group is given back untouched: anything else would break the order.
    async fn group(
        &self,
        group: Vec<Received>,
        round: &Round<impl Future<Output = ()> + Clone>,
    ) -> Vec<String> {
        let deadline = round.deadline;
        let mut given_back = Vec::new();
        let mut wait = None;
        for message in group {
            let late = deadline.duration_since(self.clock.now()) < NEEDED;
            let outcome = match wait {
                Some(wait) => Outcome::Later(wait),
                None if late => Outcome::Later(SignedDuration::ZERO),
                None => Box::pin(self.one(&message, deadline)).await,
            };
            // What was given back before would be hidden again, and what was deleted cannot be.
            round.hidden.clone().await;
            let Outcome::Later(delay) = outcome else {
                // On the heap: the compiler lays out no future in which too many lie within each other.
                Box::pin(self.finish(&message, round.has_neighbours)).await;
                continue;
            };
            wait = Some(delay);
            // Without this it would stay hidden as long as its batch; that is late, not lost.
            if let Err(error) = self.queue.hand_back(message.lane, &message.receipt, delay).await {
                tracing::warn!(cause = %error, "a message stays hidden for longer than it should");
            }
            given_back.push(message.message_id);
        }
        given_back
    }
}

/// Carries out a batch; answers with the ids of the messages that are to be delivered again.
/// `deadline` is when the function is stopped.
pub async fn handle<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock>(
    sender: &Sender<S, Q, L, T, C>,
    batch: Vec<Received>,
    deadline: Timestamp,
) -> Vec<String> {
    let lane = batch.first().map(|message| message.lane);
    let receipts = batch.iter().map(|message| message.receipt.clone()).collect();
    let hide = async {
        if let Some(lane) = lane {
            sender.hide(lane, receipts, deadline).await;
        }
    };
    // Beside the work, which is not to wait for it.
    let hidden = hide.shared();
    let work = carry_out(sender, batch, deadline, hidden.clone());
    join(hidden, work).await.1
}

async fn carry_out<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock>(
    sender: &Sender<S, Q, L, T, C>,
    batch: Vec<Received>,
    deadline: Timestamp,
    hidden: impl Future<Output = ()> + Clone,
) -> Vec<String> {
    let mut groups: BTreeMap<String, Vec<Received>> = BTreeMap::new();
    for message in batch {
        let group = match (message.lane, serde_json::from_str::<Task>(&message.body)) {
            (Lane::Alerts, Ok(task)) => task.group(),
            // No order to keep: each stands alone.
            (Lane::Alerts, Err(_)) | (Lane::Housekeeping, _) => message.message_id.clone(),
        };
        groups.entry(group).or_default().push(message);
    }
    let round = Round { deadline, hidden, has_neighbours: groups.len() > 1 };
    let groups = groups.into_values().map(|group| async { (sender.strikes(&group).await, group) });
    let (together, mut alone): (Vec<_>, Vec<_>) =
        join_all(groups).await.into_iter().partition(|(strikes, _)| *strikes == 0);
    // All at the same time: a call is mostly waiting, and those who wait take their turns together.
    let at_once = together.len().max(1);
    let mut given_back = stream::iter(together)
        .map(|(_, group)| sender.group(group, &round))
        .buffer_unordered(at_once)
        .concat()
        .await;
    // Then what may have killed a process, one after another, so that nobody else gets the blame;
    // what did so most often comes last.
    alone.sort_by_key(|(strikes, _)| *strikes);
    for (_, group) in alone {
        given_back.extend(sender.group(group, &round).await);
    }
    given_back
}
