//! What follows from a change: messages, audit records, events.

use std::collections::BTreeMap;

use domain::alert::{Part, PostPlan, Posting, alert_due, plan_post, posted};
use domain::change::{Record, Why};
use domain::group::{
    BotRights, BotStanding, ChatClaim, Group, GroupRequest, Holder, Mode, Origin, Problem,
    TelegramGroup, bind, request_group, service_due, spare_due, take_spare,
};
use domain::ids::ChatId;
use domain::language::Language;
use domain::link::{Link, LinkKind, LinkState};
use domain::membership::{
    Admission, JoinRequest, Membership, Removal, admitted, asked_to_join, came_in, removal_ended,
    went_out,
};
use domain::relay::{Consequences, consequences, quick_admission, quick_posts, sortable};
use domain::service::{Revision, Service, revise};
use domain::subscription::{CancelWhen, Subscription, cancel, claim, subscription_due};
use domain::task::{Notice, Task};
use domain::text::{Description, ServiceName};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::common::*;

fn of_service(service: &Service) -> Record {
    Record::Service(Box::new(service.clone()))
}

fn of(subscription: &Subscription) -> Record {
    Record::Subscription(Box::new(subscription.clone()))
}

fn of_alert(alert: &domain::alert::Alert) -> Record {
    Record::Alert(Box::new(alert.clone()))
}

fn spare(group: &TelegramGroup) -> Record {
    Record::Chat(ChatClaim {
        chat: group.chat,
        holder: Holder::Spare {
            group: Box::new(group.clone()),
            strangers: Vec::new(),
            operator: None,
            language: Language::English,
        },
    })
}

fn follows(before: Option<&Record>, after: &Record, why: Why) -> Consequences {
    consequences(before, after, &meta(2, why, hours(1)))
}

fn tasks(before: &Record, after: &Record, why: Why) -> Vec<Task> {
    follows(Some(before), after, why).tasks.into_iter().map(|(_, task)| task).collect()
}

fn events(before: Option<&Record>, after: &Record, why: Why) -> Vec<String> {
    follows(before, after, why).events.into_iter().map(|event| event.name).collect()
}

fn facts(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn asking(old: &Subscription, minute: i64) -> Subscription {
    match asked_to_join(old, minutes(minute)) {
        JoinRequest::Noted(next) => *next,
        other => panic!("not noted: {other:?}"),
    }
}

// ------------------------------------------------------------------------------ services, groups

#[test]
fn a_new_service_is_told_and_starts_nothing() {
    let all = consequences(None, &of_service(&service()), &meta(1, Why::ServiceCreated, hours(1)));
    assert_eq!(all.tasks, []);
    assert_eq!(all.events.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["ServiceCreated"]);
    let record = all.audit.unwrap();
    assert_eq!(record.service_id, service().id.to_string());
    assert_eq!(record.item, format!("service/{}", service().id));
    assert_eq!((record.action.as_str(), record.actor.as_str()), ("service.created", "usher:sweep"));
    assert_eq!((record.at, record.before), (hours(1), BTreeMap::new()));
    assert_eq!(
        record.after,
        facts(&[
            ("name", "Gold"),
            ("price", "49.90 USD"),
            ("duration_days", "30"),
            ("settings", "alert_format rich, guard enforce, grace_hours 0, reminder_hours 72 24"),
            ("group", "none"),
        ])
    );
}

#[test]
fn a_group_that_was_just_bound_is_set_up_and_greeted_once_it_is_ready() {
    let GroupRequest::NewLink(asked) = request_group(&service(), Mode::Link, false, hours(0))
    else {
        panic!("no link")
    };
    assert_eq!(tasks(&of_service(&service()), &of_service(&asked), Why::GroupRequested), []);
    let bound = bind(&asked, 1, chat(), minutes(5), minutes(5)).unwrap().unwrap();
    let (was, now) = (of_service(&asked), of_service(&bound));
    assert_eq!(tasks(&was, &now, Why::GroupBound), [Task::SetUp { chat: chat() }]);
    assert_eq!(events(Some(&was), &now, Why::GroupBound), ["GroupBound"]);

    let mut group = TelegramGroup::bound(chat(), Origin::Trader, minutes(5));
    group.observe(all_well(), minutes(6));
    group.set_up_done(invite());
    let ready = of_service(&with_group(group));
    assert_eq!(tasks(&now, &ready, Why::GroupSetUp), [Task::Greet { service: service().id }]);
    assert_eq!(events(Some(&now), &ready, Why::GroupSetUp), ["GroupReady"]);
}

#[test]
fn a_group_that_lacked_something_at_first_is_greeted_when_it_is_ready_at_last() {
    let mut group = TelegramGroup::bound(chat(), Origin::Trader, minutes(5));
    group.bot_stands(BotStanding::Member, minutes(6));
    let lacking = of_service(&with_group(group.clone()));
    group.bot_stands(BotStanding::Admin(BotRights::ALL), minutes(7));
    let promoted = of_service(&with_group(group.clone()));
    let set_up = [Task::SetUp { chat: chat() }];
    assert_eq!(tasks(&lacking, &promoted, Why::BotRightsChanged), set_up);
    group.set_up_done(invite());
    let ready = of_service(&with_group(group));
    assert_eq!(tasks(&promoted, &ready, Why::GroupSetUp), [Task::Greet { service: service().id }]);
}

#[test]
fn a_spare_group_that_was_taken_is_named_and_greeted() {
    let taken = take_spare(&service(), &ready_group(Origin::Trader), minutes(5));
    let expected = [Task::SetUp { chat: chat() }, Task::Greet { service: service().id }];
    assert_eq!(tasks(&of_service(&service()), &of_service(&taken), Why::GroupBound), expected);
    // The set-up run that names it greets nobody again.
    let Group::Bound(mut group) = taken.group.clone() else { panic!("not bound") };
    group.set_up_done(invite());
    let named = with_group(group);
    assert_eq!(tasks(&of_service(&taken), &of_service(&named), Why::GroupSetUp), []);
}

#[test]
fn a_repair_is_no_first_time() {
    let mut group = ready_group(Origin::Trader);
    group.right_lost(Problem::CannotInviteUsers, minutes(1));
    let degraded = of_service(&with_group(group.clone()));
    group.bot_stands(BotStanding::Admin(BotRights::ALL), minutes(2));
    group.set_up_done(invite());
    let ready = of_service(&with_group(group));
    assert_eq!(tasks(&degraded, &ready, Why::GroupSetUp), []);
    assert_eq!(events(Some(&degraded), &ready, Why::GroupSetUp), ["GroupReady"]);
}

#[test]
fn a_group_that_loses_a_right_is_told_as_degraded() {
    let well = of_service(&with_group(ready_group(Origin::Trader)));
    let mut group = ready_group(Origin::Trader);
    group.right_lost(Problem::CannotRestrictMembers, minutes(1));
    let degraded = of_service(&with_group(group));
    for why in [Why::BotRightLost, Why::BotRightsChanged, Why::GroupChecked] {
        assert_eq!(events(Some(&well), &degraded, why), ["GroupDegraded"]);
    }
    let record = follows(Some(&well), &degraded, Why::BotRightLost).audit.unwrap();
    assert_eq!(record.before, facts(&[("group", "ready"), ("group_problems", "")]));
    let after = [("group", "degraded"), ("group_problems", "CannotRestrictMembers")];
    assert_eq!(record.after, facts(&after));
}

#[test]
fn a_failed_set_up_keeps_its_message_and_the_sweep_sends_another() {
    let service = with_group(TelegramGroup::bound(chat(), Origin::Trader, minutes(0)));
    let mut failed = service.clone();
    let Group::Bound(group) = &mut failed.group else { panic!("not bound") };
    group.set_up_failed(minutes(1));
    assert_eq!(tasks(&of_service(&service), &of_service(&failed), Why::GroupSetUpFailed), []);
    let nudged = service_due(&failed, minutes(10)).unwrap();
    let set_up = [Task::SetUp { chat: chat() }];
    assert_eq!(tasks(&of_service(&failed), &of_service(&nudged), Why::Nudged), set_up);
}

#[test]
fn an_upgraded_group_is_set_up_under_its_new_id() {
    let was = of_service(&with_group(ready_group(Origin::Trader)));
    let mut group = ready_group(Origin::Trader);
    group.migrate(ChatId::new(-1002), minutes(1));
    let now = of_service(&with_group(group));
    let set_up = [Task::SetUp { chat: ChatId::new(-1002) }];
    assert_eq!(tasks(&was, &now, Why::GroupMigrated), set_up);
    assert_eq!(events(Some(&was), &now, Why::GroupMigrated), ["GroupMigrated"]);
}

#[test]
fn new_terms_start_nothing_and_a_new_name_goes_into_the_group() {
    let old = with_group(ready_group(Origin::Trader));
    let revision = Revision {
        description: Some(Some(Description::parse("Two a day").unwrap())),
        ..Revision::default()
    };
    let described = revise(&old, revision, hours(1));
    let all = follows(Some(&of_service(&old)), &of_service(&described), Why::ServiceRevised);
    assert_eq!(all.tasks.len(), 1);
    let record = all.audit.unwrap();
    assert_eq!(record.before, BTreeMap::new());
    assert_eq!(record.after, facts(&[("description", "Two a day")]));

    let revision = Revision { price: Some(old.price.clone()), ..Revision::default() };
    let same = revise(&old, revision, hours(1));
    assert_eq!(tasks(&of_service(&old), &of_service(&same), Why::ServiceRevised), []);

    let revision =
        Revision { name: Some(ServiceName::parse("Silver").unwrap()), ..Revision::default() };
    let renamed = revise(&old, revision, hours(1));
    let set_up = [Task::SetUp { chat: chat() }];
    let (was, now) = (of_service(&old), of_service(&renamed));
    assert_eq!(tasks(&was, &now, Why::ServiceRevised), set_up);
    let record = follows(Some(&was), &now, Why::ServiceRevised).audit.unwrap();
    assert_eq!(record.before, facts(&[("name", "Gold")]));
    assert_eq!(record.after, facts(&[("name", "Silver")]));
}

#[test]
fn spare_groups_are_set_up_and_written_down_in_the_trail_of_the_pool() {
    let new = TelegramGroup::bound(chat(), Origin::Pool, minutes(0));
    let all = consequences(None, &spare(&new), &meta(1, Why::SpareAdded, hours(1)));
    let given: Vec<_> = all.tasks.iter().map(|(_, task)| *task).collect();
    assert_eq!(given, [Task::SetUp { chat: chat() }]);
    let record = all.audit.unwrap();
    assert_eq!(record.service_id, "pool");
    assert_eq!(record.item, format!("chat/{}", chat().alias()));

    let again = spare_due(&new, minutes(5)).unwrap();
    assert_eq!(tasks(&spare(&new), &spare(&again), Why::Nudged), [Task::SetUp { chat: chat() }]);
    assert_eq!(tasks(&spare(&again), &spare(&again), Why::GroupChecked), []);
}

#[test]
fn two_spare_groups_at_the_same_instant_are_two_records_and_two_messages() {
    let one = TelegramGroup::bound(chat(), Origin::Pool, minutes(0));
    let two = TelegramGroup::bound(ChatId::new(-1002), Origin::Pool, minutes(0));
    let meta = meta(1, Why::SpareAdded, hours(1));
    let one = consequences(None, &spare(&one), &meta);
    let two = consequences(None, &spare(&two), &meta);
    assert_ne!(one.audit.unwrap().seq, two.audit.unwrap().seq);
    assert_ne!(one.tasks[0].0, two.tasks[0].0);
}

#[test]
fn the_claim_of_a_chat_is_told_by_its_service() {
    for holder in
        [Holder::Service { service: service().id }, Holder::Moved { to: ChatId::new(-1002) }]
    {
        let was = spare(&ready_group(Origin::Pool));
        let now = Record::Chat(ChatClaim { chat: chat(), holder });
        assert_eq!(follows(Some(&was), &now, Why::GroupBound), Consequences::default());
    }
}

// --------------------------------------------------------------------------------- subscriptions

#[test]
fn a_purchase_calls_nobody_and_is_told() {
    let new = bought(Some(user()));
    let all = consequences(None, &of(&new), &meta(1, Why::Purchased, hours(0)));
    assert_eq!(all.tasks, []);
    assert_eq!(all.events[0].name, "SubscriptionPurchased");
    assert_eq!(all.events[0].item, format!("subscription/{}", new.id));
    let record = all.audit.unwrap();
    assert_eq!(
        record.after,
        facts(&[
            ("customer_id", "customer-1"),
            ("status", "active"),
            ("end_date", "2026-03-31T00:00:00Z"),
            ("access_ends_at", "2026-03-31T00:00:00Z"),
            ("membership", "invited"),
            ("telegram_linked", "true"),
            ("purchases", "1"),
        ])
    );
    let next = renewed(&new, hours(1));
    assert_eq!(tasks(&of(&new), &of(&next), Why::Renewed), []);
    let record = follows(Some(&of(&new)), &of(&next), Why::Renewed).audit.unwrap();
    let changed = ["access_ends_at", "end_date", "purchases"];
    assert_eq!(record.before.keys().collect::<Vec<_>>(), changed);
    assert_eq!(record.after.keys().collect::<Vec<_>>(), changed);
    assert_eq!(record.after["purchases"], "2");
}

#[test]
fn each_new_request_to_join_is_one_message() {
    let (service, subscription) = (service().id, joined().id);
    let admit = [Task::Admit { service, subscription }];
    let invited = bought(Some(user()));
    let first = asking(&invited, 10);
    assert_eq!(tasks(&of(&invited), &of(&first), Why::MemberAsked), admit);
    let all =
        consequences(Some(&of(&invited)), &of(&first), &meta(2, Why::MemberAsked, minutes(10)));
    assert_eq!(all.tasks, [quick_admission(&first, 2)], "the webhook's own message is known");
    let second = asking(&first, 11);
    assert_eq!(tasks(&of(&first), &of(&second), Why::MemberAsked), admit);
    let failed = admitted(&second, &second, Admission::Failed, minutes(12)).unwrap();
    assert_eq!(tasks(&of(&second), &of(&failed), Why::AdmissionFailed), []);
    let (nudged, _) = subscription_due(&failed, minutes(60)).unwrap();
    assert_eq!(tasks(&of(&failed), &of(&nudged), Why::Nudged), admit);
    let inside = admitted(&nudged, &second, Admission::In, minutes(61)).unwrap();
    assert_eq!(tasks(&of(&nudged), &of(&inside), Why::MemberJoined), []);
    assert_eq!(events(Some(&of(&nudged)), &of(&inside), Why::MemberJoined), ["MemberJoined"]);
}

#[test]
fn a_removal_is_one_message_until_the_sweep_begins_it_again() {
    let (service, subscription) = (service().id, joined().id);
    let remove = [Task::Remove { service, subscription }];
    let over = leaving();
    assert_eq!(tasks(&of(&joined()), &of(&over), Why::Cancelled), remove);
    let leased = started(&over, hours(11));
    assert_eq!(tasks(&of(&over), &of(&leased), Why::MemberRemoving), []);
    for how in [
        Removal::NotCalled,
        Removal::Failed { wait: jiff::SignedDuration::ZERO },
        Removal::NoAnswer { wait: jiff::SignedDuration::ZERO },
        Removal::Parked,
    ] {
        let (back, _) = removal_ended(&leased, how, hours(11)).unwrap();
        assert_eq!(tasks(&of(&leased), &of(&back), Why::RemovalFailed), [], "{how:?}");
        let (nudged, _) = subscription_due(&back, hours(20)).unwrap();
        assert_eq!(tasks(&of(&back), &of(&nudged), Why::Nudged), remove, "{how:?}");
    }
    let (died, _) = subscription_due(&leased, hours(12)).unwrap();
    assert_eq!(tasks(&of(&leased), &of(&died), Why::Nudged), remove);
    let seen = came_in(&leaving_unseen(), hours(11)).unwrap();
    assert_eq!(tasks(&of(&leaving_unseen()), &of(&seen), Why::MemberJoined), []);
}

#[test]
fn every_way_into_leaving_sends_a_message() {
    let (service, subscription) = (service().id, joined().id);
    let remove = [Task::Remove { service, subscription }];
    for inside in [joined(), bought(Some(user())), asking(&joined(), 10)] {
        let (expired, _) = subscription_due(&inside, hours(MONTH)).unwrap();
        assert_eq!(tasks(&of(&inside), &of(&expired), Why::Expired), remove);
        let cancelled = cancel(&inside, CancelWhen::PeriodEnd, hours(1)).unwrap();
        assert_eq!(tasks(&of(&inside), &of(&cancelled), Why::Cancelled), []);
        let (ended, _) = subscription_due(&cancelled, hours(MONTH)).unwrap();
        assert_eq!(tasks(&of(&cancelled), &of(&ended), Why::PeriodEnded), remove);
    }
    let gone = went_out(&leaving(), hours(11)).unwrap();
    let back = came_in(&gone, hours(12)).unwrap();
    assert_eq!(tasks(&of(&gone), &of(&back), Why::MemberJoined), remove);
    // Renewed and over again: another removal, although nothing was nudged in either.
    let renewed = renewed(&leaving(), hours(11));
    let over = cancel(&renewed, CancelWhen::Now, hours(12)).unwrap();
    assert_eq!(tasks(&of(&renewed), &of(&over), Why::Cancelled), remove);
}

#[test]
fn people_are_told_what_they_would_ask_about() {
    let (service, subscription) = (service().id, joined().id);
    let tell = |notice| vec![Task::Tell { service, subscription, notice }];
    let unlinked = bought(None);
    let linked = claim(&unlinked, 0, user(), hours(1)).unwrap().unwrap();
    assert_eq!(tasks(&of(&unlinked), &of(&linked), Why::AccountLinked), tell(Notice::Linked));

    let (reminded, _) = subscription_due(&joined(), hours(MONTH - 20)).unwrap();
    assert_eq!(tasks(&of(&joined()), &of(&reminded), Why::Reminded), tell(Notice::EndsSoon));

    let leased = started(&leaving(), hours(11));
    let (out, _) = removal_ended(&leased, Removal::Out, hours(11)).unwrap();
    assert_eq!(tasks(&of(&leased), &of(&out), Why::MemberRemoved), tell(Notice::Removed));

    // The sender died, perhaps after its call.
    let (unknown, _) = subscription_due(&leased, hours(12)).unwrap();
    let paid = renewed(&unknown, hours(12));
    for why in [Why::Renewed, Why::SubscriptionImported] {
        assert_eq!(tasks(&of(&unknown), &of(&paid), why), tell(Notice::InvitedBack));
    }
    let paid = renewed(&leaving(), hours(11));
    assert_eq!(tasks(&of(&leaving()), &of(&paid), Why::Renewed), []);

    let paid = renewed(&leased, hours(11));
    let (back, told) = removal_ended(&paid, Removal::Out, hours(11)).unwrap();
    assert!(told);
    let why = Why::MemberInvitedBack;
    assert_eq!(tasks(&of(&paid), &of(&back), why), tell(Notice::InvitedBack));
}

#[test]
fn nobody_is_told_of_a_removal_who_was_not_inside_or_left_by_themself() {
    let leased = started(&leaving_unseen(), hours(11));
    let (out, _) = removal_ended(&leased, Removal::Out, hours(11)).unwrap();
    assert_eq!(tasks(&of(&leased), &of(&out), Why::MemberRemoved), []);
    let left = went_out(&leaving(), hours(11)).unwrap();
    assert_eq!(tasks(&of(&leaving()), &of(&left), Why::MemberLeft), []);
    let nobody = cancel(&bought(None), CancelWhen::Now, hours(10)).unwrap();
    assert_eq!(tasks(&of(&bought(None)), &of(&nobody), Why::Cancelled), []);
}

#[test]
fn the_trail_shows_what_callers_see_and_nothing_that_stayed_the_same() {
    let leased = started(&leaving(), hours(11));
    let record = follows(Some(&of(&leaving())), &of(&leased), Why::MemberRemoving).audit.unwrap();
    assert_eq!((record.before, record.after), (BTreeMap::new(), BTreeMap::new()));
    let (out, _) = removal_ended(&leased, Removal::Out, hours(11)).unwrap();
    let record = follows(Some(&of(&leased)), &of(&out), Why::MemberRemoved).audit.unwrap();
    assert_eq!(record.before, facts(&[("membership", "leaving")]));
    assert_eq!(record.after, facts(&[("membership", "removed")]));
    let kept = Subscription { membership: Membership::Kept { at: hours(11) }, ..leased.clone() };
    let record = follows(Some(&of(&leased)), &of(&kept), Why::MemberKept).audit.unwrap();
    assert_eq!(record.after, facts(&[("membership", "joined")]));
}

// ----------------------------------------------------------------------------------- alerts, links

#[test]
fn an_alert_is_one_message_until_the_sweep_sends_it_again() {
    let new = queued();
    let post = Task::PostAlert { service: service().id, alert: new.id };
    let first = consequences(None, &of_alert(&new), &meta(1, Why::AlertQueued, minutes(0)));
    assert_eq!(first.tasks, quick_posts(None, &new, 1), "the handler's own message is known");
    assert_eq!(first.tasks[0].1, post);

    let PostPlan::Start { next: marked, .. } = plan_post(&new, Part::Alert, minutes(1)) else {
        panic!("not started")
    };
    assert_eq!(tasks(&of_alert(&new), &of_alert(&marked), Why::AlertSending), []);
    for how in [Posting::NotNow, Posting::Failed, Posting::NoAnswer, Posting::Posted(message())] {
        let next = posted(&marked, Part::Alert, how, minutes(1)).unwrap();
        assert_eq!(tasks(&of_alert(&marked), &of_alert(&next), Why::AlertDelayed), []);
        if let Some(nudged) = alert_due(&next, hours(1)) {
            let all = follows(Some(&of_alert(&next)), &of_alert(&nudged), Why::Nudged);
            assert_eq!(all.tasks.len(), 1);
            assert_eq!(all.tasks[0].1, post);
            assert_ne!(
                all.tasks[0].0,
                quick_posts(None, &new, 1)[0].0,
                "not dropped as a repetition"
            );
        }
    }
}

#[test]
fn an_alert_that_was_posted_is_told_with_its_message() {
    let PostPlan::Start { next: marked, .. } = plan_post(&queued(), Part::Alert, minutes(1)) else {
        panic!("not started")
    };
    let sent = posted(&marked, Part::Alert, Posting::Posted(message()), minutes(1)).unwrap();
    let all = follows(Some(&of_alert(&marked)), &of_alert(&sent), Why::AlertSent);
    assert_eq!(all.events[0].name, "AlertSent");
    let record = all.audit.unwrap();
    assert_eq!(record.before, facts(&[("status", "sending")]));
    assert_eq!(record.after, facts(&[("status", "sent"), ("message_id", "17")]));
}

#[test]
fn a_guest_who_asks_is_let_in_and_one_who_was_put_out_is_invited() {
    let link = link(LinkKind::SingleUse, LinkState::Revoked);
    let (service, id, record) = (link.service, link.id, Record::Link(link));
    let told = |why| follows(Some(&record), &record, why);
    let names = |why| told(why).tasks.into_iter().map(|(_, task)| task).collect::<Vec<_>>();
    assert_eq!(names(Why::GuestAsked), [Task::AdmitGuest { service, link: id }]);
    assert_eq!(names(Why::GuestLetIn), []);
    assert_eq!(names(Why::GuestPutOut), [Task::InviteGuest { service, link: id }]);
    assert_eq!(told(Why::GuestPutOut).events[0].name, "GuestPutOut");
    let line = told(Why::GuestAsked).audit.unwrap();
    assert_eq!((line.action.as_str(), line.item), ("pass.guest_asked", format!("link/{id}")));
}

#[test]
fn a_used_pass_is_revoked_and_every_further_look_says_so_again() {
    let (service, id) = (service().id, link(LinkKind::SingleUse, LinkState::Revoked).id);
    let record = |state| Record::Link(link(LinkKind::SingleUse, state));
    let ready = LinkState::Ready;
    let used = LinkState::Used { at: hours(1) };
    let revoke = [Task::RevokeLink { service, link: id }];
    assert_eq!(tasks(&record(ready.clone()), &record(used.clone()), Why::LinkUsed), revoke);
    assert_eq!(
        tasks(&record(used.clone()), &record(LinkState::Used { at: hours(2) }), Why::Nudged),
        revoke
    );
    for (was, now) in [(Link::lease(hours(0)), ready), (used, LinkState::Revoked)] {
        assert_eq!(tasks(&record(was), &record(now), Why::LinkMade), []);
    }
    let made = follows(None, &record(Link::lease(hours(0))), Why::LinkRequested).audit.unwrap();
    let expected = [("kind", "single_use"), ("name", "Guest"), ("state", "making")];
    assert_eq!(made.after, facts(&expected));
}

// ------------------------------------------------------------------------------- keys and the trail

#[test]
fn a_change_that_is_read_twice_leads_to_the_same_consequences() {
    let changes = [
        (Some(of(&joined())), of(&leaving()), Why::Cancelled),
        (None, of_alert(&queued()), Why::AlertQueued),
        (
            Some(of_service(&service())),
            of_service(&take_spare(&service(), &ready_group(Origin::Trader), hours(1))),
            Why::GroupBound,
        ),
    ];
    for (before, after, why) in changes {
        let first = follows(before.as_ref(), &after, why);
        assert_eq!(follows(before.as_ref(), &after, why), first);
        assert!(!first.tasks.is_empty());
        let later = consequences(before.as_ref(), &after, &meta(3, why, hours(1)));
        for (old, new) in first.tasks.iter().zip(&later.tasks) {
            assert_ne!(old.0, new.0, "another version is another message");
        }
        assert_ne!(first.audit.unwrap().seq, later.audit.unwrap().seq);
        assert_eq!(first.events.len(), 1);
        assert_ne!(first.events[0].key, later.events[0].key);
    }
}

#[test]
fn keys_of_one_change_differ_and_fit_the_queue() {
    // Amazon SQS, `MessageDeduplicationId`: at most 128 letters, digits and punctuation marks.
    let taken = take_spare(&service(), &ready_group(Origin::Trader), hours(1));
    let meta = meta(u64::MAX, Why::GroupBound, hours(1));
    let all = consequences(Some(&of_service(&service())), &of_service(&taken), &meta);
    let mut keys: Vec<_> = all.tasks.iter().map(|(key, _)| key.clone()).collect();
    keys.push(consequences(Some(&of(&joined())), &of(&leaving()), &meta).tasks[0].0.clone());
    assert_eq!(keys.len(), 3);
    for key in &keys {
        assert!(key.len() <= 128 && key.bytes().all(|b| b.is_ascii_graphic()), "{key}");
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3);
}

fn instants() -> impl Strategy<Value = Timestamp> {
    // From 1970 to the year 9999, to the nanosecond.
    (0_i64..253_000_000_000, prop_oneof![Just(0), 0_i32..1_000_000_000])
        .prop_map(|(second, part)| Timestamp::new(second, part).unwrap())
}

proptest! {
    #[test]
    fn the_trail_sorts_as_time_goes(
        one in instants(), gap in prop_oneof![0_i64..3, 0_i64..2_000_000_000],
        vers in (1_u64..2_000, 1_u64..2_000),
    ) {
        let two = one + jiff::SignedDuration::from_nanos(gap);
        prop_assert_eq!(sortable(one).cmp(&sortable(two)), one.cmp(&two));
        let seq = |at, ver| {
            let meta = meta(ver, Why::MemberJoined, at);
            consequences(None, &of(&joined()), &meta).audit.unwrap().seq
        };
        let order = (one, vers.0).cmp(&(two, vers.1));
        prop_assert_eq!(seq(one, vers.0).cmp(&seq(two, vers.1)), order);
    }
}
