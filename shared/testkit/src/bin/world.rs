//! The simulated world from the command line: search for long, show the deliberate mistakes, or
//! tell one schedule as a story.

#![expect(clippy::print_stdout, reason = "it is a command: what it finds goes to its user")]

use std::process::ExitCode;

use mimalloc::MiMalloc;
use rustix::time::{ClockId, clock_gettime};
use testkit::world::{Schedule, Stage, Tally, meetings, report, soak, tell};

/// A run makes and forgets very many small things: this allocator makes it a sixth faster.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const USAGE: &str = "\
usage: world soak SCHEDULES [FROM_SEED]   search, with progress, and show what was found
       world meetings                     every fault while somebody is in the middle of something
       world bugs                         how soon each deliberate mistake is found
       world replay SCHEDULE              one schedule, as it was found
       world shrink SCHEDULE              the smallest story that shows the same";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["soak", schedules] => searched(schedules.parse().ok(), Some(0)),
        ["soak", schedules, seed] => searched(schedules.parse().ok(), seed.parse().ok()),
        ["meetings"] => shown(|stage| meetings(stage, &|line| println!("{line}"))),
        ["bugs"] => {
            let (table, all) = report::bugs(&Stage::new());
            println!("{table}");
            if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        ["replay", name] => told(name, false),
        ["shrink", name] => told(name, true),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    println!("{USAGE}");
    ExitCode::from(2)
}

fn told(name: &str, small: bool) -> ExitCode {
    let Some(schedule) = Schedule::parse(name) else { return usage() };
    println!("{}", tell(&Stage::new(), &schedule, None, small));
    ExitCode::SUCCESS
}

fn searched(schedules: Option<u64>, seed: Option<u64>) -> ExitCode {
    let (Some(schedules), Some(seed)) = (schedules, seed) else { return usage() };
    shown(|stage| soak(stage, schedules, seed, &|line| println!("{line}")))
}

/// Shows what a search found, and the first of it as a story.
fn shown(search: impl FnOnce(&Stage) -> Tally) -> ExitCode {
    let stage = Stage::new();
    let before = processor_seconds();
    let tally = search(&stage);
    let seconds = processor_seconds() - before;
    println!("{}", report::tally(&tally));
    println!("{}", report::speed(&tally, seconds));
    match tally.found.first() {
        None => ExitCode::SUCCESS,
        Some((schedule, _)) => {
            println!("{}", tell(&stage, schedule, None, true));
            println!("What to do: `make replay SCHEDULE={schedule}` tells it again.");
            ExitCode::FAILURE
        }
    }
}

/// How long this process has had a processor, on all of them together.
fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    std::time::Duration::try_from(time).unwrap_or_default().as_secs_f64()
}
