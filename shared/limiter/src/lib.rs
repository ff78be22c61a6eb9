//! Turns at Telegram, shared by all senders.
//!
//! Many processes, one bot: a turn is taken from the table by one conditional save. The arithmetic
//! is [`domain::pace`]; this crate only loads, asks it, and saves.

use domain::change::{Actor, Cause, Stored, Why};
use domain::ids::ChatId;
use domain::pace::{BotPace, ChatPace, Turn};
use jiff::{SignedDuration, Timestamp};
use store::{
    BotPaceItem, ChatPaceItem, CommitError, Decision, Store, StoreError, change, key, load,
};

/// How often a turn is tried for when other senders take theirs at the same moment.
const TRIES: usize = 12;

/// When to ask again after others were quicker each time.
const CROWDED: SignedDuration = SignedDuration::from_millis(120);

/// A turn, or when to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// The call may be made at this time.
    At(Timestamp),
    /// There is no turn within the look-ahead; there may be one at this time.
    NotBefore(Timestamp),
}

/// What a call is to Telegram's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A message into this chat: counts for the bot and for the chat.
    Message(ChatId),
    /// Anything else: counts for the bot.
    Other,
}

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

fn cause(now: Timestamp) -> Cause {
    Cause { at: now, by: Actor::Sender, why: Why::Paced }
}

/// Takes a turn of the bot within the look-ahead. Every call needs one, and takes it when all else
/// that it waits for has come: a turn that is taken ahead for a later moment would put everybody
/// else behind that moment.
///
/// # Errors
/// [`StoreError`]; without its limiter nobody calls Telegram.
pub async fn take_bot(
    store: &impl Store,
    look_ahead: SignedDuration,
    now: Timestamp,
) -> Result<Pass, StoreError> {
    let decide = |read: Option<&Stored<BotPaceItem>>| {
        let (pace, turn) = bot_pace(read).take(millis(now), ahead(look_ahead));
        taken(BotPaceItem { pace }, turn, now)
    };
    passed(change(store, key::BOT_PACE, TRIES, decide).await, now)
}

/// Takes a turn in a chat within the look-ahead. Every message needs one, besides the bot's.
///
/// # Errors
/// [`StoreError`].
pub async fn take_chat(
    store: &impl Store,
    chat: ChatId,
    look_ahead: SignedDuration,
    now: Timestamp,
) -> Result<Pass, StoreError> {
    let decide = |read: Option<&Stored<ChatPaceItem>>| {
        let (pace, turn) = chat_pace(read).take(millis(now), ahead(look_ahead));
        taken(ChatPaceItem { chat, pace, at: now }, turn, now)
    };
    passed(change(store, &key::chat(chat), TRIES, decide).await, now)
}

/// What [`take_chat`] would say, without taking the turn: a turn of the bot is what others wait
/// for, so it is not taken for a chat that is full.
///
/// # Errors
/// [`StoreError`].
pub async fn look_chat(
    store: &impl Store,
    chat: ChatId,
    look_ahead: SignedDuration,
    now: Timestamp,
) -> Result<Pass, StoreError> {
    let read = load::<ChatPaceItem>(store, &key::chat(chat)).await?;
    Ok(pass(chat_pace(read.as_ref()).take(millis(now), ahead(look_ahead)).1))
}

fn bot_pace(read: Option<&Stored<BotPaceItem>>) -> BotPace {
    read.map_or_else(BotPace::default, |read| read.value.pace)
}

fn chat_pace(read: Option<&Stored<ChatPaceItem>>) -> ChatPace {
    read.map_or_else(ChatPace::default, |read| read.value.pace.clone())
}

fn ahead(look_ahead: SignedDuration) -> i64 {
    i64::try_from(look_ahead.as_millis()).unwrap_or(i64::MAX)
}

fn pass(turn: Turn) -> Pass {
    match turn {
        Turn::At(at) => Pass::At(instant(at)),
        Turn::NotBefore(at) => Pass::NotBefore(instant(at)),
    }
}

/// A turn that is taken is saved; one that there is not changes nothing.
fn taken<E>(item: E, turn: Turn, now: Timestamp) -> Decision<E, Pass> {
    let save = match turn {
        Turn::At(_) => Some((item, cause(now))),
        Turn::NotBefore(_) => None,
    };
    (save, pass(turn))
}

/// Where others were quicker each time, there may be a turn in a moment.
fn passed(outcome: Result<Pass, CommitError>, now: Timestamp) -> Result<Pass, StoreError> {
    match outcome {
        Ok(pass) => Ok(pass),
        Err(CommitError::Conflict) => Ok(Pass::NotBefore(domain::time::after(now, CROWDED))),
        Err(CommitError::Store(error)) => Err(error),
    }
}

/// Takes down that Telegram asked to wait. A 429 to a message means its chat: chats have the
/// narrower limit, and a block of the whole bot would delay every other group. When it was the bot
/// after all, the next call of another kind says so.
///
/// # Errors
/// [`StoreError`].
pub async fn told_to_wait(
    store: &impl Store,
    call: Call,
    seconds: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let noted = match call {
        Call::Message(chat) => {
            let decide = |read: Option<&Stored<ChatPaceItem>>| {
                let pace = chat_pace(read).told_to_wait(millis(now), seconds);
                (Some((ChatPaceItem { chat, pace, at: now }, cause(now))), ())
            };
            change(store, &key::chat(chat), TRIES, decide).await
        }
        Call::Other => {
            let decide = |read: Option<&Stored<BotPaceItem>>| {
                let pace = bot_pace(read).told_to_wait(millis(now), seconds);
                (Some((BotPaceItem { pace }, cause(now))), ())
            };
            change(store, key::BOT_PACE, TRIES, decide).await
        }
    };
    match noted {
        // Others note the same block at the same moment: theirs stands.
        Ok(()) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
}
