//! Updates of an alert: after it, in their order, each at least once.

use domain::alert::{
    Alert, Delivery, FailureReason, MOST_UPDATES, Part, PostPlan, Posting, Standing, TakesNoUpdate,
    add_update, alert_due, plan_post, posted,
};
use domain::change::{Record, Why};
use domain::ids::{MessageId, UpdateId};
use domain::relay::{consequences, quick_posts};
use domain::task::Task;
use domain::text::Note;
use domain::update::{NewUpdate, Percent, Says, TargetNumber};
use jiff::SignedDuration;
use proptest::prelude::*;

use crate::common::*;
use crate::fate::{Fate, fates};

/// Until this one, whichever comes next is begun.
fn begun(alert: &Alert, until: Part) -> (Part, Alert) {
    match plan_post(alert, until, minutes(3)) {
        PostPlan::Start { part, next, .. } => (part, *next),
        other => panic!("not started: {other:?}"),
    }
}

fn done(alert: &Alert, part: Part) -> Alert {
    posted(alert, part, Posting::Posted(message()), minutes(4)).unwrap()
}

#[test]
fn the_alert_comes_first_and_its_updates_in_their_order() {
    let mut alert = with_updates(&queued(), &[close(), close()]);
    let last = Part::Update(2);
    for expected in [Part::Alert, Part::Update(1), Part::Update(2)] {
        let (part, sending) = begun(&alert, last);
        assert_eq!(part, expected);
        assert!(matches!(plan_post(&sending, last, minutes(3)), PostPlan::Busy(_)));
        alert = done(&sending, part);
    }
    assert_eq!(plan_post(&alert, last, minutes(5)), PostPlan::Nothing);
    assert_eq!((alert.waiting(), alert.due_at()), (0, None));
}

#[test]
fn a_message_posts_nothing_that_was_accepted_after_it() {
    let alert = with_updates(&sent(chat()), &[close(), close()]);
    let (part, sending) = begun(&alert, Part::Update(1));
    assert_eq!(part, Part::Update(1));
    let alert = done(&sending, part);
    for until in [Part::Alert, Part::Update(1)] {
        assert_eq!(plan_post(&alert, until, minutes(5)), PostPlan::Nothing);
    }
    assert_eq!((alert.waiting(), alert.is_waiting()), (1, true));
}

#[test]
fn an_update_of_an_alert_that_was_given_up_is_given_up() {
    let mut alert = with_updates(&queued(), &[close()]);
    let failed = Delivery::Failed { at: minutes(2), reason: FailureReason::BotOutside };
    alert.post.delivery = failed;
    let PostPlan::GiveUp { part, next } = plan_post(&alert, Part::Update(1), minutes(3)) else {
        panic!("not given up")
    };
    assert_eq!(part, Part::Update(1));
    let reason = FailureReason::AlertNotPosted;
    let given_up = Delivery::Failed { at: minutes(3), reason };
    assert_eq!(next.update(1).unwrap().post.delivery, given_up);
    let new = NewUpdate {
        id: UpdateId::derived(alert.id, "more"),
        says: close(),
        fingerprint: String::new(),
    };
    assert_eq!(add_update(&next, new, minutes(4)), Err(TakesNoUpdate::NotPosted));
}

#[test]
fn after_a_day_an_update_is_no_news_and_the_next_one_is_posted() {
    let mut alert = with_updates(&sent(chat()), &[close(), close()]);
    alert.updates[1].post.created_at = hours(20);
    let last = Part::Update(2);
    let PostPlan::GiveUp { part, next } = plan_post(&alert, last, hours(25)) else {
        panic!("not given up")
    };
    assert_eq!(part, Part::Update(1));
    let PostPlan::Start { part, .. } = plan_post(&next, last, hours(25)) else {
        panic!("not started")
    };
    assert_eq!(part, Part::Update(2));
}

#[test]
fn an_alert_takes_so_many_updates_and_no_more() {
    let full = with_updates(&sent(chat()), &vec![close(); MOST_UPDATES]);
    let new = NewUpdate {
        id: UpdateId::derived(full.id, "x"),
        says: close(),
        fingerprint: String::new(),
    };
    assert_eq!(add_update(&full, new, minutes(3)), Err(TakesNoUpdate::Full));
}

#[test]
fn an_outcome_is_that_of_the_message_that_was_sent() {
    let alert = with_updates(&sent(chat()), &[close(), close()]);
    let (part, sending) = begun(&alert, Part::Update(2));
    assert_eq!(part, Part::Update(1));
    for other in [Part::Alert, Part::Update(2), Part::Update(3), Part::Update(0)] {
        assert_eq!(posted(&sending, other, Posting::NoAnswer, minutes(4)), None, "{other:?}");
    }
}

#[test]
fn numbers_and_parts_keep_to_their_bounds() {
    assert!(TargetNumber::new(1).is_ok() && TargetNumber::new(10).is_ok());
    assert!(TargetNumber::new(0).is_err() && TargetNumber::new(11).is_err());
    for (text, fits) in [("100", true), ("100.0", true), ("0.5", true), ("100.01", false)] {
        let part = domain::price::Positive::parse(text).unwrap();
        assert_eq!(Percent::new(part).is_ok(), fits, "{text}");
    }
}

// ------------------------------------------------------------------------------------ consequences

fn record(alert: &Alert) -> Record {
    Record::Alert(Box::new(alert.clone()))
}

#[test]
fn an_update_is_one_message_until_the_sweep_sends_it_again() {
    let before = sent(chat());
    let after = with_updates(&before, &[close()]);
    let why = meta(7, Why::UpdateQueued, minutes(2));
    let all = consequences(Some(&record(&before)), &record(&after), &why);
    assert_eq!(all.tasks, quick_posts(Some(&before), &after, 7), "the handler's is known");
    let task = Task::PostUpdate { service: after.service, alert: after.id, number: 1 };
    assert_eq!(all.tasks.len(), 1);
    assert_eq!(all.tasks[0].1, task);
    assert_eq!(all.events[0].name, "AlertUpdateQueued");
    assert_eq!(all.audit.unwrap().after["update_1"], "close queued");

    let (part, sending) = begun(&after, Part::Update(1));
    for how in [Posting::NotNow, Posting::Failed, Posting::NoAnswer, Posting::Posted(message())] {
        let next = posted(&sending, part, how, minutes(4)).unwrap();
        assert_eq!(quick_posts(Some(&sending), &next, 9), []);
        if let Some(nudged) = alert_due(&next, hours(1)) {
            assert_eq!(quick_posts(Some(&next), &nudged, 10)[0].1, task);
        }
    }
}

#[test]
fn of_several_that_are_due_the_last_is_sent_again_and_posts_those_before_it() {
    let alert = with_updates(&sent(chat()), &[close(), close(), close()]);
    let nudged = alert_due(&alert, hours(1)).unwrap();
    assert!(nudged.updates.iter().all(|update| update.post.nudges == 1));
    let tasks = quick_posts(Some(&alert), &nudged, 3);
    let task = Task::PostUpdate { service: alert.service, alert: alert.id, number: 3 };
    assert_eq!(tasks, [(format!("alert/{}#3#post_update", alert.id), task)]);
    assert_eq!(alert_due(&nudged, hours(1)), None, "once is enough");
}

#[test]
fn an_update_and_its_alert_can_be_due_together() {
    let alert = with_updates(&queued(), &[close()]);
    let nudged = alert_due(&alert, hours(1)).unwrap();
    let names: Vec<_> =
        quick_posts(Some(&alert), &nudged, 3).iter().map(|(_, task)| task.name()).collect();
    assert_eq!(names, ["post_alert", "post_update"]);
}

#[test]
fn every_form_of_an_update_reads_as_it_was_written() {
    let remark = Some(Note::parse("Well\ndone").unwrap());
    let mut all: Vec<_> = crate::update_texts::every_command()
        .into_iter()
        .map(|command| Says::Command { command, remark: remark.clone() })
        .collect();
    all.push(Says::Note { text: Note::parse("News").unwrap() });
    let alert = with_updates(&sent(chat()), &all);
    assert_eq!(again(&alert), alert);
    let kinds: Vec<_> = alert.updates.iter().map(|update| update.kind()).collect();
    let mut different = kinds.clone();
    different.dedup();
    assert_eq!(
        different,
        ["tp_hit", "move_sl", "breakeven", "partial_close", "close", "cancel", "note"]
    );
}

// ---------------------------------------------------------------------------------- whatever comes

proptest! {
    #[test]
    fn whatever_happens_nothing_stands_before_what_was_accepted_earlier(
        steps in prop::collection::vec(
            (fates([6, 2, 1, 1, 1, 2]), 0_i64..90, any::<bool>(), any::<bool>(), 0_u32..4), 1..60,
        ),
    ) {
        let mut alert = queued();
        let mut now = minutes(0);
        // What stands in the group, in its order.
        let mut group: Vec<Part> = Vec::new();
        for (fate, wait, swept, asked, until) in steps {
            now += SignedDuration::from_mins(wait);
            if asked {
                let new = NewUpdate {
                    id: UpdateId::derived(alert.id, &now.to_string()),
                    says: close(),
                    fingerprint: String::new(),
                };
                match add_update(&alert, new, now) {
                    Ok(next) => alert = next,
                    Err(why) => {
                        prop_assert_eq!(why, TakesNoUpdate::NotPosted);
                        let failed = matches!(alert.post.delivery, Delivery::Failed { .. });
                        prop_assert!(failed);
                    }
                }
            }
            if swept && let Some(next) = alert_due(&alert, now) {
                alert = next;
            }
            // A message of any age, and ahead of its time.
            let until = if until == 0 { Part::Alert } else { Part::Update(until) };
            match plan_post(&alert, until, now) {
                PostPlan::Start { part, next, .. } => {
                    prop_assert!(part <= until);
                    if part != Part::Alert {
                        prop_assert!(group.contains(&Part::Alert), "before its alert");
                    }
                    alert = *next;
                    let how = match fate {
                        Fate::Posted => {
                            let id = MessageId::new(i64::try_from(group.len()).unwrap());
                            Some((Posting::Posted(Standing { chat: chat(), id }), true))
                        }
                        Fate::NoAnswer { stands } => Some((Posting::NoAnswer, stands)),
                        Fate::NotNow => Some((Posting::NotNow, false)),
                        Fate::Failed => Some((Posting::Failed, false)),
                        Fate::Refused => Some((Posting::Refused(FailureReason::Refused), false)),
                        Fate::Died { stands } => {
                            if stands {
                                group.push(part);
                            }
                            None
                        }
                    };
                    if let Some((how, stands)) = how {
                        if stands {
                            group.push(part);
                        }
                        alert = posted(&alert, part, how, now).unwrap();
                    }
                }
                PostPlan::GiveUp { next, .. } => alert = *next,
                PostPlan::Busy(until) => prop_assert!(until > now),
                PostPlan::Nothing => {}
            }
            prop_assert!(group.is_sorted(), "{:?}", group);
            prop_assert_eq!(alert.due_at().is_some(), alert.is_waiting());
            for (number, update) in alert.numbered() {
                let stands = group.iter().filter(|part| **part == Part::Update(number)).count();
                let open = usize::from(matches!(update.post.delivery, Delivery::Sending { .. }));
                let sent = usize::from(matches!(update.post.delivery, Delivery::Sent { .. }));
                let unknown = usize::try_from(update.post.unknown_outcomes).unwrap();
                prop_assert!(sent <= stands && stands <= unknown + open + sent);
            }
            prop_assert_eq!(&again(&alert), &alert);
        }
    }
}
