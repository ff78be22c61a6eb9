//! Posting an alert and its updates, one message after another.

use domain::alert::{
    Alert, Content, FailureReason, Part, PostPlan, Posting, Standing, given_up, plan_post, posted,
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

/// After a first call without an answer it is sent again so soon: a stop must not wait. When the
/// next has none either, each may stand in the group: they come ever more seldom.
const AFTER_NO_ANSWER: SignedDuration = SignedDuration::from_secs(1);

/// So often a group that the bot may not write in is tried before the alert is given up.
const MOST_REFUSALS: u32 = 6;

/// How a call went.
pub(super) enum Sent {
    /// It stands in the group.
    As(MessageId),
    /// Its second message, after one that was refused, has no turn for so long.
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
    /// Posts what comes next of an alert into its group, up to `until`. What comes before is posted
    /// first, and not waited for: its own message may stand behind this one in the queue.
    pub(super) async fn post(
        &self,
        id: AlertId,
        until: Part,
        lane: Lane,
    ) -> Result<Outcome, TaskError> {
        let Some(read) = load::<Alert>(&self.store, &id.to_string()).await? else {
            return Ok(Outcome::Done);
        };
        let now = self.clock.now();
        let (part, failures) = match plan_post(&read.value, until, now) {
            PostPlan::Nothing => return Ok(Outcome::Done),
            PostPlan::Busy(until) => return Ok(Outcome::Later(until.duration_since(now))),
            PostPlan::GiveUp { part, next } => {
                let write = Write::update(&read, next.as_ref(), &because(failed(part), now));
                self.store.commit(vec![write]).await?;
                return Ok(settled(part, until));
            }
            PostPlan::Start { part, failures, .. } => (part, failures),
        };
        let Some((service, group)) = self.group_of(read.value.service).await? else {
            return Ok(Outcome::Later(back_off(failures)));
        };
        let call = Call::Message(group.chat);
        if let Some(wait) = self.turn(lane, call).await? {
            return self.put_off(&read, part, until, wait).await;
        }
        // The wait for the turn may have been long: the plan is made on the time it is now.
        let now = self.clock.now();
        let PostPlan::Start { part, next: sending, .. } = plan_post(&read.value, until, now) else {
            return Ok(Outcome::Later(SignedDuration::ZERO));
        };
        let why = match part {
            Part::Alert => Why::AlertSending,
            Part::Update(_) => Why::UpdateSending,
        };
        let write = Write::update(&read, sending.as_ref(), &because(why, now));
        match self.store.commit(vec![write]).await {
            // Another sender has the same message.
            Err(CommitError::Conflict) => return Ok(Outcome::Later(SignedDuration::from_secs(1))),
            done => done?,
        }
        let answer = match part {
            Part::Alert => {
                let text = texts::alert(&sending, &service);
                self.send_alert(&sending, group.chat, text, lane).await?
            }
            Part::Update(number) => self.send_update(&sending, number, group.chat, lane).await?,
        };
        let (how, outcome) = match answer {
            Sent::As(id) => (Posting::Posted(Standing { chat: group.chat, id }), Outcome::Done),
            Sent::NoTurn(wait) => (Posting::NotNow, Outcome::Later(wait)),
            Sent::Not(error) => {
                let outlives = |wait| sending.outlives(part, wait, self.clock.now());
                self.posting_failed(error, call, failures, outlives).await?
            }
        };
        self.save_posting(id, part, how).await?;
        Ok(match outcome {
            Outcome::Done => settled(part, until),
            later @ Outcome::Later(_) => later,
        })
    }

    /// Notes that a message of an alert was given up for a mistake of ours: the one that was next.
    pub(super) async fn post_has_failed(&self, id: AlertId, until: Part) -> Result<(), TaskError> {
        let decide = |read: Option<&Stored<Alert>>| {
            let now = self.clock.now();
            let next = read.and_then(|read| {
                let (part, _) = read.value.next(until)?;
                let next = given_up(&read.value, part, FailureReason::Internal, now)?;
                Some((next, because(failed(part), now)))
            });
            (next, ())
        };
        Ok(change(&self.store, &id.to_string(), TRIES, decide).await?)
    }

    /// A message whose turn is far away: put off, or given up when it would be too old by then.
    async fn put_off(
        &self,
        read: &Stored<Alert>,
        part: Part,
        until: Part,
        wait: SignedDuration,
    ) -> Result<Outcome, TaskError> {
        let now = self.clock.now();
        if !read.value.outlives(part, wait, now) {
            return Ok(Outcome::Later(wait));
        }
        let Some(next) = given_up(&read.value, part, FailureReason::Blocked, now) else {
            return Ok(Outcome::Done);
        };
        let write = Write::update(read, &next, &because(failed(part), now));
        self.store.commit(vec![write]).await?;
        Ok(settled(part, until))
    }

    /// Sends the alert, with its picture where it has one. A picture that Telegram does not take,
    /// that the group does not allow, or a text too long to stand under one, must not cost the
    /// alert: it goes out as a message.
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
                Err(
                    error @ (CallError::BadInput { .. }
                    | CallError::RightsLost { what: Right::SendMessages | Right::Other(_) }),
                ) => {
                    tracing::warn!(cause = %error, "a picture was not taken");
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
        failures: u32,
        outlives: impl Fn(SignedDuration) -> bool,
    ) -> Result<(Posting, Outcome), TaskError> {
        let wait = back_off(failures);
        if let CallError::UnknownOutcome { .. } = error {
            tracing::warn!(cause = %error, "nobody knows whether an alert was posted");
            let wait = if failures == 0 { AFTER_NO_ANSWER } else { wait };
            return Ok((Posting::NoAnswer, Outcome::Later(wait)));
        }
        Ok(match self.trouble(error, call).await? {
            Trouble::Wait(wait) if outlives(wait) => {
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
    async fn save_posting(&self, id: AlertId, part: Part, how: Posting) -> Result<(), TaskError> {
        let why = match (part, how) {
            (Part::Alert, Posting::Posted(_)) => Why::AlertSent,
            (Part::Alert, Posting::NoAnswer) => Why::AlertUnknown,
            (Part::Alert, Posting::NotNow | Posting::Failed) => Why::AlertDelayed,
            (Part::Update(_), Posting::Posted(_)) => Why::UpdateSent,
            (Part::Update(_), Posting::NoAnswer) => Why::UpdateUnknown,
            (Part::Update(_), Posting::NotNow | Posting::Failed) => Why::UpdateDelayed,
            (_, Posting::Refused(_)) => failed(part),
        };
        let decide = |read: Option<&Stored<Alert>>| {
            let now = self.clock.now();
            let next = read.and_then(|read| posted(&read.value, part, how, now));
            (next.map(|next| (next, because(why, now))), ())
        };
        Ok(change(&self.store, &id.to_string(), TRIES, decide).await?)
    }
}

/// The reason for which a message is saved as given up.
const fn failed(part: Part) -> Why {
    match part {
        Part::Alert => Why::AlertFailed,
        Part::Update(_) => Why::UpdateFailed,
    }
}

/// A message was posted or given up: is more to be posted before this one is done with?
fn settled(part: Part, until: Part) -> Outcome {
    if part < until { Outcome::Later(SignedDuration::ZERO) } else { Outcome::Done }
}
