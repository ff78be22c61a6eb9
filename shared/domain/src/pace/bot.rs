//! The pace of the whole bot: the generic cell rate algorithm. `tat_us`, the theoretical arrival
//! time, is the first moment that no call has taken yet; a take moves it on by an interval for each
//! of its turns and is never undone, so the order of the table is the order of the turns.

use serde::{Deserialize, Serialize};

use super::told::Told;
use super::{MILLISECOND, SECOND};

/// The interval to start with, and the shortest: 27 calls a second. In whatever order senders take
/// turns, calls that are made up to 110 ms off their turns, by clocks that differ or by a slow
/// network, still keep to 30 in every second: 1,000 + 110 = 30 × 37.
pub(super) const START_INTERVAL: i64 = 37 * MILLISECOND;
/// Never slower than one call a second for want of a 429.
const MOST_INTERVAL: i64 = SECOND;
/// After each such stretch without a 429 the interval shrinks, by three per cent.
const QUIET: i64 = 5 * SECOND;
/// Near the pace at which Telegram last refused, it shrinks only after each such stretch: each time it
/// is too short costs everybody a wait.
const QUIET_NEAR: i64 = 120 * SECOND;
/// Near means: longer than that by less than so many per cent.
const NEAR: i64 = 8;
/// One take books no more than so much time, however long the interval is.
const MOST_BOOKED: i64 = SECOND;
/// One turn in so many is housekeeping's, however many alerts wait.
const SHARE: i64 = 10;

/// Whose clock is so far behind that of the last who took turns takes none before they know it.
const LAG: i64 = 50 * MILLISECOND;

/// Who takes turns, and so how far ahead: what looks further ahead queues up in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// What people wait for.
    Alerts,
    /// Everything else: what is left over, and a tenth in any case.
    Housekeeping,
    /// A caller waits for the answer of this very call.
    Answer,
}

impl Claim {
    const fn ahead(self) -> i64 {
        match self {
            Self::Alerts => 8 * SECOND,
            Self::Housekeeping => 50 * MILLISECOND,
            Self::Answer => 2 * SECOND,
        }
    }

    const fn most_turns(self) -> i64 {
        match self {
            Self::Alerts => 10,
            Self::Housekeeping => 3,
            Self::Answer => 1,
        }
    }
}

/// The pace of the whole bot, as it stands in the table. What is absent there is 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BotPace {
    /// The first moment that is not taken.
    pub tat_us: i64,
    /// When housekeeping may next take a share although others are in front.
    pub reserve_us: i64,
    /// No call before this.
    pub blocked_us: i64,
    /// How often the bot was blocked: each time makes void what turns there were, and they are given
    /// out anew.
    pub blocks: i64,
    /// How far turns lie apart.
    pub interval_us: i64,
    /// The interval at which several chats last answered 429; 0 as long as none did.
    pub refused_us: i64,
    /// Since when the interval has been what it is, or the end of the last block.
    pub adapted_us: i64,
    /// What the clock of the last who took turns said: see `Limiter` on clocks that differ.
    pub clock_us: i64,
    /// Chats that answered 429 lately: of several, it means the bot.
    pub told: Vec<Told>,
    /// How often something was noted: whoever notes the next thing has seen all before.
    pub told_count: i64,
}

impl Default for BotPace {
    fn default() -> Self {
        Self {
            tat_us: 0,
            reserve_us: 0,
            blocked_us: 0,
            blocks: 0,
            interval_us: START_INTERVAL,
            refused_us: 0,
            adapted_us: 0,
            clock_us: 0,
            told: Vec::new(),
            told_count: 0,
        }
    }
}

/// On which condition turns are taken, and where they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Nobody is in front: `tat ≤ now`. They begin now.
    Idle,
    /// Others are in front, but not beyond this moment: `now < tat ≤ until`. They begin at `tat`.
    Busy {
        /// The moment.
        until_us: i64,
    },
    /// However many are in front, if the last share is long enough ago: `now < tat`,
    /// `reserve ≤ now`. They begin at `tat`.
    Share,
}

/// Takes turns, on condition that the bot is not blocked, its interval is the one that was known,
/// the taker's clock is not behind, and the [`Form`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Take {
    /// The form.
    pub form: Form,
    /// What time it is for who takes them.
    pub now_us: i64,
    /// How many.
    pub turns: i64,
    /// The interval that must stand there.
    pub known_interval_us: i64,
    /// The interval from now on: shorter, after a quiet time.
    pub interval_us: i64,
}

impl Take {
    /// The latest time that the clock of the last taker may have shown.
    pub const fn latest_clock_us(&self) -> i64 {
        self.now_us.saturating_add(LAG)
    }

    /// How far the taken turns move the `tat`.
    pub const fn booked_us(&self) -> i64 {
        self.turns.saturating_mul(self.interval_us)
    }

    /// When housekeeping may take its next share; `None` where this take is none.
    pub const fn next_reserve_us(&self) -> Option<i64> {
        match self.form {
            Form::Share => Some(self.now_us.saturating_add(SHARE.saturating_mul(self.booked_us()))),
            Form::Idle | Form::Busy { .. } => None,
        }
    }

    /// Whether it can be the first to make the item.
    pub const fn can_begin(&self) -> bool {
        matches!(self.form, Form::Idle) && self.known_interval_us == START_INTERVAL
    }

    /// What stands there afterwards; `None` when the condition does not hold.
    pub fn apply(&self, there: Option<&BotPace>) -> Option<BotPace> {
        let new = BotPace::default();
        let old = match there {
            Some(old) => old,
            None if self.can_begin() => &new,
            None => return None,
        };
        let now = self.now_us;
        let holds = old.blocked_us <= now
            && old.clock_us <= self.latest_clock_us()
            && old.interval_us == self.known_interval_us
            && match self.form {
                Form::Idle => old.tat_us <= now,
                Form::Busy { until_us } => now < old.tat_us && old.tat_us <= until_us,
                Form::Share => now < old.tat_us && old.reserve_us <= now,
            };
        holds.then(|| BotPace {
            tat_us: self.begins(old).saturating_add(self.booked_us()),
            reserve_us: self.next_reserve_us().unwrap_or(old.reserve_us),
            interval_us: self.interval_us,
            adapted_us: if self.adapts() { now } else { old.adapted_us },
            clock_us: now,
            ..old.clone()
        })
    }

    /// Whether it shortens the interval.
    pub const fn adapts(&self) -> bool {
        self.interval_us != self.known_interval_us
    }

    /// When the taken turns are, on what stood there before.
    pub fn turns_on(&self, before: Option<&BotPace>) -> impl Iterator<Item = i64> + use<> {
        let (begin, interval) =
            (before.map_or(self.now_us, |old| self.begins(old)), self.interval_us);
        (0..self.turns).map(move |turn| begin.saturating_add(turn.saturating_mul(interval)))
    }

    const fn begins(&self, old: &BotPace) -> i64 {
        match self.form {
            Form::Idle => self.now_us,
            Form::Busy { .. } | Form::Share => old.tat_us,
        }
    }
}

impl BotPace {
    /// The take that has a chance on what is known, of as many turns as are wanted or the claim
    /// allows; or when to ask again. It is as late as the latest clock that is known says.
    ///
    /// # Errors
    /// The moment before which there is no turn.
    pub fn plan(&self, claim: Claim, wanted: usize, now_us: i64) -> Result<Take, i64> {
        let now_us = now_us.max(self.clock_us);
        if self.blocked_us > now_us {
            return Err(self.blocked_us);
        }
        let until_us = now_us.saturating_add(claim.ahead());
        let form = if self.tat_us <= now_us {
            Form::Idle
        } else if self.tat_us <= until_us {
            Form::Busy { until_us }
        } else {
            let left_over = self.tat_us.saturating_sub(claim.ahead());
            match claim {
                Claim::Housekeeping if self.reserve_us <= now_us => Form::Share,
                Claim::Housekeeping => return Err(left_over.min(self.reserve_us)),
                Claim::Alerts | Claim::Answer => return Err(left_over),
            }
        };
        let interval_us = self.interval_after_quiet(now_us);
        let wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
        let most = claim.most_turns().min(MOST_BOOKED.checked_div(interval_us).unwrap_or(1));
        Ok(Take {
            form,
            now_us,
            turns: wanted.clamp(1, most.max(1)),
            known_interval_us: self.interval_us,
            interval_us,
        })
    }

    /// Three per cent less for each quiet stretch, never less than at the start. The stretches are
    /// longer where it nears what Telegram refused.
    fn interval_after_quiet(&self, now_us: i64) -> i64 {
        let mut quiet = now_us.saturating_sub(self.adapted_us);
        let mut interval = self.interval_us;
        while interval > START_INTERVAL {
            let shorter = (interval.saturating_mul(97) / 100).max(START_INTERVAL);
            quiet = quiet.saturating_sub(if self.is_near(shorter) { QUIET_NEAR } else { QUIET });
            if quiet < 0 {
                break;
            }
            interval = shorter;
        }
        interval
    }

    /// Whether an interval is one at which Telegram may refuse again.
    const fn is_near(&self, interval_us: i64) -> bool {
        interval_us.saturating_mul(100) < self.refused_us.saturating_mul(100 + NEAR)
    }

    /// The interval after a 429 that means the bot: 20 % longer, or 8 % where Telegram refused at much
    /// the same pace before: then the limit is not far.
    pub(super) fn slower(&self) -> i64 {
        let more = if self.is_near(self.interval_us) { NEAR } else { 20 };
        (self.interval_us.saturating_mul(100 + more) / 100).min(MOST_INTERVAL)
    }
}
