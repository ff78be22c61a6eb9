//! What was played, as far as the invariants hang on it.

use jiff::Timestamp;
use stories::Caller;

/// A service with its group.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    pub(crate) trader: Caller,
    pub(crate) service: String,
    pub(crate) chat: i64,
    /// Whether its owner makes a supergroup of it in the storm.
    pub(crate) grows: bool,
    /// The basic group that it was before that.
    pub(crate) former: Option<i64>,
    pub(crate) owner: i64,
    /// The guarded link; known to everybody sooner or later.
    pub(crate) link: String,
    /// The path to which its chart sends alerts.
    pub(crate) chart: String,
}

/// An alert that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) shop: usize,
    /// What its message says and no other.
    pub(crate) marker: String,
    pub(crate) id: String,
    /// Its updates that were accepted, in this order.
    pub(crate) updates: Vec<Followed>,
}

/// An update of an alert that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    /// What its message says and no other.
    pub(crate) marker: String,
    pub(crate) id: String,
}

/// A list of members that was taken down.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) id: String,
    pub(crate) lines: u64,
}

/// A customer, and what is known of them.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) shop: usize,
    pub(crate) name: String,
    pub(crate) user: i64,
    /// Empty for whom an import made it: then it is found by the account.
    pub(crate) subscription: String,
    /// How many purchases were accepted.
    pub(crate) purchases: u64,
    /// Between which two instants the paid time ends: what they paid, added up.
    pub(crate) ends: (Timestamp, Timestamp),
    /// Whether they have asked to be in and want to stay.
    pub(crate) wants_in: bool,
    /// Whether the group's owner has banned them.
    pub(crate) banned: bool,
}

/// Somebody who belongs to no subscription.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) shop: usize,
    pub(crate) name: String,
    pub(crate) user: i64,
    /// Whether they belong inside: a guest with a pass.
    pub(crate) inside: bool,
}

/// Everything that was played.
#[derive(Clone, Debug, Default)]
pub(crate) struct Played {
    pub(crate) shops: Vec<Shop>,
    /// Those that were set up during the storm; nobody sells there.
    pub(crate) latecomers: Vec<Shop>,
    pub(crate) alerts: Vec<Sent>,
    /// What each message of a chart said that was sent, accepted or not.
    pub(crate) charts: Vec<String>,
    pub(crate) imports: Vec<Import>,
    pub(crate) customers: Vec<Customer>,
    pub(crate) people: Vec<Person>,
    pub(crate) sweeps: u64,
}
