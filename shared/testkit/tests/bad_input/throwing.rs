//! Replays the corpus of a target, then its mutations.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::mutation::mutated;
use crate::targets::Place;

/// How many mutations a test without a time of its own throws.
const SHORT_RUN: usize = 1500;

/// How many inputs a house bears before a fresh one is made.
const PER_HOUSE: usize = 200;

thread_local! {
    // The sender catches panics of its tasks: they are counted where they begin.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// Throws everything at a target: it says what is wrong with its answer, or panics.
#[expect(
    clippy::disallowed_methods,
    reason = "how long, and from which seed, is said from outside"
)]
pub(crate) fn throw(name: &str, target: fn(&Place, &[u8]) -> Result<(), String>) {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.with(|panics| panics.set(panics.get() + 1));
        usual(info);
    }));
    let seconds = std::env::var("BAD_INPUT_SECONDS").ok().map(|text| text.parse::<u64>().unwrap());
    let begin = Instant::now();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_input/corpus").join(name);
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let kept: Vec<_> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert!(!kept.is_empty(), "there is a corpus for {name}");
    let seed = seconds.map_or(1, |_| u64::from(std::process::id()) << 20);
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut place = Place::new();
    let mut thrown = 0;
    let more = |thrown: usize| match seconds {
        None => thrown < kept.len() + SHORT_RUN,
        Some(seconds) => thrown < kept.len() || begin.elapsed() < Duration::from_secs(seconds),
    };
    while more(thrown) {
        if thrown % PER_HOUSE == PER_HOUSE - 1 {
            place = Place::new();
        }
        let input = match kept.get(thrown) {
            Some(input) => input.clone(),
            None => mutated(&kept[dice.usize(..kept.len())], &mut dice),
        };
        PANICS.with(|panics| panics.set(0));
        let filled = place.filled(&input);
        let outcome = catch_unwind(AssertUnwindSafe(|| target(&place, &filled)));
        let panicked = PANICS.with(Cell::get) > 0;
        let wrong = match outcome {
            Ok(Ok(())) if !panicked => None,
            Ok(Err(wrong)) => Some(wrong),
            Ok(Ok(())) | Err(_) => Some("a panic".to_owned()),
        };
        if let Some(wrong) = wrong {
            let file = folder.join(format!("found-{seed}-{thrown}.json"));
            std::fs::write(&file, &input).unwrap();
            assert!(wrong.is_empty(), "{wrong}: the input is kept in {}", file.display());
        }
        thrown += 1;
    }
    println!("{name}: {} kept and {} random inputs, seed {seed}", kept.len(), thrown - kept.len());
}
