//! Flood limits as a caller meets them; the arithmetic has unit tests of its own.

use serde_json::json;
use telegram_simulator::{FloodRules, Settings};

use crate::stage::{Stage, stage_with};

async fn limited() -> Stage {
    stage_with(FloodRules::default(), Settings { kick_ms: 0, ..Settings::default() }).await
}

async fn post(stage: &Stage, chat: i64) -> u16 {
    stage.raw("sendMessage", json!({ "chat_id": chat, "text": "x" })).await.unwrap().code
}

#[tokio::test]
async fn twenty_messages_a_minute_pass_in_a_group_and_the_next_is_told_when() {
    let stage = limited().await;
    let (_, chat) = stage.group("invite_users").await;
    for _ in 0..20 {
        assert_eq!(post(&stage, chat).await, 200);
        stage.advance(1_000);
    }
    let answer = stage.raw("sendMessage", json!({ "chat_id": chat, "text": "x" })).await.unwrap();
    assert_eq!(answer.code, 429);
    assert_eq!(answer.json()["parameters"], json!({ "retry_after": 40 }));
    assert_eq!(answer.headers["retry-after"], "40");
    let (_, other) = stage.group("invite_users").await;
    assert_eq!(post(&stage, other).await, 200, "another group has its own minute");
    stage.advance(40_000);
    assert_eq!(post(&stage, chat).await, 200);
}

#[tokio::test]
async fn limits_can_be_lowered_in_secret_and_lifted() {
    let stage = limited().await;
    let (_, chat) = stage.group("invite_users").await;
    let rules =
        json!({ "mode": "sliding_window", "hidden_group_per_minute": 2, "retry_after": 2282 });
    stage.control("flood", rules).await;
    assert_eq!(
        [post(&stage, chat).await, post(&stage, chat).await, post(&stage, chat).await],
        [200, 200, 429]
    );
    stage.control("flood", json!({ "mode": "off" })).await;
    for _ in 0..50 {
        assert_eq!(post(&stage, chat).await, 200);
    }
}

#[tokio::test]
async fn membership_calls_count_to_the_bot_and_reading_does_not() {
    let stage = limited().await;
    let (owner, chat) = stage.group("restrict_members").await;
    let user = stage.member("Ann", chat, owner).await;
    let who = json!({ "chat_id": chat, "user_id": user });
    for _ in 0..30 {
        stage.ok("unbanChatMember", who.clone()).await;
    }
    assert_eq!(
        stage.refused("unbanChatMember", who.clone()).await,
        "429 Too Many Requests: retry after 1"
    );
    stage.ok("getChatMember", who.clone()).await;
    stage.advance(1_000);
    stage.ok("unbanChatMember", who).await;
}

#[tokio::test]
async fn set_webhook_passes_once_a_second() {
    let stage = limited().await;
    let body = json!({ "url": "http://127.0.0.1:9/" });
    stage.ok("setWebhook", body.clone()).await;
    assert_eq!(
        stage.refused("setWebhook", body.clone()).await,
        "429 Too Many Requests: retry after 1"
    );
    stage.advance(1_000);
    stage.ok("setWebhook", body).await;
}

#[tokio::test]
async fn a_bot_that_is_slowed_down_in_secret_is_told_by_429_only() {
    let stage = limited().await;
    let (owner, chat) = stage.group("restrict_members").await;
    let user = stage.member("Ann", chat, owner).await;
    let who = json!({ "chat_id": chat, "user_id": user });
    stage.control("flood", json!({ "hidden_bot_per_second": 25 })).await;
    for _ in 0..25 {
        stage.ok("unbanChatMember", who.clone()).await;
    }
    let told = stage.refused("unbanChatMember", who.clone()).await;
    assert_eq!(told, "429 Too Many Requests: retry after 1");
    stage.control("flood", json!({})).await;
    stage.ok("unbanChatMember", who).await;
    assert_eq!(stage.get("/control/flood").await["hidden_bot_per_second"], json!(null));
}

#[tokio::test]
async fn a_chat_that_is_blocked_for_an_hour_is_told_what_is_left_of_it() {
    let stage = limited().await;
    let (_, chat) = stage.group("invite_users").await;
    let (_, other) = stage.group("invite_users").await;
    stage.control("flood/block", json!({ "chat_id": chat, "seconds": 3600 })).await;
    stage.advance(60_000);
    let answer = stage.raw("sendMessage", json!({ "chat_id": chat, "text": "x" })).await.unwrap();
    assert_eq!((answer.code, &answer.headers["retry-after"]), (429, &"3540".parse().unwrap()));
    assert_eq!(post(&stage, other).await, 200);
    assert_eq!(stage.get("/control/blocks").await[0]["chat_id"], json!(chat));
    stage.control("flood/unblock", json!({})).await;
    assert_eq!(post(&stage, chat).await, 200);
    let why = stage.control_refused("flood/block", json!({ "chat_id": chat })).await;
    assert!(why.contains("seconds"), "{why}");
}

#[tokio::test]
async fn a_server_that_thinks_before_it_refuses_holds_the_call_for_so_long() {
    let stage = limited().await;
    let (_, chat) = stage.group("invite_users").await;
    stage.control("flood", json!({ "bot_per_second": 1, "hold_ms": 8_000 })).await;
    assert_eq!(post(&stage, chat).await, 200);
    let refused = tokio::join!(post(&stage, chat), async {
        // The call is noted when it is refused, and answered when the clock says so.
        while stage.get("/control/calls?code=429").await.as_array().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        stage.advance(8_000);
    });
    assert_eq!(refused.0, 429);
}
