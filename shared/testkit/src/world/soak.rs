//! Many schedules on all the processors: singles first, then pairs and random ones.

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

/// The bundles of a search, by their number: first every story with every single fault, then pairs
/// and random ones in turn.
fn bundle(stage: &Stage, number: u64, seed: u64) -> Bundle {
    let stories = u64::try_from(stage.stories.len()).unwrap_or(u64::MAX);
    match usize::try_from(number) {
        Ok(story) if number < stories => Bundle::Singles(story),
        _ if number.is_multiple_of(2) => Bundle::Pairs(seed.wrapping_add(number)),
        _ => Bundle::Tree(seed.wrapping_add(number)),
    }
}

/// Every single fault in every story, then pairs and random runs until at least so many `schedules`
/// were run; seeds count from `seed`. `say` hears how far it is.
pub fn soak(stage: &Stage, schedules: u64, seed: u64, say: &(impl Fn(&str) + Sync)) -> Tally {
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let all = Mutex::new(Tally::default());
    let work = || {
        let mut mine = Tally::default();
        while done.load(Ordering::Relaxed) < schedules {
            let bundle = bundle(stage, next.fetch_add(1, Ordering::Relaxed), seed);
            let _ = bundle.run(stage, None, &mut |schedule, outcome| {
                mine.add(schedule, &outcome);
                let number = done.fetch_add(1, Ordering::Relaxed) + 1;
                if number.is_multiple_of(WORD) {
                    say(&format!("{number} of {schedules} schedules"));
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
