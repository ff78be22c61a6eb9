//! The bot token: who has it is the bot.

use std::fmt;

use domain::ids::UserId;

/// A bot token, `<bot's user id>:<secret>`.
///
/// It has no `Display`, and `Debug` hides it. Only the client of this crate can read it.
#[derive(Clone)]
pub struct BotToken {
    whole: String,
    bot: UserId,
}

/// The text is not a bot token. The text itself is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a bot token: it has to look like 123456:AbC-dEf_…")]
pub struct BadToken;

impl BotToken {
    /// Reads a token; white space around it is dropped, because files end in a line feed.
    ///
    /// # Errors
    /// [`BadToken`] unless it is a positive number, a colon, and 8 to 128 of `A-Za-z0-9_-`.
    /// (Telegram's secrets have 35 characters; a test server may use others.)
    pub fn parse(text: &str) -> Result<Self, BadToken> {
        let whole = text.trim();
        let (digits, secret) = whole.split_once(':').ok_or(BadToken)?;
        let number: i64 = digits.parse().map_err(|_| BadToken)?;
        let is_plain = number > 0 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_secret = (8..=128).contains(&secret.len())
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if is_plain && is_secret {
            Ok(Self { whole: whole.to_owned(), bot: UserId::new(number) })
        } else {
            Err(BadToken)
        }
    }

    /// The bot's own account: Telegram writes its number before the colon.
    pub fn bot_id(&self) -> UserId {
        self.bot
    }

    /// The token as it stands in an address.
    pub(crate) fn in_address(&self) -> &str {
        &self.whole
    }

    /// Takes the token out of a text. The secret is looked for on its own, so that a token whose
    /// colon is escaped (`%3A`) is found as well.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let secret = self.whole.split_once(':').map_or(self.whole.as_str(), |(_, secret)| secret);
        text.replace(self.whole.as_str(), "[token]").replace(secret, "[token]")
    }
}

impl fmt::Debug for BotToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BotToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_bot_and_hides_itself() {
        let token = BotToken::parse("100:test-token\n").unwrap();
        assert_eq!(token.bot_id(), UserId::new(100));
        assert_eq!(token.in_address(), "100:test-token");
        assert_eq!(format!("{token:?}"), "BotToken(…)");
    }

    #[test]
    fn what_is_not_a_token_is_refused_and_not_repeated() {
        for text in [
            "",
            ":",
            "100",
            "100:",
            "100:short",
            ":test-token",
            "abc:test-token",
            "-100:test-token",
            "+100:test-token",
            "0:test-token",
            "99999999999999999999:test-token",
            "100:test/token",
            "100:test token",
            "100:test-token:more",
        ] {
            let error = BotToken::parse(text).unwrap_err();
            assert!(!error.to_string().contains("test"), "{text}");
        }
    }

    #[test]
    fn a_token_is_found_whole_in_parts_and_escaped() {
        let token = BotToken::parse("100:test-token").unwrap();
        assert_eq!(token.scrub("GET /bot100:test-token/getMe"), "GET /bot[token]/getMe");
        assert_eq!(token.scrub("/bot100%3Atest-token/x"), "/bot100%3A[token]/x");
        assert_eq!(token.scrub("nothing"), "nothing");
    }
}
