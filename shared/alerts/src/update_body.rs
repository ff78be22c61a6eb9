//! The body of an update: which fields each kind takes, and what it refuses.

use domain::alert::Alert;
use domain::text::Note;
use domain::update::{Command, Percent, Says, TargetNumber};

use web::{Fields, Problem, Raw, integer, one_of, parsed, price};

/// The kinds, as callers name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    TpHit,
    MoveSl,
    Breakeven,
    PartialClose,
    Close,
    Cancel,
    Note,
}

impl Kind {
    /// The fields that go with it, beside `text`, which goes with all.
    const fn takes(self) -> &'static [&'static str] {
        match self {
            Self::TpHit => &["target", "price", "percent"],
            Self::MoveSl | Self::Breakeven | Self::Close => &["price"],
            Self::PartialClose => &["percent", "price"],
            Self::Cancel | Self::Note => &[],
        }
    }

    /// The field without which it says nothing.
    const fn needs(self) -> Option<&'static str> {
        match self {
            Self::MoveSl => Some("price"),
            Self::PartialClose => Some("percent"),
            Self::Note => Some("text"),
            Self::TpHit | Self::Breakeven | Self::Close | Self::Cancel => None,
        }
    }
}

/// Reads the body of `POST /alerts/{id}/updates`, about this alert.
///
/// # Errors
/// A [`Problem`] that names every fault.
pub fn update_body(mut body: Fields<'_>, alert: &Alert) -> Result<Says, Problem> {
    let kind = body.required(
        "kind",
        one_of([
            ("tp_hit", Kind::TpHit),
            ("move_sl", Kind::MoveSl),
            ("breakeven", Kind::Breakeven),
            ("partial_close", Kind::PartialClose),
            ("close", Kind::Close),
            ("cancel", Kind::Cancel),
            ("note", Kind::Note),
        ]),
    );
    let is_given =
        |body: &Fields<'_>, name: &str| body.raw(name).is_some_and(|raw| raw.get() != "null");
    let mut odd = Vec::new();
    if let Some(kind) = kind {
        odd.extend(
            ["target", "price", "percent"]
                .into_iter()
                .filter(|name| is_given(&body, name) && !kind.takes().contains(name)),
        );
    }
    let missing = kind.and_then(Kind::needs).filter(|name| !is_given(&body, name));
    let target = body.optional("target", integer(TargetNumber::new));
    let price = body.optional("price", price);
    let percent = body.optional("percent", percent);
    let text = body.optional("text", parsed(Note::parse));
    for name in odd {
        body.fault(name, "does not go with this kind of update");
    }
    if let Some(name) = missing {
        body.fault(name, "is missing: this kind of update needs it");
    }
    let targets = alert.signal().map_or(&[][..], |signal| &signal.fields().targets);
    if let Some(target) = target
        && !targets.is_empty()
        && target.of(targets).is_none()
    {
        body.fault("target", format!("the alert has {} targets", targets.len()));
    }
    let command = |command| Some(Says::Command { command, remark: text.clone() });
    let says = match kind {
        None => None,
        Some(Kind::TpHit) => command(Command::TpHit { target, price, percent }),
        Some(Kind::MoveSl) => price.and_then(|price| command(Command::MoveSl { price })),
        Some(Kind::Breakeven) => command(Command::Breakeven { price }),
        Some(Kind::PartialClose) => {
            percent.and_then(|percent| command(Command::PartialClose { percent, price }))
        }
        Some(Kind::Close) => command(Command::Close { price }),
        Some(Kind::Cancel) => command(Command::Cancel),
        Some(Kind::Note) => text.map(|text| Says::Note { text }),
    };
    body.finish(says)
}

/// A decimal, as a text or a JSON number.
fn percent(raw: Raw<'_>) -> Result<Percent, String> {
    Percent::new(price(raw)?).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use domain::alert::{Content, NewAlert};
    use domain::ids::{AlertId, ServiceId, TraderId};
    use domain::price::Positive;
    use domain::service::AlertFormat;
    use domain::signal::{Action, Fields as SignalFields, Signal};
    use domain::text::Symbol;
    use jiff::Timestamp;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn alert(targets: &[&str]) -> Alert {
        let service = ServiceId::fresh(Uuid::nil());
        let fields = SignalFields {
            symbol: Symbol::parse("EURUSD").unwrap(),
            action: Action::Buy,
            order_type: None,
            entry: None,
            targets: targets.iter().map(|text| Positive::parse(text).unwrap()).collect(),
            stop_loss: None,
            leverage: None,
            timeframe: None,
            exchange: None,
            note: None,
        };
        let new = NewAlert {
            id: AlertId::derived(service, "key", "1"),
            service,
            trader: TraderId::parse("t1").unwrap(),
            client_alert_id: None,
            content: Content::Signal {
                signal: Box::new(Signal::new(fields).unwrap()),
                image_url: None,
                format: AlertFormat::Rich,
            },
            fingerprint: String::new(),
        };
        Alert::queued(new, Timestamp::UNIX_EPOCH)
    }

    fn read(body: &str) -> Result<Says, Vec<String>> {
        let read = update_body(Fields::parse(body.as_bytes()).unwrap(), &alert(&["1.2", "1.3"]));
        read.map_err(|problem| problem.faults.into_iter().map(|fault| fault.pointer).collect())
    }

    fn refused(body: &str) -> Vec<String> {
        read(body).unwrap_err()
    }

    #[test]
    fn each_kind_takes_its_own_fields() {
        for body in [
            r#"{"kind":"tp_hit"}"#,
            r#"{"kind":"tp_hit","target":2,"price":"1.31","percent":50,"text":"Well done"}"#,
            r#"{"kind":"move_sl","price":1.10,"text":null}"#,
            r#"{"kind":"breakeven","target":null}"#,
            r#"{"kind":"breakeven","price":"1.15"}"#,
            r#"{"kind":"partial_close","percent":"33.3"}"#,
            r#"{"kind":"close","price":"1.2"}"#,
            r#"{"kind":"cancel","text":"Too late"}"#,
            r#"{"kind":"note","text":"News at 14:30"}"#,
        ] {
            assert!(read(body).is_ok(), "{body}: {:?}", read(body));
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        assert_eq!(refused("{}"), ["/kind"]);
        assert_eq!(refused(r#"{"kind":"move_sl"}"#), ["/price"]);
        assert_eq!(refused(r#"{"kind":"move_sl","price":null}"#), ["/price"]);
        assert_eq!(refused(r#"{"kind":"partial_close"}"#), ["/percent"]);
        assert_eq!(refused(r#"{"kind":"note"}"#), ["/text"]);
        assert_eq!(
            refused(r#"{"kind":"note","target":0,"price":"x","percent":101,"text":"{{x}}","a":1}"#),
            ["/target", "/price", "/percent", "/text", "/target", "/price", "/percent", "/a"]
        );
        assert_eq!(refused(r#"{"kind":"explode","price":"{{close}}"}"#), ["/kind", "/price"]);
    }

    #[test]
    fn a_target_is_one_of_the_alerts_own() {
        assert_eq!(refused(r#"{"kind":"tp_hit","target":3}"#), ["/target"]);
        let free = Fields::parse(br#"{"kind":"tp_hit","target":3}"#).unwrap();
        assert!(update_body(free, &alert(&[])).is_ok(), "where it names none, the trader knows");
        let beyond = Fields::parse(br#"{"kind":"tp_hit","target":11}"#).unwrap();
        assert!(update_body(beyond, &alert(&[])).is_err());
    }

    fn values() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            Just("[]".to_owned()),
            (-2_i64..120).prop_map(|it| it.to_string()),
            "(0|[1-9][0-9]{0,2})\\.[0-9]{1,3}",
            "\"[a-z0-9.{} ]{0,12}\"",
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_taken_goes_with_its_kind_and_nothing_makes_the_reader_panic(
            kind in prop::sample::select(vec![
                "tp_hit", "move_sl", "breakeven", "partial_close", "close", "cancel", "note", "odd",
            ]),
            target in prop::option::of(values()),
            price in prop::option::of(values()),
            percent in prop::option::of(values()),
            text in prop::option::of(values()),
        ) {
            let mut members = vec![format!("\"kind\":\"{kind}\"")];
            let mut given = Vec::new();
            for (name, value) in
                [("target", target), ("price", price), ("percent", percent), ("text", text)]
            {
                if let Some(value) = value {
                    members.push(format!("\"{name}\":{value}"));
                    if value != "null" {
                        given.push(name);
                    }
                }
            }
            let body = format!("{{{}}}", members.join(","));
            match read(&body) {
                Err(pointers) => prop_assert!(!pointers.is_empty(), "{}", body),
                Ok(Says::Note { .. }) => prop_assert_eq!(given, ["text"]),
                Ok(Says::Command { command, remark }) => {
                    prop_assert_eq!(remark.is_some(), given.contains(&"text"));
                    let stored = serde_json::to_value(&command).unwrap();
                    prop_assert_eq!(&stored["kind"], kind);
                    for name in ["target", "price", "percent"] {
                        let is_kept = stored.get(name).is_some();
                        prop_assert_eq!(is_kept, given.contains(&name), "{} of {}", name, body);
                    }
                }
            }
        }
    }
}
