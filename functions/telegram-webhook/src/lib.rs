//! POST /telegram/webhook: what Telegram reports.
//!
//! It changes items or queues answers, and calls nothing in Telegram: so it is quick, and an update
//! is never half done. Whatever could not be saved or queued is answered with 503, and Telegram
//! delivers the update again (Bot API, `setWebhook`). An update may come twice and in any order.

mod group;
mod member;
mod person;

use domain::change::{Actor, Cause, Why};
use domain::ids::ChatId;
use domain::language::Language;
use domain::task::{Answer, Task};
use domain::token::{BotName, LinkKey};
use jiff::{SignedDuration, Timestamp};
use queue::{Outgoing, Queue};
use serde_json::json;
use store::{Store, chat_moved};
use subtle::ConstantTimeEq as _;
use telegram::{Message, UpdateKind, User, parse_update};
use uuid::Uuid;
use web::{Call, Problem, Reply};

/// How often a change is tried when others change the same item at the same moment.
const TRIES: usize = 6;

/// For how long the word of a group's upgrade may come behind what people do in it.
const WORD_BEHIND: SignedDuration = SignedDuration::from_secs(60);

/// The secret that Telegram sends along with each update.
pub struct Secret(String);

impl Secret {
    /// Takes the secret.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Compares in a time that does not tell how much was right.
    fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What the webhook needs.
#[derive(Debug)]
pub struct Webhook<S, Q> {
    /// The tables.
    pub store: S,
    /// The queues.
    pub queue: Q,
    /// The bot's name.
    pub bot: BotName,
    /// The key of link tokens.
    pub key: LinkKey,
    /// The webhook's secret.
    pub secret: Secret,
}

/// Takes in one update.
///
/// # Errors
/// "Wrong secret"; "bad JSON" for what cannot come from Telegram; "unavailable" when the update
/// has to be delivered again.
pub async fn handle<S: Store, Q: Queue>(
    webhook: &Webhook<S, Q>,
    call: &Call,
) -> Result<Reply, Problem> {
    let given = call.headers.get("x-telegram-bot-api-secret-token").map(String::as_str);
    if !webhook.secret.is(given.unwrap_or_default()) {
        return Err(Problem::wrong_secret());
    }
    let update = parse_update(&call.body).map_err(|error| Problem::bad_json(error.to_string()))?;
    let language = Language::of(speaker(&update.kind).and_then(|it| it.language_code.as_deref()));
    let (now, fresh) = (call.now, call.fresh);
    let desk = Desk { webhook, now, update: update.update_id, fresh, language };
    match update.kind {
        UpdateKind::Message(message) => desk.message(&message).await?,
        UpdateKind::MyChatMember(change) => desk.bot_changed(&change).await?,
        UpdateKind::ChatMember(change) => desk.member_changed(&change).await?,
        UpdateKind::ChatJoinRequest(request) => desk.asked_to_join(&request).await?,
        UpdateKind::CallbackQuery(_) => {}
        UpdateKind::Other { unreadable } => {
            if let Some(kind) = unreadable {
                tracing::error!(?kind, "an update of a known kind could not be read");
            }
        }
    }
    Ok(Reply::new(200, json!({})))
}

/// Who writes or asks for something, and may be answered.
fn speaker(update: &UpdateKind) -> Option<&User> {
    match update {
        UpdateKind::Message(message) => message.from.as_ref(),
        UpdateKind::ChatJoinRequest(request) => Some(&request.from),
        UpdateKind::MyChatMember(_)
        | UpdateKind::ChatMember(_)
        | UpdateKind::CallbackQuery(_)
        | UpdateKind::Other { .. } => None,
    }
}

/// One update being taken in.
struct Desk<'a, S, Q> {
    webhook: &'a Webhook<S, Q>,
    now: Timestamp,
    update: i64,
    fresh: Uuid,
    /// That of whoever writes or asks.
    language: Language,
}

impl<S: Store, Q: Queue> Desk<'_, S, Q> {
    fn store(&self) -> &S {
        &self.webhook.store
    }

    const fn by(&self, by: Actor, why: Why) -> Cause {
        Cause { at: self.now, by, why }
    }

    /// Somebody did something in a chat that is not in the books. It may have been upgraded a moment
    /// ago, and the word of that may come behind: Telegram delivers messages in one queue, and what
    /// people do in others. So for a while the update is asked to come again.
    fn perhaps_moved(&self, done_at: Timestamp) -> Result<(), Problem> {
        // A time that lies ahead is none of Telegram's: the update would come again all day.
        match self.now.duration_since(done_at).abs() < WORD_BEHIND {
            true => Err(Problem::again()),
            false => Ok(()),
        }
    }

    async fn message(&self, message: &Message) -> Result<(), Problem> {
        let chat = message.chat.id;
        if let Some(to) = message.migrate_to_chat_id {
            chat_moved(self.store(), chat, to, Actor::Telegram, self.now).await?;
            return Ok(());
        }
        if let Some(from) = message.migrate_from_chat_id {
            chat_moved(self.store(), from, chat, Actor::Telegram, self.now).await?;
            return Ok(());
        }
        let Some(user) = &message.from else { return Ok(()) };
        let Some((name, payload)) = message.text.as_deref().and_then(|text| self.command(text))
        else {
            return Ok(());
        };
        // In a group, an administrator who stays anonymous writes as a bot of Telegram's.
        match (name, chat.get() > 0) {
            ("/start", true) => self.start_in_private(user.id, payload).await,
            ("/start", false) => {
                let said_at = message.date.unwrap_or(self.now);
                self.start_in_group(chat, user.id, payload, said_at).await
            }
            // What somebody has bought is nobody else's business.
            ("/access", true) => self.answer(chat, Answer::Access).await,
            _ => Ok(()),
        }
    }

    /// A command that is for this bot, and what stands behind it; empty when that is nothing.
    fn command<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str)> {
        let (command, payload) =
            text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        let (name, bot) = command.split_once('@').unwrap_or((command, self.webhook.bot.as_str()));
        let is_ours = bot.eq_ignore_ascii_case(self.webhook.bot.as_str());
        is_ours.then(|| (name, payload.trim()))
    }

    /// Queues an answer. The update's number keeps a repetition of the update from answering twice.
    async fn answer(&self, chat: ChatId, answer: Answer) -> Result<(), Problem> {
        self.queue(Task::Answer { chat, answer, language: self.language }).await
    }

    async fn queue(&self, task: Task) -> Result<(), Problem> {
        let key = format!("update/{}#{}", self.update, task.name());
        self.webhook.queue.send(&[Outgoing { key, task }]).await.map_err(|error| {
            tracing::error!(cause = %error, "an update has to be delivered again");
            Problem::unavailable(SignedDuration::from_secs(1))
        })
    }
}
