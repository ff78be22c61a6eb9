//! Turns at Telegram, shared by all senders.
//!
//! Many processes, one bot: a turn is taken from the table by one conditional save. The arithmetic
//! is [`domain::pace`]; this crate only loads, asks it, and saves.

use domain::change::{Actor, Cause, Stored, Why};
use domain::ids::ChatId;
use domain::pace::{BotPace, ChatPace, Turn};
use jiff::{SignedDuration, Timestamp};
use store::{BotPaceItem, ChatPaceItem, CommitError, Entity, Store, StoreError, Write, key, load};

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
    change(store, key::BOT_PACE, now, |read: Option<&Stored<BotPaceItem>>| {
        let pace = read.map_or_else(BotPace::default, |read| read.value.pace);
        let (pace, turn) = pace.take(millis(now), ahead(look_ahead));
        (BotPaceItem { pace }, turn)
    })
    .await
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
    change(store, &key::chat(chat), now, |read: Option<&Stored<ChatPaceItem>>| {
        let (pace, turn) = chat_turn(read, look_ahead, now);
        (ChatPaceItem { chat, pace, at: now }, turn)
    })
    .await
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
    Ok(match chat_turn(read.as_ref(), look_ahead, now).1 {
        Turn::At(at) => Pass::At(instant(at)),
        Turn::NotBefore(at) => Pass::NotBefore(instant(at)),
    })
}

fn chat_turn(
    read: Option<&Stored<ChatPaceItem>>,
    look_ahead: SignedDuration,
    now: Timestamp,
) -> (ChatPace, Turn) {
    let pace = read.map_or_else(ChatPace::default, |read| read.value.pace.clone());
    pace.take(millis(now), ahead(look_ahead))
}

fn ahead(look_ahead: SignedDuration) -> i64 {
    i64::try_from(look_ahead.as_millis()).unwrap_or(i64::MAX)
}

async fn change<E: Entity>(
    store: &impl Store,
    id: &str,
    now: Timestamp,
    next: impl Fn(Option<&Stored<E>>) -> (E, Turn),
) -> Result<Pass, StoreError> {
    for _ in 0..TRIES {
        let read = load::<E>(store, id).await?;
        let (item, turn) = next(read.as_ref());
        let at = match turn {
            Turn::NotBefore(at) => return Ok(Pass::NotBefore(instant(at))),
            Turn::At(at) => at,
        };
        match store.commit(vec![Write::put(read.as_ref(), &item, &cause(now))]).await {
            Ok(()) => return Ok(Pass::At(instant(at))),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Store(error)) => return Err(error),
        }
    }
    Ok(Pass::NotBefore(domain::time::after(now, CROWDED)))
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
    for _ in 0..TRIES {
        let write = match call {
            Call::Message(chat) => {
                let read = load::<ChatPaceItem>(store, &key::chat(chat)).await?;
                let pace = read.as_ref().map_or_else(ChatPace::default, |r| r.value.pace.clone());
                let pace = pace.told_to_wait(millis(now), seconds);
                Write::put(read.as_ref(), &ChatPaceItem { chat, pace, at: now }, &cause(now))
            }
            Call::Other => {
                let read = load::<BotPaceItem>(store, key::BOT_PACE).await?;
                let pace = read.as_ref().map_or_else(BotPace::default, |read| read.value.pace);
                let pace = pace.told_to_wait(millis(now), seconds);
                Write::put(read.as_ref(), &BotPaceItem { pace }, &cause(now))
            }
        };
        match store.commit(vec![write]).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Store(error)) => return Err(error),
        }
    }
    // Others note the same block at the same moment: theirs stands.
    Ok(())
}
