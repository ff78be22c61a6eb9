//! Identifiers. Those of our own are UUIDs; those of Telegram are 64-bit integers that are stored
//! but never shown to API callers and never logged, so their `Debug` hides the number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The name space of every id that Usher derives with UUIDv5 (RFC 9562, section 5.5).
const NAME_SPACE: Uuid = Uuid::from_u128(0x9c0f_3f5e_6f0a_4a3b_9d4e_0b6f_5a7c_21d8);

/// Derives an id from parts, so that a repeated request meets its own item.
///
/// The parts are length-prefixed: `("a", "bc")` and `("ab", "c")` give different ids.
fn derive(kind: &str, parts: &[&str]) -> Uuid {
    let mut name = String::from(kind);
    for part in parts {
        name.push_str(&format!("|{}:{part}", part.len()));
    }
    Uuid::new_v5(&NAME_SPACE, name.as_bytes())
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a fresh random id; the caller brings the randomness.
            pub const fn fresh(random: Uuid) -> Self {
                Self(random)
            }

            /// The id as a UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            /// Reads the hyphenated form, the only one that Usher ever hands out.
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let uuid = Uuid::try_parse(text).map_err(|_| NotAnId)?;
                if uuid.hyphenated().to_string() == text { Ok(Self(uuid)) } else { Err(NotAnId) }
            }
        }
    };
}

/// The text is not an id that Usher could have handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

uuid_id!(
    /// A trader's signal service.
    ServiceId
);
uuid_id!(
    /// One customer in one service.
    SubscriptionId
);
uuid_id!(
    /// One alert.
    AlertId
);
uuid_id!(
    /// One update of an alert.
    UpdateId
);
uuid_id!(
    /// One invite link that a trader asked for.
    LinkId
);

uuid_id!(
    /// Somebody who was in a group without a right to be.
    IntruderId
);

uuid_id!(
    /// A list of members that is taken over.
    ImportId
);

impl ImportId {
    /// The import that this request begins.
    pub fn derived(service: ServiceId, key: &str) -> Self {
        Self(derive("import", &[&service.to_string(), key]))
    }
}

impl ServiceId {
    /// The service that this trader's request with this idempotency key makes.
    pub fn derived(trader: &TraderId, key: &str) -> Self {
        Self(derive("service", &[trader.as_str(), key]))
    }
}

impl SubscriptionId {
    /// The one subscription that a customer has in a service.
    pub fn derived(service: ServiceId, customer: &CustomerId) -> Self {
        Self(derive("subscription", &[&service.to_string(), customer.as_str()]))
    }

    /// A name for somebody of whom only an address is known: the same for the same address.
    pub fn of_address(service: ServiceId, address: &str) -> Self {
        Self(derive("address", &[&service.to_string(), &address.to_lowercase()]))
    }
}

impl AlertId {
    /// The alert that this request makes. `origin` tells sources of keys apart (API, test alert).
    pub fn derived(service: ServiceId, origin: &str, key: &str) -> Self {
        Self(derive("alert", &[&service.to_string(), origin, key]))
    }

    /// The short tag that stands in every message of the alert, such as `#A7F3C`, so that people
    /// recognise a message that was posted twice.
    pub fn tag(self) -> String {
        let hex = self.0.simple().to_string().to_uppercase();
        format!("#A{}", hex.get(..5).unwrap_or_default())
    }
}

impl UpdateId {
    /// The update of this alert that a request with this idempotency key makes.
    pub fn derived(alert: AlertId, key: &str) -> Self {
        Self(derive("update", &[&alert.to_string(), key]))
    }
}

impl LinkId {
    /// The link that this request makes.
    pub fn derived(service: ServiceId, key: &str) -> Self {
        Self(derive("link", &[&service.to_string(), key]))
    }
}

macro_rules! outside_text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes 1 to 128 printable ASCII characters without spaces.
            ///
            /// # Errors
            /// [`NotAnId`] for anything else.
            pub fn parse(text: &str) -> Result<Self, NotAnId> {
                let fits = (1..=128).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_graphic());
                if fits { Ok(Self(text.to_owned())) } else { Err(NotAnId) }
            }

            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

outside_text_id!(
    /// A trader, as the storefront's identity provider names them (the token's `sub`).
    TraderId
);
outside_text_id!(
    /// A customer, as the storefront names them.
    CustomerId
);

macro_rules! telegram_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Wraps the number that Telegram gave (Bot API: at most 52 significant bits).
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The number, for Telegram and for keys; never for logs or API answers.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

telegram_id!(
    /// A Telegram chat: a group (negative) or a private chat with a person (that person's id).
    ChatId
);
telegram_id!(
    /// A Telegram account.
    UserId
);

impl ChatId {
    /// A short name that tells chats apart in records and does not give the number away: too short
    /// to be traced back by trying all numbers.
    pub fn alias(self) -> String {
        let hex = derive("chat", &[&self.0.to_string()]).simple().to_string();
        hex.get(..8).unwrap_or_default().to_owned()
    }
}

impl UserId {
    /// The private chat with this account: Telegram gives it the account's own number
    /// (Bot API, `sendMessage`, `chat_id`).
    pub const fn private_chat(self) -> ChatId {
        ChatId(self.0)
    }
}

/// A message in one chat. Not personal: it is shown to the trader as the alert's `message_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(i64);

impl MessageId {
    /// Wraps the number that Telegram gave.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(text: &str) -> CustomerId {
        CustomerId::parse(text).unwrap()
    }

    #[test]
    fn the_same_customer_in_the_same_service_is_one_subscription() {
        let service = ServiceId::fresh(Uuid::from_u128(1));
        let other = ServiceId::fresh(Uuid::from_u128(2));
        let id = SubscriptionId::derived(service, &customer("c-1"));
        assert_eq!(id, SubscriptionId::derived(service, &customer("c-1")));
        assert_ne!(id, SubscriptionId::derived(service, &customer("c-2")));
        assert_ne!(id, SubscriptionId::derived(other, &customer("c-1")));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(derive("x", &["a", "bc"]), derive("x", &["ab", "c"]));
        assert_ne!(derive("x", &["a|1:b"]), derive("x", &["a", "b"]));
    }

    #[test]
    fn only_the_form_that_is_handed_out_is_read() {
        let id = ServiceId::fresh(Uuid::from_u128(0xabc));
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "x", &id.to_string().to_uppercase(), &id.uuid().simple().to_string()] {
            assert_eq!(text.parse::<ServiceId>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn outside_ids_are_short_and_visible() {
        assert!(CustomerId::parse("c-1@x").is_ok());
        for text in ["", "a b", "ä", "a\n", &"x".repeat(129)] {
            assert_eq!(CustomerId::parse(text), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn telegram_ids_do_not_show_in_debug_output() {
        assert_eq!(format!("{:?} {:?}", UserId::new(1001), ChatId::new(-5)), "UserId(…) ChatId(…)");
    }
}
