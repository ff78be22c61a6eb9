//! Webhooks: the secret, order within a queue, retries, duplicates, crossings.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::stage::{Hook, PATIENCE, Stage, hook, stage};

fn fine(_: usize, _: &Value) -> (u16, String) {
    (200, String::new())
}

async fn say(stage: &Stage, user: i64, text: &str) {
    stage.control("message", json!({ "user": user, "text": text })).await;
}

fn texts(deliveries: &[Value]) -> Vec<&str> {
    deliveries.iter().map(|update| update["message"]["text"].as_str().unwrap_or("-")).collect()
}

/// Waits for that many deliveries and until what came of them has been noted: only then does the next
/// pause run.
async fn settled(stage: &Stage, hook: &Hook, count: usize) {
    hook.deliveries(count).await;
    let noted = async {
        while stage.get("/control/state").await["bots"][0]["updates_under_way"] != json!(0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, noted).await.unwrap();
}

#[tokio::test]
async fn updates_come_with_the_secret_and_in_order() {
    let stage = stage().await;
    let hook = hook(fine).await;
    let body = json!({ "url": hook.url, "secret_token": "s3cret_-" });
    assert_eq!(stage.ok("setWebhook", body).await, json!(true));
    let user = stage.user("Ann").await;
    for text in ["one", "two", "three"] {
        say(&stage, user, text).await;
    }
    assert_eq!(texts(&hook.deliveries(3).await), ["one", "two", "three"]);
    assert!(stage.running.idle(PATIENCE).await);
    let secrets = hook.secrets.lock().unwrap().clone();
    assert_eq!(secrets, vec![Some("s3cret_-".to_owned()); 3]);
    assert_eq!(stage.get("/control/idle?wait_ms=1").await, json!({ "idle": true }));
}

#[tokio::test]
async fn a_bad_webhook_is_refused() {
    let stage = stage().await;
    let cases = [
        (json!({ "url": "nonsense" }), "invalid webhook URL specified"),
        (
            json!({ "url": "https://a.b/", "secret_token": "x".repeat(257) }),
            "secret token is too long",
        ),
        (
            json!({ "url": "https://a.b/", "secret_token": "a b" }),
            "secret token contains unallowed characters",
        ),
    ];
    for (body, why) in cases {
        assert_eq!(stage.refused("setWebhook", body).await, format!("400 Bad Request: {why}"));
    }
}

#[tokio::test]
async fn with_a_webhook_there_is_no_polling_and_without_one_there_is_again() {
    let stage = stage().await;
    stage.ok("setWebhook", json!({ "url": "http://127.0.0.1:9/" })).await;
    assert_eq!(
        stage.refused("getUpdates", json!({})).await,
        "409 Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
    );
    stage.ok("deleteWebhook", json!({})).await;
    assert_eq!(stage.ok("getWebhookInfo", json!({})).await["url"], json!(""));
    stage.ok("getUpdates", json!({})).await;
}

#[tokio::test]
async fn what_waited_before_the_webhook_comes_unless_it_is_dropped() {
    let stage = stage().await;
    let user = stage.user("Ann").await;
    say(&stage, user, "early").await;
    let hook = hook(fine).await;
    let body = json!({ "url": hook.url, "drop_pending_updates": true });
    stage.ok("setWebhook", body).await;
    say(&stage, user, "late").await;
    assert_eq!(texts(&hook.deliveries(1).await), ["late"]);
    assert!(stage.running.idle(PATIENCE).await);
    assert_eq!(hook.count(), 1);
}

#[tokio::test]
async fn a_failing_update_is_tried_again_at_once_then_later_and_later_and_blocks_only_its_queue() {
    let stage = stage().await;
    let broken = Arc::new(AtomicBool::new(true));
    let switch = broken.clone();
    let hook = hook(move |_, update| {
        let bad = update["message"]["text"] == json!("bad") && switch.load(Ordering::SeqCst);
        (if bad { 500 } else { 200 }, String::new())
    })
    .await;
    stage.ok("setWebhook", json!({ "url": hook.url })).await;
    let (ann, ben) = (stage.user("Ann").await, stage.user("Ben").await);
    say(&stage, ann, "bad").await;
    // The first time and once more at once.
    settled(&stage, &hook, 2).await;
    say(&stage, ann, "behind").await;
    say(&stage, ben, "elsewhere").await;
    assert_eq!(texts(&hook.deliveries(3).await), ["bad", "bad", "elsewhere"]);
    for (pause, count) in [(1_000, 4), (2_000, 5), (4_000, 6)] {
        stage.advance(pause - 1);
        tokio::task::yield_now().await;
        assert_eq!(hook.count(), count - 1, "not before its time");
        stage.advance(1);
        settled(&stage, &hook, count).await;
    }
    let info = stage.ok("getWebhookInfo", json!({})).await;
    assert_eq!(info["pending_update_count"], json!(2));
    assert!(info["last_error_message"].as_str().unwrap().contains("500"));
    broken.store(false, Ordering::SeqCst);
    stage.advance(8_000);
    let all = hook.deliveries(8).await;
    assert_eq!(texts(&all[6..]), ["bad", "behind"]);
    assert!(stage.running.idle(PATIENCE).await);
}

#[tokio::test]
async fn an_update_is_dropped_when_it_is_a_day_old() {
    let stage = stage().await;
    let hook = hook(|_, _| (503, String::new())).await;
    stage.ok("setWebhook", json!({ "url": hook.url })).await;
    let user = stage.user("Ann").await;
    say(&stage, user, "never heard").await;
    settled(&stage, &hook, 2).await;
    stage.advance(86_400_001);
    assert!(stage.running.idle(PATIENCE).await);
    assert_eq!(stage.ok("getWebhookInfo", json!({})).await["pending_update_count"], json!(0));
}

#[tokio::test]
async fn a_duplicate_has_the_same_id() {
    let stage = stage().await;
    let hook = hook(fine).await;
    stage.ok("setWebhook", json!({ "url": hook.url })).await;
    stage.control("webhook/duplicate", json!({})).await;
    let user = stage.user("Ann").await;
    say(&stage, user, "twice").await;
    say(&stage, user, "once").await;
    let seen = hook.deliveries(3).await;
    assert_eq!(texts(&seen), ["twice", "twice", "once"]);
    assert_eq!(seen[0]["update_id"], seen[1]["update_id"]);
}

#[tokio::test]
async fn updates_of_two_queues_can_cross() {
    let stage = stage().await;
    let hook = hook(fine).await;
    let (ann, ben) = (stage.user("Ann").await, stage.user("Ben").await);
    stage.ok("setWebhook", json!({ "url": hook.url })).await;
    stage.control("webhook/cross", json!({})).await;
    say(&stage, ann, "first").await;
    say(&stage, ben, "second").await;
    let seen = hook.deliveries(2).await;
    assert_eq!(texts(&seen), ["second", "first"]);
    assert!(seen[0]["update_id"].as_i64() > seen[1]["update_id"].as_i64());
}

#[tokio::test]
async fn a_method_in_the_answer_is_called_and_its_result_is_lost() {
    let stage = stage().await;
    let hook = hook(|_, update| {
        let chat = &update["message"]["chat"]["id"];
        let call = json!({ "method": "sendMessage", "chat_id": chat, "text": "by the way" });
        (200, call.to_string())
    })
    .await;
    stage.ok("setWebhook", json!({ "url": hook.url })).await;
    let user = stage.user("Ann").await;
    say(&stage, user, "hello").await;
    let answered = async {
        while stage.get("/control/calls?method=sendMessage").await == json!([]) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.unwrap();
    let shown = stage.get(&format!("/control/users/{user}/messages")).await;
    assert_eq!(shown[0]["messages"][1]["text"], json!("by the way"));
}

#[tokio::test]
async fn a_webhook_that_nobody_listens_at_is_named_in_the_info() {
    let stage = stage().await;
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    stage.ok("setWebhook", json!({ "url": url })).await;
    let user = stage.user("Ann").await;
    say(&stage, user, "hello").await;
    let noted = async {
        loop {
            let info = stage.ok("getWebhookInfo", json!({})).await;
            if let Some(message) = info["last_error_message"].as_str() {
                return message.to_owned();
            }
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, noted).await.unwrap(), "Connection refused");
}
