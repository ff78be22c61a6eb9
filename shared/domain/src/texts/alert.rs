//! The layouts of alerts: for people, and for the programs that copy them.

use super::escape;
use crate::alert::{Alert, Content};
use crate::service::{AlertFormat, Service};
use crate::signal::{Action, Fields, OrderType, Signal};
use crate::text::ImageUrl;

/// An alert as it stands in the group.
pub fn alert(alert: &Alert, service: &Service) -> String {
    let tag = alert.id.tag();
    match &alert.content {
        Content::Test => format!(
            "✅ <b>Test alert</b>\nSignals of {} reach this group.\n\n{tag}",
            escape(service.name.as_str())
        ),
        Content::Signal { signal, format, .. } => match format {
            AlertFormat::Rich => rich(signal, &tag),
            AlertFormat::Mt4 => mt4(signal, &tag),
            AlertFormat::Cornix => cornix(signal, &tag),
        },
    }
}

/// A message that shows a picture by its link, for when it cannot stand above its caption.
pub fn with_picture(html: &str, picture: &ImageUrl) -> String {
    format!("{html}\n<a href=\"{}\">Chart</a>", escape(picture.as_str()))
}

/// For people.
fn rich(signal: &Signal, tag: &str) -> String {
    let Fields {
        symbol,
        action,
        order_type,
        entry,
        targets,
        stop_loss,
        leverage,
        timeframe,
        exchange,
        note,
    } = signal.fields();
    let (mark, word) = match action {
        Action::Buy => ("🟢", "BUY"),
        Action::Long => ("🟢", "LONG"),
        Action::Sell => ("🔴", "SELL"),
        Action::Short => ("🔴", "SHORT"),
    };
    let mut lines =
        vec![format!("{mark} <b>{word} {}</b>", escape(symbol.as_str())), String::new()];
    let order = order_type.map_or("", |order| match order {
        OrderType::Market => " (market)",
        OrderType::Limit => " (limit)",
        OrderType::Stop => " (stop)",
    });
    match entry {
        Some(entry) => lines.push(format!("Entry: <b>{}</b>{order}", entry.as_str())),
        None => lines.push("Entry: <b>market</b>".to_owned()),
    }
    for (number, target) in (1..).zip(targets) {
        lines.push(format!("Target {number}: <b>{}</b>", target.as_str()));
    }
    if let Some(stop) = stop_loss {
        lines.push(format!("Stop loss: <b>{}</b>", stop.as_str()));
    }
    if let Some(leverage) = leverage {
        lines.push(format!("Leverage: {}x", leverage.get()));
    }
    let place: Vec<_> =
        [exchange, timeframe].into_iter().flatten().map(|label| escape(label.as_str())).collect();
    if !place.is_empty() {
        lines.push(place.join(" · "));
    }
    if let Some(note) = note {
        lines.push(String::new());
        lines.push(format!("<i>{}</i>", escape(note.as_str())));
    }
    lines.push(String::new());
    lines.push(tag.to_owned());
    lines.join("\n")
}

/// For copiers into MetaTrader: the action first, one thing to a line, prices bare.
fn mt4(signal: &Signal, tag: &str) -> String {
    let fields = signal.fields();
    let word = if fields.action.rises() { "BUY" } else { "SELL" };
    let order = match fields.order_type {
        Some(OrderType::Limit) => " LIMIT",
        Some(OrderType::Stop) => " STOP",
        Some(OrderType::Market) | None => "",
    };
    let symbol = fields.symbol.as_str().replace('/', "");
    let mut lines = vec![format!("{word}{order} {}", escape(&symbol))];
    lines.extend(fields.entry.iter().map(|entry| format!("Entry: {}", entry.as_str())));
    lines.extend(fields.stop_loss.iter().map(|stop| format!("SL: {}", stop.as_str())));
    lines.extend(
        (1..)
            .zip(&fields.targets)
            .map(|(number, target)| format!("TP{number}: {}", target.as_str())),
    );
    lines.push(tag.to_owned());
    lines.join("\n")
}

/// For Cornix: the full pair, LONG or SHORT, its own words for the prices.
fn cornix(signal: &Signal, tag: &str) -> String {
    let fields = signal.fields();
    let word = if fields.action.rises() { "LONG" } else { "SHORT" };
    let mut lines = vec![escape(fields.symbol.as_str()), word.to_owned()];
    lines.extend(fields.leverage.iter().map(|leverage| format!("Leverage: {}x", leverage.get())));
    lines.extend(fields.entry.iter().map(|entry| format!("Entry: {}", entry.as_str())));
    lines.extend(
        (1..)
            .zip(&fields.targets)
            .map(|(number, target)| format!("Take-Profit {number}: {}", target.as_str())),
    );
    lines.extend(fields.stop_loss.iter().map(|stop| format!("Stop: {}", stop.as_str())));
    lines.push(tag.to_owned());
    lines.join("\n")
}
