//! What becomes of a call.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::operation::Way;
use crate::weather::{Odds, Weather};

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// It is forwarded and answered.
    Done,
    /// The connection is closed before it is forwarded.
    DropBefore,
    /// It is forwarded; the connection is closed without an answer.
    DropAfter,
    /// It is answered with a 500 and not forwarded.
    Refuse,
    /// It is forwarded after a while.
    Delay(Duration),
    /// The process that makes it is killed instead.
    KillBefore,
    /// It is forwarded; then the process that makes it is killed.
    KillAfter,
}

impl Fate {
    /// The name in the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::DropBefore => "drop before",
            Self::DropAfter => "drop after",
            Self::Refuse => "500",
            Self::Delay(_) => "delay",
            Self::KillBefore => "kill before the call",
            Self::KillAfter => "kill after the call",
        }
    }
}

/// Draws fates.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    weather: Weather,
    /// One for each way, so that calls of one way do not change what is drawn for another.
    dice: [fastrand::Rng; 3],
    own: fastrand::Rng,
    gust: Option<Gust>,
    /// A kill that waits for the next call of a function.
    armed: Option<Fate>,
    seen: BTreeSet<(Way, String)>,
}

#[derive(Debug)]
struct Gust {
    of: (Way, String),
    fate: Fate,
    until: Instant,
}

impl Fates {
    /// Begins anew with this weather.
    pub(crate) fn set(&mut self, weather: Weather) {
        let mut seeds = fastrand::Rng::with_seed(weather.seed);
        *self = Self {
            dice: std::array::from_fn(|_| seeds.fork()),
            own: seeds.fork(),
            weather,
            seen: std::mem::take(&mut self.seen),
            ..Self::default()
        };
    }

    pub(crate) const fn weather(&self) -> &Weather {
        &self.weather
    }

    /// Draws the fate of a call. A kill is only drawn where `can_die`: the caller is a function.
    pub(crate) fn draw(&mut self, way: Way, operation: &str, can_die: bool) -> Fate {
        let kind = (way, operation.to_owned());
        if !self.seen.contains(&kind) {
            self.seen.insert(kind.clone());
        }
        if can_die && let Some(kill) = self.armed.take() {
            return kill;
        }
        if let Some(gust) = &self.gust {
            if gust.until <= Instant::now() {
                self.gust = None;
            } else if gust.of == kind {
                return gust.fate;
            }
        }
        let (odds, dice) = match (way, &mut self.dice) {
            (Way::Aws, [dice, _, _]) => (self.weather.aws, dice),
            (Way::Telegram, [_, dice, _]) => (self.weather.telegram, dice),
            (Way::Api, [_, _, dice]) => (self.weather.api, dice),
        };
        pick(odds, dice)
    }

    /// Lets the calls of one operation fail for a while.
    pub(crate) fn begin_gust(&mut self) {
        let seen: Vec<_> = self.seen.iter().cloned().collect();
        let Some(of) = self.own.choice(seen) else { return };
        let fates = [Fate::DropBefore, Fate::DropAfter, Fate::Refuse];
        let fate = self.own.choice(fates).unwrap_or(Fate::Refuse);
        let last = self.around(self.weather.gusts.last_ms);
        self.gust = Some(Gust { of, fate, until: Instant::now() + last });
    }

    /// A kill: at the next call of a function (before or after it), or `None`: at this moment.
    pub(crate) fn arm_kill(&mut self) -> bool {
        let fates = [Some(Fate::KillBefore), Some(Fate::KillAfter), None];
        self.armed = self.own.choice(fates).flatten();
        self.armed.is_some()
    }

    /// One of so many.
    pub(crate) fn one_of(&mut self, count: usize) -> usize {
        self.own.usize(0..count.max(1))
    }

    /// A time that is `ms` on the average: from half to one and a half of it.
    pub(crate) fn around(&mut self, ms: u64) -> Duration {
        Duration::from_millis(ms / 2 + self.own.u64(0..=ms))
    }
}

fn pick(odds: Odds, dice: &mut fastrand::Rng) -> Fate {
    // Both are drawn always, so that one weather's draws do not depend on another's numbers.
    let (mut drawn, wait) = (dice.f64(), dice.f64());
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "milliseconds of a delay are far below 2^52"
    )]
    let delay = Fate::Delay(Duration::from_millis((odds.delay_ms as f64 * wait) as u64));
    for (fate, odds) in [
        (Fate::DropBefore, odds.drop_before),
        (Fate::DropAfter, odds.drop_after),
        (Fate::Refuse, odds.refuse),
        (delay, odds.delay),
    ] {
        if drawn < odds {
            return fate;
        }
        drawn -= odds;
    }
    Fate::Done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stormy(seed: u64) -> Fates {
        let odds =
            Odds { drop_before: 0.1, drop_after: 0.2, refuse: 0.1, delay: 0.2, delay_ms: 50 };
        let mut fates = Fates::default();
        fates.set(Weather { seed, aws: odds, ..Weather::default() });
        fates
    }

    #[test]
    fn the_same_seed_draws_the_same_fates() {
        let drawn = |seed| {
            let mut fates = stormy(seed);
            (0..500).map(|_| fates.draw(Way::Aws, "PutItem", false)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        let count = |wanted: &str| drawn(7).iter().filter(|fate| fate.name() == wanted).count();
        assert!((60..140).contains(&count("drop after")), "{}", count("drop after"));
        assert!((150..250).contains(&count("done")), "{}", count("done"));
    }

    #[test]
    fn all_is_calm_until_it_is_told_otherwise() {
        let mut fates = Fates::default();
        for way in [Way::Aws, Way::Telegram, Way::Api] {
            assert_eq!(fates.draw(way, "PutItem", true), Fate::Done);
        }
        let mut fates = stormy(7);
        assert!((0..100).all(|_| fates.draw(Way::Telegram, "getChat", true) == Fate::Done));
    }

    #[test]
    fn a_kill_waits_for_a_function() {
        let mut fates = Fates::default();
        while !fates.arm_kill() {}
        assert_eq!(fates.draw(Way::Api, "webhook", false), Fate::Done);
        let fate = fates.draw(Way::Aws, "PutItem", true);
        assert!(matches!(fate, Fate::KillBefore | Fate::KillAfter), "{fate:?}");
        assert_eq!(fates.draw(Way::Aws, "PutItem", true), Fate::Done);
    }
}
