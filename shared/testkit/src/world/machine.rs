//! The machinery between the functions: what AWS, Telegram and the callers do, one step at a time.

mod carriers;
mod fork;

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};

use domain::relay::{Consequences, consequences};
use domain::task::Lane;
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use startup::Clock as _;

use super::bug::Bug;
use super::chance::Chance;
use super::hub::{Effect, Hub, Late, ProcessId, Verdict};
use super::ports::{Port, SkewedClock};
use super::story::Story;
use super::telegram::Line;
use super::watch::Invariant;
use crate::functions::{Answer, Functions, Request, Settings, change};
use crate::house::{WEBHOOK_SECRET, queue_of};
use crate::{
    MemoryEvents, MemoryLimits, MemoryQueue, MemoryStore, MemoryTelegram, Shared, StreamRecord,
    VirtualClock,
};
pub(super) use fork::Snapshot;

/// The most messages of a batch, and the most changes: what the template sets.
const MESSAGES: usize = 10;
const CHANGES: usize = 100;

/// How many senders run at the same time for a queue.
const SENDERS: usize = 2;

/// The pause between two sweeps.
const SWEEP: i64 = 30 * 60;

/// Nothing is tidied away by less.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// By how many seconds a function's clock may be wrong.
const MOST_SKEW: i64 = 2;

/// So many processes die by chance with the same message in their hands.
const MOST_DEATHS: u32 = 2;

/// More steps than this, and something goes round in circles.
const ENDLESS: u64 = 60_000;

type World = Functions<
    Port<Shared<MemoryStore>>,
    Port<MemoryQueue>,
    Port<MemoryLimits>,
    Port<MemoryEvents>,
    Port<Line>,
    SkewedClock,
>;

/// One invocation of a function, or something that Telegram does late.
struct Process {
    id: ProcessId,
    work: Pin<Box<dyn Future<Output = Ended>>>,
    woken: Arc<Woken>,
    waker: Waker,
    /// When it is stopped, whatever it does.
    until: Timestamp,
    carries: Carries,
}

/// What a process has in its hands.
enum Carries {
    Request(usize),
    Update(Waiting),
    Changes { table: usize, last: u64 },
    Messages { lane: Lane, receipts: Vec<(String, String)> },
    Sweep,
    Late,
}

/// What a process brought about.
enum Ended {
    Answer(Answer),
    Relayed(Option<String>),
    GivenBack(Vec<String>),
    Done,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A change that a stream told, and what has to follow from it.
pub(super) struct Told {
    pub(super) record: StreamRecord,
    follows: OnceLock<Option<Consequences>>,
}

impl Told {
    /// What has to follow; `None` when it is no change of an item.
    pub(super) fn follows(&self) -> Option<&Consequences> {
        let follow = || {
            let before = self.record.before.as_deref();
            let before = before.and_then(|row| store::record(row).ok().flatten());
            let (now, meta) = store::record(&self.record.after).ok().flatten()?;
            Some(consequences(before.as_ref().map(|(before, _)| before), &now, &meta))
        };
        self.follows.get_or_init(follow).as_ref()
    }
}

/// The stream of a table.
#[derive(Clone, Default)]
struct Stream {
    waiting: VecDeque<(u64, Arc<Told>)>,
    from: Option<Timestamp>,
    busy: bool,
}

/// An update that is to be delivered.
#[derive(Clone)]
struct Waiting {
    update: Value,
    queue: String,
    failures: u32,
    from: Timestamp,
}

/// A caller's request, repeated until it has an answer.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) request: Request,
    pub(super) answer: Option<Answer>,
    from: Timestamp,
    running: bool,
    tries: u32,
}

/// What can happen next.
enum Choice {
    Effect(u64, ProcessId, Effect),
    Request(usize),
    Update(usize),
    Changes(usize),
    Messages(Lane),
    Step,
}

/// Whoever is held up in the middle of what they do, because the story says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nobody,
    /// The first who is about to do this, after so many others.
    Next {
        effect: Effect,
        after: usize,
        since: u64,
    },
    /// This one.
    One {
        ticket: u64,
        process: ProcessId,
    },
}

/// A world in the middle of its story.
pub(super) struct Machine {
    pub(super) hub: Hub,
    pub(super) clock: VirtualClock,
    pub(super) store: Shared<MemoryStore>,
    pub(super) queue: MemoryQueue,
    limits: MemoryLimits,
    pub(super) events: MemoryEvents,
    pub(super) telegram: MemoryTelegram,
    settings: Arc<Settings>,
    pub(super) chance: Chance,
    pub(super) clients: Vec<Arc<Client>>,
    /// Every change that was told since the scene began.
    pub(super) told: Vec<Arc<Told>>,
    /// Whether nothing goes wrong any more.
    pub(super) calm: bool,
    /// How many died with a message in their hands.
    deaths: BTreeMap<String, u32>,
    running: Vec<Process>,
    last_process: ProcessId,
    streams: [Stream; 3],
    updates: Vec<Waiting>,
    delivering: Vec<String>,
    late: Vec<(Timestamp, Late)>,
    /// Who is held up, or will be.
    held: Held,
    /// Telegram may have news.
    news: bool,
    swept: Timestamp,
    thrown: u64,
    steps: u64,
    /// Room for what could happen next, and for the effects that wait.
    options: Vec<Choice>,
    waiting: Vec<(u64, ProcessId, Effect)>,
}

impl Machine {
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn note(&self, line: impl FnOnce() -> String) {
        self.hub.note(self.now(), line);
    }

    /// Sends a request, and again until it is answered.
    pub(super) fn request(&mut self, request: Request) {
        let from = self.now();
        let client = Client { request, answer: None, from, running: false, tries: 0 };
        self.clients.push(Arc::new(client));
    }

    /// Something was done in Telegram by people.
    pub(super) fn has_news(&mut self) {
        self.news = true;
    }

    /// Goes on by one step. False when nothing is left to do before `until`.
    pub(super) fn step(&mut self, story: &mut Story, until: Timestamp) -> bool {
        self.steps += 1;
        if self.steps > ENDLESS {
            let mut state = self.hub.state();
            state.watch.violated(Invariant::NothingStuck, "it goes round in circles".to_owned());
            return false;
        }
        self.poll();
        self.take_in();
        // One list for all the steps: there are very many of them.
        let mut options = std::mem::take(&mut self.options);
        self.list_options(story, &mut options);
        let goes_on = if options.is_empty() {
            self.advance(story, until)
        } else if !self.calm && self.chance.dawdles() {
            let to = after(self.now(), self.chance.dawdling());
            self.move_to(to);
            true
        } else {
            let choice = options.swap_remove(self.chance.choose(options.len()));
            self.carry_out(choice, story);
            true
        };
        self.options = options;
        goes_on
    }

    /// Everything that could happen now; the steady order takes the first.
    fn list_options(&mut self, story: &Story, options: &mut Vec<Choice>) {
        let now = self.now();
        options.clear();
        let mut waiting = std::mem::take(&mut self.waiting);
        self.hub.waiting(&mut waiting);
        self.hold_up(&mut waiting);
        options.extend(
            waiting
                .iter()
                .map(|(ticket, process, effect)| Choice::Effect(*ticket, *process, *effect)),
        );
        self.waiting = waiting;
        if self.chance.is_steady() && !options.is_empty() {
            return;
        }
        for (table, stream) in self.streams.iter().enumerate() {
            let waits = stream.from.is_some_and(|from| now < from);
            if !stream.busy && !waits && !stream.waiting.is_empty() {
                options.push(Choice::Changes(table));
            }
        }
        for (at, waiting) in self.updates.iter().enumerate() {
            let earlier = self.updates.iter().take(at).any(|it| it.queue == waiting.queue);
            if waiting.from <= now && !earlier && !self.delivering.contains(&waiting.queue) {
                options.push(Choice::Update(at));
            }
        }
        for lane in [Lane::Alerts, Lane::Housekeeping] {
            let busy = self.running.iter().filter(
                |it| matches!(it.carries, Carries::Messages { lane: of, .. } if of == lane),
            );
            if busy.count() < SENDERS && self.queue.has_visible(lane) {
                options.push(Choice::Messages(lane));
            }
        }
        for (at, client) in self.clients.iter().enumerate() {
            if client.answer.is_none() && !client.running && client.from <= now {
                options.push(Choice::Request(at));
            }
        }
        let quiet = options.is_empty() && self.running.iter().all(|it| self.holds(it.id));
        if story.is_ready(self) && (quiet || !self.chance.is_steady()) {
            options.push(Choice::Step);
        }
    }

    /// Holds up the next who is about to do this, after so many others.
    pub(super) fn hold(&mut self, effect: Effect, after: usize) {
        self.held = Held::Next { effect, after, since: self.hub.last_ticket() };
    }

    /// Nobody is held up any more.
    pub(super) fn let_go(&mut self) {
        self.held = Held::Nobody;
    }

    fn holds(&self, id: ProcessId) -> bool {
        matches!(self.held, Held::One { process, .. } if process == id)
    }

    /// Takes whoever is held up out of those who wait.
    fn hold_up(&mut self, waiting: &mut Vec<(u64, ProcessId, Effect)>) {
        if let Held::Next { effect, after, since } = self.held {
            let mut new = waiting.iter().filter(|it| it.0 > since && it.2 == effect);
            self.held = match (new.next(), after) {
                (None, _) => return,
                (Some((ticket, process, _)), 0) => Held::One { ticket: *ticket, process: *process },
                (Some((ticket, ..)), _) => Held::Next { effect, after: after - 1, since: *ticket },
            };
        }
        if let Held::One { ticket, .. } = self.held {
            waiting.retain(|it| it.0 != ticket);
        }
    }

    fn carry_out(&mut self, choice: Choice, story: &mut Story) {
        match choice {
            Choice::Effect(ticket, process, effect) => self.decide(ticket, process, effect),
            Choice::Request(at) => self.send_request(at),
            Choice::Update(at) => self.deliver(at),
            Choice::Changes(table) => self.relay(table),
            Choice::Messages(lane) => self.send(lane),
            Choice::Step => story.perform(self),
        }
    }

    fn decide(&mut self, ticket: u64, process: ProcessId, effect: Effect) {
        let verdict = self.chance.verdict(effect, self.calm, self.may_die(process));
        if effect == Effect::Act {
            self.news = true;
        }
        if verdict == Verdict::DiesBefore {
            self.note(|| format!("#{process:<3} dies before it can do the next thing"));
            self.bury(process);
        } else {
            self.hub.decide(ticket, verdict);
        }
    }

    /// Whether a process may die by chance. A message with which many die is taken for what kills them,
    /// and rightly given up.
    fn may_die(&self, process: ProcessId) -> bool {
        let died = |(message, _): &(String, String)| self.deaths.get(message).copied().unwrap_or(0);
        let carries = self.running.iter().find(|it| it.id == process).map(|it| &it.carries);
        match carries {
            Some(Carries::Messages { receipts, .. }) => {
                receipts.iter().all(|it| died(it) < MOST_DEATHS)
            }
            _ => true,
        }
    }

    // ------------------------------------------------------------------------------- processes

    fn functions(&mut self) -> (ProcessId, World) {
        self.last_process += 1;
        let process = self.last_process;
        let (hub, clock) = (self.hub.clone(), self.clock.clone());
        let skew = self.chance.skew(MOST_SKEW);
        let line = Line { telegram: self.telegram.clone(), store: self.store.clone() };
        let functions = Functions {
            store: port(self.store.clone(), &hub, process, &clock),
            queue: port(self.queue.clone(), &hub, process, &clock),
            limits: port(self.limits.clone(), &hub, process, &clock),
            events: port(self.events.clone(), &hub, process, &clock),
            telegram: port(line, &hub, process, &clock),
            clock: SkewedClock { clock, skew },
            settings: Arc::clone(&self.settings),
        };
        (process, functions)
    }

    fn begin(
        &mut self,
        id: ProcessId,
        limit: i64,
        carries: Carries,
        work: impl Future<Output = Ended> + 'static,
    ) {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let until = after(self.now(), SignedDuration::from_secs(limit));
        self.running.push(Process { id, work: Box::pin(work), woken, waker, until, carries });
        self.poll();
    }

    /// Lets everybody go on who can.
    fn poll(&mut self) {
        let mut at = 0;
        while let Some(process) = self.running.get_mut(at) {
            if !process.woken.0.swap(false, Ordering::Relaxed) {
                at += 1;
                continue;
            }
            let mut context = Context::from_waker(&process.waker);
            match process.work.as_mut().poll(&mut context) {
                Poll::Ready(ended) => {
                    let process = self.running.remove(at);
                    self.hub.buried(process.id);
                    self.ended(process.id, process.carries, ended);
                    // Whatever was put off is done now, or never.
                    self.unsent(process.id, true);
                    at = 0;
                }
                Poll::Pending if self.hub.is_dead(process.id) => {
                    let id = process.id;
                    self.bury(id);
                    at = 0;
                }
                Poll::Pending => {}
            }
        }
        for (delay, late) in self.hub.take_late() {
            self.late.push((after(self.now(), delay), late));
        }
    }

    /// Whether an answer comes to whom it is for.
    fn heard(&mut self) -> bool {
        self.chance.verdict(Effect::Answer, self.calm, true) == Verdict::Done
    }

    fn unsent(&mut self, process: ProcessId, alive: bool) {
        let unsent: Vec<_> = {
            let mut state = self.hub.state();
            let all = std::mem::take(&mut state.unsent);
            let (mine, others) = all.into_iter().partition(|(of, _)| *of == process);
            state.unsent = others;
            mine
        };
        if alive {
            let now = self.now();
            self.late.extend(unsent.into_iter().map(|(_, late)| (now, late)));
        }
    }

    /// A process ends without a word: killed, or over its time.
    fn bury(&mut self, id: ProcessId) {
        let Some(at) = self.running.iter().position(|process| process.id == id) else { return };
        let process = self.running.remove(at);
        drop(process.work);
        self.hub.buried(id);
        self.unsent(id, false);
        match process.carries {
            Carries::Request(client) => self.ask_again(client),
            Carries::Update(waiting) => self.deliver_again(waiting),
            Carries::Changes { table, .. } => self.relay_again(table),
            // Hidden until their time is over.
            Carries::Messages { receipts, .. } => {
                for (message, _) in receipts {
                    *self.deaths.entry(message).or_default() += 1;
                }
            }
            Carries::Sweep | Carries::Late => {}
        }
    }

    fn ended(&mut self, id: ProcessId, carries: Carries, ended: Ended) {
        match (carries, ended) {
            (Carries::Request(client), Ended::Answer(answer)) => self.answered(client, answer),
            (Carries::Update(waiting), Ended::Answer(answer)) => {
                let taken = (200..300).contains(&answer.status)
                    || self.hub.bug == Some(Bug::WebhookSwallowsFailures);
                let heard = self.heard();
                if taken && heard {
                    self.delivering.retain(|queue| *queue != waiting.queue);
                } else {
                    self.note(|| format!("#{id:<3} an update comes again"));
                    self.deliver_again(waiting);
                }
            }
            (Carries::Changes { table, last }, Ended::Relayed(failed)) => {
                self.relayed(table, last, failed);
            }
            (Carries::Messages { lane, receipts }, Ended::GivenBack(given_back)) => {
                for (message, receipt) in receipts {
                    let is_done = !given_back.contains(&message);
                    if is_done && self.heard() {
                        self.queue.acknowledge(lane, &receipt);
                    }
                }
            }
            (Carries::Late, _) => self.news = true,
            _ => {}
        }
    }

    // ------------------------------------------------------------------------------------ time

    fn sweep(&mut self) {
        self.note(|| "the sweep".to_owned());
        let (id, functions) = self.functions();
        let work = async move {
            functions.sweep().await;
            Ended::Done
        };
        self.begin(id, 300, Carries::Sweep, work);
    }

    /// The daily check of all members begins.
    pub(super) fn daily_check(&mut self) {
        let (id, functions) = self.functions();
        let work = async move {
            // What it could not begin, the next one does.
            let _ = functions.reconcile().await;
            Ended::Done
        };
        self.begin(id, 300, Carries::Sweep, work);
    }

    /// When the next sweep would find something.
    pub(super) fn next_sweep(&self) -> Option<Timestamp> {
        let due = self.store.first_due()?.max(after(self.swept, SignedDuration::from_secs(1)));
        let second = due.as_second();
        let wait = (SWEEP - second.rem_euclid(SWEEP)).rem_euclid(SWEEP);
        Timestamp::from_second(second + wait).ok().map(|at| at.max(due))
    }

    /// Lets time go by to the next moment at which something happens.
    fn advance(&mut self, story: &Story, until: Timestamp) -> bool {
        let now = self.now();
        let moments = [self.clock.next_wake(), self.queue.next_visible(), story.waits_until()];
        let clients = self.clients.iter().filter(|it| it.answer.is_none() && !it.running);
        let next = moments
            .into_iter()
            .flatten()
            .chain(self.updates.iter().map(|waiting| waiting.from))
            .chain(self.streams.iter().filter(|it| !it.waiting.is_empty()).filter_map(|it| it.from))
            .chain(self.late.iter().map(|(at, _)| *at))
            .chain(clients.map(|client| client.from))
            .chain(self.running.iter().map(|process| process.until))
            .chain(self.next_sweep())
            .filter(|at| *at > now)
            .min();
        match next {
            Some(next) if next <= until => {
                self.move_to(next);
                true
            }
            _ => false,
        }
    }

    /// Lets so much time pass.
    pub(super) fn lets_pass(&mut self, time: SignedDuration) {
        self.move_to(after(self.now(), time));
    }

    /// Moves the clock, stops whoever is over their time, and does what was put off.
    fn move_to(&mut self, to: Timestamp) {
        let sweep = self.next_sweep().filter(|at| *at <= to);
        let to = sweep.unwrap_or(to);
        if to.duration_since(self.now()) > A_DAY {
            self.store.tidy(to);
        }
        self.clock.move_to(to);
        self.news |= self.telegram.look(telegram_simulator::World::is_busy);
        let over: Vec<_> =
            self.running.iter().filter(|it| it.until <= to).map(|process| process.id).collect();
        for id in over {
            self.note(|| format!("#{id:<3} is stopped: its time is over"));
            self.bury(id);
        }
        let late = std::mem::take(&mut self.late);
        let (due, later): (Vec<_>, Vec<_>) = late.into_iter().partition(|(at, _)| *at <= to);
        self.late = later;
        for (_, work) in due {
            self.note(|| "Telegram does what it had not answered".to_owned());
            self.last_process += 1;
            let work = async move {
                work.await;
                Ended::Done
            };
            self.begin(self.last_process, 3_600, Carries::Late, work);
        }
        if sweep.is_some() {
            self.swept = to;
            self.sweep();
        }
    }

    /// Whether every request has its answer.
    pub(super) fn is_answered(&self) -> bool {
        self.clients.iter().all(|client| client.answer.is_some())
    }
}

fn port<P>(inner: P, hub: &Hub, process: ProcessId, clock: &VirtualClock) -> Port<P> {
    Port { inner, hub: hub.clone(), process, clock: clock.clone() }
}
