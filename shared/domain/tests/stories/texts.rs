//! What people and their programs read.

use domain::alert::Content;
use domain::language::Language;
use domain::service::AlertFormat;
use domain::signal::{Action, Fields, Leverage, MOST_TARGETS, OrderType};
use domain::task::{Answer, Declined, Notice};
use domain::text::{Description, ImageUrl, Label, Note, ServiceName, Symbol};
use domain::texts::{alert, answer, declined, escape, greeting, notice, with_picture};
use proptest::prelude::*;

use crate::common::*;
use crate::languages::{ANSWERS, NOTICES};

pub(crate) const FORMATS: [AlertFormat; 3] =
    [AlertFormat::Rich, AlertFormat::Mt4, AlertFormat::Cornix];

/// What Telegram makes of HTML: the text that is shown. Panics where Telegram would refuse it
/// (Bot API, "HTML style"): unknown or crossed tags, a bare `<`, `>` or `&`.
pub(crate) fn shown(html: &str) -> String {
    let mut text = String::new();
    let mut open = Vec::new();
    let mut rest = html;
    while let Some(c) = rest.chars().next() {
        if c == '<' {
            let (tag, tail) = rest[1..].split_once('>').expect("a tag ends");
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "crossed tags in {html}"),
                None => {
                    let (name, attribute) = tag.split_once(' ').unwrap_or((tag, ""));
                    let value = attribute.strip_prefix("href=\"").and_then(|v| v.strip_suffix('"'));
                    assert_eq!(value.is_some(), name == "a", "attribute of {tag} in {html}");
                    assert!(!value.unwrap_or_default().contains('"'), "{tag} in {html}");
                    assert!(["a", "b", "i"].contains(&name), "unknown tag {tag} in {html}");
                    open.push(name);
                }
            }
            rest = tail;
        } else if c == '&' {
            let (name, tail) = rest[1..].split_once(';').expect("an entity ends");
            text.push(match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                other => panic!("unknown entity {other} in {html}"),
            });
            rest = tail;
        } else {
            assert_ne!(c, '>', "a bare > in {html}");
            text.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    assert!(open.is_empty(), "open tags in {html}");
    text
}

/// Telegram counts UTF-16 units (Bot API, `MessageEntity`).
pub(crate) fn length(html: &str) -> usize {
    shown(html).encode_utf16().count()
}

fn html(fields: Fields, format: AlertFormat) -> String {
    alert(&alert_with(signal_content(fields, format)), &service())
}

fn tag() -> String {
    queued().id.tag()
}

/// A signal in which every field is as long as it may be, written with characters that count
/// twice where any character is allowed.
fn largest() -> Fields {
    let wide = "😀".repeat(32);
    // 20 digits and a point; every target above the entry, the stop below it.
    let number = |first: u32| price(&format!("{first}{}.123456789", "0".repeat(10)));
    Fields {
        symbol: Symbol::parse(&"&".repeat(32)).unwrap(),
        action: Action::Short,
        order_type: Some(OrderType::Market),
        entry: Some(number(8)),
        targets: vec![number(7); MOST_TARGETS],
        stop_loss: Some(number(9)),
        leverage: Some(Leverage::new(500).unwrap()),
        timeframe: Some(Label::parse(&wide).unwrap()),
        exchange: Some(Label::parse(&wide).unwrap()),
        note: Some(Note::parse(&"😀".repeat(1000)).unwrap()),
    }
}

#[test]
fn the_largest_alert_fits_a_message() {
    for format in FORMATS {
        let length = length(&html(largest(), format));
        assert!(length <= 4096, "{format:?} has {length}");
    }
    let mut named = service();
    named.name = ServiceName::parse(&"😀".repeat(128)).unwrap();
    assert!(length(&alert(&alert_with(Content::Test), &named)) <= 4096);
}

#[test]
fn without_a_note_the_largest_alert_fits_under_a_picture() {
    // Bot API, `sendPhoto`: a caption has at most 1,024 characters after entity parsing.
    let bare = Fields { note: None, ..largest() };
    for format in FORMATS {
        let length = length(&html(bare.clone(), format));
        assert!(length <= 1024, "{format:?} has {length}");
    }
    // A long note does not, and only people are shown notes.
    assert!(length(&html(largest(), AlertFormat::Rich)) > 1024);
    for format in [AlertFormat::Mt4, AlertFormat::Cornix] {
        assert!(length(&html(largest(), format)) <= 1024);
    }
}

#[test]
fn a_picture_that_cannot_stand_above_its_alert_hangs_on_a_link() {
    let picture = ImageUrl::parse("https://charts.example/a.png?x=1&y=2").unwrap();
    let whole = with_picture(&html(largest(), AlertFormat::Rich), &picture);
    assert!(whole.contains("<a href=\"https://charts.example/a.png?x=1&amp;y=2\">"), "{whole}");
    assert!(length(&whole) <= 4096);
}

#[test]
fn people_see_every_field_of_a_signal() {
    let full = Fields {
        order_type: Some(OrderType::Limit),
        leverage: Some(Leverage::new(5).unwrap()),
        timeframe: Some(Label::parse("4h").unwrap()),
        exchange: Some(Label::parse("Nowhere & Sons").unwrap()),
        note: Some(Note::parse("Half size.\nTake care <b>!").unwrap()),
        ..fields()
    };
    let expected = "🟢 LONG BTC/USDT\n\nEntry: 64250 (limit)\nTarget 1: 65500\nTarget 2: 66000.50\n\
                    Stop loss: 62800\nLeverage: 5x\nNowhere & Sons · 4h\n\n\
                    Half size.\nTake care <b>!\n\n";
    assert_eq!(shown(&html(full, AlertFormat::Rich)), format!("{expected}{}", tag()));
}

#[test]
fn each_action_and_order_has_its_words() {
    use Action::{Buy, Long, Sell, Short};
    for (action, rich, mt4, cornix) in [
        (Buy, "🟢 BUY", "BUY", "LONG"),
        (Long, "🟢 LONG", "BUY", "LONG"),
        (Sell, "🔴 SELL", "SELL", "SHORT"),
        (Short, "🔴 SHORT", "SELL", "SHORT"),
    ] {
        let bare = |order_type| Fields {
            action,
            order_type,
            targets: vec![],
            stop_loss: None,
            ..fields()
        };
        let first =
            |order, format| shown(&html(bare(order), format)).lines().next().unwrap().to_owned();
        assert_eq!(first(None, AlertFormat::Rich), format!("{rich} BTC/USDT"));
        for (order, words) in [
            (None, ""),
            (Some(OrderType::Market), ""),
            (Some(OrderType::Limit), " LIMIT"),
            (Some(OrderType::Stop), " STOP"),
        ] {
            assert_eq!(first(order, AlertFormat::Mt4), format!("{mt4}{words} BTCUSDT"));
        }
        let lines = shown(&html(bare(None), AlertFormat::Cornix));
        assert_eq!(lines.lines().nth(1), Some(cornix));
    }
}

#[test]
fn without_an_entry_people_read_market_and_programs_read_nothing() {
    let open = Fields { entry: None, ..fields() };
    assert!(shown(&html(open.clone(), AlertFormat::Rich)).contains("Entry: market"));
    for format in [AlertFormat::Mt4, AlertFormat::Cornix] {
        assert!(!html(open.clone(), format).contains("Entry"));
    }
}

#[test]
fn a_copier_into_metatrader_reads_the_action_first_and_one_thing_to_a_line() {
    let sell = Fields {
        symbol: Symbol::parse("EURUSD").unwrap(),
        action: Action::Sell,
        entry: Some(price("1.10000")),
        targets: vec![price("1.09500"), price("1.09000")],
        stop_loss: Some(price("1.10500")),
        ..fields()
    };
    let expected = "SELL EURUSD\nEntry: 1.10000\nSL: 1.10500\nTP1: 1.09500\nTP2: 1.09000\n";
    assert_eq!(html(sell, AlertFormat::Mt4), format!("{expected}{}", tag()));
}

#[test]
fn cornix_reads_the_full_pair_and_its_own_words() {
    let levered = Fields { leverage: Some(Leverage::new(5).unwrap()), ..fields() };
    let expected = "BTC/USDT\nLONG\nLeverage: 5x\nEntry: 64250\nTake-Profit 1: 65500\n\
                    Take-Profit 2: 66000.50\nStop: 62800\n";
    assert_eq!(html(levered, AlertFormat::Cornix), format!("{expected}{}", tag()));
}

#[test]
fn a_test_alert_says_that_it_is_one() {
    let text = shown(&alert(&alert_with(Content::Test), &service()));
    assert!(text.contains("Test alert") && text.contains("Gold") && text.ends_with(&tag()));
}

#[test]
fn every_notice_names_the_service_and_the_way_in_only_where_there_is_one() {
    for about in NOTICES {
        for link in [None, Some(invite())] {
            let said = notice(about, &service(), &joined(), link.as_ref());
            assert!(shown(&said.html).contains("Gold"));
            let leads_in = matches!(about, Notice::Linked | Notice::InvitedBack | Notice::AskAgain);
            let url = said.buttons.into_iter().map(|button| button.url).next();
            assert_eq!(url.as_deref(), (leads_in && link.is_some()).then_some(INVITE));
        }
    }
    let said = notice(Notice::EndsSoon, &service(), &joined(), None).html;
    assert!(said.contains("31 March 2026, 00:00 UTC"), "{said}");
}

#[test]
fn every_answer_is_a_sentence_of_its_own() {
    let english = |which| shown(&answer(which, Language::English).html);
    // What somebody may enter is told in words of its own.
    let all: Vec<_> = ANSWERS.into_iter().filter(|it| *it != Answer::Access).collect();
    let mut said: Vec<_> = all.iter().copied().map(english).collect();
    assert!(said.iter().all(|text| text.ends_with('.') && !text.contains("  ")), "{said:?}");
    said.sort();
    said.dedup();
    assert_eq!(said.len(), all.len());
}

fn any_text(most: usize) -> impl Strategy<Value = String> {
    let nasty = r#"[<>&"'/a-z;#*_\\ 😀]"#;
    proptest::string::string_regex(&format!("[<>&a-z]{nasty}{{0,{}}}[<>&a-z]", most - 2)).unwrap()
}

proptest! {
    #[test]
    fn whatever_people_write_is_shown_as_they_wrote_it(
        name in any_text(60), label in any_text(30), note in any_text(200),
        symbol in "[A-Z&:/!^.-]{1,32}", format in prop::sample::select(FORMATS.to_vec()),
    ) {
        let mut named = service();
        named.name = ServiceName::parse(&name).unwrap();
        named.description = Some(Description::parse(&note).unwrap());
        let label = Label::parse(&label).unwrap();
        let written = Fields {
            symbol: Symbol::parse(&symbol).unwrap(),
            timeframe: Some(label.clone()),
            exchange: Some(label.clone()),
            note: Some(Note::parse(&note).unwrap()),
            ..fields()
        };
        let text = shown(&alert(&alert_with(signal_content(written, format)), &named));
        match format {
            AlertFormat::Rich => {
                prop_assert!(text.contains(&symbol));
                let place = format!("\n{0} · {0}\n", label.as_str());
                prop_assert!(text.contains(&place));
                let note = format!("\n\n{note}\n\n");
                prop_assert!(text.contains(&note));
            }
            AlertFormat::Mt4 => prop_assert!(text.contains(&symbol.replace('/', ""))),
            AlertFormat::Cornix => prop_assert!(text.contains(&symbol)),
        }
        let subscription = joined();
        for said in [
            notice(Notice::Linked, &named, &subscription, Some(&invite())),
            notice(Notice::Linked, &named, &subscription, None),
            notice(Notice::InvitedBack, &named, &subscription, None),
            notice(Notice::EndsSoon, &named, &subscription, None),
            notice(Notice::Removed, &named, &subscription, None),
            declined(Declined::NotLinked, &named, Language::English),
            declined(Declined::Ended, &named, Language::English),
            greeting(&named),
        ] {
            prop_assert!(shown(&said.html).contains(&name));
        }
        let test = shown(&alert(&alert_with(Content::Test), &named));
        prop_assert!(test.contains(&name));
    }

    #[test]
    fn an_escaped_text_is_the_text(text in ".{0,100}") {
        prop_assert_eq!(shown(&escape(&text)), text);
    }

    #[test]
    fn programs_read_back_the_numbers_that_were_signalled(
        entry in 1_000_u32..9_000, steps in prop::collection::vec(1_u32..900, 0..=10),
        rises in any::<bool>(), part in "[0-9]{0,6}",
    ) {
        let number = |whole: u32| {
            let text = if part.is_empty() { whole.to_string() } else { format!("{whole}.{part}") };
            price(&text)
        };
        let target = |step: &u32| number(if rises { entry + step } else { entry - step });
        let signal = Fields {
            action: if rises { Action::Long } else { Action::Short },
            entry: Some(number(entry)),
            targets: steps.iter().map(target).collect(),
            stop_loss: Some(number(if rises { entry - 950 } else { entry + 950 })),
            ..fields()
        };
        for (format, entry_word, target_word, stop_word) in [
            (AlertFormat::Mt4, "Entry: ", "TP", "SL: "),
            (AlertFormat::Cornix, "Entry: ", "Take-Profit ", "Stop: "),
        ] {
            let text = html(signal.clone(), format);
            let find = |word: &str| {
                let found: Vec<_> =
                    text.lines().filter_map(|line| line.strip_prefix(word)).collect();
                found.into_iter().map(str::to_owned).collect::<Vec<_>>()
            };
            let words = |price: &domain::price::Positive| price.as_str().to_owned();
            prop_assert_eq!(find(entry_word), signal.entry.iter().map(words).collect::<Vec<_>>());
            prop_assert_eq!(find(stop_word), signal.stop_loss.iter().map(words).collect::<Vec<_>>());
            let targets: Vec<_> = (1..)
                .zip(&signal.targets)
                .map(|(place, price)| format!("{place}: {}", price.as_str()))
                .collect();
            prop_assert_eq!(find(target_word), targets);
            prop_assert!(!text.contains(['%', ',', '<', '&']));
        }
    }
}
