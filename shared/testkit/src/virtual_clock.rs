//! Time that moves only when told to, and an executor that moves it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use jiff::Timestamp;
use startup::Clock;

/// A clock that stands still until somebody moves it. Copies show the same time.
#[derive(Clone, Debug)]
pub struct VirtualClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Timestamp,
    /// By the time at which each wants to wake; the number tells equals apart, in their order.
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
    last: u64,
}

impl VirtualClock {
    /// A clock that shows this time.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(State { now, sleepers: BTreeMap::new(), last: 0 })))
    }

    /// Moves the clock forward to this time and wakes whoever wanted to wake by then. A time that
    /// has passed changes nothing.
    pub fn move_to(&self, at: Timestamp) {
        let woken = {
            let mut state = self.state();
            state.now = state.now.max(at);
            let now = state.now;
            let later = state.sleepers.split_off(&(now, u64::MAX));
            std::mem::replace(&mut state.sleepers, later)
        };
        woken.into_values().for_each(Waker::wake);
    }

    /// When the first of those who sleep wants to wake.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.state().sleepers.keys().next().map(|(at, _)| *at)
    }

    /// Runs a future to its end on this thread. When all that it waits for is time, the clock jumps
    /// to the first moment at which something goes on.
    ///
    /// # Panics
    /// When the future waits for something that is not this clock: it would wait for ever.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            if woken.0.swap(false, Ordering::Relaxed) {
                continue;
            }
            let next = self.next_wake();
            assert!(next.is_some(), "the future waits for something that never comes");
            self.move_to(next.unwrap_or(Timestamp::MAX));
        }
    }

    /// Never held across an await or a wake.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether something can go on without the clock.
#[derive(Debug, Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Somebody who sleeps. Dropped before the time, they no longer hold the clock up.
struct Sleep<'c> {
    clock: &'c VirtualClock,
    at: Timestamp,
    place: Option<(Timestamp, u64)>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state();
        if state.now >= self.at {
            return Poll::Ready(());
        }
        let place = self.place.unwrap_or_else(|| {
            state.last += 1;
            (self.at, state.last)
        });
        state.sleepers.insert(place, context.waker().clone());
        drop(state);
        self.place = Some(place);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.clock.state().sleepers.remove(&place);
        }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    async fn sleep_until(&self, at: Timestamp) {
        Sleep { clock: self, at, place: None }.await;
    }
}

#[cfg(test)]
mod tests {
    use futures::future::{join3, select};
    use jiff::SignedDuration;

    use super::*;

    fn second(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn those_who_sleep_wake_in_the_order_of_their_times() {
        let clock = VirtualClock::at(second(0));
        let log = Mutex::new(Vec::new());
        let (clock, woke) = (&clock, &log);
        let sleep = |until| async move {
            clock.sleep_until(second(until)).await;
            woke.lock().unwrap().push((until, clock.now()));
        };
        clock.run(join3(sleep(9), sleep(3), sleep(5)));
        let woke = log.into_inner().unwrap();
        assert_eq!(woke, [3, 5, 9].map(|until| (until, second(until))));
        assert_eq!(clock.next_wake(), None);
    }

    #[test]
    fn the_clock_does_not_go_back() {
        let clock = VirtualClock::at(second(9));
        clock.move_to(second(3));
        clock.run(clock.sleep_until(second(2)));
        assert_eq!(clock.now(), second(9));
    }

    #[test]
    fn who_gave_up_sleeping_does_not_move_the_clock() {
        let clock = VirtualClock::at(second(0));
        clock.run(async {
            let (long, short) = (clock.sleep_until(second(9)), clock.sleep_until(second(3)));
            select(pin!(long), pin!(short)).await;
        });
        assert_eq!((clock.now(), clock.next_wake()), (second(3), None));
    }

    #[test]
    #[should_panic(expected = "never comes")]
    fn who_waits_for_nothing_is_found() {
        VirtualClock::at(second(0)).run(std::future::pending::<()>());
    }
}
