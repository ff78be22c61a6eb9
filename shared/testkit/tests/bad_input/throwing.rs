//! Replays the corpus of a target, then its mutations.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use testkit::bad_input::{Place, Target, mutated};

/// How many changed inputs are thrown.
const CHANGED: usize = 5_000;

/// From which seed they are changed.
const SEED: u64 = 1;

/// How many inputs a house bears before a fresh one is made.
const PER_HOUSE: usize = 200;

thread_local! {
    // The sender catches panics of its tasks: they are counted where they begin.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_input/corpus")
}

/// The names of the corpora that are kept.
pub(crate) fn corpora() -> Vec<String> {
    let all = folder().read_dir().unwrap();
    all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Throws everything at a way in: it says what is wrong with its answer, or panics.
pub(crate) fn throw(name: &str) {
    let target = Target::named(name).unwrap();
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.with(|panics| panics.set(panics.get() + 1));
        usual(info);
    }));
    let folder = folder().join(name);
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let kept: Vec<_> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert!(!kept.is_empty(), "there is a corpus for {name}");
    let mut dice = fastrand::Rng::with_seed(SEED);
    let mut place = Place::new();
    for thrown in 0..kept.len() + CHANGED {
        if thrown % PER_HOUSE == PER_HOUSE - 1 {
            place = Place::new();
        }
        let input = match kept.get(thrown) {
            Some(input) => input.clone(),
            None => mutated(&kept[dice.usize(..kept.len())], &mut dice),
        };
        PANICS.with(|panics| panics.set(0));
        let outcome = catch_unwind(AssertUnwindSafe(|| target.throw(&place, &input)));
        let panicked = PANICS.with(Cell::get) > 0;
        let wrong = match outcome {
            Ok(Ok(())) if !panicked => continue,
            Ok(Err(wrong)) => wrong,
            Ok(Ok(())) | Err(_) => "a panic".to_owned(),
        };
        let file = folder.join(format!("found-{thrown}.json"));
        std::fs::write(&file, &input).unwrap();
        assert!(wrong.is_empty(), "{wrong}: the input is kept in {}", file.display());
    }
}
