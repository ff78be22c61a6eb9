//! What is looked at while a world runs: who knew what when, and what must never happen.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use domain::ids::LinkId;
use domain::subscription::Subscription;
use jiff::{SignedDuration, Timestamp};
use store::{Entity as _, Row};

use super::hub::ProcessId;

/// Clocks differ by some seconds, and a call takes its time: an end this near is no evidence.
const NEAR: SignedDuration = SignedDuration::from_secs(70);

/// Clocks differ by this much.
pub(super) const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// What has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Nobody is removed while entitled, as far as could be known.
    NobodyRemovedWhileEntitled,
    /// Nobody is let in who is not entitled, as far as could be known.
    NobodyLetInWithoutRight,
    /// A moderator's ban is never lifted.
    BansStand,
    /// One renewal for each purchase, from the later of now and the old end.
    OneRenewalPerPurchase,
    /// An accepted alert is posted at least once, and so is each of its updates.
    AlertsPosted,
    /// An alert, or an update, stands in the group at most once more than calls had no answer.
    RepeatsExplained,
    /// An update answers its alert, and stands after it and after every earlier update.
    UpdatesFollow,
    /// Whoever is in the group has a right to be there.
    NoFreeRiders,
    /// Whoever is entitled and asked is inside, or was told how to come back.
    PayingMembersInside,
    /// Whatever was begun came to its end: removals, admissions, alerts, set-ups, links, checks,
    /// imports.
    NothingStuck,
    /// Every change stands in the audit trail, with what came before and after.
    AuditComplete,
    /// Every event was published.
    EventsComplete,
    /// No message is left, and none was given up.
    QueuesEmpty,
    /// A group serves one service, an account one subscription of a service, and both sides say so.
    ClaimsAgree,
    /// Every request was answered in the end, and none with 500.
    RequestsAnswered,
}

impl Invariant {
    /// Every one.
    pub const ALL: [Self; 15] = [
        Self::NobodyRemovedWhileEntitled,
        Self::NobodyLetInWithoutRight,
        Self::BansStand,
        Self::OneRenewalPerPurchase,
        Self::AlertsPosted,
        Self::RepeatsExplained,
        Self::UpdatesFollow,
        Self::NoFreeRiders,
        Self::PayingMembersInside,
        Self::NothingStuck,
        Self::AuditComplete,
        Self::EventsComplete,
        Self::QueuesEmpty,
        Self::ClaimsAgree,
        Self::RequestsAnswered,
    ];
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Of what.
    pub of: Invariant,
    /// What was found.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.of, self.what)
    }
}

/// How often each invariant was looked at, in the order of [`Invariant::ALL`].
#[derive(Clone, Debug, Default)]
pub struct Checks([u64; Invariant::ALL.len()]);

impl Checks {
    pub(super) fn add(&mut self, of: Invariant, times: u64) {
        if let Some(so_far) = self.0.get_mut(of as usize) {
            *so_far += times;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (so_far, more) in self.0.iter_mut().zip(other.0) {
            *so_far += more;
        }
    }

    /// How often this one.
    pub fn of(&self, of: Invariant) -> u64 {
        self.0.get(of as usize).copied().unwrap_or_default()
    }

    /// All together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// A save that matters to those who watch.
#[derive(Debug)]
pub(super) enum Change {
    /// The end of somebody's access.
    Access {
        /// The key of the subscription.
        row: String,
        /// The end before; `None` for a new one.
        before: Option<Timestamp>,
        /// The end after.
        after: Option<Timestamp>,
    },
    /// An account was taken for a subscription.
    Claim {
        /// The key of the subscription.
        row: String,
    },
    /// An account was given up.
    Release {
        /// The key of the claim.
        claim: String,
        /// The key of the subscription for which it was taken.
        row: String,
    },
    /// A guest's pass was taken back.
    Withdrawal {
        /// The key of the link by which it was given.
        link: String,
    },
}

/// What a process knew when it removed somebody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// When it last read of their subscription.
    read: u64,
    /// Whether it did so after it had saved the subscription itself.
    looked_again: bool,
    /// When it last looked how they stand in the group.
    looked: u64,
}

/// By what somebody could come into a group.
#[derive(Debug)]
pub(super) struct Ways {
    /// The key of their account's claim.
    pub(super) claim: String,
    /// The subscription that they hold, and its key.
    pub(super) holder: Option<(String, Arc<Subscription>)>,
    /// The key of the link that gave them a pass, taken back or not.
    pub(super) link: Option<String>,
}

/// When a process last read what says whether somebody may come in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Door {
    subscription: u64,
    link: u64,
}

/// When somebody in a group was last banned by a person, and when they last paid or lost access.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    pub(super) checks: Checks,
    pub(super) violations: Vec<Violation>,
    /// When a process last read or saved a row.
    reads: BTreeMap<(ProcessId, String), u64>,
    saves: BTreeMap<(ProcessId, String), u64>,
    /// When a process last looked how somebody stands in a group.
    looks: BTreeMap<(ProcessId, i64, i64), u64>,
    /// When a subscription last got access, and when it last lost some.
    gained: BTreeMap<String, u64>,
    lost: BTreeMap<String, u64>,
    /// When a guest's pass was taken back, by the link that gave it.
    withdrawn: BTreeMap<String, u64>,
    /// Which subscription an account last gave up, and when.
    released: BTreeMap<String, (String, u64)>,
    /// Bans by people, by group and person.
    bans: BTreeMap<(i64, i64), u64>,
    /// When somebody was last removed, and whether they had no access then.
    removals: BTreeMap<(i64, i64), (Timestamp, bool)>,
    /// When a guest who was inside was last put out by a call, and whose guest they were.
    guests_put_out: BTreeMap<(i64, i64), (LinkId, Timestamp)>,
    /// When somebody's request was last declined, and whether they had no access then.
    declines: BTreeMap<(i64, i64), (Timestamp, bool)>,
}

impl Watch {
    /// What is known, but for what processes have in their heads: of one in which none runs.
    pub(super) fn fresh_start(&self) -> Self {
        Self {
            gained: self.gained.clone(),
            lost: self.lost.clone(),
            released: self.released.clone(),
            withdrawn: self.withdrawn.clone(),
            bans: self.bans.clone(),
            removals: self.removals.clone(),
            guests_put_out: self.guests_put_out.clone(),
            declines: self.declines.clone(),
            ..Self::default()
        }
    }

    /// What is known, for a world that goes on from here; it counts its own checks.
    pub(super) fn fork(&self) -> Self {
        Self { violations: self.violations.clone(), ..self.fresh_start() }
    }

    pub(super) fn violated(&mut self, of: Invariant, what: String) {
        self.violations.push(Violation { of, what });
    }

    /// Looks at one thing.
    pub(super) fn holds(&mut self, of: Invariant, holds: bool, what: impl FnOnce() -> String) {
        self.checks.add(of, 1);
        if !holds {
            self.violated(of, what());
        }
    }

    pub(super) fn read(&mut self, process: ProcessId, row: &str, tick: u64) {
        self.reads.insert((process, row.to_owned()), tick);
    }

    pub(super) fn looked(&mut self, process: ProcessId, chat: i64, user: i64, tick: u64) {
        self.looks.insert((process, chat, user), tick);
    }

    /// A process saved something.
    pub(super) fn saved(&mut self, process: ProcessId, change: Change, tick: u64) {
        match change {
            // A subscription that is found by an account's claim is known from then on.
            Change::Claim { row } => {
                self.gained.insert(row, tick);
            }
            Change::Release { claim, row } => {
                self.released.insert(claim, (row, tick));
            }
            Change::Withdrawal { link } => {
                self.withdrawn.entry(link).or_insert(tick);
            }
            Change::Access { row, before, after } => {
                if before < after {
                    self.gained.insert(row.clone(), tick);
                } else if before > after {
                    self.lost.insert(row.clone(), tick);
                }
                self.saves.insert((process, row), tick);
            }
        }
    }

    pub(super) fn banned(&mut self, chat: i64, user: i64, tick: u64) {
        self.bans.insert((chat, user), tick);
    }

    pub(super) fn unbanned(&mut self, chat: i64, user: i64) {
        self.bans.remove(&(chat, user));
    }

    /// When somebody was last removed, and whether they had no access then.
    pub(super) fn removal(&self, chat: i64, user: i64) -> Option<(Timestamp, bool)> {
        self.removals.get(&(chat, user)).copied()
    }

    pub(super) fn declines(&mut self, chat: i64, user: i64, now: Timestamp, was_over: bool) {
        self.declines.insert((chat, user), (now, was_over));
    }

    /// When somebody's request was last declined, and whether they had no access then.
    pub(super) fn declined(&self, chat: i64, user: i64) -> Option<(Timestamp, bool)> {
        self.declines.get(&(chat, user)).copied()
    }

    /// What a process knows when it sends off the call that removes somebody. `claim` and `row` are
    /// the keys by which it could know of their subscription.
    pub(super) fn knows(
        &self,
        process: ProcessId,
        (chat, user): (i64, i64),
        subscription: Option<(&str, &str)>,
    ) -> Known {
        let last = |map: &BTreeMap<(ProcessId, String), u64>, key: &str| {
            map.get(&(process, key.to_owned())).copied().unwrap_or(0)
        };
        let (claim, row) = subscription.unwrap_or_default();
        let read = last(&self.reads, row).max(last(&self.reads, claim));
        let looked = self.looks.get(&(process, chat, user)).copied().unwrap_or(0);
        Known { read, looked_again: read >= last(&self.saves, row), looked }
    }

    /// Somebody is being removed, by one who knew so much.
    pub(super) fn removes(
        &mut self,
        known: Known,
        (chat, user): (i64, i64),
        subscription: Option<(&str, &Subscription)>,
        now: Timestamp,
    ) {
        // Ended by a clock that is ahead, it ends in a moment.
        let is_over =
            subscription.is_none_or(|(_, it)| !it.entitled(domain::time::after(now, SKEW)));
        self.removals.insert((chat, user), (now, is_over));
        let ban = self.bans.get(&(chat, user)).copied();
        // Whoever was banned after the process had looked is banned and unbanned in one breath:
        // Telegram gives no way to see it.
        let lifts = ban.is_some_and(|ban| ban < known.looked || known.looked == 0);
        self.holds(Invariant::BansStand, !lifts, || "a moderator's ban is lifted".to_owned());
        let Some((row, subscription)) = subscription else { return };
        let entitled = subscription.access_ends_at > domain::time::after(now, NEAR);
        let gained = self.gained.get(row).copied().unwrap_or(0);
        let knew = gained < known.read || !known.looked_again;
        self.holds(Invariant::NobodyRemovedWhileEntitled, !(entitled && knew), || {
            format!("the holder of subscription {row} is removed, and has access")
        });
    }

    /// A call put somebody out who was inside, and had a pass by this link.
    pub(super) fn guest_put_out(&mut self, place: (i64, i64), link: LinkId, now: Timestamp) {
        self.guests_put_out.insert(place, (link, now));
    }

    /// When a call last put somebody out who had a pass, and by which link.
    pub(super) fn guest_was_put_out(&self, chat: i64, user: i64) -> Option<(LinkId, Timestamp)> {
        self.guests_put_out.get(&(chat, user)).copied()
    }

    /// What a process knows when it sends off the call that lets somebody in who could come in so.
    pub(super) fn knows_door(&self, process: ProcessId, ways: &Ways) -> Door {
        let read = |row: &str| self.reads.get(&(process, row.to_owned())).copied().unwrap_or(0);
        let row = match &ways.holder {
            Some((row, _)) => Some(row),
            None => self.released.get(&ways.claim).map(|(row, _)| row),
        };
        Door {
            subscription: row.map_or(0, |row| read(row)),
            link: ways.link.as_deref().map_or(0, read),
        }
    }

    /// Somebody who could come in so is about to be let in, by one who knew so much.
    pub(super) fn lets_in(&mut self, known: Door, ways: &Ways, now: Timestamp) {
        let Ways { claim, holder, link } = ways;
        let right = match holder {
            Some((row, subscription)) => {
                let lost = self.lost.get(row).copied().unwrap_or(0);
                let ends = domain::time::after(subscription.access_ends_at, NEAR);
                ends > now || lost > known.subscription
            }
            None => self.released.get(claim).is_some_and(|(_, tick)| *tick > known.subscription),
        };
        let has_pass = link
            .as_ref()
            .is_some_and(|link| self.withdrawn.get(link).is_none_or(|tick| *tick > known.link));
        self.holds(Invariant::NobodyLetInWithoutRight, right || has_pass, || {
            "somebody without access is let in".to_owned()
        });
    }
}

/// A row as a subscription, if it is one.
pub(super) fn subscription(row: &Row) -> Option<Arc<Subscription>> {
    (row.kind == Subscription::KIND).then(|| row.body.item()).flatten()
}
