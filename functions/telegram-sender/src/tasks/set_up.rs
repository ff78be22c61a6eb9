//! Looking at a group and putting in place what is missing: the guarded link, the members'
//! permissions, and for a group of the pool its name.

use domain::change::Why;
use domain::group::{BotStanding, InviteLink, Origin};
use domain::ids::ChatId;
use domain::service::Service;
use domain::task::Lane;
use jiff::SignedDuration;
use limiter::{Call, Limits};
use queue::Queue;
use startup::Clock;
use store::{CommitError, Store, Write};
use telegram::{CallError, Chat, ChatPermissions, LinkKind, NewLink, Telegram, look};

use crate::trouble::{Place, Trouble};
use crate::{Outcome, Sender, TaskError, because};

/// The name of the guarded link, as administrators see it in Telegram.
const LINK_NAME: &str = "Usher: buyers";

/// A run that failed in passing is tried again so soon: its trader waits in front of the screen.
const SOON: SignedDuration = SignedDuration::from_secs(20);

/// After so many failures in a row it is left to the sweep.
const SOON_TRIES: u32 = 5;

/// How the steps in Telegram ended before their end.
enum Stopped {
    /// A call failed.
    Failed(CallError),
    /// There was no turn.
    NoTurn(SignedDuration),
    /// The tables could not be used.
    Error(TaskError),
}

impl From<CallError> for Stopped {
    fn from(error: CallError) -> Self {
        Self::Failed(error)
    }
}

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Sets a group up, as far as the bot's rights go.
    pub(super) async fn set_up(&self, chat: ChatId, lane: Lane) -> Result<Outcome, TaskError> {
        let Some(place) = self.place(chat).await? else { return Ok(Outcome::Done) };
        // Done by an earlier message.
        if place.group().pending.is_none() {
            return Ok(Outcome::Done);
        }
        let chat = place.group().chat;
        let failures = place.group().pending.map_or(0, |pending| pending.failures);
        match self.steps(&place, lane).await {
            Ok(outcome) => Ok(outcome),
            Err(Stopped::Error(error)) => Err(error),
            Err(Stopped::NoTurn(wait)) => Ok(Outcome::Later(wait)),
            Err(Stopped::Failed(error)) => {
                Ok(match self.trouble(error, Call::About(chat)).await? {
                    Trouble::Wait(wait) => Outcome::Later(wait),
                    // Marked, and looked at again when the rights change or by the sweep.
                    Trouble::Hands(_) => Outcome::Done,
                    Trouble::Passing(error) | Trouble::Answer(error) => {
                        tracing::warn!(cause = %error, "a group could not be set up");
                        let failed = Why::GroupSetUpFailed;
                        self.change_group(chat, failed, |group, now| group.set_up_failed(now))
                            .await?;
                        if failures < SOON_TRIES { Outcome::Later(SOON) } else { Outcome::Done }
                    }
                })
            }
        }
    }

    async fn steps(&self, place: &Place, lane: Lane) -> Result<Outcome, Stopped> {
        let chat = place.group().chat;
        self.step(chat, lane).await?;
        let seen = look(&self.telegram, chat, self.bot, true).await?;
        let mut group = place.group().clone();
        group.observe(seen, self.clock.now());
        if group.is_blocked() {
            return self.save(place, group, Why::GroupChecked, None).await;
        }
        self.step(chat, lane).await?;
        let now_there = self.telegram.get_chat(chat).await?;
        self.permissions(chat, &now_there, lane).await?;
        if let Some(service) = place.service()
            && group.origin == Origin::Pool
            && matches!(group.bot, BotStanding::Admin(rights) if rights.change_info)
        {
            self.names(chat, &now_there, service, lane).await?;
            service.name.as_str().clone_into(&mut group.title);
        }
        let link = match group.invite_link.clone() {
            Some(link) => link,
            None => {
                self.step(chat, lane).await?;
                let new = NewLink {
                    chat,
                    name: LINK_NAME.to_owned(),
                    kind: LinkKind::Guarded,
                    expires_at: None,
                };
                InviteLink::new(self.telegram.create_invite_link(&new).await?.invite_link)
            }
        };
        // A group that works again: who came, went or asked to join meanwhile was told to nobody.
        // Saved together: a check that comes first would find a group that does not work.
        let check = match place.service() {
            Some(service) if group.invite_link.is_some() => {
                Some(self.new_check(service.id).await.map_err(Stopped::Error)?)
            }
            _ => None,
        };
        group.set_up_done(link);
        self.save(place, group, Why::GroupSetUp, check).await
    }

    /// Members do not add members. What else they may do is the trader's choice.
    async fn permissions(&self, chat: ChatId, there: &Chat, lane: Lane) -> Result<(), Stopped> {
        let Some(old) = there.permissions else { return Ok(()) };
        let wanted = ChatPermissions { can_invite_users: false, ..old };
        if wanted != old {
            self.step(chat, lane).await?;
            already(self.telegram.set_chat_permissions(chat, &wanted).await)?;
        }
        Ok(())
    }

    /// A group of the pool carries the name and the description of its service.
    async fn names(
        &self,
        chat: ChatId,
        there: &Chat,
        service: &Service,
        lane: Lane,
    ) -> Result<(), Stopped> {
        let name = service.name.as_str();
        if there.title.as_deref() != Some(name) {
            self.step(chat, lane).await?;
            cosmetic(self.telegram.set_chat_title(chat, name).await)?;
        }
        let about = service.description.as_ref().map(|text| text.as_str()).unwrap_or_default();
        if there.description.as_deref().unwrap_or_default() != about {
            self.step(chat, lane).await?;
            cosmetic(self.telegram.set_chat_description(chat, about).await)?;
        }
        Ok(())
    }

    async fn step(&self, chat: ChatId, lane: Lane) -> Result<(), Stopped> {
        match self.turn(lane, Call::About(chat)).await {
            Ok(None) => Ok(()),
            Ok(Some(wait)) => Err(Stopped::NoTurn(wait)),
            Err(error) => Err(Stopped::Error(error.into())),
        }
    }

    async fn save(
        &self,
        place: &Place,
        group: domain::group::TelegramGroup,
        why: Why,
        check: Option<Write>,
    ) -> Result<Outcome, Stopped> {
        let now = self.clock.now();
        let writes = [Some(place.write(group, &because(why, now))), check];
        match self.store.commit(writes.into_iter().flatten().collect()).await {
            Ok(()) => Ok(Outcome::Done),
            // Somebody changed the service meanwhile. Each step looks first, so all is begun anew.
            Err(CommitError::Conflict) => Ok(Outcome::Later(super::back_off(0))),
            Err(CommitError::Store(error)) => Err(Stopped::Error(error.into())),
        }
    }
}

/// What is so already is as good as done.
fn already(answer: Result<(), CallError>) -> Result<(), CallError> {
    match answer {
        Err(CallError::AlreadySo) => Ok(()),
        answer => answer,
    }
}

/// A name that Telegram will never take must not keep a group from getting ready.
fn cosmetic(answer: Result<(), CallError>) -> Result<(), CallError> {
    match already(answer) {
        Err(error @ CallError::BadInput { .. }) => {
            tracing::warn!(cause = %error, "a group does not carry the words of its service");
            Ok(())
        }
        answer => answer,
    }
}
