//! Waiting for a turn at Telegram.

use std::future::Future;

use domain::task::Lane;
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use limiter::{Call, Pass};
use startup::Clock;
use store::{Store, StoreError};

use crate::Sender;

/// How far ahead alerts take their turns: they queue up in front of everything else.
const ALERTS_AHEAD: SignedDuration = SignedDuration::from_secs(8);

/// How far ahead housekeeping does: hardly at all, so that it takes only what is left over.
const HOUSEKEEPING_AHEAD: SignedDuration = SignedDuration::from_millis(50);

/// How long housekeeping waits for a turn before it gives its message back.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);

/// How far ahead an alert looks at the least, when it has waited for its chat already.
const LEAST_AHEAD: SignedDuration = SignedDuration::from_secs(2);

impl<S: Store, Q, T, C: Clock> Sender<S, Q, T, C> {
    /// Waits for a turn. `Some`: there is none for so long; the message is to be given back.
    ///
    /// A message waits until its chat can take one, then for the bot's turn, and only then takes
    /// the chat's: so a busy chat holds up nobody else, a busy bot uses up no turns of the chat,
    /// and what stands in the chat's books is when the message really goes out.
    pub(crate) async fn turn(
        &self,
        lane: Lane,
        call: Call,
    ) -> Result<Option<SignedDuration>, StoreError> {
        let (begin, store) = (self.clock.now(), &self.store);
        let chat = match call {
            Call::Message(chat) => Some(chat),
            Call::Other => None,
        };
        if let Some(chat) = chat {
            let look = |ahead, now| limiter::look_chat(store, chat, ahead, now);
            if let Some(wait) = self.wait_for(lane, begin, look).await? {
                return Ok(Some(wait));
            }
        }
        let take = |ahead, now| limiter::take_bot(store, ahead, now);
        if let Some(wait) = self.wait_for(lane, begin, take).await? {
            return Ok(Some(wait));
        }
        match chat {
            Some(chat) => {
                let take = |ahead, now| limiter::take_chat(store, chat, ahead, now);
                self.wait_for(lane, begin, take).await
            }
            None => Ok(None),
        }
    }

    /// Waits for one part of a turn, as long as the lane does since `begin`.
    async fn wait_for<F>(
        &self,
        lane: Lane,
        begin: Timestamp,
        take: impl Fn(SignedDuration, Timestamp) -> F,
    ) -> Result<Option<SignedDuration>, StoreError>
    where
        F: Future<Output = Result<Pass, StoreError>>,
    {
        loop {
            let now = self.clock.now();
            let (ahead, patience) = match lane {
                Lane::Alerts => {
                    let rest = ALERTS_AHEAD.saturating_sub(now.duration_since(begin));
                    (rest.max(LEAST_AHEAD), SignedDuration::ZERO)
                }
                Lane::Housekeeping => (HOUSEKEEPING_AHEAD, PATIENCE),
            };
            match take(ahead, now).await? {
                Pass::At(at) => {
                    self.clock.sleep_until(at).await;
                    return Ok(None);
                }
                Pass::NotBefore(at) if at > after(begin, patience) => {
                    return Ok(Some(wait(now, at)));
                }
                Pass::NotBefore(at) => self.clock.sleep_until(at).await,
            }
        }
    }
}

fn wait(now: Timestamp, at: Timestamp) -> SignedDuration {
    at.duration_since(now).max(SignedDuration::ZERO)
}
