//! Many schedules on all the processors: the stories' singles first, then pairs, random ones, and the
//! singles of meetings.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::bug::Bug;
use super::forest::Bundle;
use super::search::Tally;
use super::stories::Stage;

/// After so many schedules somebody hears how far it is.
const WORD: u64 = 20_000;

/// One of so many bundles is a meeting. Measured: with one of three, deliberate mistakes are found a
/// third later than without any; what only meetings find, [`meetings`] finds for certain.
const MIX: u64 = 8;

/// The bundles of a search, by their number: first every story with every single fault, then pairs,
/// random ones and some meetings.
fn bundle(stage: &Stage, number: u64, seed: u64) -> Bundle {
    let stories = u64::try_from(stage.stories.len()).unwrap_or(u64::MAX);
    match usize::try_from(number) {
        Ok(story) if number < stories => Bundle::Singles(story),
        _ => {
            let seed = seed.wrapping_add(number);
            match number % MIX {
                0 => Bundle::Singles(stage.meeting(seed)),
                even if even.is_multiple_of(2) => Bundle::Pairs(seed),
                _ => Bundle::Tree(seed),
            }
        }
    }
}

/// Every single fault in every story, then pairs, random runs and some meetings until at least so many
/// `schedules` were run; seeds count from `seed`. `say` hears how far it is.
pub fn soak(stage: &Stage, schedules: u64, seed: u64, say: &(impl Fn(&str) + Sync)) -> Tally {
    let bundles = |number, done| (done < schedules).then(|| bundle(stage, number, seed));
    search(stage, &bundles, &|done| say(&format!("{done} of {schedules} schedules")))
}

/// Every single fault in every meeting.
pub fn meetings(stage: &Stage, say: &(impl Fn(&str) + Sync)) -> Tally {
    let bundles = |number: u64, _| {
        let story = usize::try_from(number).ok()?.saturating_add(stage.stories.len());
        stage.story(story).is_some().then_some(Bundle::Singles(story))
    };
    search(stage, &bundles, &|done| say(&format!("{done} schedules")))
}

/// Runs bundles on all the processors. `bundles` gives each by its number, and hears how many schedules
/// were run; `say` hears so, too.
fn search(
    stage: &Stage,
    bundles: &(impl Fn(u64, u64) -> Option<Bundle> + Sync),
    say: &(impl Fn(u64) + Sync),
) -> Tally {
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let all = Mutex::new(Tally::default());
    let work = || {
        let mut mine = Tally::default();
        let more = || bundles(next.fetch_add(1, Ordering::Relaxed), done.load(Ordering::Relaxed));
        while let Some(bundle) = more() {
            let _ = bundle.run(stage, None, &mut |schedule, outcome| {
                mine.add(schedule, &outcome);
                let number = done.fetch_add(1, Ordering::Relaxed) + 1;
                if number.is_multiple_of(WORD) {
                    say(number);
                }
                ControlFlow::Continue(())
            });
        }
        all.lock().unwrap_or_else(PoisonError::into_inner).merge(mine);
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(work);
        }
    });
    let mut tally = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.found.sort_by_key(|(schedule, _)| schedule.to_string());
    tally
}

/// How many runs it takes until a deliberate mistake is found, and what shows it; `None` when
/// `most` do not. The stories in a mixed order, and a random tree after each.
pub fn hunt(stage: &Stage, bug: Bug, most: u64) -> Option<(u64, Tally)> {
    let mut stories: Vec<_> = (0..stage.stories.len()).collect();
    fastrand::Rng::with_seed(7).shuffle(&mut stories);
    let mut stories = stories.into_iter();
    let mut tally = Tally::default();
    let mut seed = 0;
    while tally.schedules < most {
        let story = stories.next().map(Bundle::Singles);
        for bundle in story.into_iter().chain([Bundle::Tree(seed)]) {
            let found = bundle.run(stage, Some(bug), &mut |schedule, outcome| {
                tally.add(schedule, &outcome);
                if tally.found.is_empty() {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            if found.is_break() {
                return Some((tally.schedules, tally));
            }
        }
        seed += 1;
    }
    None
}
