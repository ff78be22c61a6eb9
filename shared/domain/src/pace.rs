//! How fast Telegram may be called. Telegram publishes about 30 messages a second for a bot and 20
//! a minute in a group (Bots FAQ, "My bot is hitting limits"), says that limits change, and asks to
//! obey 429; so this takes turns somewhat below and learns from every 429.
//!
//! Turns of the bot follow the generic cell rate algorithm: `tat` is the theoretical arrival time
//! of the next call. Times are milliseconds since 1970.

use serde::{Deserialize, Serialize};

/// The interval to start with: 27 calls a second.
const START_INTERVAL_MS: i64 = 37;
/// Never slower than one call a second for want of a 429.
const MOST_INTERVAL_MS: i64 = 1_000;
/// After this long without a 429 the interval shrinks.
const QUIET_MS: i64 = 5_000;
/// Messages in one chat lie at least so far apart.
const CHAT_GAP_MS: i64 = 1_050;
/// In any such window …
const CHAT_WINDOW_MS: i64 = 60_500;
/// … at most so many messages go into one chat.
const CHAT_MESSAGES: usize = 20;

/// A turn, or when to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The call may be made at this time, which is at most the look-ahead away.
    At(i64),
    /// No turn within the look-ahead; there may be one at this time.
    NotBefore(i64),
}

/// The pace of the whole bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotPace {
    /// When the next call may be made.
    pub tat_ms: i64,
    /// No call before this.
    pub blocked_until_ms: i64,
    /// How far calls lie apart.
    pub interval_ms: i64,
    /// When the interval was last changed.
    pub adapted_ms: i64,
}

impl Default for BotPace {
    fn default() -> Self {
        Self { tat_ms: 0, blocked_until_ms: 0, interval_ms: START_INTERVAL_MS, adapted_ms: 0 }
    }
}

impl BotPace {
    /// Takes the next turn when it lies within the look-ahead.
    pub fn take(mut self, now_ms: i64, look_ahead_ms: i64) -> (Self, Turn) {
        let at = self.tat_ms.max(self.blocked_until_ms).max(now_ms);
        if at > now_ms.saturating_add(look_ahead_ms) {
            return (self, Turn::NotBefore(at));
        }
        let quiet = (now_ms.saturating_sub(self.adapted_ms)) / QUIET_MS;
        if quiet > 0 && self.interval_ms > START_INTERVAL_MS {
            // Three per cent for each quiet stretch, never back below where it started.
            for _ in 0..quiet.min(200) {
                self.interval_ms = (self.interval_ms * 97 / 100).max(START_INTERVAL_MS);
            }
            self.adapted_ms = now_ms;
        }
        self.tat_ms = at.saturating_add(self.interval_ms);
        (self, Turn::At(at))
    }

    /// Telegram answered 429 for the whole bot. Of several calls that were under way at the same
    /// time each gets that answer: together they are one reason to go slower, not several.
    pub fn told_to_wait(mut self, now_ms: i64, seconds: u32) -> Self {
        let until = now_ms.saturating_add(i64::from(seconds).saturating_mul(1_000));
        if now_ms >= self.blocked_until_ms {
            self.interval_ms = (self.interval_ms * 6 / 5).min(MOST_INTERVAL_MS);
        }
        self.blocked_until_ms = self.blocked_until_ms.max(until);
        self.adapted_ms = self.blocked_until_ms;
        self
    }
}

/// The pace of messages in one chat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatPace {
    /// When the latest messages were (or will be) sent, oldest first.
    pub sent_ms: Vec<i64>,
    /// No message before this.
    pub blocked_until_ms: i64,
}

impl ChatPace {
    /// Takes the next turn when it lies within the look-ahead.
    pub fn take(mut self, now_ms: i64, look_ahead_ms: i64) -> (Self, Turn) {
        let after_last =
            self.sent_ms.last().map_or(i64::MIN, |last| last.saturating_add(CHAT_GAP_MS));
        let after_window = self
            .sent_ms
            .len()
            .checked_sub(CHAT_MESSAGES)
            .and_then(|index| self.sent_ms.get(index))
            .map_or(i64::MIN, |first| first.saturating_add(CHAT_WINDOW_MS));
        let at = now_ms.max(after_last).max(after_window).max(self.blocked_until_ms);
        if at > now_ms.saturating_add(look_ahead_ms) {
            return (self, Turn::NotBefore(at));
        }
        self.sent_ms.push(at);
        let surplus = self.sent_ms.len().saturating_sub(CHAT_MESSAGES);
        self.sent_ms.drain(..surplus);
        (self, Turn::At(at))
    }

    /// Telegram answered 429 for this chat.
    pub fn told_to_wait(mut self, now_ms: i64, seconds: u32) -> Self {
        let until = now_ms.saturating_add(i64::from(seconds).saturating_mul(1_000));
        self.blocked_until_ms = self.blocked_until_ms.max(until);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The times at which calls are made when every `steps` milliseconds one is asked for.
    fn calls<P: Clone>(
        start: P,
        steps: &[i64],
        ahead: i64,
        take: impl Fn(P, i64, i64) -> (P, Turn),
    ) -> Vec<i64> {
        let (mut pace, mut now, mut calls) = (start, 0, Vec::new());
        for step in steps {
            now += step;
            let (next, turn) = take(pace.clone(), now, ahead);
            if let Turn::At(at) = turn {
                assert!(now <= at && at <= now + ahead);
                calls.push(at);
            }
            pace = next;
        }
        calls
    }

    fn most_in_window(calls: &[i64], window: i64) -> usize {
        calls
            .iter()
            .map(|from| calls.iter().filter(|at| (*from..from + window).contains(at)).count())
            .max()
            .unwrap_or(0)
    }

    proptest! {
        #[test]
        fn no_second_sees_more_than_30_calls(
            steps in prop::collection::vec(0_i64..200, 1..400), ahead in 0_i64..8_000,
        ) {
            let calls = calls(BotPace::default(), &steps, ahead, BotPace::take);
            prop_assert!(most_in_window(&calls, 1_000) <= 28);
        }

        #[test]
        fn no_minute_sees_more_than_20_messages_in_a_chat(
            steps in prop::collection::vec(0_i64..9_000, 1..200), ahead in 0_i64..8_000,
        ) {
            let calls = calls(ChatPace::default(), &steps, ahead, ChatPace::take);
            prop_assert!(most_in_window(&calls, 60_000) <= 20);
            prop_assert!(most_in_window(&calls, 1_000) <= 1);
        }
    }

    #[test]
    fn a_bot_that_was_told_to_wait_waits_and_goes_slower_and_recovers() {
        let told = BotPace::default().told_to_wait(1_000, 34);
        assert_eq!(told.take(1_000, 8_000).1, Turn::NotBefore(35_000));
        let (slower, turn) = told.take(35_000, 50);
        assert_eq!(turn, Turn::At(35_000));
        assert_eq!(slower.interval_ms, 44);
        let (later, _) = slower.take(35_000 + 60_000, 50);
        assert_eq!(later.interval_ms, 37);
    }

    #[test]
    fn one_block_that_many_calls_run_into_slows_the_bot_down_once() {
        let mut told = BotPace::default();
        for call in 0..10 {
            told = told.told_to_wait(1_000 + call, 34);
        }
        assert_eq!((told.interval_ms, told.blocked_until_ms), (44, 35_009));
        assert_eq!(told.told_to_wait(35_009, 1).interval_ms, 52);
    }

    #[test]
    fn a_day_of_waiting_survives() {
        let told = ChatPace::default().told_to_wait(0, 86_400);
        assert_eq!(told.take(5, 8_000).1, Turn::NotBefore(86_400_000));
    }
}
