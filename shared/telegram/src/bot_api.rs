//! The Bot API over HTTP.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use domain::ids::{ChatId, MessageId, UserId};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::json;
use serde_json::value::RawValue;

use crate::api::{Answer, Telegram};
use crate::args::Args;
use crate::call_error::CallError;
use crate::classify::classify;
use crate::requests::{AllowedUpdate, BotCommand, LinkKind, NewLink, NewMessage, NewPhoto};
use crate::scrub::{quote, shape};
use crate::token::BotToken;
use crate::types::{Chat, ChatInviteLink, ChatMember, ChatPermissions, User};

/// How much of an answer is read, in bytes. Answers to Usher's calls have a few thousand.
const MAX_ANSWER: usize = 1 << 20;

/// How long an unused connection is kept. A Lambda is frozen between requests; a connection that
/// has died meanwhile would cost a call whose outcome nobody knows.
const IDLE: Duration = Duration::from_secs(30);

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimits {
    /// From the beginning to the last byte of the answer. Telegram's server may hold a call for
    /// 8 s before it says that there were too many, so less than 20 s loses answers.
    pub total: Duration,
    /// For the connection and its encryption alone.
    pub connect: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { total: Duration::from_secs(25), connect: Duration::from_secs(5) }
    }
}

/// The client cannot be built. The token is not in it.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The base URL is not an absolute `http` or `https` URL, or has a query or a fragment.
    #[error("the Bot API's base URL is not usable")]
    BaseUrl,
    /// No TLS provider was installed at the start of the program.
    #[error("no TLS provider is installed")]
    NoTlsProvider,
    /// TLS or its certificates cannot be set up.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}

/// What has to be known of a call when the server stumbled over it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// Nothing: it is made again, and twice is as good as once.
    Safe,
    /// That it may have acted: a message would stand there twice; who was put out has paid meanwhile,
    /// and nobody would tell them.
    Unsafe,
}

/// The Bot API over HTTP. Build it once and share it: it keeps its connections.
///
/// It obeys no proxy settings of the environment, follows no redirects, and repeats nothing.
pub struct BotApi {
    http: Client,
    /// Base URL, token and a slash; the method's name goes behind it.
    address: String,
    token: BotToken,
}

impl fmt::Debug for BotApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BotApi(…)")
    }
}

impl BotApi {
    /// A client for the Bot API at `base`, such as `https://api.telegram.org`, with the usual
    /// [`TimeLimits`].
    ///
    /// # Errors
    /// [`SetupError`]. A TLS provider has to be installed first, even if `base` is plain `http`.
    pub fn new(base: &str, token: BotToken) -> Result<Self, SetupError> {
        Self::with_limits(base, token, TimeLimits::default())
    }

    /// As [`new`](Self::new), with time limits of one's own.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_limits(
        base: &str,
        token: BotToken,
        limits: TimeLimits,
    ) -> Result<Self, SetupError> {
        let base = base.trim_end_matches('/');
        let url: Url = base.parse().map_err(|_| SetupError::BaseUrl)?;
        let is_usable = matches!(url.scheme(), "http" | "https")
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_usable {
            return Err(SetupError::BaseUrl);
        }
        // Without one, the HTTP client panics.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(SetupError::NoTlsProvider);
        }
        let http = Client::builder()
            .timeout(limits.total)
            .connect_timeout(limits.connect)
            .pool_idle_timeout(IDLE)
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| SetupError::Client(chain(&error.without_url())))?;
        let address = format!("{base}/bot{}/", token.in_address());
        Ok(Self { http, address, token })
    }

    /// The bot's own account, without a call.
    pub fn bot_id(&self) -> UserId {
        self.token.bot_id()
    }

    /// Makes one call that may be made again.
    async fn call<T: DeserializeOwned>(&self, method: &str, args: Args) -> Answer<T> {
        self.read(&self.post(method, args.into_body(), Repeat::Safe).await?)
    }

    /// As [`call`](Self::call), about a chat.
    async fn call_in<T: DeserializeOwned>(
        &self,
        chat: ChatId,
        method: &str,
        args: Args,
    ) -> Answer<T> {
        self.call(method, args).await.map_err(|error| error.in_chat(chat))
    }

    /// As [`call_in`](Self::call_in), where the answer says nothing beyond success.
    async fn tell(&self, chat: ChatId, method: &str, args: Args) -> Answer<()> {
        let IgnoredAny = self.call_in(chat, method, args).await?;
        Ok(())
    }

    /// Does something in a chat of which it matters whether it was done.
    async fn act_in<T: DeserializeOwned>(
        &self,
        chat: ChatId,
        method: &str,
        args: Args,
    ) -> Answer<T> {
        let answer = self
            .post(method, args.into_body(), Repeat::Unsafe)
            .await
            .map_err(|error| error.in_chat(chat))?;
        self.read(&answer)
    }

    /// Posts something in a chat.
    async fn post_in(&self, chat: ChatId, method: &str, args: Args) -> Answer<MessageId> {
        let Posted { message_id } = self.act_in(chat, method, args).await?;
        Ok(message_id)
    }

    /// Makes the HTTP request and gives the body of a success. Boxed: its state is large, and it
    /// would otherwise be part of every future that makes a call.
    fn post(
        &self,
        method: &str,
        body: String,
        repeat: Repeat,
    ) -> Pin<Box<dyn Future<Output = Answer<String>> + Send + '_>> {
        let address = format!("{}{method}", self.address);
        Box::pin(async move {
            let request =
                self.http.post(address).header(CONTENT_TYPE, "application/json").body(body);
            let mut response = request.send().await.map_err(|error| self.no_answer(error))?;
            let status = response.status();
            let retry_after = response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned);
            let text = match read_text(&mut response).await {
                Ok(text) => text,
                // The refusal is known, though its reason is lost.
                Err(_) if !status.is_success() => String::new(),
                Err(description) => {
                    return Err(CallError::UnknownOutcome {
                        description: quote(&self.token.scrub(&description)),
                    });
                }
            };
            if status.is_success() && !is_refusal(&text) {
                return Ok(text);
            }
            let text = self.token.scrub(&text);
            let error = classify(status.as_u16(), text.as_bytes(), retry_after.as_deref());
            Err(match error {
                // A gateway that gives up, or a server that stumbles, may have passed the call on.
                CallError::Transient { description }
                    if repeat == Repeat::Unsafe
                        && (status.is_server_error() || status.is_success()) =>
                {
                    CallError::UnknownOutcome { description }
                }
                other => other,
            })
        })
    }

    /// What a request without an answer means.
    fn no_answer(&self, error: reqwest::Error) -> CallError {
        let was_sent = !(error.is_connect() || error.is_builder());
        let description = quote(&self.token.scrub(&chain(&error.without_url())));
        if was_sent {
            CallError::UnknownOutcome { description }
        } else {
            CallError::Transient { description }
        }
    }
    /// Reads the result out of a success.
    fn read<T: DeserializeOwned>(&self, text: &str) -> Answer<T> {
        serde_json::from_str::<Success<'_>>(text)
            .and_then(|success| serde_json::from_str(success.result.get()))
            .map_err(|_| CallError::UnknownOutcome {
                description: format!("unreadable answer: {}", shape(&self.token.scrub(text))),
            })
    }
}

/// Bot API, "Making requests": the form of a successful answer.
#[derive(Deserialize)]
struct Success<'a> {
    #[serde(borrow)]
    result: &'a RawValue,
}

/// What is needed of the message that `sendMessage` and `sendPhoto` give back.
#[derive(Deserialize)]
struct Posted {
    message_id: MessageId,
}

/// Whether an answer with a good HTTP status says all the same that the call failed.
fn is_refusal(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Envelope {
        ok: bool,
    }
    serde_json::from_str::<Envelope>(text).is_ok_and(|envelope| !envelope.ok)
}

/// Reads an answer's text; the error says why it cannot be read.
async fn read_text(response: &mut Response) -> Result<String, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error.without_url()))? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Err(format!("the answer is longer than {MAX_ANSWER} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// An error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl Telegram for BotApi {
    async fn get_me(&self) -> Answer<User> {
        self.call("getMe", Args::default()).await
    }

    async fn get_chat(&self, chat: ChatId) -> Answer<Chat> {
        self.call_in(chat, "getChat", Args::chat(chat)).await
    }

    async fn get_chat_member(&self, chat: ChatId, user: UserId) -> Answer<ChatMember> {
        self.call_in(chat, "getChatMember", Args::member(chat, user)).await
    }

    async fn get_chat_member_count(&self, chat: ChatId) -> Answer<u64> {
        self.call_in(chat, "getChatMemberCount", Args::chat(chat)).await
    }

    async fn create_invite_link(&self, link: &NewLink) -> Answer<ChatInviteLink> {
        let args = Args::chat(link.chat)
            .text("name", &link.name)
            .maybe("expire_date", link.expires_at.map(|moment| moment.as_second()));
        let args = match link.kind {
            LinkKind::Guarded => args.with("creates_join_request", true),
            LinkKind::MemberLimit(limit) => args.with("member_limit", limit.get()),
        };
        self.call_in(link.chat, "createChatInviteLink", args).await
    }

    async fn revoke_invite_link(&self, chat: ChatId, link: &str) -> Answer<()> {
        self.tell(chat, "revokeChatInviteLink", Args::chat(chat).with("invite_link", link)).await
    }

    async fn approve_join_request(&self, chat: ChatId, user: UserId) -> Answer<()> {
        self.tell(chat, "approveChatJoinRequest", Args::member(chat, user)).await
    }

    async fn decline_join_request(&self, chat: ChatId, user: UserId) -> Answer<()> {
        self.tell(chat, "declineChatJoinRequest", Args::member(chat, user)).await
    }

    async fn remove_member(&self, chat: ChatId, user: UserId) -> Answer<()> {
        // `only_if_banned` is left out when false, and false is what makes Telegram remove a member
        // who is not banned (Bot API, `unbanChatMember`).
        let IgnoredAny = self.act_in(chat, "unbanChatMember", Args::member(chat, user)).await?;
        Ok(())
    }

    async fn send_message(&self, message: &NewMessage) -> Answer<MessageId> {
        let args = Args::chat(message.chat)
            .with("text", message.html.as_str())
            .with("parse_mode", "HTML")
            .maybe("reply_parameters", message.reply_to.map(reply_parameters))
            .maybe("reply_markup", keyboard(message))
            .flag("disable_notification", message.silent);
        self.post_in(message.chat, "sendMessage", args).await
    }

    async fn send_photo(&self, photo: &NewPhoto) -> Answer<MessageId> {
        let args = Args::chat(photo.chat)
            .with("photo", photo.url.as_str())
            .with("parse_mode", "HTML")
            .text("caption", &photo.caption_html)
            .maybe("reply_parameters", photo.reply_to.map(reply_parameters));
        self.post_in(photo.chat, "sendPhoto", args).await
    }

    async fn set_chat_title(&self, chat: ChatId, title: &str) -> Answer<()> {
        self.tell(chat, "setChatTitle", Args::chat(chat).with("title", title)).await
    }

    async fn set_chat_description(&self, chat: ChatId, description: &str) -> Answer<()> {
        let args = Args::chat(chat).text("description", description);
        self.tell(chat, "setChatDescription", args).await
    }

    async fn set_chat_permissions(
        &self,
        chat: ChatId,
        permissions: &ChatPermissions,
    ) -> Answer<()> {
        // Independent: otherwise one permission switches on others (Bot API, `setChatPermissions`).
        let args = Args::chat(chat)
            .with("permissions", json!(permissions))
            .with("use_independent_chat_permissions", true);
        self.tell(chat, "setChatPermissions", args).await
    }

    async fn set_webhook(
        &self,
        url: &str,
        secret: &str,
        allowed_updates: &[AllowedUpdate],
    ) -> Answer<()> {
        let names: Vec<&str> = allowed_updates.iter().map(|kind| kind.name()).collect();
        // An empty list is said, too: left out, it would mean "as before".
        let args = Args::default()
            .with("url", url)
            .with("secret_token", secret)
            .with("allowed_updates", names);
        let IgnoredAny = self.call("setWebhook", args).await?;
        Ok(())
    }

    async fn set_my_commands(
        &self,
        commands: &[BotCommand],
        language: Option<&'static str>,
    ) -> Answer<()> {
        let commands: Vec<_> = commands
            .iter()
            .map(|each| json!({ "command": each.command, "description": each.description }))
            .collect();
        let args = Args::default().with("commands", commands).maybe("language_code", language);
        let IgnoredAny = self.call("setMyCommands", args).await?;
        Ok(())
    }

    async fn answer_callback_query(&self, id: &str, text: Option<&str>) -> Answer<()> {
        let args = Args::default().with("callback_query_id", id).maybe("text", text);
        let IgnoredAny = self.call("answerCallbackQuery", args).await?;
        Ok(())
    }

    async fn leave_chat(&self, chat: ChatId) -> Answer<()> {
        self.tell(chat, "leaveChat", Args::chat(chat)).await
    }
}

fn reply_parameters(message: MessageId) -> serde_json::Value {
    json!({ "message_id": message.get() })
}

fn keyboard(message: &NewMessage) -> Option<serde_json::Value> {
    if message.buttons.is_empty() {
        return None;
    }
    let rows: Vec<Vec<_>> = message
        .buttons
        .iter()
        .map(|row| {
            row.iter().map(|button| json!({ "text": button.text, "url": button.url })).collect()
        })
        .collect();
    Some(json!({ "inline_keyboard": rows }))
}
