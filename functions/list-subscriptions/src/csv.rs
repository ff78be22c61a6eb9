//! A table for spreadsheets (RFC 4180), without what a spreadsheet would run as a formula, and
//! without what is personal.

use domain::relay;
use domain::subscription::Subscription;
use jiff::Timestamp;
use web::views::status;

/// The names of the columns.
const COLUMNS: [&str; 9] = [
    "id",
    "customer_id",
    "status",
    "membership",
    "telegram_linked",
    "starts_at",
    "end_date",
    "access_ends_at",
    "purchases",
];

/// The table, with a line for each subscription.
pub(crate) fn table(subscriptions: &[Subscription], now: Timestamp) -> String {
    let mut table = line(COLUMNS.map(str::to_owned));
    for it in subscriptions {
        table.push_str(&line([
            it.id.to_string(),
            it.customer.as_str().to_owned(),
            status(it, now).to_owned(),
            relay::membership(&it.membership).to_owned(),
            it.user.is_some().to_string(),
            it.starts_at.to_string(),
            it.ends_at.to_string(),
            it.access_ends_at.to_string(),
            it.purchases.to_string(),
        ]));
    }
    table
}

fn line(cells: [String; 9]) -> String {
    let cells: Vec<_> = cells.iter().map(|text| cell(text)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell. Spreadsheets take what begins like a formula for one, so such a text gets an apostrophe
/// in front (OWASP, "CSV Injection").
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let safe = if is_formula { format!("'{text}") } else { text.to_owned() };
    match safe.contains([',', '"', '\r', '\n', ';']) {
        true => format!("\"{}\"", safe.replace('"', "\"\"")),
        false => safe,
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_is_never_a_formula_and_never_two() {
        for (text, expected) in [
            ("c-1", "c-1"),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("a,b", "\"a,b\""),
            ("a;b", "\"a;b\""),
            ("a\"b", "\"a\"\"b\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
