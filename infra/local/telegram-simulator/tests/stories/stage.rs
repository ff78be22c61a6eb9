//! A running simulator, a bot, and somebody who speaks to both.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::post;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use telegram_simulator::{
    BotConfig, Clock, Config, FloodMode, FloodRules, Running, Settings, Simulator,
};
use tokio::sync::watch;

pub(crate) const TOKEN: &str = "100:test-token";
pub(crate) const BOT: i64 = 100;
/// 2027-01-15 08:00:00 UTC, in milliseconds.
pub(crate) const START: i64 = 1_800_000_000_000;
/// Long enough for a slow machine, and never waited for where things are well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Stage {
    pub(crate) running: Running,
    http: Client<HttpConnector, Full<Bytes>>,
    offset: Mutex<i64>,
}

pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

/// A stage without flood limits, where a kick takes no time.
pub(crate) async fn stage() -> Stage {
    let settings = Settings { kick_ms: 0, ..Settings::default() };
    stage_with(FloodRules { mode: FloodMode::Off, ..FloodRules::default() }, settings).await
}

pub(crate) async fn stage_with(flood: FloodRules, settings: Settings) -> Stage {
    let config = Config {
        bots: vec![BotConfig { token: TOKEN.to_owned(), username: "usher_bot".to_owned() }],
        flood,
        settings,
        clock: Clock::manual(START),
        ..Config::default()
    };
    Stage {
        running: Simulator::start(config).await.unwrap(),
        http: Client::builder(TokioExecutor::new()).build_http(),
        offset: Mutex::new(0),
    }
}

impl Stage {
    /// Sends a request as it is; an error is a connection that ended without an answer.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let answer = self.http.request(request).await.map_err(|error| error.to_string())?;
        let code = answer.status().as_u16();
        let headers = answer.headers().clone();
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Ok(Answer { code, headers, text })
    }

    pub(crate) async fn raw(&self, method: &str, body: Value) -> Result<Answer, String> {
        let url = format!("{}/bot{TOKEN}/{method}", self.running.base_url);
        let request = Request::post(url).header("content-type", "application/json");
        self.send(request.body(Full::from(body.to_string())).unwrap()).await
    }

    /// The `result` of a call that must succeed.
    pub(crate) async fn ok(&self, method: &str, body: Value) -> Value {
        let answer = self.raw(method, body).await.unwrap();
        assert_eq!(answer.code, 200, "{method}: {}", answer.text);
        let body = answer.json();
        assert_eq!(body["ok"], json!(true));
        body["result"].clone()
    }

    /// The description of a call that must be refused, with its code in front.
    pub(crate) async fn refused(&self, method: &str, body: Value) -> String {
        let answer = self.raw(method, body).await.unwrap();
        let body = answer.json();
        assert_eq!(body["ok"], json!(false), "{method}: {}", answer.text);
        assert_eq!(body["error_code"], json!(answer.code));
        format!("{} {}", answer.code, body["description"].as_str().unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.running.base_url);
        let answer = self.send(Request::get(url).body(Full::default()).unwrap()).await.unwrap();
        assert_eq!(answer.code, 200, "{path}: {}", answer.text);
        answer.json()
    }

    async fn control_raw(&self, what: &str, body: Value) -> Answer {
        let url = format!("{}/control/{what}", self.running.base_url);
        self.send(Request::post(url).body(Full::from(body.to_string())).unwrap()).await.unwrap()
    }

    pub(crate) async fn control(&self, what: &str, body: Value) -> Value {
        let answer = self.control_raw(what, body).await;
        assert_eq!(answer.code, 200, "{what}: {}", answer.text);
        answer.json()
    }

    pub(crate) async fn control_refused(&self, what: &str, body: Value) -> String {
        let answer = self.control_raw(what, body).await;
        assert_eq!(answer.code, 400, "{what}: {}", answer.text);
        answer.json()["error"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn user(&self, name: &str) -> i64 {
        self.control("users", json!({ "first_name": name })).await["id"].as_i64().unwrap()
    }

    pub(crate) async fn tap(&self, user: i64, link: &str) -> String {
        let answer = self.control("open", json!({ "user": user, "link": link })).await;
        answer["outcome"].as_str().unwrap().to_owned()
    }

    /// A supergroup with an owner, in which the bot has these rights (`a+b`).
    pub(crate) async fn group(&self, rights: &str) -> (i64, i64) {
        let owner = self.user("Tara").await;
        let link = format!("https://t.me/usher_bot?startgroup=abc&admin={rights}");
        let group = json!({ "owner": owner, "title": "Signals" });
        let chat = self.control("groups", group).await["chat_id"].as_i64().unwrap();
        self.control("open", json!({ "user": owner, "link": link, "chat_id": chat })).await;
        (owner, chat)
    }

    /// A guarded link of the bot (`creates_join_request`).
    pub(crate) async fn guarded_link(&self, chat: i64) -> String {
        let made = self
            .ok("createChatInviteLink", json!({ "chat_id": chat, "creates_join_request": true }))
            .await;
        made["invite_link"].as_str().unwrap().to_owned()
    }

    /// Somebody who is in, by being added.
    pub(crate) async fn member(&self, name: &str, chat: i64, owner: i64) -> i64 {
        let user = self.user(name).await;
        self.control("add", json!({ "by": owner, "user": user, "chat_id": chat })).await;
        user
    }

    pub(crate) async fn status(&self, chat: i64, user: i64) -> String {
        let member = self.ok("getChatMember", json!({ "chat_id": chat, "user_id": user })).await;
        member["status"].as_str().unwrap().to_owned()
    }

    /// The updates since the last time, confirmed.
    pub(crate) async fn updates(&self) -> Vec<Value> {
        let offset = *self.offset.lock().unwrap();
        let list = self.ok("getUpdates", json!({ "offset": offset })).await;
        let list = list.as_array().unwrap().clone();
        if let Some(last) = list.last() {
            *self.offset.lock().unwrap() = last["update_id"].as_i64().unwrap() + 1;
        }
        list
    }

    /// The updates of one kind since the last time; the others are thrown away.
    pub(crate) async fn updates_of(&self, kind: &str) -> Vec<Value> {
        let all = self.updates().await;
        all.into_iter().filter_map(|update| update.get(kind).cloned()).collect()
    }

    /// Asks for everything that is not sent by default.
    pub(crate) async fn hear_everything(&self) {
        let wanted =
            ["message", "my_chat_member", "chat_member", "chat_join_request", "callback_query"];
        self.ok("getUpdates", json!({ "offset": -1, "allowed_updates": wanted })).await;
        self.updates().await;
    }

    pub(crate) fn advance(&self, ms: i64) {
        assert!(self.running.clock().advance(ms));
    }
}

/// A webhook that writes down what comes and answers as it is told.
pub(crate) struct Hook {
    pub(crate) url: String,
    pub(crate) secrets: Arc<Mutex<Vec<Option<String>>>>,
    seen: watch::Receiver<Vec<Value>>,
}

/// Starts a webhook; `answer` gives the status for the n-th delivery (from 0) and its body.
pub(crate) async fn hook<F>(answer: F) -> Hook
where
    F: Fn(usize, &Value) -> (u16, String) + Send + Sync + 'static,
{
    let (sender, seen) = watch::channel(Vec::new());
    let sender = Arc::new(sender);
    let secrets = Arc::new(Mutex::new(Vec::new()));
    let answer = Arc::new(answer);
    let heard = secrets.clone();
    let handler = move |headers: HeaderMap, body: Bytes| async move {
        let update: Value = serde_json::from_slice(&body).unwrap();
        let secret = headers.get("X-Telegram-Bot-Api-Secret-Token");
        heard.lock().unwrap().push(secret.map(|secret| secret.to_str().unwrap().to_owned()));
        let number = sender.borrow().len();
        let (code, text) = answer(number, &update);
        sender.send_modify(|seen| seen.push(update));
        (StatusCode::from_u16(code).unwrap(), text)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/hook", post(handler));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Hook { url, secrets, seen }
}

impl Hook {
    /// Waits for that many deliveries and gives them.
    pub(crate) async fn deliveries(&self, count: usize) -> Vec<Value> {
        let mut seen = self.seen.clone();
        let enough = seen.wait_for(|seen| seen.len() >= count);
        let enough = tokio::time::timeout(PATIENCE, enough).await;
        enough
            .unwrap_or_else(|_| panic!("waited for {count}, saw {}", self.count()))
            .unwrap()
            .clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.borrow().len()
    }
}
