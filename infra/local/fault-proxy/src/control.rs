//! The interface by which the weather is made, and by which it is told what it did.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::server::Shared;
use crate::weather::Weather;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/health", get(async || "ok"))
        .route("/weather", post(set_weather))
        .route("/report", get(report))
        .with_state(shared)
}

/// Sets the weather; an empty object is a calm one.
async fn set_weather(
    State(shared): State<Arc<Shared>>,
    Json(weather): Json<Weather>,
) -> (StatusCode, Json<Value>) {
    if !weather.is_possible() {
        let error = "odds lie between 0 and 1, and those of one way add up to at most 1";
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": error })));
    }
    shared.fates().set(weather);
    (StatusCode::OK, Json(json!({ "ok": true })))
}

async fn report(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.record().report())
}
