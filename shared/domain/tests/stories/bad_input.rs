//! Whatever text or number comes in: it is taken or refused, never stumbled over; what was taken
//! is written and read as it is; and a refusal says what is wrong.

use std::fmt::Debug;

use domain::ids::{CustomerId, ServiceId, TraderId};
use domain::price::{Currency, Positive};
use domain::service::{DurationDays, ReminderHours, Reminders};
use domain::signal::{Action, Contradiction, Fields, Leverage, MOST_TARGETS, OrderType, Signal};
use domain::text::{
    Description, Email, ImageUrl, Label, LinkName, Note, Reference, ServiceName, Symbol, TextError,
};
use domain::time::{after, back_off, before};
use domain::token::{BotName, LinkKey};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::common::again;

type Outcome = Result<(), TestCaseError>;

/// Texts as people and programs send them: of any characters, and of those that matter here.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,300}",
        any::<String>(),
        "[ \t\n\u{a0}\u{2028}]{0,3}[A-Za-z0-9/:._!&^-]{0,40}[ \n]{0,2}",
        "[0-9]{0,22}[.,]?[0-9]{0,22}",
        "(https?://)?[a-z@.]{0,12}[/?#a-z<\"]{0,12}",
        "[a-z.@ ]{0,20}@?[a-z.]{0,20}",
        "[a-z]{0,3}\\{\\{[a-z.]{0,8}(\\}\\})?",
        "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    ]
}

/// What is taken reads as it was written, and taken once more it stays as it is.
fn stays<T>(taken: &T, text: &str, take: impl Fn(&str) -> Option<T>) -> Outcome
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    prop_assert_eq!(&again(taken), taken);
    let once_more = take(text);
    prop_assert_eq!(once_more.as_ref(), Some(taken));
    Ok(())
}

/// Holds a bounded text against what it promises.
fn bounded<T>(
    text: &str,
    (most, lines): (usize, bool),
    take: impl Fn(&str) -> Result<T, TextError>,
    shown: impl Fn(&T) -> &str,
) -> Outcome
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let bare = text.trim();
    match take(text) {
        Ok(taken) => {
            prop_assert_eq!(shown(&taken), bare);
            let long = bare.chars().count();
            prop_assert!((1..=most).contains(&long) && !bare.contains("{{"));
            prop_assert!(bare.chars().all(|c| !c.is_control() || (lines && c == '\n')));
            stays(&taken, bare, |text| take(text).ok())
        }
        Err(error) => {
            match error {
                TextError::Empty => prop_assert!(bare.is_empty()),
                TextError::TooLong { most: told } => {
                    prop_assert_eq!(told, most);
                    prop_assert!(text.chars().count() > most);
                }
                TextError::Control => prop_assert!(bare.chars().any(char::is_control)),
                TextError::Placeholder => prop_assert!(bare.contains("{{")),
                TextError::Form(_) => prop_assert!(false, "a text without a form"),
            }
            Ok(())
        }
    }
}

fn price() -> impl Strategy<Value = Positive> {
    (1_u64..1_000, "[0-9]{1,4}")
        .prop_map(|(whole, part)| Positive::parse(&format!("{whole}.{part}")).unwrap())
}

fn fields() -> impl Strategy<Value = Fields> {
    let actions = vec![Action::Buy, Action::Sell, Action::Long, Action::Short];
    let orders = vec![None, Some(OrderType::Market), Some(OrderType::Limit), Some(OrderType::Stop)];
    (
        prop::sample::select(actions),
        prop::sample::select(orders),
        prop::option::of(price()),
        prop::collection::vec(price(), 0..13),
        prop::option::of(price()),
        prop::option::of(1_i64..=500),
    )
        .prop_map(|(action, order_type, entry, targets, stop_loss, leverage)| Fields {
            symbol: Symbol::parse("EURUSD").unwrap(),
            action,
            order_type,
            entry,
            targets,
            stop_loss,
            leverage: leverage.map(|number| Leverage::new(number).unwrap()),
            timeframe: None,
            exchange: None,
            note: None,
        })
}

fn moments() -> impl Strategy<Value = Timestamp> {
    let ends = vec![Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH];
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    prop_oneof![
        prop::sample::select(ends),
        (first..=last).prop_map(|second| Timestamp::from_second(second).unwrap()),
    ]
}

fn lengths() -> impl Strategy<Value = SignedDuration> {
    let ends = vec![SignedDuration::MIN, SignedDuration::MAX, SignedDuration::ZERO];
    prop_oneof![
        prop::sample::select(ends),
        any::<i64>().prop_map(SignedDuration::from_nanos),
        any::<i64>().prop_map(SignedDuration::from_secs),
    ]
}

proptest! {
    #[test]
    fn a_bounded_text_is_taken_trimmed_or_refused_for_its_own_fault(text in texts()) {
        bounded(&text, (128, false), ServiceName::parse, ServiceName::as_str)?;
        bounded(&text, (255, true), Description::parse, Description::as_str)?;
        bounded(&text, (32, false), LinkName::parse, LinkName::as_str)?;
        bounded(&text, (1000, true), Note::parse, Note::as_str)?;
        bounded(&text, (32, false), Label::parse, Label::as_str)?;
        bounded(&text, (255, false), Reference::parse, Reference::as_str)?;
    }

    #[test]
    fn a_text_with_a_form_is_taken_as_it_stays_or_refused(text in texts()) {
        if let Ok(email) = Email::parse(&text) {
            prop_assert_eq!(email.as_str(), text.as_str());
            stays(&email, &text, |text| Email::parse(text).ok())?;
            prop_assert!(!format!("{email:?}").contains(text.as_str()), "it is personal");
        }
        if let Ok(symbol) = Symbol::parse(&text) {
            prop_assert_eq!(symbol.as_str(), text.trim().to_ascii_uppercase());
            stays(&symbol, symbol.as_str(), |text| Symbol::parse(text).ok())?;
        }
        if let Ok(url) = ImageUrl::parse(&text) {
            prop_assert!(url.as_str().starts_with("https://") && url.as_str().is_ascii());
            stays(&url, url.as_str(), |text| ImageUrl::parse(text).ok())?;
        }
        if let Ok(currency) = Currency::parse(&text) {
            prop_assert_eq!(currency.as_str(), text.as_str());
            stays(&currency, &text, |text| Currency::parse(text).ok())?;
        }
        if let Ok(bot) = BotName::parse(&text) {
            prop_assert_eq!(BotName::parse(bot.as_str()), Ok(bot));
        }
        if let Ok(key) = LinkKey::new(&text) {
            prop_assert_eq!(format!("{key:?}"), "LinkKey(…)");
        }
    }

    #[test]
    fn an_id_is_the_text_that_was_given_or_none(text in texts()) {
        if let Ok(id) = text.parse::<ServiceId>() {
            prop_assert_eq!(id.to_string(), text.as_str());
            stays(&id, &text, |text| text.parse().ok())?;
        }
        let visible = (1..=128).contains(&text.len())
            && text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        prop_assert_eq!(CustomerId::parse(&text).is_ok(), visible);
        if let Ok(trader) = TraderId::parse(&text) {
            prop_assert_eq!(trader.as_str(), text.as_str());
            stays(&trader, &text, |text| TraderId::parse(text).ok())?;
        }
    }

    #[test]
    fn a_price_that_was_saved_keeps_its_digits_and_no_other_is_read(text in texts()) {
        let saved = serde_json::to_string(&text).unwrap();
        match (Positive::parse(&text), serde_json::from_str::<Positive>(&saved)) {
            (Ok(price), Ok(read)) => {
                prop_assert_eq!(read.as_str(), text.trim());
                let kept = again(&price);
                prop_assert_eq!(kept.as_str(), price.as_str());
            }
            (Err(_), Err(_)) => {}
            (taken, read) => prop_assert!(false, "{taken:?} {read:?}"),
        }
    }

    #[test]
    fn numbers_keep_within_their_bounds(number in prop_oneof![any::<i64>(), -5_i64..5_000]) {
        let days = DurationDays::new(number);
        prop_assert_eq!(days.is_ok(), (1..=3_660).contains(&number));
        prop_assert_eq!(days.ok().map(|days| i64::from(days.get())), days.ok().map(|_| number));
        let leverage = Leverage::new(number);
        prop_assert_eq!(leverage.is_ok(), (1..=500).contains(&number));
    }

    #[test]
    fn reminders_are_few_and_each_comes_once(hours in prop::collection::vec(1_i64..=8, 0..9)) {
        let given: Vec<_> = hours.iter().map(|hour| ReminderHours::new(*hour).unwrap()).collect();
        let mut different = hours.clone();
        different.sort_unstable();
        different.dedup();
        different.reverse();
        match Reminders::new(given) {
            Ok(reminders) => {
                prop_assert_eq!(&again(&reminders), &reminders);
                let written = serde_json::to_value(&reminders).unwrap();
                prop_assert_eq!(written, serde_json::to_value(different).unwrap());
            }
            Err(_) => prop_assert!(hours.len() > 5),
        }
    }

    #[test]
    fn a_signal_is_sound_or_each_of_its_contradictions_is_named(fields in fields()) {
        let rises = fields.action.rises();
        let wins = |price: &Positive, from: &Positive| {
            if rises { price > from } else { price < from }
        };
        let mut expected = Vec::new();
        if fields.targets.len() > MOST_TARGETS {
            expected.push(Contradiction::TooManyTargets);
        }
        let needs_entry = matches!(fields.order_type, Some(OrderType::Limit | OrderType::Stop));
        if needs_entry && fields.entry.is_none() {
            expected.push(Contradiction::NoEntry);
        }
        let from = fields.entry.as_ref().or(fields.stop_loss.as_ref());
        if fields.entry.is_some() && fields.stop_loss.as_ref().is_some_and(|s| !wins(from.unwrap(), s)) {
            expected.push(Contradiction::Stop { rises });
        }
        for (index, target) in fields.targets.iter().enumerate() {
            if from.is_some_and(|from| !wins(target, from)) {
                expected.push(Contradiction::Target { index, rises });
            }
        }
        match Signal::new(fields.clone()) {
            Ok(signal) => {
                prop_assert!(expected.is_empty());
                prop_assert_eq!(signal.fields(), &fields);
                prop_assert_eq!(&again(&signal), &signal);
            }
            Err(faults) => prop_assert_eq!(faults, expected),
        }
    }

    #[test]
    fn no_sum_of_moments_overflows(at in moments(), length in lengths(), other in lengths()) {
        prop_assert_eq!(after(at, length) < at, length.is_negative() && at > Timestamp::MIN);
        prop_assert!(length.is_negative() || before(at, length) <= at);
        if length <= other {
            prop_assert!(after(at, length) <= after(at, other), "the longer wait ends later");
        }
    }

    #[test]
    fn waiting_keeps_within_its_bounds(
        first in 1_i64..100_000, most in 100_000_i64..10_000_000, failures in any::<u32>(),
    ) {
        let (first, most) = (SignedDuration::from_millis(first), SignedDuration::from_millis(most));
        let wait = back_off(first, most, failures);
        prop_assert!(first <= wait && wait <= most);
        prop_assert!(wait <= back_off(first, most, failures.saturating_add(1)));
    }
}
