//! Conditional saves.
//!
//! The SDK repeats a call that had no answer. If the first try was carried out all the same, the
//! second meets what the first has put there, and its condition fails: a conflict with oneself.
//!
//! - A transaction carries the SDK's `ClientRequestToken`, by which DynamoDB knows the repetition
//!   (Amazon DynamoDB, `TransactWriteItems`: a repeated call with the same token within ten minutes
//!   changes nothing and succeeds).
//! - `PutItem` has nothing like it, so the item itself carries the name of its save, unique to one
//!   call of `commit`. What stands there comes back with the refusal
//!   (`ReturnValuesOnConditionCheckFailure`): under our name, we have saved it.
//!
//! Comparing what was saved instead would not do: of two senders that begin the same task in the
//! same instant, both would believe that it is theirs.
//!
//! Only repetitions within one call are seen to. A caller who commits again after
//! [`StoreError::Unavailable`] meets a conflict, and has to load and decide again anyhow.

use std::sync::atomic::Ordering;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};

use super::failure::{failure, is_passing};
use super::{Attributes, DynamoStore, string};
use crate::entity::Write;
use crate::item::item_from_row;
use crate::port::{CommitError, StoreError};

/// The attribute that names the save by which a row came to stand there.
pub(super) const SAVE: &str = "save";

/// The condition of a write: its expression, the attribute it speaks of, and the value of that.
struct Condition {
    expression: &'static str,
    attribute: &'static str,
    values: Option<Attributes>,
}

fn condition(expected: Option<u64>) -> Condition {
    match expected {
        None => Condition {
            expression: "attribute_not_exists(#it)",
            attribute: crate::layout::ID,
            values: None,
        },
        Some(ver) => Condition {
            expression: "#it = :it",
            attribute: "ver",
            values: Some(Attributes::from([(
                ":it".to_owned(),
                aws_sdk_dynamodb::types::AttributeValue::N(ver.to_string()),
            )])),
        },
    }
}

impl DynamoStore {
    fn attributes(write: &Write) -> Result<Attributes, StoreError> {
        Ok(item_from_row(&write.row)?.into())
    }

    pub(super) async fn put(&self, write: Write) -> Result<(), CommitError> {
        let save =
            format!("{}-{}", self.instance.simple(), self.saves.fetch_add(1, Ordering::Relaxed));
        let condition = condition(write.expected);
        let request = self
            .client
            .put_item()
            .table_name(self.tables.of(write.table)?)
            .set_item(Some(Self::attributes(&write)?))
            .item(SAVE, string(&save))
            .condition_expression(condition.expression)
            .expression_attribute_names("#it", condition.attribute)
            .set_expression_attribute_values(condition.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = Box::pin(request.send()).await else { return Ok(()) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refusal)) => {
                let there = refusal.item().and_then(|item| item.get(SAVE));
                if there == Some(&string(save)) { Ok(()) } else { Err(CommitError::Conflict) }
            }
            // Somebody's transaction is at the row.
            Some(PutItemError::TransactionConflictException(_)) => Err(CommitError::Conflict),
            _ => Err(failure("PutItem", &error).into()),
        }
    }

    pub(super) async fn transact(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        let mut request = self.client.transact_write_items();
        for write in &writes {
            let condition = condition(write.expected);
            let put = Put::builder()
                .table_name(self.tables.of(write.table)?)
                .set_item(Some(Self::attributes(write)?))
                .condition_expression(condition.expression)
                .expression_attribute_names("#it", condition.attribute)
                .set_expression_attribute_values(condition.values)
                .build()
                .map_err(|_| StoreError::Refused("a write without an item".to_owned()))?;
            request = request.transact_items(TransactWriteItem::builder().put(put).build());
        }
        let Err(error) = Box::pin(request.send()).await else { return Ok(()) };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(refusal)) => {
                Err(cancelled(refusal.cancellation_reasons()))
            }
            _ => Err(failure("TransactWriteItems", &error).into()),
        }
    }
}

/// What the reasons for a cancelled transaction come to.
fn cancelled(reasons: &[CancellationReason]) -> CommitError {
    let codes =
        || reasons.iter().filter_map(CancellationReason::code).filter(|code| *code != "None");
    if codes().any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict")) {
        return CommitError::Conflict;
    }
    let text = format!("TransactWriteItems: {}", codes().collect::<Vec<_>>().join(", "));
    CommitError::Store(if codes().all(is_passing) {
        StoreError::Unavailable(text)
    } else {
        StoreError::Refused(text)
    })
}
