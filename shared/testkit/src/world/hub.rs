//! Where the ports of a world meet its scheduler: each effect asks here what becomes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use jiff::{SignedDuration, Timestamp};
use store::Row;

use super::bug::Bug;
use super::watch::Watch;

/// A function that runs: one invocation of a Lambda.
pub(super) type ProcessId = u32;

/// Something that Telegram does after its caller has given up waiting.
pub(super) type Late = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a function does to the world outside, or what carries its messages does for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Something is read from the tables.
    Read,
    /// A conditional save.
    Commit,
    /// Audit records are written.
    Audit,
    /// Messages are put into a queue.
    Send,
    /// A message is given back to its queue, hidden for longer, or deleted before its batch is done.
    HandBack,
    /// Events are published.
    Publish,
    /// A call to Telegram that changes nothing there.
    Look,
    /// A call to Telegram that changes something.
    Act,
    /// The function's answer goes to whoever called it, or a finished message is deleted.
    Answer,
}

/// What becomes of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is done.
    Done,
    /// It is not done, and the caller hears so.
    Refused,
    /// Part of it is done: some messages of a batch.
    Partly,
    /// Telegram asks to wait for so many seconds.
    Wait(u32),
    /// It is not done, and the caller does not hear of it.
    LostBefore,
    /// It is done, and the caller does not hear of it.
    LostAfter,
    /// It is not done, and the answer is a 500 of the Bot API's own.
    ServerError,
    /// It is done, and the answer is a gateway's page.
    Nonsense,
    /// It is done so many seconds after the caller has given up.
    Late(u8),
    /// The process dies before it.
    DiesBefore,
    /// The process dies when it is done.
    DiesAfter,
}

impl Effect {
    /// What can become of it otherwise than that it is done.
    pub const fn faults(self) -> &'static [Verdict] {
        use Verdict::{
            DiesAfter, DiesBefore, Late, LostAfter, LostBefore, Nonsense, Partly, Refused,
            ServerError, Wait,
        };
        match self {
            Self::Read => &[Refused, DiesBefore],
            Self::Commit | Self::Audit => &[Refused, LostAfter, DiesBefore, DiesAfter],
            Self::Send | Self::Publish => &[Refused, Partly, LostAfter, DiesBefore, DiesAfter],
            Self::HandBack => &[Refused, LostAfter, DiesBefore],
            Self::Look => &[Refused, Wait(3), Nonsense, DiesBefore],
            Self::Act => &[
                Refused,
                Wait(3),
                Wait(40),
                LostBefore,
                LostAfter,
                ServerError,
                Nonsense,
                Late(20),
                DiesBefore,
                DiesAfter,
            ],
            Self::Answer => &[LostAfter],
        }
    }
}

/// An effect that waits for its verdict.
#[derive(Debug)]
struct Ticket {
    process: ProcessId,
    effect: Effect,
    verdict: Option<Verdict>,
    waker: Waker,
}

#[derive(Default)]
pub(super) struct State {
    tickets: BTreeMap<u64, Ticket>,
    last: u64,
    dead: BTreeSet<ProcessId>,
    late: Vec<(SignedDuration, Late)>,
    /// Counts what happens: the order of things.
    pub(super) tick: u64,
    pub(super) watch: Watch,
    /// What [`Bug::NoLastLook`] shows a sender instead of the row.
    pub(super) own_writes: BTreeMap<(ProcessId, String), Row>,
    /// What [`Bug::SentBeforeSending`] still has to send, by the process that said it had.
    pub(super) unsent: Vec<(ProcessId, Late)>,
    /// What happened, for people to read; only where somebody wants to.
    timeline: Option<Vec<String>>,
}

/// The meeting place. Copies lead to the same one.
#[derive(Clone)]
pub(super) struct Hub {
    state: Arc<Mutex<State>>,
    /// A mistake that this world makes on purpose.
    pub(super) bug: Option<Bug>,
}

impl Hub {
    pub(super) fn new(bug: Option<Bug>, watch: Watch, told: bool) -> Self {
        let state = State { watch, timeline: told.then(Vec::new), ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), bug }
    }

    /// Whether nothing is under way, now or later.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.state();
        state.tickets.is_empty() && state.late.is_empty() && state.unsent.is_empty()
    }

    /// A meeting place of its own, at which all that is known is known, too. Only of a quiet one.
    pub(super) fn fork(&self) -> Self {
        let state = self.state();
        let fork = State {
            last: state.last,
            tick: state.tick,
            watch: state.watch.fork(),
            own_writes: state.own_writes.clone(),
            timeline: state.timeline.clone(),
            ..State::default()
        };
        Self { state: Arc::new(Mutex::new(fork)), bug: self.bug }
    }

    /// Never held across an await.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the scheduler has decided about an effect.
    pub(super) async fn verdict(&self, process: ProcessId, effect: Effect) -> Verdict {
        let mut ticket = None;
        poll_fn(|context| {
            let mut state = self.state();
            let id = *ticket.get_or_insert_with(|| {
                state.last += 1;
                let waker = context.waker().clone();
                let new = Ticket { process, effect, verdict: None, waker };
                let id = state.last;
                state.tickets.insert(id, new);
                id
            });
            match state.tickets.get(&id).and_then(|ticket| ticket.verdict) {
                None => Poll::Pending,
                Some(verdict) => {
                    state.tickets.remove(&id);
                    Poll::Ready(verdict)
                }
            }
        })
        .await
    }

    /// Ends the process from within: nothing after this is done.
    pub(super) async fn die<T>(&self, process: ProcessId) -> T {
        self.state().dead.insert(process);
        std::future::pending().await
    }

    pub(super) fn is_dead(&self, process: ProcessId) -> bool {
        self.state().dead.contains(&process)
    }

    /// Forgets what a process waited for.
    pub(super) fn buried(&self, process: ProcessId) {
        let mut state = self.state();
        state.dead.remove(&process);
        state.tickets.retain(|_, ticket| ticket.process != process);
    }

    /// The effects that wait, oldest first.
    pub(super) fn waiting(&self, into: &mut Vec<(u64, ProcessId, Effect)>) {
        into.clear();
        let state = self.state();
        let open = state.tickets.iter().filter(|(_, ticket)| ticket.verdict.is_none());
        into.extend(open.map(|(id, ticket)| (*id, ticket.process, ticket.effect)));
    }

    /// The number of the effect that came last.
    pub(super) fn last_ticket(&self) -> u64 {
        self.state().last
    }

    /// Decides.
    pub(super) fn decide(&self, ticket: u64, verdict: Verdict) {
        let waker = {
            let mut state = self.state();
            state.tick += 1;
            state.tickets.get_mut(&ticket).map(|ticket| {
                ticket.verdict = Some(verdict);
                ticket.waker.clone()
            })
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Leaves something to be done later, by nobody's hand.
    pub(super) fn later(&self, after: SignedDuration, work: Late) {
        self.state().late.push((after, work));
    }

    pub(super) fn take_late(&self) -> Vec<(SignedDuration, Late)> {
        std::mem::take(&mut self.state().late)
    }

    /// Whether there is a timeline.
    pub(super) fn is_told(&self) -> bool {
        self.state().timeline.is_some()
    }

    /// Notes something in the timeline, if there is one.
    pub(super) fn note(&self, now: Timestamp, line: impl FnOnce() -> String) {
        if let Some(timeline) = &mut self.state().timeline {
            timeline.push(format!("{now:.3}  {}", line()));
        }
    }
}

impl State {
    pub(super) fn take_timeline(&mut self) -> Vec<String> {
        self.timeline.take().unwrap_or_default()
    }
}
