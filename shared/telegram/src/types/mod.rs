//! What Telegram sends. Only fields that Usher uses; the names are the Bot API's.

mod chat;
mod invite_link;
mod lenient;
mod member;
mod message;
mod permissions;
mod user;
mod webhook;

pub use chat::{Chat, ChatKind};
pub use invite_link::ChatInviteLink;
pub use member::{AdministratorRights, ChatMember, MemberStatus};
pub use message::Message;
pub use permissions::ChatPermissions;
pub use user::User;
pub use webhook::{CallbackQuery, ChatJoinRequest, ChatMemberUpdated};
