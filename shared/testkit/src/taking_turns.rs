//! A table on which requests get in between each other.

use std::future::poll_fn;
use std::task::Poll;

use domain::ids::ChatId;
use domain::pace::{BotPace, ChatBlock, ChatPace, ChatTake, Note, Take};
use domain::relay::AuditRecord;
use jiff::Timestamp;
use limiter::{Limits, Moved};
use store::{
    CommitError, Count, Cursor, DueItem, List, Page, Row, Store, StoreError, Table, Write,
};

/// A table (the store's, or the limiter's) that lets the others go first, once before each call. Of requests that run at the same
/// time, each so does one step at a time: the worst of the orders in which they can meet.
#[derive(Clone, Debug, Default)]
pub struct TakingTurns<S>(pub S);

/// Goes on when everybody else had a turn.
async fn turn() {
    let mut waited = false;
    poll_fn(|context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl<S: Store> Store for TakingTurns<S> {
    async fn read(&self, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        turn().await;
        self.0.read(table, id).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        turn().await;
        self.0.commit(writes).await
    }

    async fn list(
        &self,
        list: &List,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<Row>, StoreError> {
        turn().await;
        self.0.list(list, limit, from).await
    }

    async fn count(&self, count: &Count, most: usize) -> Result<usize, StoreError> {
        turn().await;
        self.0.count(count, most).await
    }

    async fn due(
        &self,
        table: Table,
        shard: u8,
        until: Timestamp,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<DueItem>, StoreError> {
        turn().await;
        self.0.due(table, shard, until, limit, from).await
    }

    async fn write_audit(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        turn().await;
        self.0.write_audit(records).await
    }

    async fn audit(
        &self,
        service: &str,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<AuditRecord>, StoreError> {
        turn().await;
        self.0.audit(service, limit, from).await
    }
}

impl<L: Limits> Limits for TakingTurns<L> {
    async fn bot(&self) -> Result<Option<BotPace>, StoreError> {
        turn().await;
        self.0.bot().await
    }

    async fn take(&self, take: &Take) -> Result<Moved<BotPace>, StoreError> {
        turn().await;
        self.0.take(take).await
    }

    async fn note(&self, note: &Note) -> Result<Moved<BotPace>, StoreError> {
        turn().await;
        self.0.note(note).await
    }

    async fn chat(&self, chat: ChatId) -> Result<Option<ChatPace>, StoreError> {
        turn().await;
        self.0.chat(chat).await
    }

    async fn take_chat(
        &self,
        chat: ChatId,
        take: &ChatTake,
    ) -> Result<Moved<ChatPace>, StoreError> {
        turn().await;
        self.0.take_chat(chat, take).await
    }

    async fn block_chat(
        &self,
        chat: ChatId,
        block: ChatBlock,
        now_us: i64,
    ) -> Result<(), StoreError> {
        turn().await;
        self.0.block_chat(chat, block, now_us).await
    }

    async fn strikes(&self, message: &str) -> Result<u32, StoreError> {
        turn().await;
        self.0.strikes(message).await
    }

    async fn strike(&self, message: &str, now_us: i64) -> Result<u32, StoreError> {
        turn().await;
        self.0.strike(message, now_us).await
    }

    async fn forgive(&self, message: &str, now_us: i64) -> Result<(), StoreError> {
        turn().await;
        self.0.forgive(message, now_us).await
    }
}
