//! Letting somebody in, or telling them why not.

use domain::change::{Stored, Why};
use domain::group::TelegramGroup;
use domain::ids::{ChatId, ServiceId, SubscriptionId, UserId};
use domain::language::Language;
use domain::membership::{
    Admission, AdmitPlan, JoinRequest, admitted, asked_to_join, plan_admission,
};
use domain::service::Service;
use domain::subscription::Subscription;
use domain::task::{Declined, Lane};
use domain::texts::{self, Message};
use jiff::SignedDuration;
use limiter::{Call, Limits};
use queue::Queue;
use startup::Clock;
use store::{CommitError, Store, Write, change, load};
use telegram::{CallError, Telegram};

use super::{MOST_FAILURES, WITHOUT_RIGHTS, back_off};
use crate::trouble::Trouble;
use crate::{Outcome, Sender, TRIES, TaskError, because};

/// What came of a try to answer a join request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Nothing is left to do.
    Done,
    /// It has to be tried again after this.
    Later(SignedDuration),
    /// The bot may not, before a person gives it its rights back.
    NotAllowed,
}

impl Reply {
    /// What becomes of a message that is all there is about the request.
    pub(super) const fn kept(self) -> Outcome {
        match self {
            Self::Done => Outcome::Done,
            Self::Later(wait) => Outcome::Later(wait),
            Self::NotAllowed => Outcome::Later(WITHOUT_RIGHTS),
        }
    }
}

impl From<Outcome> for Reply {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Later(wait) => Self::Later(wait),
        }
    }
}

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Approves the open join request of a subscription's holder.
    pub(super) async fn admit(&self, id: SubscriptionId, lane: Lane) -> Result<Outcome, TaskError> {
        let Some(read) = load::<Subscription>(&self.store, &id.to_string()).await? else {
            return Ok(Outcome::Done);
        };
        let subscription = read.value;
        let plan = plan_admission(&subscription, self.clock.now());
        let (Some(user), Some((service, group))) =
            (subscription.user, self.group_of(subscription.service).await?)
        else {
            return Ok(Outcome::Done);
        };
        if plan == AdmitPlan::Nothing {
            return Ok(Outcome::Done);
        }
        if plan == AdmitPlan::Decline {
            let words = texts::declined(Declined::Ended, &service, subscription.language);
            let (how, outcome) = match self.turn_away(&service, &group, user, &words, lane).await? {
                Reply::Done => (Admission::Declined, Outcome::Done),
                Reply::Later(wait) => return Ok(Outcome::Later(wait)),
                // The sweep begins it again. A message that waited for it here would keep what
                // follows from a purchase waiting behind it.
                Reply::NotAllowed => (Admission::Failed, Outcome::Done),
            };
            self.save_admission(&subscription, how).await?;
            return Ok(outcome);
        }
        let call = Call::About(group.chat);
        if let Some(wait) = self.turn(lane, call).await? {
            return Ok(Outcome::Later(wait));
        }
        // The last look before the call: it may be over by now, or another account's.
        let again = load::<Subscription>(&self.store, &id.to_string()).await?;
        let again = again.map(|it| it.value).filter(|it| it.user == Some(user));
        let goes_on = |it: &Subscription| plan_admission(it, self.clock.now()) == plan;
        let Some(subscription) = again.filter(goes_on) else {
            return Ok(Outcome::Later(SignedDuration::ZERO));
        };
        let failures = subscription.membership.failures();
        let (how, outcome) = match self.telegram.approve_join_request(group.chat, user).await {
            Ok(()) | Err(CallError::AlreadySo) => (Some(Admission::In), Outcome::Done),
            Err(error) => match self.trouble(error, call).await? {
                Trouble::Wait(wait) => (None, Outcome::Later(wait)),
                Trouble::Passing(_) if failures < MOST_FAILURES => {
                    (Some(Admission::Failed), Outcome::Later(back_off(failures)))
                }
                Trouble::Passing(_) | Trouble::Hands(_) => (Some(Admission::Failed), Outcome::Done),
                Trouble::Answer(CallError::NotPending)
                    if self.is_inside(group.chat, user).await =>
                {
                    (Some(Admission::In), Outcome::Done)
                }
                // The sweep tries again, ever later, and up to an hour: they may leave a group.
                Trouble::Answer(CallError::TooManyGroups) => {
                    (Some(Admission::TooManyGroups), Outcome::Done)
                }
                // Withdrawn, or handled by an administrator.
                Trouble::Answer(error) => {
                    tracing::info!(cause = %error, "a join request could not be approved");
                    (Some(Admission::NoRequest), Outcome::Done)
                }
            },
        };
        if let Some(how) = how {
            self.save_admission(&subscription, how).await?;
        }
        Ok(outcome)
    }

    /// Whether somebody without an open request is in: it was approved before, perhaps by a call
    /// that had no answer. Where Telegram does not say, an update about it will.
    async fn is_inside(&self, chat: ChatId, user: UserId) -> bool {
        let member = self.telegram.get_chat_member(chat, user).await;
        member.is_ok_and(|member| member.status.is_inside())
    }

    async fn save_admission(&self, seen: &Subscription, how: Admission) -> Result<(), TaskError> {
        let why = match how {
            Admission::In => Why::MemberJoined,
            Admission::NoRequest | Admission::Declined => Why::AdmissionVoid,
            Admission::TooManyGroups if seen.membership.failures() == 0 => Why::AdmissionFull,
            Admission::TooManyGroups | Admission::Failed => Why::AdmissionFailed,
        };
        let decide = |read: Option<&Stored<Subscription>>| {
            let now = self.clock.now();
            let next = read.and_then(|read| admitted(&read.value, seen, how, now));
            (next.map(|next| (next, because(why, now))), ())
        };
        Ok(change(&self.store, &seen.id.to_string(), TRIES, decide).await?)
    }

    /// Declines a join request, unless the person has bought meanwhile.
    pub(super) async fn decline(
        &self,
        service: ServiceId,
        user: UserId,
        why: Declined,
        language: Language,
        lane: Lane,
    ) -> Result<Outcome, TaskError> {
        let Some((service, group)) = self.group_of(service).await? else {
            return Ok(Outcome::Done);
        };
        let words = texts::declined(why, &service, language);
        Ok(self.turn_away(&service, &group, user, &words, lane).await?.kept())
    }

    /// Says why and declines, unless the person has bought meanwhile.
    async fn turn_away(
        &self,
        service: &Service,
        group: &TelegramGroup,
        user: UserId,
        words: &Message,
        lane: Lane,
    ) -> Result<Reply, TaskError> {
        if let Some(outcome) = self.bought_meanwhile(service, user).await? {
            return Ok(outcome.into());
        }
        let reply = self.say_and_decline(service, group, user, words, lane).await?;
        if reply != Reply::Done {
            return Ok(reply);
        }
        // Whoever bought while they were being declined is noted as asking: their request is found
        // to be gone, and they are told to ask again.
        Ok(self.bought_meanwhile(service, user).await?.map_or(reply, Reply::from))
    }

    /// Somebody who was to be declined and has access by now is let in instead.
    pub(super) async fn bought_meanwhile(
        &self,
        service: &Service,
        user: UserId,
    ) -> Result<Option<Outcome>, TaskError> {
        let Some(id) = self.subscription_of(service.id, user).await? else { return Ok(None) };
        let read = load::<Subscription>(&self.store, &id.to_string()).await?;
        // It may have moved to another account since the claim was read.
        let Some(read) = read.filter(|read| read.value.user == Some(user)) else { return Ok(None) };
        let now = self.clock.now();
        match asked_to_join(&read.value, now) {
            JoinRequest::Refused => Ok(None),
            JoinRequest::Later => Ok(Some(Outcome::Later(back_off(2)))),
            JoinRequest::Noted(next) => {
                let write = Write::update(&read, next.as_ref(), &because(Why::MemberAsked, now));
                match self.store.commit(vec![write]).await {
                    Err(CommitError::Conflict) => Ok(Some(Outcome::Later(back_off(0)))),
                    done => {
                        done?;
                        Ok(Some(Outcome::Done))
                    }
                }
            }
        }
    }

    /// Says why, then declines. In this order: to somebody who never started it, the bot may write
    /// only while their request is open (Bot API, `ChatJoinRequest.user_chat_id`).
    async fn say_and_decline(
        &self,
        service: &Service,
        group: &TelegramGroup,
        user: UserId,
        words: &Message,
        lane: Lane,
    ) -> Result<Reply, TaskError> {
        // Without its rights the bot can decline nobody, and would say why each time that it tries.
        // An open request has to be answered in the end, though: they may buy and find it in their
        // way.
        if group.is_blocked() {
            return Ok(Reply::NotAllowed);
        }
        // The turn comes first: whoever waits for it anew would be told again each time.
        let chat = group.chat;
        if let Some(wait) = self.turn(lane, Call::About(chat)).await? {
            return Ok(Reply::Later(wait));
        }
        self.say_once(user.private_chat(), words, lane).await?;
        // The last look before the call.
        if let Some(outcome) = self.bought_meanwhile(service, user).await? {
            return Ok(outcome.into());
        }
        let Err(error) = self.telegram.decline_join_request(chat, user).await else {
            return Ok(Reply::Done);
        };
        self.not_answered(error, chat).await
    }

    /// What comes of it when a join request could not be answered.
    pub(super) async fn not_answered(
        &self,
        error: CallError,
        chat: ChatId,
    ) -> Result<Reply, TaskError> {
        Ok(match self.trouble(error, Call::About(chat)).await? {
            Trouble::Wait(wait) => Reply::Later(wait),
            Trouble::Passing(_) => Reply::Later(back_off(3)),
            Trouble::Hands(_) => Reply::NotAllowed,
            // Withdrawn, or handled by an administrator: nothing is left to do.
            Trouble::Answer(_) => Reply::Done,
        })
    }
}
