//! The whole state of a simulated Telegram, as plain data, and how to find one's way in it.
//!
//! Nothing here waits, sends or reads a clock: every operation takes the time as a parameter, changes the
//! data and puts the updates that follow into the bots' queues.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::errors::{ApiError, ApiResult, ControlError, ControlResult};
use crate::faults::Faults;
use crate::flood::Flood;
use crate::model::{
    Bot, Call, Chat, ChatKind, History, Later, Life, Member, Private, Secret, Status, User,
};
use crate::rights::all_permissions;
use crate::rng::Rng;
use crate::updates::{Inbox, Outgoing};

/// How a world behaves where Telegram's behaviour is a matter of circumstance.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Seed of everything that is left to chance (link codes, faults with a probability).
    pub seed: u64,
    /// How long `unbanChatMember(only_if_banned=false)` takes between its ban and its unban, in
    /// milliseconds. More than 1000 at Telegram (tdlib pauses one second); short here.
    pub kick_ms: i64,
    /// What stands at the end of an invite link that another administrator made. The Bot API
    /// documentation writes "…"; tdlib expects "...".
    pub cut_mark: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 1, kick_ms: 50, cut_mark: "…".to_owned() }
    }
}

/// A simulated Telegram. Build one with [`World::new`]; change it with [`World::call`] (as a bot) and
/// [`World::control`] (as a person or a test). A copy shares with it what neither changes.
#[derive(Debug, Clone)]
pub struct World {
    pub(crate) settings: Settings,
    pub(crate) rng: Rng,
    pub(crate) users: Arc<BTreeMap<i64, User>>,
    pub(crate) bots: BTreeMap<i64, Bot>,
    pub(crate) chats: BTreeMap<i64, Arc<Chat>>,
    pub(crate) privates: BTreeMap<(i64, i64), Arc<Private>>,
    pub(crate) calls: Vec<Call>,
    pub(crate) later: BTreeMap<(i64, u64), Later>,
    pub(crate) faults: Faults,
    pub(crate) flood: Flood,
    /// Updates of the operation under way; they get their ids when it ends.
    pub(crate) outgoing: Vec<Outgoing>,
    pub(crate) last_id: u64,
}

impl World {
    /// An empty world: no bots, no people, no groups.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            rng: Rng::new(settings.seed),
            settings,
            users: Arc::default(),
            bots: BTreeMap::new(),
            chats: BTreeMap::new(),
            privates: BTreeMap::new(),
            calls: Vec::new(),
            later: BTreeMap::new(),
            faults: Faults::default(),
            flood: Flood::default(),
            outgoing: Vec::new(),
            last_id: 0,
        }
    }

    /// Forgets people, groups, calls, faults, blocks and updates; bots stay, as freshly made.
    pub(crate) fn reset(&mut self) {
        let bots = std::mem::take(&mut self.bots);
        let flood = self.flood.rules.clone();
        *self = Self::new(self.settings.clone());
        self.flood.rules = flood;
        for bot in bots.into_values() {
            let _ = self.add_bot(&bot.token.0, &bot.username, "", bot.privacy, bot.guard);
        }
    }

    /// Makes a bot. Its id is the number before the colon of its token.
    ///
    /// # Errors
    /// A token that is not `<number>:<secret>`, or one whose number is taken by somebody else.
    pub fn add_bot(
        &mut self,
        token: &str,
        username: &str,
        name: &str,
        privacy: bool,
        guard: bool,
    ) -> Result<i64, ControlError> {
        let id = token.split_once(':').and_then(|(id, secret)| {
            id.parse::<i64>().ok().filter(|id| *id > 0 && !secret.is_empty())
        });
        let id = id.ok_or_else(|| ControlError::new("a bot token is <number>:<secret>"))?;
        let username = username.trim_start_matches('@').to_owned();
        if self.bots.contains_key(&id) || self.users.contains_key(&id) {
            return Err(ControlError::new("the number of this token is taken"));
        }
        let first_name = if name.is_empty() { username.clone() } else { name.to_owned() };
        let user = User {
            id,
            is_bot: true,
            first_name,
            username: Some(username.clone()),
            ..User::default()
        };
        Arc::make_mut(&mut self.users).insert(id, user);
        let bot = Bot {
            id,
            token: Secret(token.to_owned()),
            username,
            privacy,
            guard,
            known: BTreeSet::new(),
            inbox: Inbox::default(),
            commands: BTreeMap::new(),
            callbacks: BTreeMap::new(),
            join_queries: BTreeMap::new(),
        };
        self.bots.insert(id, bot);
        Ok(id)
    }

    /// Does what has become due: the second half of kicks, and bans whose time is over.
    pub(crate) fn tick(&mut self, now: i64) {
        while let Some(entry) = self.later.first_entry().filter(|entry| entry.key().0 <= now) {
            let (_, later) = entry.remove_entry();
            match later {
                Later::Unban { chat, user, by } => self.finish_kick(now, chat, user, by),
            }
        }
        let seconds = now / 1000;
        for chat in self.chats.values_mut() {
            let is_over = |member: &Member| member.status.until().is_some_and(|it| it <= seconds);
            // Most hold nobody of whom this is true, and are shared with copies of this world.
            if !chat.members.values().any(is_over) {
                continue;
            }
            for member in Arc::make_mut(chat).members.values_mut().filter(|it| is_over(it)) {
                let stays = matches!(member.status, Status::Restricted { is_member: true, .. });
                member.status = if stays { Status::Member } else { Status::Left };
            }
        }
        self.flush(now);
    }

    /// When something becomes due next.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.later.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn later(&mut self, at: i64, what: Later) {
        let id = self.fresh_id();
        self.later.insert((at, id), what);
    }

    /// A number never given before in this world.
    pub(crate) fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    // Ids: people from 1001, basic groups from -2001 down, supergroups from -1001000000001 down, so that
    // one sees at a glance what an id is. Telegram's own are as different (Bot API, "bot dialog ids").

    pub(crate) fn fresh_user_id(&self) -> i64 {
        let used = self.users.values().filter(|u| !u.is_bot).map(|u| u.id).max();
        used.unwrap_or(1000).max(1000) + 1
    }

    fn fresh_chat_id(&self, kind: ChatKind) -> i64 {
        let first = match kind {
            ChatKind::Basic => -2001,
            ChatKind::Super => -1_001_000_000_001,
        };
        let used = self.chats.values().filter(|chat| chat.kind == kind).map(|chat| chat.id).min();
        used.map_or(first, |id| id - 1)
    }

    pub(crate) fn add_chat(&mut self, kind: ChatKind, title: &str) -> i64 {
        let id = self.fresh_chat_id(kind);
        let chat = Chat {
            id,
            kind,
            life: Life::Active,
            title: title.to_owned(),
            description: String::new(),
            permissions: all_permissions(),
            members: BTreeMap::new(),
            history: History::default(),
            links: Vec::new(),
            requests: BTreeMap::new(),
            last_bot: None,
        };
        self.chats.insert(id, Arc::new(chat));
        id
    }

    pub(crate) fn status(&self, chat: i64, user: i64) -> Status {
        let member = self.chats.get(&chat).and_then(|chat| chat.members.get(&user));
        member.map_or(Status::Left, |member| member.status.clone())
    }

    /// A group, to be changed.
    pub(crate) fn group_mut(&mut self, id: i64) -> Option<&mut Chat> {
        self.chats.get_mut(&id).map(Arc::make_mut)
    }

    /// The chat between a bot and a person, to be changed.
    pub(crate) fn private_mut(&mut self, bot: i64, user: i64) -> &mut Private {
        Arc::make_mut(self.privates.entry((bot, user)).or_default())
    }

    /// The chat of a call that has already been let through.
    pub(crate) fn chat_mut(&mut self, id: i64) -> ApiResult<&mut Chat> {
        self.group_mut(id).ok_or_else(|| ApiError::bad("chat not found"))
    }

    pub(crate) fn chat(&self, id: i64) -> ApiResult<&Chat> {
        self.chats.get(&id).map(Arc::as_ref).ok_or_else(|| ApiError::bad("chat not found"))
    }

    pub(crate) fn bot_mut(&mut self, id: i64) -> ApiResult<&mut Bot> {
        self.bots.get_mut(&id).ok_or_else(ApiError::unauthorized)
    }

    pub(crate) fn bot(&self, id: i64) -> ApiResult<&Bot> {
        self.bots.get(&id).ok_or_else(ApiError::unauthorized)
    }

    /// A group for the control interface: it must be alive.
    pub(crate) fn live_chat(&self, id: i64) -> ControlResult<&Chat> {
        match self.chats.get(&id) {
            None => Err(ControlError::new(format!("there is no group {id}"))),
            Some(chat) => match chat.life {
                Life::Active => Ok(chat),
                Life::Deleted => Err(ControlError::new(format!("group {id} was deleted"))),
                Life::MigratedTo(to) => {
                    Err(ControlError::new(format!("group {id} became supergroup {to}")))
                }
            },
        }
    }

    /// A person for the control interface.
    pub(crate) fn person(&self, id: i64) -> ControlResult<&User> {
        match self.users.get(&id) {
            Some(user) if user.deactivated => {
                Err(ControlError::new(format!("user {id} deleted the account")))
            }
            Some(user) => Ok(user),
            None => Err(ControlError::new(format!("there is no user {id}"))),
        }
    }
}
