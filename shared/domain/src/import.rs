//! Taking over members who bought elsewhere, or before: a list with an account or an address and an
//! end for each, carried out in small steps, so that nobody who has paid is put out.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, ImportId, ServiceId, SubscriptionId, UserId};
use crate::membership::Tries;
use crate::service::Service;
use crate::subscription::{Purchase, Subscription, purchase};
use crate::text::Email;
use crate::time::after;

/// The most lines of one list.
pub const MOST_LINES: usize = 1_000;

/// For how long the list and its outcome are kept.
const MEMORY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whom a line is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The holder of a Telegram account.
    Account(UserId),
    /// Somebody whose account is not known yet.
    Mail(Email),
}

/// One member to be taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Who.
    pub who: Who,
    /// Until when they have paid.
    pub ends_at: Timestamp,
}

/// The lines of an import: written once, and read at each step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportLines {
    /// Of which import.
    pub id: ImportId,
    /// The lines.
    pub lines: Vec<Line>,
    /// Since when.
    pub created_at: Timestamp,
}

/// How far an import is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// Into this service.
    pub service: ServiceId,
    /// How many lines it has.
    pub lines: u32,
    /// How many of them are carried out.
    pub done: u32,
    /// What came of them.
    pub counts: Counts,
    /// How far it is.
    pub state: ImportState,
    /// The fingerprint of the request that began it.
    pub fingerprint: String,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// What came of the lines that are carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// New subscriptions.
    pub added: u32,
    /// Subscriptions that there were, and that last longer now.
    pub extended: u32,
    /// Subscriptions that there were, and that lasted as long or longer.
    pub unchanged: u32,
    /// The numbers of lines, from 0, whose time was over before their turn came.
    pub over: Vec<u32>,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ImportState {
    /// Under way.
    Running {
        /// How the attempts at this step went.
        tries: Tries,
    },
    /// Through.
    Done {
        /// Since when.
        at: Timestamp,
    },
}

impl ImportLines {
    /// When the item may be tidied away: it holds what is personal.
    pub fn forgotten_at(&self) -> Timestamp {
        after(self.created_at, MEMORY)
    }
}

impl Import {
    /// An import that was just asked for, with its lines.
    pub fn new(
        id: ImportId,
        service: ServiceId,
        lines: Vec<Line>,
        fingerprint: String,
        now: Timestamp,
    ) -> (Self, ImportLines) {
        let begun = Self {
            id,
            service,
            lines: u32::try_from(lines.len()).unwrap_or(u32::MAX),
            done: 0,
            counts: Counts::default(),
            state: ImportState::Running { tries: Tries::none(now) },
            fingerprint,
            created_at: now,
        };
        (begun, ImportLines { id, lines, created_at: now })
    }

    /// When the sweep begins the step again.
    pub const fn due_at(&self) -> Option<Timestamp> {
        match self.state {
            ImportState::Running { tries } => Some(tries.retry_at),
            ImportState::Done { .. } => None,
        }
    }

    /// When the item may be tidied away.
    pub fn forgotten_at(&self) -> Timestamp {
        after(self.created_at, MEMORY)
    }
}

/// What came of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A new subscription.
    Added,
    /// One that lasts longer now.
    Extended,
    /// One that lasted as long or longer.
    Unchanged,
    /// Its time is over.
    Over,
}

/// The import after some more lines. `None` when others have carried them out.
pub fn lines_done(old: &Import, from: u32, taken: &[Taken], now: Timestamp) -> Option<Import> {
    let ImportState::Running { .. } = old.state else { return None };
    if old.done != from {
        return None;
    }
    let mut next = old.clone();
    for (line, how) in (from..).zip(taken) {
        match how {
            Taken::Added => next.counts.added += 1,
            Taken::Extended => next.counts.extended += 1,
            Taken::Unchanged => next.counts.unchanged += 1,
            Taken::Over => next.counts.over.push(line),
        }
        next.done = line.saturating_add(1);
    }
    next.state = match next.done >= next.lines {
        true => ImportState::Done { at: now },
        false => ImportState::Running { tries: Tries::none(now) },
    };
    Some(next)
}

/// What the sweep does to an import whose step did not come to its end. `None` when nothing is due.
pub fn import_due(old: &Import, now: Timestamp) -> Option<Import> {
    let ImportState::Running { tries } = old.state else { return None };
    Some(Import { state: ImportState::Running { tries: tries.due(now)? }, ..old.clone() })
}

/// The customer of a line who is not known by their account. The same address is the same customer,
/// in whichever list; an account says nothing about a customer, and leads to nobody from there.
pub fn customer(import: &Import, line: u32, who: &Who) -> Option<CustomerId> {
    CustomerId::parse(&match who {
        Who::Account(_) => format!("import-{}-{line}", import.id),
        Who::Mail(email) => {
            let id = SubscriptionId::of_address(import.service, email.as_str());
            format!("import-{id}")
        }
    })
    .ok()
}

/// What a line makes of the subscription that there is. Nothing is saved for `None`.
pub fn take_line(
    service: &Service,
    old: Option<&Subscription>,
    customer: CustomerId,
    line: &Line,
    begun: Timestamp,
    now: Timestamp,
) -> (Option<Subscription>, Taken) {
    if let Some(old) = old.filter(|old| old.ends_at >= line.ends_at) {
        // Made by this very import, in a step that did not come to its end.
        let taken = if old.created_at >= begun { Taken::Added } else { Taken::Unchanged };
        return (None, taken);
    }
    let (user, email) = match &line.who {
        Who::Account(user) => (Some(*user), None),
        Who::Mail(email) => (None, Some(email.clone())),
    };
    let customer = old.map_or(customer, |old| old.customer.clone());
    let bought = Purchase { customer, user, email, ends_at: Some(line.ends_at) };
    match purchase(service, old, bought, now) {
        Ok(next) => (Some(next), if old.is_some() { Taken::Extended } else { Taken::Added }),
        Err(_) => (None, Taken::Over),
    }
}
