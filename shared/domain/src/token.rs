//! Tokens in links: Telegram start links, `t.me/<bot>?start=<token>`, and the addresses to which charts
//! send their alerts.
//!
//! A token is a statement with a message authentication code under a key that only Usher holds
//! (HMAC-SHA-256, cut to 128 bits; RFC 2104, section 5). So nothing secret is stored, a repeated
//! request gets the same link again, and a wrong token costs no read. That a token works once is
//! decided by what it names: a number that moves on when the link is used or replaced.
//!
//! Telegram allows 1–64 characters of `A-Za-z0-9_-` (Bot API, "Deep linking"); these have 50.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::ids::{ServiceId, SubscriptionId};

/// The key under which tokens are made.
#[derive(Clone)]
pub struct LinkKey(Vec<u8>);

/// The key is too short to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the link key must have at least 32 characters")]
pub struct WeakKey;

impl LinkKey {
    /// Takes a secret text of at least 32 characters.
    ///
    /// # Errors
    /// [`WeakKey`].
    pub fn new(secret: &str) -> Result<Self, WeakKey> {
        if secret.len() < 32 { Err(WeakKey) } else { Ok(Self(secret.as_bytes().to_vec())) }
    }

    fn code(&self, statement: &[u8]) -> [u8; 16] {
        // A key of any length is taken (RFC 2104, section 3), so the error cannot come up.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 16] };
        mac.update(statement);
        let full = mac.finalize().into_bytes();
        let mut code = [0; 16];
        for (to, from) in code.iter_mut().zip(full) {
            *to = from;
        }
        code
    }
}

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey(…)")
    }
}

/// What a token states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// This group is the one of the service; the number says which set-up link it was.
    SetUp {
        /// The service.
        service: ServiceId,
        /// Which of its set-up links.
        number: u32,
    },
    /// This account is the one of the subscription; the number says which claim link it was.
    Claim {
        /// The subscription.
        subscription: SubscriptionId,
        /// Which of its claim links.
        number: u32,
    },
    /// This is the chart of the service; the number says which of its addresses it was.
    Chart {
        /// The service.
        service: ServiceId,
        /// Which of its addresses.
        number: u32,
    },
    /// This group is a spare one for the pool. An operator may use the link for many groups.
    Spare {
        /// Until when, to the second.
        expires_at: Timestamp,
    },
}

const SET_UP: u8 = b'g';
const CLAIM: u8 = b'c';
const SPARE: u8 = b's';
const CHART: u8 = b't';

impl Token {
    /// Kind, subject and number, as they are signed and sent: 1 + 16 + 4 bytes.
    fn statement(self) -> [u8; 21] {
        let (kind, subject, number) = match self {
            Self::SetUp { service, number } => (SET_UP, service.uuid(), number),
            Self::Claim { subscription, number } => (CLAIM, subscription.uuid(), number),
            Self::Chart { service, number } => (CHART, service.uuid(), number),
            Self::Spare { expires_at } => {
                let seconds = u32::try_from(expires_at.as_second()).unwrap_or(u32::MAX);
                (SPARE, Uuid::nil(), seconds)
            }
        };
        let mut bytes = [kind; 21];
        let tail = subject.into_bytes().into_iter().chain(number.to_be_bytes());
        for (to, from) in bytes.iter_mut().skip(1).zip(tail) {
            *to = from;
        }
        bytes
    }

    /// The token as it stands in a link.
    pub fn sign(self, key: &LinkKey) -> String {
        let statement = self.statement();
        let mut bytes = statement.to_vec();
        bytes.extend(key.code(&statement));
        BASE64.encode(bytes)
    }

    /// Reads a token; `None` when it was not made under this key.
    pub fn read(text: &str, key: &LinkKey) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        let (statement, code) = bytes.split_at_checked(21)?;
        if code.len() != 16 || !bool::from(key.code(statement).ct_eq(code)) {
            return None;
        }
        let (kind, rest) = statement.split_first()?;
        let (subject, number) = rest.split_at_checked(16)?;
        let subject = Uuid::from_slice(subject).ok()?;
        let number = u32::from_be_bytes(number.try_into().ok()?);
        match *kind {
            SET_UP => Some(Self::SetUp { service: ServiceId::fresh(subject), number }),
            CLAIM => Some(Self::Claim { subscription: SubscriptionId::fresh(subject), number }),
            CHART => Some(Self::Chart { service: ServiceId::fresh(subject), number }),
            SPARE => {
                let expires_at = Timestamp::from_second(i64::from(number)).ok()?;
                Some(Self::Spare { expires_at })
            }
            _ => None,
        }
    }
}

/// The name of the bot without `@`, as it stands in links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotName(String);

/// The text cannot be a bot's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a bot's name has 4 to 32 letters, digits and underscores")]
pub struct NotABotName;

impl BotName {
    /// Takes a name, with or without `@` (Telegram, "Bot Features", "Creating a new bot").
    ///
    /// # Errors
    /// [`NotABotName`].
    pub fn parse(text: &str) -> Result<Self, NotABotName> {
        let name = text.strip_prefix('@').unwrap_or(text);
        let fits = (4..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if fits { Ok(Self(name.to_owned())) } else { Err(NotABotName) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The link by which a buyer links their account.
    pub fn claim_link(&self, token: &str) -> String {
        format!("https://t.me/{}?start={token}", self.0)
    }

    /// The link by which the bot is added to a group, with every right it needs
    /// (Telegram, "Deep links", "Group bot links").
    pub fn set_up_link(&self, token: &str) -> String {
        format!(
            "https://t.me/{}?startgroup={token}&admin=invite_users+restrict_members\
             +delete_messages+pin_messages+change_info",
            self.0
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> LinkKey {
        LinkKey::new("a key for tests that is long enough").unwrap()
    }

    fn tokens() -> impl Strategy<Value = Token> {
        (any::<u128>(), any::<u32>()).prop_flat_map(|(id, number)| {
            let id = Uuid::from_u128(id);
            let expires_at = Timestamp::from_second(i64::from(number)).unwrap();
            prop_oneof![
                Just(Token::SetUp { service: ServiceId::fresh(id), number }),
                Just(Token::Claim { subscription: SubscriptionId::fresh(id), number }),
                Just(Token::Chart { service: ServiceId::fresh(id), number }),
                Just(Token::Spare { expires_at }),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_token_says_what_was_signed_and_fits_a_start_link(token in tokens()) {
            let text = token.sign(&key());
            prop_assert!(text.len() <= 64, "{} characters", text.len());
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)));
            prop_assert_eq!(Token::read(&text, &key()), Some(token));
        }

        #[test]
        fn a_changed_token_is_no_token(token in tokens(), at in 0_usize..50, to in "[A-Za-z0-9_-]") {
            let text = token.sign(&key());
            let mut changed = text.clone();
            changed.replace_range(at..=at, &to);
            prop_assume!(changed != text);
            prop_assert_eq!(Token::read(&changed, &key()), None);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,80}") {
            prop_assert_eq!(Token::read(&text, &key()), None);
        }
    }

    #[test]
    fn another_key_reads_nothing() {
        let other = LinkKey::new("another key for tests, long enough").unwrap();
        let token = Token::Spare { expires_at: Timestamp::UNIX_EPOCH };
        assert_eq!(Token::read(&token.sign(&key()), &other), None);
        assert_eq!(LinkKey::new("short").unwrap_err(), WeakKey);
    }

    #[test]
    fn links_name_the_bot() {
        let bot = BotName::parse("@usher_bot").unwrap();
        assert_eq!(bot.claim_link("abc"), "https://t.me/usher_bot?start=abc");
        assert!(bot.set_up_link("abc").contains("?startgroup=abc&admin=invite_users+"));
        assert!(BotName::parse("a/b").is_err());
    }
}
