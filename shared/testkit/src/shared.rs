//! A store that several functions have in their hands at the same time.

use std::sync::Arc;

use domain::relay::AuditRecord;
use jiff::Timestamp;
use store::{
    CommitError, Count, Cursor, DueItem, List, Page, Row, Store, StoreError, Table, Write,
};

/// A handle to a store; copies lead to the same one. Handlers own what they work with, and a store
/// in memory has to outlive each of them.
#[derive(Debug, Default)]
pub struct Shared<S>(pub Arc<S>);

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> std::ops::Deref for Shared<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S: Store> Store for Shared<S> {
    async fn read(&self, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        self.0.read(table, id).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        self.0.commit(writes).await
    }

    async fn list(
        &self,
        list: &List,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<Row>, StoreError> {
        self.0.list(list, limit, from).await
    }

    async fn count(&self, count: &Count, most: usize) -> Result<usize, StoreError> {
        self.0.count(count, most).await
    }

    async fn due(
        &self,
        table: Table,
        shard: u8,
        until: Timestamp,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<DueItem>, StoreError> {
        self.0.due(table, shard, until, limit, from).await
    }

    async fn write_audit(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        self.0.write_audit(records).await
    }

    async fn audit(
        &self,
        service: &str,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<AuditRecord>, StoreError> {
        self.0.audit(service, limit, from).await
    }
}
