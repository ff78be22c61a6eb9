//! The store in memory does what every store does, and tells its stream.

use std::sync::Arc;

use domain::change::{Actor, Meta, Why};
use serde_json::json;
use store::{CommitError, Index, Row, Store as _, StoreError, Table, Write};
use testkit::{Call, Fault, MemoryStore, StreamRecord, conformance};

fn row(id: &str, ver: u64) -> Row {
    let meta = Meta {
        ver,
        changed_at: jiff::Timestamp::UNIX_EPOCH,
        changed_by: Actor::Sweep,
        why: Why::Nudged,
    };
    let index = Index::default();
    Row {
        id: id.to_owned(),
        kind: "check".to_owned(),
        meta,
        index,
        body: json!({"ver": ver}).into(),
    }
}

fn write(id: &str, ver: u64) -> Write {
    let expected = ver.checked_sub(1).filter(|read| *read > 0);
    Write { table: Table::Alerts, expected, row: row(id, ver) }
}

#[tokio::test]
async fn the_store_in_memory_conforms() {
    let store = MemoryStore::default();
    conformance::store(&store, &store).await;
}

#[tokio::test]
async fn the_stream_tells_every_change_once_and_in_order() {
    let store = MemoryStore::default();
    store.commit(vec![write("a", 1)]).await.unwrap();
    store.commit(vec![write("a", 2), write("b", 1)]).await.unwrap();
    assert!(matches!(store.commit(vec![write("a", 2)]).await, Err(CommitError::Conflict)));
    let told = |before: Option<Row>, after: Row| {
        let (before, after) = (before.map(Arc::new), Arc::new(after));
        StreamRecord { table: Table::Alerts, before, after }
    };
    assert_eq!(
        store.take_stream(),
        [told(None, row("a", 1)), told(Some(row("a", 1)), row("a", 2)), told(None, row("b", 1)),]
    );
    assert!(store.take_stream().is_empty());
}

#[tokio::test]
async fn a_fault_befalls_one_call_of_its_kind() {
    let store = MemoryStore::default();
    store.fail_next(Fault::NotDone(Call::Commit));
    store.fail_next(Fault::Conflict);
    store.fail_next(Fault::CommitAnswerLost);
    store.fail_next(Fault::NotDone(Call::Read));
    store.fail_next(Fault::AuditAnswerLost);

    let unavailable =
        |outcome| matches!(outcome, Err(CommitError::Store(StoreError::Unavailable(_))));
    assert!(unavailable(store.commit(vec![write("a", 1)]).await));
    assert!(store.rows(Table::Alerts).is_empty());
    assert!(matches!(store.commit(vec![write("a", 1)]).await, Err(CommitError::Conflict)));
    assert!(store.rows(Table::Alerts).is_empty());
    assert!(unavailable(store.commit(vec![write("a", 1)]).await));
    assert_eq!(store.rows(Table::Alerts), [row("a", 1)], "it was done all the same");
    assert_eq!(store.take_stream().len(), 1);

    assert!(matches!(store.read(Table::Alerts, "a").await, Err(StoreError::Unavailable(_))));
    assert_eq!(store.read(Table::Alerts, "a").await.unwrap(), Some(row("a", 1)));

    assert!(matches!(store.write_audit(&[]).await, Err(StoreError::Unavailable(_))));
    store.write_audit(&[]).await.unwrap();
}
