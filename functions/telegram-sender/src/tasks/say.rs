//! Writing to people: notices, answers, greetings. They are for courtesy; what matters stands in
//! the tables. So a message whose outcome is unknown is not repeated.

use domain::group::{Group, InviteLink};
use domain::ids::{ChatId, ServiceId, SubscriptionId};
use domain::membership::Membership;
use domain::service::Service;
use domain::subscription::{Status, Subscription};
use domain::task::{Answer, Lane, Notice};
use domain::texts::{self, Message};
use jiff::SignedDuration;
use limiter::{Call, Limits};
use queue::Queue;
use startup::Clock;
use store::{Store, load};
use telegram::{Button, CallError, NewMessage, Telegram};

use crate::trouble::Trouble;
use crate::{Outcome, Sender, TaskError};

/// When a notice that failed in passing is tried again.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

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
            Notice::EndsSoon => subscription.status == Status::Active && subscription.entitled(now),
            Notice::Removed => matches!(subscription.membership, Membership::Removed { .. }),
        };
        let service = load::<Service>(&self.store, &subscription.service.to_string()).await?;
        let (Some(user), Some(service), true) = (subscription.user, service, holds) else {
            return Ok(Outcome::Done);
        };
        let message = texts::notice(notice, &service.value, &subscription, way_in(&service.value));
        self.say(user.private_chat(), &message, lane).await
    }

    /// Answers somebody who wrote to the bot.
    pub(super) async fn answer(
        &self,
        chat: ChatId,
        answer: Answer,
        lane: Lane,
    ) -> Result<Outcome, TaskError> {
        self.say(chat, &texts::answer(answer), lane).await
    }

    /// Greets a group that is ready.
    pub(super) async fn greet(&self, service: ServiceId, lane: Lane) -> Result<Outcome, TaskError> {
        match self.group_of(service).await? {
            Some((service, group)) => self.say(group.chat, &texts::greeting(&service), lane).await,
            None => Ok(Outcome::Done),
        }
    }

    async fn say(&self, chat: ChatId, message: &Message, lane: Lane) -> Result<Outcome, TaskError> {
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
            return Ok(Outcome::Done);
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
        if self.turn(lane, Call::Message(chat)).await?.is_none()
            && let Err(error) = self.telegram.send_message(&written(chat, message)).await
        {
            tracing::info!(cause = %error, "a notice could not be delivered");
        }
        Ok(())
    }
}

fn written(chat: ChatId, message: &Message) -> NewMessage {
    let mut new = NewMessage::new(chat, message.html.clone());
    new.buttons = message
        .button
        .iter()
        .map(|button| vec![Button { text: button.text.clone(), url: button.url.clone() }])
        .collect();
    new
}

fn way_in(service: &Service) -> Option<&InviteLink> {
    match &service.group {
        Group::Bound(group) => group.invite_link.as_ref(),
        Group::None | Group::AwaitingBot(_) => None,
    }
}
