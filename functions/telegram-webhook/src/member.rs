//! People in the group: they ask to join, come in, go out.

use domain::change::{Actor, Stored, Why};
use domain::group::{ChatClaim, Group, Holder};
use domain::guard::{Intruder, intruder_left};
use domain::ids::{ChatId, IntruderId, ServiceId, UserId};
use domain::link::{Appointed, Link, LinkUrl, Pass, link_used};
use domain::membership::{
    JoinRequest, asked_to_join, came_in, holds_lease, no_longer_admin, went_out,
};
use domain::relay::quick_admission;
use domain::service::Service;
use domain::subscription::{Subscription, subscription_due};
use domain::task::{Declined, Task};
use jiff::Timestamp;
use queue::{Queue, send_at_once};
use store::{CommitError, Entity, List, Store, UserClaim, Write, change, holder_of, key, load};
use telegram::{ChatJoinRequest, ChatMemberUpdated};
use web::{Problem, readable};

use crate::{Desk, TRIES};

/// How many of a service's guest links are read at once, for somebody who came by one that Telegram
/// did not name, and how often: links that nobody used in time stand before those that wait.
const GUEST_LINKS: usize = 100;
const GUEST_LOOKS: usize = 20;

/// How somebody came in, as far as Telegram says.
#[derive(Clone, Copy)]
enum Way<'a> {
    /// By this link.
    Link(&'a str),
    /// By themself, which takes a link, but not by which.
    Unnamed,
    /// By somebody who is in the group.
    Helped,
}

impl<'a> Way<'a> {
    fn of(change: &'a ChatMemberUpdated) -> Self {
        let is_helped = change.from.id != change.new.user.id
            || change.via_join_request
            || change.via_chat_folder_invite_link;
        match &change.invite_link {
            Some(link) => Self::Link(&link.invite_link),
            None if is_helped => Self::Helped,
            None => Self::Unnamed,
        }
    }
}

/// What becomes of a join request.
enum Asked {
    /// It is noted, and this follows from it, unless it was noted before.
    Noted(Option<(String, Task)>),
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
        Ok(claim.and_then(|claim| claim.value.subscription).map(|id| id.to_string()))
    }

    /// Changes the subscription with this key, as `decide` has it, given the version that is saved; its
    /// answer is that of the call. One that has moved to another account since the claim was read is
    /// none of this person's.
    async fn change<A>(
        &self,
        id: &str,
        user: UserId,
        why: Why,
        decide: impl Fn(Option<&Subscription>, u64) -> (Option<Subscription>, A),
    ) -> Result<A, Problem> {
        let decide = |read: Option<&Stored<Subscription>>| {
            let theirs = read.map(|read| &read.value).filter(|it| it.user == Some(user));
            let ver = read.map_or(1, |read| read.meta.ver.saturating_add(1));
            let (next, answer) = decide(theirs, ver);
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
        self.change(&id, user, why, |old, _| (old.and_then(|old| next(old, self.now)), ())).await
    }

    /// Somebody asks to be let in. The approval follows from the change.
    pub(crate) async fn asked_to_join(&self, request: &ChatJoinRequest) -> Result<(), Problem> {
        let service = match holder_of(self.store(), request.chat.id).await? {
            Some((_, Holder::Service { service })) => service,
            Some((_, Holder::Spare { .. } | Holder::Moved { .. })) => return Ok(()),
            None => return self.perhaps_moved(request.date),
        };
        let user = request.from.id;
        let asked = match self.subscription_of(service, user).await? {
            None => Asked::Declined(Declined::NotLinked),
            Some(id) => {
                let decide = |old: Option<&Subscription>, ver: u64| match old {
                    None => (None, Asked::Declined(Declined::NotLinked)),
                    // The same update once more. What it asked for may have been given, and taken
                    // back, by now.
                    Some(old) if old.asked_by == Some(self.update) => (None, Asked::Noted(None)),
                    Some(old) => match asked_to_join(old, self.now) {
                        JoinRequest::Noted(next) => {
                            let asked_by = Some(self.update);
                            let next = Subscription { asked_by, ..next.in_language(self.language) };
                            let follows = Some(quick_admission(&next, ver));
                            (Some(next), Asked::Noted(follows))
                        }
                        JoinRequest::Later => (None, Asked::Later),
                        JoinRequest::Refused => (None, Asked::Declined(Declined::Ended)),
                    },
                };
                self.change(&id, user, Why::MemberAsked, decide).await?
            }
        };
        match asked {
            Asked::Noted(follows) => {
                send_at_once(&self.webhook.queue, follows.into_iter().collect()).await;
                Ok(())
            }
            // Telegram delivers the update again, in a moment.
            Asked::Later => Err(Problem::again()),
            Asked::Declined(_) if self.guest_asked(service, user).await? => Ok(()),
            Asked::Declined(why) => {
                let language = self.language;
                self.queue(Task::Decline { service, user, why, language }).await
            }
        }
    }

    /// Notes that somebody with a guest's pass asks to be let in, which follows from that. False when
    /// they have none.
    async fn guest_asked(&self, service: ServiceId, user: UserId) -> Result<bool, Problem> {
        let Some(pass) = self.pass_of(service, user).await? else { return Ok(false) };
        let link = key::link(pass.link);
        self.alter(&link, Why::GuestAsked, |old: Option<&Link>| old.cloned()).await?;
        Ok(true)
    }

    /// The guest's pass of somebody, if they have one.
    async fn pass_of(&self, service: ServiceId, user: UserId) -> Result<Option<Pass>, Problem> {
        let pass = load::<Pass>(self.store(), &key::pass(service, user)).await?;
        Ok(pass.map(|pass| pass.value).filter(Pass::is_valid))
    }

    /// Somebody's standing in a group changed.
    pub(crate) async fn member_changed(&self, change: &ChatMemberUpdated) -> Result<(), Problem> {
        let user = &change.new.user;
        if user.is_bot {
            return Ok(());
        }
        let (was, is) = (change.old.status, change.new.status);
        let service = match holder_of(self.store(), change.chat.id).await? {
            Some((_, Holder::Service { service })) => service,
            Some((chat, Holder::Spare { .. })) => {
                // Administrators of a spare group are the operator's people.
                let is_stranger = is.is_inside() && !is.is_admin();
                return self.note_stranger(chat, user.id, is_stranger).await;
            }
            Some((_, Holder::Moved { .. })) => return Ok(()),
            None => return self.perhaps_moved(change.date),
        };
        if is.is_outside() {
            self.change_of(service, user.id, Why::MemberLeft, went_out).await?;
            let id = key::intruder(service, user.id);
            self.alter(&id, Why::IntruderLeft, |old| old.and_then(|it| intruder_left(it, self.now)))
                .await
        } else if is.is_admin() && !was.is_inside() {
            self.note_appointed(service, user.id).await
        } else if !is.is_inside() || is.is_admin() {
            Ok(())
        } else if !was.is_inside() {
            self.came_in(service, user.id, Way::of(change), change.date).await
        } else if was.is_admin() {
            // Whoever was left inside as an administrator is looked at again.
            self.change_of(service, user.id, Why::MemberDemoted, no_longer_admin).await?;
            match self.came_in_as_stranger(service, user.id).await? {
                true => self.came_in(service, user.id, Way::Helped, change.date).await,
                false => Ok(()),
            }
        } else {
            Ok(())
        }
    }

    /// Whether an administrator came in as an outsider, or was found inside without a right to be and
    /// let be as an administrator.
    async fn came_in_as_stranger(&self, service: ServiceId, user: UserId) -> Result<bool, Problem> {
        let appointed = load::<Appointed>(self.store(), &key::appointed(service, user)).await?;
        let intruder = load::<Intruder>(self.store(), &key::intruder(service, user)).await?;
        Ok(appointed.is_some() || intruder.is_some())
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
        way: Way<'_>,
        at: Timestamp,
    ) -> Result<(), Problem> {
        let is_guest = self.is_guest(service, user, way, at).await?;
        let known = match self.subscription_of(service, user).await? {
            None => Some(false),
            Some(id) => {
                self.change(&id, user, Why::MemberJoined, |old, _| match old {
                    None => (None, Some(false)),
                    // Whether they came before the call that puts them out or after it is known once
                    // the removal has ended.
                    Some(old) if holds_lease(old, self.now) => (None, None),
                    // The trader's pass lets in whoever once was a buyer, too.
                    Some(old) if is_guest && !old.entitled(self.now) => (None, Some(true)),
                    Some(old) => (self.in_or_out(old), Some(true)),
                })
                .await?
            }
        };
        // Telegram delivers the update again, in a moment.
        let known = known.ok_or_else(Problem::again)?;
        match known || is_guest || self.was_there_before(service, at).await? {
            true => Ok(()),
            false => self.note_intruder(service, user).await,
        }
    }

    /// Whether whoever came in at this time was inside when the group was bound.
    async fn was_there_before(&self, service: ServiceId, at: Timestamp) -> Result<bool, Problem> {
        let service = load::<Service>(self.store(), &service.to_string()).await?;
        Ok(service.is_some_and(|service| match &service.value.group {
            Group::Bound(group) => group.had_inside(at),
            Group::None | Group::AwaitingBot(_) => false,
        }))
    }

    /// Notes that somebody is inside without a right to be: their removal follows from that.
    async fn note_intruder(&self, service: ServiceId, user: UserId) -> Result<(), Problem> {
        let id = IntruderId::fresh(self.fresh);
        let seen = |old: Option<&Intruder>| match old {
            None => {
                let found = Intruder::found(id, service, user, self.now);
                Some(Intruder { told_by: Some(self.update), ..found })
            }
            Some(old) => old.seen_again(self.update, self.now),
        };
        self.alter(&key::intruder(service, user), Why::IntruderSeen, seen).await
    }

    /// Notes who came into a spare group, or left it.
    async fn note_stranger(
        &self,
        chat: ChatId,
        user: UserId,
        is_inside: bool,
    ) -> Result<(), Problem> {
        let next = |old: Option<&ChatClaim>| old.and_then(|it| it.with_stranger(user, is_inside));
        self.alter(&key::chat(chat), Why::StrangerNoted, next).await
    }

    /// Changes the item with this key, if the change applies.
    async fn alter<E: Entity>(
        &self,
        id: &str,
        why: Why,
        next: impl Fn(Option<&E>) -> Option<E>,
    ) -> Result<(), Problem> {
        let decide = |read: Option<&Stored<E>>| {
            let next = next(read.map(|read| &read.value));
            (next.map(|next| (next, self.by(Actor::Person, why))), ())
        };
        match change(self.store(), id, TRIES, decide).await {
            Err(CommitError::Conflict) => Err(Problem::again()),
            done => Ok(done?),
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
        way: Way<'_>,
        at: Timestamp,
    ) -> Result<bool, Problem> {
        if let Way::Link(url) = way
            && self.let_guest_in(service, user, url).await?
        {
            return Ok(true);
        }
        if self.pass_of(service, user).await?.is_some() {
            return Ok(true);
        }
        match way {
            Way::Unnamed => self.let_in_by_any_link(service, user, at).await,
            Way::Link(_) | Way::Helped => Ok(false),
        }
    }

    /// Uses up the oldest link that waits for its guest, for somebody without a right of their own
    /// who came by a link that Telegram did not name (Bot API, `ChatMemberUpdated.invite_link` is
    /// optional). With no such link they are no guest.
    async fn let_in_by_any_link(
        &self,
        service: ServiceId,
        user: UserId,
        at: Timestamp,
    ) -> Result<bool, Problem> {
        if self.has_access(service, user).await? {
            return Ok(false);
        }
        let (list, mut from) = (List::GuestLinksOf(service.to_string()), None);
        for _ in 0..GUEST_LOOKS {
            let found = self.store().list(&list, GUEST_LINKS, from.as_ref()).await?;
            let waiting = readable::<Link>(found.items).into_iter();
            let urls = waiting.filter(|link| link.waited_for_guest(at)).filter_map(|link| link.url);
            for url in urls {
                if self.let_guest_in(service, user, url.as_str()).await? {
                    return Ok(true);
                }
            }
            from = found.next;
            if from.is_none() {
                break;
            }
        }
        Ok(false)
    }

    /// Uses up a guest's link, and gives its guest a pass. False when it is no such link, one that
    /// was used up before, or one that a buyer with access took.
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
            let is_buyer = self.has_access(service, user).await?;
            let guest = (!is_buyer).then_some(user);
            let Some(used) = link_used(&read.value, guest, self.now) else { return Ok(false) };
            let old = load::<Pass>(self.store(), &key::pass(service, user)).await?;
            let pass = Pass { service, user, link: used.id, since: self.now, withdrawn: false };
            let mut writes = vec![Write::update(&read, &used, &cause)];
            if guest.is_some() {
                writes.push(Write::put(old.as_ref(), &pass, &cause));
            }
            match self.store().commit(writes).await {
                Err(CommitError::Conflict) => {}
                done => return Ok(done.map(|()| guest.is_some())?),
            }
        }
        Err(Problem::again())
    }

    /// Whether somebody has access by a subscription.
    async fn has_access(&self, service: ServiceId, user: UserId) -> Result<bool, Problem> {
        let Some(id) = self.subscription_of(service, user).await? else { return Ok(false) };
        let read = load::<Subscription>(self.store(), &id).await?;
        Ok(read.is_some_and(|read| read.value.entitled(self.now)))
    }
}
