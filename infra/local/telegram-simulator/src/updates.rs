//! Updates: which bot hears of what, and the queues in which they wait.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use crate::faults::Fate;
use crate::model::{Content, Message};
use crate::rights::Right;
use crate::webhook::Webhook;
use crate::world::World;

/// The kinds that the simulator can produce, and the others a bot may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum UpdateKind {
    Message,
    EditedMessage,
    CallbackQuery,
    MyChatMember,
    ChatMember,
    ChatJoinRequest,
    /// A kind that no client knows yet; delivered by a fault only.
    Unheard,
}

impl UpdateKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::EditedMessage => "edited_message",
            Self::CallbackQuery => "callback_query",
            Self::MyChatMember => "my_chat_member",
            Self::ChatMember => "chat_member",
            Self::ChatJoinRequest => "chat_join_request",
            Self::Unheard => "chat_weather_changed",
        }
    }
}

/// Every name that `allowed_updates` may hold (Bot API, `Update`). Others are dropped in silence.
pub(crate) const UPDATE_NAMES: [&str; 24] = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
    "managed_bot",
];

/// What is not sent unless asked for by name.
const NOT_BY_DEFAULT: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// The order in which updates are kept: within one queue each waits for the one before it (tdlib's
/// `webhook_queue_id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Queue {
    /// Messages of one chat.
    Chat(i64),
    /// Callback queries of one person.
    Callbacks(i64),
    /// The bot's own membership in one chat.
    Own(i64),
    /// Memberships and join requests of one person, whatever the chat.
    Person(i64),
    /// On its own.
    Alone(u64),
}

/// An update before it has its id.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) bot: i64,
    pub(crate) kind: UpdateKind,
    pub(crate) queue: Queue,
    pub(crate) payload: Value,
    /// How long the server keeps it, in seconds.
    pub(crate) lifetime: i64,
}

/// An update that waits for its delivery. Times are milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) update_id: i64,
    pub(crate) body: Value,
    pub(crate) expires_at: i64,
    pub(crate) wake_at: i64,
    /// Held back until a later update has arrived (or `wake_at` is reached).
    pub(crate) overtake_me: bool,
    pub(crate) failures: u32,
    pub(crate) in_flight: bool,
}

/// What a bot has yet to hear, and how it wants to hear it.
#[derive(Debug, Clone)]
pub(crate) struct Inbox {
    pub(crate) last_update_id: i64,
    pub(crate) queues: BTreeMap<Queue, VecDeque<Pending>>,
    /// `None` is the default set.
    pub(crate) allowed: Option<BTreeSet<String>>,
    pub(crate) webhook: Option<Webhook>,
    /// The next `setWebhook` must not come before (milliseconds).
    pub(crate) next_set_webhook: i64,
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            last_update_id: 100_000,
            queues: BTreeMap::new(),
            allowed: None,
            webhook: None,
            next_set_webhook: 0,
        }
    }
}

impl Inbox {
    pub(crate) fn allows(&self, name: &str) -> bool {
        match &self.allowed {
            None => !NOT_BY_DEFAULT.contains(&name),
            Some(names) => names.contains(name),
        }
    }

    pub(crate) fn pending(&self) -> usize {
        self.queues.values().map(VecDeque::len).sum()
    }

    pub(crate) fn clear(&mut self) {
        self.queues.clear();
    }

    /// Takes the `allowed_updates` of a call: not given or not a list of strings leaves things as they
    /// are, unknown names are dropped, nothing left means the default (`get_allowed_update_types`).
    pub(crate) fn set_allowed(&mut self, text: &str) {
        let Ok(names) = serde_json::from_str::<Vec<String>>(text) else { return };
        let names: BTreeSet<String> = names
            .into_iter()
            .map(|name| name.to_ascii_lowercase())
            .filter(|name| UPDATE_NAMES.contains(&name.as_str()))
            .collect();
        self.allowed = if names.is_empty() { None } else { Some(names) };
    }
}

/// A day in seconds: the server keeps an update no longer.
const DAY: i64 = 86_400;

impl World {
    fn emit(&mut self, bot: i64, kind: UpdateKind, queue: Queue, payload: Value, lifetime: i64) {
        self.outgoing.push(Outgoing { bot, kind, queue, payload, lifetime });
    }

    /// Gives the collected updates their ids and puts them into the queues, as far as they are wanted.
    pub(crate) fn flush(&mut self, now: i64) {
        let outgoing = std::mem::take(&mut self.outgoing);
        for update in outgoing {
            let wanted =
                self.bots.get(&update.bot).is_some_and(|bot| bot.inbox.allows(update.kind.name()));
            if !wanted {
                continue;
            }
            let chat = update.payload.pointer("/chat/id").and_then(Value::as_i64);
            let fate = self.faults.fate_of_update(update.kind.name(), chat, &mut self.rng);
            let alone = self.fresh_id();
            let Some(bot) = self.bots.get_mut(&update.bot) else { continue };
            if fate.strange_before {
                let strange = Outgoing {
                    kind: UpdateKind::Unheard,
                    queue: Queue::Alone(alone),
                    payload: json!({ "temperature": 21, "from": { "id": 1, "odd": [null] } }),
                    ..update.clone()
                };
                bot.inbox.push(now, strange, &Fate::default());
            }
            let mut update = update;
            if fate.extra_fields
                && let Some(fields) = update.payload.as_object_mut()
            {
                fields
                    .insert("field_of_tomorrow".to_owned(), json!({ "nested": [1, "two", null] }));
            }
            if fate.link_unnamed
                && let Some(fields) = update.payload.as_object_mut()
            {
                fields.remove("invite_link");
            }
            if fate.unknown_status
                && let Some(status) = update.payload.pointer_mut("/new_chat_member/status")
            {
                *status = json!("observer");
            }
            bot.inbox.push(now, update, &fate);
        }
    }

    /// A message that appeared in a group, for every bot that may hear it.
    pub(crate) fn announce(&mut self, chat: i64, message_id: i64, kind: UpdateKind) {
        let Some(group) = self.chats.get(&chat) else { return };
        let Some(message) = group.history.messages.get(&message_id) else { return };
        let hearers: Vec<i64> =
            self.bots.keys().copied().filter(|bot| self.hears(*bot, chat, message)).collect();
        for bot in hearers {
            let payload = self.message_json(chat, message_id, bot);
            self.meet(bot, chat, message_id);
            self.emit(bot, kind, Queue::Chat(chat), payload, DAY);
        }
    }

    /// Whoever writes or comes in is known to the bot from then on.
    fn meet(&mut self, bot: i64, chat: i64, message_id: i64) {
        let message = self.chats.get(&chat).and_then(|c| c.history.messages.get(&message_id));
        if let (Some(from), Some(bot)) = (message.map(|m| m.from), self.bots.get_mut(&bot)) {
            bot.known.insert(from);
        }
    }

    /// The rule of privacy mode (Telegram, "Privacy mode"): service messages, commands for the bot,
    /// replies to it; everything for an administrator or with privacy mode off; nothing of its own and
    /// nothing of other bots.
    fn hears(&self, bot: i64, chat: i64, message: &Message) -> bool {
        let (Some(bot), Some(group)) = (self.bots.get(&bot), self.chats.get(&chat)) else {
            return false;
        };
        let status = self.status(chat, bot.id);
        if let Content::Service(service) = &message.content {
            use crate::model::Service::{Joined, Left, Title};
            let about_itself = matches!(service, Joined(id) | Left(id) if *id == bot.id);
            // What the bot did itself is told only for titles and removals
            // (`need_skip_update_message`).
            let own = message.from == bot.id && !matches!(service, Title(_) | Left(_));
            return (status.is_member() || about_itself) && !own;
        }
        let from_bot = self.users.get(&message.from).is_some_and(|user| user.is_bot);
        if from_bot || !status.is_member() {
            return false;
        }
        if status.is_admin() || !bot.privacy {
            return true;
        }
        let replied = message.reply_to.and_then(|id| group.history.messages.get(&id));
        if replied.is_some_and(|replied| replied.from == bot.id) {
            return true;
        }
        let Content::Text { text, .. } = &message.content else { return false };
        let word = text.split_whitespace().next().unwrap_or("");
        match word.strip_prefix('/').map(|word| word.split_once('@')) {
            Some(Some((_, name))) => name.eq_ignore_ascii_case(&bot.username),
            Some(None) => group.last_bot == Some(bot.id),
            None => false,
        }
    }

    /// A message that a person wrote to a bot in private.
    pub(crate) fn announce_private(&mut self, bot: i64, user: i64, message_id: i64) {
        let payload = self.private_message_json(bot, user, message_id);
        self.emit(bot, UpdateKind::Message, Queue::Chat(user), payload, DAY);
    }

    /// The bot's own membership changed: it always hears of it.
    pub(crate) fn announce_own(&mut self, bot: i64, chat: i64, payload: Value) {
        self.emit(bot, UpdateKind::MyChatMember, Queue::Own(chat), payload, DAY);
    }

    /// Somebody's membership changed: only administrators hear of it, and only if they asked.
    pub(crate) fn announce_member(&mut self, bot: i64, user: i64, payload: Value) {
        if let Some(bot) = self.bots.get_mut(&bot) {
            bot.known.insert(user);
        }
        self.emit(bot, UpdateKind::ChatMember, Queue::Person(user), payload, DAY);
    }

    /// Somebody asks to be let in: only who may let in hears of it.
    pub(crate) fn announce_request(&mut self, bot: i64, user: i64, payload: Value) {
        if let Some(bot) = self.bots.get_mut(&bot) {
            bot.known.insert(user);
        }
        self.emit(bot, UpdateKind::ChatJoinRequest, Queue::Person(user), payload, DAY);
    }

    /// A button was pressed.
    pub(crate) fn announce_callback(&mut self, bot: i64, user: i64, payload: Value) {
        if let Some(bot) = self.bots.get_mut(&bot) {
            bot.known.insert(user);
        }
        // A callback query is of no use after some minutes (tdlib: 150 s).
        self.emit(bot, UpdateKind::CallbackQuery, Queue::Callbacks(user), payload, 150);
    }

    /// The bots that are administrators of a chat.
    pub(crate) fn admin_bots(&self, chat: i64) -> Vec<i64> {
        let bots = self.bots.keys().copied();
        bots.filter(|bot| self.status(chat, *bot).is_admin()).collect()
    }

    /// The bots that may let people into a chat.
    pub(crate) fn inviting_bots(&self, chat: i64) -> Vec<i64> {
        let bots = self.bots.keys().copied();
        bots.filter(|bot| self.status(chat, *bot).has(Right::InviteUsers)).collect()
    }
}

impl Inbox {
    fn push(&mut self, now: i64, update: Outgoing, fate: &Fate) {
        self.last_update_id += 1;
        let mut body = json!({ "update_id": self.last_update_id });
        if let Some(fields) = body.as_object_mut() {
            fields.insert(update.kind.name().to_owned(), update.payload);
        }
        let pending = Pending {
            update_id: self.last_update_id,
            body,
            expires_at: now + update.lifetime * 1000,
            wake_at: now + fate.delay_ms.unwrap_or(0),
            overtake_me: fate.overtaken,
            failures: 0,
            in_flight: false,
        };
        let waiting = self.queues.entry(update.queue).or_default();
        if fate.twice {
            // The same update with the same id once more, as after an answer that got lost.
            waiting.push_back(pending.clone());
        }
        waiting.push_back(pending);
    }
}
