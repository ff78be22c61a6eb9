//! Removing somebody whose access is over.

use domain::change::{Cause, Stored, Why};
use domain::ids::{ChatId, SubscriptionId, UserId};
use domain::membership::{
    Membership, Removal, RemovalPlan, pass_withdrawn, plan_removal, removal_ended, removal_waits,
};
use domain::subscription::Subscription;
use domain::task::Lane;
use jiff::{SignedDuration, Timestamp};
use limiter::{Call, Limits};
use queue::Queue;
use startup::Clock;
use store::{CommitError, Store, Write, change, load};
use telegram::{CallError, Telegram};

use super::{MOST_FAILURES, back_off};
use crate::trouble::Trouble;
use crate::{Outcome, Sender, TRIES, TaskError, because};

/// How one attempt went, and what becomes of the message.
type Attempt = (Ended, Outcome);

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// They were outside when they were looked for.
    WasOutside,
    /// As far as this attempt went.
    By(Removal),
}

impl Ended {
    /// What it is to the books.
    const fn removal(self) -> Removal {
        match self {
            Self::WasOutside => Removal::Out,
            Self::By(how) => how,
        }
    }

    /// Whether they went out by themself or by an administrator's hand: they were inside, they are
    /// not any more, and no earlier call of ours can have been the reason.
    const fn went_by_themself(self, old: &Subscription) -> bool {
        match (self, &old.membership) {
            (Self::WasOutside, Membership::Removing { was_in, tries, .. }) => {
                *was_in && !tries.unanswered
            }
            _ => false,
        }
    }

    /// What is saved of it, and why; `None` when somebody else has seen to it.
    fn saved(self, old: &Subscription, now: Timestamp) -> Option<(Subscription, Cause)> {
        let how = self.removal();
        let (next, invited_back) = removal_ended(old, how, now)?;
        let why = match how {
            // Nobody is told that they were taken out who was not.
            _ if self.went_by_themself(old) => Why::MemberLeft,
            _ if invited_back => Why::MemberInvitedBack,
            _ if next.entitled(now) => Why::RemovalDropped,
            Removal::Out => Why::MemberRemoved,
            Removal::Untouchable => Why::MemberKept,
            Removal::Guest => Why::MemberIsGuest,
            Removal::NotFound { .. } if matches!(next.membership, Membership::Removed { .. }) => {
                Why::MemberNeverInside
            }
            Removal::NotCalled
            | Removal::Failed { .. }
            | Removal::NotFound { .. }
            | Removal::NoAnswer { .. } => Why::RemovalFailed,
            Removal::Parked => Why::RemovalParked,
        };
        Some((next, because(why, now)))
    }
}

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Removes the holder of a subscription, unless they are entitled (again).
    pub(super) async fn remove(
        &self,
        id: SubscriptionId,
        lane: Lane,
    ) -> Result<Outcome, TaskError> {
        let Some(read) = load::<Subscription>(&self.store, &id.to_string()).await? else {
            return Ok(Outcome::Done);
        };
        let now = self.clock.now();
        match plan_removal(&read.value, now) {
            RemovalPlan::Nothing => {
                // Whoever let them be may have died before it looked for their pass again.
                self.leaves_after_all(&read.value).await?;
                return Ok(Outcome::Done);
            }
            RemovalPlan::Busy(until) => return Ok(Outcome::Later(until.duration_since(now))),
            RemovalPlan::InviteBack { next, tell } => {
                let why = if tell { Why::MemberInvitedBack } else { Why::RemovalDropped };
                let write = Write::update(&read, next.as_ref(), &because(why, now));
                return match self.store.commit(vec![write]).await {
                    Err(CommitError::Conflict) => Ok(Outcome::Later(SignedDuration::ZERO)),
                    done => Ok(done.map(|()| Outcome::Done)?),
                };
            }
            RemovalPlan::Start(_) => {}
        }
        let place = self.group_of(read.value.service).await?;
        if place.as_ref().is_some_and(|(_, group)| group.is_blocked()) {
            return self.removal_waits(&read).await;
        }
        // The turn is waited for before the lease is taken: a lease is for calls. It is for the one
        // call that acts; looking at somebody first counts for nothing.
        if let Some((_, group)) = &place
            && let Some(wait) = self.turn(lane, Call::About(group.chat)).await?
        {
            return Ok(Outcome::Later(wait));
        }
        let now = self.clock.now();
        let RemovalPlan::Start(removing) = plan_removal(&read.value, now) else {
            return Ok(Outcome::Later(SignedDuration::ZERO));
        };
        let write = Write::update(&read, removing.as_ref(), &because(Why::MemberRemoving, now));
        match self.store.commit(vec![write]).await {
            // A renewal, or another sender: look anew.
            Err(CommitError::Conflict) => return Ok(Outcome::Later(SignedDuration::ZERO)),
            done => done?,
        }
        let (how, outcome) = match (removing.user, place) {
            (Some(user), Some((_, group))) => {
                let failures = removing.membership.failures();
                self.take_out(&removing, group.chat, user, failures).await?
            }
            // Nobody to remove, or nothing to remove them from.
            (None, _) | (_, None) => (Ended::WasOutside, Outcome::Done),
        };
        // First: who dies in between does it once more. Afterwards nobody would know of it.
        if let Some(user) = removing.user
            && how.removal() == Removal::Out
            && !how.went_by_themself(&removing)
        {
            self.guest_was_put_out(removing.service, user).await?;
        }
        if let Some(saved) = self.save_removal(id, how).await?
            && how.removal() == Removal::Guest
        {
            self.leaves_after_all(&saved).await?;
        }
        Ok(outcome)
    }

    /// The pass for which somebody was let be was withdrawn meanwhile: whoever withdrew it saw a
    /// removal under way, and left it to that.
    async fn leaves_after_all(&self, seen: &Subscription) -> Result<(), TaskError> {
        let (Membership::Kept { .. }, Some(user)) = (&seen.membership, seen.user) else {
            return Ok(());
        };
        if self.pass_of(seen.service, user).await?.is_some() {
            return Ok(());
        }
        let decide = |read: Option<&Stored<Subscription>>| {
            let now = self.clock.now();
            let same = read.filter(|read| read.value.membership == seen.membership);
            let next = same.and_then(|read| pass_withdrawn(&read.value, now));
            (next.map(|next| (next, because(Why::PassWithdrawn, now))), ())
        };
        Ok(change(&self.store, &seen.id.to_string(), TRIES, decide).await?)
    }

    /// Nobody is removed from a group that does not work. The sweep begins it again, and so does the
    /// check of the members once the group works.
    async fn removal_waits(&self, read: &Stored<Subscription>) -> Result<Outcome, TaskError> {
        let now = self.clock.now();
        let Some(next) = removal_waits(&read.value, now) else { return Ok(Outcome::Done) };
        let write = Write::update(read, &next, &because(Why::RemovalParked, now));
        match self.store.commit(vec![write]).await {
            Err(CommitError::Conflict) => Ok(Outcome::Later(SignedDuration::ZERO)),
            done => Ok(done.map(|()| Outcome::Done)?),
        }
    }

    async fn take_out(
        &self,
        removing: &Subscription,
        chat: ChatId,
        user: UserId,
        failures: u32,
    ) -> Result<Attempt, TaskError> {
        let status = match self.stand_of(chat, user).await {
            Ok(status) => status,
            Err(error) => return self.removal_failed(error, chat, failures).await,
        };
        if status.is_admin() {
            return Ok((Ended::By(Removal::Untouchable), Outcome::Done));
        }
        // A ban by a human administrator stays as it is.
        if status.is_outside() {
            return Ok((Ended::WasOutside, Outcome::Done));
        }
        // The last look before the call: whoever has paid by now stays.
        if self.pass_of(removing.service, user).await?.is_some() {
            return Ok((Ended::By(Removal::Guest), Outcome::Done));
        }
        let again = load::<Subscription>(&self.store, &removing.id.to_string()).await?;
        if again.is_none_or(|now| now.value.entitled(self.clock.now())) {
            return Ok((Ended::By(Removal::NotCalled), Outcome::Done));
        }
        match self.telegram.remove_member(chat, user).await {
            Ok(()) | Err(CallError::AlreadySo) => Ok((Ended::By(Removal::Out), Outcome::Done)),
            // They were seen inside a moment ago.
            Err(CallError::NoParticipant) => {
                let description = CallError::NoParticipant.to_string();
                self.removal_failed(CallError::Transient { description }, chat, failures).await
            }
            Err(error) => self.removal_failed(error, chat, failures).await,
        }
    }

    async fn removal_failed(
        &self,
        error: CallError,
        chat: ChatId,
        failures: u32,
    ) -> Result<Attempt, TaskError> {
        let wait = back_off(failures);
        let again = match failures < MOST_FAILURES {
            true => Outcome::Later(wait),
            false => Outcome::Done,
        };
        let (how, outcome) = match self.trouble(error, Call::About(chat)).await? {
            Trouble::Wait(wait) => (Removal::NotCalled, Outcome::Later(wait)),
            Trouble::Passing(CallError::UnknownOutcome { .. }) => {
                (Removal::NoAnswer { wait }, again)
            }
            Trouble::Passing(CallError::NoParticipant) => (Removal::NotFound { wait }, again),
            Trouble::Passing(_) => (Removal::Failed { wait }, again),
            Trouble::Hands(_) => (Removal::Parked, Outcome::Done),
            Trouble::Answer(CallError::TargetIsAdmin) => (Removal::Untouchable, Outcome::Done),
            Trouble::Answer(CallError::UnknownUser | CallError::UserUnreachable) => {
                return Ok((Ended::WasOutside, Outcome::Done));
            }
            // Not known here: nothing but a person's hand helps, and every sweep tries again.
            Trouble::Answer(error) => {
                tracing::error!(cause = %error, "Telegram refused a removal");
                (Removal::Parked, Outcome::Done)
            }
        };
        Ok((Ended::By(how), outcome))
    }

    /// Saves how it went. A purchase that came meanwhile is seen here. `None` when somebody else has
    /// seen to it.
    async fn save_removal(
        &self,
        id: SubscriptionId,
        ended: Ended,
    ) -> Result<Option<Subscription>, TaskError> {
        let decide = |read: Option<&Stored<Subscription>>| {
            let next = read.and_then(|read| ended.saved(&read.value, self.clock.now()));
            let saved = next.as_ref().map(|(saved, _)| saved.clone());
            (next, saved)
        };
        Ok(change(&self.store, &id.to_string(), TRIES, decide).await?)
    }
}
