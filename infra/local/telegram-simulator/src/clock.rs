//! The time of a simulator: the machine's, or one that a test moves by hand.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// Where "now" comes from. Milliseconds since 1970 throughout.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    Real,
    /// Stands still until [`Clock::advance`] is called; everything that waits wakes then.
    Manual(Arc<watch::Sender<i64>>),
}

impl Clock {
    /// A clock that starts at `now_ms` and moves only by hand.
    #[must_use]
    pub fn manual(now_ms: i64) -> Self {
        Self::Manual(Arc::new(watch::Sender::new(now_ms)))
    }

    /// The time in milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        match self {
            Self::Real => real_now(),
            Self::Manual(time) => *time.borrow(),
        }
    }

    /// Moves a manual clock forward and wakes what waits. False for the real clock, which stays.
    pub fn advance(&self, ms: i64) -> bool {
        match self {
            Self::Real => false,
            Self::Manual(time) => {
                time.send_modify(|now| *now += ms.max(0));
                true
            }
        }
    }

    /// Returns once the clock shows `at_ms` or later.
    pub(crate) async fn sleep_until(&self, at_ms: i64) {
        match self {
            Self::Real => {
                let wait = u64::try_from(at_ms - real_now()).unwrap_or(0);
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
            Self::Manual(time) => {
                // The sender lives in `self`, so the wait cannot fail.
                let _ = time.subscribe().wait_for(|now| *now >= at_ms).await;
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the simulator reads the time")]
fn real_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
