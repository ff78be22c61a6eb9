//! The whole of Usher in one process: the real handlers on the ports in memory, on virtual time,
//! with people who play with it. A test on it reads as a story.
//!
//! Nothing happens by itself: [`House::settle`] carries streams, queues and updates until nothing is
//! left to do now, [`House::passes`] lets time go by, [`House::sweep`] runs the sweep.

mod people;
mod run;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::relay::AuditRecord;
use domain::token::{BotName, LinkKey};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use startup::Clock as _;
use uuid::Uuid;

pub use people::{Person, Place, Storefront, Trader};

use crate::functions::{Answer, Functions, Request, Settings};
use crate::memory_telegram::{BOT, BOT_NAME, MemoryTelegram, Moment};
use crate::{
    MemoryEvents, MemoryLimits, MemoryQueue, MemoryStore, Shared, TakingTurns, VirtualClock,
};
use run::Belt;
pub(crate) use run::queue_of;

/// The functions on the ports in memory.
pub type HouseFunctions = Functions<
    Shared<MemoryStore>,
    MemoryQueue,
    MemoryLimits,
    MemoryEvents,
    MemoryTelegram,
    VirtualClock,
>;

/// When every story begins.
pub const BEGIN: Timestamp = Timestamp::constant(1_767_258_000, 0);

/// The secret in the webhook's header.
pub const WEBHOOK_SECRET: &str = "webhook-secret-of-the-house";

/// The name space of the fresh ids, which are numbers in disguise.
const DICE: Uuid = Uuid::from_u128(0x51d0_5e2a_7d7c_4b7e_8f0a_3f7a_90be_1c55);

/// Usher in one process. Copies lead to the same house.
#[derive(Clone, Debug)]
pub struct House(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    functions: HouseFunctions,
    thrown: Mutex<u64>,
    answers: Mutex<Vec<Answer>>,
    belt: Mutex<Belt>,
}

impl Default for House {
    fn default() -> Self {
        Self::new()
    }
}

impl House {
    /// An empty house.
    ///
    /// # Panics
    /// Never: its settings are good ones.
    pub fn new() -> Self {
        let clock = VirtualClock::at(BEGIN);
        let (name, key) =
            (BotName::parse(BOT_NAME), LinkKey::new("the link key of every house test"));
        let (Ok(bot_name), Ok(link_key)) = (name, key) else { unreachable!("they are good ones") };
        let functions = Functions {
            store: Shared::default(),
            queue: MemoryQueue::new(clock.clone()),
            limits: MemoryLimits::default(),
            events: MemoryEvents::default(),
            telegram: MemoryTelegram::new(clock.clone(), 1),
            clock,
            settings: Arc::new(Settings {
                bot_name,
                bot: BOT,
                link_key,
                webhook_secret: WEBHOOK_SECRET.to_owned(),
            }),
        };
        Self(Arc::new(Inner {
            functions,
            thrown: Mutex::default(),
            answers: Mutex::default(),
            belt: Mutex::default(),
        }))
    }

    /// The functions.
    pub fn functions(&self) -> &HouseFunctions {
        &self.0.functions
    }

    /// The tables.
    pub fn store(&self) -> &MemoryStore {
        &self.functions().store
    }

    /// The queues.
    pub fn queue(&self) -> &MemoryQueue {
        &self.functions().queue
    }

    /// The limiter's table.
    pub fn limits(&self) -> &MemoryLimits {
        &self.functions().limits
    }

    /// The bus.
    pub fn events(&self) -> &MemoryEvents {
        &self.functions().events
    }

    /// Telegram.
    pub fn telegram(&self) -> &MemoryTelegram {
        &self.functions().telegram
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.functions().clock.now()
    }

    /// A trader, as their token names them.
    pub fn trader(&self, name: &str) -> Trader {
        Trader { house: self.clone(), name: name.to_owned() }
    }

    /// The storefront's back end.
    pub fn storefront(&self) -> Storefront {
        Storefront { house: self.clone() }
    }

    /// A new person in Telegram.
    pub fn person(&self, name: &str) -> Person {
        Person::new(self, json!({ "first_name": name }))
    }

    /// A new person whose client has this language.
    pub fn person_who_speaks(&self, name: &str, language: &str) -> Person {
        Person::new(self, json!({ "first_name": name, "language_code": language }))
    }

    /// A link for spare groups, as an operator gets it.
    pub fn pool_link(&self) -> String {
        let settings = &self.functions().settings;
        let link = create_pool_link::pool_link(&settings.bot_name, &settings.link_key, self.now());
        text(&link, "/setup_link")
    }

    /// Sends a request to its function.
    pub fn call(&self, request: Request) -> Answer {
        let request = self.with_fresh_id(request);
        let answer = self.functions().clock.run(self.functions().http(request));
        self.answered(std::slice::from_ref(&answer));
        answer
    }

    /// Sends requests at the same moment: each goes on by one step at the tables, in turns.
    pub fn at_once(&self, requests: Vec<Request>) -> Vec<Answer> {
        let HouseFunctions { store, queue, limits, events, telegram, clock, settings } =
            self.functions().clone();
        let store = TakingTurns(store);
        let functions = Functions { store, queue, limits, events, telegram, clock, settings };
        let requests = requests.into_iter().map(|request| self.with_fresh_id(request));
        let answers = functions.clock.run(join_all(requests.map(|it| functions.http(it))));
        self.answered(&answers);
        answers
    }

    /// Every answer that a caller got so far, for those who look for what must not be in them.
    pub fn answers(&self) -> Vec<Answer> {
        self.0.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answered(&self, answers: &[Answer]) {
        let mut all = self.0.answers.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(answers);
    }

    fn with_fresh_id(&self, request: Request) -> Request {
        let mut thrown = self.0.thrown.lock().unwrap_or_else(PoisonError::into_inner);
        *thrown += 1;
        Request { fresh: Uuid::new_v5(&DICE, &thrown.to_be_bytes()), ..request }
    }

    /// Does something once, at the moment of the next call of this method of the Bot API.
    pub fn beside(
        &self,
        method: &'static str,
        moment: Moment,
        aside: impl FnOnce(&Self) + Send + 'static,
    ) {
        let house = self.clone();
        self.telegram().beside(method, moment, move || aside(&house));
    }

    /// The audit trail of a service (or of the `pool`), oldest first.
    pub fn audit(&self, service: &str) -> Vec<AuditRecord> {
        let mut trail = self.store().trail();
        trail.retain(|record| record.service_id == service);
        trail
    }

    /// The actions of one item's audit trail, oldest first.
    pub fn steps(&self, service: &str, item: &str) -> Vec<String> {
        let trail = self.audit(service).into_iter();
        trail.filter(|record| record.item == item).map(|record| record.action).collect()
    }

    /// Everybody who is in a group, by name, sorted.
    pub fn members(&self, group: i64) -> Vec<String> {
        let shown = self.group(group);
        let members = shown["members"].as_array().cloned().unwrap_or_default();
        let inside = members.iter().filter(|member| member["is_member"] == Value::Bool(true));
        let mut names: Vec<_> = inside.map(|member| text(member, "/name")).collect();
        names.sort();
        names
    }

    /// A group as the simulator shows it.
    ///
    /// # Panics
    /// When there is no such group.
    pub fn group(&self, group: i64) -> Value {
        let shown = self.telegram().look(|world| world.group(group));
        assert!(shown.is_ok(), "{shown:?}");
        shown.unwrap_or_default()
    }

    /// What was written into a group by the bot, oldest first.
    pub fn posts(&self, group: i64) -> Vec<Value> {
        let shown = self.group(group);
        let messages = shown["messages"].as_array().cloned().unwrap_or_default();
        messages
            .into_iter()
            .filter(|it| it["from"] == BOT.get() && it.get("service").is_none())
            .collect()
    }

    /// The calls of one method of the Bot API, oldest first.
    pub fn calls(&self, method: &str) -> Vec<Value> {
        let calls = self.telegram().look(telegram_simulator::World::calls);
        let calls = calls.as_array().cloned().unwrap_or_default();
        calls.into_iter().filter(|call| call["method"] == method).collect()
    }

    fn belt(&self) -> MutexGuard<'_, Belt> {
        self.0.belt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hours.
pub const fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// Minutes.
pub const fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// A text in a JSON value, by its pointer.
///
/// # Panics
/// When there is none.
pub fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    assert!(found.is_some(), "no text at {pointer} in {value}");
    found.unwrap_or_default().to_owned()
}
