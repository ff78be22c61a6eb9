//! The real functions in real time, on the local stack: the mass removal and a burst, scaled down. What
//! is measured is read from the log of the simulator, as in virtual time.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bench::load::{Alert, Kind, Load, Temper, mark, marked};
use bench::measure::Measures;
use bench::page::{self, PAGE};
use futures::future::{ready, try_join};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stories::{Shop, Stack, Telegram, Trouble, offer};
use tokio::time::{Instant, interval, sleep};

const HELP: &str = "\
Measures the real functions on the running local stack, in real time.

  --removals NUMBER   how many are removed (300)
  --write FOLDER      writes into RESULTS.md there
";

/// In how many groups alerts are sent; the first so many are those out of which members go.
const GROUPS: usize = 20;
const LEFT: usize = 10;

/// How many alerts are sent at one moment.
const BURST: usize = 30;

/// Callers at the same time while everything is set up: more would only wait for the emulator.
const CALLERS: usize = 8;

/// How long setting up may take: for each who has to go, and beside that.
const EACH: SignedDuration = SignedDuration::from_millis(100);
const BESIDE: SignedDuration = SignedDuration::from_secs(30);

/// How long is waited for what has begun.
const PATIENCE: Duration = Duration::from_secs(300);

struct Options {
    removals: usize,
    write: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match read_options() {
        Ok(Some(options)) => Box::pin(pass(&options)).await,
        Ok(None) => {
            say(HELP);
            Ok(())
        }
        Err(error) => Err(format!("{error}\n\n{HELP}").into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            say(&format!("\n  ✗ {trouble}\n"));
            ExitCode::FAILURE
        }
    }
}

fn read_options() -> Result<Option<Options>, Box<dyn Error>> {
    use lexopt::prelude::*;
    let mut options = Options { removals: 300, write: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("removals") => options.removals = parser.value()?.parse()?,
            Long("write") => options.write = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(arg.unexpected().into()),
        }
    }
    Ok(Some(options))
}

async fn pass(options: &Options) -> Result<(), Trouble> {
    let stack = Stack::open()?;
    let telegram = Telegram::of(&stack)?;
    let town = Town { telegram: &telegram, shops: open_shops(&stack, &telegram).await? };
    let end = town.fills(options.removals).await?;
    town.settles(end).await?;
    let removal = town.removes(&stack, options.removals).await?;
    let burst = town.bursts().await?;
    let words = words(options.removals, &removal, &burst);
    say(&format!("\n{words}"));
    if let Some(folder) = &options.write {
        let path = folder.join(PAGE);
        let before = fs::read_to_string(&path)?;
        let page = page::with_real(&before, &words).ok_or_else(|| {
            format!("{} has no part for it. Write a new page with: make bench", path.display())
        })?;
        fs::write(path, page)?;
    }
    Ok(())
}

/// Services, each with its group.
async fn open_shops<'a>(
    stack: &'a Stack,
    telegram: &'a Telegram<'a>,
) -> Result<Vec<Shop<'a>>, Trouble> {
    say(&format!("  {GROUPS} services get their groups …\n"));
    // The limits are not what is measured yet.
    telegram.control("flood", Some(&json!({ "mode": "off" }))).await?;
    let mut body = offer("Gold");
    if let Some(body) = body.as_object_mut() {
        body.insert("settings".to_owned(), json!({ "reminder_hours": [], "grace_hours": 0 }));
    }
    let body = &body;
    let shops =
        (0..GROUPS).map(|_| Shop::open_with(stack, telegram, body, "supergroup", json!({})));
    stream::iter(shops).buffered(CALLERS).try_collect().await
}

struct Town<'a> {
    telegram: &'a Telegram<'a>,
    shops: Vec<Shop<'a>>,
}

impl Town<'_> {
    /// As many as have to go buy and come in; answers with the end of their access.
    async fn fills(&self, removals: usize) -> Result<Timestamp, Trouble> {
        say(&format!("  {removals} buy and come in …\n"));
        let time = EACH.saturating_mul(i32::try_from(removals).unwrap_or(i32::MAX));
        let end = domain::time::after(domain::time::after(now(), time), BESIDE);
        let coming = self.shops.iter().take(LEFT).cycle().take(removals).enumerate();
        let coming = coming.map(|(number, shop)| async move {
            let user = self.telegram.person("Leaver").await?;
            let bought = json!({
                "customer_id": format!("c-{number}"), "telegram_user_id": user,
                "ends_at": end.to_string(),
            });
            shop.sells(bought).await?.expect_status(201)?;
            let added = json!({ "by": shop.owner, "user": user, "chat_id": shop.chat });
            self.telegram.control("add", Some(&added)).await
        });
        stream::iter(coming).buffer_unordered(CALLERS).try_collect::<Vec<_>>().await?;
        Ok(end)
    }

    /// Waits until the webhook has heard of everybody, nothing goes out any more, and access is over.
    async fn settles(&self, end: Timestamp) -> Result<(), Trouble> {
        let idle = self.telegram.control("idle?wait_ms=20000", None).await?;
        let mut calls = 0;
        loop {
            let there = self.calls("").await?.len();
            if there == calls && now() > end {
                break;
            }
            if there != calls && now() > end {
                let late = "setting up took too long. Try again when the machine has less to do, or \
                            with fewer: --removals 100";
                return Err(late.into());
            }
            calls = there;
            say(&format!("  access ends in {} s …\n", end.duration_since(now()).as_secs()));
            sleep(Duration::from_secs(5)).await;
        }
        if idle.get("idle") != Some(&json!(true)) {
            return Err("Telegram still has updates for the webhook. What it says is in the \
                        emulator.log of the stack"
                .into());
        }
        self.telegram.control("flood", Some(&json!({ "mode": "sliding_window" }))).await?;
        Ok(())
    }

    /// The sweep begins all removals, and an alert is sent every second until they are done.
    async fn removes(&self, stack: &Stack, removals: usize) -> Result<Pass, Trouble> {
        say("  the sweep begins the removals …\n");
        let begin = now();
        let is_done = &AtomicBool::new(false);
        let seconds = stream::unfold(interval(Duration::from_secs(1)), |mut clock| async {
            clock.tick().await;
            Some(((), clock))
        });
        let alerts = seconds
            .enumerate()
            .take_while(|_| ready(!is_done.load(Ordering::Relaxed)))
            .map(|(number, ())| self.alerts(begin, number, Kind::Steady))
            .buffered(CALLERS * 4)
            .try_collect::<Vec<_>>();
        let work = async {
            let report = stack.sweep().await?;
            if report.get("failed") != Some(&json!(0)) {
                return Err(format!("the sweep failed in part: {report}").into());
            }
            let done = self.until(begin, "removals", removals, |calls| {
                calls.iter().filter(|call| is(call, "unbanChatMember")).count()
            });
            let done = done.await;
            is_done.store(true, Ordering::Relaxed);
            done
        };
        let (alerts, ()) = try_join(alerts, work).await?;
        self.posted(begin, alerts.len()).await?;
        self.pass(begin, true, alerts).await
    }

    /// Many alerts at one moment, and nothing else.
    async fn bursts(&self) -> Result<Pass, Trouble> {
        say(&format!("  {BURST} alerts at one moment …\n"));
        // What is left to tell those who were removed goes out first.
        sleep(Duration::from_secs(10)).await;
        let begin = now();
        let alerts = (0..BURST).map(|number| self.alerts(begin, number, Kind::Burst));
        let alerts: Vec<_> = stream::iter(alerts).buffered(BURST).try_collect().await?;
        self.posted(begin, alerts.len()).await?;
        self.pass(begin, false, alerts).await
    }

    async fn alerts(&self, begin: Timestamp, number: usize, kind: Kind) -> Result<Alert, Trouble> {
        let group = number % GROUPS;
        let shop = self.shops.get(group).ok_or("there is no such group")?;
        let mut body = shop.signal();
        if let Some(body) = body.as_object_mut() {
            body.insert("note".to_owned(), json!(mark(number)));
        }
        let at_ms = ms_since(begin, now());
        let key = format!("{}-{number}", begin.as_millisecond());
        shop.alerts(&body, &key).await?.expect_status(202)?;
        Ok(Alert { at_ms, group, kind })
    }

    async fn posted(&self, begin: Timestamp, alerts: usize) -> Result<(), Trouble> {
        self.until(begin, "alerts", alerts, |calls| {
            let posts = calls.iter().filter(|call| is(call, "sendMessage"));
            posts.filter(|call| marked(text(call, "/args/text")).is_some()).count()
        })
        .await
    }

    /// Waits until so much is done.
    async fn until(
        &self,
        begin: Timestamp,
        what: &str,
        wanted: usize,
        count: impl Fn(&[Value]) -> usize,
    ) -> Result<(), Trouble> {
        let since = Instant::now();
        loop {
            let done = count(&self.calls_since(begin).await?);
            say(&format!("  {:>4} s  {done} of {wanted} {what}\n", since.elapsed().as_secs()));
            if done >= wanted {
                return Ok(());
            }
            if since.elapsed() > PATIENCE {
                return Err(format!(
                    "only {done} of {wanted} {what} were done. What the functions say is in the \
                     emulator.log of the stack; try again when the machine has less to do, or with \
                     fewer: --removals 100"
                )
                .into());
            }
            sleep(Duration::from_secs(2)).await;
        }
    }

    async fn pass(
        &self,
        begin: Timestamp,
        removals: bool,
        alerts: Vec<Alert>,
    ) -> Result<Pass, Trouble> {
        let calls = self.calls_since(begin).await?;
        let removed = calls.iter().filter(|call| is(call, "unbanChatMember")).map(at);
        let first = removed.min().unwrap_or(0) - begin.as_millisecond();
        let load = Load { removals, ..Load::of(alerts) };
        let measures = Measures::read(&Value::Array(calls), begin.as_millisecond(), &load, &[]);
        Ok(Pass { measures, first_s: usize::try_from(first / 1_000).unwrap_or(0) })
    }

    async fn calls_since(&self, begin: Timestamp) -> Result<Vec<Value>, Trouble> {
        let mut calls = self.calls("").await?;
        calls.retain(|call| at(call) >= begin.as_millisecond());
        Ok(calls)
    }

    async fn calls(&self, which: &str) -> Result<Vec<Value>, Trouble> {
        match self.telegram.control(&format!("calls{which}"), None).await? {
            Value::Array(calls) => Ok(calls),
            other => Err(format!("the simulator has no list of calls: {other}").into()),
        }
    }
}

/// What one pass showed.
struct Pass {
    measures: Measures,
    /// The second in which the first removal reached Telegram.
    first_s: usize,
}

fn is(call: &Value, method: &str) -> bool {
    text(call, "/method") == method && call.get("code") == Some(&json!(200))
}

fn text<'v>(call: &'v Value, pointer: &str) -> &'v str {
    call.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn at(call: &Value) -> i64 {
    call.get("at").and_then(Value::as_i64).unwrap_or(0)
}

fn ms_since(begin: Timestamp, now: Timestamp) -> i64 {
    now.as_millisecond() - begin.as_millisecond()
}

fn words(removals: usize, removal: &Pass, burst: &Pass) -> String {
    let temper = Temper::SlidingWindow;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let seconds = |ms: Option<i64>| {
        ms.map_or_else(|| "–".to_owned(), |ms| format!("{:.2} s", ms as f64 / 1_000.0))
    };
    let (during, after) = (&removal.measures, &burst.measures);
    let mut text = format!(
        "The {build} binaries of the functions, run by the local stack on a machine with {cores} cores \
         that has\nother work as well, against the simulator with its limit of 30 in any second. One \
         sweep begins\n{removals} removals out of {LEFT} groups; an alert a second comes through the \
         API into {GROUPS} groups until they\nare done; then {BURST} at one moment. What the relay \
         tells those who were removed goes out as well. An\nemulator answers for AWS: its calls take \
         longer than AWS's, and it hands out the alerts' queue one\nbatch at a time, where AWS does \
         ten. So this shows that\nthe binaries do what the model does, not how much they could do: the \
         emulator is slower than the limit.\n\n| measure | measured |\n| --- | --- |\n"
    );
    let mut row = |name: &str, shown: String| {
        let _ = writeln!(text, "| {name} | {shown} |");
    };
    let share = during.share(temper, removal.first_s) * 100.0;
    row("share of the limit used from the first removal to the last", format!("{share:.1} %"));
    row("the first removal, after the sweep began", format!("{} s", removal.first_s));
    row("all removals done after", format!("{:.1} s", during.drained_ms as f64 / 1_000.0));
    row("429s until then", during.refused.to_string());
    row("alerts sent meanwhile", during.posted(Kind::Steady).to_string());
    row("they wait, half of them", seconds(during.percentile(Kind::Steady, 50)));
    row("they wait, p99", seconds(during.percentile(Kind::Steady, 99)));
    row(
        &format!("the last of {BURST} alerts at one moment is taken after"),
        seconds(after.burst_ms(Kind::Burst)),
    );
    row("429s until then", after.refused.to_string());
    text
}

#[expect(clippy::disallowed_methods, reason = "it measures real time")]
fn now() -> Timestamp {
    Timestamp::now()
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn say(text: &str) {
    print!("{text}");
}
