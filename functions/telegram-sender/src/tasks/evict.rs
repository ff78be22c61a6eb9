//! Putting out somebody who is inside without a right to be.

use domain::change::{Stored, Why};
use domain::guard::{
    Eviction, EvictionPlan, Intruder, eviction_begins, eviction_ended, plan_eviction,
};
use domain::ids::{ChatId, ServiceId, UserId};
use domain::membership::put_out_meanwhile;
use domain::service::Guard;
use domain::subscription::Subscription;
use domain::task::Lane;
use jiff::SignedDuration;
use limiter::{Call, Limits};
use queue::Queue;
use startup::Clock;
use store::{Store, change, key, load};
use telegram::{CallError, MemberStatus, Telegram};

use super::{MOST_FAILURES, back_off, looked};
use crate::trouble::Trouble;
use crate::{Outcome, Sender, TRIES, TaskError, because};

/// How one attempt went, and what becomes of the message.
type Attempt = (Eviction, Outcome);

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Puts an intruder out, or reports them. Somebody with a subscription is the subscription's
    /// matter; somebody with a pass, and an administrator, may stay.
    pub(super) async fn evict(
        &self,
        service: ServiceId,
        user: UserId,
        lane: Lane,
    ) -> Result<Outcome, TaskError> {
        let id = key::intruder(service, user);
        let Some(read) = load::<Intruder>(&self.store, &id).await? else {
            return Ok(Outcome::Done);
        };
        let (intruder, now) = (read.value, self.clock.now());
        let (failures, perhaps_out) = match plan_eviction(&intruder, now) {
            EvictionPlan::Nothing => return Ok(Outcome::Done),
            EvictionPlan::Busy(until) => return Ok(Outcome::Later(until.duration_since(now))),
            EvictionPlan::Look { failures, perhaps_out } => (failures, perhaps_out),
        };
        let Some((service, group)) = self.group_of(service).await? else {
            self.save_eviction(&intruder, Eviction::WasOutside).await?;
            return Ok(Outcome::Done);
        };
        // No call is worth a turn before a person has acted. The sweep begins it again, ever later.
        if group.is_blocked() {
            if failures == 0 {
                self.save_eviction(&intruder, Eviction::Parked).await?;
            }
            return Ok(Outcome::Done);
        }
        let call = Call::About(group.chat);
        if let Some(wait) = self.turn(lane, call).await? {
            return Ok(Outcome::Later(wait));
        }
        let belongs = self.belongs(service.id, user).await?;
        // They lost a right and have another by now. Perhaps they were at the door when they lost the
        // first: nobody knows of that request any more.
        if belongs
            && intruder.must_leave
            && let Some(later @ Outcome::Later(_)) = self.bought_meanwhile(&service, user).await?
        {
            return Ok(later);
        }
        let lets_be = service.settings.guard == Guard::Observe && !intruder.must_leave;
        let seen = match belongs || lets_be {
            true => intruder,
            // A lease is for calls that act.
            false => match self.begin_eviction(&intruder).await? {
                Some(begun) => begun,
                None => return Ok(Outcome::Later(SignedDuration::ZERO)),
            },
        };
        let done = match (belongs, perhaps_out) {
            (true, false) => Ok(Eviction::Cleared),
            (true, true) => self.clear(&seen, group.chat).await?,
            (false, _) => self.put_out(&seen, group.chat, lets_be, perhaps_out).await?,
        };
        let (how, outcome) = match done {
            Ok(how) => (how, Outcome::Done),
            Err(error) => self.eviction_failed(error, call, failures).await?,
        };
        self.save_eviction(&seen, how).await?;
        Ok(outcome)
    }

    /// They have a right to be inside by now, but a call that had no answer may have put them out.
    async fn clear(
        &self,
        intruder: &Intruder,
        chat: ChatId,
    ) -> Result<Result<Eviction, CallError>, TaskError> {
        let status = match self.telegram.get_chat_member(chat, intruder.user).await {
            Ok(member) => member.status,
            Err(CallError::UnknownUser | CallError::UserUnreachable) => MemberStatus::Left,
            Err(error) => return Ok(Err(looked(error))),
        };
        if status.is_outside() {
            self.invite_back(intruder.service, intruder.user).await?;
        }
        Ok(Ok(Eviction::Cleared))
    }

    async fn put_out(
        &self,
        intruder: &Intruder,
        chat: ChatId,
        lets_be: bool,
        perhaps_out: bool,
    ) -> Result<Result<Eviction, CallError>, TaskError> {
        let (service, user) = (intruder.service, intruder.user);
        let status = match self.stand_of(chat, user).await {
            Ok(status) => status,
            Err(error) => return Ok(Err(error)),
        };
        if status.is_admin() {
            return Ok(Ok(Eviction::Untouchable));
        }
        if status.is_outside() {
            let ours = if perhaps_out { Eviction::Out } else { Eviction::WasOutside };
            return Ok(Ok(ours));
        }
        if lets_be {
            return Ok(Ok(Eviction::Reported));
        }
        // The last look before the call: they may have bought by now.
        if self.belongs(service, user).await? {
            return Ok(Ok(Eviction::Cleared));
        }
        match self.telegram.remove_member(chat, user).await {
            Ok(()) | Err(CallError::AlreadySo) => {
                self.invite_back(service, user).await?;
                Ok(Ok(Eviction::Out))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    async fn eviction_failed(
        &self,
        error: CallError,
        call: Call,
        failures: u32,
    ) -> Result<Attempt, TaskError> {
        let wait = back_off(failures);
        let again = match failures < MOST_FAILURES {
            true => Outcome::Later(wait),
            false => Outcome::Done,
        };
        Ok(match self.trouble(error, call).await? {
            Trouble::Wait(wait) => (Eviction::NotCalled, Outcome::Later(wait)),
            Trouble::Passing(CallError::UnknownOutcome { .. }) => {
                (Eviction::NoAnswer { wait }, again)
            }
            Trouble::Passing(_) => (Eviction::Failed { wait }, again),
            Trouble::Hands(_) => (Eviction::Parked, Outcome::Done),
            Trouble::Answer(CallError::TargetIsAdmin) => (Eviction::Untouchable, Outcome::Done),
            Trouble::Answer(CallError::UnknownUser | CallError::UserUnreachable) => {
                (Eviction::WasOutside, Outcome::Done)
            }
            Trouble::Answer(error) => {
                tracing::error!(cause = %error, "Telegram refused to put an intruder out");
                (Eviction::Parked, Outcome::Done)
            }
        })
    }

    /// Takes the lease: whatever becomes of the call, it is not forgotten. `None` when another has
    /// it, or when they came in again meanwhile.
    async fn begin_eviction(&self, intruder: &Intruder) -> Result<Option<Intruder>, TaskError> {
        let decide = |read: Option<&Stored<Intruder>>| {
            let now = self.clock.now();
            let same = read.filter(|read| read.value == *intruder);
            let next = same.and_then(|read| eviction_begins(&read.value, now));
            (next.map(|next| (next, because(Why::IntruderRemoving, now))), next)
        };
        let id = key::intruder(intruder.service, intruder.user);
        Ok(change(&self.store, &id, TRIES, decide).await?)
    }

    async fn save_eviction(&self, seen: &Intruder, how: Eviction) -> Result<(), TaskError> {
        let why = match how {
            Eviction::Out => Why::IntruderRemoved,
            Eviction::WasOutside => Why::IntruderLeft,
            Eviction::Cleared | Eviction::Untouchable => Why::IntruderCleared,
            Eviction::Reported => Why::IntruderReported,
            Eviction::NotCalled | Eviction::Failed { .. } | Eviction::NoAnswer { .. } => {
                Why::EvictionFailed
            }
            Eviction::Parked => Why::EvictionParked,
        };
        let decide = |read: Option<&Stored<Intruder>>| {
            let now = self.clock.now();
            let next = read.and_then(|read| eviction_ended(&read.value, seen, how, now));
            (next.map(|next| (next, because(why, now))), ())
        };
        let id = key::intruder(seen.service, seen.user);
        Ok(change(&self.store, &id, TRIES, decide).await?)
    }

    /// Whether somebody has a subscription, whatever became of it, or a guest's pass.
    async fn belongs(&self, service: ServiceId, user: UserId) -> Result<bool, TaskError> {
        Ok(self.subscription_of(service, user).await?.is_some()
            || self.pass_of(service, user).await?.is_some())
    }

    /// Whoever bought, or got a pass, between the last look and the call is told that they may come
    /// back.
    async fn invite_back(&self, service: ServiceId, user: UserId) -> Result<(), TaskError> {
        let Some(id) = self.subscription_of(service, user).await? else {
            return self.guest_was_put_out(service, user).await;
        };
        let decide = |read: Option<&Stored<Subscription>>| {
            let now = self.clock.now();
            let next = read.and_then(|read| put_out_meanwhile(&read.value, now));
            (next.map(|next| (next, because(Why::MemberInvitedBack, now))), ())
        };
        Ok(change(&self.store, &id.to_string(), TRIES, decide).await?)
    }
}
