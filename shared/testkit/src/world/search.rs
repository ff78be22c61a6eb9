//! Schedules by their names, what was found in them, and the way from there to the smallest story
//! that shows it.

use std::collections::BTreeMap;
use std::fmt;

use super::bug::Bug;
use super::chance::{Faults, Order};
use super::hub::Verdict;
use super::run::{Notes, Outcome, Plan, Scene};
use super::stories::Stage;
use super::watch::{Checks, Violation};

/// One run, by the name under which it can be had again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// A story, by its number, with these faults.
    Story(usize, BTreeMap<u64, Verdict>),
    /// A random one, by the seed of its tree, and by the forks at which it branches off: a bit each.
    Random(u64, u32),
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random(seed, 0) => write!(f, "{seed}"),
            Self::Random(seed, branch) => write!(f, "{seed}.{branch}"),
            Self::Story(story, faults) => {
                let faults: Vec<_> =
                    faults.iter().map(|(at, verdict)| format!("{at}={verdict:?}")).collect();
                write!(f, "{story}:{}", faults.join(","))
            }
        }
    }
}

fn verdict(text: &str) -> Option<Verdict> {
    let number = |name: &str| {
        text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?.parse::<u32>().ok()
    };
    Some(match text {
        "Refused" => Verdict::Refused,
        "Partly" => Verdict::Partly,
        "LostBefore" => Verdict::LostBefore,
        "LostAfter" => Verdict::LostAfter,
        "ServerError" => Verdict::ServerError,
        "Nonsense" => Verdict::Nonsense,
        "DiesBefore" => Verdict::DiesBefore,
        "DiesAfter" => Verdict::DiesAfter,
        _ => match (number("Wait"), number("Late")) {
            (Some(seconds), _) => Verdict::Wait(seconds),
            (None, Some(seconds)) => Verdict::Late(u8::try_from(seconds).ok()?),
            (None, None) => return None,
        },
    })
}

impl Schedule {
    /// Reads a name; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let Some((story, faults)) = text.split_once(':') else {
            let (seed, branch) = text.split_once('.').unwrap_or((text, "0"));
            return Some(Self::Random(seed.parse().ok()?, branch.parse().ok()?));
        };
        let faults = faults.split(',').filter(|part| !part.is_empty()).map(|part| {
            let (at, what) = part.split_once('=')?;
            Some((at.parse().ok()?, verdict(what)?))
        });
        Some(Self::Story(story.parse().ok()?, faults.collect::<Option<_>>()?))
    }

    /// Its scene and its plan; `None` for a story that there is not.
    pub fn plan<'s>(&self, stage: &'s Stage) -> Option<(&'s Scene, Plan)> {
        match self {
            Self::Random(seed, branch) => Some(stage.random(*seed, *branch)),
            Self::Story(story, faults) => {
                let story = stage.story(*story)?;
                Some((stage.scene_of(story), Plan::steady(story.steps.clone(), faults.clone())))
            }
        }
    }
}

/// What was run, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Runs.
    pub schedules: u64,
    /// Effects.
    pub effects: u64,
    /// What went wrong on purpose, by kind.
    pub faults: BTreeMap<Verdict, u64>,
    /// What was looked at.
    pub checks: Checks,
    /// The runs in which something was found, and the first thing in each.
    pub found: Vec<(Schedule, Violation)>,
}

impl Tally {
    /// Adds what a run brought by itself: what it shares with the one from which it branches off is
    /// counted there.
    pub(super) fn add(&mut self, schedule: Schedule, outcome: &Outcome) {
        self.schedules += 1;
        self.effects += outcome.own;
        for verdict in outcome.faults.range(outcome.effects - outcome.own..).map(|it| it.1) {
            *self.faults.entry(*verdict).or_default() += 1;
        }
        self.checks.merge(&outcome.checks);
        if let Some(first) = outcome.violations.first() {
            self.found.push((schedule, first.clone()));
        }
    }

    /// Adds another.
    pub fn merge(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.effects += other.effects;
        for (verdict, times) in other.faults {
            *self.faults.entry(verdict).or_default() += times;
        }
        self.checks.merge(&other.checks);
        self.found.extend(other.found);
    }

    /// How much went wrong on purpose.
    pub fn faults_total(&self) -> u64 {
        self.faults.values().sum()
    }
}

/// The smallest plan that leads to the same violation: fewer steps, fewer faults, a plainer order.
pub fn shrink(scene: &Scene, plan: &Plan, of: &Violation) -> Plan {
    let shows = |plan: &Plan| {
        let outcome = scene.run(plan, Notes::None);
        outcome.violations.iter().any(|found| found.of == of.of)
    };
    let mut best = plan.clone();
    // What was drawn is named, so that it can be left out one by one.
    let outcome = scene.run(&best, Notes::None);
    let (steps, faults) = (outcome.steps, Faults::These(outcome.faults));
    let named = Plan { faults, ..best.clone() };
    let plain = Plan { steps, turns: Vec::new(), ..named.clone() };
    best = [plain, named].into_iter().find(&shows).unwrap_or(best);
    loop {
        let smaller = candidates(&best).into_iter().find(|plan| shows(plan));
        match smaller {
            Some(plan) => best = plan,
            None => return best,
        }
    }
}

fn candidates(plan: &Plan) -> Vec<Plan> {
    let mut all = Vec::new();
    if plan.to_the_end {
        all.push(Plan { to_the_end: false, ..plan.clone() });
    }
    if plan.order != Order::Steady {
        all.push(Plan { order: Order::Steady, ..plan.clone() });
    }
    for at in 0..plan.steps.len() {
        let mut steps = plan.steps.clone();
        steps.remove(at);
        all.push(Plan { steps, ..plan.clone() });
    }
    for (turn, at) in plan.turns.iter().enumerate().flat_map(|(turn, it)| {
        let steps = 0..it.steps.as_ref().map_or(0, Vec::len);
        steps.map(move |at| (turn, at))
    }) {
        let mut turns = plan.turns.clone();
        if let Some(steps) = turns.get_mut(turn).and_then(|turn| turn.steps.as_mut()) {
            steps.remove(at);
        }
        all.push(Plan { turns, ..plan.clone() });
    }
    if let Faults::These(faults) = &plan.faults {
        for at in faults.keys() {
            let mut fewer = faults.clone();
            fewer.remove(at);
            all.push(Plan { faults: Faults::These(fewer), ..plan.clone() });
        }
    }
    all
}

/// What was found, as a story that a person can read.
pub fn tell(stage: &Stage, schedule: &Schedule, bug: Option<Bug>, small: bool) -> String {
    let Some((scene, plan)) = schedule.plan(stage) else {
        return format!("there is no schedule {schedule}");
    };
    let mut plan = Plan { bug, ..plan };
    let mut outcome = scene.run(&plan, Notes::Timeline);
    if small && let Some(first) = outcome.violations.first().cloned() {
        plan = shrink(scene, &plan, &first);
        outcome = scene.run(&plan, Notes::Timeline);
    }
    let steps: Vec<_> = outcome.steps.iter().map(|step| format!("  {step:?}")).collect();
    let found: Vec<_> = outcome.violations.iter().map(|found| format!("  {found}")).collect();
    format!(
        "Schedule {schedule}\nOrder {:?}, faults {:?}\nSteps\n{}\nWhat happened\n{}\nViolations\n{}\n",
        plan.order,
        outcome.faults,
        steps.join("\n"),
        outcome.timeline.join("\n"),
        if found.is_empty() { "  none".to_owned() } else { found.join("\n") },
    )
}
