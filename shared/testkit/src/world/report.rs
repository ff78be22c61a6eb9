//! What was found, as tables.

use std::fmt::Write as _;

use super::bug::Bug;
use super::search::Tally;
use super::soak::hunt;
use super::stories::Stage;
use super::watch::Invariant;

/// So many runs may pass before a deliberate mistake is found: as many as `make test` has.
pub const MOST: u64 = 50_000;

/// What was run, looked at and found.
pub fn tally(tally: &Tally) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "| what | count |\n| --- | ---: |");
    let _ = writeln!(text, "| schedules | {} |", tally.schedules);
    let _ = writeln!(text, "| effects | {} |", tally.effects);
    let _ = writeln!(text, "| faults | {} |", tally.faults_total());
    for (verdict, times) in &tally.faults {
        let _ = writeln!(text, "| … {verdict:?} | {times} |");
    }
    let _ = writeln!(text, "| checks | {} |", tally.checks.total());
    for invariant in Invariant::ALL {
        let _ = writeln!(text, "| … {invariant:?} | {} |", tally.checks.of(invariant));
    }
    let _ = writeln!(text, "| violations | {} |", tally.found.len());
    for (schedule, violation) in tally.found.iter().take(20) {
        let _ = writeln!(text, "\n{schedule}  {violation}");
    }
    text
}

/// How fast it went, for so many seconds of processor time.
#[expect(clippy::cast_precision_loss, reason = "a rounded number for people")]
pub fn speed(tally: &Tally, seconds: f64) -> String {
    let schedules = tally.schedules as f64;
    format!(
        "{seconds:.1} s of processor time: {:.0} schedules a second of it, {:.1} effects in each",
        schedules / seconds,
        tally.effects as f64 / schedules,
    )
}

/// How soon each deliberate mistake is found, and whether every one is.
pub fn bugs(stage: &Stage) -> (String, bool) {
    let mut text = "| deliberate mistake | found after | by |\n| --- | ---: | --- |\n".to_owned();
    let mut all = true;
    for bug in Bug::ALL {
        let (runs, by) = match hunt(stage, bug, MOST) {
            Some((runs, tally)) => {
                let by = tally
                    .found
                    .first()
                    .map(|(schedule, violation)| format!("{:?}, in {schedule}", violation.of));
                (format!("{runs} runs"), by.unwrap_or_default())
            }
            None => {
                all = false;
                (format!("not in {MOST}"), String::new())
            }
        };
        let _ = writeln!(text, "| {bug:?} | {runs} | {by} |");
    }
    (text, all)
}
