//! Ports that take their time: what is in memory answers as late as what is far away.

use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::{ChatId, MessageId, UserId};
use domain::pace::{BotPace, ChatBlock, ChatPace, ChatTake, Note, Take};
use domain::relay::AuditRecord;
use domain::task::Lane;
use jiff::{SignedDuration, Timestamp};
use limiter::{Limits, Moved};
use queue::{Outgoing, Queue, QueueError};
use startup::Clock as _;
use store::{
    CommitError, Count, Cursor, DueItem, List, Page, Row, Store, StoreError, Table, Write,
};
use telegram::{
    AllowedUpdate, Answer, BotCommand, Chat, ChatInviteLink, ChatMember, ChatPermissions, NewLink,
    NewMessage, NewPhoto, Telegram, User,
};
use testkit::VirtualClock;

/// How long a call takes there and back, in microseconds: evenly between the two.
pub type Span = (i64, i64);

/// A read or a write of a table: a few milliseconds within a region.
const TABLE: Span = (3_000, 9_000);
/// A call of the queue.
const QUEUE: Span = (8_000, 20_000);
/// A call of the Bot API, without what Telegram itself does meanwhile.
pub const TELEGRAM: Span = (60_000, 90_000);

/// Waits for chance-driven times on the virtual clock.
#[derive(Clone, Debug)]
pub struct Way {
    clock: VirtualClock,
    dice: Arc<Mutex<fastrand::Rng>>,
}

impl Way {
    /// Ways whose lengths follow from the seed.
    #[must_use]
    pub fn new(clock: VirtualClock, seed: u64) -> Self {
        Self { clock, dice: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))) }
    }

    /// Half of a way of such a length.
    async fn half(&self, span: Span) {
        self.pass((span.0 / 2, span.1 / 2)).await;
    }

    /// Lets such a time pass.
    pub async fn pass(&self, span: Span) {
        let micros = {
            let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
            dice.i64(span.0..=span.1)
        };
        let until = domain::time::after(self.clock.now(), SignedDuration::from_micros(micros));
        self.clock.sleep_until(until).await;
    }
}

/// A port, a way from it.
#[derive(Clone, Debug)]
pub struct Slow<P> {
    /// What answers.
    pub port: P,
    /// How far it is.
    pub way: Way,
}

/// Every call goes half the way, is done, and goes half the way back.
macro_rules! slow {
    ($span:expr; $($name:ident($($arg:ident: $kind:ty),*) -> $out:ty;)*) => {
        $(async fn $name(&self, $($arg: $kind),*) -> $out {
            self.way.half($span).await;
            let done = self.port.$name($($arg),*).await;
            self.way.half($span).await;
            done
        })*
    };
}

impl<S: Store> Store for Slow<S> {
    slow! { TABLE;
        read(table: Table, id: &str) -> Result<Option<Row>, StoreError>;
        commit(writes: Vec<Write>) -> Result<(), CommitError>;
        list(list: &List, limit: usize, from: Option<&Cursor>) -> Result<Page<Row>, StoreError>;
        count(count: &Count, most: usize) -> Result<usize, StoreError>;
        due(table: Table, shard: u8, until: Timestamp, limit: usize, from: Option<&Cursor>)
            -> Result<Page<DueItem>, StoreError>;
        write_audit(records: &[AuditRecord]) -> Result<(), StoreError>;
        audit(service: &str, limit: usize, from: Option<&Cursor>)
            -> Result<Page<AuditRecord>, StoreError>;
    }
}

impl<L: Limits> Limits for Slow<L> {
    slow! { TABLE;
        bot() -> Result<Option<BotPace>, StoreError>;
        take(take: &Take) -> Result<Moved<BotPace>, StoreError>;
        note(note: &Note) -> Result<Moved<BotPace>, StoreError>;
        chat(chat: ChatId) -> Result<Option<ChatPace>, StoreError>;
        take_chat(chat: ChatId, take: &ChatTake) -> Result<Moved<ChatPace>, StoreError>;
        block_chat(chat: ChatId, block: ChatBlock, now_us: i64) -> Result<(), StoreError>;
        strikes(message: &str) -> Result<u32, StoreError>;
        strike(message: &str, now_us: i64) -> Result<u32, StoreError>;
        forgive(message: &str, now_us: i64) -> Result<(), StoreError>;
    }
}

impl<Q: Queue> Queue for Slow<Q> {
    slow! { QUEUE;
        send(messages: &[Outgoing]) -> Result<(), QueueError>;
        bury(lane: Lane, key: &str, body: &str) -> Result<(), QueueError>;
        redrive(lane: Lane) -> Result<Option<usize>, QueueError>;
        hide(lane: Lane, receipts: &[&str], time: SignedDuration) -> Result<(), QueueError>;
        finish(lane: Lane, receipt: &str) -> Result<(), QueueError>;
        hand_back(lane: Lane, receipt: &str, delay: SignedDuration) -> Result<(), QueueError>;
    }
}

impl<T: Telegram + Send> Telegram for Slow<T> {
    slow! { TELEGRAM;
        get_me() -> Answer<User>;
        get_chat(chat: ChatId) -> Answer<Chat>;
        get_chat_member(chat: ChatId, user: UserId) -> Answer<ChatMember>;
        get_chat_member_count(chat: ChatId) -> Answer<u64>;
        create_invite_link(link: &NewLink) -> Answer<ChatInviteLink>;
        revoke_invite_link(chat: ChatId, link: &str) -> Answer<()>;
        approve_join_request(chat: ChatId, user: UserId) -> Answer<()>;
        decline_join_request(chat: ChatId, user: UserId) -> Answer<()>;
        remove_member(chat: ChatId, user: UserId) -> Answer<()>;
        send_message(message: &NewMessage) -> Answer<MessageId>;
        send_photo(photo: &NewPhoto) -> Answer<MessageId>;
        set_chat_title(chat: ChatId, title: &str) -> Answer<()>;
        set_chat_description(chat: ChatId, description: &str) -> Answer<()>;
        set_chat_permissions(chat: ChatId, permissions: &ChatPermissions) -> Answer<()>;
        set_webhook(url: &str, secret: &str, allowed_updates: &[AllowedUpdate]) -> Answer<()>;
        set_my_commands(commands: &[BotCommand], language: Option<&'static str>) -> Answer<()>;
        answer_callback_query(id: &str, text: Option<&str>) -> Answer<()>;
        leave_chat(chat: ChatId) -> Answer<()>;
    }
}
