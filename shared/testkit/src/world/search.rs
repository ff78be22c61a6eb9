//! The search: every single fault of every story, pairs of faults, and random runs; and the way
//! from something found to the smallest story that shows it.

use std::collections::BTreeMap;
use std::fmt;

use fastrand::Rng;

use super::bug::Bug;
use super::chance::{Faults, Order};
use super::hub::{Effect, Verdict};
use super::run::{Notes, Outcome, Plan, Scene};
use super::stories::Stage;
use super::watch::{Checks, Violation};

/// One run, by the name under which it can be had again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// A story, by its number, with these faults.
    Story(usize, BTreeMap<u64, Verdict>),
    /// A random one, by its seed.
    Random(u64),
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random(seed) => write!(f, "{seed}"),
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
            return text.parse().ok().map(Self::Random);
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
            Self::Random(seed) => Some(stage.random(*seed)),
            Self::Story(story, faults) => {
                let story = stage.stories.get(*story)?;
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
    fn add(&mut self, schedule: &Schedule, outcome: &Outcome) {
        self.schedules += 1;
        self.effects += outcome.effects;
        for verdict in outcome.faults.values() {
            *self.faults.entry(*verdict).or_default() += 1;
        }
        self.checks.merge(&outcome.checks);
        if let Some(first) = outcome.violations.first() {
            self.found.push((schedule.clone(), first.clone()));
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

/// Runs one schedule and counts it.
pub fn run(stage: &Stage, schedule: &Schedule, bug: Option<Bug>, tally: &mut Tally) {
    let Some((scene, plan)) = schedule.plan(stage) else { return };
    let outcome = scene.run(&Plan { bug, ..plan }, Notes::None);
    tally.add(schedule, &outcome);
}

/// The effects of every story, as it goes without faults.
pub fn recorded(stage: &Stage) -> Vec<Vec<Effect>> {
    let effects = stage.stories.iter().map(|story| {
        let plan = Plan::steady(story.steps.clone(), BTreeMap::new());
        stage.scene_of(story).run(&plan, Notes::Effects).recorded
    });
    effects.collect()
}

/// Every story with every single fault.
pub fn singles(recorded: &[Vec<Effect>]) -> impl Iterator<Item = Schedule> + '_ {
    recorded.iter().enumerate().flat_map(|(story, effects)| {
        effects.iter().zip(0_u64..).flat_map(move |(effect, at)| {
            let faults = effect.faults().iter();
            faults.map(move |verdict| Schedule::Story(story, BTreeMap::from([(at, *verdict)])))
        })
    })
}

/// Two faults in one story, from a seed.
pub fn pair(recorded: &[Vec<Effect>], seed: u64) -> Schedule {
    let mut rng = Rng::with_seed(seed);
    let story = rng.usize(..recorded.len().max(1));
    let effects = recorded.get(story).map(Vec::as_slice).unwrap_or_default();
    let faults = (0..2).filter_map(|_| {
        let at = rng.usize(..effects.len().max(1));
        let verdict = rng.choice(effects.get(at)?.faults())?;
        Some((u64::try_from(at).ok()?, *verdict))
    });
    Schedule::Story(story, faults.collect())
}

/// The smallest plan that leads to the same violation: fewer steps, fewer faults, a plainer order.
pub fn shrink(scene: &Scene, plan: &Plan, of: &Violation) -> Plan {
    let shows = |plan: &Plan| {
        let outcome = scene.run(plan, Notes::None);
        outcome.violations.iter().any(|found| found.of == of.of)
    };
    let mut best = plan.clone();
    if let Faults::OneIn(..) = best.faults {
        let faults = Faults::These(scene.run(&best, Notes::None).faults);
        let named = Plan { faults, ..best.clone() };
        if shows(&named) {
            best = named;
        }
    }
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
    let steps: Vec<_> = plan.steps.iter().map(|step| format!("  {step:?}")).collect();
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
