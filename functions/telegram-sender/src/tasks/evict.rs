//! Removing somebody who came in without a right to.

use domain::ids::{ServiceId, UserId};
use domain::link::Pass;
use domain::service::Guard;
use domain::task::Lane;
use limiter::{Call, Limits};
use queue::Queue;
use startup::Clock;
use store::{Store, UserClaim, key, load};
use telegram::Telegram;

use super::{WITHOUT_RIGHTS, back_off};
use crate::trouble::Trouble;
use crate::{Outcome, Sender, TaskError};

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Removes an intruder. Somebody with a subscription is the subscription's matter; somebody
    /// with a pass, and an administrator, may stay.
    pub(super) async fn evict(
        &self,
        service: ServiceId,
        user: UserId,
        lane: Lane,
    ) -> Result<Outcome, TaskError> {
        let Some((service, group)) = self.group_of(service).await? else {
            return Ok(Outcome::Done);
        };
        if self.belongs(service.id, user).await? {
            return Ok(Outcome::Done);
        }
        if service.settings.guard == Guard::Observe {
            tracing::info!(service = %service.id, "an intruder was seen and let be");
            return Ok(Outcome::Done);
        }
        let call = Call::About(group.chat);
        if let Some(wait) = self.turn(lane, call).await? {
            return Ok(Outcome::Later(wait));
        }
        let answer = match self.telegram.get_chat_member(group.chat, user).await {
            Ok(member) if member.status.is_outside() || member.status.is_admin() => {
                return Ok(Outcome::Done);
            }
            Ok(_) => {
                // The last look before the call: they may have bought by now.
                if self.belongs(service.id, user).await? {
                    return Ok(Outcome::Done);
                }
                self.telegram.remove_member(group.chat, user).await
            }
            Err(error) => Err(error),
        };
        let Err(error) = answer else {
            tracing::info!(service = %service.id, "an intruder was removed");
            return Ok(Outcome::Done);
        };
        Ok(match self.trouble(error, call).await? {
            Trouble::Wait(wait) => Outcome::Later(wait),
            Trouble::Passing(_) => Outcome::Later(back_off(4)),
            Trouble::Hands(_) => Outcome::Later(WITHOUT_RIGHTS),
            Trouble::Answer(_) => Outcome::Done,
        })
    }

    /// Whether somebody has a subscription, whatever became of it, or a guest's pass.
    async fn belongs(&self, service: ServiceId, user: UserId) -> Result<bool, TaskError> {
        Ok(load::<UserClaim>(&self.store, &key::user(service, user)).await?.is_some()
            || load::<Pass>(&self.store, &key::pass(service, user)).await?.is_some())
    }
}
