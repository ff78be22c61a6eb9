//! People in the group: they ask to join, come in, go out.

use domain::change::{Actor, Stored, Why};
use domain::ids::{ServiceId, UserId};
use domain::link::{Link, LinkUrl, Pass, link_used};
use domain::membership::{JoinRequest, asked_to_join, came_in, no_longer_admin, went_out};
use domain::subscription::{Subscription, subscription_due};
use domain::task::{Declined, Task};
use queue::Queue;
use store::{CommitError, Store, UserClaim, Write, key, load, service_of_chat};
use telegram::{ChatInviteLink, ChatJoinRequest, ChatMemberUpdated};
use web::Problem;

use crate::{Desk, TRIES};

impl<S: Store, Q: Queue> Desk<'_, S, Q> {
    /// The subscription of a Telegram account in a service.
    async fn subscription_of(
        &self,
        service: ServiceId,
        user: UserId,
    ) -> Result<Option<Stored<Subscription>>, Problem> {
        let claim = load::<UserClaim>(self.store(), &key::user(service, user)).await?;
        match claim {
            None => Ok(None),
            Some(claim) => {
                let id = claim.value.subscription.to_string();
                Ok(load::<Subscription>(self.store(), &id).await?)
            }
        }
    }

    /// Somebody asks to be let in. The approval follows from the change.
    pub(crate) async fn asked_to_join(&self, request: &ChatJoinRequest) -> Result<(), Problem> {
        let Some(service) = service_of_chat(self.store(), request.chat.id).await? else {
            return Ok(());
        };
        let user = request.from.id;
        let cause = self.by(Actor::Person, Why::MemberAsked);
        for _ in 0..TRIES {
            let why = match self.subscription_of(service, user).await? {
                None => Declined::NotLinked,
                Some(read) => match asked_to_join(&read.value, self.now) {
                    JoinRequest::Refused => Declined::Ended,
                    // Telegram delivers the update again, in a moment.
                    JoinRequest::Later => return Err(Problem::again()),
                    JoinRequest::Noted(next) => {
                        let write = Write::update(&read, next.as_ref(), &cause);
                        match self.store().commit(vec![write]).await {
                            Err(CommitError::Conflict) => continue,
                            done => return Ok(done?),
                        }
                    }
                },
            };
            return self.queue(Task::Decline { service, user, why }).await;
        }
        Err(Problem::again())
    }

    /// Somebody's standing in a group changed.
    pub(crate) async fn member_changed(&self, change: &ChatMemberUpdated) -> Result<(), Problem> {
        let user = &change.new.user;
        if user.is_bot {
            return Ok(());
        }
        let Some(service) = service_of_chat(self.store(), change.chat.id).await? else {
            return Ok(());
        };
        let (was, is) = (change.old.status, change.new.status);
        if is.is_outside() {
            self.went_out(service, user.id).await
        } else if !is.is_inside() || is.is_admin() {
            Ok(())
        } else if !was.is_inside() {
            self.came_in(service, user.id, change.invite_link.as_ref()).await
        } else if was.is_admin() {
            self.no_longer_admin(service, user.id).await
        } else {
            Ok(())
        }
    }

    async fn came_in(
        &self,
        service: ServiceId,
        user: UserId,
        link: Option<&ChatInviteLink>,
    ) -> Result<(), Problem> {
        let cause = self.by(Actor::Person, Why::MemberJoined);
        let is_guest = self.is_guest(service, user, link).await?;
        for _ in 0..TRIES {
            let Some(read) = self.subscription_of(service, user).await? else {
                return match is_guest {
                    true => Ok(()),
                    false => self.queue(Task::Evict { service, user }).await,
                };
            };
            // The trader's pass lets in whoever once was a buyer, too.
            if is_guest && !read.value.entitled(self.now) {
                return Ok(());
            }
            let Some(mut next) = came_in(&read.value, self.now) else { return Ok(()) };
            // Whoever comes in after the end is taken out at once, not by the next sweep.
            if let Some((ended, _)) =
                subscription_due(&next, self.now).filter(|_| !next.entitled(self.now))
            {
                next = ended;
            }
            match self.store().commit(vec![Write::update(&read, &next, &cause)]).await {
                Err(CommitError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Err(Problem::again())
    }

    /// Whether somebody who came in has a pass, by a link of the trader now or earlier. Such a link
    /// dies with its first use, whoever it is that used it.
    async fn is_guest(
        &self,
        service: ServiceId,
        user: UserId,
        link: Option<&ChatInviteLink>,
    ) -> Result<bool, Problem> {
        if let Some(url) = link.map(|link| link.invite_link.as_str())
            && self.let_guest_in(service, user, url).await?
        {
            return Ok(true);
        }
        Ok(load::<Pass>(self.store(), &key::pass(service, user)).await?.is_some())
    }

    /// Uses up a guest's link, and gives its guest a pass. False when it is no such link, or one
    /// that was used up before.
    async fn let_guest_in(
        &self,
        service: ServiceId,
        user: UserId,
        url: &str,
    ) -> Result<bool, Problem> {
        let cause = self.by(Actor::Person, Why::LinkUsed);
        for _ in 0..TRIES {
            let found = load::<LinkUrl>(self.store(), &key::link_url(url)).await?;
            let Some(found) = found else { return Ok(false) };
            let read = load::<Link>(self.store(), &key::link(found.value.link)).await?;
            let Some(read) = read.filter(|link| link.value.service == service) else {
                return Ok(false);
            };
            let Some(used) = link_used(&read.value, self.now) else { return Ok(false) };
            let old = load::<Pass>(self.store(), &key::pass(service, user)).await?;
            let pass = Pass { service, user, link: used.id, since: self.now };
            let writes =
                vec![Write::update(&read, &used, &cause), Write::put(old.as_ref(), &pass, &cause)];
            match self.store().commit(writes).await {
                Err(CommitError::Conflict) => {}
                done => return Ok(done.map(|()| true)?),
            }
        }
        Err(Problem::again())
    }

    /// An administrator became a plain member: whoever was left inside for that is looked at again.
    async fn no_longer_admin(&self, service: ServiceId, user: UserId) -> Result<(), Problem> {
        let cause = self.by(Actor::Person, Why::MemberDemoted);
        for _ in 0..TRIES {
            let Some(read) = self.subscription_of(service, user).await? else { return Ok(()) };
            let Some(next) = no_longer_admin(&read.value, self.now) else { return Ok(()) };
            match self.store().commit(vec![Write::update(&read, &next, &cause)]).await {
                Err(CommitError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Err(Problem::again())
    }

    async fn went_out(&self, service: ServiceId, user: UserId) -> Result<(), Problem> {
        let cause = self.by(Actor::Person, Why::MemberLeft);
        for _ in 0..TRIES {
            let Some(read) = self.subscription_of(service, user).await? else { return Ok(()) };
            let Some(next) = went_out(&read.value, self.now) else { return Ok(()) };
            match self.store().commit(vec![Write::update(&read, &next, &cause)]).await {
                Err(CommitError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Err(Problem::again())
    }
}
