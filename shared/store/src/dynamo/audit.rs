//! Writing the audit trail.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use domain::relay::AuditRecord;

use super::DynamoStore;
use super::failure::failure;
use crate::port::{Broken, StoreError};

/// The most writes that one call takes (Amazon DynamoDB, `BatchWriteItem`).
const BATCH: usize = 25;

/// How long to wait before what was left undone is sent again. When all are used up, the caller
/// gets an error and tries again in its own time: the same record twice is one record.
const WAITS: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
];

impl DynamoStore {
    pub(super) async fn put_audit(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        // A batch that names a key twice is refused as a whole.
        let different: BTreeMap<_, _> =
            records.iter().map(|record| ((&record.service_id, &record.seq), record)).collect();
        let puts = different.into_values().map(put).collect::<Result<Vec<_>, _>>()?;
        for batch in puts.chunks(BATCH) {
            self.put_batch(batch.to_vec()).await?;
        }
        Ok(())
    }

    async fn put_batch(&self, mut batch: Vec<WriteRequest>) -> Result<(), StoreError> {
        let table = self.tables.audit()?;
        let mut waits = WAITS.into_iter();
        loop {
            let request = self
                .client
                .batch_write_item()
                .set_request_items(Some(HashMap::from([(table.to_owned(), batch)])));
            let answer = Box::pin(request.send())
                .await
                .map_err(|error| failure("BatchWriteItem", &error))?;
            // Keyed by the table's name or its ARN; there is one table.
            batch = answer.unprocessed_items.unwrap_or_default().into_values().flatten().collect();
            if batch.is_empty() {
                return Ok(());
            }
            let Some(wait) = waits.next() else {
                return Err(StoreError::Unavailable(format!(
                    "BatchWriteItem: {} records were left undone",
                    batch.len()
                )));
            };
            tokio::time::sleep(wait).await;
        }
    }
}

fn put(record: &AuditRecord) -> Result<WriteRequest, StoreError> {
    let broken =
        |cause: String| Broken { id: record.service_id.clone(), kind: "audit".to_owned(), cause };
    let item = serde_dynamo::to_item(record).map_err(|error| broken(error.to_string()))?;
    let put = PutRequest::builder()
        .set_item(Some(item))
        .build()
        .map_err(|error| broken(error.to_string()))?;
    Ok(WriteRequest::builder().put_request(put).build())
}
