//! The DynamoDB side of the port.

mod audit;
mod commit;
mod failure;
mod query;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::relay::AuditRecord;
use jiff::Timestamp;
use uuid::Uuid;

use crate::entity::Write;
use crate::item::{moment, row_from_image, text};
use crate::layout::{AUDIT_KEYS, ID, Selection};
use crate::port::{CommitError, Count, Cursor, DueItem, List, Page, Store, StoreError};
use crate::row::{Row, Table};

pub use failure::failure;
use query::{Keys, readable};

/// An item as the SDK has it.
type Attributes = HashMap<String, AttributeValue>;

/// The names of the tables. A function is given those that it may use; the others are absent.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Of services, chats, links.
    pub services: Option<String>,
    /// Of subscriptions, claims of Telegram accounts, purchases.
    pub subscriptions: Option<String>,
    /// Of alerts.
    pub alerts: Option<String>,
    /// Of the audit trail.
    pub audit: Option<String>,
}

impl Tables {
    /// Takes the names from the settings `SERVICES_TABLE`, `SUBSCRIPTIONS_TABLE`, `ALERTS_TABLE`
    /// and `AUDIT_TABLE`.
    pub fn named(setting: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            services: setting("SERVICES_TABLE"),
            subscriptions: setting("SUBSCRIPTIONS_TABLE"),
            alerts: setting("ALERTS_TABLE"),
            audit: setting("AUDIT_TABLE"),
        }
    }

    fn of(&self, table: Table) -> Result<&str, StoreError> {
        let (name, setting) = match table {
            Table::Services => (&self.services, "services"),
            Table::Subscriptions => (&self.subscriptions, "subscriptions"),
            Table::Alerts => (&self.alerts, "alerts"),
        };
        given(name.as_ref(), setting)
    }

    fn audit(&self) -> Result<&str, StoreError> {
        given(self.audit.as_ref(), "audit")
    }
}

fn given<'a>(name: Option<&'a String>, table: &str) -> Result<&'a str, StoreError> {
    name.map(String::as_str).ok_or_else(|| {
        StoreError::Refused(format!("this function was given no name for the table {table}"))
    })
}

/// The store in DynamoDB.
#[derive(Debug)]
pub struct DynamoStore {
    client: Client,
    tables: Tables,
    /// With the count, the name of each save: see [`commit`].
    instance: Uuid,
    saves: AtomicU64,
}

impl DynamoStore {
    /// A store on these tables. `instance` is a fresh random id: no two stores may share one.
    pub const fn new(client: Client, tables: Tables, instance: Uuid) -> Self {
        Self { client, tables, instance, saves: AtomicU64::new(0) }
    }

    /// The same, with a client made here.
    pub fn connect(aws: &SdkConfig, tables: Tables, instance: Uuid) -> Self {
        Self::new(Client::new(aws), tables, instance)
    }
}

fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

impl Store for DynamoStore {
    async fn read(&self, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        let request = self
            .client
            .get_item()
            .table_name(self.tables.of(table)?)
            .key(ID, string(id))
            .consistent_read(true);
        let answer = Box::pin(request.send()).await.map_err(|error| failure("GetItem", &error))?;
        Ok(answer.item.map(|item| row_from_image(item.into())).transpose()?)
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        match <[Write; 1]>::try_from(writes) {
            Ok([write]) => self.put(write).await,
            Err(writes) if writes.is_empty() => Ok(()),
            Err(writes) => self.transact(writes).await,
        }
    }

    async fn list(
        &self,
        list: &List,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<Row>, StoreError> {
        let page = self.page(&Selection::list(list), limit, from).await?;
        Ok(readable(page, row_from_image))
    }

    async fn count(&self, count: &Count, most: usize) -> Result<usize, StoreError> {
        self.count_in(&Selection::count(count), most).await
    }

    async fn due(
        &self,
        table: Table,
        shard: u8,
        until: Timestamp,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<DueItem>, StoreError> {
        let page = self.page(&Selection::due(table, shard, until), limit, from).await?;
        Ok(readable(page, |item| {
            let id = text(&item, ID).map(str::to_owned);
            let due_at = text(&item, "due_at").and_then(moment);
            id.zip(due_at).map(|(id, due_at)| DueItem { id, due_at }).ok_or("due_at")
        }))
    }

    async fn write_audit(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        self.put_audit(records).await
    }

    async fn audit(
        &self,
        service: &str,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<AuditRecord>, StoreError> {
        let (hash, range) = AUDIT_KEYS;
        let query = self
            .client
            .query()
            .table_name(self.tables.audit()?)
            .key_condition_expression("#part = :part")
            .expression_attribute_names("#part", hash)
            .expression_attribute_values(":part", string(service))
            .scan_index_forward(false);
        let keys = Keys { part: (hash, service), rest: [range] };
        let page = self.page_of(query, &keys, limit, from).await?;
        Ok(readable(page, serde_dynamo::from_item))
    }
}
