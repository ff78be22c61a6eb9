//! The SQS side of the port.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata as _, SdkError};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, SendMessageBatchRequestEntry,
};
use domain::task::Lane;
use jiff::SignedDuration;

use crate::port::{MOST_DELAY, Outgoing, Queue, QueueError};

/// Seconds that a look among the dead letters waits for some. Without waiting only some of the
/// queue's servers are asked, and a queue that holds letters may look empty (Amazon SQS Developer
/// Guide, "Short and long polling").
const LONG_POLL: i32 = 2;

/// The most messages in one call (Amazon SQS, `SendMessageBatch`, `ChangeMessageVisibilityBatch`).
const BATCH: usize = 10;

/// Where the queues are. A function is given those that it may use; the others are absent.
#[derive(Clone, Debug)]
pub struct Urls {
    /// The FIFO queue for what people wait for.
    pub alerts: Option<String>,
    /// The standard queue for the rest.
    pub housekeeping: Option<String>,
    /// Where the dead letters of alerts go.
    pub alerts_dead: Option<String>,
    /// Where those of the rest go.
    pub housekeeping_dead: Option<String>,
}

/// The queues in SQS.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    urls: Urls,
}

impl Urls {
    /// Takes the addresses from the settings `ALERTS_QUEUE_URL`, `HOUSEKEEPING_QUEUE_URL`,
    /// `ALERTS_DEAD_QUEUE_URL` and `HOUSEKEEPING_DEAD_QUEUE_URL`.
    pub fn named(setting: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            alerts: setting("ALERTS_QUEUE_URL"),
            housekeeping: setting("HOUSEKEEPING_QUEUE_URL"),
            alerts_dead: setting("ALERTS_DEAD_QUEUE_URL"),
            housekeeping_dead: setting("HOUSEKEEPING_DEAD_QUEUE_URL"),
        }
    }
}

impl SqsQueue {
    /// Uses the queues at these addresses.
    pub fn new(aws: &SdkConfig, urls: Urls) -> Self {
        Self { client: Client::new(aws), urls }
    }

    fn url(&self, lane: Lane) -> Result<&str, QueueError> {
        given(match lane {
            Lane::Alerts => self.urls.alerts.as_deref(),
            Lane::Housekeeping => self.urls.housekeeping.as_deref(),
        })
    }

    fn dead_url(&self, lane: Lane) -> Result<&str, QueueError> {
        given(match lane {
            Lane::Alerts => self.urls.alerts_dead.as_deref(),
            Lane::Housekeeping => self.urls.housekeeping_dead.as_deref(),
        })
    }

    async fn send_batch(&self, lane: Lane, batch: &[&Outgoing]) -> Result<(), QueueError> {
        let mut request = self.client.send_message_batch().queue_url(self.url(lane)?);
        for (number, message) in batch.iter().enumerate() {
            request = request.entries(entry(lane, number, message)?);
        }
        let answer = request.send().await.map_err(unavailable)?;
        all_taken(answer.failed(), batch.len())
    }

    async fn delete(&self, url: &str, receipt: &str) -> Result<(), QueueError> {
        let delete = self.client.delete_message().queue_url(url).receipt_handle(receipt);
        delete.send().await.map_err(unavailable)?;
        Ok(())
    }

    async fn hide_batch(
        &self,
        lane: Lane,
        receipts: &[&str],
        seconds: i32,
    ) -> Result<(), QueueError> {
        let mut request = self.client.change_message_visibility_batch().queue_url(self.url(lane)?);
        for (number, receipt) in receipts.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(number.to_string())
                .receipt_handle(*receipt)
                .visibility_timeout(seconds)
                .build();
            request = request.entries(entry.map_err(one_refused)?);
        }
        let answer = request.send().await.map_err(unavailable)?;
        all_taken(answer.failed(), receipts.len())
    }
}

/// A call can succeed while some of its messages were refused.
fn all_taken(failed: &[BatchResultErrorEntry], sent: usize) -> Result<(), QueueError> {
    match failed {
        [] => Ok(()),
        [first, ..] => {
            Err(QueueError::Refused { refused: failed.len(), sent, cause: first.code().to_owned() })
        }
    }
}

fn one_refused(cause: impl ToString) -> QueueError {
    QueueError::Refused { refused: 1, sent: 1, cause: cause.to_string() }
}

/// Whole seconds, rounded up: a message that comes a moment too early has to be given back once more.
fn seconds(time: SignedDuration) -> i32 {
    let millis = time.min(MOST_DELAY).as_millis().max(0).unsigned_abs();
    i32::try_from(millis.div_ceil(1_000)).unwrap_or(i32::MAX)
}

fn given(url: Option<&str>) -> Result<&str, QueueError> {
    url.ok_or_else(|| QueueError::Unavailable("this function was not given the queue".to_owned()))
}

fn entry(
    lane: Lane,
    number: usize,
    message: &Outgoing,
) -> Result<SendMessageBatchRequestEntry, QueueError> {
    let body = serde_json::to_string(&message.task).map_err(one_refused)?;
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
    .map_err(one_refused)
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

    async fn bury(&self, lane: Lane, key: &str, body: &str) -> Result<(), QueueError> {
        let mut request =
            self.client.send_message().queue_url(self.dead_url(lane)?).message_body(body);
        if lane == Lane::Alerts {
            // Nobody waits for another there.
            request = request.message_group_id(key).message_deduplication_id(key);
        }
        request.send().await.map_err(unavailable)?;
        Ok(())
    }

    async fn redrive(&self, lane: Lane) -> Result<Option<usize>, QueueError> {
        let url = self.dead_url(lane)?;
        let receive = self.client.receive_message().queue_url(url).max_number_of_messages(10);
        let receive = receive.wait_time_seconds(LONG_POLL);
        let letters = receive.send().await.map_err(unavailable)?.messages.unwrap_or_default();
        if letters.is_empty() {
            return Ok(None);
        }
        let mut sent = 0_usize;
        for message in letters {
            let task = message.body().and_then(|body| serde_json::from_str(body).ok());
            let (Some(task), Some(id), Some(receipt)) =
                (task, message.message_id(), message.receipt_handle())
            else {
                // Hidden by having been received: the next look finds what is behind.
                continue;
            };
            self.send(&[Outgoing { key: format!("redriven#{id}"), task }]).await?;
            self.delete(url, receipt).await?;
            sent = sent.saturating_add(1);
        }
        Ok(Some(sent))
    }

    async fn hide(
        &self,
        lane: Lane,
        receipts: &[&str],
        time: SignedDuration,
    ) -> Result<(), QueueError> {
        for chunk in receipts.chunks(BATCH) {
            self.hide_batch(lane, chunk, seconds(time)).await?;
        }
        Ok(())
    }

    async fn finish(&self, lane: Lane, receipt: &str) -> Result<(), QueueError> {
        self.delete(self.url(lane)?, receipt).await
    }

    async fn hand_back(
        &self,
        lane: Lane,
        receipt: &str,
        delay: SignedDuration,
    ) -> Result<(), QueueError> {
        self.client
            .change_message_visibility()
            .queue_url(self.url(lane)?)
            .receipt_handle(receipt)
            .visibility_timeout(seconds(delay))
            .send()
            .await
            .map_err(unavailable)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{AlertId, ChatId, LinkId, ServiceId, SubscriptionId, UserId};
    use domain::language::Language;
    use domain::task::{Answer, Declined, Notice, Task};
    use proptest::prelude::*;

    use super::*;

    /// What may stand in an answer, a notice, a reason: by their names, so that none is forgotten.
    fn one_of<T: serde::de::DeserializeOwned + Clone + std::fmt::Debug + 'static>(
        words: &[&str],
    ) -> impl Strategy<Value = T> + use<T> {
        let all: Vec<T> = words.iter().map(|word| serde_json::from_str(word).unwrap()).collect();
        prop::sample::select(all)
    }

    fn tasks() -> impl Strategy<Value = Task> {
        let notices = one_of::<Notice>(&[
            r#"{"about":"linked"}"#,
            r#"{"about":"invited_back"}"#,
            r#"{"about":"ask_again"}"#,
            r#"{"about":"ends_soon"}"#,
            r#"{"about":"removed"}"#,
        ]);
        let answers = one_of::<Answer>(&[
            "\"hello\"",
            "\"claim_used\"",
            "\"claim_ended\"",
            "\"account_taken\"",
            "\"link_unknown\"",
            "\"claim_in_group\"",
            "\"set_up_expired\"",
            "\"service_has_group\"",
            "\"group_taken\"",
            "\"set_up_in_private\"",
            "\"spare_noted\"",
        ]);
        let reasons = one_of::<Declined>(&["\"not_linked\"", "\"ended\""]);
        let id = || any::<u128>().prop_map(uuid::Uuid::from_u128);
        let languages = prop::sample::select(Language::ALL.to_vec());
        (id(), id(), any::<i64>(), reasons, notices, answers, languages).prop_flat_map(
            |(service, other, number, why, notice, answer, language)| {
                let service = ServiceId::fresh(service);
                let subscription = SubscriptionId::fresh(other);
                let (user, chat) = (UserId::new(number), ChatId::new(number));
                prop::sample::select(vec![
                    Task::PostAlert { service, alert: AlertId::fresh(other) },
                    Task::Admit { service, subscription },
                    Task::Decline { service, user, why, language },
                    Task::Remove { service, subscription },
                    Task::Evict { service, user },
                    Task::SetUp { chat },
                    Task::Greet { service },
                    Task::Tell { service, subscription, notice },
                    Task::Answer { chat, answer, language },
                    Task::RevokeLink { service, link: LinkId::fresh(other) },
                ])
            },
        )
    }

    proptest! {
        #[test]
        fn a_message_says_what_it_was_made_of_and_sqs_takes_it(
            task in tasks(), key in "[!-~]{1,128}", number in 0_usize..BATCH,
        ) {
            let message = Outgoing { key, task };
            let lane = task.lane();
            let entry = entry(lane, number, &message).unwrap();
            prop_assert_eq!(serde_json::from_str::<Task>(entry.message_body()).unwrap(), task);
            prop_assert_eq!(entry.id(), number.to_string());
            // Amazon SQS, `SendMessage`: at most 128 letters, digits and punctuation marks.
            let group = entry.message_group_id().unwrap();
            prop_assert!(group.len() <= 128 && group.bytes().all(|b| b.is_ascii_graphic()));
            // The standard queue refuses a deduplication id, the FIFO queue wants one.
            let key = (lane == Lane::Alerts).then_some(message.key.as_str());
            prop_assert_eq!(entry.message_deduplication_id(), key);
        }

        #[test]
        fn no_message_makes_the_reader_panic(text in any::<String>(), task in tasks(), at in 0_usize..80) {
            let _ = serde_json::from_str::<Task>(&text);
            let mut body = serde_json::to_string(&task).unwrap();
            body.insert_str(at.min(body.len()), &text);
            let _ = serde_json::from_str::<Task>(&body);
        }
    }
}
