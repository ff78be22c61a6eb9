//! Lists, page by page, and what is found no more.

use domain::relay::sortable;
use serde_dynamo::{AttributeValue, Item};
use serde_json::json;
use store::{Cursor, Index, List, Row, Store, StoreError, Table, item_from_row};

use super::{RawRows, at, create, got, over, row, save, sort, walk};

pub(super) async fn all(store: &impl Store, raw: &impl RawRows) {
    a_list_shows_the_newest_first(store).await;
    every_row_is_seen_once_while_others_are_added(store).await;
    the_last_page_says_so(store).await;
    rows_of_the_same_moment_are_all_seen(store).await;
    each_sees_only_their_own(store).await;
    spares_come_longest_waiting_first_and_leave_when_taken(store).await;
    a_row_moves_when_its_place_changes(store).await;
    a_cursor_that_was_never_given_out_is_refused(store).await;
    a_cursor_of_elsewhere_shows_nothing_of_elsewhere(store).await;
    a_broken_row_does_not_hide_the_others(store, raw).await;
}

fn of_service(service: &str, age: i64, id: &str) -> Row {
    let index =
        Index { service_id: Some(service.to_owned()), sort: sort(age, id), ..Index::default() };
    row(id, index, json!({"age": age}))
}

fn of_owner(owner: &str, age: i64, id: &str) -> Row {
    let index = Index { owner: Some(owner.to_owned()), sort: sort(age, id), ..Index::default() };
    row(id, index, json!({}))
}

fn spare(age: i64, id: &str) -> Row {
    let index = Index { spare: Some("spare".to_owned()), sort: sort(age, id), ..Index::default() };
    row(id, index, json!({}))
}

async fn nothing<S: Store>(_: &S) {}

async fn ids(store: &impl Store, list: &List) -> Vec<String> {
    walk(store, list, 100, nothing).await
}

async fn a_list_shows_the_newest_first(store: &impl Store) {
    // Saved in another order than they were made.
    for (age, id) in [(2, "b"), (3, "c"), (1, "a")] {
        save(store, create(Table::Alerts, of_service("order", age, id))).await;
        save(store, create(Table::Subscriptions, of_service("order", age, id))).await;
        save(store, create(Table::Services, of_owner("order", age, id))).await;
    }
    for list in [
        List::AlertsOf("order".to_owned()),
        List::SubscriptionsOf("order".to_owned()),
        List::ServicesOf("order".to_owned()),
    ] {
        assert_eq!(ids(store, &list).await, ["c", "b", "a"], "{list:?}");
    }
    let page = got(store.list(&List::AlertsOf("order".to_owned()), 1, None).await);
    assert_eq!(page.items, [of_service("order", 3, "c")], "a list shows whole rows");
}

async fn every_row_is_seen_once_while_others_are_added(store: &impl Store) {
    let list = List::AlertsOf("pages".to_owned());
    let id = |age: i64| format!("page-{age:02}");
    for age in 0..23 {
        save(store, create(Table::Alerts, of_service("pages", age, &id(age)))).await;
    }
    for limit in [1, 2, 5, 22, 23, 24] {
        let seen = walk(store, &list, limit, nothing).await;
        assert_eq!(seen, (0..23).rev().map(id).collect::<Vec<_>>(), "{limit} at a time");
    }
    let mut newer = 100;
    let seen = walk(store, &list, 4, async |store| {
        newer += 1;
        save(store, create(Table::Alerts, of_service("pages", newer, &id(newer)))).await;
    })
    .await;
    assert_eq!(seen, (0..23).rev().map(id).collect::<Vec<_>>(), "newer ones stand before it");
    assert!(newer > 100, "there was something to be added between pages");
}

async fn the_last_page_says_so(store: &impl Store) {
    let list = List::AlertsOf("last-page".to_owned());
    let empty = got(store.list(&list, 10, None).await);
    assert!(empty.items.is_empty() && empty.next.is_none());
    for age in 0..4 {
        save(store, create(Table::Alerts, of_service("last-page", age, &format!("last-{age}"))))
            .await;
    }
    let page = got(store.list(&list, 2, None).await);
    assert_eq!(page.items.len(), 2);
    assert!(page.next.is_some(), "two more");
    let page = got(store.list(&list, 2, page.next.as_ref()).await);
    assert_eq!(page.items.len(), 2);
    assert_eq!(page.next, None, "nothing after a page that is just full");
}

async fn rows_of_the_same_moment_are_all_seen(store: &impl Store) {
    let list = List::SubscriptionsOf("same-moment".to_owned());
    for n in 0..7 {
        let index = Index {
            service_id: Some("same-moment".to_owned()),
            sort: Some(sortable(at(0))),
            ..Index::default()
        };
        save(store, create(Table::Subscriptions, row(&format!("same-{n}"), index, json!({}))))
            .await;
    }
    let mut seen = walk(store, &list, 2, nothing).await;
    seen.sort();
    assert_eq!(seen, (0..7).map(|n| format!("same-{n}")).collect::<Vec<_>>());
}

async fn each_sees_only_their_own(store: &impl Store) {
    for (owner, id) in [("own-1", "own-a"), ("own-11", "own-b"), ("own", "own-c")] {
        save(store, create(Table::Services, of_owner(owner, 1, id))).await;
    }
    assert_eq!(ids(store, &List::ServicesOf("own-1".to_owned())).await, ["own-a"]);
    assert_eq!(ids(store, &List::ServicesOf("own".to_owned())).await, ["own-c"]);
    assert!(ids(store, &List::ServicesOf("own-2".to_owned())).await.is_empty());
}

async fn spares_come_longest_waiting_first_and_leave_when_taken(store: &impl Store) {
    let mut rows = Vec::new();
    for (age, id) in [(5, "chat#-5"), (4, "chat#-4"), (6, "chat#-6")] {
        rows.push(save(store, create(Table::Services, spare(age, id))).await);
    }
    assert_eq!(walk(store, &List::Spares, 1, nothing).await, ["chat#-4", "chat#-5", "chat#-6"]);
    for row in rows.iter().filter(|row| row.id == "chat#-4") {
        save(store, over(Table::Services, row, Index::default(), json!({"taken": true}))).await;
    }
    assert_eq!(ids(store, &List::Spares).await, ["chat#-5", "chat#-6"]);
}

async fn a_row_moves_when_its_place_changes(store: &impl Store) {
    let first = save(store, create(Table::Services, of_owner("mover", 1, "mover-a"))).await;
    save(store, create(Table::Services, of_owner("mover", 2, "mover-b"))).await;
    let index = of_owner("mover", 3, "mover-a").index;
    let moved = save(store, over(Table::Services, &first, index, json!({}))).await;
    let list = List::ServicesOf("mover".to_owned());
    assert_eq!(ids(store, &list).await, ["mover-a", "mover-b"]);
    let index = of_owner("mover-2", 3, "mover-a").index;
    save(store, over(Table::Services, &moved, index, json!({}))).await;
    assert_eq!(ids(store, &list).await, ["mover-b"]);
    assert_eq!(ids(store, &List::ServicesOf("mover-2".to_owned())).await, ["mover-a"]);
}

async fn a_cursor_that_was_never_given_out_is_refused(store: &impl Store) {
    let list = List::AlertsOf("pages".to_owned());
    let long = "x".repeat(5_000);
    for bad in [
        Cursor(String::new()),
        Cursor("%%%".to_owned()),
        Cursor("ключ".to_owned()),
        Cursor("AAAA".to_owned()),
        Cursor(long.clone()),
        Cursor::at([]),
        Cursor::at(["only one"]),
        Cursor::at(["one", "two", "three"]),
        Cursor::at(["", ""]),
        Cursor::at([&long, &long]),
    ] {
        let outcome = store.list(&list, 2, Some(&bad)).await;
        assert!(matches!(outcome, Err(StoreError::BadCursor)), "{bad:?}: {outcome:?}");
    }
    // Whatever is made of one that was given out: an answer or a refusal, never a failure.
    let next =
        got(store.list(&list, 2, None).await).next.map(|cursor| cursor.0).unwrap_or_default();
    for cut in 0..next.len() {
        let outcome = store.list(&list, 2, Some(&Cursor(next.chars().take(cut).collect()))).await;
        assert!(matches!(outcome, Ok(_) | Err(StoreError::BadCursor)), "{outcome:?}");
    }
}

async fn a_cursor_of_elsewhere_shows_nothing_of_elsewhere(store: &impl Store) {
    for age in 0..3 {
        for service in ["here", "elsewhere"] {
            let id = format!("{service}-{age}");
            save(store, create(Table::Alerts, of_service(service, age, &id))).await;
        }
    }
    let of_elsewhere = got(store.list(&List::AlertsOf("elsewhere".to_owned()), 1, None).await).next;
    assert!(of_elsewhere.is_some());
    let made_up = Some(Cursor::at(["zzz", "made-up"]));
    for cursor in [of_elsewhere, made_up] {
        let page = got(store.list(&List::AlertsOf("here".to_owned()), 10, cursor.as_ref()).await);
        assert!(page.items.iter().all(|row| row.id.starts_with("here-")), "{:?}", page.items);
    }
}

async fn a_broken_row_does_not_hide_the_others(store: &impl Store, raw: &impl RawRows) {
    let id = |age: i64| format!("broken-{age}");
    for age in [1, 3, 5] {
        save(store, create(Table::Alerts, of_service("broken", age, &id(age)))).await;
    }
    let breaks: [fn(&mut Item); 3] = [
        |item| {
            item.remove("body");
        },
        |item| {
            item.insert("ver".to_owned(), AttributeValue::S("one".to_owned()));
        },
        |item| {
            item.insert("changed_at".to_owned(), AttributeValue::S("yesterday".to_owned()));
        },
    ];
    for (age, spoil) in [2, 4, 6].into_iter().zip(breaks) {
        let item = item_from_row(&of_service("broken", age, &id(age)));
        assert!(item.is_ok(), "{item:?}");
        let Ok(mut item) = item else { return };
        spoil(&mut item);
        raw.put_item(Table::Alerts, item).await;
        let read = store.read(Table::Alerts, &id(age)).await;
        assert!(matches!(read, Err(StoreError::Broken(_))), "{read:?}");
    }
    let list = List::AlertsOf("broken".to_owned());
    for limit in [1, 2, 3, 10] {
        let seen = walk(store, &list, limit, nothing).await;
        assert_eq!(seen, ["broken-5", "broken-3", "broken-1"], "{limit} at a time");
    }
}
