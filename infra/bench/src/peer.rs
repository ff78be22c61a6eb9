//! The libraries that others use, under the same load: each runs for real, in processes of its own,
//! on a clock that is moved here.
//!
//! A process is asked what it does at a moment: it gets the time, the work that comes in and the
//! answers of Telegram, does all that it can without time passing, and tells its calls, what it has
//! finished, and when it wants to go on. Nothing happens in between, so time can jump. As long as
//! nobody else does anything, its own timers go on without being asked each time. Calls travel as
//! long as Usher's do.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use telegram_simulator::World;
use testkit::memory_telegram::{KICK, TOKEN};
use testkit::{MemoryTelegram, VirtualClock};

use crate::load::{Load, Temper, mark};
use crate::measure::Measures;
use crate::slow::TELEGRAM;
use crate::town::Town;

/// A bot on somebody's library.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name and version, for people.
    pub name: &'static str,
    /// How it is started.
    pub command: Vec<PathBuf>,
}

/// One thing to do.
#[derive(Clone, Debug, Serialize)]
struct Work {
    work: usize,
    method: &'static str,
    chat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// A call on its way to Telegram.
#[derive(Clone, Debug, Deserialize)]
struct Call {
    call: u64,
    method: String,
    args: Map<String, Value>,
}

/// What Telegram says to it.
#[derive(Clone, Debug, Serialize)]
struct Answer {
    call: u64,
    status: u16,
    body: Value,
}

/// A work that has ended.
#[derive(Clone, Debug, Deserialize)]
struct Done {
    ok: bool,
    #[serde(default)]
    why: String,
}

#[derive(Serialize)]
struct Step<'s> {
    now: i64,
    until: i64,
    token: &'s str,
    work: Vec<Work>,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Told {
    now: i64,
    calls: Vec<Call>,
    done: Vec<Done>,
    next: Option<i64>,
}

enum Event {
    Work(usize, Work),
    Call(usize, Call),
    Answer(usize, Answer),
}

/// A process of a program.
struct Process {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    work: Vec<Work>,
    answers: Vec<Answer>,
    next: Option<i64>,
}

impl Process {
    fn start(program: &Program) -> io::Result<Self> {
        let (first, rest) = program.command.split_first().ok_or_else(|| lost("no command"))?;
        let mut child = Command::new(first)
            .args(rest)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| lost(&format!("{} cannot be started: {error}", program.name)))?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let (Some(to), Some(from)) = (to, from) else { return Err(lost("no pipes")) };
        let from = BufReader::new(from);
        Ok(Self { child, to, from, work: Vec::new(), answers: Vec::new(), next: None })
    }

    fn is_asked(&self, now: i64) -> bool {
        let is_time = self.next.is_some_and(|next| next <= now);
        is_time || !self.work.is_empty() || !self.answers.is_empty()
    }

    /// Lets it go on from `now` until it makes a call or ends a piece of work, at most to `until`.
    fn ask(&mut self, now: i64, until: i64) -> io::Result<Told> {
        let (work, answers) = (std::mem::take(&mut self.work), std::mem::take(&mut self.answers));
        let mut line = serde_json::to_string(&Step { now, until, token: TOKEN, work, answers })?;
        line.push('\n');
        self.to.write_all(line.as_bytes())?;
        self.to.flush()?;
        let mut told = String::new();
        if self.from.read_line(&mut told)? == 0 {
            return Err(lost("a peer has ended"));
        }
        let told: Told = serde_json::from_str(&told)?;
        self.next = told.next;
        Ok(told)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lost(why: &str) -> io::Error {
    io::Error::other(why.to_owned())
}

/// Everything that happens, in the order of time.
struct Course {
    events: BTreeMap<(i64, u64), Event>,
    last: u64,
    dice: fastrand::Rng,
    clock: VirtualClock,
    telegram: MemoryTelegram,
}

impl Course {
    fn at(&mut self, ms: i64, event: Event) {
        self.last += 1;
        self.events.insert((ms, self.last), event);
    }

    /// Half of the way to Telegram, in milliseconds.
    fn half(&mut self) -> i64 {
        self.dice.i64(TELEGRAM.0 / 2_000..=TELEGRAM.1 / 2_000)
    }

    /// A call arrives; its answer is on the way back.
    fn arrive(&mut self, now: i64, process: usize, call: Call) {
        let Call { call, method, args } = call;
        let result = self.telegram.ask(&method, &args);
        let does = match &result {
            Ok(_) if method == "unbanChatMember" => KICK,
            _ => SignedDuration::ZERO,
        };
        let answer = match result {
            Ok(result) => {
                Answer { call, status: 200, body: json!({ "ok": true, "result": result }) }
            }
            Err(refusal) => Answer { call, status: refusal.code, body: refusal.body() },
        };
        let back = self.half() + i64::try_from(does.as_millis()).unwrap_or(0);
        self.at(now + back, Event::Answer(process, answer));
    }
}

/// Runs a load with so many processes of a program, which know nothing of each other: each gets
/// every so manieth piece of the work at the moment at which it comes up.
///
/// # Errors
/// The program cannot be run, does not keep to the agreement, or gives up a piece of work.
pub fn run(
    town: &Town,
    temper: Temper,
    load: &Load,
    seed: u64,
    program: &Program,
    processes: usize,
) -> io::Result<Measures> {
    let clock = VirtualClock::at(town.begin);
    let telegram = town.telegram(&clock, temper, load);
    let dice = fastrand::Rng::with_seed(seed);
    let mut course = Course { events: BTreeMap::new(), last: 0, dice, clock, telegram };
    let begin = town.begin.as_millisecond();
    let all = plan(town, load);
    let mut open = all.len();
    for (number, (at, work)) in all.into_iter().enumerate() {
        course.at(begin + at, Event::Work(number % processes, work));
    }
    let mut crew = Vec::new();
    for _ in 0..processes {
        crew.push(Process::start(program)?);
    }
    while open > 0 {
        let events = course.events.keys().next().map(|(at, _)| *at);
        let wishes = crew.iter().filter_map(|process| process.next).min();
        let Some(now) = events.into_iter().chain(wishes).min() else {
            return Err(lost("a peer waits for nothing"));
        };
        if now > begin + load.most_ms {
            break;
        }
        let moment = Timestamp::from_millisecond(now).map_err(io::Error::other)?;
        course.clock.move_to(moment);
        while let Some(entry) = course.events.first_entry().filter(|it| it.key().0 <= now) {
            match entry.remove() {
                Event::Work(process, work) => of(&mut crew, process)?.work.push(work),
                Event::Answer(process, answer) => of(&mut crew, process)?.answers.push(answer),
                Event::Call(process, call) => course.arrive(now, process, call),
            }
        }
        for number in 0..crew.len() {
            if !of(&mut crew, number)?.is_asked(now) {
                continue;
            }
            // Up to there nobody else does anything.
            let others = crew.iter().enumerate().filter(|(other, _)| *other != number);
            let others = others.filter_map(|(_, other)| match other.is_asked(now) {
                true => Some(now),
                false => other.next,
            });
            let until = course.events.keys().next().map(|(at, _)| *at).into_iter();
            let until = until.chain(others).min().unwrap_or(i64::MAX).min(begin + load.most_ms);
            let told = of(&mut crew, number)?.ask(now, until.max(now))?;
            let now = told.now;
            for call in told.calls {
                let there = course.half();
                course.at(now + there, Event::Call(number, call));
            }
            if let Some(failed) = told.done.iter().find(|done| !done.ok) {
                return Err(lost(&format!("{} gave up: {}", program.name, failed.why)));
            }
            open = open.saturating_sub(told.done.len());
        }
    }
    Ok(Measures::read(&course.telegram.look(World::calls), begin, load, &[]))
}

fn of(crew: &mut [Process], number: usize) -> io::Result<&mut Process> {
    crew.get_mut(number).ok_or_else(|| lost("no such process"))
}

/// What is to be done, and when.
fn plan(town: &Town, load: &Load) -> Vec<(i64, Work)> {
    let leavers = town.leavers.iter().filter(|_| load.removals).map(|leaver| {
        let (chat, user) = (leaver.chat, Some(leaver.user));
        (0, Work { work: 0, method: "unbanChatMember", chat, user, text: None })
    });
    let alerts = load.alerts.iter().enumerate().map(|(number, alert)| {
        let chat = town.places.get(alert.group).map_or(0, |place| place.chat);
        let text = format!("BUY EURUSD\nEntry: 1.1000\nSL: 1.0950\nTP1: 1.1050\n{}", mark(number));
        let work = Work { work: 0, method: "sendMessage", chat, user: None, text: Some(text) };
        (alert.at_ms, work)
    });
    let mut all: Vec<_> = leavers.chain(alerts).collect();
    for (number, (_, work)) in all.iter_mut().enumerate() {
        work.work = number;
    }
    all
}
