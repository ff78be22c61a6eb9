//! What is to be done, and when: the same for everybody.

use serde_json::{Value, json};

/// In how many groups alerts are sent.
pub const GROUPS: usize = 300;

/// The first so many of them are those out of which members are removed.
pub const LEFT: usize = 100;

/// How many alerts a burst has: each into a group of its own, because in one group even Telegram's
/// own limit would make them wait for minutes.
const BURST: usize = 200;

/// How Telegram measures its limits in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    /// 30 calls in any second.
    SlidingWindow,
    /// A bucket of 30 calls that fills evenly.
    TokenBucket,
    /// 25 in any second, and nobody was told.
    Hidden,
}

impl Temper {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::SlidingWindow, Self::TokenBucket, Self::Hidden];

    /// A short name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SlidingWindow => "sliding window",
            Self::TokenBucket => "token bucket",
            Self::Hidden => "hidden 25/s",
        }
    }

    /// The calls a second that are let through in the long run.
    #[must_use]
    pub const fn limit(self) -> f64 {
        match self {
            Self::SlidingWindow | Self::TokenBucket => 30.0,
            Self::Hidden => 25.0,
        }
    }

    /// The simulator's rules.
    #[must_use]
    pub fn rules(self) -> Value {
        match self {
            Self::SlidingWindow => json!({ "mode": "sliding_window" }),
            Self::TokenBucket => json!({ "mode": "token_bucket" }),
            Self::Hidden => json!({ "mode": "sliding_window", "hidden_bot_per_second": 25 }),
        }
    }
}

/// Why an alert is in a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of the steady stream.
    Steady,
    /// One of many at the same moment.
    Burst,
    /// One of as many, at one moment a minute later.
    SecondBurst,
    /// Into the group that Telegram blocks.
    Blocked,
    /// Into the group that sends too many.
    Busy,
}

/// An alert that a trader sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// When, in milliseconds since the load began.
    pub at_ms: i64,
    /// Into which group.
    pub group: usize,
    /// Why.
    pub kind: Kind,
}

/// What happens in one run.
#[derive(Clone, Debug)]
pub struct Load {
    /// Whether all who have left the [`LEFT`] groups are removed, from the first moment on.
    pub removals: bool,
    /// How often their messages were delivered before.
    pub deliveries: u32,
    /// The alerts, by time. The place in the list is the number by which one is recognised.
    pub alerts: Vec<Alert>,
    /// The group in which Telegram blocks for an hour: the methods, all that count where empty.
    pub blocked: Option<(usize, Vec<&'static str>)>,
    /// The run ends when all is done, and at this time at the latest.
    pub most_ms: i64,
}

/// The group that is blocked, or busy: the last, out of which nobody is removed.
const SPECIAL: usize = GROUPS - 1;

/// How long the alerts of a run without removals come.
const MINUTES: i64 = 2;

/// Alerts come at random, three a second on average (a Poisson process), into any of the groups but
/// the special one.
fn steady(seed: u64, for_ms: i64) -> Vec<Alert> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut at = 0.0;
    let next = std::iter::from_fn(|| {
        // `f64` gives less than one, so the logarithm is of more than nothing.
        at -= (1.0 - dice.f64()).ln() * 1_000.0 / 3.0;
        Some(Alert { at_ms: at as i64, group: dice.usize(..SPECIAL), kind: Kind::Steady })
    });
    next.take_while(|alert| alert.at_ms < for_ms).collect()
}

fn by_time(mut alerts: Vec<Alert>) -> Vec<Alert> {
    alerts.sort_by_key(|alert| alert.at_ms);
    alerts
}

impl Load {
    /// These alerts and nothing else.
    #[must_use]
    pub fn of(alerts: Vec<Alert>) -> Self {
        Self { alerts, ..Self::nothing(600_000) }
    }

    const fn nothing(most_ms: i64) -> Self {
        Self { removals: false, deliveries: 0, alerts: Vec::new(), blocked: None, most_ms }
    }

    /// The mass removal, with three alerts a second until `alerts_ms`.
    #[must_use]
    pub fn mass_removal(seed: u64, alerts_ms: i64) -> Self {
        let alerts = steady(seed, alerts_ms);
        Self { alerts, removals: true, ..Self::nothing(3_600_000) }
    }

    /// The mass removal after an outage, in which each of its messages was delivered twenty times.
    #[must_use]
    pub fn after_outage(seed: u64, alerts_ms: i64) -> Self {
        Self { deliveries: 20, ..Self::mass_removal(seed, alerts_ms) }
    }

    /// A burst of 200 alerts, into as many groups, a second one a minute later, and nothing else.
    #[must_use]
    pub fn bursts() -> Self {
        let bursts = [(0, Kind::Burst), (60_000, Kind::SecondBurst)]
            .map(|(at_ms, kind)| (0..BURST).map(move |group| Alert { at_ms, group, kind }));
        Self::of(bursts.into_iter().flatten().collect())
    }

    /// Three alerts a second, and one every ten seconds into one more group.
    #[must_use]
    pub fn calm(seed: u64) -> Self {
        let special = (0..MINUTES * 6).map(|number| Alert {
            at_ms: number * 10_000,
            group: SPECIAL,
            kind: Kind::Blocked,
        });
        let alerts = by_time(steady(seed, MINUTES * 60_000).into_iter().chain(special).collect());
        Self { alerts, ..Self::nothing((MINUTES + 2) * 60_000) }
    }

    /// The same, while Telegram refuses messages into that group for an hour.
    #[must_use]
    pub fn blocked_chat(seed: u64) -> Self {
        Self { blocked: Some((SPECIAL, vec!["sendMessage"])), ..Self::calm(seed) }
    }

    /// Three alerts a second, and one a second into one more group, which takes 20 a minute.
    #[must_use]
    pub fn busy_group(seed: u64) -> Self {
        let busy = (0..MINUTES * 60).map(|second| Alert {
            at_ms: second * 1_000,
            group: SPECIAL,
            kind: Kind::Busy,
        });
        let alerts = by_time(steady(seed, MINUTES * 60_000).into_iter().chain(busy).collect());
        Self { alerts, ..Self::nothing((MINUTES + 2) * 60_000) }
    }
}

/// By this an alert is recognised in what was posted.
#[must_use]
pub fn mark(number: usize) -> String {
    format!("bench {number}.")
}

/// The number of an alert in a text that was posted.
#[must_use]
pub fn marked(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once("bench ")?;
    rest.split_once('.')?.0.parse().ok()
}
