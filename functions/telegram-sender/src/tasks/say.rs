//! Writing to people: notices, answers, greetings. Most are for courtesy, and are not repeated when
//! nobody knows whether they arrived.

use domain::group::{ChatClaim, Holder};
use domain::ids::{ChatId, ServiceId, SubscriptionId, UserId};
use domain::language::Language;
use domain::membership::Membership;
use domain::service::Service;
use domain::subscription::{Status, Subscription};
use domain::task::{Answer, Lane, Notice};
use domain::texts::{self, Message};
use jiff::SignedDuration;
use limiter::{Call, Limits};
use queue::Queue;
use startup::Clock;
use store::{List, Store, UserClaim, key, load};
use telegram::{Button, CallError, NewMessage, Telegram};

use crate::trouble::Trouble;
use crate::{Outcome, Sender, TaskError};

/// When a notice that failed in passing is tried again.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// How many services somebody is shown at once.
const MOST_SHOWN: usize = 20;

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Tells the holder of a subscription something, if it is still true.
    pub(super) async fn tell(
        &self,
        id: SubscriptionId,
        notice: Notice,
        lane: Lane,
    ) -> Result<Outcome, TaskError> {
        let Some(read) = load::<Subscription>(&self.store, &id.to_string()).await? else {
            return Ok(Outcome::Done);
        };
        let subscription = read.value;
        let now = self.clock.now();
        let holds = match notice {
            Notice::Linked | Notice::InvitedBack => subscription.entitled(now),
            Notice::AskAgain => {
                subscription.entitled(now)
                    && subscription.membership == Membership::Invited { asked: None }
            }
            Notice::TooManyGroups => {
                subscription.entitled(now)
                    && matches!(subscription.membership, Membership::Invited { asked: Some(_) })
            }
            Notice::EndsSoon => subscription.status == Status::Active && subscription.entitled(now),
            Notice::Removed => matches!(subscription.membership, Membership::Removed { .. }),
        };
        let service = load::<Service>(&self.store, &subscription.service.to_string()).await?;
        let (Some(user), Some(service), true) = (subscription.user, service, holds) else {
            return Ok(Outcome::Done);
        };
        let message =
            texts::notice(notice, &service.value, &subscription, texts::way_in(&service.value));
        // Without these, somebody who has paid stays outside: twice is better than never.
        let unknown = match notice {
            Notice::InvitedBack | Notice::AskAgain | Notice::TooManyGroups => Outcome::Later(AGAIN),
            Notice::Linked | Notice::EndsSoon | Notice::Removed => Outcome::Done,
        };
        self.say_until(user.private_chat(), &message, lane, unknown).await
    }

    /// Answers somebody who wrote to the bot.
    pub(super) async fn answer(
        &self,
        chat: ChatId,
        answer: Answer,
        language: Language,
        lane: Lane,
    ) -> Result<Outcome, TaskError> {
        let message = match answer {
            Answer::Access => {
                texts::access(&self.access_of(UserId::new(chat.get())).await?, language)
            }
            other => texts::answer(other, language),
        };
        self.say(chat, &message, lane).await
    }

    /// What an account may enter now.
    async fn access_of(&self, user: UserId) -> Result<Vec<(Service, Subscription)>, TaskError> {
        let mut found = Vec::new();
        for row in self.store.list(&List::ClaimsOf(user), MOST_SHOWN, None).await?.items {
            // The index is a hint: the account's place itself says whose it is.
            let claim = load::<UserClaim>(&self.store, &row.id).await?;
            let Some(id) = claim.and_then(|claim| claim.value.subscription) else { continue };
            let read = load::<Subscription>(&self.store, &id.to_string()).await?;
            let Some(read) = read.filter(|it| it.value.entitled(self.clock.now())) else {
                continue;
            };
            let service = load::<Service>(&self.store, &read.value.service.to_string()).await?;
            found.extend(service.map(|service| (service.value, read.value)));
        }
        Ok(found)
    }

    /// Tells the operator who added a spare group how it is.
    pub(super) async fn tell_operator(
        &self,
        chat: ChatId,
        lane: Lane,
    ) -> Result<Outcome, TaskError> {
        let claim = load::<ChatClaim>(&self.store, &key::chat(chat)).await?;
        match claim.map(|claim| claim.value.holder) {
            Some(Holder::Spare { group, operator: Some(operator), language, .. }) => {
                self.say(operator.private_chat(), &texts::spare(&group, language), lane).await
            }
            _ => Ok(Outcome::Done),
        }
    }

    /// Greets a group that is ready.
    pub(super) async fn greet(&self, service: ServiceId, lane: Lane) -> Result<Outcome, TaskError> {
        match self.group_of(service).await? {
            Some((service, group)) => self.say(group.chat, &texts::greeting(&service), lane).await,
            None => Ok(Outcome::Done),
        }
    }

    pub(super) async fn say(
        &self,
        chat: ChatId,
        message: &Message,
        lane: Lane,
    ) -> Result<Outcome, TaskError> {
        self.say_until(chat, message, lane, Outcome::Done).await
    }

    /// Says something; `unknown` is what follows when nobody knows whether it arrived.
    async fn say_until(
        &self,
        chat: ChatId,
        message: &Message,
        lane: Lane,
        unknown: Outcome,
    ) -> Result<Outcome, TaskError> {
        let mut call = Call::Message(chat);
        if let Some(wait) = self.turn(lane, call).await? {
            return Ok(Outcome::Later(wait));
        }
        let mut answer = self.telegram.send_message(&written(chat, message)).await;
        // Followed at once: the task names the old chat, and one that is not in the books would
        // not be found under its new id.
        if let Err(CallError::Migrated { to }) = answer {
            self.trouble(CallError::Migrated { to }, call).await?;
            call = Call::Message(to);
            if let Some(wait) = self.turn(lane, call).await? {
                return Ok(Outcome::Later(wait));
            }
            answer = self.telegram.send_message(&written(to, message)).await;
        }
        let Err(error) = answer else { return Ok(Outcome::Done) };
        if let CallError::UnknownOutcome { .. } = error {
            return Ok(unknown);
        }
        Ok(match self.trouble(error, call).await? {
            Trouble::Wait(wait) => Outcome::Later(wait),
            Trouble::Passing(_) => Outcome::Later(AGAIN),
            Trouble::Hands(error) | Trouble::Answer(error) => {
                tracing::info!(cause = %error, "a notice could not be delivered");
                Outcome::Done
            }
        })
    }

    /// Says something now or never: the chance to say it is short.
    pub(super) async fn say_once(
        &self,
        chat: ChatId,
        message: &Message,
        lane: Lane,
    ) -> Result<(), TaskError> {
        let call = Call::Message(chat);
        if self.turn(lane, call).await?.is_none()
            && let Err(error) = self.telegram.send_message(&written(chat, message)).await
        {
            tracing::info!(cause = %error, "a notice could not be delivered");
            // It is not said again, but Telegram may have asked to wait.
            self.trouble(error, call).await?;
        }
        Ok(())
    }
}

fn written(chat: ChatId, message: &Message) -> NewMessage {
    let mut new = NewMessage::new(chat, message.html.clone());
    new.buttons = message
        .buttons
        .iter()
        .map(|button| vec![Button { text: button.text.clone(), url: button.url.clone() }])
        .collect();
    new
}
