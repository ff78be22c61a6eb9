//! How often messages failed for good reason.
//!
//! SQS counts every delivery, also of a message that only waited for its turn. So its own limit is
//! high, and this counts what is a mistake of ours and does not pass by itself. It is counted in the
//! process: there are at most a dozen, so a message that cannot be carried out ends soon.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// So often a message fails in one process before it is given up.
const MOST: u32 = 5;

/// So many messages are remembered; a process does not see more that fail at the same time.
const REMEMBERED: usize = 1_000;

/// How often each message failed in this process.
#[derive(Debug, Default)]
pub struct Failures(Mutex<BTreeMap<String, u32>>);

impl Failures {
    /// Counts a failure. True, when it was one too many.
    pub(crate) fn is_too_many(&self, message: &str) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= REMEMBERED {
            counts.clear();
        }
        let count = counts.entry(message.to_owned()).or_default();
        *count = count.saturating_add(1);
        *count >= MOST
    }

    /// The message is done with, or has failed for another reason.
    pub(crate) fn forget(&self, message: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(message);
    }
}
