//! Flood limits: how many calls pass, and how long the others are told to wait.
//!
//! Published by Telegram (Bots FAQ, "My bot is hitting limits"): about one message a second in one chat,
//! twenty a minute in a group, thirty a second for a bot. For membership calls no number is published;
//! here they count to the bot's thirty. Reading (`get…`), setting up (webhook, commands) and answering
//! callback queries is free. Nothing that was refused is counted.
//!
//! How Telegram measures is not known, so there are several tempers: a sliding window, a bucket, and
//! limits lower than the published ones. Plain data and plain functions: the time is a parameter.

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

/// How the limits of a bot (per second) and of a group (per minute) are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FloodMode {
    /// No limits at all.
    Off,
    /// No more than the number in any second, or any sixty of them.
    SlidingWindow,
    /// A bucket as deep as the number, refilled evenly over the second or the minute.
    TokenBucket,
}

/// The numbers. Change them through the control interface or [`crate::Config`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FloodRules {
    /// How the limits of a bot and of a group are measured.
    pub mode: FloodMode,
    /// Messages in a row that pass in one chat before one a second is enforced.
    pub chat_burst: u32,
    /// Messages per minute in one group.
    pub group_per_minute: u32,
    /// Messages and membership calls per second for one bot.
    pub bot_per_second: u32,
    /// How deep the bot's bucket is, if not as deep as its number per second.
    pub bot_burst: Option<u32>,
    /// A lower limit per second and bot that nobody was told of.
    pub hidden_bot_per_second: Option<u32>,
    /// A lower limit per minute and group that nobody was told of.
    pub hidden_group_per_minute: Option<u32>,
    /// The waiting time in seconds that is asked for instead of the true one.
    pub retry_after: Option<u32>,
    /// How long the server holds a call before it refuses it (milliseconds; up to 8 seconds at
    /// Telegram).
    pub hold_ms: u32,
}

/// Calls that are refused for a while, as Telegram does to those who overdid it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Block {
    /// In this chat; everywhere where it is missing.
    pub(crate) chat_id: Option<i64>,
    /// These methods (any case); all that cost anything where none is named.
    pub(crate) methods: Vec<String>,
    /// Until then (milliseconds since 1970).
    pub(crate) until: i64,
}

impl Block {
    fn concerns(&self, chat: Option<i64>, method: &str, cost: Cost) -> bool {
        let methods = &self.methods;
        let is_meant = match methods.is_empty() {
            true => cost != Cost::Free,
            false => methods.iter().any(|named| named.eq_ignore_ascii_case(method)),
        };
        is_meant && self.chat_id.is_none_or(|blocked| chat == Some(blocked))
    }
}

impl Default for FloodRules {
    fn default() -> Self {
        Self {
            mode: FloodMode::SlidingWindow,
            chat_burst: 5,
            group_per_minute: 20,
            bot_per_second: 30,
            bot_burst: None,
            hidden_bot_per_second: None,
            hidden_group_per_minute: None,
            retry_after: None,
            hold_ms: 0,
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

/// What has been counted so far. Windows and buckets are kept in every mode, so that the rules can
/// change while a bot works.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flood {
    pub(crate) rules: FloodRules,
    blocks: Vec<Block>,
    bots: BTreeMap<i64, VecDeque<i64>>,
    bot_buckets: BTreeMap<i64, Bucket>,
    groups: BTreeMap<(i64, i64), VecDeque<i64>>,
    group_buckets: BTreeMap<(i64, i64), Bucket>,
    chats: BTreeMap<(i64, i64), Bucket>,
}

const MINUTE: i64 = 60_000;
const SECOND: i64 = 1_000;

/// One message a second, per millisecond.
const CHAT_RATE: f64 = 0.001;

impl Flood {
    /// Changes the rules. What was counted still counts.
    pub(crate) fn set(&mut self, rules: FloodRules) {
        self.rules = rules;
    }

    /// Refuses some calls for a while, whatever the rules are.
    pub(crate) fn block(&mut self, block: Block) {
        self.blocks.push(block);
    }

    /// Ends every block.
    pub(crate) fn unblock(&mut self) {
        self.blocks.clear();
    }

    /// The blocks, ended ones included.
    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Counts the call, or says how many seconds to wait.
    pub(crate) fn admit(
        &mut self,
        now: i64,
        bot: i64,
        chat: Option<i64>,
        method: &str,
        cost: Cost,
    ) -> Result<(), u32> {
        let blocks = self.blocks.iter().filter(|block| block.concerns(chat, method, cost));
        if let Some(until) = blocks.map(|block| block.until).max().filter(|until| *until > now) {
            return Err(seconds(until - now));
        }
        if self.rules.mode == FloodMode::Off || cost == Cost::Free {
            return Ok(());
        }
        let chat = chat.filter(|_| cost == Cost::Message);
        let mut wait = self.bot_wait(now, bot);
        if let Some(chat) = chat {
            wait = wait.max(self.chat_wait(now, (bot, chat)));
            if chat < 0 {
                wait = wait.max(self.group_wait(now, (bot, chat)));
            }
        }
        if wait > 0 {
            return Err(self.rules.retry_after.unwrap_or(seconds(wait)));
        }
        self.count(now, bot, chat);
        Ok(())
    }

    fn bot_wait(&self, now: i64, bot: i64) -> i64 {
        match self.rules.mode {
            FloodMode::TokenBucket => {
                let (capacity, rate) = self.bot_bucket();
                missing(Bucket::level(self.bot_buckets.get(&bot), now, capacity, rate), rate)
            }
            _ => window_wait(self.bots.get(&bot), now, SECOND, self.bot_limit()),
        }
    }

    fn chat_wait(&self, now: i64, key: (i64, i64)) -> i64 {
        let level = Bucket::level(self.chats.get(&key), now, self.chat_capacity(), CHAT_RATE);
        missing(level, CHAT_RATE)
    }

    fn group_wait(&self, now: i64, key: (i64, i64)) -> i64 {
        match self.rules.mode {
            FloodMode::TokenBucket => {
                let (capacity, rate) = self.group_bucket();
                missing(Bucket::level(self.group_buckets.get(&key), now, capacity, rate), rate)
            }
            _ => window_wait(self.groups.get(&key), now, MINUTE, self.group_limit()),
        }
    }

    fn bot_limit(&self) -> u32 {
        lower(self.rules.bot_per_second, self.rules.hidden_bot_per_second)
    }

    fn group_limit(&self) -> u32 {
        lower(self.rules.group_per_minute, self.rules.hidden_group_per_minute)
    }

    fn chat_capacity(&self) -> f64 {
        f64::from(self.rules.chat_burst.max(1))
    }

    /// How deep the bot's bucket is, and what flows into it in a millisecond.
    fn bot_bucket(&self) -> (f64, f64) {
        let limit = self.bot_limit().max(1);
        let depth = self.rules.bot_burst.unwrap_or(limit).max(1);
        (f64::from(depth), f64::from(limit) / SECOND as f64)
    }

    /// The same for a group's.
    fn group_bucket(&self) -> (f64, f64) {
        let capacity = f64::from(self.group_limit().max(1));
        (capacity, capacity / MINUTE as f64)
    }

    fn count(&mut self, now: i64, bot: i64, chat: Option<i64>) {
        note(self.bots.entry(bot).or_default(), now, SECOND);
        let bucket = self.bot_bucket();
        take(&mut self.bot_buckets, bot, now, bucket);
        let Some(chat) = chat else { return };
        let key = (bot, chat);
        let bucket = (self.chat_capacity(), CHAT_RATE);
        take(&mut self.chats, key, now, bucket);
        if chat < 0 {
            let bucket = self.group_bucket();
            take(&mut self.group_buckets, key, now, bucket);
            note(self.groups.entry(key).or_default(), now, MINUTE);
        }
    }
}

fn lower(published: u32, hidden: Option<u32>) -> u32 {
    hidden.map_or(published, |hidden| hidden.min(published))
}

/// Whole seconds, rounded up, as a 429 names them.
fn seconds(ms: i64) -> u32 {
    u32::try_from((ms + SECOND - 1) / SECOND).unwrap_or(u32::MAX)
}

/// Takes one out of a bucket.
fn take<K: Ord + Copy>(
    buckets: &mut BTreeMap<K, Bucket>,
    key: K,
    now: i64,
    (capacity, rate): (f64, f64),
) {
    let level = Bucket::level(buckets.get(&key), now, capacity, rate);
    buckets.insert(key, Bucket { level: level - 1.0, at: now });
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
mod tests;
