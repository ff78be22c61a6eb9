//! What plain members may do in a group.

use serde::{Deserialize, Serialize};

use super::lenient;

/// What plain members may do in a group (Bot API, `ChatPermissions`). The default allows nothing,
/// which leaves a group where only admins post and nobody adds anybody.
///
/// It is written in full, with every `false`: Telegram derives some missing fields from others
/// (a missing `can_react_to_messages` becomes `can_send_messages`, a missing `can_manage_topics`
/// or `can_edit_tag` becomes `can_pin_messages`; tdlib/telegram-bot-api, `get_chat_permissions`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatPermissions {
    /// Texts, contacts, invoices, locations and venues.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_send_messages: bool,
    /// Audio files.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_send_audios: bool,
    /// Documents.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_send_documents: bool,
    /// Photos.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_send_photos: bool,
    /// Videos.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_send_videos: bool,
    /// Video notes.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_send_video_notes: bool,
    /// Voice notes.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_send_voice_notes: bool,
    /// Polls and checklists.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_send_polls: bool,
    /// Animations, games, stickers, and the use of inline bots.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_send_other_messages: bool,
    /// Previews of linked pages.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_add_web_page_previews: bool,
    /// Reactions.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_react_to_messages: bool,
    /// Their own tags.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_edit_tag: bool,
    /// Title, photo and other settings.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_change_info: bool,
    /// Adding people.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_invite_users: bool,
    /// Pinning.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_pin_messages: bool,
    /// Forum topics.
    #[serde(deserialize_with = "lenient::or_default")]
    pub can_manage_topics: bool,
}
