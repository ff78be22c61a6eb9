//! Many schedules that share what they have in common: each begins where another was at rest.
//!
//! Every schedule is a run of its own from the beginning to the last look. But where two go the same
//! way at first, that way is gone once: at a moment at which nobody is in the middle of anything the
//! world can be copied.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use fastrand::Rng;

use super::bug::Bug;
use super::hub::{Effect, Verdict};
use super::run::{Notes, Outcome, Plan, Run, Scene};
use super::search::Schedule;
use super::stories::Stage;

/// At most so many of a random run's forks are taken: a bit of a schedule's name each.
const FORKS: u32 = u32::BITS;

/// At most so many runs branch off from a random one. They do so at the latest forks first, where
/// they have the most in common.
const BRANCHES: u32 = 255;

/// How many first faults a bundle of pairs has, and how many second ones to each.
const FIRST: usize = 6;
const SECOND: usize = 8;

/// A bundle of schedules.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bundle {
    /// A story with every single fault.
    Singles(usize),
    /// A story, drawn from the seed, with two faults each time.
    Pairs(u64),
    /// A random run and what branches off from it.
    Tree(u64),
}

/// Who hears of each schedule, and may say that it is enough.
pub(super) type Each<'e> = &'e mut dyn FnMut(Schedule, Outcome) -> ControlFlow<()>;

impl Bundle {
    /// Runs its schedules.
    pub(super) fn run(self, stage: &Stage, bug: Option<Bug>, each: Each<'_>) -> ControlFlow<()> {
        match self {
            Self::Singles(story) => singles(stage, story, bug, each),
            Self::Pairs(seed) => pairs(stage, seed, bug, each),
            Self::Tree(seed) => {
                let (scene, plan) = stage.random(seed, 0);
                let run = scene.begin(&Plan { bug, ..plan }, Notes::None);
                let mut left = BRANCHES;
                grow(stage, seed, (run, 0, 0), &mut left, each)
            }
        }
    }
}

/// Goes on with a run, and with all that branches off.
fn grow(
    stage: &Stage,
    seed: u64,
    (mut run, from, branch): (Run, u32, u32),
    left: &mut u32,
    each: Each<'_>,
) -> ControlFlow<()> {
    for fork in from..FORKS {
        if *left == 0 || !run.reach_fork() {
            break;
        }
        *left -= 1;
        let branch = branch | 1 << fork;
        let mut other = run.fork();
        other.turn(&stage.turn(seed, fork, branch));
        other.goes_to_the_end(Stage::to_the_end(seed, branch));
        grow(stage, seed, (other, fork + 1, branch), left, each)?;
    }
    each(Schedule::Random(seed, branch), run.end())
}

/// A run, and the moments of it from which one can go on otherwise.
struct Trunk {
    moments: Vec<Run>,
    effects: Vec<Effect>,
}

impl Trunk {
    /// Goes on with a run to its end.
    fn of(mut run: Run) -> Self {
        let mut moments = vec![];
        while run.reach_quiet() {
            moments.push(run.fork());
        }
        Self { moments, effects: run.end().recorded }
    }

    /// A story as it goes without faults.
    fn of_story(scene: &Scene, plan: &Plan) -> Self {
        let run = scene.begin(plan, Notes::Effects);
        let first = run.fork();
        let mut trunk = Self::of(run);
        trunk.moments.insert(0, first);
        trunk
    }

    /// The last moment before an effect.
    fn before(&self, effect: u64) -> Option<&Run> {
        let later = self.moments.partition_point(|moment| moment.effects() <= effect);
        self.moments.get(..later)?.last()
    }

    /// Everything that can go wrong from an effect on.
    fn faults(&self, from: usize) -> impl Iterator<Item = (u64, Verdict)> {
        (0_u64..)
            .zip(&self.effects)
            .skip(from)
            .flat_map(|(at, effect)| effect.faults().iter().map(move |verdict| (at, *verdict)))
    }
}

fn singles(stage: &Stage, story: usize, bug: Option<Bug>, each: Each<'_>) -> ControlFlow<()> {
    let Some(told) = stage.story(story) else { return ControlFlow::Continue(()) };
    let plan = Plan { bug, ..Plan::steady(told.steps.clone(), BTreeMap::new()) };
    let trunk = Trunk::of_story(stage.scene_of(told), &plan);
    for (at, verdict) in trunk.faults(0) {
        let Some(mut run) = trunk.before(at).map(Run::fork) else { continue };
        let faults = BTreeMap::from([(at, verdict)]);
        run.go_wrong(faults.clone());
        each(Schedule::Story(story, faults), run.end())?;
    }
    ControlFlow::Continue(())
}

fn pairs(stage: &Stage, seed: u64, bug: Option<Bug>, each: Each<'_>) -> ControlFlow<()> {
    let mut rng = Rng::with_seed(seed);
    let story = rng.usize(..stage.stories.len().max(1));
    let Some(told) = stage.stories.get(story) else { return ControlFlow::Continue(()) };
    let plan = Plan { bug, ..Plan::steady(told.steps.clone(), BTreeMap::new()) };
    let trunk = Trunk::of_story(stage.scene_of(told), &plan);
    for (first, verdict) in rng.choose_multiple(trunk.faults(0), FIRST) {
        let Some(before) = trunk.before(first) else { continue };
        let mut run = before.fork();
        run.go_wrong(BTreeMap::from([(first, verdict)]));
        // The second is one of the effects that there are once the first has gone wrong.
        let wrong = Trunk::of(run);
        let from = usize::try_from(first).unwrap_or(usize::MAX).saturating_add(1);
        for second in rng.choose_multiple(wrong.faults(from), SECOND) {
            let after_first = wrong.before(second.0).filter(|moment| moment.effects() > first);
            let mut run = after_first.unwrap_or(before).fork();
            let faults = BTreeMap::from([(first, verdict), second]);
            run.go_wrong(faults.clone());
            each(Schedule::Story(story, faults), run.end())?;
        }
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs every schedule of a bundle once more from the beginning.
    fn runs_again(stage: &Stage, bundle: Bundle) -> usize {
        let mut count = 0;
        let done = bundle.run(stage, None, &mut |schedule, outcome| {
            let (scene, plan) = schedule.plan(stage).unwrap();
            let again = scene.run(&plan, Notes::None);
            assert_eq!(again.steps, outcome.steps, "{schedule}");
            assert_eq!(again.effects, outcome.effects, "{schedule}");
            assert_eq!(again.faults, outcome.faults, "{schedule}");
            assert_eq!(again.violations, outcome.violations, "{schedule}");
            count += 1;
            ControlFlow::Continue(())
        });
        assert!(done.is_continue());
        count
    }

    #[test]
    fn a_schedule_that_branches_off_is_the_run_that_its_name_tells() {
        let stage = Stage::new();
        for bundle in [Bundle::Singles(3), Bundle::Pairs(5), Bundle::Tree(2), Bundle::Tree(9)] {
            let count = runs_again(&stage, bundle);
            assert!(count > 1, "{bundle:?}: {count}");
        }
    }
}
