//! The clock and the dice.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

/// Time, for those who have to wait in the middle of their work.
pub trait Clock: Send + Sync {
    /// What time it is.
    fn now(&self) -> Timestamp;

    /// Waits until then; returns at once when it has passed.
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()> + Send;

    /// Does the work, but not beyond this time. `None`: it was broken off wherever it was, as if
    /// the process had ended there.
    fn in_time<F: Future + Send>(
        &self,
        until: Timestamp,
        work: F,
    ) -> impl Future<Output = Option<F::Output>> + Send {
        async move {
            let (mut work, mut end) = (pin!(work), pin!(self.sleep_until(until)));
            poll_fn(|context| match work.as_mut().poll(context) {
                Poll::Ready(done) => Poll::Ready(Some(done)),
                Poll::Pending => end.as_mut().poll(context).map(|()| None),
            })
            .await
        }
    }
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

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn work_is_done_or_broken_off() {
        assert_eq!(SystemClock.in_time(Timestamp::MAX, ready(1)).await, Some(1));
        assert_eq!(SystemClock.in_time(Timestamp::MIN, ready(1)).await, Some(1));
        assert_eq!(SystemClock.in_time(Timestamp::MIN, pending::<u8>()).await, None);
    }
}
