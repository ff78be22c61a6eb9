//! The one Telegram group of a service: how it is found, bound, set up, and known to be well.
//!
//! A bot cannot create a group (Telegram Bot API: there is no such method). So a group is either
//! taken from a pool of empty spare ones, or the trader adds the bot by a set-up link.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{ChatId, ServiceId, UserId};
use crate::language::Language;
use crate::service::Service;
use crate::time::{after, back_off};

/// How long a set-up link works.
pub const SET_UP_LINK_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// How long after the last look the sweep looks again at a group that is not well.
const NEXT_LOOK: SignedDuration = SignedDuration::from_mins(30);

/// The group of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Group {
    /// None was asked for.
    None,
    /// A set-up link is out.
    AwaitingBot(AwaitingBot),
    /// The service has its group.
    Bound(TelegramGroup),
}

/// A set-up link that was given out and not used yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitingBot {
    /// Which link: [`Service::setups`] when it was made.
    pub number: u32,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// What a chat is, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatKind {
    /// Not looked at yet.
    Unknown,
    /// A basic group: it lacks join requests and `unbanChatMember`, so it cannot be guarded.
    Basic,
    /// A supergroup.
    Supergroup,
}

/// What the bot may do in a group (Telegram Bot API, `ChatMemberAdministrator`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotRights {
    /// Make invite links, approve join requests.
    pub invite_users: bool,
    /// Remove members, set the members' permissions.
    pub restrict_members: bool,
    /// Set title and description.
    pub change_info: bool,
    /// Delete messages of others.
    pub delete_messages: bool,
    /// Pin messages.
    pub pin_messages: bool,
}

impl BotRights {
    /// Every right that the set-up link asks for.
    pub const ALL: Self = Self {
        invite_users: true,
        restrict_members: true,
        change_info: true,
        delete_messages: true,
        pin_messages: true,
    };
}

/// Where the bot stands in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum BotStanding {
    /// Not looked at yet.
    Unknown,
    /// Not in the group: kicked, left, or the group is gone.
    Outside,
    /// An ordinary member.
    Member,
    /// An administrator with these rights.
    Admin(BotRights),
}

/// A link into a group, as Telegram made it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InviteLink(String);

impl InviteLink {
    /// Wraps a link that Telegram gave.
    pub fn new(url: String) -> Self {
        Self(url)
    }

    /// The link.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for InviteLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InviteLink(…)")
    }
}

/// How a group came to its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// From the pool: it carries the service's name.
    Pool,
    /// The trader's own: its title is theirs to choose.
    Trader,
}

/// How far a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Bound, never looked at.
    SettingUp,
    /// Buyers can be let in and removed.
    Ready,
    /// Something that is needed is missing; [`TelegramGroup::problems`] says what.
    Degraded,
}

/// A set-up run that is still to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSetUp {
    /// Counts the requests; the relay sends a message for each new number.
    pub round: u32,
    /// Failures in a row.
    pub failures: u32,
    /// When the sweep sends it again.
    pub retry_at: Timestamp,
}

/// A Telegram group that Usher looks after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TelegramGroup {
    /// Its chat.
    pub chat: ChatId,
    /// How it came here.
    pub origin: Origin,
    /// What kind of chat it is.
    pub kind: ChatKind,
    /// Its title when last looked at; empty before the first look.
    pub title: String,
    /// The guarded link: whoever taps it asks to join.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite_link: Option<InviteLink>,
    /// Where the bot stands.
    pub bot: BotStanding,
    /// How many people are in it, the bot included, when last counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_count: Option<u32>,
    /// How far it is.
    pub phase: Phase,
    /// A set-up run that is still to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingSetUp>,
    /// How many set-up runs were asked for.
    pub rounds: u32,
    /// When the group was bound; that of a trader, by Telegram's clock.
    pub bound_at: Timestamp,
    /// When Telegram was last asked about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
}

/// Something about a group that wants a person's attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// The bot is not in the group.
    BotOutside,
    /// The bot is not an administrator.
    BotNotAdmin,
    /// It is a basic group.
    NotASupergroup,
    /// The bot may not invite.
    CannotInviteUsers,
    /// The bot may not remove.
    CannotRestrictMembers,
    /// The bot may not set title and description.
    CannotChangeInfo,
    /// The bot may not delete messages.
    CannotDeleteMessages,
    /// The bot may not pin.
    CannotPinMessages,
}

impl Problem {
    /// Whether the group cannot work with it.
    pub const fn blocks(self) -> bool {
        match self {
            Self::BotOutside
            | Self::BotNotAdmin
            | Self::NotASupergroup
            | Self::CannotInviteUsers
            | Self::CannotRestrictMembers => true,
            Self::CannotChangeInfo | Self::CannotDeleteMessages | Self::CannotPinMessages => false,
        }
    }
}

/// What Telegram said about a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The kind of chat.
    pub kind: ChatKind,
    /// Its title.
    pub title: String,
    /// Where the bot stands.
    pub bot: BotStanding,
    /// How many members it has, where that was asked.
    pub member_count: Option<u32>,
}

impl TelegramGroup {
    /// A group that was just bound, with its first set-up still to be done.
    pub fn bound(chat: ChatId, origin: Origin, now: Timestamp) -> Self {
        let mut group = Self {
            chat,
            origin,
            kind: ChatKind::Unknown,
            title: String::new(),
            invite_link: None,
            bot: BotStanding::Unknown,
            member_count: None,
            phase: Phase::SettingUp,
            pending: None,
            rounds: 0,
            bound_at: now,
            checked_at: None,
        };
        group.request_set_up(now);
        group
    }

    /// Whether whoever came in at this time, by Telegram's clock, was there before the trader brought
    /// the group: they stay. A spare group is nobody's, so nobody was there by right.
    pub fn had_inside(&self, came_at: Timestamp) -> bool {
        self.origin == Origin::Trader && came_at < self.bound_at
    }

    /// Asks for a set-up run. It is safe to ask twice: each run looks first.
    pub fn request_set_up(&mut self, now: Timestamp) {
        self.rounds = self.rounds.saturating_add(1);
        self.pending = Some(PendingSetUp {
            round: self.rounds,
            failures: 0,
            retry_at: after(now, SignedDuration::from_mins(2)),
        });
    }

    /// Whether something is wrong with the group with which it cannot work.
    pub fn is_blocked(&self) -> bool {
        self.problems().iter().any(|problem| problem.blocks())
    }

    /// Everything that is wrong with the group, as far as is known.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.kind == ChatKind::Basic {
            problems.push(Problem::NotASupergroup);
        }
        match self.bot {
            BotStanding::Unknown => {}
            BotStanding::Outside => problems.push(Problem::BotOutside),
            BotStanding::Member => problems.push(Problem::BotNotAdmin),
            BotStanding::Admin(rights) => {
                // By name, so that a new right is not forgotten here.
                let BotRights {
                    invite_users,
                    restrict_members,
                    change_info,
                    delete_messages,
                    pin_messages,
                } = rights;
                for (has, problem) in [
                    (invite_users, Problem::CannotInviteUsers),
                    (restrict_members, Problem::CannotRestrictMembers),
                    (change_info, Problem::CannotChangeInfo),
                    (delete_messages, Problem::CannotDeleteMessages),
                    (pin_messages, Problem::CannotPinMessages),
                ] {
                    if !has {
                        problems.push(problem);
                    }
                }
            }
        }
        problems
    }

    /// Whether messages can be posted there, as far as is known.
    pub fn can_post(&self) -> bool {
        self.bot != BotStanding::Outside
    }

    /// When the sweep has to look at it again.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.pending.map(|pending| pending.retry_at)
    }

    /// Takes down what Telegram said. A group that is not well is looked at again later.
    pub fn observe(&mut self, seen: Observation, now: Timestamp) {
        let Observation { kind, title, bot, member_count } = seen;
        self.kind = kind;
        self.title = title;
        self.bot = bot;
        self.member_count = member_count.or(self.member_count);
        self.checked_at = Some(now);
        self.settle(now);
    }

    /// Takes down that the bot's standing changed (`my_chat_member`) or that a call was refused
    /// for a lost right. Rights that came back start a set-up run.
    pub fn bot_stands(&mut self, standing: BotStanding, now: Timestamp) {
        if self.bot == standing {
            return;
        }
        self.bot = standing;
        if self.is_blocked() {
            self.settle(now);
        } else if self.phase != Phase::Ready {
            self.request_set_up(now);
        }
    }

    /// A call said that this right is missing. What is known already changes nothing: many calls say
    /// it, and none of them is to put off the next look.
    pub fn right_lost(&mut self, problem: Problem, now: Timestamp) {
        let (bot, kind) = (self.bot, self.kind);
        let mut rights = match self.bot {
            BotStanding::Admin(rights) => rights,
            BotStanding::Unknown | BotStanding::Outside | BotStanding::Member => BotRights::ALL,
        };
        let standing = match problem {
            Problem::BotOutside => BotStanding::Outside,
            Problem::BotNotAdmin => BotStanding::Member,
            Problem::CannotInviteUsers => {
                rights.invite_users = false;
                BotStanding::Admin(rights)
            }
            Problem::CannotRestrictMembers => {
                rights.restrict_members = false;
                BotStanding::Admin(rights)
            }
            Problem::CannotChangeInfo => {
                rights.change_info = false;
                BotStanding::Admin(rights)
            }
            Problem::CannotDeleteMessages => {
                rights.delete_messages = false;
                BotStanding::Admin(rights)
            }
            Problem::CannotPinMessages => {
                rights.pin_messages = false;
                BotStanding::Admin(rights)
            }
            Problem::NotASupergroup => {
                self.kind = ChatKind::Basic;
                self.bot
            }
        };
        self.bot = standing;
        let known = (self.bot, self.kind) == (bot, kind);
        if !(known && self.phase == Phase::Degraded && self.pending.is_some()) {
            self.settle(now);
        }
    }

    /// The set-up run is through: links and permissions are in place.
    pub fn set_up_done(&mut self, link: InviteLink) {
        self.invite_link = Some(link);
        self.phase = Phase::Ready;
        self.pending = None;
    }

    /// A set-up run failed in passing. Its message is tried again soon, a few times; the sweep tries
    /// when that has not helped, later each time.
    pub fn set_up_failed(&mut self, now: Timestamp) {
        let failures = self.pending.map_or(0, |pending| pending.failures).saturating_add(1);
        let wait = back_off(SignedDuration::from_mins(1), SignedDuration::from_hours(1), failures);
        self.pending =
            Some(PendingSetUp { round: self.rounds, failures, retry_at: after(now, wait) });
    }

    /// The chat was upgraded: it has another id and is a supergroup now. Links of the old chat are
    /// dead, so the set-up runs again. Telegram says it more than once: the repetition changes
    /// nothing.
    pub fn migrate(&mut self, to: ChatId, now: Timestamp) {
        if self.chat == to {
            return;
        }
        self.chat = to;
        self.kind = ChatKind::Supergroup;
        self.invite_link = None;
        self.request_set_up(now);
    }

    /// Degraded while something blocks, with the next look planned; otherwise as it was.
    fn settle(&mut self, now: Timestamp) {
        if self.is_blocked() {
            self.phase = Phase::Degraded;
            self.pending = Some(PendingSetUp {
                round: self.rounds,
                failures: 0,
                retry_at: after(now, NEXT_LOOK),
            });
        }
    }
}

/// A chat's place in the books: one chat serves one service, or waits in the pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatClaim {
    /// The chat.
    pub chat: ChatId,
    /// What it is taken for.
    pub holder: Holder,
}

/// What a chat is taken for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum Holder {
    /// The group of a service; what is known of it stands in the service.
    Service {
        /// Which.
        service: ServiceId,
    },
    /// A spare group of the pool.
    Spare {
        /// What is known of it.
        group: Box<TelegramGroup>,
        /// Who came in while it waited. They are looked at when it is taken.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        strangers: Vec<UserId>,
        /// The operator who added it: they are told what is missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<UserId>,
        /// The language in which they are told.
        #[serde(default, skip_serializing_if = "Language::is_usual")]
        language: Language,
    },
    /// The chat was upgraded; its place is taken by another id.
    Moved {
        /// Which.
        to: ChatId,
    },
}

/// With more strangers than this, a group is not spare any more: nobody would call it empty.
const MOST_STRANGERS: usize = 20;

impl ChatClaim {
    /// The spare group, if it can be taken: it is set up, and as good as empty.
    pub fn ready_spare(&self) -> Option<(&TelegramGroup, &[UserId])> {
        match &self.holder {
            Holder::Spare { group, strangers, .. }
                if group.phase == Phase::Ready && strangers.len() <= MOST_STRANGERS =>
            {
                Some((group, strangers))
            }
            Holder::Spare { .. } | Holder::Service { .. } | Holder::Moved { .. } => None,
        }
    }

    /// The claim of a spare group of which something else is known now. Of other chats, it stays.
    #[must_use]
    pub fn with_spare(&self, group: TelegramGroup) -> Self {
        let mut next = self.clone();
        if let Holder::Spare { group: spare, .. } = &mut next.holder {
            **spare = group;
        }
        next
    }

    /// The claim after somebody came into a spare group, or went out. `None` when that changes
    /// nothing.
    pub fn with_stranger(&self, user: UserId, is_inside: bool) -> Option<Self> {
        let mut next = self.clone();
        let Holder::Spare { strangers, .. } = &mut next.holder else { return None };
        if strangers.contains(&user) == is_inside || strangers.len() > MOST_STRANGERS {
            return None;
        }
        match is_inside {
            true => strangers.push(user),
            false => strangers.retain(|stranger| *stranger != user),
        }
        Some(next)
    }
}

/// How the trader wants the group to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A spare one when there is one, else by link.
    #[default]
    Auto,
    /// A spare one or none.
    Pool,
    /// By link.
    Link,
}

/// What asking for a group leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupRequest {
    /// The service has one: nothing changes.
    HasOne,
    /// A spare group is taken.
    TakeSpare,
    /// A set-up link is out already and still works: nothing changes.
    LinkIsOut(AwaitingBot),
    /// A new set-up link: the service is saved like this.
    NewLink(Box<Service>),
    /// Only a spare would do, and there is none.
    NoSpare,
}

/// Decides what asking for a group leads to.
pub fn request_group(
    service: &Service,
    mode: Mode,
    spare_ready: bool,
    now: Timestamp,
) -> GroupRequest {
    if matches!(service.group, Group::Bound(_)) {
        return GroupRequest::HasOne;
    }
    match (mode, spare_ready) {
        (Mode::Auto | Mode::Pool, true) => return GroupRequest::TakeSpare,
        (Mode::Pool, false) => return GroupRequest::NoSpare,
        (Mode::Auto, false) | (Mode::Link, _) => {}
    }
    if let Group::AwaitingBot(waiting) = service.group
        && now < waiting.expires_at
    {
        return GroupRequest::LinkIsOut(waiting);
    }
    let mut asked = service.clone();
    asked.setups = asked.setups.saturating_add(1);
    asked.group = Group::AwaitingBot(AwaitingBot {
        number: asked.setups,
        expires_at: after(now, SET_UP_LINK_LIFE),
    });
    GroupRequest::NewLink(Box::new(asked))
}

/// The service with a spare group, which carries its name from now on. The chat's claim changes
/// in the same transaction.
pub fn take_spare(service: &Service, spare: &TelegramGroup, now: Timestamp) -> Service {
    let mut group = spare.clone();
    group.origin = Origin::Pool;
    group.bound_at = now;
    group.title = service.name.as_str().to_owned();
    group.request_set_up(now);
    Service { group: Group::Bound(group), ..service.clone() }
}

/// Why a set-up link did not bind the group in which it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindRefusal {
    /// It is not the newest link, or its hour is over.
    #[error("the set-up link has expired")]
    LinkExpired,
    /// The service has another group.
    #[error("the service has a group already")]
    HasAnother,
}

/// Binds a group by the set-up link with this number, which was used there at this time by
/// Telegram's clock.
///
/// # Errors
/// [`BindRefusal`]; `Ok(None)` when it is bound to this very chat already.
pub fn bind(
    service: &Service,
    number: u32,
    chat: ChatId,
    said_at: Timestamp,
    now: Timestamp,
) -> Result<Option<Service>, BindRefusal> {
    match &service.group {
        Group::Bound(group) if group.chat == chat => Ok(None),
        Group::Bound(_) => Err(BindRefusal::HasAnother),
        Group::AwaitingBot(waiting) if waiting.number == number && now < waiting.expires_at => {
            let mut group = TelegramGroup::bound(chat, Origin::Trader, now);
            group.bound_at = said_at;
            Ok(Some(Service { group: Group::Bound(group), ..service.clone() }))
        }
        Group::AwaitingBot(_) | Group::None => Err(BindRefusal::LinkExpired),
    }
}

/// What the sweep does to a service that is due.
pub fn service_due(service: &Service, now: Timestamp) -> Option<Service> {
    let mut next = service.clone();
    match &mut next.group {
        Group::AwaitingBot(waiting) if waiting.expires_at <= now => next.group = Group::None,
        Group::Bound(group) => {
            set_up_due(group, now)?;
        }
        Group::None | Group::AwaitingBot(_) => return None,
    }
    Some(next)
}

/// What the sweep does to a spare group that is due.
pub fn spare_due(spare: &TelegramGroup, now: Timestamp) -> Option<TelegramGroup> {
    let mut next = spare.clone();
    set_up_due(&mut next, now).map(|()| next)
}

fn set_up_due(group: &mut TelegramGroup, now: Timestamp) -> Option<()> {
    let pending = group.pending.filter(|pending| pending.retry_at <= now)?;
    group.set_up_failed(now);
    group.rounds = pending.round.saturating_add(1);
    if let Some(pending) = &mut group.pending {
        pending.round = group.rounds;
    }
    Some(())
}

/// When the sweep has to look at a service again.
pub fn service_due_at(service: &Service) -> Option<Timestamp> {
    match &service.group {
        Group::None => None,
        Group::AwaitingBot(waiting) => Some(waiting.expires_at),
        Group::Bound(group) => group.due_at(),
    }
}

/// When the sweep has to look at a chat's claim again: only spare groups are looked after there.
pub fn claim_due_at(claim: &ChatClaim) -> Option<Timestamp> {
    match &claim.holder {
        Holder::Spare { group, .. } => group.due_at(),
        Holder::Service { .. } | Holder::Moved { .. } => None,
    }
}
