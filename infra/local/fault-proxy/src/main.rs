//! The fault proxy as a program.

use std::net::SocketAddr;
use std::process::ExitCode;

use fault_proxy::{Config, start};

const HELP: &str = "\
Stands in front of the AWS emulator and the Telegram simulator, and lets calls go wrong.

  --aws ADDRESS               the AWS emulator
  --telegram ADDRESS          the Telegram simulator
  --before-aws ADDRESS        where to listen in its place
  --before-telegram ADDRESS   where to listen in its place
  --control ADDRESS           where POST /weather makes the weather and GET /report tells of it

USHER_STACK in its environment is the mark of the stack whose functions it may kill.
";

fn main() -> ExitCode {
    let result = read_options().map_err(|error| format!("{error}\n\n{HELP}")).and_then(|config| {
        let Some(config) = config else {
            say(HELP);
            return Ok(());
        };
        run(config).map_err(|error| error.to_string())
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("fault-proxy: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(config: Config) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let _running = start(config).await?;
        // Until the process is ended from outside.
        std::future::pending::<()>().await;
        Ok(())
    })
}

fn read_options() -> Result<Option<Config>, lexopt::Error> {
    use lexopt::prelude::*;
    let [mut aws, mut telegram, mut before_aws, mut before_telegram, mut control] =
        [None::<SocketAddr>; 5];
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        let address = match arg {
            Long("aws") => &mut aws,
            Long("telegram") => &mut telegram,
            Long("before-aws") => &mut before_aws,
            Long("before-telegram") => &mut before_telegram,
            Long("control") => &mut control,
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected()),
        };
        *address = Some(parser.value()?.parse()?);
    }
    let named = |address: Option<SocketAddr>, name: &str| {
        address.ok_or_else(|| lexopt::Error::from(format!("--{name} is missing")))
    };
    Ok(Some(Config {
        aws: named(aws, "aws")?,
        telegram: named(telegram, "telegram")?,
        before_aws: named(before_aws, "before-aws")?,
        before_telegram: named(before_telegram, "before-telegram")?,
        control: named(control, "control")?,
        mark: mark()?,
    }))
}

#[expect(clippy::disallowed_methods, reason = "the stack marks what it starts by a variable")]
fn mark() -> Result<String, lexopt::Error> {
    const NAME: &str = "USHER_STACK";
    std::env::var(NAME)
        .map(|value| format!("{NAME}={value}"))
        .map_err(|_| lexopt::Error::from(format!("{NAME} is missing")))
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn say(text: &str) {
    print!("{text}");
}

#[expect(clippy::print_stderr, reason = "a program for people")]
fn complain(text: &str) {
    eprintln!("{text}");
}
