//! What is due, and counts.

use std::collections::BTreeSet;

use domain::relay::sortable;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use store::{Count, Cursor, DueItem, Index, Page, SHARDS, Store, Table, shard_of};

use super::{MANY, at, create, got, over, row, save, sort};

const DAY: i64 = 86_400;

pub(super) async fn all(store: &impl Store) {
    every_due_row_is_found_in_its_shard(store).await;
    what_is_due_comes_page_by_page_longest_due_first(store).await;
    a_row_is_due_from_its_very_moment_on(store).await;
    a_row_with_nothing_left_to_do_is_due_no_more(store).await;
    rows_put_right_between_pages_hide_no_others(store).await;
    active_subscriptions_are_counted(store).await;
    waiting_alerts_are_counted(store).await;
}

fn due(at: Timestamp) -> Index {
    Index { due_at: Some(at), ..Index::default() }
}

/// Everything that is due in a shard after `since`: each check has its own stretch of time.
async fn found(
    store: &impl Store,
    table: Table,
    shard: u8,
    (since, until): (Timestamp, Timestamp),
    limit: usize,
) -> Vec<DueItem> {
    let mut found = Vec::new();
    let mut from: Option<Cursor> = None;
    loop {
        let Page { items, next } = got(store.due(table, shard, until, limit, from.as_ref()).await);
        assert!(items.len() <= limit);
        found.extend(items.into_iter().filter(|item| item.due_at >= since));
        assert!(found.len() < MANY, "the pages do not end");
        if next.is_none() {
            return found;
        }
        from = next;
    }
}

/// Ids that fall into this shard.
fn ids_in(shard: u8, prefix: &str) -> impl Iterator<Item = String> {
    (0..).map(move |n| format!("{prefix}-{n}")).filter(move |id| shard_of(id) == shard)
}

async fn every_due_row_is_found_in_its_shard(store: &impl Store) {
    let from = -20 * DAY;
    for table in [Table::Services, Table::Subscriptions, Table::Alerts] {
        let ids: BTreeSet<_> = (0..64).map(|n| format!("due-{n}")).collect();
        for id in &ids {
            save(store, create(table, row(id, due(at(from)), json!({})))).await;
        }
        let mut seen = Vec::new();
        for shard in 0..SHARDS {
            for item in found(store, table, shard, (at(from), at(from + 1)), 10).await {
                assert_eq!(shard_of(&item.id), shard);
                seen.push(item.id);
            }
        }
        assert_eq!(seen.len(), ids.len(), "{table:?}");
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), ids, "{table:?}");
    }
}

async fn what_is_due_comes_page_by_page_longest_due_first(store: &impl Store) {
    let from = -18 * DAY;
    let ids: Vec<_> = ids_in(7, "ordered").take(9).collect();
    let mut expected = Vec::new();
    for (n, id) in (0..).zip(&ids) {
        // Two are due at each moment; the last-made ones first.
        let moment = at(from - n / 2);
        save(store, create(Table::Alerts, row(id, due(moment), json!({})))).await;
        expected.push(DueItem { id: id.clone(), due_at: moment });
    }
    expected.sort_by(|a, b| (a.due_at, &a.id).cmp(&(b.due_at, &b.id)));
    let stretch = (at(from - 100), at(from));
    for limit in [1, 2, 4, 100] {
        assert_eq!(found(store, Table::Alerts, 7, stretch, limit).await, expected);
    }
    let earlier = (at(from - 100), at(from - 3));
    assert_eq!(
        found(store, Table::Alerts, 7, earlier, 2).await,
        expected.iter().filter(|item| item.due_at <= at(from - 3)).cloned().collect::<Vec<_>>()
    );
    assert!(found(store, Table::Alerts, 8, stretch, 2).await.is_empty(), "another shard");
}

async fn a_row_is_due_from_its_very_moment_on(store: &impl Store) {
    let moment = at(-16 * DAY) + SignedDuration::from_nanos(5);
    save(store, create(Table::Services, row("moment", due(moment), json!({})))).await;
    let nano = SignedDuration::from_nanos(1);
    let seen = async |until| {
        found(store, Table::Services, shard_of("moment"), (at(-16 * DAY), until), 5).await.len()
    };
    assert_eq!(seen(moment - nano).await, 0, "not before");
    assert_eq!(seen(moment).await, 1);
    assert_eq!(seen(moment + nano).await, 1);
}

async fn a_row_with_nothing_left_to_do_is_due_no_more(store: &impl Store) {
    let (from, id) = (-14 * DAY, "finished");
    let seen = async |until: i64| {
        let stretch = (at(from), at(until));
        found(store, Table::Subscriptions, shard_of(id), stretch, 5).await.len()
    };
    let first = create(Table::Subscriptions, row(id, due(at(from)), json!({})));
    let first = save(store, first).await;
    assert_eq!(seen(from).await, 1);
    let later = over(Table::Subscriptions, &first, due(at(from + 50)), json!({}));
    let later = save(store, later).await;
    assert_eq!(seen(from).await, 0, "it is due later");
    assert_eq!(seen(from + 50).await, 1, "and once");
    save(store, over(Table::Subscriptions, &later, Index::default(), json!({}))).await;
    assert_eq!(seen(from + 50).await, 0, "it is due no more");
}

async fn rows_put_right_between_pages_hide_no_others(store: &impl Store) {
    let from = -12 * DAY;
    let shard = 3;
    let ids: Vec<_> = ids_in(shard, "sweep").take(10).collect();
    for (n, id) in (0..).zip(&ids) {
        save(store, create(Table::Subscriptions, row(id, due(at(from + n)), json!({})))).await;
    }
    let mut seen = Vec::new();
    let mut next: Option<Cursor> = None;
    loop {
        let page = store.due(Table::Subscriptions, shard, at(from + 20), 3, next.as_ref()).await;
        let page = got(page);
        for item in page.items.into_iter().filter(|item| item.due_at >= at(from)) {
            let row = got(store.read(Table::Subscriptions, &item.id).await);
            if let Some(row) = row {
                save(store, over(Table::Subscriptions, &row, Index::default(), json!({}))).await;
            }
            seen.push(item.id);
        }
        assert!(seen.len() < MANY, "the pages do not end");
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
}

async fn active_subscriptions_are_counted(store: &impl Store) {
    for n in 0..7 {
        let index = Index { active: Some(("active".to_owned(), at(n * 10))), ..Index::default() };
        save(store, create(Table::Subscriptions, row(&format!("active-{n}"), index, json!({}))))
            .await;
    }
    let count = async |now, most| {
        let count = Count::Active { service: "active".to_owned(), now };
        got(store.count(&count, most).await)
    };
    assert_eq!(count(at(-1), 100).await, 7);
    assert_eq!(count(at(0), 100).await, 6, "access that ends now has ended");
    assert_eq!(count(at(35), 100).await, 3);
    assert_eq!(count(at(60), 100).await, 0);
    assert_eq!(count(at(-1), 5).await, 5, "no more than asked for");
    assert_eq!(count(at(-1), 7).await, 7);
    assert_eq!(count(at(-1), 0).await, 0);
    let other = Count::Active { service: "activ".to_owned(), now: at(-1) };
    assert_eq!(got(store.count(&other, 100).await), 0);
}

async fn waiting_alerts_are_counted(store: &impl Store) {
    let waiting = |id: &str| Index {
        waiting: Some("waiting".to_owned()),
        sort: sort(1, id),
        ..Index::default()
    };
    let mut rows = Vec::new();
    for n in 0..3 {
        let id = format!("waiting-{n}");
        rows.push(save(store, create(Table::Alerts, row(&id, waiting(&id), json!({})))).await);
    }
    let count = Count::Waiting { service: "waiting".to_owned() };
    assert_eq!(got(store.count(&count, 20).await), 3);
    assert_eq!(got(store.count(&count, 2).await), 2);
    for row in rows.iter().take(2) {
        let index = Index { sort: Some(sortable(at(1))), ..Index::default() };
        save(store, over(Table::Alerts, row, index, json!({}))).await;
    }
    assert_eq!(got(store.count(&count, 20).await), 1, "what is posted waits no more");
}
