//! A server on an ephemeral port that gives one answer to everything and keeps what it was sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, Response, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{BotApi, BotToken, TimeLimits};

/// The secret part of the token; no error may hold it.
pub(crate) const SECRET: &str = "test-token";

/// What the server answers to everything.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Scripted {
    pub(crate) fn result(result: Value) -> Self {
        Self::new(200, &json!({ "ok": true, "result": result }).to_string())
    }

    pub(crate) fn new(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Received {
    /// The client's side of the connection that it came by.
    pub(crate) from: SocketAddr,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

type Log = Arc<Mutex<Vec<Received>>>;

pub(crate) struct Server {
    pub(crate) base: String,
    log: Log,
}

impl Server {
    /// Starts a server that lives as long as the test's runtime.
    pub(crate) async fn start(answer: Scripted) -> Self {
        let log = Log::default();
        let app = Router::new().fallback(reply).with_state((answer, Arc::clone(&log)));
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let (listener, base) = listen().await;
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base, log }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        std::mem::take(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn reply(
    State((answer, log)): State<(Scripted, Log)>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response<Body> {
    let body = serde_json::from_str(&body).unwrap_or(Value::Null);
    let path = uri.to_string();
    log.lock().unwrap().push(Received { from, method, path, headers, body });
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

/// A listener on a free port, and its base URL.
pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (listener, base)
}

pub(crate) fn client(base: &str, limits: TimeLimits) -> BotApi {
    // The second test of a process finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let token = BotToken::parse(&format!("100:{SECRET}")).unwrap();
    BotApi::with_limits(base, token, limits).unwrap()
}
