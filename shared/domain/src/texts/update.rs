//! The layouts of updates.
//!
//! Copiers find the trade by the message that is answered, and read the answer as one command; so
//! in their layouts an answer holds that command and nothing else: no tag, no remark, no second
//! word that they know. Telegram2MT4 ("How to update signals with replies") looks for keywords
//! anywhere in the answer; Cornix ("Signal Cancellation") closes a signal on an answer with CLOSE,
//! CANCEL or EXIT in it.

use super::escape;
use crate::alert::Alert;
use crate::price::Positive;
use crate::service::AlertFormat;
use crate::text::Note;
use crate::update::{Command, Says, Update};

/// How an update hangs together with its alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hanging {
    /// It answers the alert's message.
    Reply,
    /// That message is gone, so that the text has to name the alert.
    Alone,
}

/// The update with this number as it stands in the group.
pub fn update(alert: &Alert, number: u32, update: &Update, hanging: Hanging) -> String {
    let tag = alert.id.tag();
    match alert.format() {
        AlertFormat::Rich => format!("{}\n\n{tag} · {number}", rich(alert, &update.says)),
        AlertFormat::Mt4 => alone(mt4(alert, &update.says), hanging, &tag),
        AlertFormat::Cornix => alone(cornix(alert, &update.says), hanging, &tag),
    }
}

fn alone(command: String, hanging: Hanging, tag: &str) -> String {
    match hanging {
        Hanging::Reply => command,
        Hanging::Alone => format!("{command}\n{tag}"),
    }
}

/// Where the position was entered, as far as it is known.
fn entry<'a>(alert: &'a Alert, given: &'a Option<Positive>) -> Option<&'a str> {
    let entry = || alert.signal().and_then(|signal| signal.fields().entry.as_ref());
    given.as_ref().or_else(entry).map(Positive::as_str)
}

/// For people.
fn rich(alert: &Alert, says: &Says) -> String {
    let (command, remark) = match says {
        Says::Note { text } => return format!("📝 {}", escape(text.as_str())),
        Says::Command { command, remark } => (command, remark),
    };
    let at = |price: &Option<Positive>| {
        price.as_ref().map(|price| format!(" at <b>{}</b>", price.as_str())).unwrap_or_default()
    };
    let line = match command {
        Command::TpHit { target, price, percent } => {
            let targets = alert.signal().map(|signal| signal.fields().targets.as_slice());
            let own = target.and_then(|target| target.of(targets.unwrap_or_default()));
            let price = price.clone().or_else(|| own.cloned());
            let which = target.map(|target| format!("Target {}", target.get()));
            let closed = percent.as_ref().map(|part| format!("\n{} % closed", part.as_str()));
            format!(
                "✅ <b>{} hit</b>{}{}",
                which.as_deref().unwrap_or("Target"),
                at(&price),
                closed.unwrap_or_default()
            )
        }
        Command::MoveSl { price } => {
            format!("🛡 Move the stop loss to <b>{}</b>", price.as_str())
        }
        Command::Breakeven { price } => match entry(alert, price) {
            Some(entry) => format!("🛡 Move the stop loss to the entry: <b>{entry}</b>"),
            None => "🛡 Move the stop loss to the entry".to_owned(),
        },
        Command::PartialClose { percent, price } => {
            format!("✂️ <b>Close {} %</b> of the position{}", percent.as_str(), at(price))
        }
        Command::Close { price } => format!("🏁 <b>Close the position</b>{}", at(price)),
        Command::Cancel => "❌ <b>Cancelled</b>: do not enter any more".to_owned(),
    };
    match remark {
        Some(remark) => format!("{line}\n\n<i>{}</i>", escape(remark.as_str())),
        None => line,
    }
}

/// For copiers into MetaTrader: one command.
fn mt4(alert: &Alert, says: &Says) -> String {
    match says {
        Says::Note { text } => plain(text),
        Says::Command { command, remark: _ } => match command {
            Command::TpHit { target: Some(target), .. } => format!("TP{} hit", target.get()),
            Command::TpHit { target: None, .. } => "TP hit".to_owned(),
            Command::MoveSl { price } => format!("Move SL to {}", price.as_str()),
            Command::Breakeven { price } => match entry(alert, price) {
                Some(entry) => format!("Move SL to {entry}"),
                None => "Move to breakeven".to_owned(),
            },
            Command::PartialClose { percent, .. } => format!("Close {}%", percent.as_str()),
            Command::Close { .. } => "CLOSE".to_owned(),
            Command::Cancel => "CANCEL".to_owned(),
        },
    }
}

/// For Cornix: its own words. Closing a part is told to people only: with the word for closing in
/// it, everything would be closed.
fn cornix(alert: &Alert, says: &Says) -> String {
    match says {
        Says::Note { text } => plain(text),
        Says::Command { command, remark: _ } => match command {
            Command::TpHit { target: Some(target), .. } => {
                format!("Take-Profit {} hit", target.get())
            }
            Command::TpHit { target: None, .. } => "Take-Profit hit".to_owned(),
            Command::MoveSl { price } => format!("Stop: {}", price.as_str()),
            Command::Breakeven { price } => {
                format!("Stop: {}", entry(alert, price).unwrap_or("Entry"))
            }
            Command::PartialClose { percent, .. } => {
                format!("Reduce the position by {}%", percent.as_str())
            }
            Command::Close { .. } => "CLOSE".to_owned(),
            Command::Cancel => "CANCEL".to_owned(),
        },
    }
}

fn plain(text: &Note) -> String {
    escape(text.as_str())
}
