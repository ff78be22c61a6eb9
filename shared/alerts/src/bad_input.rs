//! Whatever the body of an alert holds: it is taken as it was written, or every fault in it is
//! named at once.

use std::collections::BTreeSet;

use domain::price::Positive;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use web::{Fields, Problem};

use crate::{AlertBody, alert_body};

const SERVICE: &str = "5b7a1f0e-3c1d-4f6a-9d2e-8a4c7e1b0f35";

/// Every name that the body of an alert may hold.
const NAMES: [&str; 19] = [
    "service_id",
    "client_alert_id",
    "symbol",
    "ticker",
    "action",
    "order_type",
    "entry",
    "price",
    "targets",
    "target",
    "tp",
    "take_profit",
    "stop_loss",
    "sl",
    "stopLoss",
    "leverage",
    "timeframe",
    "exchange",
    "note",
];

fn read(body: &Value) -> Result<AlertBody, Problem> {
    Ok(alert_body(Fields::parse(body.to_string().as_bytes())?)?.1)
}

fn pointers(problem: &Problem) -> BTreeSet<&str> {
    problem.faults.iter().map(|fault| fault.pointer.as_str()).collect()
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "buy",
            "short",
            "limit",
            "1.10",
            "0",
            "{{close}}",
            "NaN",
            SERVICE
        ])
        .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[0-9]{1,22}\\.[0-9]{0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{0,6}", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A number as a trader writes it.
fn digits() -> impl Strategy<Value = String> {
    prop_oneof![
        (1_u32..1_000_000).prop_map(|whole| whole.to_string()),
        (1_u32..1_000_000, "[0-9]{1,8}").prop_map(|(whole, part)| format!("{whole}.{part}")),
        "0\\.0{0,6}[1-9][0-9]{0,3}",
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(fields) = Fields::parse(&body) {
            let _ = alert_body(fields);
        }
    }

    #[test]
    fn any_fields_are_taken_or_each_fault_has_its_name(
        fields in prop::collection::btree_map(
            prop_oneof![4 => prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned), 1 => "[a-z/~]{0,5}"],
            values(),
            0..9,
        ),
        sound in any::<bool>(),
    ) {
        let mut fields: Map<String, Value> = fields.into_iter().collect();
        if sound {
            fields.insert("service_id".to_owned(), SERVICE.into());
            fields.insert("action".to_owned(), "buy".into());
        }
        let body = Value::Object(fields.clone());
        if let Err(problem) = read(&body) {
            let named = pointers(&problem);
            prop_assert_eq!(problem.kind.status(), 422, "{:?}", problem);
            prop_assert!(!named.is_empty());
            // Each fault is in a field that is there, or tells of one that is missing.
            for pointer in &named {
                let name = pointer.split('/').nth(1).unwrap_or_default();
                let name = name.replace("~1", "/").replace("~0", "~");
                let missing = ["service_id", "action", "symbol", "entry"].contains(&name.as_str());
                let renamed = ["symbol", "entry", "targets", "stop_loss"].contains(&name.as_str());
                prop_assert!(fields.contains_key(&name) || missing || renamed, "{}", pointer);
            }
            // And no field that is not known is passed over.
            for name in fields.keys() {
                let known = NAMES.contains(&name.as_str());
                let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                prop_assert!(known || named.contains(pointer.as_str()), "{}", name);
            }
        } else {
            prop_assert!(fields.keys().all(|name| NAMES.contains(&name.as_str())), "{}", body);
        }
    }

    #[test]
    fn a_sound_alert_is_taken_and_keeps_its_digits(
        mut prices in prop::collection::vec(digits(), 2..=12),
        as_numbers in any::<bool>(),
        names in (0_usize..3, 0_usize..4, 0_usize..2),
        short in any::<bool>(),
    ) {
        // From the stop over the entry to the last target: up, or down for a short.
        prices.sort_by_key(|digits| Positive::parse(digits).unwrap());
        prices.dedup_by_key(|digits| Positive::parse(digits).unwrap());
        prop_assume!(prices.len() > 1);
        if short {
            prices.reverse();
        }
        let (stop, entry, targets) = (&prices[0], &prices[1], &prices[2..]);
        // As text, since a JSON number would not keep its digits on its way through a float.
        let shown = |digits: &str| match as_numbers {
            true => digits.to_owned(),
            false => format!("\"{digits}\""),
        };
        let list: Vec<_> = targets.iter().map(|target| shown(target)).collect();
        let body = format!(
            r#"{{"service_id":"{SERVICE}","ticker":"eurusd","action":"{}","{}":{},"{}":{},"{}":[{}]}}"#,
            if short { "short" } else { "long" },
            ["entry", "price"][names.2],
            shown(entry),
            ["stop_loss", "sl", "stopLoss"][names.0],
            shown(stop),
            ["targets", "target", "tp", "take_profit"][names.1],
            list.join(","),
        );
        let alert = alert_body(Fields::parse(body.as_bytes()).unwrap()).unwrap();
        let signal = alert.1.signal.fields();
        prop_assert_eq!(signal.symbol.as_str(), "EURUSD");
        prop_assert_eq!(signal.entry.as_ref().map(Positive::as_str), Some(entry.as_str()));
        prop_assert_eq!(signal.stop_loss.as_ref().map(Positive::as_str), Some(stop.as_str()));
        let kept: Vec<_> = signal.targets.iter().map(Positive::as_str).collect();
        prop_assert_eq!(kept, targets);
    }

    #[test]
    fn of_several_faults_none_is_kept_back(which in prop::collection::btree_set(0_usize..14, 1..14)) {
        let faults = [
            ("service_id", json!("nonsense"), "/service_id"),
            ("client_alert_id", json!(" "), "/client_alert_id"),
            ("symbol", json!("{{ticker}}"), "/symbol"),
            ("action", json!("hold"), "/action"),
            ("order_type", json!(7), "/order_type"),
            ("entry", json!("1,000"), "/entry"),
            ("targets", json!(["1", "x"]), "/targets/1"),
            ("stop_loss", json!("NaN"), "/stop_loss"),
            ("leverage", json!(0), "/leverage"),
            ("timeframe", json!(true), "/timeframe"),
            ("exchange", json!(["x"]), "/exchange"),
            ("note", json!("x".repeat(1_001)), "/note"),
            ("image_url", json!("http://charts.example/a.png"), "/image_url"),
            ("colour", json!("red"), "/colour"),
        ];
        let mut body = json!({ "service_id": SERVICE, "symbol": "EURUSD", "action": "buy" });
        let mut expected = BTreeSet::new();
        for number in which {
            let (name, value, pointer) = &faults[number];
            body[name] = value.clone();
            expected.insert(*pointer);
        }
        let problem = read(&body).unwrap_err();
        prop_assert_eq!(pointers(&problem), expected);
    }
}
