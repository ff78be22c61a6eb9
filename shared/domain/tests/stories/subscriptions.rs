//! The paid side: purchases, cancellations, claims, reminders, and what the sweep does.

use domain::ids::{SubscriptionId, UserId};
use domain::membership::{Membership, Removal, Tries, removal_ended};
use domain::service::ReminderHours;
use domain::subscription::{
    CancelWhen, ClaimRefusal, DueStep, Purchase, PurchaseRefusal, Status, Subscription, cancel,
    claim, purchase, subscription_due,
};
use domain::text::Email;

use crate::common::*;

fn until(end: i64) -> Purchase {
    Purchase { ends_at: Some(hours(end)), ..order(None) }
}

fn reminded(hours: i64) -> DueStep {
    DueStep::Reminded(ReminderHours::new(hours).unwrap())
}

// ------------------------------------------------------------------------------------ purchases

#[test]
fn a_first_purchase_runs_from_now_for_the_services_duration() {
    let new = bought(Some(user()));
    assert_eq!(new.id, SubscriptionId::derived(service().id, &customer()));
    assert_eq!((new.starts_at, new.ends_at), (hours(0), hours(MONTH)));
    assert_eq!(new.access_ends_at, new.ends_at);
    assert_eq!((new.status, new.purchases, new.claims), (Status::Active, 1, 0));
    assert_eq!(new.membership, Membership::Invited { asked: None });
    assert!(new.entitled(hours(0)) && new.entitled(minutes(MONTH * 60 - 1)));
    assert!(!new.entitled(hours(MONTH)));
}

#[test]
fn a_renewal_while_it_runs_adds_to_the_old_end() {
    let old = joined();
    let next = renewed(&old, hours(100));
    assert_eq!((next.starts_at, next.ends_at), (hours(0), hours(2 * MONTH)));
    assert_eq!((next.purchases, next.created_at), (2, old.created_at));
    assert_eq!(next.membership, old.membership);
}

#[test]
fn a_renewal_after_the_end_runs_from_now() {
    let next = renewed(&joined(), hours(MONTH + 50));
    assert_eq!((next.starts_at, next.ends_at), (hours(MONTH + 50), hours(2 * MONTH + 50)));
    assert_eq!((next.status, next.created_at), (Status::Active, hours(0)));
}

#[test]
fn a_renewal_in_the_grace_runs_from_now_and_the_run_goes_on() {
    let service = with_grace(48);
    let old = purchase(&service, None, order(Some(user())), hours(0)).unwrap();
    assert_eq!(old.access_ends_at, hours(MONTH + 48));
    assert!(old.entitled(hours(MONTH + 47)));
    let next = purchase(&service, Some(&old), order(None), hours(MONTH + 10)).unwrap();
    assert_eq!((next.starts_at, next.ends_at), (hours(0), hours(2 * MONTH + 10)));
    assert_eq!(next.access_ends_at, hours(2 * MONTH + 58));
}

#[test]
fn paid_time_that_was_cancelled_away_comes_back_with_the_next_purchase() {
    let over = leaving();
    assert!(!over.entitled(hours(10)));
    let next = renewed(&over, hours(20));
    assert_eq!((next.status, next.ends_at), (Status::Active, hours(2 * MONTH)));
    assert_eq!(next.starts_at, hours(20), "a new run: it was over in between");
}

#[test]
fn a_given_end_counts_instead_of_the_duration_even_when_it_is_earlier() {
    let new = purchase(&service(), None, until(5), hours(0)).unwrap();
    assert_eq!((new.ends_at, new.access_ends_at), (hours(5), hours(5)));
    let graced = purchase(&with_grace(3), None, until(5), hours(0)).unwrap();
    assert_eq!((graced.ends_at, graced.access_ends_at), (hours(5), hours(8)));
    let shorter = purchase(&service(), Some(&joined()), until(200), hours(100)).unwrap();
    assert_eq!((shorter.ends_at, shorter.access_ends_at), (hours(200), hours(200)));
}

#[test]
fn an_end_in_the_past_is_refused() {
    for old in [None, Some(joined())] {
        for end in [99, 100] {
            let refused = purchase(&service(), old.as_ref(), until(end), hours(100));
            assert_eq!(refused, Err(PurchaseRefusal::EndsInThePast));
        }
        assert!(purchase(&service(), old.as_ref(), until(101), hours(100)).is_ok());
    }
}

#[test]
fn a_subscription_stays_with_its_account() {
    let old = joined();
    let other = order(Some(UserId::new(1001)));
    let refused = purchase(&service(), Some(&old), other.clone(), hours(1));
    assert_eq!(refused, Err(PurchaseRefusal::OtherAccount));
    // The same one, or none given: all right. And an unlinked one takes what the storefront knows.
    assert!(purchase(&service(), Some(&old), order(Some(user())), hours(1)).is_ok());
    assert_eq!(renewed(&old, hours(1)).user, Some(user()));
    let linked = purchase(&service(), Some(&bought(None)), other, hours(1)).unwrap();
    assert_eq!(linked.user, Some(UserId::new(1001)));
}

#[test]
fn the_newest_address_is_kept_and_none_given_leaves_the_old_one() {
    let old = bought(None);
    let none = Purchase { email: None, ..order(None) };
    assert_eq!(purchase(&service(), Some(&old), none, hours(1)).unwrap().email, old.email);
    let email = Some(Email::parse("other@mail.example").unwrap());
    let other = Purchase { email: email.clone(), ..order(None) };
    assert_eq!(purchase(&service(), Some(&old), other, hours(1)).unwrap().email, email);
}

#[test]
fn a_shorter_grace_today_takes_no_access_away_that_was_bought_under_a_longer_one() {
    let old = purchase(&with_grace(720), None, order(None), hours(0)).unwrap();
    let mut short = service();
    short.duration_days = domain::service::DurationDays::new(1).unwrap();
    let next = purchase(&short, Some(&old), order(None), hours(1)).unwrap();
    assert_eq!(next.ends_at, hours(MONTH + 24));
    assert_eq!(next.access_ends_at, hours(MONTH + 720));
}

// -------------------------------------------------------------------------------- cancellations

#[test]
fn cancelled_now_it_is_over_now() {
    let over = leaving();
    assert_eq!((over.status, over.access_ends_at), (Status::Cancelled, hours(10)));
    assert_eq!(over.ends_at, hours(MONTH), "what was paid stays written down");
    assert!(!over.entitled(hours(10)));
    let tries = Tries::none(hours(10));
    let expected = Membership::Leaving { since: hours(10), was_in: true, tries };
    assert_eq!(over.membership, expected);
}

#[test]
fn cancelled_at_the_periods_end_it_runs_on_and_the_grace_falls_away() {
    let service = with_grace(48);
    let old = purchase(&service, None, order(Some(user())), hours(0)).unwrap();
    let next = cancel(&old, CancelWhen::PeriodEnd, hours(10)).unwrap();
    assert_eq!((next.status, next.access_ends_at), (Status::Cancelled, hours(MONTH)));
    assert_eq!(next.membership, old.membership);
    assert!(next.entitled(hours(MONTH - 1)));
    assert_eq!(next.due_at(), Some(hours(MONTH)), "and no reminder");
}

#[test]
fn cancelled_in_the_grace_it_is_over_now_either_way() {
    let service = with_grace(48);
    let old = purchase(&service, None, order(Some(user())), hours(0)).unwrap();
    for when in [CancelWhen::Now, CancelWhen::PeriodEnd] {
        let over = cancel(&old, when, hours(MONTH + 1)).unwrap();
        assert_eq!(over.access_ends_at, hours(MONTH + 1));
        assert!(matches!(over.membership, Membership::Leaving { was_in: false, .. }));
    }
}

#[test]
fn cancelling_twice_changes_something_only_where_it_comes_sooner() {
    use CancelWhen::{Now, PeriodEnd};
    for (first, second, changes) in [
        (Now, Now, false),
        (Now, PeriodEnd, false),
        (PeriodEnd, PeriodEnd, false),
        (PeriodEnd, Now, true),
    ] {
        let once = cancel(&joined(), first, hours(10)).unwrap();
        for hour in [10, 11] {
            let twice = cancel(&once, second, hours(hour));
            assert_eq!(twice.is_some(), changes, "{first:?} {second:?}");
            if let Some(twice) = twice {
                assert_eq!(twice.access_ends_at, hours(hour));
                assert!(matches!(twice.membership, Membership::Leaving { was_in: true, .. }));
            }
        }
    }
}

#[test]
fn what_is_over_is_not_cancelled() {
    for when in [CancelWhen::Now, CancelWhen::PeriodEnd] {
        assert_eq!(cancel(&joined(), when, hours(MONTH)), None);
        let (expired, _) = subscription_due(&joined(), hours(MONTH)).unwrap();
        assert_eq!(cancel(&expired, when, hours(MONTH + 1)), None);
    }
}

#[test]
fn cancelling_while_a_removal_is_under_way_leaves_the_removal_alone() {
    let removing = started(&leaving(), hours(11));
    let paid = renewed(&removing, hours(11));
    let over = cancel(&paid, CancelWhen::Now, minutes(11 * 60 + 1)).unwrap();
    assert_eq!(over.membership, removing.membership);
}

#[test]
fn without_an_account_there_is_nobody_to_remove() {
    let over = cancel(&bought(None), CancelWhen::Now, hours(10)).unwrap();
    assert_eq!(over.membership, Membership::Removed { at: hours(10) });
    assert_eq!(over.due_at(), None);
}

// --------------------------------------------------------------------------------------- claims

#[test]
fn the_claim_link_links_one_account_once() {
    let linked = claim(&bought(None), 0, user(), hours(1)).unwrap().unwrap();
    assert_eq!(linked.user, Some(user()));
    assert_eq!(claim(&linked, 0, user(), hours(2)), Ok(None), "tapped twice");
    let other = UserId::new(1001);
    assert_eq!(claim(&linked, 0, other, hours(2)), Err(ClaimRefusal::Used));
}

#[test]
fn a_claim_link_that_was_replaced_links_nobody() {
    let replaced = Subscription { claims: 1, ..bought(None) };
    assert_eq!(claim(&replaced, 0, user(), hours(1)), Err(ClaimRefusal::Used));
    assert_eq!(claim(&replaced, 2, user(), hours(1)), Err(ClaimRefusal::Used));
    assert!(matches!(claim(&replaced, 1, user(), hours(1)), Ok(Some(_))));
}

#[test]
fn a_subscription_that_is_over_links_nobody_until_it_is_renewed() {
    for over in [bought(None), cancel(&bought(None), CancelWhen::Now, hours(5)).unwrap()] {
        assert_eq!(claim(&over, 0, user(), hours(MONTH)), Err(ClaimRefusal::Ended));
        let paid = renewed(&over, hours(MONTH));
        assert!(matches!(claim(&paid, 0, user(), hours(MONTH)), Ok(Some(_))));
    }
    let cancelled = cancel(&bought(None), CancelWhen::PeriodEnd, hours(5)).unwrap();
    assert!(matches!(claim(&cancelled, 0, user(), hours(6)), Ok(Some(_))), "it still runs");
}

#[test]
fn whoever_links_late_is_not_reminded_of_what_they_are_told_anyway() {
    let linked = claim(&bought(None), 0, user(), hours(MONTH - 30)).unwrap().unwrap();
    assert_eq!(linked.reminders, reminders(&[24]));
    assert_eq!(subscription_due(&linked, hours(MONTH - 30)), None);
}

// ------------------------------------------------------------------------------------ the sweep

#[test]
fn a_run_that_is_over_expires_once() {
    let old = joined();
    assert_eq!(old.status_at(hours(MONTH)), Status::Expired, "callers see it before the sweep");
    let (over, step) = subscription_due(&old, hours(MONTH)).unwrap();
    assert_eq!((step, over.status), (DueStep::Expired, Status::Expired));
    assert!(matches!(over.membership, Membership::Leaving { was_in: true, .. }));
    assert_eq!(subscription_due(&over, hours(MONTH)), None);
}

#[test]
fn somebody_who_was_never_seen_is_looked_for_and_nobody_known_is_not() {
    let (over, _) = subscription_due(&bought(Some(user())), hours(MONTH)).unwrap();
    assert!(matches!(over.membership, Membership::Leaving { was_in: false, .. }));
    let (over, _) = subscription_due(&bought(None), hours(MONTH)).unwrap();
    assert_eq!(over.membership, Membership::Removed { at: hours(MONTH) });
    assert_eq!(over.due_at(), None);
}

#[test]
fn a_cancelled_period_ends_and_stays_cancelled() {
    let old = cancel(&joined(), CancelWhen::PeriodEnd, hours(10)).unwrap();
    assert_eq!(subscription_due(&old, hours(MONTH - 1)), None);
    assert_eq!(old.status_at(hours(MONTH)), Status::Cancelled);
    let (over, step) = subscription_due(&old, hours(MONTH)).unwrap();
    assert_eq!((step, over.status), (DueStep::PeriodEnded, Status::Cancelled));
    assert!(matches!(over.membership, Membership::Leaving { was_in: true, .. }));
    assert_eq!(subscription_due(&over, hours(MONTH)), None);
}

#[test]
fn in_the_grace_nothing_ends() {
    let old = purchase(&with_grace(48), None, order(None), hours(0)).unwrap();
    assert_eq!(subscription_due(&old, hours(MONTH + 47)), None);
    assert_eq!(old.status_at(hours(MONTH + 47)), Status::Active);
    assert!(subscription_due(&old, hours(MONTH + 48)).is_some());
}

#[test]
fn each_reminder_goes_out_once_and_in_time() {
    let old = joined();
    assert_eq!(old.due_at(), Some(hours(MONTH - 72)));
    assert_eq!(subscription_due(&old, hours(MONTH - 73)), None);
    let (first, step) = subscription_due(&old, hours(MONTH - 72)).unwrap();
    assert_eq!(step, reminded(72));
    assert_eq!(subscription_due(&first, hours(MONTH - 72)), None);
    assert_eq!(first.due_at(), Some(hours(MONTH - 24)));
    let (second, step) = subscription_due(&first, hours(MONTH - 24)).unwrap();
    assert_eq!(step, reminded(24));
    assert_eq!(second.due_at(), Some(hours(MONTH)));
    assert_eq!(subscription_due(&second, hours(MONTH - 1)), None);
}

#[test]
fn several_reminders_that_an_outage_held_back_go_out_as_one() {
    let (next, step) = subscription_due(&joined(), hours(MONTH - 5)).unwrap();
    assert!(matches!(step, DueStep::Reminded(_)));
    assert_eq!(next.reminders, reminders(&[]));
    assert_eq!(subscription_due(&next, hours(MONTH - 5)), None);
}

#[test]
fn a_reminder_that_was_held_back_into_the_grace_still_goes_out_once() {
    let old = purchase(&with_grace(48), None, order(Some(user())), hours(0)).unwrap();
    let (next, step) = subscription_due(&old, hours(MONTH + 5)).unwrap();
    assert!(matches!(step, DueStep::Reminded(_)));
    assert_eq!(subscription_due(&next, hours(MONTH + 5)), None);
    assert_eq!(next.due_at(), Some(hours(MONTH + 48)));
}

#[test]
fn nobody_is_reminded_who_cancelled_or_cannot_be_written_to() {
    let cancelled = cancel(&joined(), CancelWhen::PeriodEnd, hours(10)).unwrap();
    for quiet in [cancelled, bought(None)] {
        assert_eq!(subscription_due(&quiet, hours(MONTH - 5)), None);
        assert_eq!(quiet.due_at(), Some(hours(MONTH)));
    }
}

#[test]
fn a_renewal_starts_the_reminders_anew() {
    let (told, _) = subscription_due(&joined(), hours(MONTH - 5)).unwrap();
    let next = renewed(&told, hours(MONTH - 4));
    assert_eq!(next.reminders, reminders(&[72, 24]));
    assert_eq!(next.due_at(), Some(hours(2 * MONTH - 72)));
    // Those that would be due at once are left out: the purchase was just made.
    let short = purchase(&service(), Some(&told), until(MONTH + 30), hours(MONTH - 4)).unwrap();
    assert_eq!(short.reminders, reminders(&[24]));
}

#[test]
fn a_removal_that_got_lost_is_begun_again_later_each_time() {
    let mut now = leaving();
    let mut waits = Vec::new();
    for _ in 0..10 {
        let at = now.due_at().unwrap();
        let minute = jiff::SignedDuration::from_mins(1);
        assert_eq!(subscription_due(&now, at - minute), None);
        let (next, step) = subscription_due(&now, at).unwrap();
        assert_eq!(step, DueStep::Nudged);
        assert_eq!(subscription_due(&next, at), None);
        waits.push(next.due_at().unwrap().duration_since(at).as_mins());
        now = next;
    }
    assert_eq!(waits, [4, 8, 16, 32, 60, 60, 60, 60, 60, 60]);
    assert!(matches!(now.membership, Membership::Leaving { tries, .. } if tries.nudges == 10));
}

#[test]
fn a_run_that_was_put_back_by_a_clock_that_is_behind_still_ends() {
    let (over, _) = subscription_due(&joined(), hours(MONTH)).unwrap();
    let back = Subscription { membership: Membership::Joined { since: hours(MONTH) }, ..over };
    let (over, step) = subscription_due(&back, hours(MONTH)).unwrap();
    assert_eq!(step, DueStep::Expired);
    assert!(matches!(over.membership, Membership::Leaving { was_in: true, .. }));
}

#[test]
fn a_short_run_that_was_bought_and_ended_within_one_removal_is_still_told_as_over() {
    let removing = started(&leaving(), hours(10));
    let paid = purchase(&service(), Some(&removing), until(11), hours(10)).unwrap();
    let (out, _) = removal_ended(&paid, Removal::Out, hours(12)).unwrap();
    assert_eq!(
        (&out.membership, out.status),
        (&Membership::Removed { at: hours(12) }, Status::Active)
    );
    assert_eq!(out.due_at(), Some(hours(11)));
    let (over, step) = subscription_due(&out, hours(12)).unwrap();
    assert_eq!((step, over.status), (DueStep::Expired, Status::Expired));
    assert_eq!((over.membership.clone(), over.due_at()), (out.membership, None));
}

#[test]
fn every_form_of_a_subscription_reads_as_it_was_written() {
    for subscription in [bought(None), joined(), leaving(), started(&leaving(), hours(11))] {
        assert_eq!(again(&subscription), subscription);
    }
}
