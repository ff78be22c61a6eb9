//! What the sender does, a file to each kind.

mod admit;
mod evict;
mod guests;
mod import;
mod links;
mod post;
mod reconcile;
mod remove;
mod say;
mod set_up;
mod update;

use domain::alert::Part;
use domain::group::{Group, TelegramGroup};
use domain::ids::{ChatId, ServiceId, SubscriptionId, UserId};
use domain::link::Pass;
use domain::service::Service;
use domain::task::{Lane, Task};
use jiff::SignedDuration;
use limiter::Limits;
use queue::Queue;
use startup::Clock;
use store::{Store, UserClaim, key, load};
use telegram::{CallError, MemberStatus, Telegram};

use crate::{Outcome, Sender, TaskError};

/// The first wait after a failure that may pass; it doubles each time.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(2);

/// The longest wait after a failure that may pass.
const MOST_WAIT: SignedDuration = SignedDuration::from_mins(5);

/// After so many failures in a row the message is let go; the sweep begins it again, ever later.
const MOST_FAILURES: u32 = 8;

/// When something is tried again that the bot cannot do before a person gives it its rights back,
/// and that stands in no item which the sweep would visit.
const WITHOUT_RIGHTS: SignedDuration = SignedDuration::from_mins(20);

/// How long to wait after so many failures.
fn back_off(failures: u32) -> SignedDuration {
    domain::time::back_off(FIRST_WAIT, MOST_WAIT, failures)
}

/// What went wrong with a look. One that had no answer did nothing.
fn looked(error: CallError) -> CallError {
    match error {
        CallError::UnknownOutcome { description } => CallError::Transient { description },
        other => other,
    }
}

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Carries out a task that came by this lane.
    pub(crate) async fn carry_out(&self, task: Task, lane: Lane) -> Result<Outcome, TaskError> {
        match task {
            Task::PostAlert { alert, .. } => self.post(alert, Part::Alert, lane).await,
            Task::PostUpdate { alert, number, .. } => {
                self.post(alert, Part::Update(number), lane).await
            }
            Task::Admit { subscription, .. } => self.admit(subscription, lane).await,
            Task::Decline { service, user, why, language } => {
                self.decline(service, user, why, language, lane).await
            }
            Task::Remove { subscription, .. } => self.remove(subscription, lane).await,
            Task::Evict { service, user } => self.evict(service, user, lane).await,
            Task::Reconcile { service } => self.reconcile(service, lane).await,
            Task::Import { import, .. } => self.import(import).await,
            Task::SetUp { chat } => self.set_up(chat, lane).await,
            Task::Greet { service } => self.greet(service, lane).await,
            Task::TellOperator { chat } => self.tell_operator(chat, lane).await,
            Task::Tell { subscription, notice, .. } => self.tell(subscription, notice, lane).await,
            Task::Answer { chat, answer, language } => {
                self.answer(chat, answer, language, lane).await
            }
            Task::AdmitGuest { link, .. } => self.admit_guest(link, lane).await,
            Task::InviteGuest { link, .. } => self.invite_guest(link, lane).await,
            Task::RevokeLink { link, .. } => self.revoke_link(link, lane).await,
        }
    }

    /// Notes on its item that a task was given up. Only an alert ends with its message: all else is
    /// begun again by the sweep.
    pub(crate) async fn has_failed(&self, task: Task) -> Result<(), TaskError> {
        match task {
            Task::PostAlert { alert, .. } => self.post_has_failed(alert, Part::Alert).await,
            Task::PostUpdate { alert, number, .. } => {
                self.post_has_failed(alert, Part::Update(number)).await
            }
            _ => Ok(()),
        }
    }

    /// A service and its group; `None` when it has none.
    async fn group_of(&self, id: ServiceId) -> Result<Option<(Service, TelegramGroup)>, TaskError> {
        let service = load::<Service>(&self.store, &id.to_string()).await?;
        Ok(service.and_then(|service| match &service.value.group {
            Group::Bound(group) => {
                let group = group.clone();
                Some((service.value, group))
            }
            Group::None | Group::AwaitingBot(_) => None,
        }))
    }

    /// The subscription of a Telegram account in a service.
    async fn subscription_of(
        &self,
        service: ServiceId,
        user: UserId,
    ) -> Result<Option<SubscriptionId>, TaskError> {
        let claim = load::<UserClaim>(&self.store, &key::user(service, user)).await?;
        Ok(claim.and_then(|claim| claim.value.subscription))
    }

    /// The guest's pass of somebody, if they have one.
    async fn pass_of(&self, service: ServiceId, user: UserId) -> Result<Option<Pass>, TaskError> {
        let pass = load::<Pass>(&self.store, &key::pass(service, user)).await?;
        Ok(pass.map(|pass| pass.value).filter(Pass::is_valid))
    }

    /// How somebody stands in a group who is to be out of it. The request of somebody who is outside
    /// already is declined, if one is open: when they buy again, nobody would know of it.
    async fn stand_of(&self, chat: ChatId, user: UserId) -> Result<MemberStatus, CallError> {
        let status = match self.telegram.get_chat_member(chat, user).await {
            Ok(member) => member.status,
            // Telegram does not know them here, so they cannot be inside.
            Err(CallError::UnknownUser | CallError::UserUnreachable) => MemberStatus::Left,
            Err(error) => return Err(looked(error)),
        };
        if status != MemberStatus::Left {
            return Ok(status);
        }
        match self.telegram.decline_join_request(chat, user).await {
            // Whom Telegram does not find has no request.
            Ok(()) | Err(CallError::NoParticipant) => Ok(status),
            Err(error) if error.passes() => Err(looked(error)),
            // None is open, or the bot may not: when it may again, the members are checked.
            Err(_) => Ok(status),
        }
    }
}
