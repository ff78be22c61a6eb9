//! Reading fields that may be missing, empty, or of a form that is not known yet.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads a field that is not needed: what cannot be read is as if it were not there, so that a
/// change of Telegram's in a side field costs that field and not the whole update. Use it together
/// with `default`, because Telegram leaves out what is false, zero or empty.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// Reads a moment that is not needed, in Unix seconds; zero means none.
pub(crate) fn moment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let seconds: i64 = or_default(deserializer)?;
    Ok(Timestamp::from_second(seconds).ok().filter(|_| seconds != 0))
}
