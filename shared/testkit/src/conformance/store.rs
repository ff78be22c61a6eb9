//! What every store has to do.
//!
//! The checks want a store of their own, empty at the start, and indexes that are up to date at
//! once, as they are in memory and in an emulator.

mod audit;
mod due;
mod lists;
mod saves;

use std::future::Future;

use domain::change::{Actor, Meta, Why};
use domain::relay::sortable;
use jiff::{SignedDuration, Timestamp};
use serde_dynamo::Item;
use serde_json::{Value, json};
use store::{CommitError, Index, List, Page, Row, Store, StoreError, Table, Write};

/// Puts an item into a table as it is, as no [`Store`] would.
pub trait RawRows {
    /// Puts it there.
    fn put_item(&self, table: Table, item: Item) -> impl Future<Output = ()>;
}

impl RawRows for crate::MemoryStore {
    async fn put_item(&self, table: Table, item: Item) {
        self.put_item(table, item);
    }
}

/// Runs all checks.
///
/// # Panics
/// When the store does not do what it should.
pub async fn store(store: &impl Store, raw: &impl RawRows) {
    saves::all(store).await;
    lists::all(store, raw).await;
    due::all(store).await;
    audit::all(store).await;
}

/// More than any check saves: whoever has read so much goes round in circles.
const MANY: usize = 1_000;

/// The moment at which the checks' own time begins.
fn start() -> Timestamp {
    Timestamp::constant(1_767_225_600, 0)
}

fn at(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

/// A row of the checks' own kind.
fn row(id: &str, index: Index, body: Value) -> Row {
    let meta =
        Meta { ver: 1, changed_at: start(), changed_by: Actor::Storefront, why: Why::Purchased };
    Row { id: id.to_owned(), kind: "check".to_owned(), meta, index, body: body.into() }
}

fn plain(id: &str) -> Row {
    row(id, Index::default(), json!({}))
}

fn sort(age: i64, id: &str) -> Option<String> {
    Some(format!("{}#{id}", sortable(at(age))))
}

fn create(table: Table, row: Row) -> Write {
    Write { table, expected: None, row }
}

/// The save of another body and place over this row.
fn over(table: Table, old: &Row, index: Index, body: Value) -> Write {
    let meta = Meta { ver: old.meta.ver + 1, ..old.meta.clone() };
    let row = Row { meta, index, body: body.into(), ..old.clone() };
    Write { table, expected: Some(old.meta.ver), row }
}

async fn save(store: &impl Store, write: Write) -> Row {
    let row = write.row.clone();
    done(store.commit(vec![write]).await);
    row
}

fn done(outcome: Result<(), CommitError>) {
    assert!(outcome.is_ok(), "not saved: {outcome:?}");
}

fn is_conflict(outcome: &Result<(), CommitError>) -> bool {
    assert!(matches!(outcome, Ok(()) | Err(CommitError::Conflict)), "neither: {outcome:?}");
    outcome.is_err()
}

fn got<T>(outcome: Result<T, StoreError>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => {
            let error: Result<(), _> = Err(error);
            assert!(error.is_ok(), "the call failed: {error:?}");
            unreachable!()
        }
    }
}

async fn stands(store: &impl Store, table: Table, id: &str) -> Option<Row> {
    got(store.read(table, id).await)
}

/// Every row of a list, page by page, by id. `between` runs after each page.
async fn walk<S: Store>(
    store: &S,
    list: &List,
    limit: usize,
    mut between: impl AsyncFnMut(&S),
) -> Vec<String> {
    let mut ids = Vec::new();
    let mut from = None;
    loop {
        let Page { items, next } = got(store.list(list, limit, from.as_ref()).await);
        assert!(items.len() <= limit, "a page holds no more than was asked for");
        ids.extend(items.into_iter().map(|row| row.id));
        assert!(ids.len() < MANY, "the pages do not end");
        if next.is_none() {
            return ids;
        }
        from = next;
        between(store).await;
    }
}
