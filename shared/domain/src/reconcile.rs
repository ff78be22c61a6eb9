//! Reconciling the books with Telegram: known members are looked at one by one, in small steps, and
//! what differs is put right. An update can get lost, and what happens while the bot is outside is
//! told to nobody.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::Why;
use crate::ids::ServiceId;
use crate::membership::{Membership, Tries, came_in, no_longer_admin, went_out};
use crate::subscription::Subscription;
use crate::time::after;

/// For how long after their removal somebody is looked at.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How soon after one check the daily one is not made anew.
const FRESH: SignedDuration = SignedDuration::from_hours(12);

/// The check of a service's members, the last one or the one under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Of this service.
    pub service: ServiceId,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Counts the steps of all checks; the relay sends a message for each new one.
    pub step: u32,
    /// Where the next step begins; `None` at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// How many were looked at.
    pub checked: u32,
    /// Of how many the books were put right.
    pub put_right: u32,
    /// How many of them are inside.
    pub inside: u32,
    /// How many of them were let in, whose request to join had never been told of.
    #[serde(default)]
    pub let_in: u32,
    /// How far it is.
    pub state: Progress,
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Progress {
    /// Under way.
    Running {
        /// How the attempts at this step went.
        tries: Tries,
    },
    /// Through.
    Done {
        /// Since when.
        at: Timestamp,
        /// How many people Telegram counts in the group, the bot included; `None` when it could not
        /// be asked, because the group does not work.
        members: Option<u32>,
    },
}

/// What one step found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// How many were looked at.
    pub checked: u32,
    /// Of how many the books were put right.
    pub put_right: u32,
    /// How many of them are inside.
    pub inside: u32,
    /// How many of them were let in.
    pub let_in: u32,
    /// Where the next step begins; `None` when this was the last.
    pub next: Option<String>,
}

impl Reconciliation {
    /// When the sweep begins the step again.
    pub const fn due_at(&self) -> Option<Timestamp> {
        match self.state {
            Progress::Running { tries } => Some(tries.retry_at),
            Progress::Done { .. } => None,
        }
    }
}

/// A check is asked for. `None` when one is under way.
pub fn request_check(
    old: Option<&Reconciliation>,
    service: ServiceId,
    now: Timestamp,
) -> Option<Reconciliation> {
    if old.is_some_and(|old| matches!(old.state, Progress::Running { .. })) {
        return None;
    }
    Some(check_anew(old, service, now))
}

/// The check of a group that works from now on: from the beginning, also when one is under way. That
/// one may have looked while the group did not work, and would end without having seen anybody; its
/// present step counts no more.
pub fn check_anew(
    old: Option<&Reconciliation>,
    service: ServiceId,
    now: Timestamp,
) -> Reconciliation {
    Reconciliation {
        service,
        requested_at: now,
        step: old.map_or(0, |old| old.step).saturating_add(1),
        from: None,
        checked: 0,
        put_right: 0,
        inside: 0,
        let_in: 0,
        state: Progress::Running { tries: Tries::none(now) },
    }
}

/// The daily check. `None` when one is under way, or was made a short time ago.
pub fn daily_check(
    old: Option<&Reconciliation>,
    service: ServiceId,
    now: Timestamp,
) -> Option<Reconciliation> {
    match old.map(|old| old.state) {
        Some(Progress::Done { at, .. }) if now < after(at, FRESH) => None,
        _ => request_check(old, service, now),
    }
}

/// The check after a step. `None` when it is not that step's turn any more.
pub fn step_done(
    old: &Reconciliation,
    step: u32,
    found: Step,
    members: Option<u32>,
    now: Timestamp,
) -> Option<Reconciliation> {
    let Progress::Running { .. } = old.state else { return None };
    if old.step != step {
        return None;
    }
    let state = match found.next {
        Some(_) => Progress::Running { tries: Tries::none(now) },
        None => Progress::Done { at: now, members },
    };
    Some(Reconciliation {
        step: if found.next.is_some() { step.saturating_add(1) } else { step },
        from: found.next,
        checked: old.checked.saturating_add(found.checked),
        put_right: old.put_right.saturating_add(found.put_right),
        inside: old.inside.saturating_add(found.inside),
        let_in: old.let_in.saturating_add(found.let_in),
        state,
        ..old.clone()
    })
}

/// The check after a step that failed in passing. `None` when it is not that step's turn any more.
pub fn step_failed(
    old: &Reconciliation,
    step: u32,
    wait: SignedDuration,
    now: Timestamp,
) -> Option<Reconciliation> {
    match old.state {
        Progress::Running { tries } if old.step == step => {
            let state = Progress::Running { tries: tries.failed(now, wait) };
            Some(Reconciliation { state, ..old.clone() })
        }
        _ => None,
    }
}

/// What the sweep does to a check whose step did not come to its end. `None` when nothing is due.
pub fn check_due(old: &Reconciliation, now: Timestamp) -> Option<Reconciliation> {
    let Progress::Running { tries } = old.state else { return None };
    Some(Reconciliation { state: Progress::Running { tries: tries.due(now)? }, ..old.clone() })
}

/// How Telegram says that somebody stands in the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Inside, as an ordinary member.
    Member,
    /// Inside, as owner or administrator.
    Admin,
    /// Outside.
    Outside,
}

/// Whether somebody is worth a look: all but those who are seen to already, who have no account, and
/// who have been gone for long.
pub fn wants_look(subscription: &Subscription, now: Timestamp) -> bool {
    subscription.user.is_some()
        && match subscription.membership {
            Membership::Invited { .. } | Membership::Joined { .. } | Membership::Kept { .. } => {
                true
            }
            Membership::Removed { at } => now < after(at, LOOK_BACK),
            Membership::Leaving { .. } | Membership::Removing { .. } => false,
        }
}

/// Whether somebody who is outside is to be let in, if a request to join of theirs is open: one that was
/// made while the bot was outside, or without its rights, was told to nobody, and one that it knew of is
/// tried again ever later. Nor was it told that they had gone before.
pub fn may_have_asked(subscription: &Subscription, now: Timestamp) -> bool {
    subscription.entitled(now)
        && matches!(
            subscription.membership,
            Membership::Invited { .. } | Membership::Joined { .. } | Membership::Kept { .. }
        )
}

/// What a look means for the books. `None` when they are right.
pub fn looked_at(
    old: &Subscription,
    seen: Seen,
    is_guest: bool,
    now: Timestamp,
) -> Option<(Subscription, Why)> {
    match (&old.membership, seen) {
        (Membership::Joined { .. } | Membership::Kept { .. }, Seen::Outside) => {
            went_out(old, now).map(|next| (next, Why::MemberLeft))
        }
        (Membership::Invited { .. }, Seen::Member | Seen::Admin) => {
            came_in(old, now).map(|next| (next, Why::MemberJoined))
        }
        (Membership::Removed { .. }, Seen::Member) if !is_guest => {
            came_in(old, now).map(|next| (next, Why::MemberJoined))
        }
        (Membership::Kept { .. }, Seen::Member) if !is_guest => {
            no_longer_admin(old, now).map(|next| (next, Why::MemberDemoted))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn later(minutes: i64) -> Timestamp {
        after(Timestamp::UNIX_EPOCH, SignedDuration::from_mins(minutes))
    }

    fn begun() -> Reconciliation {
        let service = ServiceId::fresh(Uuid::from_u128(1));
        request_check(None, service, later(0)).unwrap()
    }

    #[test]
    fn one_check_at_a_time_and_the_daily_one_not_twice() {
        let running = begun();
        assert_eq!(request_check(Some(&running), running.service, later(1)), None);
        let done = step_done(&running, 1, Step::default(), Some(3), later(1)).unwrap();
        assert_eq!(done.state, Progress::Done { at: later(1), members: Some(3) });
        assert_eq!(daily_check(Some(&done), done.service, later(60)), None);
        assert!(daily_check(Some(&done), done.service, later(24 * 60)).is_some());
        assert!(request_check(Some(&done), done.service, later(2)).is_some(), "on demand at once");
    }

    #[test]
    fn steps_add_up_and_a_repeated_one_counts_once() {
        let found =
            Step { checked: 10, put_right: 2, inside: 7, let_in: 1, next: Some("x".to_owned()) };
        let second = step_done(&begun(), 1, found.clone(), None, later(1)).unwrap();
        assert_eq!((second.step, second.from.as_deref()), (2, Some("x")));
        assert_eq!(step_done(&second, 1, found, None, later(2)), None);
        let last = Step { checked: 1, inside: 1, ..Step::default() };
        let done = step_done(&second, 2, last, Some(9), later(2)).unwrap();
        assert_eq!((done.checked, done.put_right, done.inside, done.let_in), (11, 2, 8, 1));
        assert_eq!((done.due_at(), check_due(&done, later(999))), (None, None));
    }

    #[test]
    fn a_group_that_works_again_is_checked_anew_and_what_was_under_way_counts_no_more() {
        let (old, found) = (begun(), Step { checked: 10, ..Step::default() });
        let old = Reconciliation { from: Some("x".to_owned()), checked: 10, ..old };
        let anew = check_anew(Some(&old), old.service, later(1));
        assert_eq!((anew.step, anew.from.as_deref(), anew.checked), (2, None, 0));
        assert_eq!(step_done(&anew, old.step, found.clone(), Some(3), later(1)), None);
        assert!(step_done(&anew, anew.step, found, Some(3), later(1)).is_some());
    }

    #[test]
    fn a_step_that_stopped_is_begun_again() {
        assert_eq!(check_due(&begun(), later(1)), None);
        let again = check_due(&begun(), later(2)).unwrap();
        assert!(again.due_at() > Some(later(2)));
    }
}
