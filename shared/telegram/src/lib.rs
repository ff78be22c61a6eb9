//! Usher's own thin client for the Telegram Bot API, and the types of its webhook.
//!
//! - [`Telegram`] is the port: what Usher asks of Telegram. Code is generic over it.
//! - [`BotApi`] is the real one, over HTTP, for any base URL.
//! - [`CallError`] says what to do after a failed call; [`classify()`] decides it from the answer.
//! - [`parse_update`] reads what the webhook receives. It never lets one odd update block the
//!   queue behind it.
//!
//! Reading is lenient, because Telegram adds fields, kinds and statuses at any time. Writing is
//! exact: an argument that says nothing is left out.
//!
//! The bot token is part of every address. It is in no error, no `Debug` output and no log.

mod api;
mod args;
mod bot_api;
mod call_error;
mod classify;
pub mod html;
mod look;
mod requests;
mod scrub;
mod token;
mod types;
mod update;

pub use api::{Answer, Telegram};
pub use bot_api::{BotApi, SetupError, TimeLimits};
pub use call_error::{CallError, Right};
pub use classify::classify;
pub use look::{kind, look, standing};
pub use requests::{AllowedUpdate, BotCommand, Button, LinkKind, NewLink, NewMessage, NewPhoto};
pub use token::{BadToken, BotToken};
pub use types::{
    AdministratorRights, CallbackQuery, Chat, ChatInviteLink, ChatJoinRequest, ChatKind,
    ChatMember, ChatMemberUpdated, ChatPermissions, MemberStatus, Message, User,
};
pub use update::{ParseError, Update, UpdateKind, parse_update};

#[cfg(test)]
mod tests;
