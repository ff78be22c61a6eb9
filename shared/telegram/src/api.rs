//! The port: what Usher asks of Telegram.

use std::future::Future;

use domain::ids::{ChatId, MessageId, UserId};

use crate::call_error::CallError;
use crate::requests::{AllowedUpdate, BotCommand, NewLink, NewMessage, NewPhoto};
use crate::types::{Chat, ChatInviteLink, ChatMember, ChatPermissions, User};

/// What a call gives: its result, or what to do instead.
pub type Answer<T> = Result<T, CallError>;

/// What Usher asks of Telegram, method by method (names and meanings as in the Bot API).
///
/// Futures are `Send`, so that a handler that is generic over the port is `Send` as well.
/// Implementers may write plain `async fn`.
///
/// # Errors
/// Every method fails with a [`CallError`], whose members say what the caller does. Any method can
/// answer [`CallError::RetryAfter`]. Every method but [`send_message`](Self::send_message) and
/// [`send_photo`](Self::send_photo) may be called again safely after any failure.
pub trait Telegram: Sync {
    /// The bot's own account.
    fn get_me(&self) -> impl Future<Output = Answer<User>> + Send;

    /// A chat's title, description and default permissions.
    fn get_chat(&self, chat: ChatId) -> impl Future<Output = Answer<Chat>> + Send;

    /// How somebody stands in a chat. A person who was never there is `Left`; one whom the bot has
    /// never met is [`CallError::UnknownUser`].
    fn get_chat_member(
        &self,
        chat: ChatId,
        user: UserId,
    ) -> impl Future<Output = Answer<ChatMember>> + Send;

    /// How many members a chat has, the bot and the owner included.
    fn get_chat_member_count(&self, chat: ChatId) -> impl Future<Output = Answer<u64>> + Send;

    /// Makes an invite link (`createChatInviteLink`; needs the right to invite). Called again, it
    /// makes another link.
    fn create_invite_link(
        &self,
        link: &NewLink,
    ) -> impl Future<Output = Answer<ChatInviteLink>> + Send;

    /// Revokes a link that this bot made; those of others cannot be revoked by a bot.
    fn revoke_invite_link(
        &self,
        chat: ChatId,
        link: &str,
    ) -> impl Future<Output = Answer<()>> + Send;

    /// Lets in somebody who has asked to join (needs the right to invite).
    fn approve_join_request(
        &self,
        chat: ChatId,
        user: UserId,
    ) -> impl Future<Output = Answer<()>> + Send;

    /// Refuses somebody who has asked to join (needs the right to invite). They can ask again.
    fn decline_join_request(
        &self,
        chat: ChatId,
        user: UserId,
    ) -> impl Future<Output = Answer<()>> + Send;

    /// Sees to it that somebody is not in the group but can come back by a link: Telegram's own
    /// ban-and-unban pair, `unbanChatMember` with `only_if_banned=false`. It takes more than a
    /// second and is safe to repeat; after [`CallError::UnknownOutcome`], a 5xx among them, they may be
    /// outside.
    ///
    /// It also lifts a ban that a human admin made. Look at
    /// [`get_chat_member`](Self::get_chat_member) first, and leave it be when they are outside.
    fn remove_member(&self, chat: ChatId, user: UserId) -> impl Future<Output = Answer<()>> + Send;

    /// Posts a text. There is no idempotency key: after [`CallError::UnknownOutcome`] the message
    /// may stand there, and a repeated call posts it twice.
    fn send_message(&self, message: &NewMessage) -> impl Future<Output = Answer<MessageId>> + Send;

    /// Posts a picture that Telegram itself fetches from a URL. As to repeating, see
    /// [`send_message`](Self::send_message). [`CallError::BadInput`] may mean that the picture
    /// cannot be had: the text alone can still be sent.
    fn send_photo(&self, photo: &NewPhoto) -> impl Future<Output = Answer<MessageId>> + Send;

    /// Names a group (1 to 128 characters; needs the right to change info).
    fn set_chat_title(&self, chat: ChatId, title: &str) -> impl Future<Output = Answer<()>> + Send;

    /// Describes a group (0 to 255 characters; needs the right to change info). Setting the
    /// description that it has is [`CallError::AlreadySo`].
    fn set_chat_description(
        &self,
        chat: ChatId,
        description: &str,
    ) -> impl Future<Output = Answer<()>> + Send;

    /// Says what plain members may do (needs the right to restrict members).
    fn set_chat_permissions(
        &self,
        chat: ChatId,
        permissions: &ChatPermissions,
    ) -> impl Future<Output = Answer<()>> + Send;

    /// Has updates delivered to `url`, with `secret` (1 to 256 of `A-Za-z0-9_-`) in the header
    /// `X-Telegram-Bot-Api-Secret-Token`. Kinds that are not named are not delivered.
    fn set_webhook(
        &self,
        url: &str,
        secret: &str,
        allowed_updates: &[AllowedUpdate],
    ) -> impl Future<Output = Answer<()>> + Send;

    /// Sets the commands that clients offer to people: to those with this language (two letters,
    /// ISO 639-1), or to all for whom there are no others.
    fn set_my_commands(
        &self,
        commands: &[BotCommand],
        language: Option<&'static str>,
    ) -> impl Future<Output = Answer<()>> + Send;

    /// Ends the waiting of a tapped button, with a short notice (0 to 200 characters) or none.
    fn answer_callback_query(
        &self,
        id: &str,
        text: Option<&str>,
    ) -> impl Future<Output = Answer<()>> + Send;

    /// Takes the bot out of a chat.
    fn leave_chat(&self, chat: ChatId) -> impl Future<Output = Answer<()>> + Send;
}
