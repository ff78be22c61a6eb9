//! Cursors: the keys at which a page ended, made opaque.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::port::{Cursor, StoreError};

/// The longest key that DynamoDB takes (Amazon DynamoDB, "Quotas": 1024 bytes for a sort key, and
/// our partition keys are shorter).
const LONGEST: usize = 1024;

impl Cursor {
    /// The cursor of a page that ended at these keys.
    pub fn at<const N: usize>(keys: [&str; N]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Value::from(keys.to_vec()).to_string()))
    }

    /// The keys at which the page ended.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`] for a text that was never given out. One that was made up well is
    /// taken: it only says where in a list to begin, never in which.
    pub fn keys<const N: usize>(&self) -> Result<[String; N], StoreError> {
        let text = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| StoreError::BadCursor)?;
        let keys: Vec<String> = serde_json::from_slice(&text).map_err(|_| StoreError::BadCursor)?;
        if keys.iter().any(|key| key.is_empty() || key.len() > LONGEST) {
            return Err(StoreError::BadCursor);
        }
        keys.try_into().map_err(|_| StoreError::BadCursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_keys() {
        let keys = ["2026-01-02T03:04:05.000000000Z#ß\"[", "chat#-1001"];
        assert_eq!(Cursor::at(keys).keys::<2>().unwrap(), keys);
    }

    #[test]
    fn what_was_never_given_out_is_refused() {
        let long = "x".repeat(LONGEST + 1);
        for bad in [
            Cursor(String::new()),
            Cursor("not base64!".to_owned()),
            Cursor(URL_SAFE_NO_PAD.encode("{}")),
            Cursor(URL_SAFE_NO_PAD.encode([0xff, 0xfe])),
            Cursor(URL_SAFE_NO_PAD.encode("[1,2]")),
            Cursor::at(["one"]),
            Cursor::at(["one", "two", "three"]),
            Cursor::at(["", "two"]),
            Cursor::at([long.as_str(), "two"]),
        ] {
            assert!(matches!(bad.keys::<2>(), Err(StoreError::BadCursor)), "{bad:?}");
        }
    }
}
