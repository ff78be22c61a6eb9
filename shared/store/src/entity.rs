//! Typed items over rows.

use std::sync::Arc;

use domain::change::{Cause, Meta, Stored};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::body::Body;
use crate::port::{Broken, Store, StoreError};
use crate::row::{Index, Row, Table};

/// An item that stands in a table.
pub trait Entity: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// In which table.
    const TABLE: Table;
    /// What it is called there. A row of another kind is never read as this one.
    const KIND: &'static str;

    /// Its key.
    fn id(&self) -> String;

    /// Where it is found otherwise.
    fn index(&self) -> Index;
}

/// One conditional save.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// In which table.
    pub table: Table,
    /// The version that must stand there; `None`: nothing may stand there.
    pub expected: Option<u64>,
    /// What is to stand there.
    pub row: Row,
}

impl Write {
    /// Saves a new item, on condition that its key is free.
    pub fn create<E: Entity>(item: &E, cause: &Cause) -> Self {
        Self::new(item, cause, None)
    }

    /// Saves an item over the one that was read, on condition that it is still that one. Items are
    /// saved over themselves: the key cannot change.
    pub fn update<E: Entity>(read: &Stored<E>, item: &E, cause: &Cause) -> Self {
        debug_assert_eq!(read.value.id(), item.id(), "an item is saved over itself");
        Self::new(item, cause, Some(read.meta.ver))
    }

    /// Saves over what was read, or anew where nothing was.
    pub fn put<E: Entity>(read: Option<&Stored<E>>, item: &E, cause: &Cause) -> Self {
        match read {
            Some(read) => Self::update(read, item, cause),
            None => Self::create(item, cause),
        }
    }

    fn new<E: Entity>(item: &E, cause: &Cause, expected: Option<u64>) -> Self {
        let Cause { at, by, why } = cause.clone();
        let meta = Meta {
            ver: expected.map_or(1, |ver| ver.saturating_add(1)),
            changed_at: at,
            changed_by: by,
            why,
        };
        let body = Body::of(item);
        let row = Row { id: item.id(), kind: E::KIND.to_owned(), meta, index: item.index(), body };
        Self { table: E::TABLE, expected, row }
    }

    /// The item as it will stand there once this is saved.
    ///
    /// # Errors
    /// [`Broken`] when the row is of another kind.
    pub fn stored<E: Entity>(&self) -> Result<Stored<E>, Broken> {
        decode(self.row.clone())
    }
}

/// Reads a row as an item.
///
/// # Errors
/// [`Broken`] when it is of another kind or does not fit.
pub fn decode<E: Entity>(row: Row) -> Result<Stored<E>, Broken> {
    Ok(Stored { value: item(&row)?, meta: row.meta })
}

/// The item of a row.
pub(crate) fn item<E: Entity>(row: &Row) -> Result<E, Broken> {
    let broken = |cause: String| Broken {
        // Keys such as `chat#…` and `tg#…` hold Telegram ids.
        id: row.id.split('#').next().unwrap_or_default().to_owned(),
        kind: row.kind.clone(),
        cause,
    };
    if row.kind != E::KIND {
        return Err(broken(format!("expected kind {}", E::KIND)));
    }
    // Not serde's own words: they quote the value, which can be a Telegram id.
    let value = row.body.item().ok_or_else(|| broken("the body does not fit".to_owned()))?;
    Ok(Arc::unwrap_or_clone(value))
}

/// Loads an item by its key, strongly consistent.
///
/// # Errors
/// [`StoreError`].
pub async fn load<E: Entity>(
    store: &impl Store,
    id: &str,
) -> Result<Option<Stored<E>>, StoreError> {
    match store.read(E::TABLE, id).await? {
        Some(row) => Ok(Some(decode(row)?)),
        None => Ok(None),
    }
}
