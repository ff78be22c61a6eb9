//! What was measured, as tables for people.

use std::fmt::Write as _;

use crate::load::{Kind, Temper};
use crate::measure::{DISCOVERY_S, Measures};

/// What one way of sending did under every load, under one temper.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// The mass removal with three alerts a second.
    pub removal: Measures,
    /// Two bursts of 200 alerts and nothing else.
    pub burst: Measures,
}

/// The runs in which the bot's limit is far away, so that its temper does not matter.
#[derive(Clone, Debug, Default)]
pub struct Calm {
    /// Three alerts a second and nothing else.
    pub calm: Measures,
    /// The same, with one group blocked for an hour.
    pub blocked: Measures,
    /// The same, with one group that sends 60 a minute.
    pub busy: Measures,
}

/// All that one way of sending did.
#[derive(Clone, Debug)]
pub struct Column {
    /// What it is.
    pub name: String,
    /// By temper, in the order of [`Temper::ALL`].
    pub tempers: Vec<Runs>,
    /// Far from the bot's limit.
    pub calm: Calm,
}

/// How long Telegram itself needs for 200 messages to as many groups, in milliseconds.
fn burst_limit_ms(temper: Temper) -> f64 {
    200_000.0 / temper.limit()
}

fn seconds(ms: Option<i64>) -> String {
    ms.map_or_else(|| "–".to_owned(), |ms| format!("{:.2} s", ms as f64 / 1_000.0))
}

/// A wait; marked where some of the alerts did not come at all.
fn wait(measures: &Measures, percent: usize) -> String {
    let shown = seconds(measures.percentile(Kind::Steady, percent));
    match measures.missing(Kind::Steady) {
        0 => shown,
        missing => format!("{shown}, {missing} never"),
    }
}

/// How long a burst took, by what Telegram itself needs.
fn burst(runs: &Runs, temper: Temper, kind: Kind) -> String {
    let took = runs.burst.burst_ms(kind);
    took.map_or_else(|| "–".to_owned(), |ms| format!("{:.2}", ms as f64 / burst_limit_ms(temper)))
}

type Row = (&'static str, &'static str, fn(&Runs, Temper) -> String);

const ROWS: [Row; 8] = [
    (
        "share of the limit used while there is work",
        "≥ 89 %, hidden ≥ 80 % after 60 s",
        |runs, temper| {
            let from = if temper == Temper::Hidden { DISCOVERY_S } else { 0 };
            format!("{:.1} %", runs.removal.share(temper, from) * 100.0)
        },
    ),
    ("all removals done after", "", |runs, _| {
        format!("{:.0} s", runs.removal.drained_ms as f64 / 1_000.0)
    }),
    ("429s in the first 10 minutes", "0 at a truthful limit", |runs, _| {
        runs.removal.refused.to_string()
    }),
    ("alerts wait during it, half of them", "", |runs, _| wait(&runs.removal, 50)),
    ("alerts wait during it, p99", "≤ 0.5 s", |runs, _| wait(&runs.removal, 99)),
    ("burst of 200 alerts, × the limit's own time", "≤ 1.15", |runs, temper| {
        burst(runs, temper, Kind::Burst)
    }),
    ("a second burst a minute later", "≤ 1.15", |runs, temper| {
        burst(runs, temper, Kind::SecondBurst)
    }),
    ("writes of the limiter for each call", "≤ 1.3", |runs, _| {
        let writes = runs.removal.writes_per_call();
        writes.map_or_else(|| "–".to_owned(), |writes| format!("{writes:.2}"))
    }),
];

/// The whole page, with a section about the real functions.
#[must_use]
pub fn results(removals: usize, columns: &[Column], real: &str) -> String {
    let text = include_str!("results.txt").replace("{removals}", &removals.to_string());
    text.replace("{tables}", tables(columns).trim_end()).replace("{real}", real.trim_end())
}

/// What the runs far from the bot's limit show.
fn calm_table(columns: &[Column]) -> String {
    let mut text = String::from("### One chat that is blocked, one group that is busy\n\n");
    heads(&mut text, columns);
    let mut row = |name: &str, goal: &str, show: fn(&Calm) -> String| {
        let cells: Vec<_> = columns.iter().map(|column| show(&column.calm)).collect();
        let _ = writeln!(text, "| {name} | {goal} | {} |", cells.join(" | "));
    };
    row("nothing else: alerts wait, p99", "", |runs| wait(&runs.calm, 99));
    row("one chat is blocked for an hour: the others wait, p99", "the same", |runs| {
        wait(&runs.blocked, 99)
    });
    row("one group has 60 alerts a minute: the others wait, p99", "the same", |runs| {
        wait(&runs.busy, 99)
    });
    row("its alerts that the sender was told of by 429", "what is too much", |runs| {
        format!("{} of {}", runs.busy.turned_away, total(&runs.busy))
    });
    row("its alerts that were taken wait, p99", "", |runs| {
        seconds(runs.busy.percentile(Kind::Busy, 99))
    });
    text
}

fn total(run: &Measures) -> usize {
    run.posted(Kind::Busy) + run.missing(Kind::Busy) + run.turned_away
}

fn heads(text: &mut String, columns: &[Column]) {
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    let _ = writeln!(text, "| measure | goal | {} |", names.join(" | "));
    let _ = writeln!(text, "| --- | --- |{}", " --- |".repeat(names.len()));
}

/// One table for each temper: a row for each measure, a column for each way of sending.
fn tables(columns: &[Column]) -> String {
    let mut text = String::new();
    for (number, temper) in Temper::ALL.into_iter().enumerate() {
        let _ = writeln!(text, "### {}\n", title(temper));
        heads(&mut text, columns);
        for (measure, goal, show) in ROWS {
            let runs = columns.iter().filter_map(|column| column.tempers.get(number));
            let cells: Vec<_> = runs.map(|runs| show(runs, temper)).collect();
            let _ = writeln!(text, "| {measure} | {goal} | {} |", cells.join(" | "));
        }
        text.push('\n');
    }
    text.push_str(&calm_table(columns));
    text
}

fn title(temper: Temper) -> &'static str {
    match temper {
        Temper::SlidingWindow => "Sliding window: 30 in any second",
        Temper::TokenBucket => "Token bucket: 30, filled evenly",
        Temper::Hidden => "A hidden lower limit: 25 in any second",
    }
}
