//! What administrators and members may do.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// One right of an administrator (Bot API, `ChatMemberAdministrator`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    ManageChat,
    ChangeInfo,
    DeleteMessages,
    InviteUsers,
    RestrictMembers,
    PinMessages,
    ManageTopics,
    PromoteMembers,
    ManageVideoChats,
    PostStories,
    EditStories,
    DeleteStories,
    ManageTags,
    Anonymous,
}

impl Right {
    pub(crate) const ALL: [Self; 14] = [
        Self::ManageChat,
        Self::ChangeInfo,
        Self::DeleteMessages,
        Self::InviteUsers,
        Self::RestrictMembers,
        Self::PinMessages,
        Self::ManageTopics,
        Self::PromoteMembers,
        Self::ManageVideoChats,
        Self::PostStories,
        Self::EditStories,
        Self::DeleteStories,
        Self::ManageTags,
        Self::Anonymous,
    ];

    /// The name in a `startgroup` link (`admin=invite_users+…`).
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ManageChat => "manage_chat",
            Self::ChangeInfo => "change_info",
            Self::DeleteMessages => "delete_messages",
            Self::InviteUsers => "invite_users",
            Self::RestrictMembers => "restrict_members",
            Self::PinMessages => "pin_messages",
            Self::ManageTopics => "manage_topics",
            Self::PromoteMembers => "promote_members",
            Self::ManageVideoChats => "manage_video_chats",
            Self::PostStories => "post_stories",
            Self::EditStories => "edit_stories",
            Self::DeleteStories => "delete_stories",
            Self::ManageTags => "manage_tags",
            Self::Anonymous => "anonymous",
        }
    }

    /// Reads `invite_users` as well as `can_invite_users`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("can_").unwrap_or(text);
        let text = if text == "is_anonymous" { "anonymous" } else { text };
        Self::ALL.into_iter().find(|right| right.name() == text)
    }

    fn field(self) -> String {
        match self {
            Self::Anonymous => "is_anonymous".to_owned(),
            _ => format!("can_{}", self.name()),
        }
    }
}

/// The rights of one administrator.
pub(crate) type Rights = BTreeSet<Right>;

/// What an administrator of a basic group can do; they all have the same (tdlib,
/// `DialogParticipantStatus::GroupAdministrator`).
pub(crate) fn basic_group_rights() -> Rights {
    [
        Right::ManageChat,
        Right::ChangeInfo,
        Right::DeleteMessages,
        Right::InviteUsers,
        Right::RestrictMembers,
        Right::PinMessages,
        Right::ManageVideoChats,
    ]
    .into()
}

/// Writes each right as true or false: the Bot API leaves none out.
pub(crate) fn write_rights(rights: &Rights, is_supergroup: bool, into: &mut Map<String, Value>) {
    for right in Right::ALL {
        if right == Right::ManageTopics && !is_supergroup {
            continue;
        }
        into.insert(right.field(), Value::Bool(rights.contains(&right)));
    }
    // The old name, still sent.
    let video = rights.contains(&Right::ManageVideoChats);
    into.insert("can_manage_voice_chats".to_owned(), Value::Bool(video));
}

/// One permission of ordinary members (Bot API, `ChatPermissions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Permission {
    SendMessages,
    SendAudios,
    SendDocuments,
    SendPhotos,
    SendVideos,
    SendVideoNotes,
    SendVoiceNotes,
    SendPolls,
    SendOther,
    WebPagePreviews,
    React,
    EditTag,
    ChangeInfo,
    InviteUsers,
    PinMessages,
    ManageTopics,
}

impl Permission {
    pub(crate) const ALL: [Self; 16] = [
        Self::SendMessages,
        Self::SendAudios,
        Self::SendDocuments,
        Self::SendPhotos,
        Self::SendVideos,
        Self::SendVideoNotes,
        Self::SendVoiceNotes,
        Self::SendPolls,
        Self::SendOther,
        Self::WebPagePreviews,
        Self::React,
        Self::EditTag,
        Self::ChangeInfo,
        Self::InviteUsers,
        Self::PinMessages,
        Self::ManageTopics,
    ];

    const MEDIA: [Self; 6] = [
        Self::SendAudios,
        Self::SendDocuments,
        Self::SendPhotos,
        Self::SendVideos,
        Self::SendVideoNotes,
        Self::SendVoiceNotes,
    ];

    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::SendMessages => "can_send_messages",
            Self::SendAudios => "can_send_audios",
            Self::SendDocuments => "can_send_documents",
            Self::SendPhotos => "can_send_photos",
            Self::SendVideos => "can_send_videos",
            Self::SendVideoNotes => "can_send_video_notes",
            Self::SendVoiceNotes => "can_send_voice_notes",
            Self::SendPolls => "can_send_polls",
            Self::SendOther => "can_send_other_messages",
            Self::WebPagePreviews => "can_add_web_page_previews",
            Self::React => "can_react_to_messages",
            Self::EditTag => "can_edit_tag",
            Self::ChangeInfo => "can_change_info",
            Self::InviteUsers => "can_invite_users",
            Self::PinMessages => "can_pin_messages",
            Self::ManageTopics => "can_manage_topics",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.field() == text)
    }
}

/// What members may do.
pub(crate) type Permissions = BTreeSet<Permission>;

/// What a new group allows: everything.
pub(crate) fn all_permissions() -> Permissions {
    Permission::ALL.into()
}

/// Writes each permission as true or false, with the old `can_send_media_messages`.
pub(crate) fn write_permissions(permissions: &Permissions, into: &mut Map<String, Value>) {
    let media = Permission::MEDIA.iter().any(|p| permissions.contains(p));
    for permission in Permission::ALL {
        into.insert(permission.field().to_owned(), permissions.contains(&permission).into());
    }
    into.insert("can_send_media_messages".to_owned(), media.into());
}

/// Why a `permissions` object cannot be taken.
#[derive(Debug)]
pub(crate) enum BadPermissions {
    NotBoolean(String),
    Unknown(String),
}

/// Reads `ChatPermissions` with the defaults of the Bot API server: what is not named is false, yet
/// topics and tags follow `can_pin_messages`, reactions follow `can_send_messages`, and, without
/// `independent`, each permission brings those it needs.
pub(crate) fn read_permissions(
    object: &Map<String, Value>,
    independent: bool,
) -> Result<Permissions, BadPermissions> {
    let mut given = Permissions::new();
    let mut named = BTreeSet::new();
    let mut media = false;
    for (field, value) in object {
        let Some(on) = value.as_bool() else {
            return Err(BadPermissions::NotBoolean(field.clone()));
        };
        match Permission::parse(field) {
            Some(permission) => {
                named.insert(permission);
                if on {
                    given.insert(permission);
                }
            }
            None if field == "can_send_media_messages" => media = on,
            None => return Err(BadPermissions::Unknown(field.clone())),
        }
    }
    if !Permission::MEDIA.iter().any(|p| named.contains(p)) && media {
        given.extend(Permission::MEDIA);
        if !independent {
            given.insert(Permission::SendMessages);
        }
    }
    let mut follow = |what: Permission, leader: Permission| {
        if !named.contains(&what) && given.contains(&leader) {
            given.insert(what);
        }
    };
    follow(Permission::ManageTopics, Permission::PinMessages);
    follow(Permission::EditTag, Permission::PinMessages);
    follow(Permission::React, Permission::SendMessages);
    if !independent {
        let needs_media = [Permission::SendOther, Permission::WebPagePreviews];
        if needs_media.iter().any(|p| given.contains(p)) {
            given.extend(Permission::MEDIA);
            given.insert(Permission::SendMessages);
        }
        if given.contains(&Permission::SendPolls) {
            given.insert(Permission::SendMessages);
        }
    }
    Ok(given)
}
