//! Flood limits: how many calls pass, and how long the others are told to wait.
//!
//! Published by Telegram (Bots FAQ, "My bot is hitting limits"): about one message a second in one chat,
//! twenty a minute in a group, thirty a second for a bot. For membership calls no number is published;
//! here they count to the bot's thirty. Reading (`get…`), setting up (webhook, commands) and answering
//! callback queries is free. Nothing that was refused is counted.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// How much a call weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    Free,
    /// Counts to the bot's limit.
    Call,
    /// Counts to the bot's and to the chat's limits.
    Message,
}

/// How a group's limit per minute is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FloodMode {
    /// No limits at all.
    Off,
    /// No more than the number in any sixty seconds.
    SlidingWindow,
    /// A bucket as deep as the number, refilled evenly over a minute.
    TokenBucket,
}

/// The numbers. Change them through the control interface or [`crate::Config`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FloodRules {
    /// How a group's limit per minute is measured.
    pub mode: FloodMode,
    /// Messages in a row that pass in one chat before one a second is enforced.
    pub chat_burst: u32,
    /// Messages per minute in one group.
    pub group_per_minute: u32,
    /// Messages and membership calls per second for one bot.
    pub bot_per_second: u32,
    /// A lower limit per minute and group that nobody was told of.
    pub hidden_group_per_minute: Option<u32>,
    /// The waiting time in seconds that is asked for instead of the true one.
    pub retry_after: Option<u32>,
}

impl Default for FloodRules {
    fn default() -> Self {
        Self {
            mode: FloodMode::SlidingWindow,
            chat_burst: 5,
            group_per_minute: 20,
            bot_per_second: 30,
            hidden_group_per_minute: None,
            retry_after: None,
        }
    }
}

/// A bucket: how full it was, and when (milliseconds).
#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: f64,
    at: i64,
}

impl Bucket {
    /// How much is in it now.
    fn level(bucket: Option<&Self>, now: i64, capacity: f64, per_ms: f64) -> f64 {
        bucket.map_or(capacity, |bucket| {
            (bucket.level + (now - bucket.at).max(0) as f64 * per_ms).min(capacity)
        })
    }
}

/// What has been counted so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flood {
    pub(crate) rules: FloodRules,
    bots: BTreeMap<i64, VecDeque<i64>>,
    groups: BTreeMap<(i64, i64), VecDeque<i64>>,
    group_buckets: BTreeMap<(i64, i64), Bucket>,
    chats: BTreeMap<(i64, i64), Bucket>,
}

const MINUTE: i64 = 60_000;
const SECOND: i64 = 1_000;

impl Flood {
    /// Changes the rules and forgets what was counted.
    pub(crate) fn set(&mut self, rules: FloodRules) {
        *self = Self { rules, ..Self::default() };
    }

    /// Counts the call, or says how many seconds to wait.
    pub(crate) fn admit(
        &mut self,
        now: i64,
        bot: i64,
        chat: Option<i64>,
        cost: Cost,
    ) -> Result<(), u32> {
        if self.rules.mode == FloodMode::Off || cost == Cost::Free {
            return Ok(());
        }
        let chat = chat.filter(|_| cost == Cost::Message);
        let mut wait = window_wait(self.bots.get(&bot), now, SECOND, self.rules.bot_per_second);
        if let Some(chat) = chat {
            wait = wait.max(self.chat_wait(now, (bot, chat)));
            if chat < 0 {
                wait = wait.max(self.group_wait(now, (bot, chat)));
            }
        }
        if wait > 0 {
            let seconds = u32::try_from((wait + SECOND - 1) / SECOND).unwrap_or(u32::MAX);
            return Err(self.rules.retry_after.unwrap_or(seconds));
        }
        self.count(now, bot, chat);
        Ok(())
    }

    fn chat_wait(&self, now: i64, key: (i64, i64)) -> i64 {
        let capacity = f64::from(self.rules.chat_burst.max(1));
        let level = Bucket::level(self.chats.get(&key), now, capacity, 0.001);
        missing(level, 0.001)
    }

    fn group_wait(&self, now: i64, key: (i64, i64)) -> i64 {
        let limit = self.group_limit();
        match self.rules.mode {
            FloodMode::TokenBucket => {
                let capacity = f64::from(limit.max(1));
                let rate = capacity / MINUTE as f64;
                missing(Bucket::level(self.group_buckets.get(&key), now, capacity, rate), rate)
            }
            _ => window_wait(self.groups.get(&key), now, MINUTE, limit),
        }
    }

    fn group_limit(&self) -> u32 {
        let published = self.rules.group_per_minute;
        self.rules.hidden_group_per_minute.map_or(published, |hidden| hidden.min(published))
    }

    fn count(&mut self, now: i64, bot: i64, chat: Option<i64>) {
        note(self.bots.entry(bot).or_default(), now, SECOND);
        let Some(chat) = chat else { return };
        let key = (bot, chat);
        let capacity = f64::from(self.rules.chat_burst.max(1));
        let level = Bucket::level(self.chats.get(&key), now, capacity, 0.001);
        self.chats.insert(key, Bucket { level: level - 1.0, at: now });
        if chat < 0 {
            let capacity = f64::from(self.group_limit().max(1));
            let rate = capacity / MINUTE as f64;
            let level = Bucket::level(self.group_buckets.get(&key), now, capacity, rate);
            self.group_buckets.insert(key, Bucket { level: level - 1.0, at: now });
            note(self.groups.entry(key).or_default(), now, MINUTE);
        }
    }
}

/// How long until a bucket holds one again, in milliseconds.
fn missing(level: f64, per_ms: f64) -> i64 {
    // A hair less than one is one: the level is a float that was added up.
    if level >= 1.0 - 1e-9 { 0 } else { ((1.0 - level) / per_ms).ceil() as i64 }
}

/// How long until fewer than `limit` calls lie within the window.
fn window_wait(calls: Option<&VecDeque<i64>>, now: i64, window: i64, limit: u32) -> i64 {
    let Some(calls) = calls else { return 0 };
    let recent: Vec<i64> = calls.iter().copied().filter(|at| at + window > now).collect();
    let limit = limit.max(1) as usize;
    let free = recent.len().checked_sub(limit).and_then(|over| recent.get(over));
    free.map_or(0, |at| at + window - now)
}

fn note(calls: &mut VecDeque<i64>, now: i64, window: i64) {
    while calls.front().is_some_and(|at| at + window <= now) {
        calls.pop_front();
    }
    calls.push_back(now);
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOT: i64 = 100;
    const GROUP: i64 = -1_001_000_000_001;

    fn message(flood: &mut Flood, now: i64) -> Result<(), u32> {
        flood.admit(now, BOT, Some(GROUP), Cost::Message)
    }

    #[test]
    fn a_short_burst_passes_and_then_one_a_second() {
        let mut flood = Flood::default();
        for _ in 0..5 {
            assert_eq!(message(&mut flood, 0), Ok(()));
        }
        assert_eq!(message(&mut flood, 0), Err(1));
        assert_eq!(message(&mut flood, 999), Err(1));
        assert_eq!(message(&mut flood, 1_000), Ok(()));
    }

    #[test]
    fn the_twenty_first_message_in_a_minute_waits_until_the_first_is_a_minute_old() {
        let mut flood = Flood::default();
        for i in 0..20 {
            assert_eq!(message(&mut flood, i * 1_000), Ok(()));
        }
        assert_eq!(message(&mut flood, 20_000), Err(40));
        assert_eq!(message(&mut flood, 60_000), Ok(()));
    }

    #[test]
    fn a_bucket_of_one_per_three_seconds_with_a_burst_of_twenty_breaks_the_window() {
        let mut flood = Flood::default();
        flood.set(FloodRules { chat_burst: 100, ..FloodRules::default() });
        let sent: Vec<i64> = (0..20).map(|_| 0).chain((1..20).map(|i| i * 3_000)).collect();
        let refused = sent.iter().filter(|at| message(&mut flood, **at).is_err()).count();
        assert_eq!(refused, 19);
        flood.set(FloodRules {
            mode: FloodMode::TokenBucket,
            chat_burst: 100,
            ..FloodRules::default()
        });
        assert!(sent.iter().all(|at| message(&mut flood, *at).is_ok()));
    }

    #[test]
    fn one_per_four_seconds_with_a_burst_of_five_keeps_the_window() {
        let mut flood = Flood::default();
        let sent: Vec<i64> = (0..5).map(|_| 0).chain((1..200).map(|i| i * 4_000)).collect();
        assert!(sent.iter().all(|at| message(&mut flood, *at).is_ok()));
    }

    #[test]
    fn thirty_calls_a_second_for_the_whole_bot_membership_calls_included() {
        let mut flood = Flood::default();
        for chat in 0..15 {
            assert_eq!(flood.admit(0, BOT, Some(-2_001 - chat), Cost::Message), Ok(()));
            assert_eq!(flood.admit(0, BOT, Some(-2_001 - chat), Cost::Call), Ok(()));
        }
        assert_eq!(flood.admit(500, BOT, Some(GROUP), Cost::Call), Err(1));
        assert_eq!(flood.admit(500, BOT, Some(GROUP), Cost::Free), Ok(()));
        assert_eq!(flood.admit(1_000, BOT, Some(GROUP), Cost::Call), Ok(()));
    }

    #[test]
    fn a_hidden_limit_is_lower_and_can_ask_for_a_long_wait() {
        let mut flood = Flood::default();
        flood.set(FloodRules {
            hidden_group_per_minute: Some(3),
            retry_after: Some(10_072),
            ..FloodRules::default()
        });
        for i in 0..3 {
            assert_eq!(message(&mut flood, i * 2_000), Ok(()));
        }
        assert_eq!(message(&mut flood, 8_000), Err(10_072));
    }
}
