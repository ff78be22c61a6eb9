//! The pace of one chat: messages lie apart, and any minute holds at most twenty. Other calls about
//! a chat count for the bot only, but can be told to wait by themselves.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{MILLISECOND, wait_ends};

/// Messages in one chat lie at least so far apart: a second, and room for clocks that differ.
const GAP: i64 = 1_050 * MILLISECOND;
/// In any such window, a minute and room for clocks that differ, …
const WINDOW: i64 = 60_500 * MILLISECOND;
/// … at most so many messages go into one chat.
const MESSAGES: usize = 20;

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
    /// When the latest messages were sent, oldest first.
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

impl ChatPace {
    /// When a call of this kind may be made: now, or the first moment after.
    pub fn free_at(&self, kind: Kind, now_us: i64) -> i64 {
        match kind {
            Kind::Other => now_us.max(self.others_blocked_us),
            Kind::Message => {
                let last = self.sent_us.last().map(|last| last.saturating_add(GAP));
                let first = self.sent_us.len().checked_sub(MESSAGES);
                let first = first.and_then(|index| self.sent_us.get(index));
                let window = first.map(|first| first.saturating_add(WINDOW));
                [last, window].into_iter().flatten().fold(now_us.max(self.blocked_us), i64::max)
            }
        }
    }

    /// Takes a turn now.
    ///
    /// # Errors
    /// The moment before which there is none.
    pub fn plan(&self, now_us: i64) -> Result<ChatTake, i64> {
        let at_us = self.free_at(Kind::Message, now_us);
        if at_us > now_us {
            return Err(at_us);
        }
        let mut sent_us = self.sent_us.clone();
        let surplus = sent_us.len().saturating_sub(MESSAGES.saturating_sub(1));
        sent_us.drain(..surplus);
        sent_us.push(at_us);
        Ok(ChatTake { known_last_us: self.sent_us.last().copied(), at_us, sent_us })
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
