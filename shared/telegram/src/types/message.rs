//! A message.

use std::fmt;

use domain::ids::{ChatId, MessageId};
use jiff::Timestamp;
use serde::Deserialize;

use super::chat::Chat;
use super::lenient;
use super::user::User;

/// A message, of a person or of Telegram itself (Bot API, `Message`). `Debug` does not show the
/// text: it may hold a token (`/start <token>`).
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Message {
    /// The message's number in its chat.
    pub message_id: MessageId,
    /// Where it stands.
    pub chat: Chat,
    /// Who wrote it. For an admin who posts anonymously this is a bot of Telegram's.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub from: Option<User>,
    /// When it was written; `None` for a message that the bot cannot see any more.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub date: Option<Timestamp>,
    /// What it says, without markup.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub text: Option<String>,
    /// This group became that supergroup (stands in the old chat).
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub migrate_to_chat_id: Option<ChatId>,
    /// This supergroup was that group (stands in the new chat).
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub migrate_from_chat_id: Option<ChatId>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("message_id", &self.message_id)
            .field("chat", &self.chat.kind)
            .field("date", &self.date)
            .field("migrates", &self.migrate_to_chat_id.or(self.migrate_from_chat_id).is_some())
            .finish_non_exhaustive()
    }
}
