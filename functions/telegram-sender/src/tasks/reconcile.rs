//! Looking at known members, a few at a time, and putting right what differs from the books.

use domain::change::{Actor, Cause, Stored, Why};
use domain::group::{Phase, TelegramGroup};
use domain::guard::{Intruder, Stand};
use domain::ids::{ChatId, ServiceId, UserId};
use domain::membership::removal_goes_on;
use domain::reconcile::{
    Progress, Reconciliation, Seen, Step, check_anew, looked_at, may_have_asked, request_check,
    step_done, step_failed, wants_look,
};
use domain::service::{Guard, Service};
use domain::subscription::Subscription;
use domain::task::Lane;
use jiff::SignedDuration;
use limiter::{Call, Limits};
use queue::Queue;
use startup::Clock;
use store::{CommitError, Cursor, List, Store, StoreError, Write, change, key, load};
use telegram::{CallError, MemberStatus, Telegram};

use super::{MOST_FAILURES, back_off};
use crate::trouble::Trouble;
use crate::{Outcome, Sender, TRIES, TaskError, because};

/// How many subscriptions one step looks at: few enough to be through before the function's time is
/// over, at the slowest pace.
const AT_ONCE: usize = 10;

/// How many who were reported are taken up again once the guard enforces; the rest tomorrow.
const MOST_REPORTED: usize = 100;

/// Why a step did not come to its end.
enum Stopped {
    /// It is not the time: the message is to be given back.
    Later(SignedDuration),
    /// A call failed in passing.
    Failed,
    /// The group does not work: there is nobody to ask.
    NoGroup,
    /// The tables could not be used.
    Error(TaskError),
}

impl Stopped {
    fn by(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Wait(wait) => Self::Later(wait),
            Trouble::Passing(_) => Self::Failed,
            Trouble::Hands(_) => Self::NoGroup,
            Trouble::Answer(error) => {
                tracing::warn!(cause = %error, "members could not be looked at");
                Self::NoGroup
            }
        }
    }
}

impl From<TaskError> for Stopped {
    fn from(error: TaskError) -> Self {
        Self::Error(error)
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Begins the check of a service's members, if none is under way.
    pub(super) async fn begin_check(&self, service: ServiceId) -> Result<(), TaskError> {
        let decide = |read: Option<&Stored<Reconciliation>>| {
            let now = self.clock.now();
            let next = request_check(read.map(|read| &read.value), service, now);
            (next.map(|next| (next, because(Why::ReconcileRequested, now))), ())
        };
        Ok(change(&self.store, &key::reconciliation(service), TRIES, decide).await?)
    }

    /// The save that begins the check of the members of a group that works from now on.
    pub(super) async fn new_check(&self, service: ServiceId) -> Result<Write, TaskError> {
        let id = key::reconciliation(service);
        let read = load::<Reconciliation>(&self.store, &id).await?;
        let now = self.clock.now();
        let next = check_anew(read.as_ref().map(|read| &read.value), service, now);
        Ok(Write::put(read.as_ref(), &next, &because(Why::ReconcileRequested, now)))
    }

    /// Does the next step of a service's check. The step after it follows from the change.
    pub(super) async fn reconcile(
        &self,
        service: ServiceId,
        lane: Lane,
    ) -> Result<Outcome, TaskError> {
        let id = key::reconciliation(service);
        let Some(read) = load::<Reconciliation>(&self.store, &id).await? else {
            return Ok(Outcome::Done);
        };
        let Progress::Running { tries } = read.value.state else { return Ok(Outcome::Done) };
        let (found, members) = match self.step_of(&read.value, lane).await {
            Ok(found) => found,
            Err(Stopped::Later(wait)) => return Ok(Outcome::Later(wait)),
            Err(Stopped::Failed) => {
                self.step_failed(&id, &read.value, back_off(tries.failures)).await?;
                return Ok(match tries.failures < MOST_FAILURES {
                    true => Outcome::Later(back_off(tries.failures)),
                    // The sweep begins it again, ever later.
                    false => Outcome::Done,
                });
            }
            Err(Stopped::NoGroup) => (Step::default(), None),
            Err(Stopped::Error(error)) => return Err(error),
        };
        let step = read.value.step;
        let decide = |read: Option<&Stored<Reconciliation>>| {
            let now = self.clock.now();
            let next =
                read.and_then(|read| step_done(&read.value, step, found.clone(), members, now));
            let why = match found.next {
                Some(_) => Why::ReconcileStepped,
                None => Why::Reconciled,
            };
            (next.map(|next| (next, because(why, now))), ())
        };
        change(&self.store, &id, TRIES, decide).await?;
        Ok(Outcome::Done)
    }

    async fn step_failed(
        &self,
        id: &str,
        check: &Reconciliation,
        wait: SignedDuration,
    ) -> Result<(), TaskError> {
        let decide = |read: Option<&Stored<Reconciliation>>| {
            let now = self.clock.now();
            let next = read.and_then(|read| step_failed(&read.value, check.step, wait, now));
            (next.map(|next| (next, because(Why::ReconcileStepped, now))), ())
        };
        Ok(change(&self.store, id, TRIES, decide).await?)
    }

    async fn step_of(
        &self,
        check: &Reconciliation,
        lane: Lane,
    ) -> Result<(Step, Option<u32>), Stopped> {
        let Some((service, group)) = self.group_of(check.service).await? else {
            return Err(Stopped::NoGroup);
        };
        if group.phase != Phase::Ready {
            return Err(Stopped::NoGroup);
        }
        if check.from.is_none() && service.settings.guard == Guard::Enforce {
            self.take_up_reported(service.id).await?;
        }
        let list = List::SubscriptionsOf(service.id.to_string());
        let from = check.from.clone().map(Cursor);
        let page = self.store.list(&list, AT_ONCE, from.as_ref()).await?;
        let mut step = Step { next: page.next.map(|cursor| cursor.0), ..Step::default() };
        for row in page.items {
            // The index is a hint.
            let Some(read) = load::<Subscription>(&self.store, &row.id).await? else { continue };
            self.removal_goes_on(&read).await?;
            if wants_look(&read.value, self.clock.now())
                && let Some(user) = read.value.user
            {
                self.look_at(&service, &group, &read, user, lane, &mut step).await?;
            }
        }
        let members = match step.next {
            Some(_) => None,
            None => {
                self.take_turn(group.chat, lane).await?;
                match self.telegram.get_chat_member_count(group.chat).await {
                    Ok(count) => u32::try_from(count).ok(),
                    Err(error) => return Err(self.stopped(error, group.chat).await?),
                }
            }
        };
        Ok((step, members))
    }

    /// A removal that waited for the group to work does not wait for the sweep as well.
    async fn removal_goes_on(&self, read: &Stored<Subscription>) -> Result<(), TaskError> {
        let now = self.clock.now();
        let Some(next) = removal_goes_on(&read.value, now) else { return Ok(()) };
        match self.store.commit(vec![Write::update(read, &next, &because(Why::Nudged, now))]).await
        {
            // Somebody else has just seen to it.
            Err(CommitError::Conflict) => Ok(()),
            done => Ok(done?),
        }
    }

    async fn look_at(
        &self,
        service: &Service,
        group: &TelegramGroup,
        read: &Stored<Subscription>,
        user: UserId,
        lane: Lane,
        step: &mut Step,
    ) -> Result<(), Stopped> {
        self.take_turn(group.chat, lane).await?;
        let seen = match self.telegram.get_chat_member(group.chat, user).await {
            Ok(member) if member.status.is_admin() => Seen::Admin,
            Ok(member) if member.status.is_inside() => Seen::Member,
            // A ban stays as it is.
            Ok(member) if member.status == MemberStatus::Banned => Seen::Outside,
            Ok(member) if member.status.is_outside() => {
                match self.let_in(group.chat, &read.value, user, lane).await? {
                    true => {
                        step.let_in = step.let_in.saturating_add(1);
                        Seen::Member
                    }
                    false => Seen::Outside,
                }
            }
            // A status that is not known here, or somebody who is not found, perhaps at random:
            // tomorrow is another day.
            Ok(_) | Err(CallError::NoParticipant) => return Ok(()),
            Err(CallError::UnknownUser | CallError::UserUnreachable) => Seen::Outside,
            Err(error) => match self.trouble(error, Call::About(group.chat)).await? {
                // It is about this one, and the others are looked at all the same.
                Trouble::Answer(error) => {
                    tracing::warn!(cause = %error, "a member could not be looked at");
                    return Ok(());
                }
                other => return Err(Stopped::by(other)),
            },
        };
        step.checked = step.checked.saturating_add(1);
        step.inside = step.inside.saturating_add(u32::from(seen != Seen::Outside));
        let is_guest = self.pass_of(service.id, user).await?.is_some();
        let now = self.clock.now();
        let Some((next, why)) = looked_at(&read.value, seen, is_guest, now) else { return Ok(()) };
        // Conditional on what was read before the look: who has come or gone since is looked at
        // another time.
        match self.store.commit(vec![Write::update(read, &next, &because(why, now))]).await {
            Ok(()) => step.put_right = step.put_right.saturating_add(1),
            Err(CommitError::Conflict) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
        Ok(())
    }

    async fn take_turn(&self, chat: ChatId, lane: Lane) -> Result<(), Stopped> {
        match self.turn(lane, Call::About(chat)).await? {
            None => Ok(()),
            Some(wait) => Err(Stopped::Later(wait)),
        }
    }

    /// Approves the request of somebody who has access, if one is open. False when none is.
    async fn let_in(
        &self,
        chat: ChatId,
        subscription: &Subscription,
        user: UserId,
        lane: Lane,
    ) -> Result<bool, Stopped> {
        if !may_have_asked(subscription, self.clock.now()) {
            return Ok(false);
        }
        self.take_turn(chat, lane).await?;
        // The last look before the call: it may be over by now, or another account's.
        let id = subscription.id.to_string();
        let again = load::<Subscription>(&self.store, &id).await?;
        let again = again.filter(|it| it.value.user == Some(user));
        if !again.is_some_and(|it| may_have_asked(&it.value, self.clock.now())) {
            return Ok(false);
        }
        match self.telegram.approve_join_request(chat, user).await {
            Ok(()) | Err(CallError::AlreadySo) => Ok(true),
            Err(error) => match self.trouble(error, Call::About(chat)).await? {
                // None is open, or they cannot come.
                Trouble::Answer(_) => Ok(false),
                other => Err(Stopped::by(other)),
            },
        }
    }

    async fn stopped(&self, error: CallError, chat: ChatId) -> Result<Stopped, TaskError> {
        Ok(Stopped::by(self.trouble(error, Call::About(chat)).await?))
    }

    /// Whoever was let be while the guard observed has to leave now that it enforces.
    async fn take_up_reported(&self, service: ServiceId) -> Result<(), TaskError> {
        let list = List::IntrudersIn(service.to_string());
        for row in self.store.list(&list, MOST_REPORTED, None).await?.items {
            let decide = |read: Option<&Stored<Intruder>>| {
                let now = self.clock.now();
                let next = read.filter(|it| matches!(it.value.stand, Stand::Reported { .. }));
                let next = next.map(|it| it.value.found_again(now));
                let cause = Cause { at: now, by: Actor::Sender, why: Why::IntruderSeen };
                (next.map(|next| (next, cause)), ())
            };
            change(&self.store, &row.id, TRIES, decide).await?;
        }
        Ok(())
    }
}
