//! The moves of one process.
//!
//! **Clocks that differ.** A turn is a moment, and each process waits for it by its own clock. Turns
//! lie so far apart that calls up to 110 ms off their turns still keep to Telegram's limit
//! ([`domain::pace`]). Beyond that, everybody follows the clock that is furthest ahead: each take
//! leaves its time in the table, and whoever finds a later one there than their own clock shows,
//! *after* the answer came, knows how much it lags at the least, and adds that from then on; who
//! lags by more than 50 ms is refused until then. So clocks may be wrong by any constant amount.
//! What stays possible: a process whose clock runs ahead by more than 110 ms joins while turns are
//! booked ahead, and its first calls come early by that much, once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::ids::ChatId;
use domain::pace::{BotPace, ChatBlock, ChatPace, Claim, Kind};
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use startup::Clock;
use store::StoreError;

use crate::port::{Limits, Moved};

/// How often a turn is tried for when other senders take theirs at the same moment.
const TRIES: usize = 12;

/// When to ask again after others were quicker each time.
const CROWDED: SignedDuration = SignedDuration::from_millis(120);

/// Whoever was beaten to a turn comes so much later to the next: the time that a write takes. Whoever
/// has turns by then has left word in the table, and a look costs a tenth of a write that is refused.
const COURTESY: SignedDuration = SignedDuration::from_millis(12);

/// What is known of the bot's block is believed for so long.
const BELIEVED: SignedDuration = SignedDuration::from_millis(500);

/// What a call is to Telegram's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A message into this chat: counts for the bot and for the chat.
    Message(ChatId),
    /// Anything else that is done about this chat: counts for the bot.
    About(ChatId),
}

impl Call {
    /// The chat.
    pub const fn chat(self) -> ChatId {
        match self {
            Self::Message(chat) | Self::About(chat) => chat,
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Message(_) => Kind::Message,
            Self::About(_) => Kind::Other,
        }
    }
}

/// A turn of the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When the call may be made, by the clock of who took it.
    pub at: Timestamp,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// How often the bot had been blocked by then.
    blocks: i64,
}

/// Turns, or when to ask again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pass {
    /// These, earliest first; at least one.
    Turns(Vec<Turn>),
    /// There is none within the look-ahead; there may be one at this time.
    NotBefore(Timestamp),
}

/// What was seen of a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// When the call may be made: now, or the first moment after.
    pub free_at: Timestamp,
    pace: ChatPace,
}

/// Takes turns for one process. It remembers what it saw last, so that most of its moves succeed at
/// the first try; what it remembers decides nothing.
#[derive(Debug)]
pub struct Limiter<L> {
    limits: L,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    pace: Option<BotPace>,
    seen_at: Option<Timestamp>,
    /// By how much our clock lags behind the others', at the least.
    lag_us: i64,
    /// Whether others were quicker at the last try.
    was_beaten: bool,
}

fn instant(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(if us < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

impl<L: Limits> Limiter<L> {
    /// A limiter over this table. One for each process, kept as long as it lives.
    pub fn new(limits: L) -> Self {
        Self { limits, known: Mutex::default() }
    }

    /// Takes turns of the bot: as many as are wanted, or fewer. One write, where nobody else is at
    /// it in the same moment.
    ///
    /// # Errors
    /// [`StoreError`]; without its limiter nobody calls Telegram.
    pub async fn take(
        &self,
        claim: Claim,
        wanted: usize,
        clock: &impl Clock,
    ) -> Result<Pass, StoreError> {
        let remembered = self.remembered();
        let mut known = match remembered {
            Some(known) => known,
            None => self.read(clock).await?,
        };
        for _ in 0..TRIES {
            let now = self.now(clock);
            let take = match known.plan(claim, wanted, now) {
                Ok(take) => take,
                Err(at) => return Ok(Pass::NotBefore(self.courteous(self.own(at)))),
            };
            match self.limits.take(&take).await? {
                Moved::Done(before) => {
                    self.learn(take.apply(before.as_ref()), before.as_ref(), clock);
                    self.known().was_beaten = false;
                    let taken_at = clock.now();
                    let turns = take.turns_on(before.as_ref());
                    let blocks = before.as_ref().map_or(0, |before| before.blocks);
                    let turn = |at| Turn { at: self.own(at), taken_at, blocks };
                    return Ok(Pass::Turns(turns.map(turn).collect()));
                }
                Moved::Refused(there) => {
                    self.learn(Some(there.clone().unwrap_or_default()), there.as_ref(), clock);
                    self.known().was_beaten = true;
                    known = there.unwrap_or_default();
                }
            }
        }
        Ok(Pass::NotBefore(after(clock.now(), CROWDED)))
    }

    /// Whether a turn still stands: a block that came after it was taken makes it void. Only of a
    /// turn that was waited for, something is read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stands(&self, turn: &Turn, clock: &impl Clock) -> Result<bool, StoreError> {
        let now = clock.now();
        if now > after(turn.taken_at, BELIEVED) {
            let seen_at = self.known().seen_at;
            if seen_at.is_none_or(|at| now > after(at, BELIEVED)) {
                self.read(clock).await?;
            }
        }
        let now_us = self.now(clock);
        let known = self.known();
        let pace = known.pace.as_ref();
        let (blocks, blocked_us) = pace.map_or((0, 0), |pace| (pace.blocks, pace.blocked_us));
        Ok(blocks == turn.blocks && blocked_us <= now_us)
    }

    /// Looks when a chat can take a call. A turn of the bot is what others wait for, so it is not
    /// taken for a chat that is full.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn look(&self, call: Call, clock: &impl Clock) -> Result<Looked, StoreError> {
        let pace = self.limits.chat(call.chat()).await?.unwrap_or_default();
        Ok(self.looked(call, pace, clock))
    }

    /// Takes a chat's turn for a message that goes out now, on what was seen of the chat.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_chat(
        &self,
        chat: ChatId,
        looked: Looked,
        clock: &impl Clock,
    ) -> Result<Result<(), Looked>, StoreError> {
        let mut pace = looked.pace;
        for _ in 0..TRIES {
            let Ok(take) = pace.plan(self.now(clock)) else { break };
            match self.limits.take_chat(chat, &take).await? {
                Moved::Done(_) => return Ok(Ok(())),
                Moved::Refused(there) => pace = there.unwrap_or_default(),
            }
        }
        Ok(Err(self.looked(Call::Message(chat), pace, clock)))
    }

    /// How many strikes there are against a message.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn strikes(&self, message: &str) -> Result<u32, StoreError> {
        self.limits.strikes(message).await
    }

    /// Counts one more strike against a message: a failure, or a try of which nobody knows yet how
    /// it ends. Answers with how many there are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn strike(&self, message: &str, clock: &impl Clock) -> Result<u32, StoreError> {
        self.limits.strike(message, clock.now().as_microsecond()).await
    }

    /// Forgets the strikes against a message: a try of it has ended well.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forgive(&self, message: &str, clock: &impl Clock) -> Result<(), StoreError> {
        self.limits.forgive(message, clock.now().as_microsecond()).await
    }

    /// Takes down that Telegram asked to wait.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn told_to_wait(
        &self,
        call: Call,
        seconds: u32,
        clock: &impl Clock,
    ) -> Result<(), StoreError> {
        let now = self.now(clock);
        let block = ChatBlock::new(call.kind(), seconds, now);
        self.limits.block_chat(call.chat(), block, now).await?;
        let mut known = self.read(clock).await?;
        for _ in 0..TRIES {
            let Some(note) = known.told(call.chat(), seconds, self.now(clock)) else { break };
            match self.limits.note(&note).await? {
                Moved::Done(before) => {
                    self.learn(note.apply(before.as_ref()), None, clock);
                    break;
                }
                Moved::Refused(there) => known = there.unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// What was seen last; `None` when it is to be read, because others move it.
    fn remembered(&self) -> Option<BotPace> {
        let known = self.known();
        known.pace.clone().filter(|_| !known.was_beaten)
    }

    /// When to come for a turn that there may be at this time.
    fn courteous(&self, at: Timestamp) -> Timestamp {
        if self.known().was_beaten { after(at, COURTESY) } else { at }
    }

    async fn read(&self, clock: &impl Clock) -> Result<BotPace, StoreError> {
        let read = self.limits.bot().await?.unwrap_or_default();
        self.learn(Some(read.clone()), Some(&read), clock);
        Ok(read)
    }

    fn looked(&self, call: Call, pace: ChatPace, clock: &impl Clock) -> Looked {
        let free_at = self.own(pace.free_at(call.kind(), self.now(clock)));
        Looked { free_at, pace }
    }

    /// Remembers what stands there now; what stood there before tells how the clocks differ.
    fn learn(&self, now: Option<BotPace>, before: Option<&BotPace>, clock: &impl Clock) {
        let own = clock.now();
        let mut known = self.known();
        if let Some(before) = before {
            let lag = before.clock_us.saturating_sub(own.as_microsecond());
            known.lag_us = known.lag_us.max(lag);
        }
        known.pace = now;
        known.seen_at = Some(own);
    }

    /// The time of all senders.
    fn now(&self, clock: &impl Clock) -> i64 {
        clock.now().as_microsecond().saturating_add(self.known().lag_us)
    }

    /// A moment of all senders on our own clock.
    fn own(&self, us: i64) -> Timestamp {
        instant(us.saturating_sub(self.known().lag_us))
    }

    /// Never held across an await.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
