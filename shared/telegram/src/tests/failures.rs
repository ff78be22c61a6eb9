//! Calls that fail on the way: what is made of them, and that the token is never told.

use std::fmt::Debug;
use std::time::Duration;

use domain::ids::{ChatId, UserId};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::server::{SECRET, Scripted, Server, client, listen};
use crate::{BotApi, BotToken, CallError, NewMessage, SetupError, Telegram, TimeLimits};

const CHAT: ChatId = ChatId::new(-2001);

/// Gives the call's error, having looked for the token in it.
fn failure<T: Debug>(given: Result<T, CallError>) -> CallError {
    let error = given.expect_err("the call has to fail");
    for text in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
        assert!(!text.contains(SECRET) && !text.contains("bot100"), "the token is told: {text}");
        assert!(text.len() < 1500, "too long: {text}");
    }
    error
}

fn description(error: &CallError) -> &str {
    match error {
        CallError::BadInput { description }
        | CallError::Transient { description }
        | CallError::UnknownOutcome { description } => description,
        _ => "",
    }
}

/// The error of a harmless call and that of a message, given this answer.
async fn answered(answer: Scripted) -> (CallError, CallError) {
    let server = Server::start(answer).await;
    let api = client(&server.base, TimeLimits::default());
    let ask = failure(api.get_chat(CHAT).await);
    let send = failure(api.send_message(&NewMessage::new(CHAT, "text")).await);
    assert_eq!(server.received().len(), 2, "nothing is repeated and nothing is followed");
    (ask, send)
}

#[tokio::test]
async fn a_refused_connection_did_nothing() {
    let (listener, base) = listen().await;
    drop(listener);
    let api = client(&base, TimeLimits::default());
    let error = failure(api.send_message(&NewMessage::new(CHAT, "text")).await);
    assert!(matches!(error, CallError::Transient { .. }), "{error:?}");
    assert!(description(&error).contains("refused"), "{error}");
}

/// Starts sending a message to a server that takes it and never answers. Once its first bytes have
/// arrived, time stands still and moves only when everything waits for it. Gives the bytes, the
/// call under way, and the connection.
async fn unanswered(scheme: &str) -> (Vec<u8>, JoinHandle<CallError>, TcpStream) {
    let (listener, base) = listen().await;
    let api = client(&base.replace("http:", scheme), TimeLimits::default());
    let call =
        tokio::spawn(
            async move { failure(api.send_message(&NewMessage::new(CHAT, "text")).await) },
        );
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut first = vec![0; 64];
    stream.read_exact(&mut first).await.unwrap();
    tokio::time::pause();
    (first, call, stream)
}

#[tokio::test]
async fn a_connection_that_is_never_ready_did_nothing() {
    // The TLS greeting stays without an answer.
    let (_, call, stream) = unanswered("https:").await;
    let start = Instant::now();
    let error = call.await.unwrap();
    assert!(start.elapsed() <= Duration::from_secs(6), "the limit for connecting is 5 s");
    assert!(matches!(error, CallError::Transient { .. }), "{error:?}");
    drop(stream);
}

#[tokio::test]
async fn after_a_time_out_the_outcome_is_unknown() {
    let (request, call, stream) = unanswered("http:").await;
    assert!(request.starts_with(b"POST /bot100:test-token/sendMessage "), "it was sent");
    let start = Instant::now();
    let error = call.await.unwrap();
    // Telegram may hold a call for 8 s before it says that there were too many.
    let waited = start.elapsed();
    assert!(waited > Duration::from_secs(15) && waited <= Duration::from_secs(26), "{waited:?}");
    assert!(matches!(error, CallError::UnknownOutcome { .. }), "{error:?}");
    assert!(description(&error).contains("timed out"), "{error}");
    drop(stream);
}

#[tokio::test]
async fn the_time_limit_can_be_chosen() {
    let (listener, base) = listen().await;
    let limits = TimeLimits { total: Duration::from_millis(1), ..TimeLimits::default() };
    let error = failure(client(&base, limits).get_me().await);
    assert!(matches!(error, CallError::UnknownOutcome { .. }), "{error:?}");
    drop(listener);
}

#[tokio::test]
async fn after_a_lost_connection_the_outcome_is_unknown() {
    let (listener, base) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 64];
        stream.read_exact(&mut request).await.unwrap();
    });
    let api = client(&base, TimeLimits::default());
    let error = failure(api.send_message(&NewMessage::new(CHAT, "text")).await);
    assert!(matches!(error, CallError::UnknownOutcome { .. }), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let answer = Scripted::new(302, "moved to /bot100:test-token/getChat")
        .header("location", "/bot100:test-token/getMe");
    let (ask, send) = answered(answer).await;
    for error in [ask, send] {
        assert_eq!(
            error,
            CallError::Transient { description: "302: moved to /bot[token]/getChat".to_owned() }
        );
    }
}

#[tokio::test]
async fn a_gateways_page_is_quoted_and_a_message_may_have_gone_through() {
    let page =
        format!("<html>Bad Gateway\n/bot100:{SECRET}/x 1001001 {}</html>", "long ".repeat(500));
    let (ask, send) = answered(Scripted::new(502, &page)).await;
    assert!(matches!(ask, CallError::Transient { .. }), "{ask:?}");
    assert!(matches!(send, CallError::UnknownOutcome { .. }), "{send:?}");
    assert!(description(&ask).starts_with("502: <html>Bad Gateway "), "{ask}");
    assert!(!description(&ask).contains("1001001"), "{ask}");
}

#[tokio::test]
async fn an_internal_error_may_have_let_a_message_through() {
    let body = json!({ "ok": false, "error_code": 500, "description": "Internal Server Error" });
    let (ask, send) = answered(Scripted::new(500, &body.to_string())).await;
    assert!(matches!(ask, CallError::Transient { .. }), "{ask:?}");
    assert!(matches!(send, CallError::UnknownOutcome { .. }), "{send:?}");
}

#[tokio::test]
async fn whoever_was_being_put_out_when_the_server_stumbled_may_be_out() {
    let body = json!({ "ok": false, "error_code": 500, "description": "Internal Server Error" });
    for (status, body) in [(502, "<html>Bad Gateway</html>".to_owned()), (500, body.to_string())] {
        let server = Server::start(Scripted::new(status, &body)).await;
        let api = client(&server.base, TimeLimits::default());
        let error = failure(api.remove_member(CHAT, UserId::new(1001)).await);
        assert!(matches!(error, CallError::UnknownOutcome { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_told_by_its_shape() {
    let secret_answer = json!({ "name": "Ann", "link": "https://t.me/+AbC" });
    let (ask, send) = answered(Scripted::result(secret_answer)).await;
    for error in [ask, send] {
        let text = "unreadable answer: {ok: true, result: {link: text, name: text}}".to_owned();
        assert_eq!(error, CallError::UnknownOutcome { description: text });
    }
    for body in ["", "not JSON", "[]", r#"{"ok":true}"#, &format!("/bot100:{SECRET}/")] {
        let (ask, send) = answered(Scripted::new(200, body)).await;
        for error in [ask, send] {
            assert!(matches!(error, CallError::UnknownOutcome { .. }), "{body}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_with_a_good_status_is_a_refusal() {
    let body = r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was kicked from the supergroup chat"}"#;
    let (ask, send) = answered(Scripted::new(200, body)).await;
    assert_eq!((ask, send), (CallError::BotRemoved, CallError::BotRemoved));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_the_end() {
    let (ask, _) = answered(Scripted::new(200, &"x".repeat(3 << 20))).await;
    assert!(matches!(ask, CallError::UnknownOutcome { .. }), "{ask:?}");
    let (ask, _) = answered(Scripted::new(502, &"x".repeat(3 << 20))).await;
    assert!(matches!(ask, CallError::Transient { .. }), "{ask:?}");
}

#[tokio::test]
async fn too_many_requests_name_the_time_to_wait() {
    let body = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 34","parameters":{"retry_after":34}}"#;
    let (ask, send) = answered(Scripted::new(429, body).header("retry-after", "34")).await;
    let expected = CallError::RetryAfter { seconds: 34 };
    assert_eq!((&ask, &send), (&expected, &expected));
    let (ask, _) = answered(Scripted::new(429, "slow down").header("retry-after", "7")).await;
    assert_eq!(ask, CallError::RetryAfter { seconds: 7 });
}

#[tokio::test]
async fn a_refusal_that_repeats_the_token_and_ids_does_not_pass_them_on() {
    let body = json!({
        "ok": false, "error_code": 400,
        "description": format!("Bad Request: strange 100:{SECRET} and {SECRET} of 1001001"),
    });
    let (ask, _) = answered(Scripted::new(400, &body.to_string())).await;
    let description = "strange [token] and [token] of #".to_owned();
    assert_eq!(ask, CallError::BadInput { description });
}

#[tokio::test]
async fn a_person_who_never_spoke_to_the_bot_is_not_a_lost_group() {
    let body = r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#;
    let server = Server::start(Scripted::new(400, body)).await;
    let api = client(&server.base, TimeLimits::default());
    let private = NewMessage::new(UserId::new(1001).private_chat(), "text");
    assert_eq!(failure(api.send_message(&private).await), CallError::UserUnreachable);
    let group = NewMessage::new(CHAT, "text");
    assert_eq!(failure(api.send_message(&group).await), CallError::BotRemoved);
}

#[test]
fn a_base_url_that_cannot_be_one_is_refused() {
    let good = client("https://example.org", TimeLimits::default());
    assert_eq!(format!("{good:?}"), "BotApi(…)");
    assert_eq!(good.bot_id(), UserId::new(100));
    for base in [
        "",
        "example.org",
        "/path",
        "ftp://example.org",
        "https://example.org?x=1",
        "https://example.org#x",
    ] {
        let token = BotToken::parse(&format!("100:{SECRET}")).unwrap();
        let error = BotApi::new(base, token).unwrap_err();
        assert!(matches!(error, SetupError::BaseUrl), "{base}: {error:?}");
    }
}
