//! Waiting for a turn at Telegram.

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

impl<S: Store, Q, T, C: Clock> Sender<S, Q, T, C> {
    /// Waits for a turn. `Some`: there is none for so long; the message is to be given back.
    pub(crate) async fn turn(
        &self,
        lane: Lane,
        call: Call,
    ) -> Result<Option<SignedDuration>, StoreError> {
        let begin = self.clock.now();
        match lane {
            Lane::Alerts => match limiter::take(&self.store, call, ALERTS_AHEAD, begin).await? {
                Pass::At(at) => self.clock.sleep_until(at).await,
                Pass::NotBefore(at) => return Ok(Some(wait(begin, at))),
            },
            Lane::Housekeeping => {
                let mut now = begin;
                loop {
                    match limiter::take(&self.store, call, HOUSEKEEPING_AHEAD, now).await? {
                        Pass::At(at) => {
                            self.clock.sleep_until(at).await;
                            break;
                        }
                        Pass::NotBefore(at) if at > after(begin, PATIENCE) => {
                            return Ok(Some(wait(now, at)));
                        }
                        Pass::NotBefore(at) => self.clock.sleep_until(at).await,
                    }
                    now = self.clock.now();
                }
            }
        }
        Ok(None)
    }
}

fn wait(now: Timestamp, at: Timestamp) -> SignedDuration {
    at.duration_since(now).max(SignedDuration::ZERO)
}
