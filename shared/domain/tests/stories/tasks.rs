//! Which way each task goes, and with whom it stands in line.

use domain::ids::{AlertId, LinkId};
use domain::language::Language;
use domain::task::{Answer, Declined, Lane, Notice, Task};

use crate::common::*;

fn every_task() -> Vec<(Task, Lane)> {
    let service = service().id;
    let subscription = joined().id;
    let language = Language::German;
    let tell = |notice| Task::Tell { service, subscription, notice };
    vec![
        (Task::PostAlert { service, alert: AlertId::derived(service, "api", "1") }, Lane::Alerts),
        (
            Task::PostUpdate { service, alert: AlertId::derived(service, "api", "1"), number: 2 },
            Lane::Alerts,
        ),
        (Task::Admit { service, subscription }, Lane::Alerts),
        (
            Task::Decline { service, user: user(), why: Declined::Ended, language },
            Lane::Housekeeping,
        ),
        (
            Task::Answer { chat: user().private_chat(), answer: Answer::Hello, language },
            Lane::Housekeeping,
        ),
        (tell(Notice::Linked), Lane::Alerts),
        (tell(Notice::InvitedBack), Lane::Alerts),
        (tell(Notice::EndsSoon), Lane::Housekeeping),
        (tell(Notice::Removed), Lane::Housekeeping),
        (Task::Remove { service, subscription }, Lane::Housekeeping),
        (Task::Evict { service, user: user() }, Lane::Housekeeping),
        (Task::SetUp { chat: chat() }, Lane::Housekeeping),
        (Task::Greet { service }, Lane::Housekeeping),
        (Task::AdmitGuest { service, link: LinkId::derived(service, "1") }, Lane::Alerts),
        (Task::InviteGuest { service, link: LinkId::derived(service, "1") }, Lane::Alerts),
        (Task::RevokeLink { service, link: LinkId::derived(service, "1") }, Lane::Housekeeping),
    ]
}

#[test]
fn what_buyers_wait_for_goes_the_quick_way_and_what_strangers_cause_does_not() {
    for (task, lane) in every_task() {
        assert_eq!(task.lane(), lane, "{}", task.name());
    }
}

#[test]
fn alerts_of_a_service_stand_in_one_line_and_nobodys_admission_behind_them() {
    let service = service().id;
    let post = |key| Task::PostAlert { service, alert: AlertId::derived(service, "api", key) };
    assert_eq!(post("1").group(), post("2").group());
    let admit = |customer: &str| {
        let customer = domain::ids::CustomerId::parse(customer).unwrap();
        let subscription = domain::ids::SubscriptionId::derived(service, &customer);
        Task::Admit { service, subscription }.group()
    };
    assert_ne!(admit("a"), admit("b"));
    assert_ne!(admit("a"), post("1").group());
}

#[test]
fn every_task_has_its_name_and_reads_as_it_was_written() {
    let mut names = Vec::new();
    for (task, _) in every_task() {
        assert_eq!(again(&task), task);
        let text = serde_json::to_string(&task).unwrap();
        assert!(text.contains(&format!("\"task\":\"{}\"", task.name())), "{text}");
        names.push(task.name());
        // Amazon SQS, `MessageGroupId`: at most 128 letters, digits and punctuation marks.
        let group = task.group();
        assert!(group.len() <= 128 && group.bytes().all(|b| b.is_ascii_graphic()), "{group}");
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 13);
}
