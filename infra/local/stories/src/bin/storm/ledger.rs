//! What the players did and saw, in its order.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// The time by the one clock of this machine, which functions and simulator share.
#[expect(clippy::disallowed_methods, reason = "people do things at some time")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// One thing that somebody did or saw.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    /// To whom or what it belongs, such as a customer.
    pub(crate) about: String,
    pub(crate) says: String,
}

/// What the players did and saw.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    lines: Mutex<Vec<Line>>,
    odd: Mutex<Vec<(String, String)>>,
    requests: AtomicU64,
    repeated: AtomicU64,
}

impl Ledger {
    /// Something was done or seen.
    pub(crate) fn tell(&self, about: &str, says: impl Into<String>) {
        let line = Line { at: now(), about: about.to_owned(), says: says.into() };
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// Something was seen that must not be.
    pub(crate) fn odd(&self, about: &str, says: impl Into<String>) {
        let says = says.into();
        self.tell(about, format!("must not be: {says}"));
        self.odd.lock().unwrap_or_else(PoisonError::into_inner).push((about.to_owned(), says));
    }

    /// A request went out; `again` when it is the same as before.
    pub(crate) fn request(&self, again: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if again {
            self.repeated.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many requests went out, and how many of them were repetitions.
    pub(crate) fn requests(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.repeated.load(Ordering::Relaxed))
    }

    /// Everything that must not be, with whom it is about.
    pub(crate) fn oddities(&self) -> Vec<(String, String)> {
        self.odd.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lines about one of these.
    pub(crate) fn about(&self, subjects: &[String]) -> Vec<Line> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| subjects.contains(&line.about)).cloned().collect()
    }
}
