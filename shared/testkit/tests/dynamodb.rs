//! The store in DynamoDB does what every store does. It needs an emulator, so it runs with the
//! feature `emulator` only, and `make test` starts one for it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "all of this is a test")]

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_smithy_http_client::tls;
use limiter::DynamoLimits;
use serde_dynamo::Item;
use store::layout::{AUDIT_KEYS, ID, INDEXES, SecondaryIndex, Shows};
use store::{DynamoStore, Table, Tables};
use testkit::conformance::{self, RawRows};
use uuid::Uuid;

const ENDPOINT: &str = "USHER_TEST_AWS_ENDPOINT";

#[expect(
    clippy::disallowed_methods,
    reason = "the one setting of this test: where the emulator is"
)]
fn endpoint() -> String {
    std::env::var(ENDPOINT).unwrap_or_else(|_| {
        panic!(
            "{ENDPOINT} is not set. Start the emulator and name it: \
             `BIND_HOST=127.0.0.1 GATEWAY_PORT=5790 ministack`, then \
             `{ENDPOINT}=http://127.0.0.1:5790 cargo test -p testkit --features emulator`. \
             `make test` does both."
        )
    })
}

#[expect(clippy::disallowed_methods, reason = "a run must not meet the tables of another")]
fn fresh() -> Uuid {
    Uuid::new_v4()
}

fn client() -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .endpoint_url(endpoint())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::standard())
        .build();
    Client::from_conf(config)
}

fn attribute(name: &str) -> AttributeDefinition {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S)
        .build()
        .unwrap()
}

fn key(name: &str, key_type: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(key_type).build().unwrap()
}

fn secondary(index: &SecondaryIndex) -> GlobalSecondaryIndex {
    let projection = match index.shows {
        Shows::All => ProjectionType::All,
        Shows::Keys => ProjectionType::KeysOnly,
    };
    GlobalSecondaryIndex::builder()
        .index_name(index.name)
        .key_schema(key(index.hash, KeyType::Hash))
        .key_schema(key(index.range, KeyType::Range))
        .projection(Projection::builder().projection_type(projection).build())
        .build()
        .unwrap()
}

/// Tables of this run alone.
struct Emulator {
    client: Client,
    prefix: String,
}

impl Emulator {
    fn name(&self, table: Table) -> String {
        format!("{}-{table:?}", self.prefix)
    }

    fn audit(&self) -> String {
        format!("{}-Audit", self.prefix)
    }

    async fn create(&self) {
        for table in TABLES {
            let indexes: Vec<_> = INDEXES.iter().filter(|index| index.table == table).collect();
            let mut names: Vec<_> =
                indexes.iter().flat_map(|index| [index.hash, index.range]).chain([ID]).collect();
            names.sort_unstable();
            names.dedup();
            let indexes: Vec<_> = indexes.into_iter().map(|index| secondary(index)).collect();
            self.client
                .create_table()
                .table_name(self.name(table))
                .billing_mode(BillingMode::PayPerRequest)
                .key_schema(key(ID, KeyType::Hash))
                .set_attribute_definitions(Some(names.into_iter().map(attribute).collect()))
                .set_global_secondary_indexes(Some(indexes).filter(|indexes| !indexes.is_empty()))
                .send()
                .await
                .unwrap();
        }
        let (hash, range) = AUDIT_KEYS;
        self.client
            .create_table()
            .table_name(self.audit())
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(key(hash, KeyType::Hash))
            .key_schema(key(range, KeyType::Range))
            .attribute_definitions(attribute(hash))
            .attribute_definitions(attribute(range))
            .send()
            .await
            .unwrap();
    }

    fn tables(&self) -> Tables {
        Tables {
            services: Some(self.name(Table::Services)),
            subscriptions: Some(self.name(Table::Subscriptions)),
            alerts: Some(self.name(Table::Alerts)),
            audit: Some(self.audit()),
        }
    }

    async fn delete(&self) {
        for name in TABLES.map(|table| self.name(table)).into_iter().chain([self.audit()]) {
            self.client.delete_table().table_name(name).send().await.unwrap();
        }
    }
}

const TABLES: [Table; 3] = [Table::Services, Table::Subscriptions, Table::Alerts];

impl RawRows for Emulator {
    async fn put_item(&self, table: Table, item: Item) {
        let request = self.client.put_item().table_name(self.name(table));
        request.set_item(Some(item.into())).send().await.unwrap();
    }
}

#[tokio::test]
async fn the_limiters_table_in_dynamodb_conforms() {
    let (client, table) = (client(), format!("conformance-{}-Limits", fresh()));
    client
        .create_table()
        .table_name(&table)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key(ID, KeyType::Hash))
        .attribute_definitions(attribute(ID))
        .send()
        .await
        .unwrap();
    conformance::limits(&DynamoLimits::new(client.clone(), table.clone())).await;
    client.delete_table().table_name(table).send().await.unwrap();
}

#[tokio::test]
async fn the_store_in_dynamodb_conforms() {
    let emulator = Emulator { client: client(), prefix: format!("conformance-{}", fresh()) };
    emulator.create().await;
    let store = DynamoStore::new(emulator.client.clone(), emulator.tables(), fresh());
    conformance::store(&store, &emulator).await;
    emulator.delete().await;
}
