//! What the calls with many arguments take.

use std::fmt;
use std::num::NonZeroU32;

use domain::ids::{ChatId, MessageId};
use jiff::Timestamp;

/// An invite link to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    /// The group that it leads to.
    pub chat: ChatId,
    /// What admins see; empty for none. Telegram cuts it after 32 characters.
    pub name: String,
    /// Whom it lets in.
    pub kind: LinkKind,
    /// When it stops working (whole seconds count); never, if `None`.
    pub expires_at: Option<Timestamp>,
}

/// Whom an invite link lets in. Telegram allows one of the two, not both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Nobody at once: who taps it asks to join, and the bot approves or declines.
    Guarded,
    /// Anybody, while fewer than so many (1 to 99999) of those who came by it are in the group **at
    /// the same time**. A limit of one is therefore not "single use": revoke the link when its
    /// first user has come.
    MemberLimit(NonZeroU32),
}

/// A text to post. `Debug` shows neither the text nor the buttons.
#[derive(Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Where.
    pub chat: ChatId,
    /// Telegram's HTML, 1 to [`MAX_TEXT`](crate::html::MAX_TEXT) characters after parsing.
    pub html: String,
    /// The message that this one answers. If it is gone, the call fails with
    /// [`CallError::ReplyGone`](crate::CallError::ReplyGone) and posts nothing.
    pub reply_to: Option<MessageId>,
    /// Rows of buttons below the text; empty for none.
    pub buttons: Vec<Vec<Button>>,
    /// Posts without a sound.
    pub silent: bool,
}

impl NewMessage {
    /// A plain message: no reply, no buttons, with a sound.
    pub fn new(chat: ChatId, html: impl Into<String>) -> Self {
        Self { chat, html: html.into(), reply_to: None, buttons: Vec::new(), silent: false }
    }
}

impl fmt::Debug for NewMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMessage").field("reply_to", &self.reply_to).finish_non_exhaustive()
    }
}

/// A button that opens an address. `Debug` does not show the address: it may hold a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Button {
    /// What it says.
    pub text: String,
    /// What it opens.
    pub url: String,
}

impl fmt::Debug for Button {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Button").field("text", &self.text).finish_non_exhaustive()
    }
}

/// A picture to post. `Debug` shows neither the caption nor the address.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPhoto {
    /// Where.
    pub chat: ChatId,
    /// The picture's address, which Telegram fetches (at most 5 MB).
    pub url: String,
    /// Telegram's HTML, 0 to [`MAX_CAPTION`](crate::html::MAX_CAPTION) characters after parsing.
    pub caption_html: String,
    /// The message that this one answers, as in [`NewMessage::reply_to`].
    pub reply_to: Option<MessageId>,
}

impl fmt::Debug for NewPhoto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPhoto").field("reply_to", &self.reply_to).finish_non_exhaustive()
    }
}

/// A command that clients offer to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotCommand {
    /// 1 to 32 of `a-z0-9_`, without the slash.
    pub command: String,
    /// 1 to 256 characters.
    pub description: String,
}

/// A kind of update that the webhook wants. An enum, because Telegram drops a misspelt name in
/// silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedUpdate {
    /// Messages, service messages included.
    Message,
    /// The bot's own standing in a chat changed.
    MyChatMember,
    /// Somebody else's standing changed; comes only if it is named, and only to admins.
    ChatMember,
    /// Somebody asks to join; comes only to bots that may invite.
    ChatJoinRequest,
    /// A button of a message was tapped.
    CallbackQuery,
}

impl AllowedUpdate {
    /// Every kind that [`parse_update`](crate::parse_update) can read.
    pub const ALL: [Self; 5] = [
        Self::Message,
        Self::MyChatMember,
        Self::ChatMember,
        Self::ChatJoinRequest,
        Self::CallbackQuery,
    ];

    /// The name in the Bot API, also the field of the update that holds it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::MyChatMember => "my_chat_member",
            Self::ChatMember => "chat_member",
            Self::ChatJoinRequest => "chat_join_request",
            Self::CallbackQuery => "callback_query",
        }
    }
}
