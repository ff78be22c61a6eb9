//! The bot in a group: bound by a set-up link, promoted, demoted, thrown out.

use domain::change::{Actor, Why};
use domain::group::{BindRefusal, ChatClaim, Group, Holder, Origin, TelegramGroup, bind};
use domain::ids::{ChatId, ServiceId, UserId};
use domain::service::Service;
use domain::task::Answer;
use domain::token::Token;
use jiff::Timestamp;
use queue::Queue;
use store::{CommitError, Store, Write, holder_of, key, load};
use telegram::{ChatMemberUpdated, kind, standing};
use web::Problem;

use crate::{Desk, TRIES};

impl<S: Store, Q: Queue> Desk<'_, S, Q> {
    /// `/start@bot` in a group.
    pub(crate) async fn start_in_group(
        &self,
        chat: ChatId,
        user: UserId,
        payload: &str,
        said_at: Timestamp,
    ) -> Result<(), Problem> {
        match Token::read(payload, &self.webhook.key) {
            Some(Token::SetUp { service, number }) => {
                self.bind(chat, service, number, said_at).await
            }
            Some(Token::Spare { expires_at }) if self.now < expires_at => {
                self.note_spare(chat, user).await
            }
            Some(Token::Spare { .. }) => self.answer(chat, Answer::SetUpExpired).await,
            Some(Token::Claim { .. }) => self.answer(chat, Answer::ClaimInGroup).await,
            // Members' chatter: nothing to say in the traders' groups.
            Some(Token::Chart { .. }) | None => Ok(()),
        }
    }

    /// Makes the chat the group of the service. What the bot may do there is asked by the set-up
    /// run that follows, so it does not matter whether this or `my_chat_member` comes first.
    async fn bind(
        &self,
        chat: ChatId,
        id: ServiceId,
        number: u32,
        said_at: Timestamp,
    ) -> Result<(), Problem> {
        let cause = self.by(Actor::Person, Why::GroupBound);
        for _ in 0..TRIES {
            // A basic group can become a supergroup while it is being bound.
            let chat = holder_of(self.store(), chat).await?.map_or(chat, |(chat, _)| chat);
            let Some(service) = load::<Service>(self.store(), &id.to_string()).await? else {
                return self.answer(chat, Answer::LinkUnknown).await;
            };
            let next = match bind(&service.value, number, chat, said_at, self.now) {
                Ok(Some(next)) => next,
                Ok(None) => return Ok(()),
                Err(BindRefusal::LinkExpired) => {
                    return self.answer(chat, Answer::SetUpExpired).await;
                }
                Err(BindRefusal::HasAnother) => {
                    return self.answer(chat, Answer::ServiceHasGroup).await;
                }
            };
            let claim = load::<ChatClaim>(self.store(), &key::chat(chat)).await?;
            let free = match claim.as_ref().map(|claim| &claim.value.holder) {
                None => true,
                Some(Holder::Service { service }) => *service == id,
                Some(Holder::Spare { .. } | Holder::Moved { .. }) => false,
            };
            if !free {
                return self.answer(chat, Answer::GroupTaken).await;
            }
            let taken = ChatClaim { chat, holder: Holder::Service { service: id } };
            let writes = vec![
                Write::update(&service, &next, &cause),
                Write::put(claim.as_ref(), &taken, &cause),
            ];
            match self.store().commit(writes).await {
                Err(CommitError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Err(Problem::again())
    }

    /// Notes the chat as a spare group. It can be taken once its set-up run finds all in place.
    async fn note_spare(&self, chat: ChatId, user: UserId) -> Result<(), Problem> {
        match holder_of(self.store(), chat).await? {
            Some((_, Holder::Spare { .. })) => {}
            Some(_) => return self.answer(chat, Answer::GroupTaken).await,
            None => {
                let group = Box::new(TelegramGroup::bound(chat, Origin::Pool, self.now));
                let (strangers, operator, language) = (Vec::new(), Some(user), self.language);
                let holder = Holder::Spare { group, strangers, operator, language };
                let claim = ChatClaim { chat, holder };
                let cause = self.by(Actor::Operator, Why::SpareAdded);
                match self.store().commit(vec![Write::create(&claim, &cause)]).await {
                    Err(CommitError::Conflict) => return Err(Problem::again()),
                    done => done?,
                }
            }
        }
        // Privately: a spare group has to stay empty.
        self.answer(user.private_chat(), Answer::SpareNoted).await
    }

    /// The bot's own standing changed.
    pub(crate) async fn bot_changed(&self, change: &ChatMemberUpdated) -> Result<(), Problem> {
        let (now, stands) = (self.now, standing(change.new.status));
        let turn = |group: &mut TelegramGroup| {
            let kind = kind(change.chat.kind);
            if kind != domain::group::ChatKind::Unknown && group.kind != kind {
                group.kind = kind;
            }
            group.bot_stands(stands, now);
        };
        let cause = self.by(Actor::Person, Why::BotRightsChanged);
        for _ in 0..TRIES {
            let write = match holder_of(self.store(), change.chat.id).await? {
                // Not bound yet: the set-up run after the binding will ask.
                None | Some((_, Holder::Moved { .. })) => return Ok(()),
                // The bot goes out of the old chat of a group that was upgraded.
                Some((chat, _)) if chat != change.chat.id => return Ok(()),
                Some((_, Holder::Service { service })) => {
                    let read = load::<Service>(self.store(), &service.to_string()).await?;
                    let Some(read) = read else { return Ok(()) };
                    let mut next = read.value.clone();
                    // It may have been upgraded since its holder was read.
                    if let Group::Bound(group) = &mut next.group
                        && group.chat == change.chat.id
                    {
                        turn(group);
                    }
                    (next != read.value).then(|| Write::update(&read, &next, &cause))
                }
                Some((chat, Holder::Spare { .. })) => {
                    let read = load::<ChatClaim>(self.store(), &key::chat(chat)).await?;
                    let Some(read) = read else { return Ok(()) };
                    let mut next = read.value.clone();
                    if let Holder::Spare { group, .. } = &mut next.holder {
                        turn(group);
                    }
                    (next != read.value).then(|| Write::update(&read, &next, &cause))
                }
            };
            let Some(write) = write else { return Ok(()) };
            match self.store().commit(vec![write]).await {
                Err(CommitError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Err(Problem::again())
    }
}
