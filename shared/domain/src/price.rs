//! Prices and money: decimals that keep the digits they came with.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Why a decimal was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not written in plain decimal digits (`NaN`, exponents, signs, commas, placeholders).
    #[error("must be a decimal number in plain digits, such as \"64250.50\"")]
    Form,
    /// Zero.
    #[error("must be greater than zero")]
    Zero,
    /// More digits than can be held exactly.
    #[error("must have at most 20 digits")]
    TooLong,
}

/// A positive decimal, kept digit for digit: `1.10` stays `1.10`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Positive {
    text: String,
    value: Decimal,
}

impl Positive {
    /// Takes plain digits with at most one decimal point.
    ///
    /// # Errors
    /// [`DecimalError`] says what does not fit.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let text = text.trim();
        let (whole, part) = match text.split_once('.') {
            Some((whole, part)) => (whole, Some(part)),
            None => (text, None),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || part.is_some_and(|part| !digits(part)) {
            return Err(DecimalError::Form);
        }
        if whole.len() + part.map_or(0, str::len) > 20 {
            return Err(DecimalError::TooLong);
        }
        let value = Decimal::from_str_exact(text).map_err(|_| DecimalError::Form)?;
        if value.is_zero() {
            return Err(DecimalError::Zero);
        }
        Ok(Self { text: text.to_owned(), value })
    }

    /// The digits as they came.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Positive {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Positive {}

impl PartialOrd for Positive {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Positive {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl TryFrom<String> for Positive {
    type Error = DecimalError;

    fn try_from(text: String) -> Result<Self, DecimalError> {
        Self::parse(&text)
    }
}

impl From<Positive> for String {
    fn from(positive: Positive) -> Self {
        positive.text
    }
}

/// A currency code of three capital letters (ISO 4217, or a crypto ticker of that length or four).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Currency(String);

/// The text is no currency code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a currency code such as \"USD\"")]
pub struct NotACurrency;

impl Currency {
    /// Takes three or four capital letters.
    ///
    /// # Errors
    /// [`NotACurrency`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotACurrency> {
        let fits = matches!(text.len(), 3 | 4) && text.bytes().all(|b| b.is_ascii_uppercase());
        if fits { Ok(Self(text.to_owned())) } else { Err(NotACurrency) }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a service costs. A free service is not sold, so the amount is above zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// How much.
    pub amount: Positive,
    /// Of what.
    pub currency: Currency,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_are_kept_and_values_compared() {
        let short = Positive::parse("1.1").unwrap();
        let long = Positive::parse("1.10000").unwrap();
        assert_eq!(short, long);
        assert_eq!(long.as_str(), "1.10000");
        assert!(Positive::parse("64250").unwrap() > Positive::parse("9999.5").unwrap());
    }

    #[test]
    fn what_is_not_a_plain_positive_decimal_is_refused() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e5", "NaN", "1,000", "{{close}}", "1.2.3"] {
            assert_eq!(Positive::parse(text), Err(DecimalError::Form), "{text}");
        }
        assert_eq!(Positive::parse("0.000"), Err(DecimalError::Zero));
        assert_eq!(Positive::parse(&"1".repeat(21)), Err(DecimalError::TooLong));
        assert_eq!(Positive::parse(&format!("1.{}", "1".repeat(20))), Err(DecimalError::TooLong));
        assert!(Positive::parse(&"1".repeat(20)).is_ok());
    }

    #[test]
    fn currencies_are_codes() {
        assert!(Currency::parse("USD").is_ok() && Currency::parse("USDT").is_ok());
        for text in ["", "usd", "US", "DOLLAR", "U$D"] {
            assert_eq!(Currency::parse(text), Err(NotACurrency), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}") {
            if let Ok(price) = Positive::parse(&text) {
                prop_assert_eq!(price.as_str(), text.trim());
            }
        }

        #[test]
        fn every_plain_positive_number_is_kept(whole in 1_u64..1_000_000_000, part in "[0-9]{1,8}") {
            let text = format!("{whole}.{part}");
            let price = Positive::parse(&text).unwrap();
            prop_assert_eq!(price.as_str(), text);
        }
    }
}
