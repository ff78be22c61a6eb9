//! `/control/…`: the interface for tests and people.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, Request, State};
use axum::response::Response;
use serde_json::{Value, json};

use crate::errors::{ControlError, ControlResult};
use crate::http;
use crate::server::Shared;

pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    Path(what): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let parts: Vec<&str> = what.split('/').collect();
    let result = match parts.as_slice() {
        ["groups", id] => number(id).and_then(|id| shared.look(|world| world.group(id))),
        ["users", id, "messages"] => {
            number(id).and_then(|id| shared.look(|world| world.private_chats(id)))
        }
        ["callbacks", id] => shared.look(|world| world.callback_answer(id)),
        ["calls"] => Ok(calls(shared.look(|world| world.calls()), &query)),
        ["state"] => Ok(shared.look(|world| world.state())),
        ["faults"] | ["flood"] | ["blocks"] | ["groups"] | ["users"] | ["bots"] => {
            let state = shared.look(|world| world.state());
            Ok(state.get(what.as_str()).cloned().unwrap_or_default())
        }
        ["clock"] => Ok(json!({ "now_ms": shared.clock.now_ms() })),
        ["idle"] => {
            let wait = query.get("wait_ms").and_then(|ms| ms.parse().ok()).unwrap_or(0);
            let idle = shared.idle(Duration::from_millis(wait)).await;
            Ok(json!({ "idle": idle }))
        }
        _ => return unknown(&what),
    };
    answer(result)
}

pub(crate) async fn post(
    State(shared): State<Arc<Shared>>,
    Path(what): Path<String>,
    request: Request,
) -> Response {
    let Some(bytes) = http::body(request.into_body()).await else {
        return answer(Err(ControlError::new("the body is too large")));
    };
    let body: Value = if bytes.is_empty() {
        json!({})
    } else {
        match serde_json::from_slice(&bytes) {
            Ok(body) => body,
            Err(error) => return answer(Err(ControlError::new(error.to_string()))),
        }
    };
    if what == "clock/advance" {
        return answer(advance(&shared, &body));
    }
    answer(shared.change(|world, now| world.control(now, &what, body)))
}

pub(crate) async fn delete(
    State(shared): State<Arc<Shared>>,
    Path(what): Path<String>,
) -> Response {
    let parts: Vec<&str> = what.split('/').collect();
    let result = match parts.as_slice() {
        ["faults"] => {
            shared.change(|world, _| world.faults.clear());
            Ok(json!({ "ok": true }))
        }
        ["faults", id] => number(id).and_then(|id| {
            let removed = shared.change(|world, _| world.faults.remove(id.unsigned_abs()));
            if removed {
                Ok(json!({ "ok": true }))
            } else {
                Err(ControlError::new("no such fault"))
            }
        }),
        _ => return unknown(&what),
    };
    answer(result)
}

/// Moves a manual clock and does what has become due.
fn advance(shared: &Shared, body: &Value) -> ControlResult {
    let ms = body.get("ms").and_then(Value::as_i64).filter(|ms| *ms >= 0);
    let ms = ms.ok_or_else(|| ControlError::new("how many `ms`?"))?;
    if !shared.clock.advance(ms) {
        return Err(ControlError::new("the real clock cannot be moved; start with --clock manual"));
    }
    shared.change(|world, now| world.tick(now));
    Ok(json!({ "now_ms": shared.clock.now_ms() }))
}

/// The log, narrowed down by `method`, `chat_id` and `code`.
fn calls(all: Value, query: &BTreeMap<String, String>) -> Value {
    let Value::Array(all) = all else { return all };
    let fits = |call: &Value| {
        query.iter().all(|(name, wanted)| {
            let value = match name.as_str() {
                "chat_id" => call.get("args").and_then(|args| args.get("chat_id")),
                name => call.get(name),
            };
            match value {
                Some(Value::String(text)) => text.eq_ignore_ascii_case(wanted),
                Some(other) => serde_json::from_str::<Value>(wanted).is_ok_and(|it| it == *other),
                None => false,
            }
        })
    };
    all.into_iter().filter(fits).collect()
}

fn number(text: &str) -> ControlResult<i64> {
    text.parse().map_err(|_| ControlError::new(format!("`{text}` is no id")))
}

fn unknown(what: &str) -> Response {
    http::json(404, &json!({ "error": format!("there is no /control/{what} for this method") }))
}

fn answer(result: ControlResult) -> Response {
    match result {
        Ok(value) => http::json(200, &value),
        Err(error) => http::json(400, &json!({ "error": error.0 })),
    }
}
