//! Carrying updates to webhooks over HTTP, and waking what is due.

use std::sync::Arc;

use axum::http::{Request, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use crate::arguments::Args;
use crate::server::Shared;
use crate::webhook::{Delivered, Delivery};

type Http = Client<HttpConnector, Full<Bytes>>;

/// How much of an answer is read, in bytes: it may hold a method to call, no more.
const LARGEST_ANSWER: usize = 1 << 16;

/// Works until its task is stopped.
pub(crate) async fn run(shared: Arc<Shared>) {
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    let mut under_way = JoinSet::new();
    let mut changed = shared.changed.subscribe();
    loop {
        changed.mark_unchanged();
        let (due, next, finished) = shared.change_quietly(|world, now| {
            let before = world.unfinished();
            world.tick(now);
            let due = world.take_due(now);
            let next = [world.next_due(), world.next_delivery()].into_iter().flatten().min();
            (due, next, world.unfinished() != before)
        });
        if finished {
            shared.ring();
        }
        for delivery in due {
            under_way.spawn(deliver(shared.clone(), http.clone(), delivery));
        }
        // What waits for a free connection is woken by the delivery that ends.
        let now = shared.clock.now_ms();
        let next = next.filter(|at| *at > now);
        tokio::select! {
            _ = changed.changed() => {}
            () = shared.clock.sleep_until(next.unwrap_or(0)), if next.is_some() => {}
            Some(_) = under_way.join_next() => {}
        }
    }
}

async fn deliver(shared: Arc<Shared>, http: Http, delivery: Delivery) {
    let (bot, update_id) = (delivery.bot, delivery.update_id);
    let sent = tokio::time::timeout(shared.webhook_timeout, send(http, delivery)).await;
    let (outcome, answer) = match sent {
        Ok(sent) => sent,
        Err(_) => (failed("Read timeout expired"), None),
    };
    shared.change(|world, now| world.delivered(now, bot, update_id, outcome));
    if let Some(fields) = answer {
        answer_with_method(&shared, bot, &fields);
    }
}

async fn send(http: Http, delivery: Delivery) -> (Delivered, Option<Map<String, Value>>) {
    let mut request = Request::post(&delivery.url).header(header::CONTENT_TYPE, "application/json");
    if !delivery.secret.0.is_empty() {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", &delivery.secret.0);
    }
    let Ok(request) = request.body(Full::new(Bytes::from(delivery.body.to_string()))) else {
        return (failed("Bad webhook URL"), None);
    };
    let response = match http.request(request).await {
        Ok(response) => response,
        Err(error) if error.is_connect() => return (failed("Connection refused"), None),
        Err(_) => return (failed("Webhook connection closed"), None),
    };
    let status = response.status();
    if !status.is_success() {
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let why = format!("Wrong response from the webhook: {status}");
        return (Delivered::Failed { why, retry_after }, None);
    }
    let body = Limited::new(response.into_body(), LARGEST_ANSWER).collect().await;
    let fields = body.ok().and_then(|body| serde_json::from_slice(&body.to_bytes()).ok());
    (Delivered::Taken, fields)
}

fn failed(why: &str) -> Delivered {
    Delivered::Failed { why: why.to_owned(), retry_after: None }
}

/// A method in the answer is called; its result and its errors are lost (Bot API, "Making requests when
/// getting updates").
fn answer_with_method(shared: &Shared, bot: i64, fields: &Map<String, Value>) {
    let Some(method) = fields.get("method").and_then(Value::as_str) else { return };
    let lower = method.to_ascii_lowercase();
    if lower.starts_with("get") || lower == "setwebhook" || lower == "deletewebhook" {
        return;
    }
    let mut fields = fields.clone();
    fields.remove("method");
    let args = Args::from_json(&fields);
    shared.change(|world, now| {
        if let Some(token) = world.bots.get(&bot).map(|bot| bot.token.0.clone()) {
            world.reply(now, &token, method, &args);
        }
    });
}
