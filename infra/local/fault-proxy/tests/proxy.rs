//! What a caller meets, and what reaches whom they call.
#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::HeaderMap;
use fault_proxy::{Config, Running, start};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Somebody who counts the calls that reach them, and answers with the `Host` that they were told.
struct Upstream {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

async fn upstream() -> Upstream {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let answer = async move |headers: HeaderMap| {
        counted.fetch_add(1, Ordering::SeqCst);
        headers.get("host").unwrap().to_str().unwrap().to_owned()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    Upstream { address, calls }
}

async fn proxy(upstream: &Upstream, mark: &str) -> Running {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config {
        aws: upstream.address,
        telegram: upstream.address,
        before_aws: any,
        before_telegram: any,
        control: any,
        mark: mark.to_owned(),
    };
    start(config).await.unwrap()
}

/// Sends one request over a connection of its own; everything that comes back.
async fn send(to: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A connection that was reset is one that was closed without an answer.
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

async fn call(to: SocketAddr) -> String {
    send(
        to,
        "POST /bot100:test-token/sendMessage HTTP/1.1\r\nhost: signed.example\r\n\
         content-length: 2\r\nconnection: close\r\n\r\n{}",
    )
    .await
}

async fn weather(proxy: &Running, weather: Value) {
    let body = weather.to_string();
    let request = format!(
        "POST /weather HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = send(proxy.control, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

async fn report(proxy: &Running) -> Value {
    let request = "GET /report HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = send(proxy.control, request).await;
    serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
}

#[tokio::test]
async fn in_calm_weather_a_call_passes_as_it_came() {
    let upstream = upstream().await;
    let proxy = proxy(&upstream, "NOBODY=1").await;
    for to in [proxy.aws, proxy.telegram] {
        let answer = call(to).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with("signed.example"), "{answer}");
    }
    let report = report(&proxy).await;
    assert_eq!(report["faults"], json!([]));
    assert_eq!(report["calls"][1]["operation"], json!("sendMessage"));
    assert!(!report.to_string().contains("test-token"));
}

#[tokio::test]
async fn each_fault_is_what_its_name_says() {
    let upstream = upstream().await;
    let proxy = proxy(&upstream, "NOBODY=1").await;
    for (fault, answered, reaches) in [
        ("drop_before", "", false),
        ("drop_after", "", true),
        ("refuse", "HTTP/1.1 500", false),
        ("delay", "HTTP/1.1 200", true),
    ] {
        let before = upstream.calls.load(Ordering::SeqCst);
        weather(&proxy, json!({ "seed": 1, "telegram": { fault: 1.0, "delay_ms": 5 } })).await;
        let answer = call(proxy.telegram).await;
        assert!(answer.starts_with(answered), "{fault}: {answer}");
        assert!(!answered.is_empty() || answer.is_empty(), "{fault}: {answer}");
        let reached = upstream.calls.load(Ordering::SeqCst) > before;
        assert_eq!(reached, reaches, "{fault}");
        // The other way is as calm as before.
        assert!(call(proxy.aws).await.starts_with("HTTP/1.1 200"));
    }
    let report = report(&proxy).await;
    assert_eq!(report["faults"].as_array().unwrap().len(), 4, "{report}");
    weather(&proxy, json!({})).await;
    assert!(call(proxy.telegram).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_gust_lets_every_call_of_an_operation_fail_and_passes() {
    let upstream = upstream().await;
    let proxy = proxy(&upstream, "NOBODY=1").await;
    call(proxy.telegram).await;
    weather(&proxy, json!({ "seed": 3, "gusts": { "every_ms": 10, "last_ms": 200 } })).await;
    let mut failed = 0;
    while failed < 3 {
        if !call(proxy.telegram).await.starts_with("HTTP/1.1 200") {
            failed += 1;
        }
    }
    weather(&proxy, json!({})).await;
    assert!(call(proxy.telegram).await.starts_with("HTTP/1.1 200"));
}

/// A process that looks like a function of a stack: it carries the mark and a function's name.
fn function(mark: (&str, &str), call: SocketAddr) -> std::process::Child {
    let script = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{}; \
         printf 'POST /botx/getMe HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: 0\\r\\n\\r\\n' >&3; \
         while read -r line <&3; do :; done; sleep 60",
        call.port()
    );
    std::process::Command::new("bash")
        .args(["-c", &script])
        .env(mark.0, mark.1)
        .env("AWS_LAMBDA_FUNCTION_NAME", "a-function")
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn only_a_function_with_the_mark_is_killed() {
    let upstream = upstream().await;
    let proxy = proxy(&upstream, "USHER_STACK=of-this-test").await;
    let mut other = function(("USHER_STACK", "of-another"), proxy.telegram);
    let mut marked = function(("USHER_STACK", "of-this-test"), proxy.telegram);
    weather(&proxy, json!({ "seed": 5, "kills": { "every_ms": 20 } })).await;
    let ended = tokio::task::spawn_blocking(move || marked.wait()).await.unwrap().unwrap();
    assert!(!ended.success());
    weather(&proxy, json!({})).await;
    let report = report(&proxy).await;
    assert_eq!(report["kills"][0]["function"], json!("a-function"), "{report}");
    assert!(other.try_wait().unwrap().is_none(), "another stack's function was killed");
    other.kill().unwrap();
    other.wait().unwrap();
}
