//! Telegram in memory: the port over the simulator's world, without HTTP in between.
//!
//! Calls take the simulator's own way: its argument checks, its flood limits, its words. What it
//! refuses is put into the Bot API's envelope and read by the real [`telegram::classify`].

mod calls;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ids::{ChatId, UserId};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use startup::Clock as _;
use telegram::{AllowedUpdate, CallError, classify};
use telegram_simulator::{ApiError, Args, ControlError, Settings, World};

use crate::VirtualClock;

/// The bot's token.
pub const TOKEN: &str = "100:test-token";
/// The bot's name.
pub const BOT_NAME: &str = "usher_bot";
/// The bot's own account.
pub const BOT: UserId = UserId::new(100);

/// How long Telegram takes for the pair of ban and unban (tdlib pauses for one second in it).
pub const KICK: SignedDuration = SignedDuration::from_millis(1_100);

/// What goes wrong on the way to or from Telegram. What Telegram itself says (429, 5xx, refusals)
/// is ordered of the simulator: see [`MemoryTelegram::control`] and its `faults`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireFault {
    /// No connection: surely not done.
    Unreachable,
    /// The answer does not come, and the call was not done.
    LostBefore,
    /// The call was done, and the answer does not come.
    LostAfter,
}

/// What is done at the moment of a call.
type Aside = Box<dyn FnOnce() + Send>;

/// When something is done beside a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Just before Telegram has the call.
    Before,
    /// When Telegram has done it, and the caller does not know yet.
    After,
}

#[derive(Default)]
struct Orders {
    wire: VecDeque<(&'static str, WireFault)>,
    asides: Vec<(&'static str, Moment, Aside)>,
    down: bool,
}

struct Inner {
    clock: VirtualClock,
    world: Mutex<World>,
    orders: Mutex<Orders>,
}

/// Telegram in memory. Copies lead to the same world.
#[derive(Clone)]
pub struct MemoryTelegram(Arc<Inner>);

impl std::fmt::Debug for MemoryTelegram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryTelegram(…)")
    }
}

impl MemoryTelegram {
    /// A world with nobody in it but the bot. `seed` decides what the world leaves to chance.
    ///
    /// # Panics
    /// Never: the token is a good one.
    pub fn new(clock: VirtualClock, seed: u64) -> Self {
        let kick_ms = i64::try_from(KICK.as_millis()).unwrap_or(i64::MAX);
        let mut world = World::new(Settings { seed, kick_ms, ..Settings::default() });
        let bot = world.add_bot(TOKEN, BOT_NAME, "Usher", true, false);
        assert_eq!(bot, Ok(BOT.get()));
        let inner = Inner { clock, world: Mutex::new(world), orders: Mutex::default() };
        let telegram = Self(Arc::new(inner));
        // From the first moment on, everything is heard that the webhook asks for.
        let wanted: Vec<_> = AllowedUpdate::ALL.iter().map(|kind| kind.name()).collect();
        let wanted = Map::from_iter([("allowed_updates".to_owned(), json!(wanted))]);
        let heard = telegram.ask("getUpdates", &wanted);
        assert_eq!(heard, Ok(json!([])));
        telegram
    }

    /// A world of its own, in which the same is so, on another clock. The calls so far are not
    /// remembered there.
    #[must_use]
    pub fn fork(&self, clock: VirtualClock) -> Self {
        let mut world = self.world().clone();
        world.forget_calls();
        let inner = Inner { clock, world: Mutex::new(world), orders: Mutex::default() };
        Self(Arc::new(inner))
    }

    /// Does what a person, an administrator or a test does in Telegram: the simulator's control
    /// interface, by the names and with the bodies of its README.
    ///
    /// # Errors
    /// What the simulator says.
    pub fn try_control(&self, what: &str, body: Value) -> Result<Value, ControlError> {
        let now = self.now_ms();
        self.world().control(now, what, body)
    }

    /// As [`try_control`](Self::try_control).
    ///
    /// # Panics
    /// When it cannot be done.
    pub fn control(&self, what: &str, body: Value) -> Value {
        let done = self.try_control(what, body);
        assert!(done.is_ok(), "{what}: {done:?}");
        done.unwrap_or_default()
    }

    /// Looks at the world.
    pub fn look<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        look(&self.world())
    }

    /// The updates since the last time, each as a webhook would get it.
    pub fn updates(&self) -> Vec<Value> {
        let now = self.now_ms();
        self.world().take_updates(now, BOT.get())
    }

    /// Breaks the way for the next call of this method.
    pub fn fail_next(&self, method: &'static str, fault: WireFault) {
        self.orders().wire.push_back((method, fault));
    }

    /// Takes Telegram down, or brings it back: while it is down, nothing can be connected to.
    pub fn set_down(&self, down: bool) {
        self.orders().down = down;
    }

    /// Does something once, at the moment of the next call of this method.
    pub fn beside(
        &self,
        method: &'static str,
        moment: Moment,
        aside: impl FnOnce() + Send + 'static,
    ) {
        self.orders().asides.push((method, moment, Box::new(aside)));
    }

    fn step_aside(&self, method: &str, moment: Moment) {
        let mut orders = self.orders();
        let at = orders.asides.iter().position(|(of, when, _)| *of == method && *when == moment);
        let aside = at.map(|at| orders.asides.remove(at));
        drop(orders);
        if let Some((_, _, aside)) = aside {
            aside();
        }
    }

    fn wire_fault(&self, method: &str) -> Option<WireFault> {
        let mut orders = self.orders();
        if orders.down {
            return Some(WireFault::Unreachable);
        }
        let at = orders.wire.iter().position(|(of, _)| *of == method)?;
        orders.wire.remove(at).map(|(_, fault)| fault)
    }

    /// One call, as it goes over the wire and as its answer is read.
    async fn call(&self, method: &'static str, args: Value) -> Result<Value, CallError> {
        let lost = || CallError::UnknownOutcome { description: "no answer came".to_owned() };
        self.step_aside(method, Moment::Before);
        let fault = self.wire_fault(method);
        match fault {
            Some(WireFault::Unreachable) => {
                return Err(CallError::Transient { description: "no connection".to_owned() });
            }
            Some(WireFault::LostBefore) => return Err(lost()),
            Some(WireFault::LostAfter) | None => {}
        }
        let answer = self.ask(method, &fields(args));
        if method == "unbanChatMember" && answer.is_ok() {
            let done = domain::time::after(self.0.clock.now(), KICK);
            self.0.clock.sleep_until(done).await;
        }
        self.step_aside(method, Moment::After);
        if fault == Some(WireFault::LostAfter) {
            return Err(lost());
        }
        answer.map_err(|refusal| refused(&refusal))
    }

    /// A call as it arrives at Telegram, without the way there and back. What it does may take
    /// longer: see [`KICK`].
    ///
    /// # Errors
    /// What Telegram refuses.
    pub fn ask(&self, method: &str, args: &Map<String, Value>) -> Result<Value, ApiError> {
        let now = self.now_ms();
        self.world().call(now, TOKEN, method, &Args::from_json(args))
    }

    fn now_ms(&self) -> i64 {
        self.0.clock.now().as_millisecond()
    }

    /// Never held across an await, nor while something is done aside.
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.0.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fields(args: Value) -> Map<String, Value> {
    match args {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// A refusal in the envelope of the Bot API, read as the real client reads it.
fn refused(refusal: &ApiError) -> CallError {
    let ApiError { code, description, parameters } = refusal;
    let mut envelope = json!({ "ok": false, "error_code": code, "description": description });
    if let (Some(parameters), Some(fields)) = (parameters, envelope.as_object_mut()) {
        fields.insert("parameters".to_owned(), parameters.clone());
    }
    classify(*code, envelope.to_string().as_bytes(), None)
}

/// In a private chat there is no group to lose.
fn in_chat(error: CallError, chat: ChatId) -> CallError {
    match error {
        CallError::BotRemoved if chat.get() > 0 => CallError::UserUnreachable,
        other => other,
    }
}
