//! Whatever a request holds: it is read or refused, and a refusal keeps to its form.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde_json::Value;

use crate::{Call, Fields, IdempotencyKey, Problem, ProblemKind, integer, price, settings, text};

/// JSON, as wild as it comes.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Reads one field in each way that there is.
fn read_all(fields: &mut Fields<'_>) {
    let _ = fields.required("a", text);
    let _ = fields.optional("b", integer(Ok::<_, String>));
    let _ = fields.optional("c", price);
    let _ = fields.list("d", price);
    let _ = fields.object("e", |inner| inner.optional("f", text));
    fields.alias("g", "h");
    let _ = fields.optional("g", text);
    let _ = settings(fields);
}

/// The form that the contract promises (RFC 9457).
fn has_form(problem: &Problem) -> bool {
    let body = problem.body("r-1");
    let told = |name: &str| body[name].as_str().is_some_and(|text| !text.is_empty());
    let named = body.get("errors").is_none_or(|errors| {
        errors.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(Value::is_object))
    });
    told("type") && told("title") && told("detail") && body["instance"] == "r-1" && named
}

proptest! {
    #[test]
    fn no_json_makes_the_reader_panic_and_no_unknown_field_is_passed_over(body in json()) {
        let bytes = body.to_string().into_bytes();
        match (Fields::parse(&bytes), &body) {
            (Ok(mut fields), Value::Object(map)) => {
                read_all(&mut fields);
                let known = ["a", "b", "c", "d", "e", "g", "h", "settings"];
                let unknown = map.keys().filter(|name| !known.contains(&name.as_str())).count();
                match fields.finish(Some(())) {
                    Ok(()) => prop_assert!(unknown == 0 && map.contains_key("a")),
                    Err(problem) => {
                        prop_assert!(problem.faults.len() >= unknown && has_form(&problem));
                        prop_assert_eq!(problem.kind, ProblemKind::Invalid);
                    }
                }
            }
            (Err(problem), other) => {
                prop_assert!(!other.is_object());
                prop_assert_eq!(problem.kind, ProblemKind::Invalid);
            }
            (Ok(_), other) => prop_assert!(false, "{other} is no object"),
        }
    }

    #[test]
    fn a_field_that_is_named_twice_is_a_fault_wherever_it_stands(
        names in prop::collection::vec("[a-c]", 0..6),
    ) {
        let members: Vec<_> = names.iter().map(|name| format!("\"{name}\":\"x\"")).collect();
        let inner = format!("{{{}}}", members.join(","));
        let mut counts = BTreeMap::new();
        for name in &names {
            *counts.entry(name.clone()).or_insert(0) += 1;
        }
        let twice = counts.values().any(|count| *count > 1);
        let read = |fields: &mut Fields<'_>| {
            for name in ["a", "b", "c"] {
                let _ = fields.optional(name, text);
            }
            Some(())
        };
        let mut outer = Fields::parse(inner.as_bytes()).unwrap();
        let value = read(&mut outer);
        prop_assert_eq!(outer.finish(value).is_err(), twice);
        let nested = format!("{{\"in\":{inner}}}");
        let mut outer = Fields::parse(nested.as_bytes()).unwrap();
        let value = outer.object("in", read);
        prop_assert_eq!(outer.finish(value).is_err(), twice);
    }

    #[test]
    fn a_body_is_read_refused_or_too_large_and_never_more(
        body in prop_oneof![
            json().prop_map(|body| body.to_string().into_bytes()),
            prop::collection::vec(any::<u8>(), 0..200),
            (32_760_usize..32_780).prop_map(|length| vec![b' '; length]),
        ],
        media in prop_oneof![
            Just("application/json".to_owned()),
            Just("Application/JSON ; charset=utf-8".to_owned()),
            any::<String>(),
        ],
    ) {
        let headers = HashMap::from([("content-type".to_owned(), media)]);
        let call = Call { headers, body, ..Call::default() };
        for refused in [call.body().err(), call.optional_body().err()].into_iter().flatten() {
            prop_assert!(has_form(&refused), "{refused:?}");
            prop_assert!([400, 413, 415, 422].contains(&refused.kind.status()));
            prop_assert_eq!(refused.kind == ProblemKind::TooLarge, call.body.len() > 32 * 1024);
        }
        prop_assert!(call.optional_body().is_ok() || !call.body.is_empty());
    }

    #[test]
    fn the_same_request_has_the_same_fingerprint_however_it_is_spaced(
        body in json(), other in json(), id in ".{0,9}",
    ) {
        let asked = |body: String| {
            let path = HashMap::from([("id".to_owned(), id.clone())]);
            Call { path, body: body.into_bytes(), ..Call::default() }.fingerprint("route")
        };
        let one = asked(body.to_string());
        let read: Value = serde_json::from_str(&body.to_string()).unwrap();
        prop_assert_eq!(&one, &asked(serde_json::to_string_pretty(&read).unwrap()));
        let (same, other) = (body == other, asked(other.to_string()));
        prop_assert_eq!(one == other, same);
    }

    #[test]
    fn callers_and_keys_are_visible_characters_or_nothing(given in any::<String>(), visible in "[!-~]{1,260}") {
        for text in [given, visible] {
            let call = Call { subject: Some(text.clone()), ..Call::default() };
            let fits = |most: usize| {
                (1..=most).contains(&text.len()) && text.bytes().all(|b| (0x21..=0x7e).contains(&b))
            };
            prop_assert_eq!(call.trader().is_ok(), fits(128));
            prop_assert_eq!(IdempotencyKey::parse(&text).is_some(), fits(255));
            let headers = HashMap::from([("idempotency-key".to_owned(), text.clone())]);
            let key = Call { headers, ..call }.key();
            prop_assert_eq!(key.is_ok(), fits(255));
        }
    }
}
