//! The audit trail.

use std::collections::BTreeMap;

use domain::relay::{AuditRecord, sortable};
use store::{Cursor, Page, Store, StoreError};

use super::{MANY, at, got};

pub(super) async fn all(store: &impl Store) {
    the_trail_is_told_newest_first_page_by_page(store).await;
    a_record_written_twice_is_one_record(store).await;
    nothing_written_is_nothing_told(store).await;
    a_bad_cursor_is_refused(store).await;
}

fn record(service: &str, second: i64) -> AuditRecord {
    let item = format!("subscription/ß-{second}");
    AuditRecord {
        service_id: service.to_owned(),
        seq: format!("{}#{item}#{:010}", sortable(at(second)), 1),
        at: at(second),
        actor: "trader:t-1".to_owned(),
        action: "subscription.purchased".to_owned(),
        item,
        before: BTreeMap::new(),
        after: BTreeMap::from([("status".to_owned(), "active".to_owned())]),
    }
}

async fn trail(store: &impl Store, service: &str, limit: usize) -> Vec<AuditRecord> {
    let mut all = Vec::new();
    let mut from: Option<Cursor> = None;
    loop {
        let Page { items, next } = got(store.audit(service, limit, from.as_ref()).await);
        assert!(items.len() <= limit);
        all.extend(items);
        assert!(all.len() < MANY, "the pages do not end");
        if next.is_none() {
            return all;
        }
        from = next;
    }
}

async fn the_trail_is_told_newest_first_page_by_page(store: &impl Store) {
    // More than one call takes, of two services, oldest last.
    let records: Vec<_> =
        (0..60).rev().map(|n| record(if n % 2 == 0 { "trail" } else { "trail-2" }, n)).collect();
    got(store.write_audit(&records).await);
    let newest_first: Vec<_> =
        records.iter().filter(|record| record.service_id == "trail").cloned().collect();
    for limit in [1, 7, 30, 31] {
        assert_eq!(trail(store, "trail", limit).await, newest_first, "{limit} at a time");
    }
    let last = got(store.audit("trail", 30, None).await);
    assert_eq!(last.next, None, "nothing after a page that is just full");
}

async fn a_record_written_twice_is_one_record(store: &impl Store) {
    let records = [record("twice", 1), record("twice", 2)];
    let doubled: Vec<_> = records.iter().chain(&records).cloned().collect();
    got(store.write_audit(&doubled).await);
    got(store.write_audit(&records).await);
    assert_eq!(trail(store, "twice", 10).await, [record("twice", 2), record("twice", 1)]);
}

async fn nothing_written_is_nothing_told(store: &impl Store) {
    got(store.write_audit(&[]).await);
    assert!(trail(store, "nobody", 10).await.is_empty());
}

async fn a_bad_cursor_is_refused(store: &impl Store) {
    for bad in [Cursor("?".to_owned()), Cursor::at(["one", "two"]), Cursor::at([""])] {
        let outcome = store.audit("trail", 2, Some(&bad)).await;
        assert!(matches!(outcome, Err(StoreError::BadCursor)), "{outcome:?}");
    }
    let made_up = Cursor::at(["zzz"]);
    let page = got(store.audit("trail", 2, Some(&made_up)).await);
    assert!(page.items.iter().all(|record| record.service_id == "trail"));
}
