//! The queues in memory, on virtual time.
//!
//! The alerts lane is an SQS FIFO queue, the housekeeping lane a standard one. Modelled as Amazon's
//! developer guide tells it: the five minutes of deduplication, a group that is blocked while one of
//! its messages is hidden, receipts that change with each delivery, and the dead-letter queue.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::task::{Lane, Task};
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use queue::{MOST_DELAY, Outgoing, Queue, QueueError};
use startup::Clock as _;
use telegram_sender::Received;

use crate::VirtualClock;

/// How long a received message is hidden: what the template sets.
const VISIBILITY: SignedDuration = SignedDuration::from_secs(360);

/// After so many deliveries a message goes to the dead-letter queue: what the template sets.
const MOST_RECEIVES: u32 = 1_000;

/// How long a FIFO queue knows a key (Amazon SQS, "Using the message deduplication ID").
const DEDUPLICATION: SignedDuration = SignedDuration::from_mins(5);

/// The queues in memory. Copies lead to the same queues.
#[derive(Clone, Debug)]
pub struct MemoryQueue {
    clock: VirtualClock,
    state: Arc<Mutex<State>>,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueFault {
    /// Nothing is taken.
    NotSent,
    /// All but the last message is taken.
    PartlySent,
    /// All is taken, but the answer is lost.
    SendAnswerLost,
    /// A batch stays hidden for the queue's own time.
    NotHidden,
    /// A message that is given back stays hidden for as long as it was.
    NotHandedBack,
}

/// A call that can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Send,
    Hide,
    HandBack,
}

impl QueueFault {
    const fn call(self) -> Call {
        match self {
            Self::NotSent | Self::PartlySent | Self::SendAnswerLost => Call::Send,
            Self::NotHidden => Call::Hide,
            Self::NotHandedBack => Call::HandBack,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct State {
    lanes: BTreeMap<LaneKey, VecDeque<Message>>,
    /// Keys of the alerts lane and when each was first taken.
    keys: BTreeMap<String, Timestamp>,
    dead: Vec<Dead>,
    faults: VecDeque<QueueFault>,
    last: u64,
}

/// [`Lane`] has no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LaneKey {
    Alerts,
    Housekeeping,
}

impl From<Lane> for LaneKey {
    fn from(lane: Lane) -> Self {
        match lane {
            Lane::Alerts => Self::Alerts,
            Lane::Housekeeping => Self::Housekeeping,
        }
    }
}

/// A dead letter.
#[derive(Clone, Debug)]
struct Dead {
    lane: LaneKey,
    body: String,
}

#[derive(Clone, Debug)]
struct Message {
    id: u64,
    group: String,
    body: String,
    visible_at: Timestamp,
    receives: u32,
}

impl Message {
    /// Changes with each delivery: an old receipt gives back and deletes nothing.
    fn receipt(&self) -> String {
        format!("receipt-{}-{}", self.id, self.receives)
    }

    /// Whether this is its receipt.
    fn has(&self, receipt: &str) -> bool {
        let parts = receipt.strip_prefix("receipt-").and_then(|rest| rest.split_once('-'));
        parts.is_some_and(|(id, receives)| {
            id.parse() == Ok(self.id) && receives.parse() == Ok(self.receives)
        })
    }
}

impl MemoryQueue {
    /// Empty queues.
    pub fn new(clock: VirtualClock) -> Self {
        Self { clock, state: Arc::default() }
    }

    /// Queues of their own, with the same in them, on another clock.
    #[must_use]
    pub fn fork(&self, clock: VirtualClock) -> Self {
        let state = self.state().clone();
        Self { clock, state: Arc::new(Mutex::new(state)) }
    }

    /// Lets the next calls go wrong: each fault is used once, in order.
    pub fn fail_next(&self, fault: QueueFault) {
        self.state().faults.push_back(fault);
    }

    /// Takes up to `most` messages that are visible and hides them for a while.
    pub fn receive(&self, lane: Lane, most: usize) -> Vec<Received> {
        let now = self.clock.now();
        let mut state = self.state();
        let state = &mut *state;
        let messages = state.lanes.entry(lane.into()).or_default();
        let dead = messages.iter().filter(|it| it.is_dead(now));
        state.dead.extend(dead.map(|it| Dead { lane: lane.into(), body: it.body.clone() }));
        messages.retain(|message| !message.is_dead(now));
        let blocked: BTreeSet<String> = match lane {
            Lane::Alerts => {
                let hidden = messages.iter().filter(|message| message.visible_at > now);
                hidden.map(|message| message.group.clone()).collect()
            }
            Lane::Housekeeping => BTreeSet::new(),
        };
        let visible = messages
            .iter_mut()
            .filter(|message| message.visible_at <= now && !blocked.contains(&message.group));
        visible
            .take(most)
            .map(|message| {
                message.receives += 1;
                message.visible_at = after(now, VISIBILITY);
                Received {
                    message_id: format!("message-{}", message.id),
                    receipt: message.receipt(),
                    lane,
                    receives: message.receives,
                    body: message.body.clone(),
                }
            })
            .collect()
    }

    /// Whether there is something to take.
    pub fn has_visible(&self, lane: Lane) -> bool {
        let now = self.clock.now();
        let state = self.state();
        let Some(messages) = state.lanes.get(&lane.into()) else { return false };
        messages.iter().any(|message| {
            let hides = |other: &&Message| other.visible_at > now && other.group == message.group;
            message.visible_at <= now
                && (lane == Lane::Housekeeping || !messages.iter().any(|it| hides(&it)))
        })
    }

    /// Deletes a message that was received. An old receipt deletes nothing.
    pub fn acknowledge(&self, lane: Lane, receipt: &str) {
        let mut state = self.state();
        if let Some(messages) = state.lanes.get_mut(&lane.into()) {
            let named = messages.iter().position(|message| message.has(receipt));
            named.map(|at| messages.remove(at));
        }
    }

    /// Every message was delivered so often before, and given back each time.
    pub fn were_delivered(&self, times: u32) {
        self.state().lanes.values_mut().flatten().for_each(|message| message.receives += times);
    }

    /// Puts a message there as it is, such as nobody could have sent.
    pub fn put_raw(&self, lane: Lane, group: &str, body: &str) {
        let now = self.clock.now();
        self.state().push(lane, group.to_owned(), body.to_owned(), now);
    }

    /// The tasks that are in a lane, hidden ones included, in the order in which they were sent.
    pub fn waiting(&self, lane: Lane) -> Vec<Task> {
        let state = self.state();
        let messages = state.lanes.get(&lane.into()).into_iter().flatten();
        messages.filter_map(Message::task).collect()
    }

    /// Whether nothing is left to do, hidden messages included.
    pub fn is_empty(&self) -> bool {
        self.state().lanes.values().all(VecDeque::is_empty)
    }

    /// What was given up: the bodies of the messages.
    pub fn dead(&self) -> Vec<String> {
        self.state().dead.iter().map(|dead| dead.body.clone()).collect()
    }

    /// When the next message becomes visible that is hidden now.
    pub fn next_visible(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        let state = self.state();
        let times = state.lanes.values().flatten().map(|message| message.visible_at);
        times.filter(|at| *at > now).min()
    }

    /// Never held across an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Message {
    fn is_dead(&self, now: Timestamp) -> bool {
        self.receives >= MOST_RECEIVES && self.visible_at <= now
    }

    fn task(&self) -> Option<Task> {
        serde_json::from_str(&self.body).ok()
    }
}

impl State {
    fn push(&mut self, lane: Lane, group: String, body: String, now: Timestamp) {
        self.last += 1;
        let message = Message { id: self.last, group, body, visible_at: now, receives: 0 };
        self.lanes.entry(lane.into()).or_default().push_back(message);
    }

    fn take_in(&mut self, message: &Outgoing, now: Timestamp) {
        let lane = message.task.lane();
        if lane == Lane::Alerts {
            self.keys.retain(|_, since| now < after(*since, DEDUPLICATION));
            if self.keys.contains_key(&message.key) {
                return;
            }
            self.keys.insert(message.key.clone(), now);
        }
        // Tasks are enums of ids: serde_json cannot fail on them.
        let body = serde_json::to_string(&message.task).unwrap_or_default();
        self.push(lane, message.task.group(), body, now);
    }

    /// Hides a received message for so long from now on.
    fn hide(
        &mut self,
        lane: Lane,
        receipt: &str,
        time: SignedDuration,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let messages = self.lanes.entry(lane.into()).or_default();
        let message = messages
            .iter_mut()
            .find(|message| message.has(receipt) && message.visible_at > now)
            .ok_or_else(|| QueueError::Unavailable("ReceiptHandleIsInvalid".to_owned()))?;
        // Whole seconds, rounded up, as SQS takes them.
        let millis = time.clamp(SignedDuration::ZERO, MOST_DELAY).as_millis();
        let seconds = i64::try_from(millis).unwrap_or(i64::MAX).saturating_add(999) / 1_000;
        message.visible_at = after(now, SignedDuration::from_secs(seconds));
        Ok(())
    }

    fn fault(&mut self, call: Call) -> Option<QueueFault> {
        let at = self.faults.iter().position(|fault| fault.call() == call)?;
        self.faults.remove(at)
    }
}

fn unavailable() -> QueueError {
    QueueError::Unavailable("a fault of the test".to_owned())
}

impl Queue for MemoryQueue {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        let now = self.clock.now();
        let mut state = self.state();
        let fault = state.fault(Call::Send);
        let taken = match fault {
            Some(QueueFault::NotSent) => 0,
            Some(QueueFault::PartlySent) => messages.len().saturating_sub(1),
            _ => messages.len(),
        };
        for message in messages.iter().take(taken) {
            state.take_in(message, now);
        }
        match fault {
            None => Ok(()),
            Some(QueueFault::PartlySent) => Err(QueueError::Refused {
                refused: messages.len() - taken,
                sent: messages.len(),
                cause: "a fault of the test".to_owned(),
            }),
            Some(_) => Err(unavailable()),
        }
    }

    async fn bury(&self, lane: Lane, _: &str, body: &str) -> Result<(), QueueError> {
        let mut state = self.state();
        if state.fault(Call::Send).is_some() {
            return Err(unavailable());
        }
        state.dead.push(Dead { lane: lane.into(), body: body.to_owned() });
        Ok(())
    }

    async fn redrive(&self, lane: Lane) -> Result<Option<usize>, QueueError> {
        let now = self.clock.now();
        let mut state = self.state();
        let lane = LaneKey::from(lane);
        let readable = |dead: &Dead| serde_json::from_str::<Task>(&dead.body).ok();
        let (mut sent, mut kept) = (0, Vec::new());
        for dead in std::mem::take(&mut state.dead) {
            match readable(&dead) {
                Some(task) if dead.lane == lane => {
                    sent += 1;
                    state.last += 1;
                    let key = format!("redriven#{}", state.last);
                    state.take_in(&Outgoing { key, task }, now);
                }
                _ => kept.push(dead),
            }
        }
        state.dead = kept;
        // What cannot be read was looked at, too.
        Ok((sent > 0).then_some(sent))
    }

    async fn hide(
        &self,
        lane: Lane,
        receipts: &[&str],
        time: SignedDuration,
    ) -> Result<(), QueueError> {
        let now = self.clock.now();
        let mut state = self.state();
        if state.fault(Call::Hide).is_some() {
            return Err(unavailable());
        }
        receipts.iter().try_for_each(|receipt| state.hide(lane, receipt, time, now))
    }

    async fn finish(&self, lane: Lane, receipt: &str) -> Result<(), QueueError> {
        self.acknowledge(lane, receipt);
        Ok(())
    }

    async fn hand_back(
        &self,
        lane: Lane,
        receipt: &str,
        delay: SignedDuration,
    ) -> Result<(), QueueError> {
        let now = self.clock.now();
        let mut state = self.state();
        if state.fault(Call::HandBack).is_some() {
            return Err(unavailable());
        }
        state.hide(lane, receipt, delay, now)
    }
}
