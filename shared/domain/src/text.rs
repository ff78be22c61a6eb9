//! Bounded texts: what people write, checked once, held as a type of its own.

use serde::{Deserialize, Serialize};

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// More characters than `most`.
    #[error("must have at most {most} characters")]
    TooLong {
        /// How many are allowed.
        most: usize,
    },
    /// Control characters, which no message shows.
    #[error("must not contain control characters")]
    Control,
    /// A template that was not filled in, such as `{{close}}` from TradingView.
    #[error("contains a placeholder that was not filled in")]
    Placeholder,
    /// Not of the form that this text needs.
    #[error("must be {0}")]
    Form(&'static str),
}

/// Trims and checks. Line breaks pass only when `lines` is set. The length is that of the text as it
/// came: so it is counted in every schema.
fn check(given: &str, most: usize, lines: bool) -> Result<&str, TextError> {
    let text = given.trim();
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    if given.chars().count() > most {
        return Err(TextError::TooLong { most });
    }
    if text.chars().any(|c| c.is_control() && !(lines && c == '\n')) {
        return Err(TextError::Control);
    }
    if text.contains("{{") {
        return Err(TextError::Placeholder);
    }
    Ok(text)
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $most:expr, lines: $lines:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Trims and takes the text.
            ///
            /// # Errors
            /// [`TextError`] when it is empty, too long, or holds what no message can show.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                check(text, $most, $lines).map(|text| Self(text.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

text!(
    /// The name of a service: also the title of its group, so 1–128 characters
    /// (Telegram Bot API, `setChatTitle`).
    ServiceName, 128, lines: false
);
text!(
    /// What a service says about itself: also the group's description, so at most 255 characters
    /// (Telegram Bot API, `setChatDescription`).
    Description, 255, lines: true
);
text!(
    /// The name of an invite link: 1–32 characters. Telegram cuts longer ones without a word
    /// (Bot API, `createChatInviteLink`), so they are refused here.
    LinkName, 32, lines: false
);
text!(
    /// A trader's remark on an alert.
    Note, 1000, lines: true
);
text!(
    /// Time frame or exchange of an alert.
    Label, 32, lines: false
);
text!(
    /// A caller's own name for an alert or a payment.
    Reference, 255, lines: false
);

/// An e-mail address. Personal: its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Takes `local@domain` of at most 254 characters (RFC 5321, section 4.5.3.1). Whether a
    /// mailbox stands behind it is for the first mail to find out.
    ///
    /// # Errors
    /// [`TextError::Form`] for anything else.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let refused = TextError::Form("an e-mail address");
        let (local, host) = text.rsplit_once('@').ok_or(refused)?;
        let fits = !local.is_empty()
            && text.len() <= 254
            && host.contains('.')
            && !host.starts_with('.')
            && !host.ends_with('.')
            && text.chars().all(|c| !c.is_whitespace() && !c.is_control());
        if fits { Ok(Self(text.to_owned())) } else { Err(refused) }
    }

    /// The address, for sending mail only.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(…)")
    }
}

/// What is traded: `BTC/USDT`, `EURUSD`, `NASDAQ:AAPL`. Upper case, 1–32 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Symbol(String);

impl Symbol {
    /// Trims, raises to upper case and takes letters, digits and `/ : . _ - ! & ^`.
    ///
    /// # Errors
    /// [`TextError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = check(text, 32, false)?;
        if text.chars().all(|c| c.is_ascii_alphanumeric() || "/:._-!&^".contains(c)) {
            Ok(Self(text.to_ascii_uppercase()))
        } else {
            Err(TextError::Form("a symbol such as BTC/USDT"))
        }
    }

    /// The symbol.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The address of a picture: `https`, at most 2,048 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageUrl(String);

impl ImageUrl {
    /// Takes an `https` URL with a host name. Telegram fetches it, not Usher.
    ///
    /// # Errors
    /// [`TextError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = check(text, 2048, false)?;
        let refused = TextError::Form("an https URL");
        let host = text.strip_prefix("https://").ok_or(refused)?.split(['/', '?', '#']).next();
        let fits = host.is_some_and(|host| !host.is_empty() && !host.contains('@'))
            && text.chars().all(|c| c.is_ascii_graphic() && !"<>\"\\^`{|}".contains(c));
        if fits { Ok(Self(text.to_owned())) } else { Err(refused) }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(ServiceName::parse("  Gold  ").unwrap().as_str(), "Gold");
        assert_eq!(ServiceName::parse(" \t"), Err(TextError::Empty));
        assert!(ServiceName::parse(&"ä".repeat(128)).is_ok());
        assert_eq!(ServiceName::parse(&"ä".repeat(129)), Err(TextError::TooLong { most: 128 }));
        let padded = format!("{:<129}", "Gold");
        assert_eq!(ServiceName::parse(&padded), Err(TextError::TooLong { most: 128 }));
        assert_eq!(ServiceName::parse("a\nb"), Err(TextError::Control));
        assert!(Description::parse("a\nb").is_ok());
    }

    #[test]
    fn an_unfilled_template_is_refused_wherever_text_goes() {
        assert_eq!(Note::parse("at {{close}}"), Err(TextError::Placeholder));
        assert_eq!(Symbol::parse("{{ticker}}"), Err(TextError::Placeholder));
    }

    #[test]
    fn addresses_have_a_mailbox_and_a_host() {
        assert!(Email::parse("someone@mail.example").is_ok());
        for text in ["", "@x.example", "a@b", "a b@c.example", "a@.example", "a@example."] {
            assert!(Email::parse(text).is_err(), "{text}");
        }
        let email = Email::parse("someone@mail.example").unwrap();
        assert_eq!(format!("{email:?}"), "Email(…)");
    }

    #[test]
    fn symbols_are_raised_to_upper_case() {
        assert_eq!(Symbol::parse("btc/usdt").unwrap().as_str(), "BTC/USDT");
        assert!(Symbol::parse("BTC USDT").is_err());
        assert!(Symbol::parse("<b>").is_err());
    }

    #[test]
    fn pictures_come_by_https() {
        assert!(ImageUrl::parse("https://charts.example/a.png?x=1").is_ok());
        for text in
            ["http://a.example/x", "https://", "https://u@h.example/", "https://a.example/\"x"]
        {
            assert!(ImageUrl::parse(text).is_err(), "{text}");
        }
    }
}
