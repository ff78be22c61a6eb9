//! Conditional saves.

use domain::change::{Actor, Cause, Meta, Why};
use domain::ids::{ServiceId, SubscriptionId, TraderId, UserId};
use futures::future::join_all;
use serde_json::json;
use store::{CommitError, Index, Row, Store, StoreError, Table, UserClaim, Write, key, load};

use super::{at, create, done, got, is_conflict, over, plain, row, save, sort, stands};

pub(super) async fn all(store: &impl Store) {
    what_was_saved_is_read_back(store).await;
    what_changed_is_read_back(store).await;
    nothing_stands_where_nothing_was_saved(store).await;
    long_texts_of_all_alphabets_are_kept(store).await;
    typed_items_are_loaded_as_they_were_saved(store).await;
    no_writes_are_no_trouble(store).await;
    a_key_is_taken_once(store).await;
    a_save_needs_the_version_that_was_read(store).await;
    of_two_writers_the_second_has_to_read_again(store).await;
    a_repeated_save_is_a_conflict_and_changes_nothing(store).await;
    of_two_equal_saves_only_one_is_told_that_it_was_done(store).await;
    no_update_is_lost_among_many_writers(store).await;
    rows_are_saved_together_or_not_at_all(store).await;
    a_transaction_does_not_name_a_row_twice(store).await;
    a_claim_taken_by_many_at_once_has_one_winner(store).await;
}

async fn what_was_saved_is_read_back(store: &impl Store) {
    let index = Index {
        owner: Some("trader-1".to_owned()),
        service_id: Some("service-1".to_owned()),
        active: Some(("service-1".to_owned(), at(5))),
        waiting: Some("service-1".to_owned()),
        spare: None,
        listed: Some("passes#service-1".to_owned()),
        sort: sort(0, "full"),
        due_at: Some(at(-7)),
        expires: Some(at(9)),
    };
    let trader = TraderId::parse("trader-1").ok();
    let meta = Meta {
        ver: 1,
        changed_at: "2026-01-02T03:04:05.000000006Z".parse().unwrap_or_default(),
        changed_by: trader.map_or(Actor::Sweep, Actor::Trader),
        why: Why::ServiceCreated,
    };
    let body = json!({
        "text": "", "none": null, "yes": true, "list": [], "map": {}, "zero": 0,
        "least": i64::MIN, "most": u64::MAX, "point": 0.25,
        "deep": [{"a": [{"b": [1, "2", [null]]}]}],
    });
    let row = Row { meta, ..row("full", index, body) };
    for table in [Table::Services, Table::Subscriptions, Table::Alerts] {
        save(store, create(table, row.clone())).await;
        assert_eq!(stands(store, table, "full").await, Some(row.clone()), "{table:?}");
    }
}

async fn what_changed_is_read_back(store: &impl Store) {
    let index = Index { due_at: Some(at(1)), expires: Some(at(1)), ..Index::default() };
    let old = save(store, create(Table::Services, row("changed", index, json!({"a": 1})))).await;
    let new = save(store, over(Table::Services, &old, Index::default(), json!({"b": 2}))).await;
    assert_eq!(stands(store, Table::Services, "changed").await, Some(new));
}

async fn nothing_stands_where_nothing_was_saved(store: &impl Store) {
    assert_eq!(stands(store, Table::Alerts, "never").await, None);
    save(store, create(Table::Services, plain("elsewhere"))).await;
    assert_eq!(stands(store, Table::Alerts, "elsewhere").await, None, "a table is not another");
}

async fn long_texts_of_all_alphabets_are_kept(store: &impl Store) {
    let id = "ключ#鍵 \u{1F511}\"{}";
    let text = "Заголовок ✅ 中文 e\u{301} \u{0} \r\n\t\u{10FFFF} ".repeat(6_000);
    let index = Index {
        owner: Some("торговец".to_owned()),
        sort: Some("ß#ключ".to_owned()),
        ..Index::default()
    };
    let row = row(id, index, json!({"text": text, "ключ": "✓"}));
    save(store, create(Table::Services, row.clone())).await;
    assert_eq!(stands(store, Table::Services, id).await, Some(row));
}

async fn typed_items_are_loaded_as_they_were_saved(store: &impl Store) {
    let service = ServiceId::fresh(domain_uuid(1));
    let user = UserId::new(-9_007_199_254_740_991);
    let claim =
        UserClaim { service, user, subscription: Some(SubscriptionId::fresh(domain_uuid(2))) };
    let cause = Cause { at: at(3), by: Actor::Person, why: Why::AccountLinked };
    let write = Write::create(&claim, &cause);
    done(store.commit(vec![write.clone()]).await);
    let read = got(load::<UserClaim>(store, &key::user(service, user)).await);
    assert_eq!(read, write.stored().ok());
}

fn domain_uuid(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}

async fn no_writes_are_no_trouble(store: &impl Store) {
    done(store.commit(Vec::new()).await);
}

async fn a_key_is_taken_once(store: &impl Store) {
    let first = save(store, create(Table::Services, plain("taken"))).await;
    let second = create(Table::Services, row("taken", Index::default(), json!({"second": true})));
    assert!(is_conflict(&store.commit(vec![second]).await));
    assert_eq!(stands(store, Table::Services, "taken").await, Some(first));
}

async fn a_save_needs_the_version_that_was_read(store: &impl Store) {
    let write = over(Table::Services, &plain("absent"), Index::default(), json!({}));
    assert!(is_conflict(&store.commit(vec![write]).await), "there is nothing to save over");
    assert_eq!(stands(store, Table::Services, "absent").await, None);

    let first = save(store, create(Table::Services, plain("versions"))).await;
    let mut ahead = over(Table::Services, &first, Index::default(), json!({}));
    ahead.expected = Some(2);
    assert!(is_conflict(&store.commit(vec![ahead]).await), "that version is not there yet");
    let second = save(store, over(Table::Services, &first, Index::default(), json!({}))).await;
    save(store, over(Table::Services, &second, Index::default(), json!({}))).await;
    let late = over(Table::Services, &first, Index::default(), json!({"late": true}));
    assert!(is_conflict(&store.commit(vec![late]).await), "that version is gone");
    let now = stands(store, Table::Services, "versions").await;
    assert_eq!(now.map(|row| (row.meta.ver, row.body)), Some((3, json!({}).into())));
}

async fn of_two_writers_the_second_has_to_read_again(store: &impl Store) {
    let read = save(store, create(Table::Services, plain("two-writers"))).await;
    let one = over(Table::Services, &read, Index::default(), json!({"by": "one"}));
    let two = over(Table::Services, &read, Index::default(), json!({"by": "two"}));
    done(store.commit(vec![one.clone()]).await);
    assert!(is_conflict(&store.commit(vec![two]).await));
    assert_eq!(stands(store, Table::Services, "two-writers").await, Some(one.row.clone()));
    done(
        store
            .commit(vec![over(Table::Services, &one.row, Index::default(), json!({"by": "two"}))])
            .await,
    );
}

async fn a_repeated_save_is_a_conflict_and_changes_nothing(store: &impl Store) {
    let read = save(store, create(Table::Services, plain("repeated"))).await;
    let again = create(Table::Services, read.clone());
    assert!(is_conflict(&store.commit(vec![again]).await));
    let write = over(Table::Services, &read, Index::default(), json!({"n": 1}));
    done(store.commit(vec![write.clone()]).await);
    assert!(is_conflict(&store.commit(vec![write.clone()]).await));
    assert_eq!(stands(store, Table::Services, "repeated").await, Some(write.row));
}

/// Two senders may have the same message in the same instant. Only one of them has it.
async fn of_two_equal_saves_only_one_is_told_that_it_was_done(store: &impl Store) {
    let read = save(store, create(Table::Alerts, plain("turn"))).await;
    let write = over(Table::Alerts, &read, Index::default(), json!({"tat": 37}));
    let outcomes =
        join_all((0..8).map(|_| store.commit(vec![write.clone()])).collect::<Vec<_>>()).await;
    assert_eq!(outcomes.iter().filter(|outcome| !is_conflict(outcome)).count(), 1);
}

async fn no_update_is_lost_among_many_writers(store: &impl Store) {
    const WRITERS: u64 = 8;
    save(store, create(Table::Alerts, row("counter", Index::default(), json!({"n": 0})))).await;
    let writer = async || {
        loop {
            let Some(read) = stands(store, Table::Alerts, "counter").await else { return };
            let n =
                read.body.json().get("n").and_then(serde_json::Value::as_u64).unwrap_or_default();
            let next = over(Table::Alerts, &read, Index::default(), json!({"n": n + 1}));
            if !is_conflict(&store.commit(vec![next]).await) {
                return;
            }
        }
    };
    join_all((0..WRITERS).map(|_| writer()).collect::<Vec<_>>()).await;
    let now = stands(store, Table::Alerts, "counter").await;
    assert_eq!(
        now.map(|row| (row.meta.ver, row.body)),
        Some((WRITERS + 1, json!({"n": WRITERS}).into()))
    );
}

async fn rows_are_saved_together_or_not_at_all(store: &impl Store) {
    let read = save(store, create(Table::Services, plain("together-old"))).await;
    let changed = over(Table::Services, &read, Index::default(), json!({"changed": true}));
    let writes = |blocked: &str| {
        vec![
            create(Table::Subscriptions, plain("together-new")),
            create(Table::Alerts, plain(blocked)),
            changed.clone(),
        ]
    };
    save(store, create(Table::Alerts, plain("together-taken"))).await;
    assert!(is_conflict(&store.commit(writes("together-taken")).await));
    assert_eq!(stands(store, Table::Subscriptions, "together-new").await, None);
    assert_eq!(stands(store, Table::Services, "together-old").await, Some(read));

    done(store.commit(writes("together-free")).await);
    assert!(stands(store, Table::Subscriptions, "together-new").await.is_some());
    assert!(stands(store, Table::Alerts, "together-free").await.is_some());
    assert_eq!(stands(store, Table::Services, "together-old").await, Some(changed.row.clone()));

    assert!(is_conflict(&store.commit(writes("together-free")).await), "a repetition");
}

async fn a_transaction_does_not_name_a_row_twice(store: &impl Store) {
    let twice = vec![
        create(Table::Services, plain("named-twice")),
        create(Table::Services, plain("named-twice")),
    ];
    let outcome = store.commit(twice).await;
    assert!(matches!(outcome, Err(CommitError::Store(StoreError::Refused(_)))), "{outcome:?}");
    assert_eq!(stands(store, Table::Services, "named-twice").await, None);
}

async fn a_claim_taken_by_many_at_once_has_one_winner(store: &impl Store) {
    let own = |n: usize| format!("claimant-{n}");
    let claims = (0..8).map(|n| {
        store.commit(vec![
            create(Table::Subscriptions, row("claim", Index::default(), json!({"of": n}))),
            create(Table::Subscriptions, plain(&own(n))),
        ])
    });
    let outcomes = join_all(claims.collect::<Vec<_>>()).await;
    let winners: Vec<_> =
        (0..).zip(&outcomes).filter(|(_, outcome)| !is_conflict(outcome)).map(|(n, _)| n).collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    let claim = stands(store, Table::Subscriptions, "claim").await;
    assert_eq!(claim.map(|row| row.body), winners.first().map(|n| json!({"of": n}).into()));
    for n in 0..8 {
        let there = stands(store, Table::Subscriptions, &own(n)).await.is_some();
        assert_eq!(there, winners.contains(&n), "a loser leaves nothing behind");
    }
}
