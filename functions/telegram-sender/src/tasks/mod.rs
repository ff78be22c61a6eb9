//! What the sender does, a file to each kind.

mod admit;
mod evict;
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
use domain::ids::ServiceId;
use domain::service::Service;
use domain::task::{Lane, Task};
use jiff::SignedDuration;
use limiter::Limits;
use queue::Queue;
use startup::Clock;
use store::{Store, load};
use telegram::Telegram;

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

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Carries out a task that came by this lane.
    pub(crate) async fn carry_out(&self, task: Task, lane: Lane) -> Result<Outcome, TaskError> {
        match task {
            Task::PostAlert { alert, .. } => self.post(alert, Part::Alert, lane).await,
            Task::PostUpdate { alert, number, .. } => {
                self.post(alert, Part::Update(number), lane).await
            }
            Task::Admit { subscription, .. } => self.admit(subscription, lane).await,
            Task::Decline { service, user, why } => self.decline(service, user, why, lane).await,
            Task::Remove { subscription, .. } => self.remove(subscription, lane).await,
            Task::Evict { service, user } => self.evict(service, user, lane).await,
            Task::Reconcile { service } => self.reconcile(service, lane).await,
            Task::Import { import, .. } => self.import(import).await,
            Task::SetUp { chat } => self.set_up(chat, lane).await,
            Task::Greet { service } => self.greet(service, lane).await,
            Task::TellOperator { chat } => self.tell_operator(chat, lane).await,
            Task::Tell { subscription, notice, .. } => self.tell(subscription, notice, lane).await,
            Task::Answer { chat, answer } => self.answer(chat, answer, lane).await,
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
}
