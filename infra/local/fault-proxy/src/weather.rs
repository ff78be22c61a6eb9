//! What is to go wrong, and how often.

use serde::Deserialize;

/// What is to go wrong. Everything that is left out is zero: all is calm.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weather {
    /// From where chance is drawn: the same seed draws the same fates in the same order of calls.
    pub seed: u64,
    /// The functions' calls to AWS.
    pub aws: Odds,
    /// The functions' calls to Telegram.
    pub telegram: Odds,
    /// Calls to the API: those of traders and storefronts, and Telegram's to the webhook.
    pub api: Odds,
    /// Times in which every call of one operation fails, so that repeating it at once does not help.
    pub gusts: Gusts,
    /// Functions that are killed.
    pub kills: Kills,
}

/// How likely something goes wrong with a call, from 0 to 1 each; together at most 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Odds {
    /// The connection is closed before the call is forwarded.
    pub drop_before: f64,
    /// The call is forwarded and done; the connection is closed without an answer.
    pub drop_after: f64,
    /// The call is answered with a 500 and not forwarded.
    pub refuse: f64,
    /// The call is forwarded late.
    pub delay: f64,
    /// How late at most, in milliseconds.
    pub delay_ms: u64,
}

/// Times in which every call of one operation fails. On the average; zero means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gusts {
    /// From one to the next, in milliseconds.
    pub every_ms: u64,
    /// How long one lasts, in milliseconds.
    pub last_ms: u64,
}

/// Functions that are killed (`SIGKILL`). On the average; zero means never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kills {
    /// From one to the next, in milliseconds.
    pub every_ms: u64,
}

impl Weather {
    /// Whether all numbers make sense.
    pub(crate) fn is_possible(&self) -> bool {
        [self.aws, self.telegram, self.api].iter().all(|odds| {
            let parts = [odds.drop_before, odds.drop_after, odds.refuse, odds.delay];
            parts.iter().all(|part| (0.0..=1.0).contains(part)) && parts.iter().sum::<f64>() <= 1.0
        })
    }
}
