//! What people and their programs read of an update.

use domain::alert::{Alert, Content};
use domain::price::Positive;
use domain::service::AlertFormat;
use domain::text::Note;
use domain::texts::{Hanging, escape, update};
use domain::update::{Command, Percent, Says, TargetNumber};
use proptest::prelude::*;

use crate::common::*;
use crate::texts::{FORMATS, length, shown};

fn price(text: &str) -> Positive {
    Positive::parse(text).unwrap()
}

fn percent(text: &str) -> Percent {
    Percent::new(price(text)).unwrap()
}

/// Commands of every kind, those of one kind together.
pub(crate) fn every_command() -> Vec<Command> {
    let target = TargetNumber::new(1).ok();
    vec![
        Command::TpHit { target: None, price: None, percent: None },
        Command::TpHit { target, price: None, percent: None },
        Command::TpHit { target, price: Some(price("66100.5")), percent: Some(percent("50")) },
        Command::MoveSl { price: price("64800.10") },
        Command::Breakeven { price: None },
        Command::Breakeven { price: Some(price("64300.00")) },
        Command::PartialClose { percent: percent("33.3"), price: None },
        Command::PartialClose { percent: percent("50"), price: Some(price("65000")) },
        Command::Close { price: None },
        Command::Close { price: Some(price("65000")) },
        Command::Cancel,
    ]
}

/// The text of one update.
fn html(alert: &Alert, says: &Says, hanging: Hanging) -> String {
    let alert = with_updates(alert, std::slice::from_ref(says));
    update(&alert, 1, alert.update(1).unwrap(), hanging)
}

fn of(format: AlertFormat) -> Alert {
    alert_with(signal_content(fields(), format))
}

fn answers(format: AlertFormat) -> Vec<String> {
    let alert = of(format);
    let all = every_command().into_iter();
    all.map(|it| shown(&html(&alert, &command(it), Hanging::Reply))).collect()
}

#[test]
fn people_read_what_to_do_at_which_price_and_of_which_alert() {
    let tag = queued().id.tag();
    let lines: Vec<_> = answers(AlertFormat::Rich)
        .into_iter()
        .map(|text| {
            let (line, rest) = text.split_once("\n\n").unwrap();
            assert_eq!(rest, format!("{tag} · 1"), "known again by its tag and number");
            line.to_owned()
        })
        .collect();
    assert_eq!(
        lines,
        [
            "✅ Target hit",
            "✅ Target 1 hit at 65500",
            "✅ Target 1 hit at 66100.5\n50 % closed",
            "🛡 Move the stop loss to 64800.10",
            "🛡 Move the stop loss to the entry: 64250",
            "🛡 Move the stop loss to the entry: 64300.00",
            "✂️ Close 33.3 % of the position",
            "✂️ Close 50 % of the position at 65000",
            "🏁 Close the position",
            "🏁 Close the position at 65000",
            "❌ Cancelled: do not enter any more",
        ]
    );
}

#[test]
fn a_copier_into_metatrader_reads_one_command_and_nothing_else() {
    assert_eq!(
        answers(AlertFormat::Mt4),
        [
            "TP hit",
            "TP1 hit",
            "TP1 hit",
            "Move SL to 64800.10",
            "Move SL to 64250",
            "Move SL to 64300.00",
            "Close 33.3%",
            "Close 50%",
            "CLOSE",
            "CLOSE",
            "CANCEL",
        ]
    );
}

#[test]
fn cornix_reads_its_own_words_and_closes_only_what_is_to_be_closed() {
    let answers = answers(AlertFormat::Cornix);
    assert_eq!(
        answers,
        [
            "Take-Profit hit",
            "Take-Profit 1 hit",
            "Take-Profit 1 hit",
            "Stop: 64800.10",
            "Stop: 64250",
            "Stop: 64300.00",
            "Reduce the position by 33.3%",
            "Reduce the position by 50%",
            "CLOSE",
            "CLOSE",
            "CANCEL",
        ]
    );
    for (command, answer) in every_command().iter().zip(answers) {
        let ends = matches!(command, Command::Close { .. } | Command::Cancel);
        let upper = answer.to_uppercase();
        let closes = ["CLOSE", "CANCEL", "EXIT"].iter().any(|word| upper.contains(word));
        assert_eq!(closes, ends, "{answer}");
    }
}

#[test]
fn where_no_entry_is_known_breakeven_is_said_in_words() {
    let mut open = fields();
    open.entry = None;
    for (format, words) in [
        (AlertFormat::Rich, "🛡 Move the stop loss to the entry\n\n"),
        (AlertFormat::Mt4, "Move to breakeven"),
        (AlertFormat::Cornix, "Stop: Entry"),
    ] {
        let alert = alert_with(signal_content(open.clone(), format));
        let breakeven = command(Command::Breakeven { price: None });
        let text = shown(&html(&alert, &breakeven, Hanging::Reply));
        assert!(text.starts_with(words), "{text}");
    }
}

#[test]
fn a_remark_is_for_people_and_a_note_for_everybody() {
    let remark = Some(Note::parse("5 < 6 & \"close\"").unwrap());
    let closed = Says::Command { command: Command::Close { price: None }, remark };
    let note = Says::Note { text: Note::parse("News at 14:30").unwrap() };
    let rich = shown(&html(&of(AlertFormat::Rich), &closed, Hanging::Reply));
    assert!(rich.contains("\n\n5 < 6 & \"close\"\n\n"), "{rich}");
    for format in [AlertFormat::Mt4, AlertFormat::Cornix] {
        assert_eq!(shown(&html(&of(format), &closed, Hanging::Reply)), "CLOSE");
        assert_eq!(shown(&html(&of(format), &note, Hanging::Reply)), "News at 14:30");
    }
    assert!(shown(&html(&of(AlertFormat::Rich), &note, Hanging::Reply)).contains("News at 14:30"));
}

#[test]
fn what_stands_alone_names_its_alert() {
    let tag = queued().id.tag();
    for format in FORMATS {
        for it in every_command() {
            let text = shown(&html(&of(format), &command(it), Hanging::Alone));
            assert!(text.lines().last().unwrap().contains(&tag), "{text}");
        }
    }
}

#[test]
fn an_update_of_a_test_is_for_people() {
    let text = shown(&html(&alert_with(Content::Test), &close(), Hanging::Reply));
    assert!(text.starts_with("🏁 Close the position"), "{text}");
}

fn decimals() -> impl Strategy<Value = Positive> {
    "[1-9][0-9]{0,8}(\\.[0-9]{1,8})?".prop_map(|text| price(&text))
}

fn percents() -> impl Strategy<Value = Percent> {
    "[1-9][0-9]?(\\.[0-9]{1,3})?".prop_map(|text| percent(&text))
}

fn commands() -> impl Strategy<Value = Command> {
    let at = || prop::option::of(decimals());
    prop_oneof![
        (prop::option::of(1_i64..=10), at(), prop::option::of(percents())).prop_map(
            |(target, price, percent)| Command::TpHit {
                target: target.and_then(|it| TargetNumber::new(it).ok()),
                price,
                percent,
            }
        ),
        decimals().prop_map(|price| Command::MoveSl { price }),
        at().prop_map(|price| Command::Breakeven { price }),
        (percents(), at()).prop_map(|(percent, price)| Command::PartialClose { percent, price }),
        at().prop_map(|price| Command::Close { price }),
        Just(Command::Cancel),
    ]
}

proptest! {
    #[test]
    fn every_layout_is_sound_html_keeps_the_digits_and_fits_a_message(
        it in commands(),
        text in "[^\\p{Cc}{]{1,1000}",
        is_note in any::<bool>(),
        format in prop::sample::select(FORMATS.to_vec()),
        alone in any::<bool>(),
    ) {
        let text = Note::parse(&text);
        prop_assume!(text.is_ok());
        let text = text.unwrap();
        let says = if is_note {
            Says::Note { text: text.clone() }
        } else {
            Says::Command { command: it.clone(), remark: Some(text.clone()) }
        };
        let hanging = if alone { Hanging::Alone } else { Hanging::Reply };
        let html = html(&of(format), &says, hanging);
        prop_assert!(length(&html) <= 4096);
        let shown = shown(&html);
        let is_for_people = format == AlertFormat::Rich;
        prop_assert_eq!(html.contains(&escape(text.as_str())), is_note || is_for_people);
        if !is_note {
            if let Command::MoveSl { price } | Command::Breakeven { price: Some(price) } = &it {
                prop_assert!(shown.contains(price.as_str()), "{}", shown);
            }
            if let Command::PartialClose { percent, .. } = &it {
                prop_assert!(shown.contains(percent.as_str()), "{}", shown);
            }
            // One command: one line, but for the tag of what stands alone.
            if !is_for_people {
                prop_assert_eq!(shown.lines().count(), 1 + usize::from(alone), "{}", shown);
            }
        }
    }
}
