//! A world that is begun with again, and one that goes on in two ways.

use super::*;
use crate::world::watch::Watch;

/// What a world is begun with again and again.
pub(in crate::world) struct Snapshot {
    now: Timestamp,
    store: MemoryStore,
    queue: MemoryQueue,
    limits: MemoryLimits,
    telegram: MemoryTelegram,
    settings: Arc<Settings>,
    watch: Watch,
    thrown: u64,
    swept: Timestamp,
}

impl Snapshot {
    /// An empty world at this time, on these tables.
    pub(in crate::world) fn empty(now: Timestamp, store: MemoryStore, settings: Settings) -> Self {
        let clock = VirtualClock::at(now);
        Self {
            now,
            store,
            queue: MemoryQueue::new(clock.clone()),
            limits: MemoryLimits::default(),
            telegram: MemoryTelegram::new(clock, 1),
            settings: Arc::new(settings),
            watch: Watch::default(),
            thrown: 0,
            swept: now,
        }
    }

    /// Telegram as it is there, for those who put people into it.
    pub(in crate::world) const fn telegram(&self) -> &MemoryTelegram {
        &self.telegram
    }
}

impl Machine {
    /// The world as it is, to be begun with again. Only of one that has come to rest.
    pub(in crate::world) fn snapshot(&self) -> Snapshot {
        let clock = VirtualClock::at(self.now());
        Snapshot {
            now: self.now(),
            store: MemoryStore::clone(&self.store),
            queue: self.queue.fork(clock.clone()),
            limits: self.limits.fork(),
            telegram: self.telegram.fork(clock),
            settings: Arc::clone(&self.settings),
            watch: self.hub.state().watch.fresh_start(),
            thrown: self.thrown,
            swept: self.swept,
        }
    }

    /// A world that begins where another came to rest.
    pub(in crate::world) fn from(
        snapshot: &Snapshot,
        chance: Chance,
        bug: Option<Bug>,
        told: bool,
    ) -> Self {
        let clock = VirtualClock::at(snapshot.now);
        Self {
            hub: Hub::new(bug, snapshot.watch.clone(), told),
            store: Shared(Arc::new(snapshot.store.clone())),
            queue: snapshot.queue.fork(clock.clone()),
            limits: snapshot.limits.fork(),
            events: MemoryEvents::default(),
            telegram: snapshot.telegram.fork(clock.clone()),
            settings: Arc::clone(&snapshot.settings),
            clock,
            chance,
            clients: Vec::new(),
            told: Vec::new(),
            calm: false,
            deaths: BTreeMap::new(),
            running: Vec::new(),
            last_process: 0,
            streams: Default::default(),
            updates: Vec::new(),
            delivering: Vec::new(),
            late: Vec::new(),
            held: Held::Nobody,
            news: true,
            swept: snapshot.swept,
            thrown: snapshot.thrown,
            steps: 0,
            options: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Whether nobody is in the middle of something: all that there is then is on record.
    pub(in crate::world) fn is_quiet(&self) -> bool {
        self.running.is_empty() && self.late.is_empty() && self.hub.is_quiet()
    }

    /// Another world in which everything is as it is here. Only of one that [is
    /// quiet](Self::is_quiet): what a function has in its head cannot be copied.
    pub(in crate::world) fn fork(&self) -> Self {
        let clock = VirtualClock::at(self.now());
        Self {
            hub: self.hub.fork(),
            store: Shared(Arc::new(MemoryStore::clone(&self.store))),
            queue: self.queue.fork(clock.clone()),
            limits: self.limits.fork(),
            events: self.events.fork(),
            telegram: self.telegram.fork(clock.clone()),
            settings: Arc::clone(&self.settings),
            clock,
            chance: self.chance.clone(),
            clients: self.clients.clone(),
            told: self.told.clone(),
            calm: self.calm,
            deaths: self.deaths.clone(),
            running: Vec::new(),
            last_process: self.last_process,
            streams: self.streams.clone(),
            updates: self.updates.clone(),
            delivering: self.delivering.clone(),
            late: Vec::new(),
            held: self.held,
            news: self.news,
            swept: self.swept,
            thrown: self.thrown,
            steps: self.steps,
            options: Vec::new(),
            waiting: Vec::new(),
        }
    }
}
