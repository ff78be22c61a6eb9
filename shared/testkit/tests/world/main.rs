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
