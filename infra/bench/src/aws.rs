//! What AWS does between a queue and the sender, on virtual time: event source mappings as the
//! template sets them, each with so many environments, one batch at a time in each.

use std::pin::pin;

use domain::task::Lane;
use domain::time::after;
use futures::future::select;
use jiff::{SignedDuration, Timestamp};
use limiter::Limits;
use queue::Queue;
use startup::Clock as _;
use store::Store;
use telegram::Telegram;
use telegram_sender::{Received, Sender, handle};
use testkit::{MemoryQueue, VirtualClock};
use tokio::sync::Notify;

use crate::slow::{Span, Way};

/// From a message's arrival to the start of the function: the pollers of an event source mapping
/// wait in long polls, so this is two calls within a region.
const PICK_UP: Span = (15_000, 40_000);

/// What the first batch of an environment waits in addition.
const COLD_START: Span = (120_000, 250_000);

/// Deleting what is done.
const DELETE: Span = (8_000, 20_000);

/// How long the sender may run: what the template sets.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// An event source mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Messages in a batch.
    pub batch: usize,
    /// For how long a batch that is not full waits for more.
    pub window: SignedDuration,
    /// Environments at the same time.
    pub at_once: usize,
}

impl Mapping {
    /// The mapping of a lane, as `template.yaml` says it. `None` when it is not found there.
    #[must_use]
    pub fn of(lane: Lane) -> Option<Self> {
        let name = match lane {
            Lane::Alerts => "\n  SendAlerts:\n",
            Lane::Housekeeping => "\n  SendHousekeeping:\n",
        };
        let (_, rest) = include_str!("../../../template.yaml").split_once(name)?;
        let resource = rest.split("\n\n").next()?;
        let number = |key: &str| -> Option<u32> {
            let (_, rest) = resource.split_once(key)?;
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        let window = number("MaximumBatchingWindowInSeconds: ").unwrap_or(0);
        Some(Self {
            batch: number("BatchSize: ")?.try_into().ok()?,
            window: SignedDuration::from_secs(window.into()),
            at_once: number("MaximumConcurrency: ")?.try_into().ok()?,
        })
    }
}

/// What the environments of all mappings share.
#[derive(Debug)]
pub struct Region {
    /// The queues, without the way to them.
    pub queue: MemoryQueue,
    /// The time.
    pub clock: VirtualClock,
    /// The ways.
    pub way: Way,
    /// Rings when a queue has changed.
    pub changed: Notify,
}

impl Region {
    /// One environment with its process of the sender: takes batches for ever.
    pub async fn environment<S, Q, L, T>(
        &self,
        lane: Lane,
        mapping: Mapping,
        sender: Sender<S, Q, L, T, VirtualClock>,
    ) where
        S: Store,
        Q: Queue,
        L: Limits,
        T: Telegram,
    {
        let mut is_cold = true;
        loop {
            let batch = self.gather(lane, mapping).await;
            self.way.pass(PICK_UP).await;
            if std::mem::take(&mut is_cold) {
                self.way.pass(COLD_START).await;
            }
            let receipts: Vec<_> =
                batch.iter().map(|it| (it.message_id.clone(), it.receipt.clone())).collect();
            let deadline = after(self.clock.now(), TIMEOUT);
            let given_back = handle(&sender, batch, deadline).await;
            self.way.pass(DELETE).await;
            for (id, receipt) in receipts {
                if !given_back.contains(&id) {
                    self.queue.acknowledge(lane, &receipt);
                }
            }
            self.changed.notify_waiters();
        }
    }
    /// Waits for messages: until the batch is full, or its window is over.
    async fn gather(&self, lane: Lane, mapping: Mapping) -> Vec<Received> {
        let (mut batch, mut until) = (Vec::new(), Timestamp::MAX);
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let was_empty = batch.is_empty();
            batch.extend(self.queue.receive(lane, mapping.batch - batch.len()));
            if was_empty && !batch.is_empty() {
                until = after(self.clock.now(), mapping.window);
            }
            if batch.len() >= mapping.batch || self.clock.now() >= until {
                return batch;
            }
            let next = self.queue.next_visible().unwrap_or(Timestamp::MAX).min(until);
            select(changed, pin!(self.clock.sleep_until(next))).await;
        }
    }
}
