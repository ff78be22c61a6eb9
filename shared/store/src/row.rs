//! A row, as every store keeps it.

use domain::change::Meta;
use jiff::Timestamp;

use crate::body::Body;

/// The tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Services, chats, links.
    Services,
    /// Subscriptions, claims of Telegram accounts, purchases.
    Subscriptions,
    /// Alerts.
    Alerts,
}

/// The attributes by which a row is found otherwise than by its key. Each is absent where the row
/// does not belong in that index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// `by_owner`: the trader, newest last.
    pub owner: Option<String>,
    /// `by_service`: the service, newest last.
    pub service_id: Option<String>,
    /// `active`: the service of a subscription and when its access ends.
    pub active: Option<(String, Timestamp)>,
    /// `waiting`: the service of an alert that is not posted yet, or has an update that is not.
    pub waiting: Option<String>,
    /// `spares`: `spare` for a group of the pool that can be taken.
    pub spare: Option<String>,
    /// `listed`: which list of [`crate::layout::lists`] the row stands in.
    pub listed: Option<String>,
    /// The sort key of all of these but `active`, which has `active_until`.
    pub sort: Option<String>,
    /// `due`: when the sweep has to look at the row.
    pub due_at: Option<Timestamp>,
    /// When the row may be tidied away. It never means anything else.
    pub expires: Option<Timestamp>,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its key.
    pub id: String,
    /// What it is: [`crate::Entity::KIND`].
    pub kind: String,
    /// Version, and who changed it, when and why.
    pub meta: Meta,
    /// Where it is found otherwise.
    pub index: Index,
    /// The item.
    pub body: Body,
}
