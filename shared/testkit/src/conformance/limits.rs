//! What every table of the limiter has to do: just what the moves of [`domain::pace`] say.
//!
//! The checks want a table of their own, empty at the start. A model goes beside it: whatever is
//! done to the table is done to the model by `apply`, and both have to say the same.

use std::collections::BTreeMap;
use std::fmt::Debug;

use domain::ids::ChatId;
use domain::pace::{
    BotPace, ChatBlock, ChatPace, Claim, Form, Kind, MILLISECOND, Note, SECOND, Take,
};
use fastrand::Rng;
use futures::future::join_all;
use limiter::{Limits, Moved};
use store::StoreError;

/// When the checks begin.
const BEGIN: i64 = 1_767_258_000 * SECOND;

/// How many moves are made at random.
const MOVES: usize = 150;

/// The table, and what it has to be like.
struct Beside<'l, L> {
    limits: &'l L,
    bot: Option<BotPace>,
    chats: BTreeMap<i64, ChatPace>,
    done: usize,
    refused: usize,
}

/// Runs all checks.
///
/// # Panics
/// When the table does not do what it should.
pub async fn limits(limits: &impl Limits) {
    let (bot, chats) = (None, BTreeMap::new());
    let mut beside = Beside { limits, bot, chats, done: 0, refused: 0 };
    beside.nothing_is_there().await;
    beside.moves_at_random(&mut Rng::with_seed(5)).await;
    assert!(beside.done > MOVES / 3, "{} done", beside.done);
    assert!(beside.refused > MOVES / 10, "{} refused", beside.refused);
    beside.a_turn_has_one_taker().await;
    strikes(limits).await;
}

/// Strikes are counted for each message, until they are forgotten.
async fn strikes(limits: &impl Limits) {
    for (message, counted) in [("m-1", 1), ("m-1", 2), ("m-2", 1), ("m-1", 3)] {
        assert_eq!(got(limits.strike(message, BEGIN).await), counted, "{message}");
        assert_eq!(got(limits.strikes(message).await), counted, "{message}");
    }
    got(limits.forgive("m-1", BEGIN).await);
    got(limits.forgive("m-3", BEGIN).await);
    for (message, left) in [("m-1", 0), ("m-2", 1), ("m-3", 0), ("m-4", 0)] {
        assert_eq!(got(limits.strikes(message).await), left, "{message}");
    }
    for (message, counted) in [("m-1", 1), ("m-2", 2), ("m-3", 1)] {
        assert_eq!(got(limits.strike(message, BEGIN).await), counted, "{message}");
    }
}

#[track_caller]
fn got<T>(outcome: Result<T, StoreError>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => unreachable!("{error}"),
    }
}

/// What a move is, on what stood there.
fn moved<T: Clone>(before: Option<&T>, next: Option<&T>) -> Moved<T> {
    match next {
        Some(_) => Moved::Done(before.cloned()),
        None => Moved::Refused(before.cloned()),
    }
}

impl<L: Limits> Beside<'_, L> {
    async fn nothing_is_there(&mut self) {
        assert_eq!(got(self.limits.bot().await), None);
        assert_eq!(got(self.limits.chat(ChatId::new(-1)).await), None);
        // Only a move that can begin makes an item.
        let slower = BotPace { interval_us: 50 * MILLISECOND, ..BotPace::default() };
        for known in [&slower, &BotPace { tat_us: BEGIN + SECOND, ..BotPace::default() }] {
            let Ok(take) = known.plan(Claim::Alerts, 1, BEGIN) else { unreachable!("it is free") };
            self.take(take).await;
        }
        assert_eq!(got(self.limits.bot().await), None);
    }

    async fn moves_at_random(&mut self, rng: &mut Rng) {
        let mut now = BEGIN;
        for number in 0..MOVES {
            now += rng.i64(0..400) * MILLISECOND;
            // As others know it: as it is, as it was, or not at all.
            let known = match (rng.u8(..4), self.bot.clone()) {
                (0, _) | (_, None) => BotPace::default(),
                (_, Some(known)) => known,
            };
            let chat = ChatId::new(-1_001 - rng.i64(..3));
            match rng.u8(..10) {
                0 => {
                    // Now and then Telegram asks all of them.
                    let seconds = rng.u32(0..3);
                    if let Some(note) = known.told(chat, seconds, now) {
                        self.note(note).await;
                    }
                }
                1 => {
                    let kind = if rng.bool() { Kind::Message } else { Kind::Other };
                    self.block(chat, ChatBlock::new(kind, rng.u32(0..4), now), now).await;
                }
                2..=4 => {
                    let pace = self.chats.get(&chat.get()).cloned();
                    let pace = pace.filter(|_| rng.u8(..4) > 0).unwrap_or_default();
                    if let Ok(take) = pace.plan(now) {
                        self.take_chat(chat, take).await;
                    }
                }
                _ => {
                    let claim = match rng.u8(..3) {
                        0 => Claim::Alerts,
                        1 => Claim::Housekeeping,
                        _ => Claim::Answer,
                    };
                    // By a clock that is wrong.
                    let wrong = now - rng.i64(-200..200) * MILLISECOND;
                    if let Ok(mut take) = known.plan(claim, rng.usize(1..12), wrong) {
                        if number % 11 == 0 {
                            take.form = Form::Share;
                        }
                        self.take(take).await;
                    }
                }
            }
        }
    }

    /// Many at once, who know the same: each move is whole.
    async fn a_turn_has_one_taker(&mut self) {
        let now = BEGIN + 10_000 * SECOND;
        let known = self.bot.clone().unwrap_or_default();
        let Ok(take) = known.plan(Claim::Alerts, 2, now) else { unreachable!("it is free") };
        assert_eq!(take.form, Form::Idle);
        let moves = join_all((0..6).map(|_| self.limits.take(&take)).collect::<Vec<_>>()).await;
        let done = moves.into_iter().filter(|it| matches!(it, Ok(Moved::Done(_)))).count();
        assert_eq!(done, 1);
        let there = got(self.limits.bot().await).unwrap_or_default();
        assert_eq!(there.tat_us, now + take.booked_us());
        // Behind one another, each has turns of their own.
        let Ok(take) = there.plan(Claim::Alerts, 2, now) else { unreachable!("it is free") };
        let moves = join_all((0..6).map(|_| self.limits.take(&take)).collect::<Vec<_>>()).await;
        let mut turns: Vec<i64> = Vec::new();
        for it in moves {
            let Moved::Done(before) = got(it) else { unreachable!("there is room for all") };
            turns.extend(take.turns_on(before.as_ref()));
        }
        turns.sort_unstable();
        turns.dedup();
        assert_eq!(turns.len(), 12);
    }

    fn count<T: PartialEq + Debug>(&mut self, said: &Moved<T>, right: &Moved<T>) {
        assert_eq!(said, right);
        match said {
            Moved::Done(_) => self.done += 1,
            Moved::Refused(_) => self.refused += 1,
        }
    }

    async fn take(&mut self, take: Take) {
        let next = take.apply(self.bot.as_ref());
        let right = moved(self.bot.as_ref(), next.as_ref());
        let said = got(self.limits.take(&take).await);
        self.count(&said, &right);
        self.stands(next).await;
    }

    async fn note(&mut self, note: Note) {
        let next = note.apply(self.bot.as_ref());
        let right = moved(self.bot.as_ref(), next.as_ref());
        let said = got(self.limits.note(&note).await);
        self.count(&said, &right);
        self.stands(next).await;
    }

    async fn stands(&mut self, next: Option<BotPace>) {
        self.bot = next.or(self.bot.take());
        assert_eq!(got(self.limits.bot().await), self.bot);
    }

    async fn take_chat(&mut self, chat: ChatId, take: domain::pace::ChatTake) {
        let before = self.chats.get(&chat.get()).cloned();
        let next = take.apply(before.as_ref());
        let right = moved(before.as_ref(), next.as_ref());
        let said = got(self.limits.take_chat(chat, &take).await);
        self.count(&said, &right);
        self.chat_stands(chat, next).await;
    }

    async fn block(&mut self, chat: ChatId, block: ChatBlock, now: i64) {
        let next = block.apply(self.chats.get(&chat.get()));
        got(self.limits.block_chat(chat, block, now).await);
        self.chat_stands(chat, next).await;
    }

    async fn chat_stands(&mut self, chat: ChatId, next: Option<ChatPace>) {
        self.chats.extend(next.map(|next| (chat.get(), next)));
        let there = got(self.limits.chat(chat).await);
        assert_eq!(there.as_ref(), self.chats.get(&chat.get()));
    }
}
