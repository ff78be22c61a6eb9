//! What went before a violation, from all sides, in its order.

use jiff::Timestamp;
use serde_json::Value;
use stories::Trouble;

use crate::books::{instant, list, text};
use crate::calm::Settled;
use crate::check::Violation;
use crate::town::Town;

/// So many violations are told in full.
const MOST: usize = 5;

/// Prints the first violations, each with its story.
pub(crate) async fn print(
    town: &Town<'_>,
    settled: &Settled,
    proxy: &Value,
    seed: u64,
) -> Result<(), Trouble> {
    let calls = town.telegram.control("calls", None).await?;
    for violation in settled.verdict.violations.iter().take(MOST) {
        println!("\x1b[1m✗ {}\x1b[0m\n  {}", violation.invariant, violation.says);
        let mut lines = story(town, settled, proxy, &calls, violation);
        lines.sort_by_key(|(at, _, _)| *at);
        for (at, who, says) in &lines {
            println!("    {}  {who:<10} {says}", at.strftime("%H:%M:%S.%3f"));
        }
        println!();
    }
    println!(
        "What to do: read the stories above from below. Each line tells who saw it: the caller or \
         the person\n(ledger), the audit trail (books), the simulator (telegram), the fault proxy \
         (fault).\nThe functions' own words are in emulator.log beside stack.json. The same storm \
         again:\n  make soak-real SEED={seed}\n"
    );
    Ok(())
}

type Told = (Timestamp, &'static str, String);

fn story(
    town: &Town<'_>,
    settled: &Settled,
    proxy: &Value,
    calls: &Value,
    violation: &Violation,
) -> Vec<Told> {
    let mut lines: Vec<Told> = town
        .ledger
        .about(&violation.about)
        .into_iter()
        .map(|line| (line.at, "ledger", line.says))
        .collect();
    let is_about = |name: &str| violation.about.iter().any(|it| it == name);
    for line in settled.books.rows("audit").filter(|line| is_about(text(line, "/item"))) {
        if let Some(at) = instant(line, "/at") {
            let facts = |name: &str| line.get(name).map(Value::to_string).unwrap_or_default();
            let says = format!(
                "{} by {}: {} → {}",
                text(line, "/action"),
                text(line, "/actor"),
                facts("before"),
                facts("after")
            );
            lines.push((at, "books", says));
        }
    }
    for call in list(Some(calls)) {
        let args = call.get("args").cloned().unwrap_or_default();
        let user = args.get("user_id").map(Value::to_string).unwrap_or_default();
        let user = user.trim_matches('"');
        let said = [text(&args, "/text"), text(&args, "/caption")];
        let marked = violation.about.iter().filter(|it| it.ends_with('.'));
        let marked =
            marked.into_iter().any(|it| said.iter().any(|text| text.contains(it.as_str())));
        let at = call.get("at").and_then(Value::as_i64);
        if (is_about(user) || marked)
            && let Some(at) = at.and_then(|ms| Timestamp::from_millisecond(ms).ok())
        {
            let code = call.get("code").map(Value::to_string).unwrap_or_default();
            let says = format!("{} → {code} {}", text(call, "/method"), text(call, "/description"));
            lines.push((at, "telegram", says));
        }
    }
    // Kills and lost calls to Telegram in that time; the rest would be too much to read.
    let Some((first, last)) =
        lines.iter().map(|(at, ..)| *at).min().zip(lines.iter().map(|(at, ..)| *at).max())
    else {
        return lines;
    };
    for fault in list(proxy.get("story")) {
        let Some(at) = instant(fault, "/at").filter(|at| first <= *at && *at <= last) else {
            continue;
        };
        let function = text(fault, "/function");
        let is_loss = text(fault, "/way") == "telegram" && text(fault, "/fault") != "delay";
        if !function.is_empty() || is_loss {
            let says =
                format!("{} {} {function}", text(fault, "/fault"), text(fault, "/operation"),);
            lines.push((at, "fault", says));
        }
    }
    lines
}
