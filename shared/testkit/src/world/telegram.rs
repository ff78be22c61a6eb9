//! Telegram, as one process of a world reaches it.

use std::sync::Arc;

use domain::group::{ChatClaim, Holder};
use domain::ids::{ChatId, MessageId, ServiceId, UserId};
use domain::link::Pass;
use domain::subscription::Subscription;
use jiff::SignedDuration;
use startup::Clock as _;
use store::{UserClaim, key};
use telegram::{
    AllowedUpdate, Answer, BotCommand, CallError, Chat, ChatInviteLink, ChatMember,
    ChatPermissions, MemberStatus, NewLink, NewMessage, NewPhoto, Telegram, User,
};

use super::bug::Bug;
use super::hub::{Effect, Verdict};
use super::ports::Port;
use super::watch::Ways;
use crate::{MemoryStore, MemoryTelegram, Shared};

/// The way to Telegram, and the tables, for those who look at what is done there.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) telegram: MemoryTelegram,
    pub(super) store: Shared<MemoryStore>,
}

/// The Bot API's own words for a failure, and those of a server in front of it.
const INTERNAL: &str = r#"{"ok":false,"error_code":500,"description":"Internal Server Error"}"#;
const GATEWAY: &str = "<html><body><h1>502 Bad Gateway</h1></body></html>";

fn lost() -> CallError {
    CallError::UnknownOutcome { description: "no answer came".to_owned() }
}

/// What comes instead of an answer, read as the client of the Bot API reads it: whether a message
/// was posted then, or somebody put out, nobody knows; other calls are made again.
fn stumbled(name: &str, status: u16, body: &str) -> CallError {
    match telegram::classify(status, body.as_bytes(), None) {
        CallError::Transient { description }
            if name.starts_with("send") || name == "unbanChatMember" =>
        {
            CallError::UnknownOutcome { description }
        }
        error => error,
    }
}

fn outcome<T>(answer: &Answer<T>) -> String {
    match answer {
        Ok(_) => "ok".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

impl Port<Line> {
    /// One call. `work` makes it; it may be made when the caller has gone.
    async fn call<T, F>(&self, name: &'static str, effect: Effect, work: F) -> Answer<T>
    where
        T: Send + 'static,
        F: Future<Output = Answer<T>> + Send + 'static,
    {
        let verdict = self.hub.verdict(self.process, effect).await;
        let answer = match verdict {
            Verdict::Done => work.await,
            Verdict::Refused => {
                Err(CallError::Transient { description: "no connection".to_owned() })
            }
            Verdict::Wait(seconds) => Err(CallError::RetryAfter { seconds }),
            Verdict::ServerError => Err(stumbled(name, 500, INTERNAL)),
            Verdict::Nonsense => {
                let _ = work.await;
                Err(stumbled(name, 502, GATEWAY))
            }
            Verdict::Late(seconds) => {
                let after = SignedDuration::from_secs(i64::from(seconds));
                let late = async move {
                    let _ = work.await;
                };
                self.hub.later(after, Box::pin(late));
                Err(lost())
            }
            Verdict::LostAfter => {
                let _ = work.await;
                Err(lost())
            }
            Verdict::DiesAfter => {
                let answer = work.await;
                self.note(|| format!("calls {name}: {}, and dies", outcome(&answer)));
                return self.hub.die(self.process).await;
            }
            Verdict::LostBefore | Verdict::Partly | Verdict::DiesBefore => Err(lost()),
        };
        let answer = match answer {
            Err(CallError::Migrated { .. }) if self.hub.bug == Some(Bug::MigrationOnlyByUpdate) => {
                Err(CallError::Transient { description: "the group was upgraded".to_owned() })
            }
            answer => answer,
        };
        self.note(|| {
            let how = if verdict == Verdict::Done { "" } else { &format!(" [{verdict:?}]") };
            format!("calls {name}: {}{how}", outcome(&answer))
        });
        answer
    }

    /// The service of a chat.
    fn service(&self, chat: ChatId) -> Option<ServiceId> {
        match self.inner.store.find::<ChatClaim>(&key::chat(chat))?.holder {
            Holder::Service { service } => Some(service),
            Holder::Spare { .. } | Holder::Moved { .. } => None,
        }
    }

    /// The key of an account's claim in the service of a chat.
    fn claim(&self, chat: ChatId, user: UserId) -> Option<String> {
        Some(key::user(self.service(chat)?, user))
    }

    /// The pass, taken back or not, of a guest of the service of a chat.
    fn pass(&self, chat: ChatId, user: UserId) -> Option<Arc<Pass>> {
        self.inner.store.find(&key::pass(self.service(chat)?, user))
    }

    /// The subscription that an account holds in the service of a chat: the key of the account's
    /// claim, and the row.
    fn holder(&self, chat: ChatId, user: UserId) -> Option<(String, String, Arc<Subscription>)> {
        let store = &self.inner.store;
        let claim = self.claim(chat, user)?;
        let id = store.find::<UserClaim>(&claim)?.subscription?.to_string();
        let subscription = store.find::<Subscription>(&id)?;
        Some((claim, id, subscription))
    }

    /// Everything by which somebody could come in as it is now.
    fn ways(&self, chat: ChatId, user: UserId) -> Ways {
        Ways {
            claim: self.claim(chat, user).unwrap_or_default(),
            holder: self.holder(chat, user).map(|(_, row, it)| (row, it)),
            link: self.pass(chat, user).map(|pass| key::link(pass.link)),
        }
    }

    /// Posts something; where the world says that it is done before it is, it is done later.
    async fn post<F>(&self, name: &'static str, chat: ChatId, work: F) -> Answer<MessageId>
    where
        F: Future<Output = Answer<MessageId>> + Send + 'static,
    {
        if chat.get() < 0 && self.hub.bug == Some(Bug::SentBeforeSending) {
            let late = async move {
                let _ = work.await;
            };
            self.hub.state().unsent.push((self.process, Box::pin(late)));
            return Ok(MessageId::new(1));
        }
        let answer = self.call(name, Effect::Act, work).await;
        match (self.hub.bug, answer) {
            (Some(Bug::UnknownTakenAsSent), Err(CallError::UnknownOutcome { .. })) => {
                Ok(MessageId::new(1))
            }
            (Some(Bug::UnknownTakenAsFailed), Err(CallError::UnknownOutcome { description })) => {
                Err(CallError::Transient { description })
            }
            (_, answer) => answer,
        }
    }
}

/// A call whose arguments are its own, so that it can be made when its caller has gone.
macro_rules! own {
    ($port:ident, |$telegram:ident $(, $arg:ident)*| $call:expr) => {{
        let $telegram = $port.inner.telegram.clone();
        $(let $arg = $arg.to_owned();)*
        async move { $call.await }
    }};
}

impl Telegram for Port<Line> {
    async fn get_me(&self) -> Answer<User> {
        self.call("getMe", Effect::Look, own!(self, |telegram| telegram.get_me())).await
    }

    async fn get_chat(&self, chat: ChatId) -> Answer<Chat> {
        self.call("getChat", Effect::Look, own!(self, |telegram| telegram.get_chat(chat))).await
    }

    async fn get_chat_member(&self, chat: ChatId, user: UserId) -> Answer<ChatMember> {
        let work = own!(self, |telegram| telegram.get_chat_member(chat, user));
        let mut answer = self.call("getChatMember", Effect::Look, work).await;
        {
            let mut state = self.hub.state();
            let tick = state.tick;
            state.watch.looked(self.process, chat.get(), user.get(), tick);
        }
        if self.hub.bug == Some(Bug::LiftModeratorsBan)
            && let Ok(member) = &mut answer
            && member.status == MemberStatus::Banned
        {
            member.status = MemberStatus::Member;
        }
        answer
    }

    async fn get_chat_member_count(&self, chat: ChatId) -> Answer<u64> {
        let work = own!(self, |telegram| telegram.get_chat_member_count(chat));
        self.call("getChatMemberCount", Effect::Look, work).await
    }

    async fn create_invite_link(&self, link: &NewLink) -> Answer<ChatInviteLink> {
        let work = own!(self, |telegram, link| telegram.create_invite_link(&link));
        self.call("createChatInviteLink", Effect::Act, work).await
    }

    async fn revoke_invite_link(&self, chat: ChatId, link: &str) -> Answer<()> {
        let work = own!(self, |telegram, link| telegram.revoke_invite_link(chat, &link));
        self.call("revokeChatInviteLink", Effect::Act, work).await
    }

    async fn approve_join_request(&self, chat: ChatId, user: UserId) -> Answer<()> {
        // What it learns before Telegram acts, if that is later, it does not know yet.
        let ways = self.ways(chat, user);
        let known = self.hub.state().watch.knows_door(self.process, &ways);
        let port = self.clone();
        let work = async move {
            let (ways, now) = (port.ways(chat, user), port.clock.now());
            port.hub.state().watch.lets_in(known, &ways, now);
            port.inner.telegram.approve_join_request(chat, user).await
        };
        self.call("approveChatJoinRequest", Effect::Act, work).await
    }

    async fn decline_join_request(&self, chat: ChatId, user: UserId) -> Answer<()> {
        if self.hub.bug == Some(Bug::EverybodyApproved) {
            return self.approve_join_request(chat, user).await;
        }
        let port = self.clone();
        let work = async move {
            let answer = port.inner.telegram.decline_join_request(chat, user).await;
            if answer.is_ok() {
                let now = port.clock.now();
                let over = port.holder(chat, user).is_none_or(|(_, _, it)| !it.entitled(now));
                port.hub.state().watch.declines(chat.get(), user.get(), now, over);
            }
            answer
        };
        self.call("declineChatJoinRequest", Effect::Act, work).await
    }

    async fn remove_member(&self, chat: ChatId, user: UserId) -> Answer<()> {
        let holder = self.holder(chat, user);
        if self.hub.bug == Some(Bug::NoGuard) && holder.is_none() {
            return Ok(());
        }
        let place = (chat.get(), user.get());
        let keys = holder.as_ref().map(|(claim, row, _)| (claim.as_str(), row.as_str()));
        let known = self.hub.state().watch.knows(self.process, place, keys);
        let port = self.clone();
        let work = async move {
            let holder = port.holder(chat, user);
            let holder = holder.as_ref().map(|(_, row, it)| (row.as_str(), it.as_ref()));
            let now = port.clock.now();
            port.hub.state().watch.removes(known, place, holder, now);
            let (was_inside, ..) = port.inner.telegram.look(|world| world.stands(place.0, place.1));
            let answer = port.inner.telegram.remove_member(chat, user).await;
            let pass = port.pass(chat, user).filter(|pass| pass.is_valid());
            if let (true, Ok(()), Some(pass)) = (was_inside, &answer, pass) {
                port.hub.state().watch.guest_put_out(place, pass.link, now);
            }
            answer
        };
        self.call("unbanChatMember", Effect::Act, work).await
    }

    async fn send_message(&self, message: &NewMessage) -> Answer<MessageId> {
        let chat = message.chat;
        let mut message = message.clone();
        if self.hub.bug == Some(Bug::UpdatesAnswerNothing) {
            message.reply_to = None;
        }
        let work = own!(self, |telegram, message| telegram.send_message(&message));
        self.post("sendMessage", chat, work).await
    }

    async fn send_photo(&self, photo: &NewPhoto) -> Answer<MessageId> {
        let chat = photo.chat;
        let work = own!(self, |telegram, photo| telegram.send_photo(&photo));
        self.post("sendPhoto", chat, work).await
    }

    async fn set_chat_title(&self, chat: ChatId, title: &str) -> Answer<()> {
        let work = own!(self, |telegram, title| telegram.set_chat_title(chat, &title));
        self.call("setChatTitle", Effect::Act, work).await
    }

    async fn set_chat_description(&self, chat: ChatId, description: &str) -> Answer<()> {
        let work =
            own!(self, |telegram, description| telegram.set_chat_description(chat, &description));
        self.call("setChatDescription", Effect::Act, work).await
    }

    async fn set_chat_permissions(
        &self,
        chat: ChatId,
        permissions: &ChatPermissions,
    ) -> Answer<()> {
        let work =
            own!(self, |telegram, permissions| telegram.set_chat_permissions(chat, &permissions));
        self.call("setChatPermissions", Effect::Act, work).await
    }

    async fn set_webhook(
        &self,
        url: &str,
        secret: &str,
        allowed_updates: &[AllowedUpdate],
    ) -> Answer<()> {
        let work = own!(self, |telegram, url, secret, allowed_updates| telegram.set_webhook(
            &url,
            &secret,
            &allowed_updates
        ));
        self.call("setWebhook", Effect::Act, work).await
    }

    async fn set_my_commands(
        &self,
        commands: &[BotCommand],
        language: Option<&'static str>,
    ) -> Answer<()> {
        let work = own!(self, |telegram, commands| telegram.set_my_commands(&commands, language));
        self.call("setMyCommands", Effect::Act, work).await
    }

    async fn answer_callback_query(&self, id: &str, text: Option<&str>) -> Answer<()> {
        let text = text.map(str::to_owned);
        let work = own!(self, |telegram, id| telegram.answer_callback_query(&id, text.as_deref()));
        self.call("answerCallbackQuery", Effect::Act, work).await
    }

    async fn leave_chat(&self, chat: ChatId) -> Answer<()> {
        self.call("leaveChat", Effect::Act, own!(self, |telegram| telegram.leave_chat(chat))).await
    }
}
