//! The stories in which every single fault is tried, and random ones.

mod meetings;

use std::borrow::Cow;

use fastrand::Rng;

use super::chance::{Faults, Order};
use super::hub::Effect;
use super::run::{Plan, Scene, Turn};
use super::story::{NewGroup, Step};
use crate::MemoryStore;

/// A story and the scene on which it is played.
#[derive(Debug)]
pub struct Told {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Where in [`Stage::scenes`] its scene is.
    scene: usize,
    /// What happens.
    pub steps: Vec<Step>,
}

/// Every scene and story.
#[derive(Debug)]
pub struct Stage {
    scenes: Vec<Scene>,
    /// The stories.
    pub stories: Vec<Told>,
    /// What happens while somebody is in the middle of something.
    meetings: Vec<Told>,
}

/// How many people, customers and services there are.
const PEOPLE: usize = 4;
const SERVICES: usize = 2;

/// At so many of the first forks people may do something else.
const NEW_STEPS: u32 = 4;

/// One of so many random runs goes on until everybody's access is over. That takes as long as
/// everything before, and is much the same in all that branch off from one. Measured: deliberate
/// mistakes are found a tenth sooner than when one of four does.
const TO_THE_END: u8 = 16;

const EMPTY: usize = 0;
const READY: usize = 1;
const INSIDE: usize = 2;
const SHORT: usize = 3;
const FULL: usize = 4;

const fn buy(customer: usize, account: Option<usize>, minutes: Option<i64>) -> Step {
    Step::Buy { service: 0, customer, account, minutes }
}

const fn claim(customer: usize, person: usize) -> Step {
    Step::Claim { service: 0, customer, person }
}

const fn tap(person: usize) -> Step {
    Step::Tap { service: 0, person }
}

const fn cancel(customer: usize) -> Step {
    Step::Cancel { service: 0, customer, at_end: false }
}

const fn wait(minutes: i64) -> Step {
    Step::Wait { minutes }
}

const fn hold(effect: Effect, after: usize) -> Step {
    Step::Hold { effect, after }
}

const ALERT: Step = Step::Alert { service: 0 };
const UPDATE: Step = Step::Update { service: 0 };
const CHART: Step = Step::Chart { service: 0 };

fn open(service: usize, group: NewGroup) -> [Step; 4] {
    [
        Step::OpenService { service },
        Step::AskForGroup { service, pool: false },
        Step::AddBot { service, group },
        wait(1),
    ]
}

const fn told(name: &'static str, scene: usize, steps: Vec<Step>) -> Told {
    Told { name: Cow::Borrowed(name), scene, steps }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage {
    /// Builds the scenes.
    pub fn new() -> Self {
        Self::on(&MemoryStore::quick())
    }

    /// The stories on tables of another kind, which are empty.
    pub fn on(tables: &MemoryStore) -> Self {
        let empty = Scene::empty(tables, PEOPLE, SERVICES);
        let ready = empty.after(&open(0, NewGroup::Super));
        let inside = ready.after(&[buy(0, None, None), claim(0, 0), tap(0)]);
        let short = ready.after(&[buy(1, None, Some(600)), claim(1, 1), tap(1)]);
        let full = inside
            .after(&[buy(1, None, Some(600)), claim(1, 1), tap(1), buy(2, Some(2), None)])
            .after(&open(1, NewGroup::Super))
            .after(&[Step::Buy { service: 1, customer: 0, account: None, minutes: None }]);
        let mut scenes = vec![empty, ready, inside, short, full];
        let meetings = meetings::meetings(&mut scenes);
        Self { scenes, stories: stories(), meetings }
    }

    fn scene(&self, at: usize) -> &Scene {
        // The places are constants of this file.
        self.scenes.get(at).unwrap_or_else(|| unreachable!("there is such a scene"))
    }

    /// A story, by its number: the meetings count on from the stories.
    pub fn story(&self, number: usize) -> Option<&Told> {
        self.stories.iter().chain(&self.meetings).nth(number)
    }

    /// The number of a meeting, which comes from a seed.
    pub(super) fn meeting(&self, seed: u64) -> usize {
        let number = Rng::with_seed(seed).usize(..self.meetings.len().max(1));
        self.stories.len().saturating_add(number)
    }

    /// The scene of a story.
    pub fn scene_of(&self, story: &Told) -> &Scene {
        self.scene(story.scene)
    }

    /// A story that comes from a seed, and what branches off from it at some of its forks, a bit for
    /// each: its scene, and the plan.
    pub fn random(&self, seed: u64, branch: u32) -> (&Scene, Plan) {
        let mut rng = Rng::with_seed(seed);
        let scene = *rng.choice(&[READY, INSIDE, SHORT, FULL, FULL]).unwrap_or(&FULL);
        let forks = (0..u32::BITS).filter(|fork| branch & 1 << fork != 0);
        let plan = Plan {
            steps: some_steps(&mut rng, 2..9),
            turns: forks.map(|fork| self.turn(seed, fork, branch)).collect(),
            order: if rng.u8(..8) == 0 { Order::Steady } else { Order::Any(rng.u64(..)) },
            faults: Faults::OneIn(*rng.choice(&[12, 30, 80, 200]).unwrap_or(&30), rng.u64(..)),
            bug: None,
            to_the_end: Self::to_the_end(seed, branch),
        };
        (self.scene(scene), plan)
    }

    /// How it goes on from a fork of such a story, if the path that led there is this one.
    pub(super) fn turn(&self, seed: u64, fork: u32, branch: u32) -> Turn {
        let way = branch & (u32::MAX >> (u32::BITS - 1 - fork));
        let mut rng = dice(seed, way);
        let seed = rng.u64(..);
        // Later ones only go otherwise with what was begun: else no run would come to its end.
        let steps = (fork < NEW_STEPS && rng.bool()).then(|| some_steps(&mut rng, 1..4));
        Turn { fork, seed, steps }
    }

    /// Whether the run of this branch goes on until everybody's access is over.
    pub(super) fn to_the_end(seed: u64, branch: u32) -> bool {
        dice(seed, branch).u8(..TO_THE_END) == 0
    }
}

/// What is drawn for a way through the forks.
fn dice(seed: u64, way: u32) -> Rng {
    Rng::with_seed(Rng::with_seed(seed).u64(..) ^ u64::from(way))
}

fn some_steps(rng: &mut Rng, count: std::ops::Range<usize>) -> Vec<Step> {
    let count = rng.usize(count);
    let mut steps = Vec::new();
    while steps.len() < count {
        steps.extend(random_steps(rng));
    }
    steps
}

fn upgraded_later(told: bool) -> Vec<Step> {
    let mut steps = open(0, NewGroup::Basic).to_vec();
    steps.extend([Step::Upgrade { service: 0, told }, Step::AwaitSweep, wait(1)]);
    steps
}

/// An intruder is made an administrator before they are put out, and is one for so many minutes.
fn appointed(minutes: i64) -> Vec<Step> {
    let (service, person) = (0, 3);
    vec![
        hold(Effect::Look, 0),
        Step::Add { service, person },
        Step::Appoint { service, person, admin: true },
        Step::LetGo,
        wait(minutes),
        Step::Appoint { service, person, admin: false },
    ]
}

/// Renewed while whoever ends the access, or acts upon its end, is held up there.
fn renewed(hold: Step) -> Vec<Step> {
    vec![hold, Step::AwaitSweep, buy(1, None, None), Step::LetGo]
}

/// Somebody without access asks to be let in, and buys while whoever turns them away is held up there.
fn turned_away(hold: Step) -> Vec<Step> {
    let tap = Step::Tap { service: 0, person: 3 };
    vec![hold, tap, buy(3, Some(3), None), Step::LetGo, wait(1), tap]
}

/// Somebody is added by hand, and buys while whoever puts them out is held up there.
fn put_out(hold: Step) -> Vec<Step> {
    vec![hold, Step::Add { service: 0, person: 3 }, buy(3, Some(3), None), Step::LetGo]
}

fn stories() -> Vec<Told> {
    let rights = |all| Step::Rights { service: 0, all };
    let (ada, service) = (0, 0);
    vec![
        told("a group by a set-up link", EMPTY, open(0, NewGroup::Super).to_vec()),
        told(
            "a basic group that is upgraded while it is bound",
            EMPTY,
            open(0, NewGroup::Upgraded).to_vec(),
        ),
        told("a basic group that is upgraded later", EMPTY, upgraded_later(true)),
        told(
            "a basic group that is upgraded while nobody hears of it",
            EMPTY,
            upgraded_later(false),
        ),
        told(
            "a spare group for a service",
            EMPTY,
            vec![
                Step::AddSpare,
                wait(1),
                Step::OpenService { service },
                Step::AskForGroup { service, pool: true },
            ],
        ),
        told("a buyer gets in", READY, vec![buy(0, None, None), claim(0, 0), tap(0)]),
        told("a known account gets in", READY, vec![buy(0, Some(0), None), tap(0)]),
        told(
            "the wrong person finds the links",
            INSIDE,
            vec![buy(1, None, None), claim(1, 2), claim(1, 1), tap(3), tap(1), tap(2)],
        ),
        told(
            "two purchases of one person",
            READY,
            vec![buy(0, Some(0), None), buy(1, Some(0), None), tap(0)],
        ),
        told("alerts", INSIDE, vec![ALERT, ALERT]),
        told("access runs out", SHORT, vec![wait(660)]),
        told("access runs out while alerts go out", SHORT, vec![wait(600), ALERT, wait(60)]),
        told("cancelled, and back", INSIDE, vec![cancel(0), buy(0, None, None), tap(0)]),
        told("renewed at the last moment", SHORT, vec![wait(599), buy(1, None, None), wait(40)]),
        told(
            "renewed while the sweep is at it",
            SHORT,
            vec![Step::AwaitSweep, buy(1, None, None), Step::AwaitSweep, tap(1)],
        ),
        told("renewed a moment too late", SHORT, vec![wait(631), buy(1, None, None), tap(1)]),
        told(
            "cancelled at the end of the period",
            SHORT,
            vec![Step::Cancel { service, customer: 1, at_end: true }, wait(660)],
        ),
        told(
            "rights are lost during a removal",
            INSIDE,
            vec![rights(false), cancel(0), wait(10), rights(true)],
        ),
        told(
            "the bot is thrown out and comes back",
            INSIDE,
            vec![Step::KickBot { service }, cancel(0), wait(5), rights(true), ALERT],
        ),
        told(
            "a moderator bans a member, who then runs out",
            SHORT,
            vec![Step::Ban { service, person: 1 }, wait(660)],
        ),
        told(
            "a member leaves and comes again",
            INSIDE,
            vec![Step::Leave { service, person: ada }, tap(ada)],
        ),
        told("an intruder is added by hand", INSIDE, vec![Step::Add { service, person: 3 }]),
        told("a guest", INSIDE, vec![Step::Guest { service, person: 3 }]),
        told(
            "an administrator whose access runs out",
            SHORT,
            vec![
                Step::Appoint { service, person: 1, admin: true },
                wait(660),
                Step::Appoint { service, person: 1, admin: false },
            ],
        ),
        told("updates of an alert", INSIDE, vec![ALERT, UPDATE, UPDATE, wait(1), UPDATE]),
        told(
            "an update while the bot has no rights",
            INSIDE,
            vec![Step::KickBot { service }, ALERT, UPDATE, wait(2), rights(true), UPDATE],
        ),
        told("alerts of a chart", INSIDE, vec![CHART, CHART, UPDATE]),
        told(
            "moved to another account",
            INSIDE,
            vec![Step::Relink { service, customer: 0 }, claim(0, 3), tap(3), tap(ada)],
        ),
        told(
            "moved, and claimed by the old account again",
            INSIDE,
            vec![Step::Relink { service, customer: 0 }, claim(0, 0), tap(ada)],
        ),
        told(
            "people who paid before are taken over",
            INSIDE,
            vec![
                Step::Add { service, person: 1 },
                Step::Import { service, person: 1, minutes: 90 },
                Step::Import { service, person: ada, minutes: 90 },
                wait(150),
            ],
        ),
        told(
            "members are checked while somebody leaves",
            FULL,
            vec![
                Step::CheckMembers { service },
                Step::Leave { service, person: ada },
                Step::DailyCheck,
                tap(ada),
            ],
        ),
        told(
            "somebody leaves while the bot is outside, and is found out",
            INSIDE,
            vec![
                Step::KickBot { service },
                Step::Leave { service, person: ada },
                rights(true),
                Step::DailyCheck,
            ],
        ),
        told(
            "a guest's pass is withdrawn",
            INSIDE,
            vec![Step::Guest { service, person: 3 }, wait(1), Step::Withdraw { service }],
        ),
        told(
            "a request is taken back",
            READY,
            vec![buy(0, Some(0), None), tap(0), Step::TakeBack { service, person: 0 }, tap(0)],
        ),
        told("renewed before the sweep saves the end", SHORT, renewed(hold(Effect::Commit, 0))),
        told("renewed while the removal's turn is taken", SHORT, renewed(hold(Effect::Commit, 1))),
        told("renewed before the removal's lease", SHORT, renewed(hold(Effect::Commit, 2))),
        told("renewed before the removal's look", SHORT, renewed(hold(Effect::Look, 0))),
        told("renewed before the removal's call", SHORT, renewed(hold(Effect::Act, 0))),
        told("renewed before the removal is saved", SHORT, renewed(hold(Effect::Commit, 3))),
        told(
            "a guest's pass is withdrawn while they are let in again",
            INSIDE,
            vec![
                Step::Guest { service, person: 3 },
                Step::Leave { service, person: 3 },
                hold(Effect::Commit, 1),
                tap(3),
                Step::Withdraw { service },
                wait(0),
                Step::LetGo,
            ],
        ),
        told(
            "a guest's pass is withdrawn before their removal is saved",
            INSIDE,
            vec![
                Step::Guest { service, person: 3 },
                wait(1),
                buy(3, Some(3), None),
                wait(1),
                hold(Effect::Commit, 3),
                cancel(3),
                Step::Withdraw { service },
                wait(0),
                Step::LetGo,
            ],
        ),
        told(
            "cancelled before the approval's call",
            READY,
            vec![buy(0, Some(0), None), hold(Effect::Act, 0), tap(0), cancel(0), Step::LetGo],
        ),
        told(
            "cancelled and bought again before the approval's turn",
            READY,
            vec![
                buy(0, Some(0), None),
                hold(Effect::Commit, 1),
                tap(0),
                cancel(0),
                buy(0, Some(0), None),
                Step::LetGo,
            ],
        ),
        told(
            "moved to another account before the approval's call",
            READY,
            vec![
                buy(0, Some(0), None),
                hold(Effect::Act, 0),
                tap(0),
                Step::Relink { service, customer: 0 },
                Step::LetGo,
            ],
        ),
        told(
            "an intruder is made an administrator before they are put out, and is one no more",
            INSIDE,
            appointed(1),
        ),
        told(
            "an intruder is an administrator for so long that all else of them is forgotten",
            INSIDE,
            appointed(91 * 24 * 60),
        ),
        told(
            "a member comes back as a guest before the call that ends their membership",
            INSIDE,
            vec![
                hold(Effect::Act, 0),
                cancel(0),
                Step::Leave { service, person: 0 },
                Step::Guest { service, person: 0 },
                Step::LetGo,
            ],
        ),
        told("bought before the words of the decline", INSIDE, turned_away(hold(Effect::Act, 0))),
        told("bought before the decline's call", INSIDE, turned_away(hold(Effect::Act, 1))),
        told("an intruder buys before they are put out", INSIDE, put_out(hold(Effect::Act, 0))),
        told("an intruder buys before it is saved", INSIDE, put_out(hold(Effect::Commit, 3))),
        told(
            "moved to another account before the removal's call",
            INSIDE,
            vec![
                hold(Effect::Act, 0),
                cancel(0),
                Step::Relink { service, customer: 0 },
                Step::LetGo,
                buy(0, None, None),
                claim(0, 3),
                tap(3),
            ],
        ),
        told(
            "two tap one claim link at the same time",
            READY,
            vec![
                buy(0, None, None),
                hold(Effect::Commit, 0),
                claim(0, 0),
                claim(0, 1),
                Step::LetGo,
                tap(0),
                tap(1),
            ],
        ),
        told(
            "an update comes before its alert's call",
            INSIDE,
            vec![hold(Effect::Act, 0), ALERT, UPDATE, Step::LetGo],
        ),
        told(
            "the bot is thrown out before an alert's call",
            INSIDE,
            vec![
                hold(Effect::Act, 0),
                ALERT,
                Step::KickBot { service },
                Step::LetGo,
                wait(2),
                rights(true),
            ],
        ),
        told(
            "rights are lost before the removal's call",
            SHORT,
            vec![
                hold(Effect::Act, 0),
                Step::AwaitSweep,
                rights(false),
                Step::LetGo,
                wait(2),
                rights(true),
                Step::AwaitSweep,
            ],
        ),
        told(
            "somebody leaves while they are checked",
            FULL,
            vec![
                hold(Effect::Look, 0),
                Step::CheckMembers { service },
                Step::Leave { service, person: ada },
                Step::LetGo,
                tap(ada),
            ],
        ),
        told(
            "somebody buys while they are taken over",
            INSIDE,
            vec![
                Step::Add { service, person: 1 },
                hold(Effect::Commit, 1),
                Step::Import { service, person: 1, minutes: 90 },
                buy(1, Some(1), None),
                Step::LetGo,
            ],
        ),
    ]
}

fn random_steps(rng: &mut Rng) -> Vec<Step> {
    let service = if rng.u8(..4) == 0 { 1 } else { 0 };
    let (customer, person) = (rng.usize(..PEOPLE), rng.usize(..PEOPLE));
    let account = (rng.u8(..3) == 0).then_some(person);
    let minutes = (rng.u8(..3) == 0).then(|| rng.i64(1..120));
    let buy = Step::Buy { service, customer, account, minutes };
    match rng.u8(..58) {
        0..8 => vec![buy, Step::Claim { service, customer, person }, Step::Tap { service, person }],
        8..11 => vec![buy],
        11..14 => vec![Step::Tap { service, person }],
        14..16 => vec![Step::Claim { service, customer, person }],
        16..20 => vec![Step::Cancel { service, customer, at_end: rng.u8(..3) == 0 }],
        20..25 => vec![Step::Alert { service }],
        25..29 => vec![Step::Wait { minutes: *rng.choice(&[1, 5, 31, 70, 610]).unwrap_or(&31) }],
        29..31 => vec![Step::Leave { service, person }],
        31 => vec![Step::Ban { service, person }],
        32 => vec![Step::Unban { service, person }],
        33 => vec![Step::Add { service, person }],
        34 => vec![Step::Guest { service, person: 3 }],
        35 => vec![Step::Appoint { service, person, admin: rng.bool() }],
        36 => vec![
            Step::Rights { service, all: false },
            Step::Wait { minutes: 3 },
            Step::Rights { service, all: true },
        ],
        37 => vec![
            Step::KickBot { service },
            Step::Wait { minutes: 2 },
            Step::Rights { service, all: true },
        ],
        38 => vec![Step::TakeBack { service, person }],
        39..41 => vec![Step::AwaitSweep, buy, Step::Tap { service, person }],
        41 => vec![Step::AwaitSweep],
        42 => vec![
            Step::Cancel { service, customer, at_end: false },
            Step::Buy { service, customer, account: None, minutes: None },
            Step::Tap { service, person },
        ],
        43..46 => vec![Step::Alert { service }, Step::Update { service }],
        46 => vec![Step::Update { service }],
        47 => vec![Step::Chart { service }],
        48 => vec![Step::Relink { service, customer }, Step::Claim { service, customer, person }],
        49 => vec![Step::Relink { service, customer }],
        50 => vec![Step::Import { service, person, minutes: rng.i64(1..120) }],
        51 => vec![Step::CheckMembers { service }],
        52 => vec![Step::DailyCheck],
        53 => vec![Step::Guest { service, person: 3 }, Step::Withdraw { service }],
        54 => vec![Step::Withdraw { service }],
        55 => vec![Step::AskBot { person }],
        56 => vec![
            Step::Cancel { service, customer, at_end: false },
            Step::Buy { service, customer, account: None, minutes: None },
        ],
        // Two buy for one account at the same time.
        _ => [customer, (customer + 1) % PEOPLE]
            .map(|customer| Step::Buy { service, customer, account: Some(person), minutes: None })
            .to_vec(),
    }
}
