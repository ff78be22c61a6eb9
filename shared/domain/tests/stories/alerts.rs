//! An alert on its way: posted at least once, and never more often than outcomes were unknown.

use domain::alert::{
    Alert, Content, Delivery, FailureReason, Part, PostPlan, Posting, SENDING_LEASE, alert_due,
    plan_post, posted,
};
use domain::service::AlertFormat;
use domain::text::{ImageUrl, Reference};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::common::*;
use crate::fate::{Fate, fates};

fn sending(alert: &Alert, now: Timestamp) -> Alert {
    match plan_post(alert, Part::Alert, now) {
        PostPlan::Start { next, .. } => *next,
        other => panic!("not started: {other:?}"),
    }
}

fn second(number: i64) -> Timestamp {
    minutes(0) + SignedDuration::from_secs(number)
}

#[test]
fn an_alert_is_marked_before_the_call_and_kept_with_its_message_after() {
    let new = queued();
    assert!(new.is_waiting());
    let marked = sending(&new, second(1));
    assert_eq!(
        (&marked.post.delivery, marked.post.attempts),
        (&Delivery::Sending { since: second(1) }, 1)
    );
    let done = posted(&marked, Part::Alert, Posting::Posted(message()), second(2)).unwrap();
    assert_eq!(done.post.delivery, Delivery::Sent { message: message(), at: second(2) });
    assert_eq!((done.post.attempts, done.post.unknown_outcomes, done.due_at()), (1, 0, None));
    assert_eq!(plan_post(&done, Part::Alert, second(3)), PostPlan::Nothing);
    assert_eq!(alert_due(&done, hours(30)), None);
}

#[test]
fn one_sender_at_a_time() {
    let marked = sending(&queued(), second(1));
    let over = second(1) + SENDING_LEASE;
    assert_eq!(plan_post(&marked, Part::Alert, second(2)), PostPlan::Busy(over));
    assert!(matches!(plan_post(&marked, Part::Alert, over), PostPlan::Start { .. }));
}

#[test]
fn a_sender_that_died_between_its_saves_leaves_an_unknown_outcome() {
    let marked = sending(&queued(), second(1));
    let again = sending(&marked, second(60));
    assert_eq!((again.post.attempts, again.post.unknown_outcomes), (2, 1));
    let third = sending(&again, second(200));
    assert_eq!((third.post.attempts, third.post.unknown_outcomes), (3, 2));
}

#[test]
fn a_call_without_an_answer_is_made_again_and_counted_once() {
    let marked = sending(&queued(), second(1));
    let unknown = posted(&marked, Part::Alert, Posting::NoAnswer, second(26)).unwrap();
    assert_eq!(unknown.post.delivery, Delivery::Unknown { since: second(26) });
    assert_eq!((unknown.post.unknown_outcomes, unknown.post.failures), (1, 1));
    assert!(unknown.is_waiting());
    let again = sending(&unknown, second(30));
    assert_eq!((again.post.attempts, again.post.unknown_outcomes), (2, 1));
}

#[test]
fn waiting_for_a_turn_is_no_failure_and_a_failure_is() {
    let marked = sending(&queued(), second(1));
    let waits = posted(&marked, Part::Alert, Posting::NotNow, second(2)).unwrap();
    assert_eq!((&waits.post.delivery, waits.post.failures), (&Delivery::Queued, 0));
    let failed = posted(&marked, Part::Alert, Posting::Failed, second(2)).unwrap();
    assert_eq!((&failed.post.delivery, failed.post.failures), (&Delivery::Queued, 1));
    for alert in [waits, failed] {
        assert_eq!(alert.post.unknown_outcomes, 0);
        assert!(alert.due_at().unwrap() > second(2));
    }
}

#[test]
fn failures_in_a_row_are_tried_again_later_each_time() {
    let mut alert = queued();
    let mut waits = Vec::new();
    for round in 1..=6 {
        let now = hours(round);
        alert = posted(&sending(&alert, now), Part::Alert, Posting::Failed, now).unwrap();
        waits.push(alert.due_at().unwrap().duration_since(now).as_mins());
    }
    assert_eq!(waits, [4, 8, 16, 30, 30, 30]);
}

#[test]
fn a_refused_alert_is_given_up_with_its_reason() {
    for reason in [FailureReason::BotOutside, FailureReason::MayNotWrite, FailureReason::Refused] {
        let marked = sending(&queued(), second(1));
        let failed = posted(&marked, Part::Alert, Posting::Refused(reason), second(2)).unwrap();
        assert_eq!(failed.post.delivery, Delivery::Failed { at: second(2), reason });
        assert_eq!(failed.due_at(), None);
        assert_eq!(plan_post(&failed, Part::Alert, second(3)), PostPlan::Nothing);
    }
}

#[test]
fn an_outcome_that_comes_too_late_changes_nothing() {
    let marked = sending(&queued(), second(1));
    let done = posted(&marked, Part::Alert, Posting::Posted(message()), second(2)).unwrap();
    for alert in [queued(), done] {
        for how in [
            Posting::Posted(message()),
            Posting::NoAnswer,
            Posting::NotNow,
            Posting::Failed,
            Posting::Refused(FailureReason::Refused),
        ] {
            assert_eq!(posted(&alert, Part::Alert, how, second(3)), None);
        }
    }
}

#[test]
fn after_a_day_an_alert_is_no_news_and_is_given_up() {
    let last = minutes(24 * 60 - 1);
    assert!(matches!(plan_post(&queued(), Part::Alert, last), PostPlan::Start { .. }));
    let died = sending(&queued(), last);
    for (alert, unknown) in [(queued(), 0), (died, 1)] {
        let PostPlan::GiveUp { next: over, .. } = plan_post(&alert, Part::Alert, hours(25)) else {
            panic!("not given up")
        };
        let reason = FailureReason::TooOld;
        assert_eq!(over.post.delivery, Delivery::Failed { at: hours(25), reason });
        assert_eq!(over.post.unknown_outcomes, unknown);
        assert_eq!(over.due_at(), None);
    }
}

#[test]
fn the_sweep_sends_a_lost_message_again_later_each_time() {
    let mut alert = queued();
    let mut waits = Vec::new();
    for round in 1..=7 {
        let at = alert.due_at().unwrap();
        assert_eq!(alert_due(&alert, at - SignedDuration::from_secs(1)), None);
        let next = alert_due(&alert, at).unwrap();
        assert_eq!(next.post.nudges, round);
        assert_eq!(alert_due(&next, at), None, "once is enough");
        assert_eq!((&next.post.delivery, next.post.attempts), (&alert.post.delivery, 0));
        waits.push(next.due_at().unwrap().duration_since(at).as_mins());
        alert = next;
    }
    assert_eq!(waits, [4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn the_sweep_does_not_disturb_a_sender_inside_the_call() {
    let marked = sending(&queued(), second(1));
    assert!(marked.due_at().unwrap() > second(1) + SENDING_LEASE);
}

#[test]
fn every_form_of_an_alert_reads_as_it_was_written() {
    let mut alert = queued();
    alert.client_alert_id = Some(Reference::parse("mine-1").unwrap());
    let failed = Delivery::Failed { at: hours(1), reason: FailureReason::MayNotWrite };
    for delivery in [
        Delivery::Queued,
        Delivery::Sending { since: hours(1) },
        Delivery::Unknown { since: hours(1) },
        Delivery::Sent { message: message(), at: hours(1) },
        failed,
    ] {
        alert.post.delivery = delivery;
        assert_eq!(again(&alert), alert);
    }
    assert_eq!(again(&alert_with(Content::Test)), alert_with(Content::Test));
    let image_url = Some(ImageUrl::parse("https://charts.example/a.png").unwrap());
    let mut pictured = signal_content(fields(), AlertFormat::Cornix);
    if let Content::Signal { image_url: image, .. } = &mut pictured {
        *image = image_url;
    }
    assert_eq!(again(&alert_with(pictured.clone())), alert_with(pictured));
}

#[test]
fn the_digits_of_a_price_are_kept_as_they_came() {
    let text = serde_json::to_string(&queued()).unwrap();
    assert!(text.contains("\"66000.50\""), "{text}");
    assert_eq!(serde_json::to_string(&again(&queued())).unwrap(), text);
}

proptest! {
    #[test]
    fn an_alert_is_posted_or_given_up_and_repeats_are_unknown_outcomes(
        steps in prop::collection::vec((fates([3, 3, 2, 2, 1, 3]), 0_i64..200, any::<bool>()), 1..40),
    ) {
        let mut alert = queued();
        let mut now = minutes(0);
        let mut standing = 0_u32;
        let mut calls = 0;
        for (fate, wait, swept) in steps {
            now += SignedDuration::from_mins(wait);
            if swept && let Some(next) = alert_due(&alert, now) {
                prop_assert!(next.due_at() > Some(now));
                alert = next;
            }
            match plan_post(&alert, Part::Alert, now) {
                PostPlan::Start { next, .. } => {
                    prop_assert!(alert.is_waiting());
                    alert = *next;
                    calls += 1;
                    let (how, stands) = match fate {
                        Fate::Posted => (Some(Posting::Posted(message())), true),
                        Fate::NoAnswer { stands } => (Some(Posting::NoAnswer), stands),
                        Fate::NotNow => (Some(Posting::NotNow), false),
                        Fate::Failed => (Some(Posting::Failed), false),
                        Fate::Refused => {
                            (Some(Posting::Refused(FailureReason::Refused)), false)
                        }
                        Fate::Died { stands } => (None, stands),
                    };
                    standing += u32::from(stands);
                    if let Some(how) = how {
                        alert = posted(&alert, Part::Alert, how, now).unwrap();
                    }
                }
                PostPlan::GiveUp { next, .. } => alert = *next,
                PostPlan::Busy(until) => prop_assert!(until > now),
                PostPlan::Nothing => prop_assert!(!alert.is_waiting()),
            }
            prop_assert_eq!(alert.post.attempts, calls);
            prop_assert_eq!(alert.due_at().is_some(), alert.is_waiting());
            let open = u32::from(matches!(alert.post.delivery, Delivery::Sending { .. }));
            let sent = u32::from(matches!(alert.post.delivery, Delivery::Sent { .. }));
            prop_assert!(standing <= alert.post.unknown_outcomes + open + sent);
            prop_assert!(standing >= sent, "what is called sent stands in the group");
            prop_assert_eq!(&again(&alert), &alert);
        }
    }
}

#[test]
fn a_group_with_more_than_twenty_waiting_says_when_there_is_room() {
    use domain::alert::{COUNTED_WAITING, room_in};
    let seconds = |waiting| room_in(waiting).map(|wait| wait.as_secs());
    assert_eq!([0, 1, 20].map(seconds), [None; 3]);
    assert_eq!([21, 22, 30].map(seconds), [Some(4), Some(7), Some(31)]);
    assert_eq!(seconds(COUNTED_WAITING), Some(61), "twenty a minute");
}
