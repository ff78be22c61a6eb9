//! Posting an alert.

use domain::alert::{
    Alert, Content, FailureReason, PostPlan, Posting, given_up, plan_post, posted,
};
use domain::change::{Stored, Why};
use domain::ids::{AlertId, ChatId, MessageId};
use domain::task::Lane;
use domain::texts;
use jiff::SignedDuration;
use limiter::{Call, Limits};
use queue::Queue;
use startup::Clock;
use store::{CommitError, Store, Write, change, load};
use telegram::{CallError, NewMessage, NewPhoto, Right, Telegram, html};

use super::back_off;
use crate::trouble::Trouble;
use crate::{Outcome, Sender, TRIES, TaskError, because};

/// After a call without an answer it is sent again so soon: a stop must not wait.
const AFTER_NO_ANSWER: SignedDuration = SignedDuration::from_secs(1);

/// So often a group that the bot may not write in is tried before the alert is given up.
const MOST_REFUSALS: u32 = 6;

/// How a call went.
enum Sent {
    /// It stands in the group.
    As(MessageId),
    /// Its second message, for a picture that was not taken, has no turn for so long.
    NoTurn(SignedDuration),
    /// It failed.
    Not(CallError),
}

impl From<Result<MessageId, CallError>> for Sent {
    fn from(answer: Result<MessageId, CallError>) -> Self {
        match answer {
            Ok(message) => Self::As(message),
            Err(error) => Self::Not(error),
        }
    }
}

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Posts an alert into its group.
    pub(super) async fn post(&self, id: AlertId, lane: Lane) -> Result<Outcome, TaskError> {
        let Some(read) = load::<Alert>(&self.store, &id.to_string()).await? else {
            return Ok(Outcome::Done);
        };
        let now = self.clock.now();
        match plan_post(&read.value, now) {
            PostPlan::Nothing => return Ok(Outcome::Done),
            PostPlan::Busy(until) => return Ok(Outcome::Later(until.duration_since(now))),
            PostPlan::GiveUp(next) => {
                let write = Write::update(&read, next.as_ref(), &because(Why::AlertFailed, now));
                self.store.commit(vec![write]).await?;
                return Ok(Outcome::Done);
            }
            PostPlan::Start(_) => {}
        }
        let Some((service, group)) = self.group_of(read.value.service).await? else {
            return Ok(Outcome::Later(back_off(read.value.failures)));
        };
        let call = Call::Message(group.chat);
        if let Some(wait) = self.turn(lane, call).await? {
            return self.put_off(&read, wait).await;
        }
        // The wait for the turn may have been long: the plan is made on the time it is now.
        let now = self.clock.now();
        let PostPlan::Start(sending) = plan_post(&read.value, now) else {
            return Ok(Outcome::Later(SignedDuration::ZERO));
        };
        let write = Write::update(&read, sending.as_ref(), &because(Why::AlertSending, now));
        match self.store.commit(vec![write]).await {
            // Another sender has the same message.
            Err(CommitError::Conflict) => return Ok(Outcome::Later(SignedDuration::from_secs(1))),
            done => done?,
        }
        let text = texts::alert(&sending, &service);
        let (how, outcome) = match self.send_alert(&sending, group.chat, text, lane).await? {
            Sent::As(message) => (Posting::Posted(message), Outcome::Done),
            Sent::NoTurn(wait) => (Posting::NotNow, Outcome::Later(wait)),
            Sent::Not(error) => self.posting_failed(error, call, &sending).await?,
        };
        self.save_posting(id, how).await?;
        Ok(outcome)
    }

    /// Notes that an alert was given up for a mistake of ours.
    pub(super) async fn alert_has_failed(&self, id: AlertId) -> Result<(), TaskError> {
        let decide = |read: Option<&Stored<Alert>>| {
            let now = self.clock.now();
            let waiting = read.filter(|read| read.value.is_waiting());
            let next = waiting.map(|read| given_up(&read.value, FailureReason::Internal, now));
            (next.map(|next| (next, because(Why::AlertFailed, now))), ())
        };
        Ok(change(&self.store, &id.to_string(), TRIES, decide).await?)
    }

    /// An alert whose turn is far away: put off, or given up when it would be too old by then.
    async fn put_off(
        &self,
        read: &Stored<Alert>,
        wait: SignedDuration,
    ) -> Result<Outcome, TaskError> {
        let now = self.clock.now();
        if !read.value.outlives(wait, now) {
            return Ok(Outcome::Later(wait));
        }
        let failed = given_up(&read.value, FailureReason::Blocked, now);
        let write = Write::update(read, &failed, &because(Why::AlertFailed, now));
        self.store.commit(vec![write]).await?;
        Ok(Outcome::Done)
    }

    /// Sends the alert, with its picture where it has one. A picture that Telegram does not take,
    /// or a text too long to stand under one, must not cost the alert: it goes out as a message.
    async fn send_alert(
        &self,
        alert: &Alert,
        chat: ChatId,
        text: String,
        lane: Lane,
    ) -> Result<Sent, TaskError> {
        let picture = match &alert.content {
            Content::Signal { image_url, .. } => image_url.as_ref(),
            Content::Test => None,
        };
        let Some(picture) = picture else {
            return Ok(self.telegram.send_message(&NewMessage::new(chat, text)).await.into());
        };
        if html::visible_length(&text) <= html::MAX_CAPTION {
            let photo = NewPhoto {
                chat,
                url: picture.as_str().to_owned(),
                caption_html: text.clone(),
                reply_to: None,
            };
            match self.telegram.send_photo(&photo).await {
                Err(CallError::BadInput { description }) => {
                    tracing::warn!(description, "a picture was not taken");
                    // The refused call may have counted as a message.
                    if let Some(wait) = self.turn(lane, Call::Message(chat)).await? {
                        return Ok(Sent::NoTurn(wait));
                    }
                }
                answer => return Ok(answer.into()),
            }
        }
        let linked = texts::with_picture(&text, picture);
        Ok(self.telegram.send_message(&NewMessage::new(chat, linked)).await.into())
    }

    async fn posting_failed(
        &self,
        error: CallError,
        call: Call,
        alert: &Alert,
    ) -> Result<(Posting, Outcome), TaskError> {
        let failures = alert.failures;
        let wait = back_off(failures);
        if let CallError::UnknownOutcome { .. } = error {
            tracing::warn!(cause = %error, "nobody knows whether an alert was posted");
            return Ok((Posting::NoAnswer, Outcome::Later(AFTER_NO_ANSWER)));
        }
        Ok(match self.trouble(error, call).await? {
            Trouble::Wait(wait) if alert.outlives(wait, self.clock.now()) => {
                (Posting::Refused(FailureReason::Blocked), Outcome::Done)
            }
            Trouble::Wait(wait) => (Posting::NotNow, Outcome::Later(wait)),
            Trouble::Passing(_) => (Posting::Failed, Outcome::Later(wait)),
            Trouble::Hands(CallError::BotRemoved) => {
                (Posting::Refused(FailureReason::BotOutside), Outcome::Done)
            }
            // A right that is missing may be given back in a minute.
            Trouble::Hands(CallError::RightsLost {
                what: Right::SendMessages | Right::Other(_),
            }) if failures >= MOST_REFUSALS => {
                (Posting::Refused(FailureReason::MayNotWrite), Outcome::Done)
            }
            Trouble::Hands(_) => (Posting::Failed, Outcome::Later(wait)),
            Trouble::Answer(error) => {
                tracing::error!(cause = %error, "Telegram refused an alert");
                (Posting::Refused(FailureReason::Refused), Outcome::Done)
            }
        })
    }

    /// Saves how it went. Between the call and this save, a crash means a repetition.
    async fn save_posting(&self, id: AlertId, how: Posting) -> Result<(), TaskError> {
        let why = match how {
            Posting::Posted(_) => Why::AlertSent,
            Posting::NoAnswer => Why::AlertUnknown,
            Posting::NotNow | Posting::Failed => Why::AlertDelayed,
            Posting::Refused(_) => Why::AlertFailed,
        };
        let decide = |read: Option<&Stored<Alert>>| {
            let now = self.clock.now();
            let next = read.and_then(|read| posted(&read.value, how, now));
            (next.map(|next| (next, because(why, now))), ())
        };
        Ok(change(&self.store, &id.to_string(), TRIES, decide).await?)
    }
}
