//! GET /traders/services/{id}/telegram-group/info: everything about the group, never older than a
//! minute.

use asking::{telegram_problem, turn};
use domain::change::{Actor, Cause, Stored, Why};
use domain::group::{Group, Problem as GroupProblem, TelegramGroup};
use domain::ids::{ServiceId, UserId};
use domain::reconcile::Reconciliation;
use domain::service::Service;
use domain::time::{after, before};
use jiff::{SignedDuration, Timestamp};
use limiter::{Limiter, Limits};
use startup::Clock;
use store::{CommitError, Count, Move, Store, Write, chat_moved, key, load};
use telegram::{CallError, Telegram, look};
use web::views::Intruders;
use web::{Call, Problem, Reply, owned_service, views};

/// How old what is known may be.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// How long Telegram is asked: a caller is answered before the HTTP API gives up, after 30 s
/// (Amazon API Gateway, "Quotas for HTTP APIs").
const PATIENCE: SignedDuration = SignedDuration::from_secs(22);

/// Up to how many intruders are counted: more would be a flood, whatever the number.
const MOST_COUNTED: usize = 1_000;

/// How often it is tried when the group moves or others change the service meanwhile.
const TRIES: usize = 3;

/// What it needs.
#[derive(Debug)]
pub struct Info<S, L, T, C> {
    /// The tables.
    pub store: S,
    /// Turns at Telegram.
    pub limiter: Limiter<L>,
    /// Telegram.
    pub telegram: T,
    /// The bot's own account.
    pub bot: UserId,
    /// The clock.
    pub clock: C,
}

/// Answers with the group as it is.
///
/// # Errors
/// "Not found" when the service is not the caller's; "unavailable" when what is known is too old
/// and Telegram cannot be asked.
pub async fn handle<S: Store, L: Limits, T: Telegram, C: Clock>(
    info: &Info<S, L, T, C>,
    call: &Call,
) -> Result<Reply, Problem> {
    let id: ServiceId = call.id()?;
    for _ in 0..TRIES {
        let read = owned_service(&info.store, call, id).await?;
        let service = match &read.value.group {
            Group::Bound(group) if is_stale(group, call.now) => {
                match info.refresh(&read, group, call.now).await? {
                    Some(service) => service,
                    None => continue,
                }
            }
            Group::Bound(_) | Group::None | Group::AwaitingBot(_) => read.value,
        };
        let active = Count::Active { service: id.to_string(), now: call.now };
        let active = info.store.count(&active, usize::MAX).await?;
        let intruders = info.intruders(id, call.now).await?;
        let check = load::<Reconciliation>(&info.store, &key::reconciliation(id)).await?;
        let check = check.as_ref().map(|check| &check.value);
        let view = views::group_info(&service, active, intruders, check, call.now);
        return Ok(Reply::new(200, view));
    }
    Err(Problem::again())
}

fn is_stale(group: &TelegramGroup, now: Timestamp) -> bool {
    group.checked_at.is_none_or(|at| after(at, FRESH) <= now)
}

impl<S: Store, L: Limits, T: Telegram, C: Clock> Info<S, L, T, C> {
    async fn intruders(&self, service: ServiceId, now: Timestamp) -> Result<Intruders, Problem> {
        let yesterday = Some(before(now, SignedDuration::from_hours(24)));
        let inside = self.count_intruders(service, true, None).await?;
        let came = self.count_intruders(service, true, yesterday).await?;
        let gone = self.count_intruders(service, false, yesterday).await?;
        Ok(Intruders { inside, last_day: came.saturating_add(gone) })
    }

    async fn count_intruders(
        &self,
        service: ServiceId,
        is_inside: bool,
        since: Option<Timestamp>,
    ) -> Result<usize, Problem> {
        let service = service.to_string();
        let count = Count::Intruders { service, is_inside, since };
        Ok(self.store.count(&count, MOST_COUNTED).await?)
    }

    /// Asks Telegram and saves what it says. `None` when it has to be begun anew.
    async fn refresh(
        &self,
        read: &Stored<Service>,
        group: &TelegramGroup,
        now: Timestamp,
    ) -> Result<Option<Service>, Problem> {
        turn(&self.limiter, group.chat, &self.clock).await?;
        let mut next = group.clone();
        let look = look(&self.telegram, group.chat, self.bot, true);
        let Some(seen) = self.clock.in_time(after(now, PATIENCE), look).await else {
            return Err(Problem::unavailable(SignedDuration::from_secs(5)));
        };
        match seen {
            Ok(seen) => next.observe(seen, now),
            Err(CallError::BotRemoved) => {
                next.right_lost(GroupProblem::BotOutside, now);
                next.checked_at = Some(now);
            }
            Err(CallError::Migrated { to }) => {
                let moved = chat_moved(&self.store, group.chat, to, Actor::Telegram, now);
                match moved.await? {
                    Move::Noted => return Ok(None),
                    Move::TakenByAnother => {
                        next.right_lost(GroupProblem::BotOutside, now);
                        next.checked_at = Some(now);
                    }
                }
            }
            Err(error) => {
                return Err(telegram_problem(&self.limiter, group.chat, error, &self.clock).await);
            }
        }
        // What was missing may be there again: then the set-up runs, which makes it ready.
        let blocked = next.is_blocked();
        if !blocked && next.phase != domain::group::Phase::Ready && next.pending == group.pending {
            next.request_set_up(now);
        }
        let service = Service { group: Group::Bound(next), ..read.value.clone() };
        let cause = Cause { at: now, by: Actor::Telegram, why: Why::GroupChecked };
        match self.store.commit(vec![Write::update(read, &service, &cause)]).await {
            Ok(()) => Ok(Some(service)),
            Err(CommitError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
