//! What the webhook receives.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::requests::AllowedUpdate;
use crate::types::{CallbackQuery, ChatJoinRequest, ChatMemberUpdated, Message};

/// One thing that happened, as Telegram delivers it. Deliveries can repeat and can cross.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Grows with time, and is the same in a repeated delivery.
    pub update_id: i64,
    /// What happened.
    pub kind: UpdateKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateKind {
    /// A message, of a person or of Telegram itself.
    Message(Box<Message>),
    /// The bot's own standing in a chat changed.
    MyChatMember(Box<ChatMemberUpdated>),
    /// Somebody else's standing in a chat changed.
    ChatMember(Box<ChatMemberUpdated>),
    /// Somebody asks to join.
    ChatJoinRequest(Box<ChatJoinRequest>),
    /// A button was tapped.
    CallbackQuery(Box<CallbackQuery>),
    /// Nothing to act on. Answer 200, so that the queue behind it moves on.
    Other {
        /// The kind that it was, if it was a known one and could not be read. Worth a line in the
        /// log: Telegram has changed something.
        unreadable: Option<AllowedUpdate>,
    },
}

/// The body is not an update at all, so it does not come from Telegram. The body is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not a JSON object.
    #[error("not a JSON object")]
    NotAnObject,
    /// An object without a whole number `update_id`.
    #[error("no update_id")]
    NoUpdateId,
}

/// Reads the body of a webhook call.
///
/// Telegram repeats an update until it is accepted, and holds back those behind it. So whatever has
/// an `update_id` is an [`Update`]: unknown kinds, and known ones that cannot be read, are
/// [`UpdateKind::Other`].
///
/// # Errors
/// [`ParseError`] if the body is not an object with an `update_id`.
pub fn parse_update(body: &[u8]) -> Result<Update, ParseError> {
    // The parts stay raw at first: one that is nested too deeply, or has a broken character in it,
    // then spoils itself only.
    let parts: BTreeMap<String, &RawValue> =
        serde_json::from_slice(body).map_err(|_| ParseError::NotAnObject)?;
    let update_id = parts
        .get("update_id")
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .ok_or(ParseError::NoUpdateId)?;
    let known = AllowedUpdate::ALL
        .into_iter()
        .find_map(|name| parts.get(name.name()).map(|raw| (name, raw.get())));
    let kind = match known {
        Some((name, raw)) => {
            read(name, raw).unwrap_or(UpdateKind::Other { unreadable: Some(name) })
        }
        None => UpdateKind::Other { unreadable: None },
    };
    Ok(Update { update_id, kind })
}

fn read(name: AllowedUpdate, raw: &str) -> Option<UpdateKind> {
    match name {
        AllowedUpdate::Message => content(raw).map(UpdateKind::Message),
        AllowedUpdate::MyChatMember => content(raw).map(UpdateKind::MyChatMember),
        AllowedUpdate::ChatMember => content(raw).map(UpdateKind::ChatMember),
        AllowedUpdate::ChatJoinRequest => content(raw).map(UpdateKind::ChatJoinRequest),
        AllowedUpdate::CallbackQuery => content(raw).map(UpdateKind::CallbackQuery),
    }
}

fn content<T: DeserializeOwned>(raw: &str) -> Option<Box<T>> {
    serde_json::from_str(raw).ok()
}
