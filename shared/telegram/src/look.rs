//! Looking at a group: what it is, and where the bot stands in it.

use domain::group::{BotRights, BotStanding, ChatKind as Kind, Observation};
use domain::ids::{ChatId, UserId};

use crate::api::{Answer, Telegram};
use crate::types::{AdministratorRights, ChatKind, MemberStatus};

/// Asks Telegram about a group; with `count`, also how many members it has.
///
/// # Errors
/// What the calls say. [`crate::CallError::BotRemoved`] means that the bot is outside.
pub async fn look(
    telegram: &impl Telegram,
    chat: ChatId,
    bot: UserId,
    count: bool,
) -> Answer<Observation> {
    let seen = telegram.get_chat(chat).await?;
    let standing = standing(telegram.get_chat_member(chat, bot).await?.status);
    // A basic group that was upgraded still tells what it was; only counting says where it went
    // (tdlib/telegram-bot-api, `check_chat_access`).
    let is_basic = kind(seen.kind) == Kind::Basic;
    let member_count = match count && (is_basic || standing != BotStanding::Outside) {
        true => u32::try_from(telegram.get_chat_member_count(chat).await?).ok(),
        false => None,
    };
    Ok(Observation {
        kind: kind(seen.kind),
        title: seen.title.unwrap_or_default(),
        bot: standing,
        member_count,
    })
}

/// What kind of chat it is, as far as it matters here. Channels and private chats are no groups
/// that could be guarded, so they count as basic ones: something has to be changed first.
pub const fn kind(kind: ChatKind) -> Kind {
    match kind {
        ChatKind::Supergroup => Kind::Supergroup,
        ChatKind::Group | ChatKind::Private | ChatKind::Channel => Kind::Basic,
        ChatKind::Other => Kind::Unknown,
    }
}

/// Where the bot stands, by its status as a member.
pub const fn standing(status: MemberStatus) -> BotStanding {
    match status {
        MemberStatus::Owner => BotStanding::Admin(BotRights::ALL),
        MemberStatus::Administrator(rights) => {
            let AdministratorRights {
                can_invite_users,
                can_restrict_members,
                can_change_info,
                can_delete_messages,
                can_pin_messages,
                can_promote_members: _,
            } = rights;
            BotStanding::Admin(BotRights {
                invite_users: can_invite_users,
                restrict_members: can_restrict_members,
                change_info: can_change_info,
                delete_messages: can_delete_messages,
                pin_messages: can_pin_messages,
            })
        }
        MemberStatus::Member | MemberStatus::Restricted { is_member: true } => BotStanding::Member,
        MemberStatus::Left
        | MemberStatus::Banned
        | MemberStatus::Restricted { is_member: false } => BotStanding::Outside,
        MemberStatus::Other => BotStanding::Unknown,
    }
}
