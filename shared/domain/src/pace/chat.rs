//! The pace of one chat: a few messages may follow each other at once, then one a second, and any
//! minute holds at most twenty. Other calls about a chat count for the bot only, but can be told to
//! wait by themselves.
//!
//! Telegram's word (Bots FAQ, "My bot is hitting limits"): "avoid sending more than one message per
//! second" in one chat; "we may allow short bursts that go over this limit"; in a group "not … more
//! than 20 messages per minute". How short a burst is, it does not say. Three in three seconds are
//! one a second, sent sooner: in a stretch of `t` seconds there are never more than `t` and three.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{MILLISECOND, wait_ends};

/// At most so many messages within such a time, with room for clocks that differ.
struct Limit {
    messages: usize,
    within: i64,
}

/// A short burst, and one a second on average.
const SECONDS: Limit = Limit { messages: 3, within: 3_150 * MILLISECOND };
/// Twenty a minute.
const MINUTE: Limit = Limit { messages: 20, within: 60_500 * MILLISECOND };

/// How far messages in one chat lie apart when very many wait.
pub(crate) const ROOM_EVERY: SignedDuration = SignedDuration::from_millis(60_500 / 20);

/// A kind of call about a chat. A wait that Telegram asks for is one for its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message into the chat.
    Message,
    /// Anything else: its members, links, settings.
    Other,
}

/// The pace of one chat, as it stands in the table. What is absent there is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatPace {
    /// When the latest messages were sent, each later than the one before.
    pub sent_us: Vec<i64>,
    /// No message before this.
    pub blocked_us: i64,
    /// No other call before this.
    pub others_blocked_us: i64,
}

/// Takes a turn for one message, on condition that the last message is the one that was known and
/// messages are not blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatTake {
    /// The last message that must stand there; `None`: there must be none.
    pub known_last_us: Option<i64>,
    /// When the new one is sent.
    pub at_us: i64,
    /// The latest messages, with the new one.
    pub sent_us: Vec<i64>,
}

/// Notes that a chat asked to wait, unless it asked for longer before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatBlock {
    /// Which calls.
    pub kind: Kind,
    /// Until when.
    pub until_us: i64,
}

impl Limit {
    /// When it lets the next message through; `None`: at any time.
    fn free_at(&self, sent_us: &[i64]) -> Option<i64> {
        let first = sent_us.get(sent_us.len().checked_sub(self.messages)?)?;
        Some(first.saturating_add(self.within))
    }
}

impl ChatPace {
    /// When a call of this kind may be made: now, or the first moment after.
    pub fn free_at(&self, kind: Kind, now_us: i64) -> i64 {
        match kind {
            Kind::Other => now_us.max(self.others_blocked_us),
            Kind::Message => {
                let limits =
                    [SECONDS, MINUTE].iter().filter_map(|limit| limit.free_at(&self.sent_us));
                limits.fold(now_us.max(self.blocked_us), i64::max)
            }
        }
    }

    /// Takes a turn now.
    ///
    /// # Errors
    /// The moment before which there is none.
    pub fn plan(&self, now_us: i64) -> Result<ChatTake, i64> {
        let free_us = self.free_at(Kind::Message, now_us);
        if free_us > now_us {
            return Err(free_us);
        }
        let known_last_us = self.sent_us.last().copied();
        // Later than the last, also by a clock that is behind: the last one tells states apart.
        let at_us = known_last_us.map_or(now_us, |last| now_us.max(last.saturating_add(1)));
        let mut sent_us = self.sent_us.clone();
        let surplus = sent_us.len().saturating_sub(MINUTE.messages.saturating_sub(1));
        sent_us.drain(..surplus);
        sent_us.push(at_us);
        Ok(ChatTake { known_last_us, at_us, sent_us })
    }
}

impl ChatTake {
    /// What stands there afterwards; `None` when the condition does not hold.
    pub fn apply(&self, there: Option<&ChatPace>) -> Option<ChatPace> {
        let old = there.cloned().unwrap_or_default();
        let holds =
            old.sent_us.last().copied() == self.known_last_us && old.blocked_us <= self.at_us;
        holds.then(|| ChatPace { sent_us: self.sent_us.clone(), ..old })
    }
}

impl ChatBlock {
    /// A wait that begins now.
    pub fn new(kind: Kind, seconds: u32, now_us: i64) -> Self {
        Self { kind, until_us: wait_ends(now_us, seconds) }
    }

    /// What stands there afterwards; `None` when a longer wait stands there.
    pub fn apply(&self, there: Option<&ChatPace>) -> Option<ChatPace> {
        let mut next = there.cloned().unwrap_or_default();
        let until = match self.kind {
            Kind::Message => &mut next.blocked_us,
            Kind::Other => &mut next.others_blocked_us,
        };
        if *until >= self.until_us {
            return None;
        }
        *until = self.until_us;
        Some(next)
    }
}
