//! The port.

use std::future::Future;

use domain::ids::ChatId;
use domain::pace::{BotPace, ChatBlock, ChatPace, ChatTake, Note, Take};
use store::StoreError;

/// What became of a move. Either way one learns what stood there before; `None`: nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved<T> {
    /// It was done.
    Done(Option<T>),
    /// Its condition did not hold.
    Refused(Option<T>),
}

/// The table of the limiter: one item for the bot, one for each chat, and one for each message that
/// failed. Each move is one conditional
/// update, and does what its `apply` says. A move whose answer is lost may have been done; done
/// twice, it takes turns that nobody uses, and so is safe.
pub trait Limits: Send + Sync {
    /// Reads the bot's pace, strongly consistent.
    fn bot(&self) -> impl Future<Output = Result<Option<BotPace>, StoreError>> + Send;

    /// Takes turns of the bot.
    fn take(&self, take: &Take) -> impl Future<Output = Result<Moved<BotPace>, StoreError>> + Send;

    /// Notes a 429 in the bot's books.
    fn note(&self, note: &Note) -> impl Future<Output = Result<Moved<BotPace>, StoreError>> + Send;

    /// Reads a chat's pace, strongly consistent.
    fn chat(
        &self,
        chat: ChatId,
    ) -> impl Future<Output = Result<Option<ChatPace>, StoreError>> + Send;

    /// Takes a turn for a message in a chat.
    fn take_chat(
        &self,
        chat: ChatId,
        take: &ChatTake,
    ) -> impl Future<Output = Result<Moved<ChatPace>, StoreError>> + Send;

    /// Notes that a chat asked to wait; a longer wait that stands there stays.
    fn block_chat(
        &self,
        chat: ChatId,
        block: ChatBlock,
        now_us: i64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Reads the strikes against a message, strongly consistent.
    fn strikes(&self, message: &str) -> impl Future<Output = Result<u32, StoreError>> + Send;

    /// Counts one more strike against a message; answers with how many there are. A strike whose
    /// answer is lost may count twice.
    fn strike(
        &self,
        message: &str,
        now_us: i64,
    ) -> impl Future<Output = Result<u32, StoreError>> + Send;

    /// Forgets the strikes against a message.
    fn forgive(
        &self,
        message: &str,
        now_us: i64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
