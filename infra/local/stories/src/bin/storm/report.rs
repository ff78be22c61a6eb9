//! What the storm was, in a table.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::books::{list, number, text};
use crate::calm::Settled;
use crate::ledger::Ledger;
use crate::played::Played;
use crate::weather::count;

/// Prints the whole of it.
pub(crate) fn print(
    seed: u64,
    seconds: u64,
    played: &Played,
    settled: &Settled,
    proxy: &Value,
    ledger: &Ledger,
) {
    let verdict = &settled.verdict;
    let (requests, repeated) = ledger.requests();
    let purchases: u64 = played.customers.iter().map(|it| it.purchases).sum();
    let repeats = unknown_outcomes(settled);
    head("The storm");
    row("seed", seed);
    row("storm", format!("{seconds} s"));
    row("until everything had come right", format!("{} s", settled.seconds));
    row("requests to the API", format!("{requests}, {repeated} of them repeated"));
    row("purchases accepted", format!("{purchases}, by {} customers", played.customers.len()));
    row("alerts accepted", format!("{}, {repeats} unknown outcomes", played.alerts.len()));
    let updates: usize = played.alerts.iter().map(|it| it.updates.len()).sum();
    row("updates of them accepted", updates);
    row("alerts that charts sent", played.charts.len());
    row("alerts that a later one overtook", verdict.overtaken);
    row("sweeps", played.sweeps);
    row("links opened again after the storm", settled.opened_again);

    head("Faults");
    let ways = [("aws", "functions to AWS"), ("telegram", "to Telegram"), ("api", "to the API")];
    for (way, name) in ways {
        let calls: u64 = list(proxy.get("calls"))
            .filter(|it| text(it, "/way") == way)
            .map(|it| number(it, "/count"))
            .sum();
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for fault in list(proxy.get("faults")).filter(|it| text(it, "/way") == way) {
            *kinds.entry(text(fault, "/fault")).or_default() += number(fault, "/count");
        }
        row(name, format!("{calls} calls: {}", counts(kinds)));
    }
    let mut killed: BTreeMap<&str, u64> = BTreeMap::new();
    let mut moments: BTreeMap<&str, u64> = BTreeMap::new();
    for kill in list(proxy.get("kills")) {
        let name = text(kill, "/function").split('-').nth(1).unwrap_or_default();
        *killed.entry(name).or_default() += number(kill, "/count");
        *moments.entry(text(kill, "/moment")).or_default() += number(kill, "/count");
    }
    row("functions killed", format!("{}: {}", count(proxy, "kills"), counts(moments)));
    row("", counts(killed));

    head("Invariants                                                       checked   violated");
    for (invariant, checked) in &verdict.checked {
        let violated = verdict.violations.iter().filter(|it| it.invariant == *invariant).count();
        println!("  {invariant:<64} {checked:>6} {violated:>10}");
    }
    let all: u64 = verdict.checked.values().sum();
    println!("  {:<64} {all:>6} {:>10}\n", "together", verdict.violations.len());
}

fn head(title: &str) {
    println!("\n\x1b[1m{title}\x1b[0m");
}

fn row(name: &str, value: impl std::fmt::Display) {
    println!("  {name:<36} {value}");
}

fn counts(of: BTreeMap<&str, u64>) -> String {
    let parts: Vec<_> = of.into_iter().map(|(name, count)| format!("{count} {name}")).collect();
    parts.join(", ")
}

fn unknown_outcomes(settled: &Settled) -> u64 {
    settled.books.rows("alerts").map(|row| number(row, "/body/unknown_outcomes")).sum()
}
