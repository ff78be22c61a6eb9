//! `/bot<token>/<method>`: from HTTP to the model and back, with the faults of the way.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use crate::arguments::Args;
use crate::errors::{ApiError, ApiResult};
use crate::faults::FaultKind;
use crate::http;
use crate::methods::Reply;
use crate::server::Shared;

pub(crate) async fn call(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let Some((token, method)) = path.strip_prefix("/bot").and_then(|rest| rest.split_once('/'))
    else {
        return answer(&Err(ApiError::not_found()));
    };
    // Some clients escape the colon of the token.
    let token = token.replace("%3A", ":").replace("%3a", ":");
    let args = match arguments(request).await {
        Ok(args) => args,
        Err(refusal) => return answer(&Err(refusal)),
    };
    let method = if method.is_empty() { args.text("method").to_owned() } else { method.to_owned() };
    let reply = if method.eq_ignore_ascii_case("getUpdates") {
        long_poll(&shared, &token, &args).await
    } else {
        shared.change(|world, now| world.reply(now, &token, &method, &args))
    };
    shared.clock.sleep_until(reply.ready_at).await;
    play(reply).await
}

/// `getUpdates` waits for something to come, for as long as it was asked to.
async fn long_poll(shared: &Shared, token: &str, args: &Args) -> Reply {
    // The server caps the waiting at 50 seconds.
    let seconds = args.integer("timeout").ok().flatten().unwrap_or(0).clamp(0, 50);
    let until = shared.clock.now_ms() + seconds * 1000;
    let mut changed = shared.changed.subscribe();
    loop {
        let reply = shared.change_quietly(|world, now| world.reply(now, token, "getUpdates", args));
        let empty = reply.result.as_ref().is_ok_and(|list| list == &json!([]));
        if !empty || reply.fault.is_some() || shared.clock.now_ms() >= until {
            return reply;
        }
        tokio::select! {
            _ = changed.changed() => {}
            () = shared.clock.sleep_until(until) => {}
        }
    }
}

/// Gives the answer, or what a fault makes of it.
async fn play(reply: Reply) -> Response {
    let hold_ms = reply.fault.as_ref().map_or(0, FaultKind::hold_ms);
    tokio::time::sleep(Duration::from_millis(hold_ms)).await;
    match reply.fault {
        Some(FaultKind::TimeoutAfter { .. } | FaultKind::TimeoutBefore { .. }) => http::hang_up(),
        Some(FaultKind::ServerErrorHtml { code }) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
            let page = format!("<html><body><h1>{status}</h1><hr>nginx</body></html>");
            (status, Html(page)).into_response()
        }
        Some(FaultKind::Nonsense) => (StatusCode::OK, "{\"ok\":tru\u{fffd} <html>").into_response(),
        _ => answer(&reply.result),
    }
}

fn answer(result: &ApiResult) -> Response {
    match result {
        Ok(value) => http::json(200, &json!({ "ok": true, "result": value })),
        Err(error) => {
            let mut response = http::json(error.code, &error.body());
            if let Some(seconds) = error.retry_after() {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    }
}

/// Arguments from the query and from a form or JSON body.
async fn arguments(request: Request) -> ApiResult<Args> {
    if request.method() != Method::GET && request.method() != Method::POST {
        return Err(ApiError::not_found());
    }
    let query = request.uri().query().unwrap_or("").to_owned();
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let bytes = http::body(request.into_body())
        .await
        .ok_or_else(|| ApiError::new(413, "Request Entity Too Large"))?;
    let mut args = Args::default();
    let mut add = |text: &[u8]| {
        for (name, value) in form_urlencoded::parse(text) {
            args.insert(name.into_owned(), value.into_owned());
        }
    };
    add(query.as_bytes());
    match kind.as_str() {
        _ if bytes.is_empty() => {}
        "application/x-www-form-urlencoded" => add(&bytes),
        "application/json" => {
            let Ok(Value::Object(object)) = serde_json::from_slice(&bytes) else {
                return Err(ApiError::bad("can't parse JSON object in the request body"));
            };
            let from_query = args;
            args = Args::from_json(&object);
            args.add_missing(from_query);
        }
        "multipart/form-data" => {
            return Err(ApiError::bad("multipart/form-data is not modelled; send files by URL"));
        }
        other => {
            return Err(ApiError::bad(format!("content type \"{other}\" is not supported")));
        }
    }
    Ok(args)
}
