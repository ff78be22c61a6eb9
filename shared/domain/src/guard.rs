//! The guard: somebody is in the group, and nobody knows of a right of theirs.
//!
//! Such a person is an item of their own, so that they are due until it is settled, stand in the
//! audit trail, and are counted: the trader is told with numbers, not with a message for each.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{IntruderId, ServiceId, UserId};
use crate::membership::{REMOVAL_LEASE, Tries, aftermath};
use crate::time::after;

/// How long somebody who is gone is remembered.
const MEMORY: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Somebody who is, or was, in a group without a right to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intruder {
    /// What they are called in records: random, so that it leads to no account.
    pub id: IntruderId,
    /// In the group of this service.
    pub service: ServiceId,
    /// This person.
    pub user: UserId,
    /// How often they were seen to come in.
    pub times: u32,
    /// When they were last seen to.
    pub seen_at: Timestamp,
    /// The update that last told of it, by which its repetition is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_by: Option<i64>,
    /// Whether they have to leave even where the guard only observes: their right was taken away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must_leave: bool,
    /// Where they stand.
    pub stand: Stand,
}

/// Where an intruder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Stand {
    /// Inside, to be looked at and put out.
    Inside {
        /// How the attempts went.
        tries: Tries,
    },
    /// Being put out right now.
    BeingPutOut {
        /// Until when a call that acts on them may be under way, or have its effect.
        lease_until: Timestamp,
        /// How the attempts went.
        tries: Tries,
    },
    /// Inside, and let be, since the guard only observes.
    Reported {
        /// Since when.
        at: Timestamp,
    },
    /// Inside as an administrator, whom no bot can remove. When they are one no more, they are looked
    /// at again, however long that takes.
    Administrator {
        /// Since when.
        at: Timestamp,
    },
    /// Out, or no intruder after all.
    Settled {
        /// Since when.
        at: Timestamp,
    },
}

impl Intruder {
    /// Somebody who was just found to be inside.
    pub fn found(id: IntruderId, service: ServiceId, user: UserId, now: Timestamp) -> Self {
        let stand = Stand::Inside { tries: Tries::none(now) };
        Self { id, service, user, times: 1, seen_at: now, told_by: None, must_leave: false, stand }
    }

    /// Found again, by something else than an update.
    pub fn found_again(&self, now: Timestamp) -> Self {
        let times = self.times.saturating_add(1);
        let was_gone = matches!(self.stand, Stand::Settled { .. });
        let must_leave = self.must_leave && !was_gone;
        let tries = Tries::none(now);
        let stand = match self.stand {
            // The call is waited for.
            Stand::BeingPutOut { lease_until, .. } => Stand::BeingPutOut { lease_until, tries },
            Stand::Inside { tries: old } => {
                Stand::Inside { tries: tries.perhaps_done(old.unanswered) }
            }
            Stand::Reported { .. } | Stand::Administrator { .. } | Stand::Settled { .. } => {
                Stand::Inside { tries }
            }
        };
        Self { times, seen_at: now, told_by: None, must_leave, stand, ..*self }
    }

    /// The same, who has to leave even where the guard only observes.
    #[must_use]
    pub fn who_must_leave(self) -> Self {
        Self { must_leave: true, ..self }
    }

    /// Seen to come in, by this update. `None` when it told of it before.
    pub fn seen_again(&self, update: i64, now: Timestamp) -> Option<Self> {
        if self.told_by == Some(update) {
            return None;
        }
        Some(Self { told_by: Some(update), ..self.found_again(now) })
    }

    /// Whether they are inside without a right to be, as far as is known. An administrator has one.
    pub const fn is_inside(&self) -> bool {
        match self.stand {
            Stand::Inside { .. } | Stand::BeingPutOut { .. } | Stand::Reported { .. } => true,
            Stand::Administrator { .. } | Stand::Settled { .. } => false,
        }
    }

    /// When the sweep begins their removal again.
    pub const fn due_at(&self) -> Option<Timestamp> {
        match self.stand {
            Stand::Inside { tries } => Some(tries.retry_at),
            Stand::BeingPutOut { lease_until, .. } => Some(lease_until),
            Stand::Reported { .. } | Stand::Administrator { .. } | Stand::Settled { .. } => None,
        }
    }

    /// When the item may be tidied away.
    pub fn forgotten_at(&self) -> Option<Timestamp> {
        match self.stand {
            Stand::Settled { at } => Some(after(at, MEMORY)),
            Stand::Inside { .. }
            | Stand::BeingPutOut { .. }
            | Stand::Reported { .. }
            | Stand::Administrator { .. } => None,
        }
    }
}

/// What a sender does with a message that says "evict".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvictionPlan {
    /// Look at them, and put them out if they have no right to be inside.
    Look {
        /// How many attempts failed in a row.
        failures: u32,
        /// Whether an earlier call may have put them out.
        perhaps_out: bool,
    },
    /// A call may be under way, or have its effect, until then.
    Busy(Timestamp),
    /// It is settled, or the guard lets them be.
    Nothing,
}

/// Decides about an eviction, on what was just read.
pub fn plan_eviction(intruder: &Intruder, now: Timestamp) -> EvictionPlan {
    match intruder.stand {
        Stand::BeingPutOut { lease_until, .. } if now < lease_until => {
            EvictionPlan::Busy(lease_until)
        }
        // The call had no answer, or the sender died.
        Stand::BeingPutOut { tries, .. } => {
            EvictionPlan::Look { failures: tries.failures, perhaps_out: true }
        }
        Stand::Inside { tries } => {
            EvictionPlan::Look { failures: tries.failures, perhaps_out: tries.unanswered }
        }
        Stand::Reported { .. } | Stand::Administrator { .. } | Stand::Settled { .. } => {
            EvictionPlan::Nothing
        }
    }
}

/// The intruder with the lease of a sender that puts them out. `None` when there is none to be had.
pub fn eviction_begins(old: &Intruder, now: Timestamp) -> Option<Intruder> {
    let tries = match old.stand {
        Stand::Inside { tries } => tries,
        Stand::BeingPutOut { lease_until, tries } if lease_until <= now => tries.perhaps_done(true),
        Stand::BeingPutOut { .. }
        | Stand::Reported { .. }
        | Stand::Administrator { .. }
        | Stand::Settled { .. } => return None,
    };
    let stand = Stand::BeingPutOut { lease_until: after(now, REMOVAL_LEASE), tries };
    Some(Intruder { stand, ..*old })
}

/// How an attempt to put an intruder out ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// They were put out.
    Out,
    /// They were outside already.
    WasOutside,
    /// They have a right to be inside: a subscription or a pass.
    Cleared,
    /// They are an administrator, whom no bot can remove.
    Untouchable,
    /// The guard only observes.
    Reported,
    /// It was not the time for a call.
    NotCalled,
    /// It failed in passing and surely did nothing; nothing sooner than this helps.
    Failed {
        /// How long to wait.
        wait: SignedDuration,
    },
    /// The call had no answer: they may be out, or be put out in a moment. Nothing sooner than this
    /// helps.
    NoAnswer {
        /// How long to wait.
        wait: SignedDuration,
    },
    /// The bot cannot do it before a person acts.
    Parked,
}

/// The intruder after an attempt that began with what it had `seen`. `None` when that is so no more:
/// they came in again, or somebody else has seen to it.
pub fn eviction_ended(
    old: &Intruder,
    seen: &Intruder,
    how: Eviction,
    now: Timestamp,
) -> Option<Intruder> {
    let tries = match old.stand {
        Stand::Inside { tries } | Stand::BeingPutOut { tries, .. } if old == seen => tries,
        _ => return None,
    };
    let stand = match how {
        Eviction::Out | Eviction::WasOutside | Eviction::Cleared => Stand::Settled { at: now },
        Eviction::Untouchable => Stand::Administrator { at: now },
        Eviction::Reported => Stand::Reported { at: now },
        Eviction::NotCalled => Stand::Inside { tries },
        Eviction::Failed { wait } => Stand::Inside { tries: tries.failed(now, wait) },
        // Whoever is let in meanwhile may be put out once more: they are looked at when it is over.
        Eviction::NoAnswer { wait } => {
            let tries = tries.failed(now, wait).perhaps_done(true);
            Stand::BeingPutOut { lease_until: aftermath(now, wait), tries }
        }
        Eviction::Parked => Stand::Inside { tries: tries.parked(now) },
    };
    Some(Intruder { stand, ..*old })
}

/// The intruder after Telegram said that they are out. Of somebody who is being put out, the attempt
/// itself says so. `None` when that changes nothing.
pub fn intruder_left(old: &Intruder, now: Timestamp) -> Option<Intruder> {
    match old.stand {
        Stand::Reported { .. } | Stand::Administrator { .. } => {
            Some(Intruder { stand: Stand::Settled { at: now }, ..*old })
        }
        Stand::Inside { .. } | Stand::BeingPutOut { .. } | Stand::Settled { .. } => None,
    }
}

/// What the sweep does to an intruder who is due: their removal is begun again. `None` when nothing
/// is due.
pub fn intruder_due(old: &Intruder, now: Timestamp) -> Option<Intruder> {
    let tries = match old.stand {
        Stand::Inside { tries } => tries.due(now)?,
        Stand::BeingPutOut { lease_until, tries } if lease_until <= now => {
            tries.nudged(now).perhaps_done(true)
        }
        Stand::BeingPutOut { .. }
        | Stand::Reported { .. }
        | Stand::Administrator { .. }
        | Stand::Settled { .. } => return None,
    };
    Some(Intruder { stand: Stand::Inside { tries }, ..*old })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn eve() -> Intruder {
        let id = IntruderId::fresh(Uuid::from_u128(1));
        let service = ServiceId::fresh(Uuid::from_u128(2));
        Intruder::found(id, service, UserId::new(1001), Timestamp::UNIX_EPOCH)
    }

    fn later(minutes: i64) -> Timestamp {
        after(Timestamp::UNIX_EPOCH, SignedDuration::from_mins(minutes))
    }

    #[test]
    fn an_update_that_comes_twice_counts_once() {
        let again = eve().seen_again(7, later(1)).unwrap();
        assert_eq!((again.times, again.seen_at), (2, later(1)));
        assert_eq!(again.seen_again(7, later(2)), None);
        assert!(again.seen_again(8, later(2)).is_some());
    }

    #[test]
    fn whoever_came_in_again_meanwhile_is_looked_at_again() {
        let again = eve().seen_again(7, later(1)).unwrap();
        assert_eq!(eviction_ended(&again, &eve(), Eviction::Out, later(1)), None);
        let out = eviction_ended(&again, &again, Eviction::Out, later(1)).unwrap();
        assert_eq!(out.stand, Stand::Settled { at: later(1) });
        assert_eq!(eviction_ended(&out, &again, Eviction::Out, later(1)), None);
        assert_eq!(eviction_ended(&out, &out, Eviction::Out, later(1)), None);
    }

    #[test]
    fn each_end_of_an_attempt_is_due_again_or_settled() {
        for (how, due, inside, forgotten) in [
            (Eviction::Out, false, false, true),
            (Eviction::WasOutside, false, false, true),
            (Eviction::Cleared, false, false, true),
            (Eviction::Untouchable, false, false, false),
            (Eviction::Reported, false, true, false),
            (Eviction::Failed { wait: SignedDuration::ZERO }, true, true, false),
            (Eviction::NoAnswer { wait: SignedDuration::ZERO }, true, true, false),
            (Eviction::Parked, true, true, false),
        ] {
            let next = eviction_ended(&eve(), &eve(), how, later(1)).unwrap();
            assert_eq!((next.due_at().is_some(), next.is_inside()), (due, inside), "{how:?}");
            assert_eq!(next.forgotten_at().is_some(), forgotten, "{how:?}");
        }
    }

    #[test]
    fn an_administrator_who_had_to_leave_still_has_to_when_they_are_one_no_more() {
        let eve = eve().who_must_leave();
        let kept = eviction_ended(&eve, &eve, Eviction::Untouchable, later(1)).unwrap();
        assert_eq!(intruder_due(&kept, later(9_999)), None, "no bot can remove them");
        let demoted = kept.seen_again(7, later(2)).unwrap();
        assert!(demoted.must_leave);
        assert!(demoted.due_at().is_some());
        let gone = intruder_left(&kept, later(2)).unwrap();
        assert!(!gone.seen_again(7, later(3)).unwrap().must_leave, "it was another time");
    }

    #[test]
    fn the_sweep_begins_a_removal_again_and_lets_the_reported_be() {
        assert_eq!(intruder_due(&eve(), later(1)), None);
        let next = intruder_due(&eve(), later(2)).unwrap();
        assert!(next.due_at() > Some(later(2)));
        let reported = eviction_ended(&eve(), &eve(), Eviction::Reported, later(1)).unwrap();
        assert_eq!(intruder_due(&reported, later(9_999)), None);
        assert!(intruder_left(&reported, later(2)).is_some());
        assert_eq!(intruder_left(&eve(), later(2)), None);
    }

    #[test]
    fn a_call_is_waited_for_and_what_it_may_have_done_is_not_forgotten() {
        let begun = eviction_begins(&eve(), later(1)).unwrap();
        let Stand::BeingPutOut { lease_until, .. } = begun.stand else { panic!("{begun:?}") };
        assert_eq!(plan_eviction(&begun, later(1)), EvictionPlan::Busy(lease_until));
        assert_eq!(eviction_begins(&begun, later(1)), None, "one sender at a time");
        assert_eq!(
            eviction_ended(&begun, &eve(), Eviction::Cleared, later(1)),
            None,
            "only its own"
        );
        let failed = Eviction::Failed { wait: SignedDuration::ZERO };
        let sure = eviction_ended(&begun, &begun, failed, later(1)).unwrap();
        let perhaps_out = |it: &Intruder, at| match plan_eviction(it, at) {
            EvictionPlan::Look { perhaps_out, .. } => perhaps_out,
            other => panic!("{other:?}"),
        };
        assert!(!perhaps_out(&sure, later(1)), "it surely did nothing");

        let wait = SignedDuration::from_secs(2);
        let no_answer = Eviction::NoAnswer { wait };
        let unsure = eviction_ended(&begun, &begun, no_answer, later(1)).unwrap();
        assert_eq!(plan_eviction(&unsure, later(1)), EvictionPlan::Busy(later(2)));
        assert!(perhaps_out(&unsure, later(2)));
        let second = eviction_begins(&unsure, later(2)).unwrap();
        let again = eviction_ended(&second, &second, failed, later(2)).unwrap();
        assert!(perhaps_out(&again, later(2)), "the second makes nothing sure about the first");
        let seen = unsure.seen_again(7, later(1)).unwrap();
        assert_eq!(plan_eviction(&seen, later(1)), EvictionPlan::Busy(later(2)));
    }

    #[test]
    fn the_sweep_goes_on_where_a_sender_died() {
        let begun = eviction_begins(&eve(), later(1)).unwrap();
        assert_eq!(intruder_due(&begun, later(2)), None, "the call may be under way");
        let next = intruder_due(&begun, later(3)).unwrap();
        let EvictionPlan::Look { perhaps_out, .. } = plan_eviction(&next, later(3)) else {
            panic!("{next:?}")
        };
        assert!(perhaps_out);
    }
}
