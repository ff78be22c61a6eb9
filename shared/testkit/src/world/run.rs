//! One run: a scene, the steps of a story, an order and faults; then calm, and the checks.

use std::collections::BTreeMap;

use domain::time::after;
use domain::token::{BotName, LinkKey};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::at_rest;
use super::bug::Bug;
use super::chance::{Chance, Faults, Order};
use super::hub::{Effect, Verdict};
use super::machine::{Machine, Snapshot};
use super::story::{Cast, Step, Story};
use super::watch::{Checks, Violation};
use crate::MemoryStore;
use crate::functions::Settings;
use crate::house::{BEGIN, WEBHOOK_SECRET};
use crate::memory_telegram::{BOT, BOT_NAME};

/// How far ahead something may lie that still belongs to what was begun.
const AHEAD: SignedDuration = SignedDuration::from_hours(3);

/// When faults end after a story's last step.
const TROUBLE: SignedDuration = SignedDuration::from_mins(8);

/// How long it may take at most until nothing is left to do.
const LONGEST: SignedDuration = SignedDuration::from_hours(72);

/// So many effects lie between two forks at least.
const BETWEEN_FORKS: u64 = 8;

/// So long after everything, no clock is of another opinion than another.
const A_WHILE: i64 = 2;

/// A world that has come to rest, to begin with, and who is in it.
pub struct Scene {
    snapshot: Snapshot,
    cast: Cast,
    pool_link: String,
}

impl std::fmt::Debug for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scene(…)")
    }
}

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What people do.
    pub steps: Vec<Step>,
    /// Where it goes on otherwise.
    pub turns: Vec<Turn>,
    /// In which order.
    pub order: Order,
    /// What goes wrong.
    pub faults: Faults,
    /// A mistake that is made on purpose.
    pub bug: Option<Bug>,
    /// Whether it goes on until everybody's access is over.
    pub to_the_end: bool,
}

/// A place at which a run goes on otherwise than the one from which it branches off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// At which of the run's [forks](Run::reach_fork), counted from 0.
    pub fork: u32,
    /// What order and faults are drawn from, from there on.
    pub seed: u64,
    /// What people do from there on, instead of what they would have done; `None`: the same.
    pub steps: Option<Vec<Step>>,
}

impl Plan {
    /// These steps in the steady order, with these faults, by the number of the effect.
    pub fn steady(steps: Vec<Step>, faults: BTreeMap<u64, Verdict>) -> Self {
        let (order, faults) = (Order::Steady, Faults::These(faults));
        Self { steps, turns: Vec::new(), order, faults, bug: None, to_the_end: false }
    }
}

/// How a run went.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What must not be, and was.
    pub violations: Vec<Violation>,
    /// What was looked at.
    pub checks: Checks,
    /// How many effects there were.
    pub effects: u64,
    /// How many of them were carried out in this run, and not in the one from which it branches off.
    pub own: u64,
    /// What went wrong, by the number of the effect.
    pub faults: BTreeMap<u64, Verdict>,
    /// What people did.
    pub steps: Vec<Step>,
    /// Every effect up to the calm, if asked for.
    pub recorded: Vec<Effect>,
    /// What happened, if asked for.
    pub timeline: Vec<String>,
}

/// How much is noted of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notes {
    /// Only how it ended.
    None,
    /// Its effects.
    Effects,
    /// Everything, for people to read.
    Timeline,
}

impl Scene {
    /// An empty world on these tables, with so many people in it, and an owner for each of so many
    /// services.
    ///
    /// # Panics
    /// Never: its settings are good ones.
    pub fn empty(tables: &MemoryStore, people: usize, owners: usize) -> Self {
        let (name, key) =
            (BotName::parse(BOT_NAME), LinkKey::new("the link key of every world of the tests"));
        let (Ok(bot_name), Ok(link_key)) = (name, key) else { unreachable!("they are good ones") };
        let pool = create_pool_link::pool_link(&bot_name, &link_key, BEGIN);
        let pool_link = crate::house::text(&pool, "/setup_link");
        let settings =
            Settings { bot_name, bot: BOT, link_key, webhook_secret: WEBHOOK_SECRET.to_owned() };
        let snapshot = Snapshot::empty(BEGIN, tables.clone(), settings);
        let person = |name: String| {
            let made = snapshot.telegram().control("users", json!({ "first_name": name }));
            made.get("id").and_then(serde_json::Value::as_i64).unwrap_or_default()
        };
        let cast = Cast::of(
            (0..people).map(|number| person(format!("Person {number}"))).collect(),
            (0..=owners).map(|number| person(format!("Owner {number}"))).collect(),
        );
        Self { snapshot, cast, pool_link }
    }

    /// The scene after these steps, without faults.
    ///
    /// # Panics
    /// When the steps do not go well: nothing can be built on that.
    #[must_use]
    pub fn after(&self, steps: &[Step]) -> Self {
        let mut run = self.begin(&Plan::steady(steps.to_vec(), BTreeMap::new()), Notes::None);
        run.calm_down();
        let violations = run.machine.hub.state().watch.violations.clone();
        assert!(violations.is_empty(), "{violations:?}");
        let (snapshot, cast) = (run.machine.snapshot(), run.story.cast);
        Self { snapshot, cast, pool_link: self.pool_link.clone() }
    }

    /// Runs a plan.
    pub fn run(&self, plan: &Plan, notes: Notes) -> Outcome {
        let mut run = self.begin(plan, notes);
        let mut forks = 0;
        while run.reach_fork() {
            if let Some(turn) = plan.turns.iter().find(|turn| turn.fork == forks) {
                run.turn(turn);
            }
            forks += 1;
        }
        run.end()
    }

    /// Begins to run a plan.
    pub fn begin(&self, plan: &Plan, notes: Notes) -> Run {
        let chance = Chance::new(plan.order, plan.faults.clone(), notes == Notes::Effects);
        let told = notes == Notes::Timeline;
        Run {
            machine: Machine::from(&self.snapshot, chance, plan.bug, told),
            story: Story::new(self.cast.clone(), plan.steps.clone(), self.pool_link.clone()),
            to_the_end: plan.to_the_end,
            trouble_ends: None,
            from: 0,
            forked: 0,
        }
    }
}

/// A run that is under way.
pub struct Run {
    machine: Machine,
    story: Story,
    to_the_end: bool,
    /// When faults end, once the story is over.
    trouble_ends: Option<Timestamp>,
    /// Where it branched off, in effects.
    from: u64,
    /// Where the last fork was, in effects.
    forked: u64,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Run(…)")
    }
}

impl Run {
    /// How many effects there were so far.
    pub const fn effects(&self) -> u64 {
        self.machine.chance.count
    }

    /// Goes on to the next fork: nobody is in the middle of anything, and something was done since the
    /// last one. False when the time of faults is over before.
    pub fn reach_fork(&mut self) -> bool {
        let next = self.forked + BETWEEN_FORKS;
        let reached = self.on(|run| run.effects() >= next && run.machine.is_quiet());
        self.forked = self.effects();
        reached
    }

    /// Goes on until nobody is in the middle of anything, and something was done meanwhile. False
    /// when the time of faults is over before.
    pub fn reach_quiet(&mut self) -> bool {
        let since = self.effects();
        self.on(|run| run.effects() > since && run.machine.is_quiet())
    }

    /// Another run that goes on from here. Only where [`reach_fork`](Self::reach_fork) or
    /// [`reach_quiet`](Self::reach_quiet) has led.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            machine: self.machine.fork(),
            story: self.story.clone(),
            to_the_end: self.to_the_end,
            trouble_ends: self.trouble_ends,
            from: self.effects(),
            forked: self.forked,
        }
    }

    /// Goes on otherwise from here.
    pub fn turn(&mut self, turn: &Turn) {
        self.machine.note(|| "from here on it goes otherwise".to_owned());
        self.machine.chance.turn(turn.seed);
        if let Some(steps) = &turn.steps {
            self.story.instead(steps);
            self.trouble_ends = None;
        }
    }

    /// Whether it goes on until everybody's access is over.
    pub const fn goes_to_the_end(&mut self, to_the_end: bool) {
        self.to_the_end = to_the_end;
    }

    /// Lets these effects go wrong from here on.
    pub fn go_wrong(&mut self, faults: BTreeMap<u64, Verdict>) {
        self.machine.chance.plan(Faults::These(faults));
    }

    /// Goes on to the end, and looks at everything.
    pub fn end(mut self) -> Outcome {
        self.calm_down();
        if self.to_the_end {
            // Everybody's access runs out.
            self.story.then([Step::Wait { minutes: 200 * 24 * 60 }]);
            self.tell();
            self.settle();
            at_rest::check(&self.machine, &self.story);
        }
        let mut state = self.machine.hub.state();
        let effects = self.machine.chance.count;
        Outcome {
            timeline: state.take_timeline(),
            violations: std::mem::take(&mut state.watch.violations),
            checks: std::mem::take(&mut state.watch.checks),
            effects,
            own: effects - self.from,
            faults: std::mem::take(&mut self.machine.chance.applied),
            recorded: self.machine.chance.effects.take().unwrap_or_default(),
            steps: self.story.done().to_vec(),
        }
    }

    /// The rest of the story with its faults, then calm, and the first look.
    fn calm_down(&mut self) {
        self.on(|_| false);
        self.machine.calm = true;
        self.machine.let_go();
        self.story.ends();
        let recorded = self.machine.chance.effects.take();
        self.machine.note(|| "all is calm from here on".to_owned());
        self.story.repair(&mut self.machine);
        self.story.then([Step::Wait { minutes: A_WHILE }]);
        self.tell();
        self.settle();
        at_rest::check(&self.machine, &self.story);
        self.machine.chance.effects = recorded;
    }

    /// Goes on while faults are possible. True when `stop` says so, false when their time is over.
    fn on(&mut self, mut stop: impl FnMut(&Self) -> bool) -> bool {
        loop {
            if self.trouble_ends.is_none() && self.story.is_over() && self.machine.is_answered() {
                self.trouble_ends = Some(after(self.machine.now(), TROUBLE));
            }
            if !self.step(self.trouble_ends.unwrap_or(Timestamp::MAX)) {
                return false;
            }
            if stop(self) {
                return true;
            }
        }
    }

    /// Goes on until the story is over.
    fn tell(&mut self) {
        while {
            let over = self.story.is_over() && self.machine.is_answered();
            let until = if over { self.machine.now() } else { Timestamp::MAX };
            self.step(until)
        } {}
    }

    /// Goes on until nothing is left that belongs to what was begun.
    fn settle(&mut self) {
        let end = after(self.machine.now(), LONGEST);
        while self.step(after(self.machine.now(), AHEAD).min(end)) {}
    }

    fn step(&mut self, until: Timestamp) -> bool {
        let goes_on = self.machine.step(&mut self.story, until);
        self.story.hear(&mut self.machine);
        goes_on
    }
}
