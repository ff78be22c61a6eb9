//! The routes, and small helpers for answers.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;

use crate::server::Shared;
use crate::{bot_http, control_http};

/// Marks an answer that is not to be sent: the connection is closed instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HangUp;

/// The largest body that is read, in bytes. Texts are far smaller, and files are not modelled.
const LARGEST_BODY: usize = 1 << 20;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(async || Html(include_str!("page.html"))))
        .route("/health", get(async || "ok"))
        .route(
            "/control/{*what}",
            get(control_http::get).post(control_http::post).delete(control_http::delete),
        )
        .fallback(bot_http::call)
        .with_state(shared)
}

pub(crate) fn json(code: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body.to_string()).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn hang_up() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(HangUp);
    response
}

/// The whole body, if it is not too large.
pub(crate) async fn body(body: Body) -> Option<Bytes> {
    axum::body::to_bytes(body, LARGEST_BODY).await.ok()
}
