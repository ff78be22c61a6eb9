//! The storm: the real functions on the emulator and the simulator, while the fault proxy in front
//! of both lets calls go wrong and kills functions. Traders, storefronts and people go on as they
//! would, and repeat what was not answered. Then it is calm, what is left is carried out, and every
//! invariant is checked by what the API, Telegram and the tables show.
//!
//! The seed gives the same people with the same plans and the same draws of the proxy. Which call
//! meets which fate is up to the machine, so a seed repeats a storm, not its every drop.

#![expect(clippy::print_stdout, reason = "its report is there to be read")]

mod books;
mod buyer;
mod calm;
mod chart;
mod check;
mod client;
mod ledger;
mod owner;
mod people;
mod played;
mod report;
mod timeline;
mod town;
mod trader;
mod weather;

use std::process::ExitCode;

use stories::{Stack, Telegram, Trouble};

use crate::ledger::Ledger;
use crate::town::Town;
use crate::weather::Weather;

const HELP: &str = "\
The real functions in a storm of faults, and whether every invariant holds afterwards.

  --seconds NUMBER   how long the storm lasts (40)
  --seed NUMBER      from which people, plans and faults are drawn (1)
";

struct Options {
    seconds: u64,
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match options() {
        Ok(Some(options)) => storm(&options).await,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => Err(format!("{error}\n\n{HELP}").into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            println!("\n  ✗ {trouble}\n");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Option<Options>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut options = Options { seconds: 40, seed: 1 };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("seconds") => options.seconds = parser.value()?.parse()?,
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(options))
}

/// Whether every invariant held.
async fn storm(options: &Options) -> Result<bool, Trouble> {
    let stack = Stack::open()?;
    let faulty = stack.through_faults()?;
    let telegram = Telegram::of(&stack)?;
    let ledger = Ledger::default();
    let weather = Weather::of(&stack);
    weather.calm().await?;
    let town = Town { stack: &stack, faulty: &faulty, telegram: &telegram, ledger: &ledger };

    println!("\nThe storm, seed {}: {} s", options.seed, options.seconds);
    let shops = town.settle_in(options.seed).await?;
    weather.storm(options.seed).await?;
    let played = town.live(options.seed, options.seconds, shops, &weather).await?;
    weather.calm().await?;
    let settled = calm::settle(&town, &played).await?;
    let proxy = weather.report().await?;
    report::print(options.seed, options.seconds, &played, &settled, &proxy, &ledger);
    if settled.verdict.violations.is_empty() {
        return Ok(true);
    }
    timeline::print(&town, &settled, &proxy, options.seed).await?;
    Ok(false)
}
