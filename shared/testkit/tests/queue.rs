//! The queue in memory does what every queue does.

use jiff::SignedDuration;
use startup::Clock as _;
use testkit::house::BEGIN;
use testkit::{MemoryQueue, VirtualClock, conformance};

#[test]
fn the_queue_in_memory_conforms() {
    let clock = VirtualClock::at(BEGIN);
    let queue = MemoryQueue::new(clock.clone());
    clock.run(conformance::queue(&queue, &(queue.clone(), clock.clone())));
    assert!(clock.now() < BEGIN + SignedDuration::from_secs(20), "only asked-for time went by");
}

#[test]
fn a_key_is_known_for_five_minutes() {
    use domain::ids::{AlertId, ServiceId};
    use domain::task::{Lane, Task};
    use queue::{Outgoing, Queue as _};
    let clock = VirtualClock::at(BEGIN);
    let queue = MemoryQueue::new(clock.clone());
    let id = uuid::Uuid::from_u128(1);
    let task = Task::PostAlert { service: ServiceId::fresh(id), alert: AlertId::fresh(id) };
    let message = [Outgoing { key: "k".to_owned(), task }];
    clock.run(queue.send(&message)).unwrap();
    clock.move_to(BEGIN + SignedDuration::from_secs(299));
    clock.run(queue.send(&message)).unwrap();
    assert_eq!(queue.waiting(Lane::Alerts).len(), 1);
    clock.move_to(BEGIN + SignedDuration::from_secs(300));
    clock.run(queue.send(&message)).unwrap();
    assert_eq!(queue.waiting(Lane::Alerts).len(), 2);
}
