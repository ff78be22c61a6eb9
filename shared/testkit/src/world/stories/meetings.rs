//! What happens while somebody is in the middle of something: each of many doings is held up at each
//! of its steps, and each of many other things happens meanwhile.

use std::borrow::Cow;

use super::{ALERT, CHART, EMPTY, FULL, INSIDE, READY, SHORT, Told, UPDATE};
use super::{buy, cancel, claim, hold, open, tap, wait};
use crate::world::hub::Effect;
use crate::world::run::Scene;
use crate::world::story::{NewGroup, Step};

/// Where a doing is held up: before this effect, after so many others of its kind.
const PLACES: [(Effect, usize); 10] = [
    (Effect::Commit, 0),
    (Effect::Commit, 1),
    (Effect::Commit, 2),
    (Effect::Commit, 3),
    (Effect::Commit, 4),
    (Effect::Act, 0),
    (Effect::Act, 1),
    (Effect::Look, 0),
    (Effect::Send, 0),
    (Effect::Send, 1),
];

/// Something that somebody is in the middle of.
struct Doing {
    name: &'static str,
    scene: usize,
    before: Vec<Step>,
    step: Step,
    /// Whom it is about: a customer, who is the person of the same number.
    whom: usize,
}

/// Something else that happens then.
struct Event {
    name: &'static str,
    steps: Vec<Step>,
    /// What makes up for it, once the doing has gone on.
    after: Vec<Step>,
}

/// Each doing with each event, at each place. What comes before a doing goes well, and is played once:
/// it is a scene of its own.
pub(super) fn meetings(scenes: &mut Vec<Scene>) -> Vec<Told> {
    let mut all = Vec::new();
    for doing in doings() {
        let scene = scene_of(&doing, scenes);
        for event in events(doing.whom) {
            all.extend(PLACES.map(|place| meeting(&doing, scene, &event, place)));
        }
    }
    all
}

/// Where a doing begins.
fn scene_of(doing: &Doing, scenes: &mut Vec<Scene>) -> usize {
    match scenes.get(doing.scene) {
        Some(from) if !doing.before.is_empty() => {
            scenes.push(from.after(&doing.before));
            scenes.len() - 1
        }
        _ => doing.scene,
    }
}

fn meeting(doing: &Doing, scene: usize, event: &Event, place: (Effect, usize)) -> Told {
    let (effect, after) = place;
    let name = format!("{}, {} before {effect:?} {after}", doing.name, event.name);
    let mut steps = vec![hold(effect, after), doing.step];
    steps.extend(&event.steps);
    steps.push(Step::LetGo);
    steps.extend(&event.after);
    Told { name: Cow::Owned(name), scene, steps }
}

/// Whoever is alone in the group of [`INSIDE`], and whose time runs out in that of [`SHORT`].
const ADA: usize = 0;
const BEN: usize = 1;
/// Somebody who has bought nothing.
const EVE: usize = 3;

fn doings() -> Vec<Doing> {
    let service = 0;
    let doing = |name, scene, before: &[Step], step, whom| {
        let before = before.to_vec();
        Doing { name, scene, before, step, whom }
    };
    let known = || buy(ADA, Some(ADA), None);
    let guest = || Step::Guest { service, person: EVE };
    let import = || Step::Import { service, person: BEN, minutes: 90 };
    let check = || Step::CheckMembers { service };
    let appoint = |admin| Step::Appoint { service, person: BEN, admin };
    let ask = |pool| Step::AskForGroup { service, pool };
    let add = |group| Step::AddBot { service, group };
    let upgrade = |told| Step::Upgrade { service, told };
    let asked = [Step::OpenService { service }, ask(false)];
    let spare = [Step::OpenService { service }, Step::AddSpare, wait(1)];
    let basic = open(service, NewGroup::Basic);
    vec![
        doing("somebody buys", READY, &[], known(), ADA),
        doing("somebody claims", READY, &[buy(ADA, None, None)], claim(ADA, ADA), ADA),
        doing("somebody is let in", READY, &[known()], tap(ADA), ADA),
        doing("a member cancels", INSIDE, &[], cancel(ADA), ADA),
        doing(
            "one who has left cancels",
            READY,
            &[known(), tap(ADA), Step::Leave { service, person: ADA }],
            cancel(ADA),
            ADA,
        ),
        doing("access runs out", SHORT, &[], Step::AwaitSweep, BEN),
        doing("a member leaves", INSIDE, &[], Step::Leave { service, person: ADA }, ADA),
        doing("a member is banned", INSIDE, &[], Step::Ban { service, person: ADA }, ADA),
        doing("a member moves", INSIDE, &[], Step::Relink { service, customer: ADA }, ADA),
        doing("an intruder comes in", INSIDE, &[], Step::Add { service, person: EVE }, EVE),
        doing("a stranger asks", INSIDE, &[], tap(EVE), EVE),
        doing("a guest comes in", INSIDE, &[], guest(), EVE),
        doing(
            "a guest comes back",
            INSIDE,
            &[guest(), Step::Leave { service, person: EVE }],
            tap(EVE),
            EVE,
        ),
        doing("a pass is withdrawn", INSIDE, &[guest(), wait(1)], Step::Withdraw { service }, EVE),
        doing(
            "a guest who has bought cancels",
            INSIDE,
            &[guest(), wait(1), buy(EVE, Some(EVE), None), wait(1)],
            cancel(EVE),
            EVE,
        ),
        doing(
            "an administrator is one no more",
            SHORT,
            &[appoint(true), wait(660)],
            appoint(false),
            BEN,
        ),
        doing(
            "a member is taken over",
            INSIDE,
            &[Step::Add { service, person: BEN }],
            import(),
            BEN,
        ),
        doing("an outsider is taken over", INSIDE, &[], import(), BEN),
        doing("the members are checked", INSIDE, &[], check(), ADA),
        doing("many members are checked", FULL, &[], check(), BEN),
        doing("the bot is thrown out", INSIDE, &[], Step::KickBot { service }, ADA),
        doing(
            "the bot comes back",
            INSIDE,
            &[Step::KickBot { service }, cancel(ADA)],
            Step::Rights { service, all: true },
            ADA,
        ),
        doing("a group is set up", EMPTY, &asked, add(NewGroup::Super), ADA),
        doing("a basic group is set up", EMPTY, &asked, add(NewGroup::Basic), ADA),
        doing("a spare group is taken", EMPTY, &spare, ask(true), ADA),
        doing("a group is upgraded", EMPTY, &basic, upgrade(true), ADA),
        doing("a group is upgraded, which nobody hears", EMPTY, &basic, upgrade(false), ADA),
        doing("an alert goes out", INSIDE, &[], ALERT, ADA),
        doing("an update goes out", INSIDE, &[ALERT], UPDATE, ADA),
        doing("a chart's alert goes out", INSIDE, &[], CHART, ADA),
    ]
}

fn events(whom: usize) -> Vec<Event> {
    let (service, person, customer) = (0, whom, whom);
    let event = |name, steps: &[Step], after: &[Step]| {
        let (steps, after) = (steps.to_vec(), after.to_vec());
        Event { name, steps, after }
    };
    let bought = || buy(customer, Some(person), None);
    let rights = |all| Step::Rights { service, all };
    let leave = || Step::Leave { service, person };
    let relink = || Step::Relink { service, customer };
    let appoint = |admin| Step::Appoint { service, person, admin };
    let upgrade = |told| Step::Upgrade { service, told };
    let elsewhere = Step::AddBot { service, group: NewGroup::Super };
    vec![
        event("bought", &[bought()], &[]),
        event("bought and asks", &[bought(), tap(person)], &[]),
        event("cancelled", &[cancel(customer)], &[]),
        event("cancelled and bought", &[cancel(customer), bought()], &[]),
        event("asks", &[tap(person)], &[]),
        event("left", &[leave()], &[]),
        event("left and asks", &[leave(), tap(person)], &[]),
        event("took it back", &[Step::TakeBack { service, person }], &[]),
        event("was added", &[Step::Add { service, person }], &[]),
        event("was banned", &[Step::Ban { service, person }], &[]),
        event("was an administrator", &[appoint(true)], &[wait(1), appoint(false)]),
        event("moved", &[relink()], &[]),
        event("moved to another", &[relink(), claim(customer, 2)], &[tap(2)]),
        event("was taken over", &[Step::Import { service, person, minutes: 90 }], &[]),
        event("left and came as a guest", &[leave(), Step::Guest { service, person }], &[]),
        event("a pass was withdrawn", &[Step::Withdraw { service }], &[]),
        event("the bot was out", &[Step::KickBot { service }], &[wait(2), rights(true)]),
        event("the bot lacked a right", &[rights(false)], &[wait(2), rights(true)]),
        event("the group was upgraded", &[upgrade(true)], &[]),
        event("the group was upgraded, which nobody heard", &[upgrade(false)], &[]),
        event("the bot was added elsewhere", &[elsewhere], &[]),
        event("the members were checked", &[Step::CheckMembers { service }], &[]),
        event("half an hour went by", &[wait(31)], &[]),
        event("an alert went out", &[ALERT, UPDATE], &[UPDATE]),
    ]
}
