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
use crate::functions::Settings;
use crate::house::{BEGIN, WEBHOOK_SECRET};
use crate::memory_telegram::{BOT, BOT_NAME};

/// How far ahead something may lie that still belongs to what was begun.
const AHEAD: SignedDuration = SignedDuration::from_hours(3);

/// When faults end after a story's last step.
const TROUBLE: SignedDuration = SignedDuration::from_mins(8);

/// How long it may take at most until nothing is left to do.
const LONGEST: SignedDuration = SignedDuration::from_hours(72);

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
    /// In which order.
    pub order: Order,
    /// What goes wrong.
    pub faults: Faults,
    /// A mistake that is made on purpose.
    pub bug: Option<Bug>,
    /// Whether it goes on until everybody's access is over.
    pub to_the_end: bool,
}

impl Plan {
    /// These steps in the steady order, with these faults, by the number of the effect.
    pub fn steady(steps: Vec<Step>, faults: BTreeMap<u64, Verdict>) -> Self {
        let (order, faults) = (Order::Steady, Faults::These(faults));
        Self { steps, order, faults, bug: None, to_the_end: false }
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
    /// What went wrong, by the number of the effect.
    pub faults: BTreeMap<u64, Verdict>,
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
    /// An empty world, with so many people in it, and an owner for each of so many services.
    ///
    /// # Panics
    /// Never: its settings are good ones.
    pub fn empty(people: usize, owners: usize) -> Self {
        let (name, key) =
            (BotName::parse(BOT_NAME), LinkKey::new("the link key of every world of the tests"));
        let (Ok(bot_name), Ok(link_key)) = (name, key) else { unreachable!("they are good ones") };
        let pool = create_pool_link::pool_link(&bot_name, &link_key, BEGIN);
        let pool_link = crate::house::text(&pool, "/setup_link");
        let settings =
            Settings { bot_name, bot: BOT, link_key, webhook_secret: WEBHOOK_SECRET.to_owned() };
        let snapshot = Snapshot::empty(BEGIN, settings);
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
        let plan = Plan::steady(steps.to_vec(), BTreeMap::new());
        let (machine, story, _) = self.play(&plan, Notes::None);
        let violations = machine.hub.state().watch.violations.clone();
        assert!(violations.is_empty(), "{violations:?}");
        let (snapshot, cast) = (machine.snapshot(), story.cast);
        Self { snapshot, cast, pool_link: self.pool_link.clone() }
    }

    /// Runs a plan.
    pub fn run(&self, plan: &Plan, notes: Notes) -> Outcome {
        let (mut machine, mut story, recorded) = self.play(plan, notes);
        if plan.to_the_end {
            to_the_end(&mut machine, &mut story);
        }
        let mut state = machine.hub.state();
        let timeline = state.take_timeline();
        Outcome {
            violations: std::mem::take(&mut state.watch.violations),
            checks: std::mem::take(&mut state.watch.checks),
            effects: machine.chance.count,
            faults: std::mem::take(&mut machine.chance.applied),
            recorded,
            timeline,
        }
    }

    /// The story with its faults, then calm, and the first look.
    fn play(&self, plan: &Plan, notes: Notes) -> (Machine, Story, Vec<Effect>) {
        let chance = Chance::new(plan.order, plan.faults.clone(), notes == Notes::Effects);
        let told = notes == Notes::Timeline;
        let mut machine = Machine::from(&self.snapshot, chance, plan.bug, told);
        let mut story = Story::new(self.cast.clone(), plan.steps.clone(), self.pool_link.clone());
        tell(&mut machine, &mut story, TROUBLE);
        machine.calm = true;
        let recorded = machine.chance.effects.take().unwrap_or_default();
        machine.note(|| "all is calm from here on".to_owned());
        story.repair(&mut machine);
        story.then([Step::Wait { minutes: A_WHILE }]);
        tell(&mut machine, &mut story, SignedDuration::ZERO);
        settle(&mut machine, &mut story);
        at_rest::check(&machine, &story);
        (machine, story, recorded)
    }
}

/// Goes on until nothing is left to do before the time that `until` says.
fn go_on(
    machine: &mut Machine,
    story: &mut Story,
    mut until: impl FnMut(&Machine, &Story) -> Timestamp,
) {
    while {
        let until = until(machine, story);
        machine.step(story, until)
    } {
        story.hear(machine);
    }
    story.hear(machine);
}

/// Goes on until the story is over, and then for as long, or until nothing is left to do in it.
fn tell(machine: &mut Machine, story: &mut Story, then: SignedDuration) {
    let mut end = None;
    go_on(machine, story, |machine, story| {
        if end.is_none() && story.is_over() && machine.is_answered() {
            end = Some(after(machine.now(), then));
        }
        end.unwrap_or(Timestamp::MAX)
    });
}

/// Goes on until nothing is left that belongs to what was begun.
fn settle(machine: &mut Machine, story: &mut Story) {
    let end = after(machine.now(), LONGEST);
    go_on(machine, story, |machine, _| after(machine.now(), AHEAD).min(end));
}

/// Lets everybody's access run out, and looks once more.
fn to_the_end(machine: &mut Machine, story: &mut Story) {
    story.then([Step::Wait { minutes: 200 * 24 * 60 }]);
    tell(machine, story, SignedDuration::ZERO);
    settle(machine, story);
    at_rest::check(machine, story);
}
