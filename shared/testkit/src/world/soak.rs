//! Many schedules on all the processors: singles first, then pairs, then random ones.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::bug::Bug;
use super::search::{Schedule, Tally, pair, recorded, run, singles};
use super::stories::Stage;

/// After so many schedules each, a thread says how far it is.
const WORD: u64 = 20_000;

/// Runs schedules on so many threads, each schedule on one of them; in any order, but the same ones.
fn spread(
    threads: usize,
    count: u64,
    each: &(impl Fn(u64, &mut Tally) + Sync),
    say: &(impl Fn(&str) + Sync),
) -> Tally {
    let next = AtomicU64::new(0);
    let all = Mutex::new(Tally::default());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut mine = Tally::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    each(number, &mut mine);
                    if number > 0 && number.is_multiple_of(WORD) {
                        say(&format!("{number} of {count} schedules"));
                    }
                }
                all.lock().unwrap_or_else(PoisonError::into_inner).merge(mine);
            });
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Every single fault in every story, then as many pairs as random runs until `schedules` were
/// run; seeds count from `seed`. `say` hears how far it is.
pub fn soak(stage: &Stage, schedules: u64, seed: u64, say: &(impl Fn(&str) + Sync)) -> Tally {
    let recorded = recorded(stage);
    let singles: Vec<_> = singles(&recorded).collect();
    say(&format!("{} single faults in {} stories", singles.len(), recorded.len()));
    let each = |number: u64, tally: &mut Tally| {
        let schedule = match usize::try_from(number).ok().and_then(|at| singles.get(at)) {
            Some(single) => single.clone(),
            None if number.is_multiple_of(3) => pair(&recorded, seed.wrapping_add(number)),
            None => Schedule::Random(seed.wrapping_add(number)),
        };
        run(stage, &schedule, None, tally);
    };
    let mut tally = spread(threads(), schedules, &each, say);
    tally.found.sort_by_key(|(schedule, _)| schedule.to_string());
    tally
}

/// How many runs it takes until a deliberate mistake is found, and what shows it; `None` when
/// `most` do not. First the single faults in a mixed order, and random runs between them.
pub fn hunt(stage: &Stage, bug: Bug, most: u64) -> Option<(u64, Tally)> {
    let recorded = recorded(stage);
    let mut singles: Vec<_> = singles(&recorded).collect();
    fastrand::Rng::with_seed(7).shuffle(&mut singles);
    let mut singles = singles.into_iter();
    let mut tally = Tally::default();
    for number in 0..most {
        let schedule = match number.is_multiple_of(2) {
            true => singles.next().unwrap_or(Schedule::Random(number)),
            false => Schedule::Random(number),
        };
        run(stage, &schedule, Some(bug), &mut tally);
        if !tally.found.is_empty() {
            return Some((number + 1, tally));
        }
    }
    None
}
