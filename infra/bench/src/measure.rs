//! What a run shows, read from Telegram's own log of calls: the same way for everybody.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::load::{Kind, Load, Temper, marked};

/// What a run shows. Times are milliseconds since it began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measures {
    /// Removals that were done.
    pub removed: usize,
    /// When the last of them was taken by Telegram.
    pub drained_ms: i64,
    /// Calls that count for the bot's limit, by the second in which Telegram took them.
    pub taken: Vec<u32>,
    /// Calls that Telegram refused with 429 in the first ten minutes.
    pub refused: usize,
    /// How long each alert waited from being sent until Telegram took it, sorted, by kind.
    pub waits: BTreeMap<String, Vec<i64>>,
    /// The steady alerts: when each was sent, and how long it waited.
    pub steady: Vec<(i64, i64)>,
    /// Alerts that were never posted within the run, by kind.
    pub missing: BTreeMap<String, usize>,
    /// Alerts that were posted more often than once.
    pub repeated: usize,
    /// Alerts that their sender was told by 429 to send later.
    pub turned_away: usize,
    /// Writes into the table of the limiter, refused ones included, where there is one.
    pub limiter_writes: Option<usize>,
}

/// Methods that cost nothing: reading.
const FREE: &str = "get";

/// In which stretch of a run 429s are counted.
const TEN_MINUTES: i64 = 600_000;

/// How long a hidden limit may go undiscovered.
pub const DISCOVERY_S: usize = 60;

fn name(kind: Kind) -> String {
    format!("{kind:?}").to_lowercase()
}

impl Measures {
    /// Reads the log of a run that began at this time (milliseconds since 1970). `turned_away` are
    /// the numbers of the alerts that were not accepted.
    #[must_use]
    pub fn read(calls: &Value, begin_ms: i64, load: &Load, turned_away: &[usize]) -> Self {
        let mut measures = Self { turned_away: turned_away.len(), ..Self::default() };
        let mut posted: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        for call in calls.as_array().into_iter().flatten() {
            let at = call.get("at").and_then(Value::as_i64).unwrap_or(0) - begin_ms;
            let text = |pointer: &str| call.pointer(pointer).and_then(Value::as_str).unwrap_or("");
            let code = call.get("code").and_then(Value::as_i64).unwrap_or(0);
            if code == 429 {
                measures.refused += usize::from(at < TEN_MINUTES);
                continue;
            }
            if text("/method").starts_with(FREE) {
                continue;
            }
            measures.count(at);
            if code != 200 {
                continue;
            }
            match text("/method") {
                "unbanChatMember" => {
                    measures.removed += 1;
                    measures.drained_ms = measures.drained_ms.max(at);
                }
                "sendMessage" => {
                    let Some(number) = marked(text("/args/text")) else { continue };
                    posted.entry(number).or_default().push(at);
                }
                _ => {}
            }
        }
        measures.look_at_alerts(load, &posted, turned_away);
        measures
    }

    fn count(&mut self, at: i64) {
        let second = usize::try_from(at / 1_000).unwrap_or(0);
        if self.taken.len() <= second {
            self.taken.resize(second + 1, 0);
        }
        if let Some(taken) = self.taken.get_mut(second) {
            *taken += 1;
        }
    }

    fn look_at_alerts(
        &mut self,
        load: &Load,
        posted: &BTreeMap<usize, Vec<i64>>,
        turned_away: &[usize],
    ) {
        for (number, alert) in load.alerts.iter().enumerate() {
            let times = posted.get(&number).map(Vec::as_slice).unwrap_or_default();
            self.repeated += times.len().saturating_sub(1);
            let Some(first) = times.first() else {
                if !turned_away.contains(&number) {
                    *self.missing.entry(name(alert.kind)).or_default() += 1;
                }
                continue;
            };
            let wait = first - alert.at_ms;
            self.waits.entry(name(alert.kind)).or_default().push(wait);
            if alert.kind == Kind::Steady {
                self.steady.push((alert.at_ms, wait));
            }
        }
        for waits in self.waits.values_mut() {
            waits.sort_unstable();
        }
    }

    /// The part of the limit that was used while there was work, from second `from` to the end of
    /// the removals. The second in which they end is left out.
    #[must_use]
    pub fn share(&self, temper: Temper, from: usize) -> f64 {
        let end = usize::try_from(self.drained_ms / 1_000).unwrap_or(0);
        let seconds = end.saturating_sub(from);
        let taken = self.taken.iter().take(end).skip(from);
        let taken: f64 = taken.map(|taken| f64::from(*taken)).sum();
        taken / (temper.limit() * (seconds.max(1)) as f64)
    }

    /// Writes of the limiter for each call that counts.
    #[must_use]
    pub fn writes_per_call(&self) -> Option<f64> {
        let calls: u32 = self.taken.iter().sum();
        self.limiter_writes.map(|writes| writes as f64 / f64::from(calls.max(1)))
    }

    /// The wait that all but so many of a hundred alerts of a kind stay below, in milliseconds.
    #[must_use]
    pub fn percentile(&self, kind: Kind, percent: usize) -> Option<i64> {
        let waits = self.waits.get(&name(kind))?;
        let at = (waits.len() * percent).div_ceil(100).saturating_sub(1);
        waits.get(at).copied()
    }

    /// When the last alert of a burst was taken, since the burst.
    #[must_use]
    pub fn burst_ms(&self, kind: Kind) -> Option<i64> {
        self.percentile(kind, 100)
    }

    /// How many alerts of a kind were posted.
    #[must_use]
    pub fn posted(&self, kind: Kind) -> usize {
        self.waits.get(&name(kind)).map_or(0, Vec::len)
    }

    /// How many of them were not.
    #[must_use]
    pub fn missing(&self, kind: Kind) -> usize {
        self.missing.get(&name(kind)).copied().unwrap_or(0)
    }
}
