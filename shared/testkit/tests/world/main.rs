//! The simulated world: the search of every `make test`, and the deliberate mistakes that it has to
//! find.

use std::collections::BTreeMap;

use testkit::MemoryStore;
use testkit::world::{Bug, Notes, Order, Plan, Schedule, Stage, Step, hunt, report, soak, tell};

/// How many schedules are run each time.
const SCHEDULES: u64 = 50_000;

#[test]
fn no_schedule_breaks_an_invariant() {
    let stage = Stage::new();
    let tally = soak(&stage, SCHEDULES, 0, &|_| {});
    println!("{}", report::tally(&tally));
    if let Some((schedule, _)) = tally.found.first() {
        panic!("{}", tell(&stage, schedule, None, true));
    }
    assert!(tally.schedules >= SCHEDULES);
}

#[test]
fn whatever_happens_while_somebody_is_in_the_middle_of_something_breaks_no_invariant() {
    let stage = Stage::new();
    let meetings = (stage.stories.len()..).map_while(|number| Some((number, stage.story(number)?)));
    let mut count = 0;
    for (number, meeting) in meetings {
        let plan = Plan::steady(meeting.steps.clone(), BTreeMap::new());
        let outcome = stage.scene_of(meeting).run(&plan, Notes::None);
        if !outcome.violations.is_empty() {
            let schedule = Schedule::Story(number, BTreeMap::new());
            panic!("{}: {}", meeting.name, tell(&stage, &schedule, None, false));
        }
        count += 1;
    }
    assert!(count > 5_000, "{count}");
}

#[test]
fn every_deliberate_mistake_is_found() {
    let stage = Stage::new();
    let found = |bug: &&Bug| hunt(&stage, **bug, report::MOST).is_some();
    let missed: Vec<_> = Bug::ALL.iter().filter(|bug| !found(bug)).collect();
    assert!(missed.is_empty(), "not found in {} runs each: {missed:?}", report::MOST);
}

#[test]
fn a_schedule_is_the_same_run_each_time_and_is_told_by_its_name() {
    let stage = Stage::new();
    for name in ["7", "7.5", "10:19=Late(20)", "3:2=DiesAfter,9=Wait(40)"] {
        let schedule = Schedule::parse(name).unwrap();
        assert_eq!(schedule.to_string(), name);
        let first = tell(&stage, &schedule, None, false);
        assert_eq!(first, tell(&stage, &schedule, None, false));
        assert!(first.contains("all is calm"), "{first}");
    }
    for name in ["", "x", "7.x", "1:2=Never", "1:=Refused"] {
        assert_eq!(Schedule::parse(name), None, "{name}");
    }
}

#[test]
fn word_of_the_old_chat_says_nothing_of_the_group_that_it_became() {
    let stage = Stage::new();
    let told = |step: &Step| matches!(step, Step::Upgrade { told: true, .. });
    let story = stage.stories.iter().find(|story| story.steps.iter().any(told)).unwrap();
    let mut late = 0;
    for seed in 0..1_500 {
        let plan = Plan::steady(story.steps.clone(), BTreeMap::new());
        let plan = Plan { order: Order::Any(seed), ..plan };
        let outcome = stage.scene_of(story).run(&plan, Notes::Timeline);
        let saved = |line: &str, why: &str| line.contains(why) && !line.ends_with("conflict");
        let place = |why: &str| outcome.timeline.iter().position(|line| saved(line, why));
        let (migrated, changed) = (place("group.migrated"), place("group.bot_rights_changed"));
        // The bot goes out of the old chat, and is what it was in the new one: only who heard of the
        // first before the upgrade was known has something to note.
        let how = format!("{seed}\n{}", outcome.timeline.join("\n"));
        assert!(changed.is_none_or(|changed| Some(changed) < migrated), "{how}");
        assert_eq!(outcome.violations, [], "{how}");
        late += usize::from(changed.is_some());
    }
    assert!(late > 0, "in some order it is heard of first");
}

#[test]
fn tables_that_keep_attributes_tell_the_same_stories() {
    // In DynamoDB every item is written as attributes and read again; the search does without.
    let (quick, written) = (Stage::new(), Stage::on(&MemoryStore::default()));
    let stories = (0..quick.stories.len()).map(|story| format!("{story}:"));
    let random = (0..150).flat_map(|seed| [format!("{seed}"), format!("{seed}.5")]);
    for name in stories.chain(random) {
        let schedule = Schedule::parse(&name).unwrap();
        let told = [&quick, &written].map(|stage| tell(stage, &schedule, None, false));
        assert_eq!(told[0], told[1], "{name}");
    }
}

#[test]
fn what_is_found_is_told_by_the_smallest_story_that_shows_it() {
    let stage = Stage::new();
    let bug = Some(Bug::NoGuard);
    let (_, tally) = hunt(&stage, Bug::NoGuard, report::MOST).unwrap();
    let (schedule, violation) = tally.found.first().unwrap();
    let (scene, plan) = schedule.plan(&stage).unwrap();
    let small = testkit::world::shrink(scene, &Plan { bug, ..plan.clone() }, violation);
    assert!(small.steps.len() <= plan.steps.len());
    let outcome = scene.run(&small, Notes::None);
    assert!(outcome.violations.iter().any(|found| found.of == violation.of), "{small:?}");
}

#[test]
fn a_world_without_faults_plays_a_story_to_its_end() {
    let stage = Stage::new();
    let story = &stage.stories[0];
    let steps = [story.steps.as_slice(), &[Step::Alert { service: 0 }]].concat();
    let plan = Plan { to_the_end: true, ..Plan::steady(steps, Default::default()) };
    let outcome = stage.scene_of(story).run(&plan, Notes::Timeline);
    assert_eq!(outcome.violations, []);
    assert!(outcome.timeline.iter().any(|line| line.ends_with("alert.sent sent")));
}
