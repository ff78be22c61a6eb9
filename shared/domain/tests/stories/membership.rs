//! In and out: join requests, updates from Telegram, removals, and purchases in between.

use domain::ids::UserId;
use domain::membership::{
    Admission, AdmitPlan, Asked, JoinRequest, Membership, NEVER_INSIDE, REMOVAL_LEASE, Removal,
    RemovalPlan, Tries, admitted, asked_to_join, came_in, holds_lease, plan_admission,
    plan_removal, removal_ended, removal_goes_on, removal_waits, went_out,
};
use domain::subscription::{CancelWhen, DueStep, Status, Subscription, cancel, subscription_due};
use jiff::{SignedDuration, Timestamp};

use crate::common::*;

const WAIT: SignedDuration = SignedDuration::from_mins(7);

/// Every way in which a removal can end.
const OUTCOMES: [Removal; 8] = [
    Removal::Out,
    Removal::Untouchable,
    Removal::Guest,
    Removal::NotCalled,
    Removal::Failed { wait: WAIT },
    Removal::NotFound { wait: WAIT },
    Removal::NoAnswer { wait: WAIT },
    Removal::Parked,
];

fn in_state(membership: Membership) -> Subscription {
    Subscription { membership, ..joined() }
}

fn asking(now: Timestamp) -> Subscription {
    match asked_to_join(&bought(Some(user())), now) {
        JoinRequest::Noted(next) => *next,
        other => panic!("not noted: {other:?}"),
    }
}

fn ended(old: &Subscription, how: Removal, now: Timestamp) -> (Subscription, bool) {
    removal_ended(old, how, now).unwrap()
}

/// Every state, for somebody whose access runs from hour 0 to the end of the month.
fn every_state() -> Vec<Subscription> {
    let tries = Tries::none(hours(2));
    let asked = Some(Asked { at: hours(2), tries });
    [
        Membership::Invited { asked: None },
        Membership::Invited { asked },
        Membership::Joined { since: hours(1) },
        Membership::Leaving { since: hours(2), was_in: true, tries },
        Membership::Leaving { since: hours(2), was_in: false, tries },
        Membership::Removing {
            since: hours(2),
            was_in: true,
            lease_until: hours(3) + REMOVAL_LEASE,
            tries,
        },
        Membership::Removed { at: hours(2) },
        Membership::Kept { at: hours(2) },
    ]
    .into_iter()
    .map(in_state)
    .collect()
}

/// The same states, for somebody whose access is over since hour 2.
fn every_state_over() -> Vec<Subscription> {
    every_state()
        .into_iter()
        .map(|old| Subscription { status: Status::Cancelled, access_ends_at: hours(2), ..old })
        .collect()
}

// ------------------------------------------------------------------------------- asking to join

#[test]
fn whoever_is_entitled_and_asks_is_noted_in_every_state_but_the_middle_of_a_removal() {
    for old in every_state() {
        let answer = asked_to_join(&old, hours(3));
        if matches!(old.membership, Membership::Removing { .. }) {
            assert_eq!(answer, JoinRequest::Later);
            continue;
        }
        let asked = Some(Asked { at: hours(3), tries: Tries::none(hours(3)) });
        let expected = Subscription { membership: Membership::Invited { asked }, ..old };
        assert_eq!(answer, JoinRequest::Noted(Box::new(expected)));
    }
}

#[test]
fn whoever_is_not_entitled_is_refused_in_every_state() {
    for old in every_state_over() {
        assert_eq!(asked_to_join(&old, hours(3)), JoinRequest::Refused);
        assert_eq!(asked_to_join(&old, hours(2)), JoinRequest::Refused);
    }
    assert_eq!(asked_to_join(&joined(), hours(MONTH)), JoinRequest::Refused, "before the sweep");
}

#[test]
fn a_sender_that_died_keeps_nobody_waiting_longer_than_its_lease() {
    let paid = renewed(&started(&leaving(), hours(11)), hours(11));
    let over = hours(11) + REMOVAL_LEASE;
    assert!(holds_lease(&paid, over - SignedDuration::from_secs(1)));
    assert!(!holds_lease(&paid, over));
    assert!(matches!(asked_to_join(&paid, over), JoinRequest::Noted(_)));
}

#[test]
fn an_open_request_is_approved_while_entitled_and_declined_after() {
    let open = asking(hours(2));
    assert_eq!(plan_admission(&open, hours(3)), AdmitPlan::Approve);
    assert_eq!(plan_admission(&open, hours(MONTH)), AdmitPlan::Decline);
    for other in every_state() {
        if !matches!(other.membership, Membership::Invited { asked: Some(_) }) {
            assert_eq!(plan_admission(&other, hours(3)), AdmitPlan::Nothing);
        }
    }
}

#[test]
fn an_attempt_to_let_somebody_in_ends_inside_or_without_a_request_or_is_tried_again() {
    let open = asking(hours(2));
    let after = |how| admitted(&open, &open, how, hours(3)).unwrap().membership;
    assert_eq!(after(Admission::In), Membership::Joined { since: hours(3) });
    assert_eq!(after(Admission::NoRequest), Membership::Invited { asked: None });
    for how in [Admission::TooManyGroups, Admission::Failed] {
        let Membership::Invited { asked: Some(asked) } = after(how) else { panic!() };
        assert_eq!((asked.at, asked.tries.failures, asked.tries.nudges), (hours(2), 1, 0));
        assert_eq!(asked.tries.retry_at, minutes(182));
    }
}

#[test]
fn an_attempt_at_an_earlier_request_tells_nothing_of_a_newer_one_or_of_another_account() {
    let (first, second) = (asking(hours(2)), asking(hours(3)));
    let moved = Subscription { user: Some(UserId::new(999)), ..first.clone() };
    for how in [
        Admission::In,
        Admission::NoRequest,
        Admission::Declined,
        Admission::TooManyGroups,
        Admission::Failed,
    ] {
        assert_eq!(admitted(&second, &first, how, hours(4)), None, "{how:?}");
        assert_eq!(admitted(&moved, &first, how, hours(4)), None, "{how:?}");
    }
}

#[test]
fn a_removal_from_a_group_that_does_not_work_waits_and_goes_on_once_it_works() {
    let leaving = leaving();
    let over = hours(MONTH + 1);
    assert_eq!(removal_goes_on(&leaving, over), None, "nothing has failed");
    let waits = removal_waits(&leaving, over).unwrap();
    assert_eq!(waits.due_at(), Some(over), "the next sweep tries");
    assert_eq!(removal_waits(&waits, over), None, "once is enough");
    let goes_on = removal_goes_on(&waits, over).unwrap();
    assert!(goes_on.due_at() > Some(over), "its message is on its way");
    let RemovalPlan::Start(again) = plan_removal(&goes_on, over) else { panic!("it is not begun") };
    let (refused, _) = ended(&again, Removal::Parked, over);
    assert_eq!(removal_goes_on(&refused, over), None, "once is enough");
    let back = renewed(&waits, over);
    assert_eq!(removal_waits(&back, over), None);
    assert_eq!(removal_goes_on(&back, over), None);
}

#[test]
fn an_outcome_that_comes_too_late_changes_nothing() {
    for old in every_state() {
        if !matches!(old.membership, Membership::Invited { asked: Some(_) }) {
            for how in [Admission::In, Admission::NoRequest, Admission::Failed] {
                assert_eq!(admitted(&old, &asking(hours(2)), how, hours(3)), None);
            }
        }
        if !matches!(old.membership, Membership::Removing { .. }) {
            for how in OUTCOMES {
                assert_eq!(removal_ended(&old, how, hours(3)), None);
            }
        }
    }
}

#[test]
fn a_request_that_nobody_answered_is_taken_up_again_by_the_sweep() {
    let open = asking(hours(2));
    assert_eq!(open.due_at(), Some(minutes(122)));
    let (next, step) = subscription_due(&open, minutes(122)).unwrap();
    assert_eq!(step, DueStep::Nudged);
    let Membership::Invited { asked: Some(asked) } = next.membership else { panic!() };
    assert_eq!((asked.at, asked.tries.nudges), (hours(2), 1));
}

#[test]
fn the_end_of_access_comes_before_an_open_request() {
    let open = asking(hours(MONTH - 1));
    let (over, step) = subscription_due(&open, hours(MONTH)).unwrap();
    assert_eq!(step, DueStep::Expired);
    assert!(matches!(over.membership, Membership::Leaving { was_in: false, .. }));
}

// ------------------------------------------------------------------------ updates from Telegram

#[test]
fn coming_in_is_taken_down_where_it_is_news() {
    let state = |old: &Subscription, now| came_in(old, now).map(|next| next.membership);
    let now = hours(3);
    let joined = Some(Membership::Joined { since: now });
    let tries = Tries::none(hours(2));
    let still = Some(Membership::Leaving { since: hours(2), was_in: true, tries });
    let after: Vec<_> = every_state().iter().map(|old| state(old, now)).collect();
    let expected =
        [joined.clone(), joined.clone(), None, None, still.clone(), None, joined.clone(), None];
    assert_eq!(after, expected);

    let anew = Some(Membership::Leaving { since: now, was_in: true, tries: Tries::none(now) });
    let after: Vec<_> = every_state_over().iter().map(|old| state(old, now)).collect();
    assert_eq!(after, [joined.clone(), joined, None, None, still, None, anew, None]);
}

#[test]
fn going_out_is_taken_down_where_it_is_news() {
    let now = hours(3);
    let out = Some(Membership::Removed { at: now });
    let invited = Some(Membership::Invited { asked: None });
    let after: Vec<_> = every_state_over()
        .iter()
        .map(|old| went_out(old, now).map(|next| next.membership))
        .collect();
    assert_eq!(after, [None, None, invited, out.clone(), out.clone(), None, None, out]);
}

#[test]
fn the_same_update_twice_changes_nothing_the_second_time() {
    for old in every_state().into_iter().chain(every_state_over()) {
        if let Some(next) = came_in(&old, hours(3)) {
            assert_eq!(came_in(&next, hours(3)), None);
        }
        if let Some(next) = went_out(&old, hours(3)) {
            assert_eq!(went_out(&next, hours(3)), None);
        }
    }
}

#[test]
fn somebody_who_left_may_come_back_while_it_runs() {
    let out = went_out(&joined(), hours(5)).unwrap();
    assert!(matches!(asked_to_join(&out, hours(6)), JoinRequest::Noted(_)));
}

#[test]
fn whom_a_call_may_have_put_out_is_not_taken_to_have_left() {
    let begun = |old: &Subscription, now| match plan_removal(old, now) {
        RemovalPlan::Start(next) => *next,
        other => panic!("{other:?}"),
    };
    let wait = SignedDuration::ZERO;
    let first = begun(&leaving(), hours(11));
    let unsure = removal_ended(&first, Removal::NoAnswer { wait }, hours(11)).unwrap().0;
    let second = begun(&unsure, hours(12));
    let failed = removal_ended(&second, Removal::Failed { wait }, hours(12)).unwrap().0;
    assert!(matches!(failed.membership, Membership::Leaving { .. }));
    assert_eq!(went_out(&failed, hours(12)), None, "the sender looks, and says so");

    let sure = removal_ended(&first, Removal::Failed { wait }, hours(11)).unwrap().0;
    let out = Membership::Removed { at: hours(12) };
    assert_eq!(went_out(&sure, hours(12)).map(|next| next.membership), Some(out));
}

// -------------------------------------------------------------------------------------- removal

#[test]
fn a_removal_starts_only_for_somebody_who_is_leaving() {
    for old in every_state_over() {
        let plan = plan_removal(&old, hours(3));
        match old.membership {
            Membership::Leaving { since, was_in, tries } => {
                let lease_until = hours(3) + REMOVAL_LEASE;
                let membership = Membership::Removing { since, was_in, lease_until, tries };
                let next = Subscription { membership, ..old };
                assert_eq!(plan, RemovalPlan::Start(Box::new(next)));
            }
            Membership::Removing { lease_until, .. } => {
                assert_eq!(plan, RemovalPlan::Busy(lease_until));
            }
            _ => assert_eq!(plan, RemovalPlan::Nothing, "{:?}", old.membership),
        }
    }
}

#[test]
fn a_removal_never_starts_for_somebody_who_is_entitled() {
    for old in every_state() {
        for now in [hours(3), hours(3) + REMOVAL_LEASE, hours(MONTH - 1)] {
            let plan = plan_removal(&old, now);
            assert!(!matches!(plan, RemovalPlan::Start(_)), "{:?}", old.membership);
        }
    }
}

#[test]
fn a_lease_keeps_a_second_sender_out_until_it_is_over() {
    let first = started(&leaving(), hours(11));
    let over = hours(11) + REMOVAL_LEASE;
    assert_eq!(plan_removal(&first, hours(11)), RemovalPlan::Busy(over));
    let second = started(&first, over);
    assert_eq!(plan_removal(&second, over), RemovalPlan::Busy(over + REMOVAL_LEASE));
    assert_eq!(first.due_at(), Some(over));
}

#[test]
fn the_sweep_takes_up_a_removal_whose_sender_died() {
    let died = started(&leaving(), hours(11));
    assert_eq!(subscription_due(&died, hours(11)), None);
    let (next, step) = subscription_due(&died, hours(12)).unwrap();
    assert_eq!(step, DueStep::Nudged);
    assert!(matches!(next.membership,
        Membership::Leaving { was_in: true, tries, .. } if tries.nudges == 1 && tries.unanswered));
}

#[test]
fn each_outcome_of_a_removal_has_its_end_when_nobody_paid() {
    for (leaving, was_in) in [(leaving(), true), (leaving_unseen(), false)] {
        let removing = started(&leaving, hours(11));
        for how in OUTCOMES {
            let (next, tell) = ended(&removing, how, hours(12));
            assert!(!tell);
            let (tries, minute) = (Tries::none(hours(10)), SignedDuration::from_mins(1));
            let failed = |wait| Tries { failures: 1, retry_at: hours(12) + wait, ..tries };
            let back = |tries| Membership::Leaving { since: hours(10), was_in, tries };
            let expected = match how {
                Removal::Out => Membership::Removed { at: hours(12) },
                Removal::Untouchable | Removal::Guest => Membership::Kept { at: hours(12) },
                Removal::NotCalled => back(tries),
                Removal::Failed { wait } => back(failed(wait)),
                Removal::NotFound { wait } => back(Tries { not_found: 1, ..failed(wait) }),
                Removal::NoAnswer { wait } => Membership::Removing {
                    since: hours(10),
                    was_in,
                    lease_until: hours(12) + wait.max(minute),
                    tries: Tries { unanswered: true, ..failed(wait) },
                },
                Removal::Parked => back(Tries { retry_at: hours(12), ..failed(WAIT) }),
            };
            assert_eq!(next.membership, expected, "{how:?}");
            let finished = matches!(how, Removal::Out | Removal::Untouchable | Removal::Guest);
            assert_eq!(next.due_at().is_none(), finished);
        }
    }
}

/// So many attempts in a row, each of which ends like this.
fn attempts(mut old: Subscription, how: Removal, times: u32) -> Subscription {
    for _ in 0..times {
        old = ended(&started(&old, hours(11)), how, hours(11)).0;
    }
    old
}

#[test]
fn whom_nobody_saw_inside_and_telegram_never_finds_is_outside() {
    let not_found = Removal::NotFound { wait: WAIT };
    let nearly = attempts(leaving_unseen(), not_found, NEVER_INSIDE - 1);
    assert!(matches!(nearly.membership, Membership::Leaving { .. }));
    let out = attempts(nearly.clone(), not_found, 1);
    assert_eq!(out.membership, Membership::Removed { at: hours(11) });
    assert_eq!(out.due_at(), None);
    // Not in a row: the look in between may have found them.
    let other = attempts(nearly, Removal::Failed { wait: WAIT }, 1);
    let again = attempts(other, not_found, NEVER_INSIDE - 1);
    assert!(matches!(again.membership, Membership::Leaving { .. }));
}

#[test]
fn who_was_seen_inside_is_looked_for_until_telegram_says_so() {
    let again = attempts(leaving(), Removal::NotFound { wait: WAIT }, 10 * NEVER_INSIDE);
    assert!(matches!(again.membership, Membership::Leaving { was_in: true, .. }));
    assert!(again.due_at().is_some());
}

#[test]
fn the_sweep_leaves_more_time_after_each_attempt_up_to_an_hour() {
    let (mut old, mut pauses) = (leaving(), Vec::new());
    for _ in 0..10 {
        let at = old.due_at().unwrap();
        old = subscription_due(&old, at).unwrap().0;
        old = ended(&started(&old, at), Removal::Failed { wait: WAIT }, at).0;
        pauses.push(old.due_at().unwrap().duration_since(at).as_mins());
    }
    assert_eq!(pauses, [7, 8, 16, 32, 60, 60, 60, 60, 60, 60]);
}

#[test]
fn a_request_that_was_to_be_declined_is_looked_at_anew_when_its_holder_has_paid() {
    let asked = |subscription: &Subscription| {
        let JoinRequest::Noted(asked) = asked_to_join(subscription, hours(1)) else {
            panic!("they have access");
        };
        *asked
    };
    let old = asked(&bought(Some(user())));
    let over = old.access_ends_at;
    let (declined, expected) = (
        admitted(&old, &old, Admission::Declined, over).map(|next| next.membership),
        Membership::Invited { asked: None },
    );
    assert_eq!(declined, Some(expected));
    assert_eq!(admitted(&renewed(&old, over), &old, Admission::Declined, over), None);
}

fn asked_at(at: Timestamp) -> Option<Asked> {
    Some(Asked { at, tries: Tries::none(at) })
}

#[test]
fn a_renewal_before_the_lease_is_taken_stops_the_removal() {
    for (old, expected) in [
        (leaving(), Membership::Joined { since: hours(11) }),
        // They may have asked to be let in before.
        (leaving_unseen(), Membership::Invited { asked: asked_at(hours(11)) }),
    ] {
        let paid = renewed(&old, hours(11));
        assert_eq!(paid.membership, expected);
        assert_eq!(plan_removal(&paid, hours(11)), RemovalPlan::Nothing);
    }
}

#[test]
fn a_renewal_during_the_call_ends_inside_or_invited_back() {
    for (old, was_in) in [(leaving(), true), (leaving_unseen(), false)] {
        let removing = started(&old, hours(11));
        let paid = renewed(&removing, hours(11));
        assert_eq!(paid.membership, removing.membership, "the sender sees it when it saves");
        let invited = |at| Membership::Invited { asked: if was_in { None } else { asked_at(at) } };
        let inside = Membership::Joined { since: minutes(661) };
        for how in OUTCOMES {
            let (next, tell) = ended(&paid, how, minutes(661));
            if matches!(how, Removal::NoAnswer { .. }) {
                // Telegram may still be at it. When it surely is not any more, they are invited.
                assert!(!tell && holds_lease(&next, minutes(661)), "{next:?}");
                assert_eq!(asked_to_join(&next, minutes(661)), JoinRequest::Later);
                let over = next.due_at().unwrap();
                let RemovalPlan::InviteBack { next, tell } = plan_removal(&next, over) else {
                    panic!("nobody is removed who has paid");
                };
                assert_eq!((next.membership, tell), (invited(over), was_in));
                continue;
            }
            let stays = matches!(how, Removal::Untouchable | Removal::Guest);
            let is_in = stays || (was_in && how != Removal::Out);
            let expected = if is_in { inside.clone() } else { invited(minutes(661)) };
            assert_eq!(next.membership, expected);
            assert_eq!(tell, was_in && how == Removal::Out, "{how:?}");
            assert!(next.entitled(minutes(661)));
            let due = if is_in || was_in { hours(2 * MONTH - 72) } else { minutes(663) };
            assert_eq!(next.due_at(), Some(due));
        }
    }
}

#[test]
fn a_renewal_after_the_end_invites_or_finds_them_inside() {
    let removing = started(&leaving(), hours(11));
    let (out, _) = ended(&removing, Removal::Out, hours(12));
    let paid = renewed(&out, hours(13));
    assert_eq!(paid.membership, Membership::Invited { asked: None });
    assert!(matches!(asked_to_join(&paid, hours(13)), JoinRequest::Noted(_)));
    let (kept, _) = ended(&removing, Removal::Untouchable, hours(12));
    assert_eq!(renewed(&kept, hours(13)).membership, Membership::Joined { since: hours(13) });
}

#[test]
fn a_renewal_whose_sender_died_invites_back_and_removes_nobody() {
    for (old, was_in) in [(leaving(), true), (leaving_unseen(), false)] {
        let paid = renewed(&started(&old, hours(11)), hours(11));
        let over = hours(11) + REMOVAL_LEASE;
        assert_eq!(paid.due_at(), Some(over));
        let asked = if was_in { None } else { asked_at(over) };
        let next =
            Box::new(Subscription { membership: Membership::Invited { asked }, ..paid.clone() });
        // By the message, when it is delivered again …
        let plan = RemovalPlan::InviteBack { next: next.clone(), tell: was_in };
        assert_eq!(plan_removal(&paid, over), plan);
        // … or by the sweep.
        let step = if was_in { DueStep::InvitedBack } else { DueStep::Nudged };
        assert_eq!(subscription_due(&paid, over), Some((*next, step)));
    }
}

#[test]
fn a_renewal_after_a_call_without_an_answer_invites_back_whoever_may_be_out() {
    let removing = started(&leaving(), hours(11));
    let (unknown, _) = ended(&removing, Removal::NoAnswer { wait: WAIT }, hours(11));
    let (died, _) = subscription_due(&removing, hours(12)).unwrap();
    // A sender that took over from a dead one knows no more.
    let second = renewed(&started(&removing, hours(12)), hours(12));
    let (next, tell) = ended(&second, Removal::NotCalled, hours(12));
    assert_eq!((next.membership, tell), (Membership::Invited { asked: None }, true));
    let over = unknown.due_at().unwrap();
    let late = RemovalPlan::InviteBack {
        next: Box::new(Subscription {
            membership: Membership::Invited { asked: None },
            ..renewed(&unknown, hours(11))
        }),
        tell: true,
    };
    assert_eq!(plan_removal(&renewed(&unknown, hours(11)), over), late);
    assert_eq!(renewed(&died, hours(13)).membership, Membership::Invited { asked: None });
    // A second attempt that surely did nothing does not make it better …
    let paid = renewed(&started(&died, hours(12)), hours(12));
    let (next, tell) = ended(&paid, Removal::NotCalled, hours(12));
    assert_eq!((next.membership, tell), (Membership::Invited { asked: None }, true));
    // … but seeing them inside does.
    let seen = came_in(&died, hours(12)).unwrap();
    assert_eq!(renewed(&seen, hours(13)).membership, Membership::Joined { since: hours(13) });
}

#[test]
fn a_renewal_that_is_over_again_before_the_outcome_is_a_removal_after_all() {
    let paid = renewed(&started(&leaving(), hours(11)), hours(11));
    let over = cancel(&paid, CancelWhen::Now, minutes(661)).unwrap();
    let (next, tell) = ended(&over, Removal::Out, minutes(661));
    assert_eq!((next.membership, tell), (Membership::Removed { at: minutes(661) }, false));
    let (next, _) = ended(&over, Removal::NotCalled, minutes(661));
    assert!(matches!(next.membership, Membership::Leaving { .. }));
}

#[test]
fn somebody_who_comes_back_without_a_right_is_removed_again() {
    let (out, _) = ended(&started(&leaving(), hours(11)), Removal::Out, hours(12));
    let inside = came_in(&out, hours(13)).unwrap();
    assert!(inside.due_at().is_some());
    assert!(matches!(plan_removal(&inside, hours(13)), RemovalPlan::Start(_)));
}

#[test]
fn a_short_wait_is_stretched_so_that_the_sweep_is_not_kept_busy() {
    let removing = started(&leaving(), hours(11));
    let hasty = Removal::Failed { wait: SignedDuration::from_secs(3) };
    assert_eq!(ended(&removing, hasty, hours(12)).0.due_at(), Some(minutes(722)));
    let long = Removal::Failed { wait: SignedDuration::from_hours(24) };
    assert_eq!(ended(&removing, long, hours(12)).0.due_at(), Some(hours(36)));
}

#[test]
fn failures_are_counted_through_nudges_and_leases() {
    let mut now = leaving();
    for round in 1..=3 {
        let failed = ended(&started(&now, hours(11)), Removal::Parked, hours(11)).0;
        let (nudged, _) = subscription_due(&failed, hours(20)).unwrap();
        assert!(matches!(nudged.membership,
            Membership::Leaving { tries, .. } if (tries.failures, tries.nudges) == (round, round)));
        now = nudged;
    }
}

#[test]
fn every_state_reads_as_it_was_written() {
    for old in every_state() {
        assert_eq!(again(&old), old);
    }
}
