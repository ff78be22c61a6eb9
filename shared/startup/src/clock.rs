//! The clock and the dice.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

/// Time, for those who have to wait in the middle of their work.
pub trait Clock: Send + Sync {
    /// What time it is.
    fn now(&self) -> Timestamp;

    /// Waits until then; returns at once when it has passed.
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()> + Send;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        let wait = Duration::try_from(at.duration_since(now())).unwrap_or(Duration::ZERO);
        tokio::time::sleep(wait).await;
    }
}

/// What time it is, to the microsecond: more would not survive every store.
#[expect(clippy::disallowed_methods, reason = "this is the edge that reads the clock")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// A fresh random id (UUID version 4).
#[expect(clippy::disallowed_methods, reason = "this is the edge that draws random numbers")]
pub fn fresh_id() -> Uuid {
    Uuid::new_v4()
}
