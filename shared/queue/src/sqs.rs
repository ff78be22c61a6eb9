//! The SQS side of the port.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata as _, SdkError};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use domain::task::Lane;
use jiff::SignedDuration;

use crate::port::{MOST_DELAY, Outgoing, Queue, QueueError};

/// The most messages in one call (Amazon SQS, `SendMessageBatch`).
const BATCH: usize = 10;

/// Where the queues are. A function is given those that it may use; the others are absent.
#[derive(Clone, Debug)]
pub struct Urls {
    /// The FIFO queue for what people wait for.
    pub alerts: Option<String>,
    /// The standard queue for the rest.
    pub housekeeping: Option<String>,
}

/// The queues in SQS.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    urls: Urls,
}

impl Urls {
    /// Takes the addresses from the settings `ALERTS_QUEUE_URL` and `HOUSEKEEPING_QUEUE_URL`.
    pub fn named(setting: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            alerts: setting("ALERTS_QUEUE_URL"),
            housekeeping: setting("HOUSEKEEPING_QUEUE_URL"),
        }
    }
}

impl SqsQueue {
    /// Uses the queues at these addresses.
    pub fn new(aws: &SdkConfig, urls: Urls) -> Self {
        Self { client: Client::new(aws), urls }
    }

    fn url(&self, lane: Lane) -> Result<&str, QueueError> {
        let url = match lane {
            Lane::Alerts => self.urls.alerts.as_deref(),
            Lane::Housekeeping => self.urls.housekeeping.as_deref(),
        };
        url.ok_or_else(|| {
            QueueError::Unavailable(format!("this function was given no queue for {lane:?}"))
        })
    }

    async fn send_batch(&self, lane: Lane, batch: &[&Outgoing]) -> Result<(), QueueError> {
        let mut request = self.client.send_message_batch().queue_url(self.url(lane)?);
        for (number, message) in batch.iter().enumerate() {
            request = request.entries(entry(lane, number, message)?);
        }
        let answer = request.send().await.map_err(unavailable)?;
        // A call can succeed while some of its messages were refused.
        match answer.failed() {
            [] => Ok(()),
            failed @ [first, ..] => Err(QueueError::Refused {
                refused: failed.len(),
                sent: batch.len(),
                cause: first.code().to_owned(),
            }),
        }
    }
}

fn entry(
    lane: Lane,
    number: usize,
    message: &Outgoing,
) -> Result<SendMessageBatchRequestEntry, QueueError> {
    let cause = |cause: String| QueueError::Refused { refused: 1, sent: 1, cause };
    let body = serde_json::to_string(&message.task).map_err(|error| cause(error.to_string()))?;
    let entry = SendMessageBatchRequestEntry::builder()
        .id(number.to_string())
        .message_body(body)
        // In the standard queue the group makes for fair turns between services
        // (Amazon SQS, "Fair queues").
        .message_group_id(message.task.group());
    match lane {
        Lane::Alerts => entry.message_deduplication_id(&message.key),
        Lane::Housekeeping => entry,
    }
    .build()
    .map_err(|error| cause(error.to_string()))
}

fn unavailable<E, R>(error: SdkError<E, R>) -> QueueError
where
    E: aws_sdk_sqs::error::ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let code = error.code().map(str::to_owned);
    QueueError::Unavailable(code.unwrap_or_else(|| DisplayErrorContext(&error).to_string()))
}

impl Queue for SqsQueue {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        for lane in [Lane::Alerts, Lane::Housekeeping] {
            let batch: Vec<_> =
                messages.iter().filter(|message| message.task.lane() == lane).collect();
            for chunk in batch.chunks(BATCH) {
                self.send_batch(lane, chunk).await?;
            }
        }
        Ok(())
    }

    async fn hand_back(
        &self,
        lane: Lane,
        receipt: &str,
        delay: SignedDuration,
    ) -> Result<(), QueueError> {
        // Rounded up: a message that comes a moment too early has to be given back once more.
        let millis = delay.min(MOST_DELAY).as_millis().max(0).unsigned_abs();
        let seconds = i32::try_from(millis.div_ceil(1_000)).unwrap_or(i32::MAX);
        self.client
            .change_message_visibility()
            .queue_url(self.url(lane)?)
            .receipt_handle(receipt)
            .visibility_timeout(seconds)
            .send()
            .await
            .map_err(unavailable)?;
        Ok(())
    }
}
