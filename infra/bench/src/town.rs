//! A house with many services, each with its group, and many who have to go: made once, by the
//! functions themselves, and copied for each run.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use testkit::functions::{Functions, Settings, change};
use testkit::house::{HouseFunctions, Trader};
use testkit::{
    House, MemoryEvents, MemoryLimits, MemoryQueue, MemoryStore, MemoryTelegram, Shared,
    VirtualClock,
};

use crate::load::{Load, Temper};

/// A service and its group.
#[derive(Clone, Debug)]
pub struct Place {
    /// The service.
    pub service: String,
    /// The group.
    pub chat: i64,
}

/// Somebody who is to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaver {
    /// Out of this group.
    pub chat: i64,
    /// Their number.
    pub user: i64,
}

/// Everything as it is before a run.
#[derive(Debug)]
pub struct Town {
    settings: Arc<Settings>,
    /// When every run begins.
    pub begin: Timestamp,
    store: MemoryStore,
    queue: MemoryQueue,
    limits: MemoryLimits,
    telegram: MemoryTelegram,
    /// The groups.
    pub places: Vec<Place>,
    /// Who is to be removed, if anybody is.
    pub leavers: Vec<Leaver>,
}

/// Who trades in every service.
pub const TRADER: &str = "t1";

/// How long everybody has paid for.
const PAID: SignedDuration = SignedDuration::from_hours(24);

impl Town {
    /// A town with so many groups, out of the first of which so many people have to go, in turns.
    /// The sweep has found that their time is over, and the relay has put their removals into the
    /// queue.
    ///
    /// # Panics
    /// When the functions do not do what they should.
    #[must_use]
    pub fn new(groups: usize, left: usize, leavers: usize) -> Self {
        let house = House::new();
        house.telegram().control("flood", json!({ "mode": "off" }));
        let trader = house.trader(TRADER);
        let opened: Vec<_> = (0..groups).map(|number| open(&trader, number)).collect();
        let end = domain::time::after(house.now(), PAID);
        let leavers = (0..leavers)
            .filter_map(|number| opened.get(number % left.max(1)).map(|place| (number, place)))
            .map(|(number, place)| {
                let person = house.person("Leaver");
                let more = json!({ "telegram_user_id": person.id, "ends_at": end.to_string() });
                house.storefront().buys(&place.service, &format!("c-{number}"), &more).is(201);
                place.owner.does("add", json!({ "user": person.id, "chat_id": place.group }));
                Leaver { chat: place.group, user: person.id }
            })
            .collect();
        house.settle();
        house.waits(PAID);
        let begin = house.now();
        let functions = house.functions();
        functions.clock.run(functions.sweep());
        let changes = house.store().take_stream();
        for (number, part) in changes.chunks(100).enumerate() {
            let part = part.iter().zip(number * 100..);
            let part = part.map(|(record, number)| change(record.clone(), number.to_string()));
            let failed = functions.clock.run(functions.relay(part.collect()));
            assert_eq!(failed, None, "the relay works");
        }
        assert_eq!(house.now(), begin, "none of that took time");
        let places = opened
            .into_iter()
            .map(|place| Place { service: place.service, chat: place.group })
            .collect();
        Self {
            settings: Arc::clone(&functions.settings),
            begin,
            store: MemoryStore::clone(&functions.store),
            queue: functions.queue.clone(),
            limits: functions.limits.clone(),
            telegram: functions.telegram.clone(),
            places,
            leavers,
        }
    }

    /// A copy on a clock of its own, under this temper and with what the load blocks.
    ///
    /// # Panics
    /// When the simulator does not know the rules.
    #[must_use]
    pub fn telegram(&self, clock: &VirtualClock, temper: Temper, load: &Load) -> MemoryTelegram {
        let telegram = self.telegram.fork(clock.clone());
        telegram.control("flood", temper.rules());
        if let Some((group, methods)) = &load.blocked {
            let chat = self.places.get(*group).map(|place| place.chat);
            let block = json!({ "chat_id": chat, "methods": methods, "seconds": 3_600 });
            telegram.control("flood/block", block);
        }
        telegram
    }

    /// Copies of everything else. Without removals the queue is empty.
    #[must_use]
    pub fn functions(&self, clock: &VirtualClock, temper: Temper, load: &Load) -> HouseFunctions {
        let queue = match load.removals {
            true => self.queue.fork(clock.clone()),
            false => MemoryQueue::new(clock.clone()),
        };
        queue.were_delivered(load.deliveries);
        Functions {
            store: Shared(Arc::new(self.store.clone())),
            queue,
            limits: self.limits.fork(),
            events: MemoryEvents::default(),
            telegram: self.telegram(clock, temper, load),
            clock: clock.clone(),
            settings: Arc::clone(&self.settings),
        }
    }
}

fn open(trader: &Trader, number: usize) -> testkit::house::Place {
    let settings = json!({ "reminder_hours": [], "grace_hours": 0 });
    trader.opens_with(&format!("Service {number}"), &settings)
}
