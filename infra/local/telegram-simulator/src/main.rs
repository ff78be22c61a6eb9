//! The simulator as a program.

use std::process::ExitCode;

use telegram_simulator::{BotConfig, Clock, Config, FloodMode, Running, Simulator};

const HELP: &str = "\
A strict simulator of the Telegram Bot API server, for development.

  --listen ADDRESS      where to listen (127.0.0.1:8081; this machine only)
  --bot-token TOKEN     a bot that exists from the start, <number>:<secret>
                        (or TELEGRAM_SIMULATOR_BOT_TOKEN in the environment)
  --bot-username NAME   its user name (usher_bot)
  --clock real|manual   the machine's time, or one moved by POST /control/clock/advance
  --seed NUMBER         the same seed gives the same link codes and the same chance
  --kick-ms NUMBER      how long unbanChatMember takes to put a member out (50)
  --no-flood-limits     let every call through

Open the address in a browser to see groups, people and messages.
";

struct Options {
    config: Config,
    token: Option<String>,
    username: String,
}

fn main() -> ExitCode {
    let options = match read_options() {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            complain(&format!("{error}\n\n{HELP}"));
            return ExitCode::FAILURE;
        }
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("telegram-simulator: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> std::io::Result<()> {
    let mut config = options.config;
    if let Some(token) = options.token {
        config.bots.push(BotConfig { token, username: options.username });
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let running: Running = Simulator::start(config).await?;
        say(&format!("telegram-simulator ready at {}\n", running.base_url));
        // Until the process is ended from outside.
        std::future::pending::<()>().await;
        Ok(())
    })
}

fn read_options() -> Result<Option<Options>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut config = Config { listen: ([127, 0, 0, 1], 8081).into(), ..Config::default() };
    let mut token = token_from_environment();
    let mut username = "usher_bot".to_owned();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("listen") => config.listen = parser.value()?.parse()?,
            Long("bot-token") => token = Some(parser.value()?.string()?),
            Long("bot-username") => username = parser.value()?.string()?,
            Long("seed") => config.settings.seed = parser.value()?.parse()?,
            Long("kick-ms") => config.settings.kick_ms = parser.value()?.parse()?,
            Long("no-flood-limits") => config.flood.mode = FloodMode::Off,
            Long("clock") => {
                config.clock = match parser.value()?.string()?.as_str() {
                    "real" => Clock::Real,
                    "manual" => Clock::manual(Clock::Real.now_ms()),
                    _ => return Err("--clock is real or manual".into()),
                };
            }
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(Options { config, token, username }))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a token on the command line shows in the process list"
)]
fn token_from_environment() -> Option<String> {
    std::env::var("TELEGRAM_SIMULATOR_BOT_TOKEN").ok().filter(|token| !token.is_empty())
}

#[expect(clippy::print_stdout, reason = "a program for people; one line tells that it is ready")]
fn say(text: &str) {
    print!("{text}");
}

#[expect(clippy::print_stderr, reason = "a program for people")]
fn complain(text: &str) {
    eprintln!("{text}");
}
