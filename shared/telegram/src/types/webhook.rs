//! What only the webhook receives.

use std::fmt;

use domain::ids::ChatId;
use jiff::Timestamp;
use jiff::fmt::serde::timestamp::second;
use serde::Deserialize;

use super::chat::Chat;
use super::invite_link::ChatInviteLink;
use super::lenient;
use super::member::ChatMember;
use super::message::Message;
use super::user::User;

/// Somebody's standing in a chat changed (Bot API, `ChatMemberUpdated`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChatMemberUpdated {
    /// Where.
    pub chat: Chat,
    /// Who did it. Whom it is about stands in `new.user`.
    pub from: User,
    /// When.
    #[serde(with = "second::required")]
    pub date: Timestamp,
    /// How they stood before.
    #[serde(rename = "old_chat_member")]
    pub old: ChatMember,
    /// How they stand now.
    #[serde(rename = "new_chat_member")]
    pub new: ChatMember,
    /// The link by which they came; can be missing even if they came by one.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub invite_link: Option<ChatInviteLink>,
    /// They had asked to join and an admin let them in.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub via_join_request: bool,
    /// They came by a link to a folder of chats, which names no link of this chat.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub via_chat_folder_invite_link: bool,
}

/// Somebody asks to join (Bot API, `ChatJoinRequest`).
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ChatJoinRequest {
    /// Where.
    pub chat: Chat,
    /// Who.
    pub from: User,
    /// Where the bot may write to them, for 5 minutes or until the request is handled.
    pub user_chat_id: ChatId,
    /// When.
    #[serde(with = "second::required")]
    pub date: Timestamp,
    /// The link that they tapped.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub invite_link: Option<ChatInviteLink>,
    /// Set if the chat waits for an answer to this very query (guard bots, Bot API 10.1).
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub query_id: Option<String>,
}

impl fmt::Debug for ChatJoinRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatJoinRequest")
            .field("chat", &self.chat)
            .field("date", &self.date)
            .field("invite_link", &self.invite_link)
            .finish_non_exhaustive()
    }
}

/// A button of a message was tapped (Bot API, `CallbackQuery`). `Debug` does not show its data.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct CallbackQuery {
    /// For the answer.
    pub id: String,
    /// Who tapped.
    pub from: User,
    /// The message with the button, if Telegram still has it.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub message: Option<Message>,
    /// What the bot once wrote into the button.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub data: Option<String>,
}

impl fmt::Debug for CallbackQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackQuery").field("message", &self.message).finish_non_exhaustive()
    }
}
