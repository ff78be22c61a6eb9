//! People in the group: they ask to join, come in, go out.

use domain::change::{Actor, Stored, Why};
use domain::ids::{ServiceId, UserId};
use domain::link::{Appointed, Link, LinkUrl, Pass, link_used};
use domain::membership::{JoinRequest, asked_to_join, came_in, no_longer_admin, went_out};
use domain::subscription::{Subscription, subscription_due};
use domain::task::{Declined, Task};
use jiff::Timestamp;
use queue::Queue;
use store::{CommitError, Store, UserClaim, Write, change, key, load, service_of_chat};
use telegram::{ChatInviteLink, ChatJoinRequest, ChatMemberUpdated};
use web::Problem;

use crate::{Desk, TRIES};

/// What becomes of a join request.
enum Asked {
    /// It is noted.
    Noted,
    /// It has to be looked at again in a moment.
    Later,
    /// It is declined.
    Declined(Declined),
}

impl<S: Store, Q: Queue> Desk<'_, S, Q> {
    /// The key of the subscription of a Telegram account in a service. An account that has one
    /// keeps it.
    async fn subscription_of(
        &self,
        service: ServiceId,
        user: UserId,
    ) -> Result<Option<String>, Problem> {
        let claim = load::<UserClaim>(self.store(), &key::user(service, user)).await?;
        Ok(claim.map(|claim| claim.value.subscription.to_string()))
    }

    /// Changes the subscription with this key, as `decide` has it; its answer is that of the call.
    async fn change<A>(
        &self,
        id: &str,
        why: Why,
        decide: impl Fn(Option<&Subscription>) -> (Option<Subscription>, A),
    ) -> Result<A, Problem> {
        let decide = |read: Option<&Stored<Subscription>>| {
            let (next, answer) = decide(read.map(|read| &read.value));
            (next.map(|next| (next, self.by(Actor::Person, why))), answer)
        };
        match change(self.store(), id, TRIES, decide).await {
            Err(CommitError::Conflict) => Err(Problem::again()),
            done => Ok(done?),
        }
    }

    /// Changes the subscription of an account, if it has one and the change applies.
    async fn change_of(
        &self,
        service: ServiceId,
        user: UserId,
        why: Why,
        next: impl Fn(&Subscription, Timestamp) -> Option<Subscription>,
    ) -> Result<(), Problem> {
        let Some(id) = self.subscription_of(service, user).await? else { return Ok(()) };
        self.change(&id, why, |old| (old.and_then(|old| next(old, self.now)), ())).await
    }

    /// Somebody asks to be let in. The approval follows from the change.
    pub(crate) async fn asked_to_join(&self, request: &ChatJoinRequest) -> Result<(), Problem> {
        let Some(service) = service_of_chat(self.store(), request.chat.id).await? else {
            return Ok(());
        };
        let user = request.from.id;
        let asked = match self.subscription_of(service, user).await? {
            None => Asked::Declined(Declined::NotLinked),
            Some(id) => {
                let decide = |old: Option<&Subscription>| match old {
                    None => (None, Asked::Declined(Declined::NotLinked)),
                    Some(old) => match asked_to_join(old, self.now) {
                        JoinRequest::Noted(next) => (Some(*next), Asked::Noted),
                        JoinRequest::Later => (None, Asked::Later),
                        JoinRequest::Refused => (None, Asked::Declined(Declined::Ended)),
                    },
                };
                self.change(&id, Why::MemberAsked, decide).await?
            }
        };
        match asked {
            Asked::Noted => Ok(()),
            // Telegram delivers the update again, in a moment.
            Asked::Later => Err(Problem::again()),
            Asked::Declined(why) => self.queue(Task::Decline { service, user, why }).await,
        }
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
            self.change_of(service, user.id, Why::MemberLeft, went_out).await
        } else if is.is_admin() && !was.is_inside() {
            self.note_appointed(service, user.id).await
        } else if !is.is_inside() || is.is_admin() {
            Ok(())
        } else if !was.is_inside() {
            self.came_in(service, user.id, change.invite_link.as_ref()).await
        } else if was.is_admin() {
            // Whoever was left inside as an administrator is looked at again.
            self.change_of(service, user.id, Why::MemberDemoted, no_longer_admin).await?;
            let appointed = key::appointed(service, user.id);
            match load::<Appointed>(self.store(), &appointed).await? {
                Some(_) => self.came_in(service, user.id, None).await,
                None => Ok(()),
            }
        } else {
            Ok(())
        }
    }

    /// Notes that an outsider was made an administrator: see [`Appointed`].
    async fn note_appointed(&self, service: ServiceId, user: UserId) -> Result<(), Problem> {
        let appointed = Appointed { service, user, since: self.now };
        let cause = self.by(Actor::Person, Why::MemberAppointed);
        match self.store().commit(vec![Write::create(&appointed, &cause)]).await {
            // Noted before.
            Err(CommitError::Conflict) => Ok(()),
            done => Ok(done?),
        }
    }

    async fn came_in(
        &self,
        service: ServiceId,
        user: UserId,
        link: Option<&ChatInviteLink>,
    ) -> Result<(), Problem> {
        let is_guest = self.is_guest(service, user, link).await?;
        let known = match self.subscription_of(service, user).await? {
            None => false,
            Some(id) => {
                self.change(&id, Why::MemberJoined, |old| match old {
                    None => (None, false),
                    // The trader's pass lets in whoever once was a buyer, too.
                    Some(old) if is_guest && !old.entitled(self.now) => (None, true),
                    Some(old) => (self.in_or_out(old), true),
                })
                .await?
            }
        };
        match known || is_guest {
            true => Ok(()),
            false => self.queue(Task::Evict { service, user }).await,
        }
    }

    /// The subscription of somebody who came in. Whoever comes in after the end is taken out at
    /// once, not by the next sweep.
    fn in_or_out(&self, old: &Subscription) -> Option<Subscription> {
        let next = came_in(old, self.now)?;
        if next.entitled(self.now) {
            return Some(next);
        }
        Some(subscription_due(&next, self.now).map_or(next, |(ended, _)| ended))
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
}
