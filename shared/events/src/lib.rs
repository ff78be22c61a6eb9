//! The event port and its EventBridge side.

use std::future::Future;

use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::{DisplayErrorContext, ProvideErrorMetadata as _};
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use domain::relay::Event;

/// The source that Usher's events name.
pub const SOURCE: &str = "usher";

/// The most entries in one call (Amazon EventBridge, `PutEvents`).
const BATCH: usize = 10;

/// The bus did not take everything, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// These many events were not taken; the others were.
    #[error("the bus refused {refused} of {sent} events: {cause}")]
    Refused {
        /// How many were refused.
        refused: usize,
        /// How many were sent.
        sent: usize,
        /// The first refusal's code.
        cause: String,
    },
    /// The bus cannot be reached; some events may have been taken.
    #[error("the bus cannot be reached: {0}")]
    Unavailable(String),
}

/// What Usher wants of an event bus.
pub trait Events: Send + Sync {
    /// Publishes events. `Ok` means that every one was taken. Whoever listens may hear an event
    /// twice and knows it by its `key`.
    fn publish(&self, events: &[Event]) -> impl Future<Output = Result<(), EventError>> + Send;
}

/// A bus of EventBridge.
#[derive(Clone, Debug)]
pub struct EventBus {
    client: Client,
    bus: String,
}

impl EventBus {
    /// Uses the bus of this name.
    pub fn new(aws: &SdkConfig, bus: String) -> Self {
        Self { client: Client::new(aws), bus }
    }

    async fn put(&self, events: &[Event]) -> Result<(), EventError> {
        let mut request = self.client.put_events();
        for event in events {
            let detail = serde_json::to_string(event).map_err(|error| EventError::Refused {
                refused: 1,
                sent: 1,
                cause: error.to_string(),
            })?;
            request = request.entries(
                PutEventsRequestEntry::builder()
                    .event_bus_name(&self.bus)
                    .source(SOURCE)
                    .detail_type(&event.name)
                    .detail(detail)
                    .time(DateTime::from_secs(event.at.as_second()))
                    .build(),
            );
        }
        let answer = request.send().await.map_err(|error| {
            let code = error.code().map(str::to_owned);
            EventError::Unavailable(code.unwrap_or_else(|| DisplayErrorContext(&error).to_string()))
        })?;
        // A call can succeed while some of its entries were refused.
        let refused = usize::try_from(answer.failed_entry_count()).unwrap_or(events.len());
        if refused == 0 {
            return Ok(());
        }
        let cause = answer.entries().iter().find_map(|entry| entry.error_code());
        Err(EventError::Refused {
            refused,
            sent: events.len(),
            cause: cause.unwrap_or("unknown").to_owned(),
        })
    }
}

impl Events for EventBus {
    async fn publish(&self, events: &[Event]) -> Result<(), EventError> {
        for batch in events.chunks(BATCH) {
            self.put(batch).await?;
        }
        Ok(())
    }
}
