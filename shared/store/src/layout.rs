//! How the tables are laid out: the indexes, and which part of which index answers a question.
//!
//! Every store reads through this, so that they cannot come to differ; the template is laid out
//! by it as well.

use domain::relay::sortable;
use jiff::Timestamp;

use crate::port::{Count, List};
use crate::row::Table;

/// The name of every row's key.
pub const ID: &str = "id";
/// The keys of the audit trail: the service, and the place in its trail.
pub const AUDIT_KEYS: (&str, &str) = ("service_id", "seq");

/// A secondary index: a row stands in it when it has both of its attributes.
#[derive(Debug, PartialEq, Eq)]
pub struct SecondaryIndex {
    /// The table.
    pub table: Table,
    /// Its name.
    pub name: &'static str,
    /// The attribute that says in which part of the index a row stands.
    pub hash: &'static str,
    /// The attribute that says where it stands there.
    pub range: &'static str,
    /// What of the row is found there.
    pub shows: Shows,
}

/// What of a row is found in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Everything.
    All,
    /// Its keys.
    Keys,
}

const fn index(
    table: Table,
    name: &'static str,
    (hash, range): (&'static str, &'static str),
    shows: Shows,
) -> SecondaryIndex {
    SecondaryIndex { table, name, hash, range, shows }
}

static BY_OWNER: SecondaryIndex = index(Table::Services, "by_owner", ("owner", "sort"), Shows::All);
static SPARES: SecondaryIndex = index(Table::Services, "spares", ("spare", "sort"), Shows::All);
static SERVICES_LISTED: SecondaryIndex =
    index(Table::Services, "listed", ("listed", "sort"), Shows::All);
static ACCOUNTS: SecondaryIndex =
    index(Table::Subscriptions, "listed", ("listed", "sort"), Shows::All);
static SUBSCRIPTIONS: SecondaryIndex =
    index(Table::Subscriptions, "by_service", ("service_id", "sort"), Shows::All);
static ACTIVE: SecondaryIndex =
    index(Table::Subscriptions, "active", ("active", "active_until"), Shows::Keys);
static ALERTS: SecondaryIndex =
    index(Table::Alerts, "by_service", ("service_id", "sort"), Shows::All);
static WAITING: SecondaryIndex = index(Table::Alerts, "waiting", ("waiting", "sort"), Shows::Keys);
static SERVICES_DUE: SecondaryIndex = index(Table::Services, "due", ("due", "due_at"), Shows::Keys);
static SUBSCRIPTIONS_DUE: SecondaryIndex =
    index(Table::Subscriptions, "due", ("due", "due_at"), Shows::Keys);
static ALERTS_DUE: SecondaryIndex = index(Table::Alerts, "due", ("due", "due_at"), Shows::Keys);

/// Every index.
pub static INDEXES: [&SecondaryIndex; 11] = [
    &BY_OWNER,
    &SPARES,
    &SERVICES_LISTED,
    &SERVICES_DUE,
    &SUBSCRIPTIONS,
    &ACTIVE,
    &ACCOUNTS,
    &SUBSCRIPTIONS_DUE,
    &ALERTS,
    &WAITING,
    &ALERTS_DUE,
];

/// The lists of the indexes `listed`, each for few rows.
pub mod lists {
    use domain::ids::UserId;

    /// Services that have a group.
    pub fn groups() -> String {
        "groups".to_owned()
    }

    /// Guests of a service who have a pass.
    pub fn passes(service: &str) -> String {
        format!("passes#{service}")
    }

    /// Links of a service that wait for their guest.
    pub fn guest_links(service: &str) -> String {
        format!("guest_links#{service}")
    }

    /// Intruders of a service who are inside, or were.
    pub fn intruders(service: &str, is_inside: bool) -> String {
        format!("{}#{service}", if is_inside { "inside" } else { "settled" })
    }

    /// The subscriptions of a Telegram account.
    pub fn account(user: UserId) -> String {
        format!("account#{}", user.get())
    }
}

/// How far a selection goes within its part of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// All of it.
    None,
    /// Only what stands after this.
    After(String),
    /// Only what stands before this.
    Before(String),
}

/// A part of an index, in the order in which it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The index.
    pub index: &'static SecondaryIndex,
    /// Which part of it.
    pub part: String,
    /// How far.
    pub bound: Bound,
    /// Whether the smallest comes first.
    pub ascending: bool,
}

impl Selection {
    /// What a list shows.
    pub fn list(list: &List) -> Self {
        let (index, part, ascending) = match list {
            List::ServicesOf(trader) => (&BY_OWNER, trader.clone(), false),
            List::SubscriptionsOf(service) => (&SUBSCRIPTIONS, service.clone(), false),
            List::AlertsOf(service) => (&ALERTS, service.clone(), false),
            List::Spares => (&SPARES, "spare".to_owned(), true),
            List::PassesOf(service) => (&SERVICES_LISTED, lists::passes(service), false),
            List::GuestLinksOf(service) => (&SERVICES_LISTED, lists::guest_links(service), true),
            List::IntrudersIn(service) => {
                (&SERVICES_LISTED, lists::intruders(service, true), false)
            }
            List::Groups => (&SERVICES_LISTED, lists::groups(), true),
            List::ClaimsOf(user) => (&ACCOUNTS, lists::account(*user), true),
        };
        Self { index, part, bound: Bound::None, ascending }
    }

    /// What is counted.
    pub fn count(count: &Count) -> Self {
        let (index, part, bound) = match count {
            Count::Active { service, now } => {
                (&ACTIVE, service.clone(), Bound::After(sortable(*now)))
            }
            Count::Waiting { service } => (&WAITING, service.clone(), Bound::None),
            Count::Spares => (&SPARES, "spare".to_owned(), Bound::None),
            Count::Intruders { service, is_inside, since } => {
                let bound = since.map_or(Bound::None, |since| Bound::After(sortable(since)));
                (&SERVICES_LISTED, lists::intruders(service, *is_inside), bound)
            }
        };
        Self { index, part, bound, ascending: true }
    }

    /// What is due at `until` in a shard.
    pub fn due(table: Table, shard: u8, until: Timestamp) -> Self {
        let index = match table {
            Table::Services => &SERVICES_DUE,
            Table::Subscriptions => &SUBSCRIPTIONS_DUE,
            Table::Alerts => &ALERTS_DUE,
        };
        // `$` comes after `#`, so that whatever is due at this very instant is among it.
        let bound = Bound::Before(format!("{}$", sortable(until)));
        Self { index, part: due_part(shard), bound, ascending: true }
    }
}

/// The part of the `due` index that holds a shard.
pub(crate) fn due_part(shard: u8) -> String {
    format!("due#{shard}")
}
