//! The queues in SQS do what every queue does. It needs an emulator, so it runs with the feature
//! `emulator` only, and `make test` starts one for it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "all of this is a test")]

use std::collections::HashMap;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sqs::types::MessageSystemAttributeName;
use aws_sdk_sqs::types::QueueAttributeName::{FifoQueue, VisibilityTimeout};
use aws_smithy_http_client::tls;
use domain::task::Lane;
use jiff::SignedDuration;
use queue::{SqsQueue, Urls};
use telegram_sender::Received;
use testkit::conformance::{self, QueueSide};
use uuid::Uuid;

const ENDPOINT: &str = "USHER_TEST_AWS_ENDPOINT";

#[expect(
    clippy::disallowed_methods,
    reason = "the one setting of this test: where the emulator is"
)]
fn endpoint() -> String {
    std::env::var(ENDPOINT).unwrap_or_else(|_| {
        panic!("{ENDPOINT} is not set: see tests/dynamodb.rs for how to start one")
    })
}

#[expect(clippy::disallowed_methods, reason = "a run must not meet the queues of another")]
fn fresh() -> Uuid {
    Uuid::new_v4()
}

fn config() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .endpoint_url(endpoint())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// Queues of this run alone.
struct Emulator {
    client: Client,
    urls: Urls,
}

impl Emulator {
    async fn create(config: &SdkConfig) -> Self {
        let client = Client::new(config);
        let name = format!("conformance-{}", fresh());
        let make = |name: String| {
            client.create_queue().queue_name(name).attributes(VisibilityTimeout, "60")
        };
        let dead_alerts = make(format!("{name}-dead.fifo")).attributes(FifoQueue, "true").send();
        let dead_alerts = dead_alerts.await;
        let dead_housekeeping = make(format!("{name}-dead")).send().await;
        let alerts = make(format!("{name}.fifo")).attributes(FifoQueue, "true").send().await;
        let housekeeping = make(name).send().await;
        let urls = Urls {
            alerts: alerts.unwrap().queue_url,
            housekeeping: housekeeping.unwrap().queue_url,
            alerts_dead: dead_alerts.unwrap().queue_url,
            housekeeping_dead: dead_housekeeping.unwrap().queue_url,
        };
        Self { client, urls }
    }

    fn url(&self, lane: Lane) -> &str {
        match lane {
            Lane::Alerts => self.urls.alerts.as_deref().unwrap(),
            Lane::Housekeeping => self.urls.housekeeping.as_deref().unwrap(),
        }
    }
}

impl QueueSide for Emulator {
    async fn receive(&self, lane: Lane, most: usize) -> Vec<Received> {
        let request = self.client.receive_message().queue_url(self.url(lane));
        let request = request.message_system_attribute_names(
            aws_sdk_sqs::types::MessageSystemAttributeName::ApproximateReceiveCount,
        );
        let answer = request.max_number_of_messages(i32::try_from(most).unwrap()).send().await;
        let messages = answer.unwrap().messages.unwrap_or_default();
        messages
            .into_iter()
            .map(|message| Received {
                message_id: message.message_id.unwrap(),
                receipt: message.receipt_handle.unwrap(),
                lane,
                receives: receives(message.attributes.as_ref()).unwrap(),
                body: message.body.unwrap(),
            })
            .collect()
    }

    async fn delete(&self, lane: Lane, receipt: &str) {
        let request = self.client.delete_message().queue_url(self.url(lane));
        request.receipt_handle(receipt).send().await.unwrap();
    }

    /// The emulator's time is the machine's.
    async fn pass(&self, time: SignedDuration) {
        tokio::time::sleep(Duration::try_from(time).unwrap()).await;
    }
}

#[tokio::test]
async fn the_queues_in_sqs_conform() {
    let config = config();
    let emulator = Emulator::create(&config).await;
    let queue = SqsQueue::new(&config, emulator.urls.clone());
    conformance::queue(&queue, &emulator).await;
    for lane in [Lane::Alerts, Lane::Housekeeping] {
        emulator.client.delete_queue().queue_url(emulator.url(lane)).send().await.unwrap();
    }
    for url in [&emulator.urls.alerts_dead, &emulator.urls.housekeeping_dead] {
        let delete = emulator.client.delete_queue().queue_url(url.as_deref().unwrap());
        delete.send().await.unwrap();
    }
}

/// How often a message was delivered, this time included.
fn receives(told: Option<&HashMap<MessageSystemAttributeName, String>>) -> Option<u32> {
    told?.get(&MessageSystemAttributeName::ApproximateReceiveCount)?.parse().ok()
}
