//! The limiter's table in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ids::ChatId;
use domain::pace::{BotPace, ChatBlock, ChatPace, ChatTake, Note, Take};
use limiter::{Limits, Moved};
use store::StoreError;

/// The limiter's table in memory: each move does what its `apply` says. Copies lead to the same
/// table.
#[derive(Clone, Debug, Default)]
pub struct MemoryLimits(Arc<Mutex<State>>);

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitsFault {
    /// A strike is counted, but the answer is lost.
    StrikeAnswerLost,
    /// Strikes are not forgotten.
    NotForgiven,
}

#[derive(Clone, Debug, Default)]
struct State {
    bot: Option<BotPace>,
    chats: BTreeMap<i64, ChatPace>,
    strikes: BTreeMap<String, u32>,
    writes: usize,
    faults: VecDeque<LimitsFault>,
}

/// Keeps what a move leads to; answers with what stood there before.
fn keep<T: Clone>(there: &mut Option<T>, next: Option<T>) -> Moved<T> {
    let before = there.clone();
    match next {
        Some(next) => {
            *there = Some(next);
            Moved::Done(before)
        }
        None => Moved::Refused(before),
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("a fault of the test".to_owned())
}

impl MemoryLimits {
    /// A table of its own, with the same in it.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state().clone())))
    }

    /// Lets the next calls go wrong: each fault is used once, by the first call of its kind that comes.
    pub fn fail_next(&self, fault: LimitsFault) {
        self.state().faults.push_back(fault);
    }

    /// How many moves were tried so far: DynamoDB asks the price of a write for those that it
    /// refuses, too.
    pub fn writes(&self) -> usize {
        self.state().writes
    }

    /// Never held across an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.writes += 1;
        state
    }
}

impl State {
    fn fails(&mut self, fault: LimitsFault) -> bool {
        let at = self.faults.iter().position(|it| *it == fault);
        at.and_then(|at| self.faults.remove(at)).is_some()
    }

    fn move_chat(
        &mut self,
        chat: ChatId,
        apply: impl FnOnce(Option<&ChatPace>) -> Option<ChatPace>,
    ) -> Moved<ChatPace> {
        let mut there = self.chats.remove(&chat.get());
        let next = apply(there.as_ref());
        let moved = keep(&mut there, next);
        self.chats.extend(there.map(|there| (chat.get(), there)));
        moved
    }
}

impl Limits for MemoryLimits {
    async fn bot(&self) -> Result<Option<BotPace>, StoreError> {
        Ok(self.state().bot.clone())
    }

    async fn take(&self, take: &Take) -> Result<Moved<BotPace>, StoreError> {
        let bot = &mut self.writing().bot;
        let next = take.apply(bot.as_ref());
        Ok(keep(bot, next))
    }

    async fn note(&self, note: &Note) -> Result<Moved<BotPace>, StoreError> {
        let bot = &mut self.writing().bot;
        let next = note.apply(bot.as_ref());
        Ok(keep(bot, next))
    }

    async fn chat(&self, chat: ChatId) -> Result<Option<ChatPace>, StoreError> {
        Ok(self.state().chats.get(&chat.get()).cloned())
    }

    async fn take_chat(
        &self,
        chat: ChatId,
        take: &ChatTake,
    ) -> Result<Moved<ChatPace>, StoreError> {
        Ok(self.writing().move_chat(chat, |there| take.apply(there)))
    }

    async fn block_chat(&self, chat: ChatId, block: ChatBlock, _: i64) -> Result<(), StoreError> {
        self.writing().move_chat(chat, |there| block.apply(there));
        Ok(())
    }

    async fn strikes(&self, message: &str) -> Result<u32, StoreError> {
        Ok(self.state().strikes.get(message).copied().unwrap_or_default())
    }

    async fn strike(&self, message: &str, _: i64) -> Result<u32, StoreError> {
        let mut state = self.writing();
        let strikes = state.strikes.entry(message.to_owned()).or_default();
        *strikes += 1;
        let strikes = *strikes;
        if state.fails(LimitsFault::StrikeAnswerLost) { Err(unavailable()) } else { Ok(strikes) }
    }

    async fn forgive(&self, message: &str, _: i64) -> Result<(), StoreError> {
        let mut state = self.writing();
        if state.fails(LimitsFault::NotForgiven) {
            return Err(unavailable());
        }
        state.strikes.remove(message);
        Ok(())
    }
}
