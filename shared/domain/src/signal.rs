//! What a trader signals: buy this, there, until then. A signal that contradicts itself is refused.

use serde::{Deserialize, Serialize};

use crate::price::Positive;
use crate::service::OutOfRange;
use crate::text::{Label, Note, Symbol};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Buy at the spot market.
    Buy,
    /// Sell at the spot market.
    Sell,
    /// Open a long position.
    Long,
    /// Open a short position.
    Short,
}

impl Action {
    /// Whether the trade wins when the price rises.
    pub const fn rises(self) -> bool {
        matches!(self, Self::Buy | Self::Long)
    }
}

/// How to enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderType {
    /// At the price there is.
    Market,
    /// At the entry price or better.
    Limit,
    /// When the entry price is reached.
    Stop,
}

/// How many times one's own money: 1 to 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Leverage(u32);

impl Leverage {
    /// Takes a whole number within the bounds.
    ///
    /// # Errors
    /// [`OutOfRange`] names them.
    pub fn new(number: i64) -> Result<Self, OutOfRange> {
        let refused = OutOfRange { least: 1, most: 500 };
        u32::try_from(number).ok().filter(|n| (1..=500).contains(n)).map(Self).ok_or(refused)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The fields of a signal, each sound by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields {
    /// What is traded.
    pub symbol: Symbol,
    /// What to do.
    pub action: Action,
    /// How to enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_type: Option<OrderType>,
    /// Where to enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Positive>,
    /// Where to take profit, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Positive>,
    /// Where to give up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_loss: Option<Positive>,
    /// How much borrowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leverage: Option<Leverage>,
    /// On which time frame it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeframe: Option<Label>,
    /// At which exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Label>,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

/// The most targets that a signal can have.
pub const MOST_TARGETS: usize = 10;

/// A contradiction between the fields of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// The stop lies where the trade wins.
    #[error("the stop is on the wrong side: a {side} loses {losing} its entry", side = side(*.rises), losing = if *.rises { "below" } else { "above" })]
    Stop {
        /// Whether the trade wins when the price rises.
        rises: bool,
    },
    /// A target lies where the trade loses.
    #[error("the target is on the wrong side: a {side} wins {winning} its entry", side = side(*.rises), winning = if *.rises { "above" } else { "below" })]
    Target {
        /// Which target, from 0.
        index: usize,
        /// Whether the trade wins when the price rises.
        rises: bool,
    },
    /// A limit or stop order without an entry price.
    #[error("a limit or stop order needs an entry price")]
    NoEntry,
    /// More targets than a message can show well.
    #[error("at most {MOST_TARGETS} targets")]
    TooManyTargets,
}

const fn side(rises: bool) -> &'static str {
    if rises { "buy" } else { "sell" }
}

/// A signal without contradictions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signal(Fields);

impl Signal {
    /// Takes the fields when they agree with each other. Without an entry price, stop and targets
    /// are held against each other.
    ///
    /// # Errors
    /// Every [`Contradiction`] at once.
    pub fn new(fields: Fields) -> Result<Self, Vec<Contradiction>> {
        let rises = fields.action.rises();
        let wins = |price: &Positive, from: &Positive| {
            if rises { price > from } else { price < from }
        };
        let mut faults = Vec::new();
        if fields.targets.len() > MOST_TARGETS {
            faults.push(Contradiction::TooManyTargets);
        }
        if matches!(fields.order_type, Some(OrderType::Limit | OrderType::Stop))
            && fields.entry.is_none()
        {
            faults.push(Contradiction::NoEntry);
        }
        if let Some((stop, entry)) = fields.stop_loss.as_ref().zip(fields.entry.as_ref())
            && !wins(entry, stop)
        {
            faults.push(Contradiction::Stop { rises });
        }
        if let Some(from) = fields.entry.as_ref().or(fields.stop_loss.as_ref()) {
            for (index, target) in fields.targets.iter().enumerate() {
                if !wins(target, from) {
                    faults.push(Contradiction::Target { index, rises });
                }
            }
        }
        if faults.is_empty() { Ok(Self(fields)) } else { Err(faults) }
    }

    /// The fields.
    pub const fn fields(&self) -> &Fields {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn price(text: &str) -> Positive {
        Positive::parse(text).unwrap()
    }

    fn fields(action: Action, entry: &str, targets: &[&str], stop: &str) -> Fields {
        Fields {
            symbol: Symbol::parse("BTC/USDT").unwrap(),
            action,
            order_type: None,
            entry: (!entry.is_empty()).then(|| price(entry)),
            targets: targets.iter().map(|text| price(text)).collect(),
            stop_loss: (!stop.is_empty()).then(|| price(stop)),
            leverage: None,
            timeframe: None,
            exchange: None,
            note: None,
        }
    }

    #[test]
    fn a_sound_signal_is_taken() {
        assert!(Signal::new(fields(Action::Long, "100", &["110", "120"], "90")).is_ok());
        assert!(Signal::new(fields(Action::Sell, "100", &["90", "80"], "110")).is_ok());
        assert!(Signal::new(fields(Action::Buy, "", &[], "")).is_ok());
    }

    #[test]
    fn every_contradiction_is_named_at_once() {
        let faults = Signal::new(fields(Action::Buy, "100", &["110", "95"], "101")).unwrap_err();
        assert_eq!(
            faults,
            [Contradiction::Stop { rises: true }, Contradiction::Target { index: 1, rises: true }]
        );
    }

    #[test]
    fn without_an_entry_stop_and_targets_are_held_against_each_other() {
        assert!(Signal::new(fields(Action::Buy, "", &["95"], "100")).is_err());
        assert!(Signal::new(fields(Action::Short, "", &["95"], "100")).is_ok());
    }

    #[test]
    fn a_limit_order_says_where() {
        let mut limit = fields(Action::Buy, "", &[], "");
        limit.order_type = Some(OrderType::Limit);
        assert_eq!(Signal::new(limit), Err(vec![Contradiction::NoEntry]));
    }

    proptest! {
        #[test]
        fn a_signal_and_its_mirror_image_are_both_sound_or_both_not(
            entry in 1_u32..1000, target in 1_u32..1000, stop in 1_u32..1000,
        ) {
            let text = |n: u32| n.to_string();
            let mirrored = |n: u32| (2000 - n).to_string();
            let up = fields(Action::Long, &text(entry), &[&text(target)], &text(stop));
            let down =
                fields(Action::Short, &mirrored(entry), &[&mirrored(target)], &mirrored(stop));
            prop_assert_eq!(Signal::new(up).is_ok(), Signal::new(down).is_ok());
        }
    }
}
