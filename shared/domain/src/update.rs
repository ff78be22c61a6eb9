//! What a trader says about an alert later: a target was hit, the stop moves, close it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::UpdateId;
use crate::post::Post;
use crate::price::Positive;
use crate::service::OutOfRange;
use crate::signal::MOST_TARGETS;
use crate::text::Note;

/// Which of an alert's targets: 1 to [`MOST_TARGETS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetNumber(u32);

impl TargetNumber {
    /// Takes a whole number within the bounds.
    ///
    /// # Errors
    /// [`OutOfRange`] names them.
    pub fn new(number: i64) -> Result<Self, OutOfRange> {
        let most = i64::try_from(MOST_TARGETS).unwrap_or(i64::MAX);
        let refused = OutOfRange { least: 1, most };
        u32::try_from(number)
            .ok()
            .filter(|it| (1..=most).contains(&i64::from(*it)))
            .map(Self)
            .ok_or(refused)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// That target's price, where the alert has one of this number.
    pub fn of(self, targets: &[Positive]) -> Option<&Positive> {
        targets.get(usize::try_from(self.0).ok()?.checked_sub(1)?)
    }
}

/// A part of a position in percent: more than 0, at most 100. The digits are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percent(Positive);

/// More than everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be at most 100")]
pub struct MoreThanAll;

impl Percent {
    /// Takes a positive decimal up to 100.
    ///
    /// # Errors
    /// [`MoreThanAll`].
    pub fn new(part: Positive) -> Result<Self, MoreThanAll> {
        let all = Positive::parse("100").map_err(|_| MoreThanAll)?;
        if part > all { Err(MoreThanAll) } else { Ok(Self(part)) }
    }

    /// The digits as they came.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// What is to be done about a signal, or what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Command {
    /// A target was reached.
    TpHit {
        /// Which one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<TargetNumber>,
        /// At which price, where it is not the target's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        price: Option<Positive>,
        /// How much of the position was closed there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        percent: Option<Percent>,
    },
    /// The stop loss moves.
    MoveSl {
        /// To this price.
        price: Positive,
    },
    /// The stop loss moves to where the position was entered.
    Breakeven {
        /// At this price, where it is not the alert's entry.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        price: Option<Positive>,
    },
    /// A part of the position is closed.
    PartialClose {
        /// How much of it.
        percent: Percent,
        /// At which price.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        price: Option<Positive>,
    },
    /// The position is closed.
    Close {
        /// At which price.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        price: Option<Positive>,
    },
    /// An order that was not filled is taken back.
    Cancel,
}

/// What an update says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "snake_case")]
pub enum Says {
    /// Something to act on.
    Command {
        /// What.
        command: Command,
        /// A remark about it, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remark: Option<Note>,
    },
    /// A text and nothing to act on.
    Note {
        /// The text.
        text: Note,
    },
}

/// One update of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Its id.
    pub id: UpdateId,
    /// What it says.
    pub says: Says,
    /// Its message.
    #[serde(flatten)]
    pub post: Post,
    /// The fingerprint of the request that made it: another body under the same key is refused.
    pub fingerprint: String,
}

/// What makes an update.
#[derive(Clone, Debug)]
pub struct NewUpdate {
    /// Its id.
    pub id: UpdateId,
    /// What it says.
    pub says: Says,
    /// The fingerprint of the request.
    pub fingerprint: String,
}

impl Update {
    /// An update that waits for its turn.
    pub(crate) fn queued(new: NewUpdate, now: Timestamp) -> Self {
        let NewUpdate { id, says, fingerprint } = new;
        Self { id, says, post: Post::queued(now), fingerprint }
    }

    /// What kind of update it is, as callers name it.
    pub const fn kind(&self) -> &'static str {
        match &self.says {
            Says::Note { .. } => "note",
            Says::Command { command, .. } => match command {
                Command::TpHit { .. } => "tp_hit",
                Command::MoveSl { .. } => "move_sl",
                Command::Breakeven { .. } => "breakeven",
                Command::PartialClose { .. } => "partial_close",
                Command::Close { .. } => "close",
                Command::Cancel => "cancel",
            },
        }
    }
}
