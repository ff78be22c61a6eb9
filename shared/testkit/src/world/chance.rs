//! What is left to chance in a world: the order of things, and what goes wrong. Everything comes
//! from a seed, so that it can be had again.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::SignedDuration;

use super::hub::{Effect, Verdict};

/// In which order things happen that could happen at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The oldest first: one function after another, each story's step when all is quiet.
    Steady,
    /// Any, from this seed; some functions are slow.
    Any(u64),
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Faults {
    /// These effects, counted from the beginning.
    These(BTreeMap<u64, Verdict>),
    /// One effect of so many, from this seed.
    OneIn(u32, u64),
}

/// The dice of one run, and what they showed.
#[derive(Clone, Debug)]
pub(super) struct Chance {
    order: Option<Rng>,
    faults: Faults,
    dice: Rng,
    /// Every effect so far, where somebody wants to know.
    pub(super) effects: Option<Vec<Effect>>,
    /// How many effects there were.
    pub(super) count: u64,
    /// What went wrong.
    pub(super) applied: BTreeMap<u64, Verdict>,
}

impl Chance {
    pub(super) fn new(order: Order, faults: Faults, recorded: bool) -> Self {
        let seed = match faults {
            Faults::These(_) => 0,
            Faults::OneIn(_, seed) => seed,
        };
        Self {
            order: match order {
                Order::Steady => None,
                Order::Any(seed) => Some(Rng::with_seed(seed)),
            },
            faults,
            dice: Rng::with_seed(seed),
            effects: recorded.then(Vec::new),
            count: 0,
            applied: BTreeMap::new(),
        }
    }

    /// Throws other dice from here on.
    pub(super) fn turn(&mut self, seed: u64) {
        let mut from = Rng::with_seed(seed);
        if let Some(order) = &mut self.order {
            *order = from.fork();
        }
        self.dice = from.fork();
    }

    /// Lets these effects go wrong from here on.
    pub(super) fn plan(&mut self, faults: Faults) {
        self.faults = faults;
    }

    pub(super) fn is_steady(&self) -> bool {
        self.order.is_none()
    }

    /// One of so many.
    pub(super) fn choose(&mut self, of: usize) -> usize {
        self.order.as_mut().map_or(0, |order| order.usize(..of.max(1)))
    }

    /// Whether time goes by although there is something to do.
    pub(super) fn dawdles(&mut self) -> bool {
        self.order.as_mut().is_some_and(|order| order.u32(..60) == 0)
    }

    /// How long.
    pub(super) fn dawdling(&mut self) -> SignedDuration {
        let seconds = self.order.as_mut().map_or(1, |order| order.i64(1..=25));
        SignedDuration::from_secs(seconds)
    }

    /// How large a batch is.
    pub(super) fn batch(&mut self, most: usize) -> usize {
        self.order.as_mut().map_or(most, |order| order.usize(1..=most))
    }

    /// By how much a clock is wrong.
    pub(super) fn skew(&mut self, most: i64) -> SignedDuration {
        let seconds = self.order.as_mut().map_or(0, |order| order.i64(-most..=most));
        SignedDuration::from_secs(seconds)
    }

    /// What becomes of the next effect; nobody dies of it where they may not.
    pub(super) fn verdict(&mut self, effect: Effect, calm: bool, may_die: bool) -> Verdict {
        let number = self.count;
        self.count += 1;
        if let Some(effects) = &mut self.effects {
            effects.push(effect);
        }
        if calm {
            return Verdict::Done;
        }
        let verdict = match &self.faults {
            Faults::These(these) => {
                let given = these.get(&number).copied();
                given.filter(|given| effect.faults().contains(given)).unwrap_or(Verdict::Done)
            }
            Faults::OneIn(often, _) => match self.dice.u32(..(*often).max(1)) {
                0 => self.dice.choice(effect.faults()).copied().unwrap_or(Verdict::Done),
                _ => Verdict::Done,
            },
        };
        let dies = matches!(verdict, Verdict::DiesBefore | Verdict::DiesAfter);
        if dies && !may_die {
            return Verdict::Done;
        }
        if verdict != Verdict::Done {
            self.applied.insert(number, verdict);
        }
        verdict
    }
}
