//! An alert and the updates that follow it: saved, queued, posted one after another.
//!
//! An update is a reply to its alert's message, so it is never posted before it, and the updates of
//! an alert are posted in the order in which they were accepted. How a single message gets into the
//! group is told in [`Post`].

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{AlertId, ServiceId, TraderId};
use crate::pace::ROOM_EVERY;
use crate::post::Plan;
use crate::service::AlertFormat;
use crate::signal::Signal;
use crate::text::{ImageUrl, Reference};
use crate::update::{NewUpdate, Update};

pub use crate::post::{Delivery, FailureReason, Post, Posting, SENDING_LEASE, Standing};

/// An alert is refused when more than this many of its group are waiting: Telegram takes 20
/// messages a minute in a group (Bots FAQ, "My bot is hitting limits"), so it would wait for long.
const MOST_WAITING: usize = 20;

/// So many waiting alerts are counted; how many more there are makes no difference.
pub const COUNTED_WAITING: usize = 2 * MOST_WAITING;

/// The most updates that one alert takes. All of them stand in one row, which has its bounds
/// (Amazon DynamoDB, "Item size": 400 KB).
pub const MOST_UPDATES: usize = 50;

/// What an alert says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// A signal.
    Signal {
        /// The signal.
        signal: Box<Signal>,
        /// A picture beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image_url: Option<ImageUrl>,
        /// The layout.
        format: AlertFormat,
    },
    /// A trader's test that alerts arrive.
    Test,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// The service.
    pub service: ServiceId,
    /// Who sent it.
    pub trader: TraderId,
    /// The trader's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_alert_id: Option<Reference>,
    /// What it says.
    pub content: Content,
    /// Its own message.
    #[serde(flatten)]
    pub post: Post,
    /// The fingerprint of the request that made it: another body under the same key is refused.
    pub fingerprint: String,
    /// What was accepted about it later, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<Update>,
}

/// What makes an alert.
#[derive(Clone, Debug)]
pub struct NewAlert {
    /// Its id.
    pub id: AlertId,
    /// The service.
    pub service: ServiceId,
    /// Who sends it.
    pub trader: TraderId,
    /// The trader's own name for it.
    pub client_alert_id: Option<Reference>,
    /// What it says.
    pub content: Content,
    /// The fingerprint of the request.
    pub fingerprint: String,
}

/// One of the messages of an alert, in the order in which they are posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The alert itself.
    Alert,
    /// The update with this number, from 1.
    Update(u32),
}

impl Alert {
    /// An alert that waits for its turn.
    pub fn queued(new: NewAlert, now: Timestamp) -> Self {
        let NewAlert { id, service, trader, client_alert_id, content, fingerprint } = new;
        let (post, updates) = (Post::queued(now), Vec::new());
        Self { id, service, trader, client_alert_id, content, post, fingerprint, updates }
    }

    /// Whether one of its messages is still to be posted.
    pub fn is_waiting(&self) -> bool {
        self.waiting() > 0
    }

    /// How many of its messages are still to be posted.
    pub fn waiting(&self) -> usize {
        self.posts().filter(|post| post.is_waiting()).count()
    }

    /// Whether waiting for so long makes this message of it too old to be posted: then it is given up
    /// at once, so that its trader hears of it today.
    pub fn outlives(&self, part: Part, wait: SignedDuration, now: Timestamp) -> bool {
        self.post(part).is_some_and(|post| post.outlives(wait, now))
    }

    /// When the sweep has to look at it; `None` when nothing is left to do.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.posts().filter_map(Post::due_at).min()
    }

    /// An update by its number; `None` when there are not so many.
    pub fn update(&self, number: u32) -> Option<&Update> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.updates.get(index)
    }

    /// The updates, each with its number.
    pub fn numbered(&self) -> impl DoubleEndedIterator<Item = (u32, &Update)> {
        self.updates.iter().enumerate().map(|(index, update)| {
            (u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1), update)
        })
    }

    /// The layout of its messages; a test has none of its own.
    pub fn format(&self) -> AlertFormat {
        match &self.content {
            Content::Signal { format, .. } => *format,
            Content::Test => AlertFormat::Rich,
        }
    }

    /// The signal, where it is one.
    pub fn signal(&self) -> Option<&Signal> {
        match &self.content {
            Content::Signal { signal, .. } => Some(signal),
            Content::Test => None,
        }
    }

    fn posts(&self) -> impl Iterator<Item = &Post> {
        std::iter::once(&self.post).chain(self.updates.iter().map(|update| &update.post))
    }

    /// One of its messages.
    fn post(&self, part: Part) -> Option<&Post> {
        match part {
            Part::Alert => Some(&self.post),
            Part::Update(number) => self.update(number).map(|update| &update.post),
        }
    }

    /// The same alert, with one of its messages being so.
    fn with(&self, part: Part, post: Post) -> Self {
        let mut next = self.clone();
        let number = match part {
            Part::Alert => {
                next.post = post;
                return next;
            }
            Part::Update(number) => usize::try_from(number).unwrap_or(usize::MAX),
        };
        if let Some(update) = number.checked_sub(1).and_then(|at| next.updates.get_mut(at)) {
            update.post = post;
        }
        next
    }

    /// What comes next of its messages up to this one: nothing is posted before what was accepted
    /// earlier stands in the group or was given up.
    pub fn next(&self, until: Part) -> Option<(Part, &Post)> {
        let updates = self.numbered().map(|(number, it)| (Part::Update(number), &it.post));
        std::iter::once((Part::Alert, &self.post))
            .chain(updates)
            .take_while(|(part, _)| *part <= until)
            .find(|(_, post)| post.is_waiting())
    }
}

/// When a group with so many alerts waiting will take another, in whole seconds; `None` when it does
/// now.
pub fn room_in(waiting: usize) -> Option<SignedDuration> {
    let surplus = waiting.checked_sub(MOST_WAITING).filter(|surplus| *surplus > 0)?;
    let surplus = i32::try_from(surplus).unwrap_or(i32::MAX);
    let millis = ROOM_EVERY.saturating_mul(surplus).as_millis().unsigned_abs();
    Some(SignedDuration::from_secs(i64::try_from(millis.div_ceil(1_000)).unwrap_or(i64::MAX)))
}

/// What a sender does with a message that says "post".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostPlan {
    /// Save this, then call Telegram.
    Start {
        /// For this one.
        part: Part,
        /// With this saved before.
        next: Box<Alert>,
        /// So many attempts in a row have failed.
        failures: u32,
    },
    /// Another sender may be inside the call until then.
    Busy(Timestamp),
    /// It is too old, or what it is about was given up: save this.
    GiveUp {
        /// This one.
        part: Part,
        /// With this saved.
        next: Box<Alert>,
    },
    /// It stands in the group already, or was given up.
    Nothing,
}

/// Decides about posting what comes next of an alert, up to `until`, on what was just read.
pub fn plan_post(alert: &Alert, until: Part, now: Timestamp) -> PostPlan {
    let Some((part, post)) = alert.next(until) else { return PostPlan::Nothing };
    let plan = match (part, &alert.post.delivery) {
        // There is nothing that it could answer, and nothing that it could be about.
        (Part::Update(_), Delivery::Failed { .. }) => match post.plan(now) {
            Plan::Start(_) => {
                Plan::GiveUp(post.clone().given_up(FailureReason::AlertNotPosted, now))
            }
            plan => plan,
        },
        _ => post.plan(now),
    };
    match plan {
        Plan::Start(post) => {
            let failures = post.failures;
            PostPlan::Start { part, next: Box::new(alert.with(part, post)), failures }
        }
        Plan::Busy(until) => PostPlan::Busy(until),
        Plan::GiveUp(post) => PostPlan::GiveUp { part, next: Box::new(alert.with(part, post)) },
        Plan::Nothing => PostPlan::Nothing,
    }
}

/// The alert with this message of it given up otherwise than by Telegram's answer; `None` when it has
/// no such. Where a call was under way, nobody knows whether it was posted.
pub fn given_up(old: &Alert, part: Part, reason: FailureReason, now: Timestamp) -> Option<Alert> {
    let mut post = old.post(part)?.clone();
    if let Delivery::Sending { .. } = post.delivery {
        post.unknown_outcomes = post.unknown_outcomes.saturating_add(1);
    }
    Some(old.with(part, post.given_up(reason, now)))
}

/// The alert after an attempt to post this part of it; `None` when that was not being sent:
/// somebody else has seen to it.
pub fn posted(old: &Alert, part: Part, how: Posting, now: Timestamp) -> Option<Alert> {
    let post = old.post(part)?.ended(how, now)?;
    Some(old.with(part, post))
}

/// What the sweep does to an alert that is due: the tasks of what is due of it are sent again.
pub fn alert_due(old: &Alert, now: Timestamp) -> Option<Alert> {
    old.due_at().filter(|at| *at <= now)?;
    let mut next = old.clone();
    next.post = old.post.nudged(now).unwrap_or(next.post);
    for update in &mut next.updates {
        if let Some(post) = update.post.nudged(now) {
            update.post = post;
        }
    }
    Some(next)
}

/// Why an alert takes no update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakesNoUpdate {
    /// It was given up, so that there is nothing to update.
    NotPosted,
    /// It has [`MOST_UPDATES`] already.
    Full,
}

/// The alert with another update, which waits for its turn behind the others.
///
/// # Errors
/// [`TakesNoUpdate`] says why there can be none.
pub fn add_update(old: &Alert, new: NewUpdate, now: Timestamp) -> Result<Alert, TakesNoUpdate> {
    if matches!(old.post.delivery, Delivery::Failed { .. }) {
        return Err(TakesNoUpdate::NotPosted);
    }
    if old.updates.len() >= MOST_UPDATES {
        return Err(TakesNoUpdate::Full);
    }
    let mut next = old.clone();
    next.updates.push(Update::queued(new, now));
    Ok(next)
}
