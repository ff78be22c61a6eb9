//! Measures, and writes down what it measured.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bench::load::{GROUPS, LEFT, Load, Temper};
use bench::measure::Measures;
use bench::page::{self, PAGE};
use bench::peer::{self, Program};
use bench::report::{Calm, Column, Runs, results};
use bench::town::Town;
use bench::{picture, usher};

const HELP: &str = "\
Measures Usher's sender beside the throttlers that people use.

  --peers FOLDER      where the peers are installed (without it, Usher alone is measured)
  --removals NUMBER   how many are removed (10000)
  --seed NUMBER       the same seed gives the same run (1)
  --write FOLDER      writes RESULTS.md and results.svg there
";

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

struct Options {
    peers: Option<PathBuf>,
    removals: usize,
    seed: u64,
    write: Option<PathBuf>,
}

fn main() -> ExitCode {
    match read_options().and_then(|options| options.map_or(Ok(()), |options| measure(&options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("bench: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn read_options() -> Outcome<Option<Options>> {
    use lexopt::prelude::*;
    let mut options = Options { peers: None, removals: 10_000, seed: 1, write: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("peers") => options.peers = Some(parser.value()?.into()),
            Long("removals") => options.removals = parser.value()?.parse()?,
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("write") => options.write = Some(parser.value()?.into()),
            Long("help") | Short('h') => {
                say(HELP);
                return Ok(None);
            }
            _ => return Err(arg.unexpected().into()),
        }
    }
    Ok(Some(options))
}

fn measure(options: &Options) -> Outcome<()> {
    complain("the town is built …\n");
    let town = Town::new(GROUPS, LEFT, options.removals);
    let programs: Vec<_> = options.peers.iter().flat_map(|folder| programs(folder)).collect();
    let columns: Outcome<Vec<Column>> = std::thread::scope(|scope| {
        // They share nothing but the town, which each copies: together they are done sooner.
        let town = &town;
        let ours = scope.spawn(move || {
            column(options, "Usher", |temper, load| {
                Ok(usher::run(town, temper, load, options.seed))
            })
        });
        let others = programs.iter().flat_map(|program| [1, 3].map(|count| (program, count)));
        let others: Vec<_> = others
            .map(|(program, count)| {
                let plural = if count == 1 { "" } else { "es" };
                let name = format!("{}, {count} process{plural}", program.name);
                scope.spawn(move || {
                    column(options, &name, |temper, load| {
                        Ok(peer::run(town, temper, load, options.seed, program, count)?)
                    })
                })
            })
            .collect();
        let all = std::iter::once(ours).chain(others);
        all.map(|run| run.join().unwrap_or_else(|_| Err("a run has panicked".into()))).collect()
    });
    let columns = columns?;
    // What the other pass has measured stays as it is.
    let before = options.write.iter().find_map(|folder| fs::read_to_string(folder.join(PAGE)).ok());
    let real = before.as_deref().and_then(page::real).unwrap_or(page::NOTHING_REAL);
    let results = results(options.removals, &columns, real);
    say(&results);
    if let Some(folder) = &options.write {
        fs::write(folder.join(PAGE), results)?;
        picture::draw(&columns, &folder.join("results.svg"))?;
    }
    Ok(())
}

fn programs(folder: &Path) -> [Program; 2] {
    let grammy = folder.join("grammy/peer.mjs");
    let python = folder.join("python-telegram-bot");
    [
        Program { name: "grammY", command: vec!["node".into(), grammy] },
        Program {
            name: "python-telegram-bot",
            command: vec![python.join("venv/bin/python"), python.join("peer.py")],
        },
    ]
}

/// Every load under every temper.
fn column(
    options: &Options,
    name: &str,
    run: impl Fn(Temper, &Load) -> Outcome<Measures>,
) -> Outcome<Column> {
    let seed = options.seed;
    // Alerts come for as long as the removals take at nine tenths of the limit.
    let alerts_ms = i64::try_from(options.removals).unwrap_or(i64::MAX) * 1_000 / 27;
    let mut tempers = Vec::new();
    for temper in Temper::ALL {
        complain(&format!("{name}: {} …\n", temper.name()));
        tempers.push(Runs {
            removal: run(temper, &Load::mass_removal(seed, alerts_ms))?,
            burst: run(temper, &Load::bursts())?,
        });
    }
    complain(&format!("{name}: far from the limit …\n"));
    let far = Temper::SlidingWindow;
    let calm = Calm {
        calm: run(far, &Load::calm(seed))?,
        blocked: run(far, &Load::blocked_chat(seed))?,
        busy: run(far, &Load::busy_group(seed))?,
    };
    Ok(Column { name: name.to_owned(), tempers, calm })
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn say(text: &str) {
    print!("{text}");
}

#[expect(clippy::print_stderr, reason = "a program for people")]
fn complain(text: &str) {
    eprint!("{text}");
}
