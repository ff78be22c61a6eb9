//! The event bus in memory: a list of what was published.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::relay::Event;
use events::{EventError, Events};

/// The event bus in memory. Copies lead to the same bus.
#[derive(Clone, Debug, Default)]
pub struct MemoryEvents(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    published: Vec<Arc<Event>>,
    refusals: u32,
}

impl MemoryEvents {
    /// A bus of its own, on which the same was published.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state().clone())))
    }

    /// Lets the next call fail; nothing of it is published.
    pub fn fail_next(&self) {
        self.state().refusals += 1;
    }

    /// Everything that was published, repetitions included, in its order.
    pub fn published(&self) -> Vec<Arc<Event>> {
        self.state().published.clone()
    }

    /// Everything that was published, as a listener sees it who knows events by their keys.
    pub fn heard(&self) -> Vec<Arc<Event>> {
        let mut keys = BTreeSet::new();
        let mut events = self.published();
        events.retain(|event| keys.insert((event.key.clone(), event.name.clone())));
        events
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Events for MemoryEvents {
    async fn publish(&self, events: &[Event]) -> Result<(), EventError> {
        let mut state = self.state();
        if let Some(left) = state.refusals.checked_sub(1) {
            state.refusals = left;
            return Err(EventError::Unavailable("a fault of the test".to_owned()));
        }
        state.published.extend(events.iter().cloned().map(Arc::new));
        Ok(())
    }
}
