//! What DynamoDB answers when things go wrong, which no emulator does. The answers have the form
//! that the Amazon DynamoDB API reference gives them.

use std::time::Duration;

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_smithy_http_client::test_util::{NeverClient, ReplayEvent, StaticReplayClient};
use domain::change::{Actor, Meta, Why};
use serde_json::{Value, json};

use super::*;
use crate::layout::INDEXES;
use crate::row::Index;

const INSTANCE: Uuid = Uuid::from_u128(7);
/// The name of a store's first save.
const FIRST_SAVE: &str = "00000000000000000000000000000007-0";

fn over(http: impl Into<SharedHttpClient>) -> DynamoStore {
    let named = |name: &str| Some(name.to_owned());
    let tables = Tables {
        services: named("services"),
        subscriptions: named("subscriptions"),
        alerts: None,
        audit: named("audit"),
    };
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http.into())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_secs(5)).build())
        .build();
    DynamoStore::new(Client::from_conf(config), tables, INSTANCE)
}

/// DynamoDB, with its answers written down beforehand.
fn answering(answers: &[(u16, Value)]) -> (DynamoStore, StaticReplayClient) {
    let events = answers.iter().map(|(status, body)| {
        let answer = HttpResponse::new((*status).try_into().unwrap(), body.to_string().into());
        ReplayEvent::new(HttpRequest::empty(), answer)
    });
    let replay = StaticReplayClient::new(events.collect());
    (over(SharedHttpClient::new(replay.clone())), replay)
}

fn refusal(code: &str) -> Value {
    json!({
        "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"),
        "message": "something about chat#-1001",
    })
}

/// The bodies of the calls that were made.
fn asked(replay: &StaticReplayClient) -> Vec<Value> {
    let body = |request: &HttpRequest| {
        serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap()
    };
    replay.actual_requests().map(body).collect()
}

fn write(table: Table, id: &str) -> Write {
    let meta = Meta {
        ver: 1,
        changed_at: Timestamp::UNIX_EPOCH,
        changed_by: Actor::Sender,
        why: Why::LinkMade,
    };
    let row = Row {
        id: id.to_owned(),
        kind: "check".to_owned(),
        meta,
        index: Index::default(),
        body: json!({}).into(),
    };
    Write { table, expected: None, row }
}

fn one() -> Vec<Write> {
    vec![write(Table::Services, "chat#-1001")]
}

fn two() -> Vec<Write> {
    vec![write(Table::Services, "chat#-1001"), write(Table::Subscriptions, "tg#s#1001")]
}

fn record(n: usize) -> AuditRecord {
    AuditRecord {
        service_id: "service".to_owned(),
        seq: format!("{n:03}"),
        at: Timestamp::UNIX_EPOCH,
        actor: "storefront".to_owned(),
        action: "subscription.purchased".to_owned(),
        item: "subscription/s".to_owned(),
        before: std::collections::BTreeMap::new(),
        after: std::collections::BTreeMap::new(),
    }
}

fn is_unavailable(outcome: &Result<(), CommitError>) -> bool {
    matches!(outcome, Err(CommitError::Store(StoreError::Unavailable(_))))
}

fn is_conflict(outcome: &Result<(), CommitError>) -> bool {
    matches!(outcome, Err(CommitError::Conflict))
}

#[tokio::test(start_paused = true)]
async fn a_save_that_was_done_before_its_repetition_is_done() {
    let mut there = refusal("ConditionalCheckFailedException");
    there["Item"] = json!({"id": {"S": "chat#-1001"}, "save": {"S": FIRST_SAVE}});
    let lost = (500, refusal("InternalServerError"));
    let (store, replay) = answering(&[lost, (400, there)]);
    store.commit(one()).await.unwrap();
    let asked = asked(&replay);
    assert_eq!(asked.len(), 2);
    for request in asked {
        assert_eq!(request["Item"]["save"], json!({"S": FIRST_SAVE}));
        assert_eq!(request["ReturnValuesOnConditionCheckFailure"], json!("ALL_OLD"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_saved_is_a_conflict() {
    let others = ["00000000000000000000000000000007-1", "00000000000000000000000000000008-0"];
    let items = others.map(|save| json!({"id": {"S": "chat#-1001"}, "save": {"S": save}}));
    for item in items.into_iter().chain([json!({"id": {"S": "chat#-1001"}}), Value::Null]) {
        let mut there = refusal("ConditionalCheckFailedException");
        there["Item"] = item;
        let (store, _) = answering(&[(400, there)]);
        assert!(is_conflict(&store.commit(one()).await));
    }
    let (store, _) = answering(&[(400, refusal("TransactionConflictException"))]);
    assert!(is_conflict(&store.commit(one()).await));
}

#[tokio::test(start_paused = true)]
async fn no_two_saves_have_the_same_name() {
    let (store, replay) = answering(&[(200, json!({})), (200, json!({}))]);
    store.commit(one()).await.unwrap();
    store.commit(one()).await.unwrap();
    let asked = asked(&replay);
    assert_ne!(asked[0]["Item"]["save"], asked[1]["Item"]["save"]);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_transaction_carries_the_token_of_the_first() {
    let (store, replay) = answering(&[(500, refusal("InternalServerError")), (200, json!({}))]);
    store.commit(two()).await.unwrap();
    let asked = asked(&replay);
    let token = asked[0]["ClientRequestToken"].as_str().unwrap();
    assert!(!token.is_empty());
    assert_eq!(asked[1]["ClientRequestToken"], *token);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_transaction_means_what_its_reasons_say() {
    let outcome = async |codes: [&str; 2]| {
        let mut body = refusal("TransactionCanceledException");
        body["CancellationReasons"] = json!(codes.map(|code| json!({"Code": code})));
        let (store, _) = answering(&[(400, body)]);
        store.commit(two()).await
    };
    for codes in [
        ["None", "ConditionalCheckFailed"],
        ["ConditionalCheckFailed", "ConditionalCheckFailed"],
        ["TransactionConflict", "None"],
        ["ConditionalCheckFailed", "ThrottlingError"],
    ] {
        assert!(is_conflict(&outcome(codes).await), "{codes:?}");
    }
    for codes in [["ThrottlingError", "None"], ["None", "ProvisionedThroughputExceeded"]] {
        assert!(is_unavailable(&outcome(codes).await), "{codes:?}");
    }
    for codes in
        [["ValidationError", "None"], ["ThrottlingError", "ItemCollectionSizeLimitExceeded"]]
    {
        let outcome = outcome(codes).await;
        assert!(
            matches!(outcome, Err(CommitError::Store(StoreError::Refused(_)))),
            "{codes:?}: {outcome:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_passes_by_itself_is_unavailable_and_what_does_not_is_refused() {
    for (status, code) in [
        (400, "ProvisionedThroughputExceededException"),
        (400, "ThrottlingException"),
        (400, "RequestLimitExceeded"),
        (400, "TransactionInProgressException"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
        (502, "SomethingNew"),
    ] {
        let (store, _) = answering(&vec![(status, refusal(code)); 3]);
        let outcome = store.commit(two()).await;
        assert!(is_unavailable(&outcome), "{code}: {outcome:?}");
    }
    for code in ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"] {
        let (store, replay) = answering(&[(400, refusal(code))]);
        let outcome = store.read(Table::Services, "chat#-1001").await;
        assert!(matches!(outcome, Err(StoreError::Refused(_))), "{code}: {outcome:?}");
        assert_eq!(asked(&replay).len(), 1, "{code} is not tried again");
    }
}

#[tokio::test(start_paused = true)]
async fn no_error_quotes_a_key() {
    for (status, code) in [(400, "ValidationException"), (500, "InternalServerError")] {
        let (store, _) = answering(&vec![(status, refusal(code)); 3]);
        let error = store.commit(one()).await.unwrap_err();
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains("1001"), "{text}");
            assert!(text.contains(code), "{text}");
        }
    }
    let row = json!({"Item": {"id": {"S": "chat#-1001"}, "kind": {"S": "chat"}}});
    let (store, _) = answering(&[(200, row)]);
    let error = store.read(Table::Services, "chat#-1001").await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("1001"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_never_answers_is_unavailable() {
    let store = over(SharedHttpClient::new(NeverClient::new()));
    assert!(is_unavailable(&store.commit(one()).await));
    let outcome = store.read(Table::Services, "s").await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_was_not_given_is_not_asked() {
    let (store, replay) = answering(&[]);
    let outcome = store.read(Table::Alerts, "a").await;
    assert!(matches!(outcome, Err(StoreError::Refused(_))), "{outcome:?}");
    assert!(store.commit(vec![write(Table::Alerts, "a")]).await.is_err());
    assert!(asked(&replay).is_empty());
}

#[tokio::test(start_paused = true)]
async fn audit_records_that_were_left_undone_are_written_again() {
    let undone = json!({"audit": [{"PutRequest": {"Item": {
        "service_id": {"S": "service"}, "seq": {"S": "001"},
    }}}]});
    let (store, replay) = answering(&[
        (200, json!({"UnprocessedItems": undone})),
        (200, json!({"UnprocessedItems": {}})),
        (200, json!({})),
    ]);
    let records: Vec<_> = (0..30).map(record).collect();
    store.write_audit(&records).await.unwrap();
    let batches: Vec<_> = asked(&replay)
        .into_iter()
        .map(|request| request["RequestItems"]["audit"].as_array().cloned().unwrap())
        .collect();
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [25, 1, 5]);
    assert_eq!(batches[1][0]["PutRequest"]["Item"]["seq"], json!({"S": "001"}));
}

#[tokio::test(start_paused = true)]
async fn an_audit_batch_that_is_never_done_is_given_back() {
    let undone = json!({"UnprocessedItems": {"audit": [
        {"PutRequest": {"Item": {"service_id": {"S": "service"}, "seq": {"S": "000"}}}},
    ]}});
    let (store, replay) = answering(&vec![(200, undone); 9]);
    let outcome = store.write_audit(&[record(0)]).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert_eq!(asked(&replay).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_same_record_twice_in_a_batch_is_sent_once() {
    let (store, replay) = answering(&[(200, json!({}))]);
    store.write_audit(&[record(1), record(2), record(1)]).await.unwrap();
    assert_eq!(asked(&replay)[0]["RequestItems"]["audit"].as_array().unwrap().len(), 2);
}

fn place(n: u32) -> Value {
    json!({"service_id": {"S": "s"}, "sort": {"S": format!("{n}")}, "id": {"S": format!("id-{n}")}})
}

#[tokio::test(start_paused = true)]
async fn a_page_that_ends_early_leads_on() {
    let (store, replay) = answering(&[
        (200, json!({"Count": 0, "Items": [], "LastEvaluatedKey": place(4)})),
        (200, json!({"Count": 0, "Items": []})),
    ]);
    let list = List::SubscriptionsOf("s".to_owned());
    let page = store.list(&list, 5, None).await.unwrap();
    assert!(page.items.is_empty());
    let page = store.list(&list, 5, Some(&page.next.unwrap())).await.unwrap();
    assert_eq!(page.next, None);
    assert_eq!(asked(&replay)[1]["ExclusiveStartKey"], place(4));
}

#[tokio::test(start_paused = true)]
async fn counting_goes_on_until_the_end_or_until_it_is_enough() {
    let (store, replay) = answering(&[
        (200, json!({"Count": 3, "LastEvaluatedKey": place(3)})),
        (200, json!({"Count": 2})),
        (200, json!({"Count": 3, "LastEvaluatedKey": place(3)})),
    ]);
    let count = Count::Active { service: "s".to_owned(), now: Timestamp::UNIX_EPOCH };
    assert_eq!(store.count(&count, 10).await.unwrap(), 5);
    assert_eq!(store.count(&count, 3).await.unwrap(), 3);
    let asked = asked(&replay);
    assert_eq!(asked[1]["ExclusiveStartKey"], place(3));
    assert_eq!([&asked[0]["Limit"], &asked[1]["Limit"]], [10, 7]);
    assert_eq!(asked.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_starting_key_that_dynamodb_refuses_is_a_bad_cursor() {
    let list = List::ServicesOf("trader".to_owned());
    let (store, _) = answering(&vec![(400, refusal("ValidationException")); 2]);
    let cursor = Cursor::at(["made", "up"]);
    let outcome = store.list(&list, 5, Some(&cursor)).await;
    assert!(matches!(outcome, Err(StoreError::BadCursor)), "{outcome:?}");
    let outcome = store.list(&list, 5, None).await;
    assert!(matches!(outcome, Err(StoreError::Refused(_))), "{outcome:?}");
}

#[test]
fn no_two_indexes_of_a_table_share_a_name() {
    let mut names: Vec<_> = INDEXES.iter().map(|index| (index.table, index.name)).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), INDEXES.len());
}
