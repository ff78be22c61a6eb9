//! The port.

use std::future::Future;

use domain::ids::UserId;
use domain::relay::AuditRecord;
use jiff::Timestamp;

use crate::entity::Write;
use crate::row::{Row, Table};

/// Into how many parts the `due` index is divided, so that no partition of it runs hot.
pub const SHARDS: u8 = 32;

/// The shard of a row in the `due` index.
pub fn shard_of(id: &str) -> u8 {
    // FNV-1a: stable between versions and machines, which the standard hasher is not.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    u8::try_from(hash % u64::from(SHARDS)).unwrap_or(0)
}

/// The table cannot be used at the moment.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Throttled, timed out, or out of reach: it may work a little later. A write that failed like
    /// this may have been done.
    #[error("the table cannot be reached: {0}")]
    Unavailable(String),
    /// Refused for good: a table that the function was not given, a right that it lacks, a row
    /// that is too large. Trying again does not help.
    #[error("the table refuses the request: {0}")]
    Refused(String),
    /// A row is not what it should be.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The cursor is not one that a page ended with.
    #[error("the cursor is not one that was handed out")]
    BadCursor,
}

/// A row that cannot be read as what it should be.
#[derive(Debug, thiserror::Error)]
#[error("the row {id} of kind {kind} cannot be read: {cause}")]
pub struct Broken {
    /// Its key, less what is personal in it.
    pub id: String,
    /// What it says it is.
    pub kind: String,
    /// Why it cannot be read.
    pub cause: String,
}

/// Why nothing was saved.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// One of the rows is not as it was read: load, decide and save again.
    #[error("the row was changed by somebody else")]
    Conflict,
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A list of rows, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List {
    /// The services of a trader.
    ServicesOf(String),
    /// The subscriptions of a service.
    SubscriptionsOf(String),
    /// The alerts of a service.
    AlertsOf(String),
    /// Spare groups that can be taken.
    Spares,
    /// The links of a service by which its guests came in who have a pass.
    PassesOf(String),
    /// The links of a service by which no guest has come in yet, oldest first.
    GuestLinksOf(String),
    /// Who is in the group of a service without a right to be.
    IntrudersIn(String),
    /// Services that have a group.
    Groups,
    /// What a Telegram account is linked to, by service.
    ClaimsOf(UserId),
}

impl List {
    /// The table it is a list of.
    pub const fn table(&self) -> Table {
        match self {
            Self::ServicesOf(_)
            | Self::Spares
            | Self::PassesOf(_)
            | Self::GuestLinksOf(_)
            | Self::IntrudersIn(_)
            | Self::Groups => Table::Services,
            Self::SubscriptionsOf(_) | Self::ClaimsOf(_) => Table::Subscriptions,
            Self::AlertsOf(_) => Table::Alerts,
        }
    }
}

/// A number of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Count {
    /// Subscriptions of a service whose access ends after this moment.
    Active {
        /// The service.
        service: String,
        /// The moment.
        now: Timestamp,
    },
    /// Alerts of a service that are not posted yet, or have an update that is not.
    Waiting {
        /// The service.
        service: String,
    },
    /// Spare groups that can be taken.
    Spares,
    /// People in the group of a service without a right to be.
    Intruders {
        /// The service.
        service: String,
        /// Those who are inside, or those who were.
        is_inside: bool,
        /// Only those who came after this moment.
        since: Option<Timestamp>,
    },
}

/// Where a page ended. Opaque to callers; a made-up one leads to [`StoreError::BadCursor`] or to an
/// empty or odd page, never to rows of somebody else, because the list itself is named by the
/// request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// What stands on it.
    pub items: Vec<T>,
    /// Where the next one begins; `None` on the last.
    pub next: Option<Cursor>,
}

/// A row that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueItem {
    /// Its key.
    pub id: String,
    /// Since when.
    pub due_at: Timestamp,
}

/// What Usher wants of its tables.
pub trait Store: Send + Sync {
    /// Reads a row, strongly consistent.
    fn read(
        &self,
        table: Table,
        id: &str,
    ) -> impl Future<Output = Result<Option<Row>, StoreError>> + Send;

    /// Saves one row on its condition, or several together: all or none.
    fn commit(&self, writes: Vec<Write>) -> impl Future<Output = Result<(), CommitError>> + Send;

    /// A page of a list, newest first (spares: longest waiting first), eventually consistent.
    fn list(
        &self,
        list: &List,
        limit: usize,
        from: Option<&Cursor>,
    ) -> impl Future<Output = Result<Page<Row>, StoreError>> + Send;

    /// Counts, up to `most`; eventually consistent.
    fn count(
        &self,
        count: &Count,
        most: usize,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// A page of the rows of one shard that are due at `until`, longest due first.
    fn due(
        &self,
        table: Table,
        shard: u8,
        until: Timestamp,
        limit: usize,
        from: Option<&Cursor>,
    ) -> impl Future<Output = Result<Page<DueItem>, StoreError>> + Send;

    /// Writes audit records; the same record twice is one record. Nothing is ever changed or
    /// taken away there.
    fn write_audit(
        &self,
        records: &[AuditRecord],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// A page of a service's audit trail, newest first.
    fn audit(
        &self,
        service: &str,
        limit: usize,
        from: Option<&Cursor>,
    ) -> impl Future<Output = Result<Page<AuditRecord>, StoreError>> + Send;
}
