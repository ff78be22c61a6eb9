//! The simulated world, and what is found in it.

use testkit::world::{Faults, Notes, Order, Plan, Scene, Step};

#[test]
fn a_story_without_faults_goes_well() {
    let scene = Scene::empty(4, 2);
    let steps = [
        Step::OpenService { service: 0 },
        Step::AskForGroup { service: 0, pool: false },
        Step::AddBot { service: 0, upgrade: true },
        Step::Wait { minutes: 1 },
        Step::Buy { service: 0, customer: 0, account: None, minutes: None },
        Step::Claim { service: 0, customer: 0, person: 0 },
        Step::Tap { service: 0, person: 0 },
        Step::Alert { service: 0 },
        Step::Cancel { service: 0, customer: 0, at_end: false },
        Step::Buy { service: 0, customer: 0, account: None, minutes: Some(10) },
        Step::Tap { service: 0, person: 0 },
    ];
    let plan = Plan {
        steps: steps.to_vec(),
        order: Order::Steady,
        faults: Faults::These(Default::default()),
        bug: None,
        to_the_end: true,
    };
    let outcome = scene.run(&plan, Notes::Timeline);
    for line in &outcome.timeline {
        println!("{line}");
    }
    println!("{} effects", outcome.effects);
    assert_eq!(outcome.violations, []);
}

#[test]
fn singles_for_now() {
    let stage = testkit::world::Stage::new();
    let recorded = testkit::world::recorded(&stage);
    let mut tally = testkit::world::Tally::default();
    let all: Vec<_> = testkit::world::singles(&recorded).collect();
    for (story, effects) in stage.stories.iter().zip(&recorded) {
        println!("{:4} {}", effects.len(), story.name);
    }
    println!("{} singles", all.len());
    for schedule in &all {
        testkit::world::run(&stage, schedule, None, &mut tally);
    }
    println!("{} schedules {} effects {} faults {} checks", tally.schedules, tally.effects, tally.faults_total(), tally.checks.total());
    for (schedule, violation) in tally.found.iter().take(60) {
        println!("{schedule} {violation}");
    }
    println!("{} found", tally.found.len());
}

#[test]
fn timing_for_now() {
    let stage = testkit::world::Stage::new();
    let t = std::time::Instant::now();
    for _ in 0..2000 {
        let s = &stage.stories[6];
        let plan = Plan { steps: vec![], ..testkit::world::Stage::plan(s, Default::default()) };
        stage.scene_of(s).run(&plan, Notes::None);
    }
    println!("empty run: {:?}", t.elapsed() / 2000);
    let t = std::time::Instant::now();
    let mut effects = 0;
    for _ in 0..1000 {
        let s = &stage.stories[6];
        let plan = testkit::world::Stage::plan(s, Default::default());
        effects += stage.scene_of(s).run(&plan, Notes::None).effects;
    }
    println!("story 6: {:?} effects {}", t.elapsed() / 1000, effects / 1000);
}

#[test]
fn random_for_now() {
    let stage = testkit::world::Stage::new();
    let mut tally = testkit::world::Tally::default();
    let t = std::time::Instant::now();
    for seed in 0..4000 {
        testkit::world::run(&stage, &testkit::world::Schedule::Random(seed), None, &mut tally);
    }
    println!("{:?} per random", t.elapsed() / 4000);
    println!("{} schedules {} effects {} faults {} checks", tally.schedules, tally.effects, tally.faults_total(), tally.checks.total());
    let mut kinds = std::collections::BTreeMap::new();
    for (schedule, violation) in &tally.found {
        kinds.entry(format!("{:?}", violation.of)).or_insert_with(Vec::new).push((schedule, violation));
    }
    for (kind, found) in kinds {
        println!("== {kind}: {}", found.len());
        for (schedule, violation) in found.iter().take(8) { println!("   {schedule} {violation}"); }
    }
    println!("{} found", tally.found.len());
}
