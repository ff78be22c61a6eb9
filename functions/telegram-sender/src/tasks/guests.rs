//! Guests who come back, or were put out before they had their pass.

use domain::change::{Stored, Why};
use domain::ids::{LinkId, ServiceId, UserId};
use domain::link::Link;
use domain::task::Lane;
use domain::texts;
use limiter::{Call, Limits};
use queue::Queue;
use startup::Clock;
use store::{Store, change, key, load};
use telegram::{CallError, Telegram};

use super::admit::Reply;
use crate::{Outcome, Sender, TRIES, TaskError, because};

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Approves the open join request of a guest, as long as they have their pass.
    pub(super) async fn admit_guest(&self, id: LinkId, lane: Lane) -> Result<Outcome, TaskError> {
        let Some((service, user)) = self.guest_of(id).await? else { return Ok(Outcome::Done) };
        let Some((_, group)) = self.group_of(service).await? else { return Ok(Outcome::Done) };
        if group.is_blocked() {
            return Ok(Reply::NotAllowed.kept());
        }
        if let Some(wait) = self.turn(lane, Call::About(group.chat)).await? {
            return Ok(Outcome::Later(wait));
        }
        // The last look before the call: the pass may have been taken back.
        if self.guest_of(id).await? != Some((service, user)) {
            return Ok(Outcome::Done);
        }
        match self.telegram.approve_join_request(group.chat, user).await {
            Ok(()) | Err(CallError::AlreadySo) => {
                self.note_guest(id, Why::GuestLetIn).await?;
                Ok(Outcome::Done)
            }
            Err(error) => Ok(self.not_answered(error, group.chat).await?.kept()),
        }
    }

    /// Tells a guest who was put out that they may come back. It helps only those who once wrote to
    /// the bot; the trader reads of it in the audit trail.
    pub(super) async fn invite_guest(&self, id: LinkId, lane: Lane) -> Result<Outcome, TaskError> {
        let Some((service, user)) = self.guest_of(id).await? else { return Ok(Outcome::Done) };
        let Some((service, _)) = self.group_of(service).await? else { return Ok(Outcome::Done) };
        self.say(user.private_chat(), &texts::guest_put_out(&service), lane).await
    }

    /// Notes that a call of ours put somebody out who has a guest's pass by now, if they have one.
    pub(super) async fn guest_was_put_out(
        &self,
        service: ServiceId,
        user: UserId,
    ) -> Result<(), TaskError> {
        match self.pass_of(service, user).await? {
            Some(pass) => self.note_guest(pass.link, Why::GuestPutOut).await,
            None => Ok(()),
        }
    }

    /// Whom a link gave a pass that is still good, and where to.
    async fn guest_of(&self, id: LinkId) -> Result<Option<(ServiceId, UserId)>, TaskError> {
        let link = load::<Link>(&self.store, &key::link(id)).await?;
        Ok(link.and_then(|link| Some((link.value.service, link.value.welcome_guest()?))))
    }

    /// Puts on record what became of a guest. Nothing about the link changes.
    async fn note_guest(&self, id: LinkId, why: Why) -> Result<(), TaskError> {
        let decide = |read: Option<&Stored<Link>>| {
            let cause = because(why, self.clock.now());
            (read.map(|read| (read.value.clone(), cause)), ())
        };
        Ok(change(&self.store, &key::link(id), TRIES, decide).await?)
    }
}
