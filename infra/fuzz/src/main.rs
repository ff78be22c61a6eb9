//! Throws bad input at one way in, over and over, and keeps what reaches code that nothing reached
//! before. Run by `run`, which names the way in.
//!
//! libFuzzer needs to see which branches are taken: `covered` compiles the packages of this workspace
//! so, and leaves all others as they are. Half of the changes are made in the input's JSON, half in
//! its bytes.
#![no_main]

use std::cell::RefCell;
use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use testkit::bad_input::{Place, TARGETS, Target, mutated};

/// How many inputs a house bears before a fresh one is made. Few: what is found must be found again
/// by its input alone.
const PER_HOUSE: usize = 50;

#[expect(clippy::disallowed_methods, clippy::expect_used, reason = "the way in is named outside")]
static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let names = TARGETS.map(|target| target.name).join(", ");
    Target::named(&name).expect(&format!("FUZZ_TARGET is one of {names}"))
});

thread_local! {
    static PLACE: RefCell<(Option<Place>, usize)> = const { RefCell::new((None, 0)) };
}

fuzz_target!(|input: &[u8]| {
    PLACE.with_borrow_mut(|(place, used)| {
        if *used % PER_HOUSE == 0 {
            *place = None;
        }
        *used += 1;
        let outcome = TARGET.throw(place.get_or_insert_default(), input);
        assert!(outcome.is_ok(), "{outcome:?}");
    });
});

fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    let mut dice = fastrand::Rng::with_seed(u64::from(seed));
    if dice.bool() {
        let changed = mutated(data.get(..size).unwrap_or_default(), &mut dice);
        if let Some(place) = data.get_mut(..changed.len()).filter(|_| changed.len() <= most) {
            place.copy_from_slice(&changed);
            return changed.len();
        }
    }
    fuzzer_mutate(data, size, most)
});
