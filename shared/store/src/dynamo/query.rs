//! Reading a part of an index, or of the audit trail, page by page.

use std::fmt::Display;

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::Select;
use serde_dynamo::Item;

use super::failure::failure;
use super::{Attributes, DynamoStore, string};
use crate::layout::{Bound, ID, Selection};
use crate::port::{Cursor, Page, StoreError};

/// The attributes that make up a starting key: the part, which the caller has named, and the rest,
/// which the cursor holds.
pub(super) struct Keys<'a, const N: usize> {
    pub(super) part: (&'a str, &'a str),
    pub(super) rest: [&'a str; N],
}

impl<const N: usize> Keys<'_, N> {
    /// The starting key that a cursor stands for.
    fn start(&self, cursor: &Cursor) -> Result<Attributes, StoreError> {
        let (name, part) = self.part;
        let mut key = Attributes::from([(name.to_owned(), string(part))]);
        for (name, value) in self.rest.iter().zip(cursor.keys::<N>()?) {
            key.insert((*name).to_owned(), string(value));
        }
        Ok(key)
    }

    /// The cursor of a page that ends at these attributes. They are keys, so they are there.
    fn cursor(&self, last: &Attributes) -> Option<Cursor> {
        let mut keys = [""; N];
        for (key, name) in keys.iter_mut().zip(self.rest) {
            *key = last.get(name)?.as_s().ok()?;
        }
        Some(Cursor::at(keys))
    }
}

impl DynamoStore {
    fn select(&self, selection: &Selection) -> Result<QueryFluentBuilder, StoreError> {
        let Selection { index, part, bound, ascending } = selection;
        let query = self
            .client
            .query()
            .table_name(self.tables.of(index.table)?)
            .index_name(index.name)
            .scan_index_forward(*ascending)
            .expression_attribute_names("#part", index.hash)
            .expression_attribute_values(":part", string(part));
        Ok(match bound {
            Bound::None => query.key_condition_expression("#part = :part"),
            Bound::After(bound) => query
                .key_condition_expression("#part = :part AND #place > :bound")
                .expression_attribute_names("#place", index.range)
                .expression_attribute_values(":bound", string(bound)),
            Bound::Before(bound) => query
                .key_condition_expression("#part = :part AND #place < :bound")
                .expression_attribute_names("#place", index.range)
                .expression_attribute_values(":bound", string(bound)),
        })
    }

    pub(super) async fn page(
        &self,
        selection: &Selection,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<Item>, StoreError> {
        let index = selection.index;
        let keys = Keys { part: (index.hash, &selection.part), rest: [index.range, ID] };
        self.page_of(self.select(selection)?, &keys, limit, from).await
    }

    pub(super) async fn page_of<const N: usize>(
        &self,
        query: QueryFluentBuilder,
        keys: &Keys<'_, N>,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<Item>, StoreError> {
        let limit = limit.max(1);
        let start = from.map(|cursor| keys.start(cursor)).transpose()?;
        // One more than is asked for: whether it is there says whether there is another page.
        let query = query
            .limit(i32::try_from(limit).unwrap_or(i32::MAX).saturating_add(1))
            .set_exclusive_start_key(start);
        let answer = Box::pin(query.send()).await.map_err(|error| {
            let refused = error.as_service_error().and_then(|error| error.code());
            match (from, refused) {
                // A starting key that was never given out. Ours are right where no cursor is.
                (Some(_), Some("ValidationException")) => StoreError::BadCursor,
                _ => failure("Query", &error),
            }
        })?;
        let mut items = answer.items.unwrap_or_default();
        let next = if items.len() > limit {
            items.truncate(limit);
            items.last().and_then(|last| keys.cursor(last))
        } else {
            // A page ends early at 1 MB (Amazon DynamoDB, `Query`).
            answer.last_evaluated_key.as_ref().and_then(|last| keys.cursor(last))
        };
        Ok(Page { items: items.into_iter().map(Item::from).collect(), next })
    }

    pub(super) async fn count_in(
        &self,
        selection: &Selection,
        most: usize,
    ) -> Result<usize, StoreError> {
        let mut counted = 0;
        let mut start = None;
        while counted < most {
            let query = self
                .select(selection)?
                .select(Select::Count)
                .limit(i32::try_from(most.saturating_sub(counted)).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start);
            let answer = Box::pin(query.send()).await.map_err(|error| failure("Query", &error))?;
            counted = counted.saturating_add(usize::try_from(answer.count).unwrap_or(0));
            start = answer.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(counted)
    }
}

/// What of a page can be read. A row that cannot must not hide the others, so it is left out and
/// told in the log: by its kind only, because keys can hold Telegram ids.
pub(super) fn readable<T, E: Display>(
    page: Page<Item>,
    read: impl Fn(Item) -> Result<T, E>,
) -> Page<T> {
    let items = page.items.into_iter().filter_map(|item| {
        let kind = crate::item::text(&item, "kind").unwrap_or("unknown").to_owned();
        match read(item) {
            Ok(item) => Some(item),
            Err(error) => {
                tracing::warn!(kind, %error, "a row in a list cannot be read and is left out");
                None
            }
        }
    });
    Page { items: items.collect(), next: page.next }
}
