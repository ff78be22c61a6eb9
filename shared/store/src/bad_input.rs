//! Whatever stands in a table, in its stream or in a caller's cursor: it is read or refused, and
//! what is written reads as it was.

use domain::change::{Actor, Meta, Why};
use domain::ids::TraderId;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_dynamo::{AttributeValue, Item};
use serde_json::Value;

use crate::entities::{Requested, UserClaim};
use crate::{
    Cursor, Entity, Index, Row, StoreError, Write, decode, item_from_row, record, row_from_image,
};

/// The number in the keys here that is a Telegram id.
const PERSONAL: &str = "987654321";

/// JSON as it can stand in a body.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // A table's numbers have no trailing zeroes (Amazon DynamoDB, "Number"): 1.0 comes back as 1,
        // which is among the whole ones.
        (-1e15..1e15)
            .prop_map(|number: f64| number.round() / 1000.0)
            .prop_filter("whole numbers are made above", |number| number.fract() != 0.0)
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,6}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Moments that are written, by the second: a table's time to live knows no shorter ones.
fn moments() -> impl Strategy<Value = Timestamp> {
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    prop_oneof![prop::sample::select(vec![first, last, 0]), first..=last, 0_i64..4_000_000_000,]
        .prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn metas() -> impl Strategy<Value = Meta> {
    let trader = "[!-~]{1,128}".prop_map(|id| Actor::Trader(TraderId::parse(&id).unwrap()));
    let others = vec![Actor::Storefront, Actor::Person, Actor::Telegram, Actor::Sweep];
    let actors = prop_oneof![trader, prop::sample::select(others)];
    let reasons = vec![Why::Purchased, Why::GroupBound, Why::AlertSent, Why::MemberRemoved];
    (any::<u64>(), moments(), 0_i32..1_000_000_000, actors, prop::sample::select(reasons)).prop_map(
        |(ver, at, nanos, changed_by, why)| {
            let changed_at = Timestamp::new(at.as_second(), nanos).unwrap_or(at);
            Meta { ver, changed_at, changed_by, why }
        },
    )
}

fn indexes() -> impl Strategy<Value = Index> {
    let text = || prop::option::of("[ -~]{0,12}");
    (
        (text(), text(), text(), text(), text(), text()),
        prop::option::of(("[a-z0-9-]{1,9}", moments())),
        prop::option::of(moments()),
        prop::option::of(moments()),
    )
        .prop_map(
            |((owner, service_id, waiting, spare, sort, listed), active, due_at, expires)| Index {
                owner,
                service_id,
                active,
                waiting,
                spare,
                listed,
                sort,
                due_at,
                expires,
            },
        )
}

fn rows() -> impl Strategy<Value = Row> {
    let kinds = ["service", "chat", "subscription", "alert", "link", "user", "nothing"];
    let ids = prop_oneof![any::<String>(), "(chat|tg)#[0-9#-]{1,20}"];
    (ids, prop::sample::select(kinds.to_vec()), metas(), indexes(), json()).prop_map(
        |(id, kind, meta, index, body)| Row {
            id,
            kind: kind.to_owned(),
            meta,
            index,
            body: body.into(),
        },
    )
}

/// Attributes of any type.
fn attributes() -> impl Strategy<Value = AttributeValue> {
    let texts = vec![PERSONAL, "", "due#1", "2026-01-02T03:04:05Z#x", "storefront", "alert.sent"];
    let leaf = prop_oneof![
        prop::sample::select(texts).prop_map(|text| AttributeValue::S(text.to_owned())),
        any::<String>().prop_map(AttributeValue::S),
        any::<String>().prop_map(AttributeValue::N),
        any::<i64>().prop_map(|number| AttributeValue::N(number.to_string())),
        any::<bool>().prop_map(AttributeValue::Bool),
        Just(AttributeValue::Null(true)),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(AttributeValue::B),
        prop::collection::vec(any::<String>(), 0..3).prop_map(AttributeValue::Ss),
        prop::collection::vec(any::<String>(), 0..3).prop_map(AttributeValue::Ns),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(AttributeValue::L),
            prop::collection::hash_map("[a-z]{0,6}", inner, 0..3).prop_map(AttributeValue::M),
        ]
    })
}

proptest! {
    #[test]
    fn a_row_reads_as_it_was_written(row in rows()) {
        let item = item_from_row(&row).unwrap();
        // An index stays sparse only if what is absent is not even null. The body may hold null.
        let none = item.iter().any(|(name, it)| name != "body" && *it == AttributeValue::Null(true));
        prop_assert!(!none, "{item:?}");
        prop_assert_eq!(row_from_image(item).unwrap(), row);
    }

    #[test]
    fn no_image_makes_the_reader_panic_or_tell_an_id(
        row in rows(),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::option::of(attributes())), 1..4,
        ),
    ) {
        let row = Row { id: format!("tg#{PERSONAL}"), ..row };
        let mut image = item_from_row(&row).unwrap();
        for (which, value) in changes {
            let mut names: Vec<_> = image.keys().cloned().collect();
            names.sort();
            let Some(name) = names.get(which.index(names.len().max(1))).cloned() else { break };
            match value {
                // An error names key and kind. Of those that are made otherwise than ours nobody can
                // tell that they are personal.
                Some(AttributeValue::S(text))
                    if ["id", "kind"].contains(&name.as_str()) && text == PERSONAL => {}
                Some(value) => drop(image.insert(name, value)),
                None => drop(image.remove(&name)),
            }
        }
        match row_from_image(image) {
            Ok(row) => if let Err(broken) = record(&row) {
                prop_assert!(!format!("{broken} {broken:?}").contains(PERSONAL), "{broken:?}");
            },
            Err(broken) => {
                prop_assert!(!format!("{broken} {broken:?}").contains(PERSONAL), "{broken:?}");
            }
        }
    }

    #[test]
    fn no_body_makes_a_record_panic(row in rows()) {
        let has_consequences =
            ["service", "chat", "subscription", "alert", "link"].contains(&row.kind.as_str());
        match record(&row) {
            Ok(None) => prop_assert!(!has_consequences),
            Ok(Some((_, meta))) => prop_assert!(has_consequences && meta == row.meta),
            Err(_) => prop_assert!(has_consequences),
        }
        // A row of one kind is never read as another.
        let other = Row { kind: "chat".to_owned(), ..row };
        prop_assert!(decode::<UserClaim>(other).is_err());
    }

    #[test]
    fn a_request_is_found_as_it_was_kept(
        id in any::<String>(), fingerprint in any::<String>(), row in rows(),
    ) {
        // Any outcome will do: what it is does not matter to the frame around it.
        let request = Requested { id, fingerprint, outcome: row.body.json(), at: row.meta.changed_at };
        let written = serde_json::to_string(&request).unwrap();
        prop_assert_eq!(serde_json::from_str::<Requested<Value>>(&written).unwrap(), request);
    }

    #[test]
    fn an_account_has_one_place_in_a_service(
        service in any::<u128>(), user in any::<i64>(), subscription in any::<u128>(), meta in metas(),
    ) {
        use domain::ids::{ServiceId, SubscriptionId, UserId};
        let claim = UserClaim {
            service: ServiceId::fresh(uuid::Uuid::from_u128(service)),
            user: UserId::new(user),
            subscription: Some(SubscriptionId::fresh(uuid::Uuid::from_u128(subscription))),
        };
        let Meta { changed_at: at, changed_by: by, why, .. } = meta;
        let write = Write::create(&claim, &domain::change::Cause { at, by, why });
        let row = row_from_image(item_from_row(&write.row).unwrap()).unwrap();
        let stored = decode::<UserClaim>(row).unwrap();
        prop_assert_eq!(stored.value.id(), write.row.id);
        prop_assert_eq!(stored.value, claim);
    }

    #[test]
    fn a_cursor_leads_back_to_its_keys_and_any_other_text_nowhere(
        one in "\\PC{1,60}", other in any::<String>(), text in ".{0,80}",
    ) {
        let taken = Cursor::at([&one, &other]).keys::<2>();
        match other.as_str() {
            "" => prop_assert!(matches!(taken, Err(StoreError::BadCursor))),
            _ => prop_assert_eq!(taken.unwrap(), [one, other]),
        }
        // None of these characters is base64's, or it is JSON of the right form.
        if let Ok(keys) = Cursor(text).keys::<2>() {
            prop_assert_eq!(Cursor::at([&keys[0], &keys[1]]).keys::<2>().unwrap(), keys);
        }
    }

    #[test]
    fn no_bytes_of_an_image_make_its_reader_panic(text in any::<String>(), row in rows()) {
        // As Lambda hands images over: JSON, from which the attributes are read.
        let mut json = serde_json::to_string(&item_from_row(&row).unwrap()).unwrap();
        let read: Item = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(row_from_image(read).unwrap(), row);
        let middle = (0..=json.len() / 2).rev().find(|at| json.is_char_boundary(*at)).unwrap();
        json.insert_str(middle, &text);
        if let Ok(read) = serde_json::from_str::<Item>(&json) {
            let _ = row_from_image(read).map(|row| record(&row));
        }
    }
}
