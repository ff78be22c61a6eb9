//! Reads the streams of the tables and carries out what follows from each change.
//!
//! The decision is [`domain::relay::consequences`]; here its outcome goes to the audit trail, the
//! queues and the bus, in this order. The first record that fails is reported, and the stream comes
//! again from there: every part bears a repetition.

use aws_lambda_events::dynamodb::Event;
use domain::change::{Meta, Record};
use domain::relay::{Consequences, consequences};
use events::{EventError, Events};
use queue::{Outgoing, Queue, QueueError};
use store::{Broken, Row, Store, StoreError, record, row_from_image};

/// What the relay writes to.
#[derive(Debug)]
pub struct Relay<S, Q, E> {
    /// The audit trail.
    pub store: S,
    /// The queues.
    pub queue: Q,
    /// The bus.
    pub events: E,
}

/// One change of one row, as the stream tells it.
#[derive(Debug)]
pub struct Change {
    /// By which a failure is reported.
    pub sequence_number: String,
    /// The row before; `None` when it is new.
    pub before: Option<Row>,
    /// The row after; `None` when it was taken away.
    pub after: Option<Row>,
}

/// A change could not be carried on.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Events(#[from] EventError),
}

/// Reads a batch as Lambda hands it over. A row that cannot be read is left out, loudly: waiting
/// for it would stop every change behind it for a day.
pub fn changes(event: Event) -> Vec<Change> {
    event
        .records
        .into_iter()
        .map(|record| {
            let row = |item: serde_dynamo::Item| {
                if item.is_empty() {
                    return None;
                }
                row_from_image(item)
                    .inspect_err(|broken| {
                        tracing::error!(cause = %broken, "a changed row could not be read");
                    })
                    .ok()
            };
            Change {
                sequence_number: record.change.sequence_number.unwrap_or_default(),
                before: row(record.change.old_image),
                after: row(record.change.new_image),
            }
        })
        .collect()
}

/// Carries out a batch in order; answers with the sequence number of the first record that failed.
/// Lambda delivers again from there.
pub async fn handle<S: Store, Q: Queue, E: Events>(
    relay: &Relay<S, Q, E>,
    batch: Vec<Change>,
) -> Option<String> {
    for change in batch {
        let Change { sequence_number, before, after } = change;
        // Rows are only taken away when their time to live is over: nothing follows from that.
        let Some(after) = after else { continue };
        match relay.one(before, after).await {
            Ok(()) => {}
            Err(RelayError::Broken(broken)) => {
                tracing::error!(cause = %broken, "a changed item could not be read");
            }
            Err(error) => {
                tracing::error!(cause = %error, "a change waits to be carried on");
                return Some(sequence_number);
            }
        }
    }
    None
}

impl<S: Store, Q: Queue, E: Events> Relay<S, Q, E> {
    async fn one(&self, before: Option<Row>, after: Row) -> Result<(), RelayError> {
        let Some((after, meta)) = record(&after)? else { return Ok(()) };
        // An old row that cannot be read any more must not cost what follows from the new one.
        let before = before.and_then(|row| {
            record(&row)
                .inspect_err(|broken| {
                    tracing::error!(cause = %broken, "a row before its change could not be read");
                })
                .ok()
                .flatten()
                .map(|(record, _)| record)
        });
        self.carry_out(before.as_ref(), &after, &meta).await
    }

    async fn carry_out(
        &self,
        before: Option<&Record>,
        after: &Record,
        meta: &Meta,
    ) -> Result<(), RelayError> {
        let Consequences { tasks, audit, events } = consequences(before, after, meta);
        if let Some(record) = audit {
            self.store.write_audit(&[record]).await?;
        }
        let messages: Vec<_> =
            tasks.into_iter().map(|(key, task)| Outgoing { key, task }).collect();
        if !messages.is_empty() {
            self.queue.send(&messages).await?;
        }
        if !events.is_empty() {
            self.events.publish(&events).await?;
        }
        Ok(())
    }
}
