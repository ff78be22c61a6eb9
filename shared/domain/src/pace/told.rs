//! What a 429 means. Telegram does not say whether it means one chat or the whole bot, and any
//! method can answer it.
//!
//! It is taken to mean its chat, and there the kind of call that it answered: a flood of removals
//! in one group stops neither its alerts nor another group. When several chats answer it within a
//! short time, it is the bot: Usher keeps far below the chats' own limits, so they do not all run
//! into theirs at once.

use serde::{Deserialize, Serialize};

use super::bot::BotPace;
use super::{SECOND, wait_ends};
use crate::ids::ChatId;

/// So many chats …
const MANY: usize = 3;
/// … within so long mean the bot.
const TOGETHER: i64 = 10 * SECOND;

/// That a chat answered 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The chat.
    pub chat: ChatId,
    /// When.
    pub at_us: i64,
    /// Until when it asked to wait.
    pub until_us: i64,
}

/// Notes a 429 in the bot's books, on condition that nobody has noted another since they were read
/// and the interval is the one that was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How many notes there must be.
    pub known_count: i64,
    /// The interval that must stand there.
    pub known_interval_us: i64,
    /// Who answered 429 lately.
    pub told: Vec<Told>,
    /// The end of the bot's block.
    pub blocked_us: i64,
    /// Whether it is a new one, and makes every turn void: they begin anew at its end.
    pub is_block: bool,
    /// The interval from now on.
    pub interval_us: i64,
    /// The interval at which several chats last answered 429.
    pub refused_us: i64,
    /// From when the quiet time counts.
    pub adapted_us: i64,
}

impl Note {
    /// Whether it can be the first to make the item.
    pub fn can_begin(&self) -> bool {
        let new = BotPace::default();
        self.known_count == new.told_count && self.known_interval_us == new.interval_us
    }

    /// What stands there afterwards; `None` when the condition does not hold.
    pub fn apply(&self, there: Option<&BotPace>) -> Option<BotPace> {
        let new = BotPace::default();
        let old = there.unwrap_or(&new);
        let holds = old.told_count == self.known_count && old.interval_us == self.known_interval_us;
        holds.then(|| BotPace {
            blocked_us: self.blocked_us,
            interval_us: self.interval_us,
            refused_us: self.refused_us,
            adapted_us: self.adapted_us,
            told: self.told.clone(),
            told_count: self.known_count.saturating_add(1),
            tat_us: if self.is_block { self.blocked_us } else { old.tat_us },
            blocks: old.blocks.saturating_add(i64::from(self.is_block)),
            ..old.clone()
        })
    }
}

impl BotPace {
    /// What to note of a chat that asked to wait; `None` when the bot waits anyway: calls that were
    /// under way when it was blocked get the same answer, and are no second reason to go slower.
    pub fn told(&self, chat: ChatId, seconds: u32, now_us: i64) -> Option<Note> {
        if now_us < self.blocked_us {
            return None;
        }
        let since = now_us.saturating_sub(TOGETHER);
        let mut told = self.told.clone();
        told.retain(|it| it.at_us > since && it.chat != chat);
        told.push(Told { chat, at_us: now_us, until_us: wait_ends(now_us, seconds) });
        let mut note = Note {
            known_count: self.told_count,
            known_interval_us: self.interval_us,
            told,
            blocked_us: self.blocked_us,
            is_block: false,
            interval_us: self.interval_us,
            refused_us: self.refused_us,
            adapted_us: self.adapted_us,
        };
        if note.told.len() >= MANY {
            // The shortest of the waits: if it is the bot that has to wait, all say the same; if
            // not, it has not waited for long.
            let until = note.told.iter().map(|it| it.until_us).min().unwrap_or(now_us);
            note.blocked_us = until.max(now_us);
            note.is_block = true;
            note.interval_us = self.slower();
            note.refused_us = self.interval_us;
            note.adapted_us = note.blocked_us;
            note.told = Vec::new();
        }
        Some(note)
    }
}
