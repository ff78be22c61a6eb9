//! A Telegram account.

use std::fmt;

use domain::ids::UserId;
use serde::Deserialize;

use super::lenient;

/// A Telegram account, a person's or a bot's (Bot API, `User`). `Debug` shows nothing that says who
/// it is.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// The account's number, the only thing to know it by: names change hands.
    pub id: UserId,
    /// Whether it is a bot's.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub is_bot: bool,
    /// The first name; can be empty.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub first_name: String,
    /// The user name, without `@`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub username: Option<String>,
    /// The language of the person's client, an IETF tag such as `de` or `pt-br`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub language_code: Option<String>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("is_bot", &self.is_bot)
            .field("language_code", &self.language_code)
            .finish_non_exhaustive()
    }
}
