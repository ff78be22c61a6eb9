//! What a failed call means for everything but the task at hand: the limiter, the books, the group.

use domain::change::{Stored, Why};
use domain::group::{ChatClaim, Group, Holder, Problem, TelegramGroup};
use domain::ids::ChatId;
use domain::service::Service;
use jiff::SignedDuration;
use limiter::{Call, Limits};
use startup::Clock;
use store::{CommitError, Move, Store, Write, chat_moved, holder_of, key, load};
use telegram::{CallError, Right};

use crate::{Sender, TRIES, TaskError, because};

/// What is left of a failure for the task to decide.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It was not the time: to be tried again after this. No failure.
    Wait(SignedDuration),
    /// It failed and may go well later.
    Passing(CallError),
    /// The bot cannot do it before a person acts; the group is marked.
    Hands(CallError),
    /// It is about the very thing that was asked for.
    Answer(CallError),
}

impl<S: Store, Q, L: Limits, T, C: Clock> Sender<S, Q, L, T, C> {
    /// Sees to what a failed call means beyond its task.
    pub(crate) async fn trouble(&self, error: CallError, call: Call) -> Result<Trouble, TaskError> {
        let (chat, now) = (call.chat(), self.clock.now());
        Ok(match error {
            CallError::RetryAfter { seconds } => {
                self.limiter.told_to_wait(call, seconds, &self.clock).await?;
                Trouble::Wait(SignedDuration::from_secs(i64::from(seconds)))
            }
            CallError::Migrated { to } => {
                let by = domain::change::Actor::Telegram;
                match chat_moved(&self.store, chat, to, by, now).await? {
                    Move::Noted => Trouble::Wait(SignedDuration::ZERO),
                    // The group is somebody else's now.
                    Move::TakenByAnother => {
                        self.mark(chat, Problem::BotOutside).await?;
                        Trouble::Hands(CallError::BotRemoved)
                    }
                }
            }
            CallError::BotRemoved => {
                self.mark(chat, Problem::BotOutside).await?;
                Trouble::Hands(error)
            }
            CallError::NotASupergroup => {
                self.mark(chat, Problem::NotASupergroup).await?;
                Trouble::Hands(error)
            }
            CallError::RightsLost { ref what } => {
                let problem = match what {
                    Right::InviteUsers => Some(Problem::CannotInviteUsers),
                    Right::RestrictMembers => Some(Problem::CannotRestrictMembers),
                    Right::ChangeInfo => Some(Problem::CannotChangeInfo),
                    Right::SendMessages | Right::Other(_) => None,
                };
                if let Some(problem) = problem {
                    self.mark(chat, problem).await?;
                }
                Trouble::Hands(error)
            }
            CallError::Transient { .. }
            | CallError::NoParticipant
            | CallError::UnknownOutcome { .. } => {
                tracing::warn!(cause = %error, "a call to Telegram failed in passing");
                Trouble::Passing(error)
            }
            CallError::Unauthorized => {
                tracing::error!(cause = %error, "the bot token has to be replaced");
                Trouble::Passing(error)
            }
            CallError::TargetIsAdmin
            | CallError::AlreadySo
            | CallError::NotPending
            | CallError::UnknownUser
            | CallError::TooManyGroups
            | CallError::UserUnreachable
            | CallError::ReplyGone
            | CallError::BadInput { .. } => Trouble::Answer(error),
        })
    }

    /// Marks the group of a chat, service or spare, with a problem that a call ran into. What is said
    /// of the chat that it was before it was upgraded is none of its problems.
    async fn mark(&self, chat: ChatId, problem: Problem) -> Result<(), TaskError> {
        self.change_group(chat, Why::BotRightLost, |group, now| {
            if group.chat == chat {
                group.right_lost(problem, now);
            }
        })
        .await
    }

    /// Changes what is known of a chat's group, wherever it is kept.
    pub(crate) async fn change_group(
        &self,
        chat: ChatId,
        why: Why,
        change: impl Fn(&mut TelegramGroup, jiff::Timestamp),
    ) -> Result<(), TaskError> {
        for _ in 0..TRIES {
            let Some(place) = self.place(chat).await? else { return Ok(()) };
            let now = self.clock.now();
            let mut group = place.group().clone();
            change(&mut group, now);
            if &group == place.group() {
                return Ok(());
            }
            match self.store.commit(vec![place.write(group, &because(why, now))]).await {
                Err(CommitError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Err(TaskError::Contention)
    }

    /// Where a chat's group is kept; `None` when the chat is not in the books.
    pub(crate) async fn place(&self, chat: ChatId) -> Result<Option<Place>, TaskError> {
        Ok(match holder_of(&self.store, chat).await? {
            None | Some((_, Holder::Moved { .. })) => None,
            Some((_, Holder::Service { service })) => {
                let service = load::<Service>(&self.store, &service.to_string()).await?;
                service.and_then(Place::of_service)
            }
            Some((chat, Holder::Spare { .. })) => {
                let claim = load::<ChatClaim>(&self.store, &key::chat(chat)).await?;
                claim.and_then(Place::of_spare)
            }
        })
    }
}

/// Where a group is kept.
#[derive(Debug)]
pub(crate) enum Place {
    /// In its service.
    Service(Box<Stored<Service>>, TelegramGroup),
    /// In the pool.
    Spare(Box<Stored<ChatClaim>>, TelegramGroup),
}

impl Place {
    fn of_service(service: Stored<Service>) -> Option<Self> {
        match &service.value.group {
            Group::Bound(group) => {
                let group = group.clone();
                Some(Self::Service(Box::new(service), group))
            }
            Group::None | Group::AwaitingBot(_) => None,
        }
    }

    fn of_spare(claim: Stored<ChatClaim>) -> Option<Self> {
        match &claim.value.holder {
            Holder::Spare { group, .. } => {
                let group = group.as_ref().clone();
                Some(Self::Spare(Box::new(claim), group))
            }
            Holder::Service { .. } | Holder::Moved { .. } => None,
        }
    }

    /// The group as it was read.
    pub(crate) const fn group(&self) -> &TelegramGroup {
        match self {
            Self::Service(_, group) | Self::Spare(_, group) => group,
        }
    }

    /// The service that it belongs to.
    pub(crate) fn service(&self) -> Option<&Service> {
        match self {
            Self::Service(service, _) => Some(&service.value),
            Self::Spare(..) => None,
        }
    }

    /// Saves the group where it was read.
    pub(crate) fn write(&self, group: TelegramGroup, cause: &domain::change::Cause) -> Write {
        match self {
            Self::Service(service, _) => {
                let next = Service { group: Group::Bound(group), ..service.value.clone() };
                Write::update(service, &next, cause)
            }
            Self::Spare(claim, _) => Write::update(claim, &claim.value.with_spare(group), cause),
        }
    }
}
