//! Putting out somebody who is inside without a right to be.

use domain::change::{Stored, Why};
use domain::guard::{Eviction, Intruder, Stand, eviction_ended};
use domain::ids::{ChatId, ServiceId, UserId};
use domain::membership::put_out_meanwhile;
use domain::service::Guard;
use domain::subscription::Subscription;
use domain::task::Lane;
use limiter::{Call, Limits};
use queue::Queue;
use startup::Clock;
use store::{Store, change, key, load};
use telegram::{CallError, Telegram};

use super::{MOST_FAILURES, back_off};
use crate::trouble::Trouble;
use crate::{Outcome, Sender, TRIES, TaskError, because};

/// How one attempt went, and what becomes of the message. `None`: there was no turn for it.
type Attempt = (Option<Eviction>, Outcome);

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
        let intruder = read.value;
        let Stand::Inside { tries } = intruder.stand else { return Ok(Outcome::Done) };
        let (how, outcome) = self.put_out(&intruder, tries.failures, lane).await?;
        if let Some(how) = how {
            self.save_eviction(&id, intruder.times, how).await?;
        }
        Ok(outcome)
    }

    async fn put_out(
        &self,
        intruder: &Intruder,
        failures: u32,
        lane: Lane,
    ) -> Result<Attempt, TaskError> {
        let (service, user) = (intruder.service, intruder.user);
        let done = |how| Ok((Some(how), Outcome::Done));
        let Some((service, group)) = self.group_of(service).await? else {
            return done(Eviction::WasOutside);
        };
        let chat = group.chat;
        if self.belongs(service.id, user).await? {
            return done(Eviction::Cleared);
        }
        if let Some(wait) = self.turn(lane, Call::About(chat)).await? {
            return Ok((None, Outcome::Later(wait)));
        }
        let status = match self.stand_of(chat, user).await {
            Ok(status) => status,
            Err(error) => return self.eviction_failed(error, chat, failures).await,
        };
        if status.is_admin() {
            return done(Eviction::Cleared);
        }
        if status.is_outside() {
            return done(Eviction::WasOutside);
        }
        if service.settings.guard == Guard::Observe && !intruder.must_leave {
            return done(Eviction::Reported);
        }
        // The last look before the call: they may have bought by now.
        if self.belongs(service.id, user).await? {
            return done(Eviction::Cleared);
        }
        match self.telegram.remove_member(chat, user).await {
            Ok(()) | Err(CallError::AlreadySo) => {
                self.invite_back(service.id, user).await?;
                done(Eviction::Out)
            }
            Err(error) => self.eviction_failed(error, chat, failures).await,
        }
    }

    async fn eviction_failed(
        &self,
        error: CallError,
        chat: ChatId,
        failures: u32,
    ) -> Result<Attempt, TaskError> {
        let wait = back_off(failures);
        Ok(match self.trouble(error, Call::About(chat)).await? {
            Trouble::Wait(wait) => (None, Outcome::Later(wait)),
            Trouble::Passing(_) if failures < MOST_FAILURES => {
                (Some(Eviction::Failed { wait }), Outcome::Later(wait))
            }
            Trouble::Passing(_) => (Some(Eviction::Failed { wait }), Outcome::Done),
            Trouble::Hands(_) => (Some(Eviction::Parked), Outcome::Done),
            Trouble::Answer(CallError::TargetIsAdmin) => (Some(Eviction::Cleared), Outcome::Done),
            Trouble::Answer(CallError::UnknownUser | CallError::UserUnreachable) => {
                (Some(Eviction::WasOutside), Outcome::Done)
            }
            Trouble::Answer(error) => {
                tracing::error!(cause = %error, "Telegram refused to put an intruder out");
                (Some(Eviction::Parked), Outcome::Done)
            }
        })
    }

    async fn save_eviction(&self, id: &str, times: u32, how: Eviction) -> Result<(), TaskError> {
        let why = match how {
            Eviction::Out => Why::IntruderRemoved,
            Eviction::WasOutside => Why::IntruderLeft,
            Eviction::Cleared => Why::IntruderCleared,
            Eviction::Reported => Why::IntruderReported,
            Eviction::Failed { .. } => Why::EvictionFailed,
            Eviction::Parked => Why::EvictionParked,
        };
        let decide = |read: Option<&Stored<Intruder>>| {
            let now = self.clock.now();
            let next = read.and_then(|read| eviction_ended(&read.value, times, how, now));
            (next.map(|next| (next, because(why, now))), ())
        };
        Ok(change(&self.store, id, TRIES, decide).await?)
    }

    /// Whether somebody has a subscription, whatever became of it, or a guest's pass.
    async fn belongs(&self, service: ServiceId, user: UserId) -> Result<bool, TaskError> {
        Ok(self.subscription_of(service, user).await?.is_some()
            || self.has_pass(service, user).await?)
    }

    /// Whoever bought between the last look and the call is told that they may come back.
    async fn invite_back(&self, service: ServiceId, user: UserId) -> Result<(), TaskError> {
        let Some(id) = self.subscription_of(service, user).await? else { return Ok(()) };
        let decide = |read: Option<&Stored<Subscription>>| {
            let now = self.clock.now();
            let next = read.and_then(|read| put_out_meanwhile(&read.value, now));
            (next.map(|next| (next, because(Why::MemberInvitedBack, now))), ())
        };
        Ok(change(&self.store, &id.to_string(), TRIES, decide).await?)
    }
}
