//! Taking members over from a list, some lines at a time.

use domain::change::{Stored, Why};
use domain::ids::{ImportId, SubscriptionId};
use domain::import::{
    Import, ImportLines, ImportState, Line, Taken, Who, customer, lines_done, take_line,
};
use domain::service::Service;
use domain::subscription::Subscription;
use limiter::Limits;
use queue::Queue;
use startup::Clock;
use store::{CommitError, Store, UserClaim, Write, change, key, load};
use telegram::Telegram;

use crate::{Outcome, Sender, TRIES, TaskError, because};

/// How many lines one step carries out.
const AT_ONCE: usize = 25;

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Carries out the next lines of an import. The step after it follows from the change. A step
    /// that is begun twice does nothing twice.
    pub(super) async fn import(&self, id: ImportId) -> Result<Outcome, TaskError> {
        let Some(read) = load::<Import>(&self.store, &key::import(id)).await? else {
            return Ok(Outcome::Done);
        };
        let import = read.value;
        let ImportState::Running { .. } = import.state else { return Ok(Outcome::Done) };
        let service = load::<Service>(&self.store, &import.service.to_string()).await?;
        let lines = load::<ImportLines>(&self.store, &key::import_lines(id)).await?;
        let (Some(service), Some(lines)) = (service, lines) else { return Ok(Outcome::Done) };
        let mut taken = Vec::new();
        let from = usize::try_from(import.done).unwrap_or(usize::MAX);
        let some = (import.done..).zip(lines.value.lines.iter().skip(from)).take(AT_ONCE);
        for (number, line) in some {
            taken.push(self.take(&import, &service.value, number, line).await?);
        }
        let decide = |read: Option<&Stored<Import>>| {
            let now = self.clock.now();
            let next = read.and_then(|it| lines_done(&it.value, import.done, &taken, now));
            let is_done = |it: &Import| matches!(it.state, ImportState::Done { .. });
            let why = match next.as_ref().is_some_and(is_done) {
                true => Why::MembersImported,
                false => Why::ImportStepped,
            };
            let is_last = why == Why::MembersImported;
            (next.map(|next| (next, because(why, now))), is_last)
        };
        let is_last = change(&self.store, &key::import(id), TRIES, decide).await?;
        // Who of them is inside already is for a check to find out.
        if is_last {
            self.begin_check(import.service).await?;
        }
        Ok(Outcome::Done)
    }

    async fn take(
        &self,
        import: &Import,
        service: &Service,
        number: u32,
        line: &Line,
    ) -> Result<Taken, TaskError> {
        let Some(customer) = customer(import, number, &line.who) else { return Ok(Taken::Over) };
        for _ in 0..TRIES {
            let now = self.clock.now();
            let mut id = SubscriptionId::derived(service.id, &customer);
            let mut claim = None;
            if let Who::Account(user) = line.who {
                claim = load::<UserClaim>(&self.store, &key::user(service.id, user)).await?;
                let held = claim.as_ref().and_then(|claim| claim.value.subscription);
                id = held.unwrap_or(id);
            }
            let old = load::<Subscription>(&self.store, &id.to_string()).await?;
            let was = old.as_ref().map(|old| &old.value);
            let (next, taken) =
                take_line(service, was, customer.clone(), line, import.created_at, now);
            let Some(next) = next else { return Ok(taken) };
            let cause = because(Why::SubscriptionImported, now);
            let mut writes = vec![Write::put(old.as_ref(), &next, &cause)];
            let is_free = claim.as_ref().is_none_or(|claim| claim.value.subscription.is_none());
            if let Who::Account(user) = line.who
                && is_free
            {
                let place = UserClaim { service: service.id, user, subscription: Some(next.id) };
                writes.push(Write::put(claim.as_ref(), &place, &cause));
            }
            match self.store.commit(writes).await {
                Ok(()) => return Ok(taken),
                Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(TaskError::Contention)
    }
}
