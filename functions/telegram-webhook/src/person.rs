//! A person writes to the bot: links an account, or asks what it may enter.

use domain::change::{Actor, Why};
use domain::ids::{SubscriptionId, UserId};
use domain::subscription::{ClaimRefusal, Subscription, claim};
use domain::task::{Answer, Notice, Task};
use domain::token::Token;
use queue::Queue;
use store::{CommitError, Store, UserClaim, Write, key, load};
use web::Problem;

use crate::{Desk, TRIES};

impl<S: Store, Q: Queue> Desk<'_, S, Q> {
    /// `/start` in the private chat with somebody.
    pub(crate) async fn start_in_private(
        &self,
        user: UserId,
        payload: &str,
    ) -> Result<(), Problem> {
        let answer = match Token::read(payload, &self.webhook.key) {
            _ if payload.is_empty() => Answer::Access,
            Some(Token::Claim { subscription, number }) => {
                return self.link_account(user, subscription, number).await;
            }
            Some(Token::SetUp { .. } | Token::Spare { .. }) => Answer::SetUpInPrivate,
            Some(Token::Chart { .. }) | None => Answer::LinkUnknown,
        };
        self.answer(user.private_chat(), answer).await
    }

    /// Links the account to the subscription, and takes the account's place in the service.
    async fn link_account(
        &self,
        user: UserId,
        id: SubscriptionId,
        number: u32,
    ) -> Result<(), Problem> {
        let cause = self.by(Actor::Person, Why::AccountLinked);
        for _ in 0..TRIES {
            let Some(read) = load::<Subscription>(self.store(), &id.to_string()).await? else {
                return self.answer(user.private_chat(), Answer::LinkUnknown).await;
            };
            let service = read.value.service;
            let next = match claim(&read.value, number, user, self.now) {
                Err(ClaimRefusal::Used) => {
                    return self.answer(user.private_chat(), Answer::ClaimUsed).await;
                }
                Err(ClaimRefusal::Ended) => {
                    return self.answer(user.private_chat(), Answer::ClaimEnded).await;
                }
                // Tapped again: they get the way in again.
                Ok(None) => {
                    let notice = Notice::Linked;
                    return self.queue(Task::Tell { service, subscription: id, notice }).await;
                }
                Ok(Some(next)) => next.in_language(self.language),
            };
            let held = load::<UserClaim>(self.store(), &key::user(service, user)).await?;
            if held.as_ref().and_then(|held| held.value.subscription).is_some_and(|held| held != id)
            {
                return self.answer(user.private_chat(), Answer::AccountTaken).await;
            }
            let mut writes = vec![Write::update(&read, &next, &cause)];
            if held.as_ref().is_none_or(|held| held.value.subscription.is_none()) {
                let claim = UserClaim { service, user, subscription: Some(id) };
                writes.push(Write::put(held.as_ref(), &claim, &cause));
            }
            // The answer with the way in follows from the change.
            match self.store().commit(writes).await {
                Err(CommitError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Err(Problem::again())
    }
}
