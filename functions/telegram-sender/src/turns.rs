//! Waiting for a turn at Telegram.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::pace::Claim;
use domain::task::Lane;
use domain::time::{after, before};
use futures::lock::Mutex;
use jiff::{SignedDuration, Timestamp};
use limiter::{Call, Limiter, Limits, Pass, Turn};
use startup::Clock;
use store::StoreError;

use crate::Sender;

/// A turn that is further away than this gives its message back: a function does not sleep for
/// long.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);

/// A turn that somebody took and did not use is left out when it is so long past: called late, it
/// would meet the turns of others.
const STALE: SignedDuration = SignedDuration::from_millis(100);

/// After so long a wait for the bot's turn, a chat is looked at once more.
const LONG_AGO: SignedDuration = SignedDuration::from_millis(500);

/// A chat that is full for no longer than this is waited for with the bot's turn in hand.
const MOMENT: SignedDuration = SignedDuration::from_millis(20);

/// The tasks of one process that wait for a turn of the bot, and the turns that were taken for
/// them: one write takes turns for all who wait.
#[derive(Debug, Default)]
pub struct Lines {
    alerts: Line,
    housekeeping: Line,
}

#[derive(Debug, Default)]
struct Line {
    turns: Mutex<VecDeque<Turn>>,
    waiting: AtomicUsize,
}

/// Somebody who waits in a line, until this is dropped.
struct Place<'l>(&'l Line);

impl<'l> Place<'l> {
    fn in_line(line: &'l Line) -> Self {
        line.waiting.fetch_add(1, Ordering::Relaxed);
        Self(line)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Line {
    /// The next turn, or how long to be away for. Whoever finds none takes turns for all who wait.
    async fn next<L: Limits, C: Clock>(
        &self,
        limiter: &Limiter<L>,
        claim: Claim,
        begin: Timestamp,
        clock: &C,
    ) -> Result<Result<Turn, SignedDuration>, StoreError> {
        let _place = Place::in_line(self);
        let mut turns = self.turns.lock().await;
        let fresh = before(clock.now(), STALE);
        turns.retain(|turn| turn.at >= fresh);
        loop {
            if let Some(turn) = turns.pop_front() {
                return Ok(Ok(turn));
            }
            let waiting = self.waiting.load(Ordering::Relaxed);
            match limiter.take(claim, waiting, clock).await? {
                Pass::Turns(taken) => turns.extend(taken),
                Pass::NotBefore(at) if at > after(begin, PATIENCE) => {
                    return Ok(Err(wait(clock.now(), at)));
                }
                Pass::NotBefore(at) => clock.sleep_until(at).await,
            }
        }
    }
}

impl<S, Q, L: Limits, T, C: Clock> Sender<S, Q, L, T, C> {
    /// Waits for a turn. `Some`: there is none for so long; the message is to be given back.
    ///
    /// A call waits until its chat can take it, then for the bot's turn, and a message only then
    /// takes the chat's: so a busy chat holds up nobody else, a busy bot uses up no turns of the
    /// chat, and what stands in the chat's books is when the message really goes out. What was
    /// waited for is looked at again, because Telegram may have asked to wait in the meantime.
    pub(crate) async fn turn(
        &self,
        lane: Lane,
        call: Call,
    ) -> Result<Option<SignedDuration>, StoreError> {
        let (limiter, clock) = (&self.limiter, &self.clock);
        let (line, claim) = match lane {
            Lane::Alerts => (&self.lines.alerts, Claim::Alerts),
            Lane::Housekeeping => (&self.lines.housekeeping, Claim::Housekeeping),
        };
        let begin = clock.now();
        let mut looked_at = begin;
        let mut looked = limiter.look(call, clock).await?;
        loop {
            let now = clock.now();
            if looked.free_at > after(begin, PATIENCE) {
                return Ok(Some(wait(now, looked.free_at)));
            }
            clock.sleep_until(looked.free_at).await;
            let turn = match line.next(limiter, claim, clock.now(), clock).await? {
                Ok(turn) => turn,
                Err(wait) => return Ok(Some(wait)),
            };
            // Telegram may have asked to leave the chat alone meanwhile, and whoever asks is not
            // called. A message finds out when it takes the chat's turn.
            if !matches!(call, Call::Message(_)) && clock.now() > after(looked_at, LONG_AGO) {
                (looked_at, looked) = (clock.now(), limiter.look(call, clock).await?);
                if looked.free_at > clock.now() {
                    continue;
                }
            }
            clock.sleep_until(turn.at).await;
            if !limiter.stands(&turn, clock).await? {
                continue;
            }
            let Call::Message(chat) = call else { return Ok(None) };
            looked = match limiter.take_chat(chat, looked, clock).await? {
                Ok(()) => return Ok(None),
                Err(full) if full.free_at <= after(clock.now(), MOMENT) => {
                    clock.sleep_until(full.free_at).await;
                    match limiter.take_chat(chat, full, clock).await? {
                        Ok(()) => return Ok(None),
                        Err(full) => full,
                    }
                }
                // The turn of the bot is lost: used so late, it would meet the turns of others.
                Err(full) => full,
            };
        }
    }
}

fn wait(now: Timestamp, at: Timestamp) -> SignedDuration {
    at.duration_since(now).max(SignedDuration::ZERO)
}
