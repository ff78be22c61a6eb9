//! From Lambda's request to a [`Call`] and back.

use std::collections::HashMap;
use std::future::Future;

use lambda_http::request::RequestContext;
use lambda_http::{
    Body as HttpBody, Error, Request, RequestExt as _, Response, run_concurrent, service_fn,
};
use serde_json::Value;

use crate::call::{Call, Gateway};
use crate::problem::Problem;

/// A good answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body: JSON, or the text of a table.
    pub body: Body,
    /// Where the rest of a table is: a query for the same route.
    pub next: Option<String>,
    /// Whether an earlier request with the same idempotency key was answered.
    pub replayed: bool,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// JSON.
    Json(Value),
    /// A table for spreadsheets (RFC 4180).
    Csv(String),
}

impl Reply {
    /// An answer with this status and body.
    pub fn new(status: u16, body: impl serde::Serialize) -> Self {
        // Views are structs of texts, numbers and lists: serde_json cannot fail on them.
        let body = Body::Json(serde_json::to_value(body).unwrap_or_default());
        Self { status, body, next: None, replayed: false }
    }

    /// A table, and the query that leads to the rest of it.
    pub fn csv(table: String, next: Option<String>) -> Self {
        Self { status: 200, body: Body::Csv(table), next, replayed: false }
    }

    /// Marks it as the repetition of an earlier answer.
    #[must_use]
    pub fn replayed(mut self) -> Self {
        self.replayed = true;
        self
    }
}

/// Runs a handler as an HTTP Lambda, with what it needs for every request. A problem becomes an
/// `Ok` response: an `Err` would reach the caller as a bare 5xx, whatever it says.
///
/// Where the platform hands several requests to one process at the same time (AWS Lambda, "Managed
/// Instances"), they are served at the same time; elsewhere one after another.
///
/// # Errors
/// What Lambda's runtime says when it cannot go on.
pub async fn serve<S, H, F>(state: S, handler: H) -> Result<(), Error>
where
    S: Send + Sync + 'static,
    H: Fn(&'static S, Call) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Reply, Problem>> + Send + 'static,
{
    // It lives as long as the process, and so may every request that uses it.
    let state: &'static S = Box::leak(Box::new(state));
    run_concurrent(service_fn(move |request: Request| async move {
        let call = call(request);
        let request_id = call.request_id.clone();
        let answer = handler(state, call).await;
        respond(answer, &request_id)
    }))
    .await
}

fn call(request: Request) -> Call {
    let request_id = request.lambda_context_ref().map(|context| context.request_id.clone());
    let (subject, gateway) = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            let subject = context
                .authorizer
                .as_ref()
                .and_then(|authorizer| authorizer.jwt.as_ref())
                .and_then(|jwt| jwt.claims.get("sub").cloned());
            let gateway = Gateway {
                domain: context.domain_name.clone().unwrap_or_default(),
                api: context.apiid.clone().unwrap_or_default(),
            };
            (subject, gateway)
        }
        _ => (None, Gateway::default()),
    };
    let pairs = |map: Option<lambda_http::aws_lambda_events::query_map::QueryMap>| {
        map.map(|map| map.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
            .unwrap_or_default()
    };
    // None is dropped for its characters: a key that does not fit is refused, not overlooked.
    let headers: HashMap<_, _> = request
        .headers()
        .iter()
        .map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_ascii_lowercase(), text)
        })
        .collect();
    Call {
        now: startup::now(),
        fresh: startup::fresh_id(),
        request_id: request_id.unwrap_or_default(),
        subject,
        gateway,
        path: pairs(request.path_parameters_ref().cloned()),
        query: pairs(request.query_string_parameters_ref().cloned()),
        headers,
        body: match request.into_body() {
            HttpBody::Empty => Vec::new(),
            HttpBody::Text(text) => text.into_bytes(),
            HttpBody::Binary(bytes) => bytes,
            _ => Vec::new(),
        },
    }
}

fn respond(answer: Result<Reply, Problem>, request_id: &str) -> Result<Response<HttpBody>, Error> {
    let mut response = Response::builder().header("x-request-id", request_id);
    let (status, media, body) = match answer {
        Ok(reply) => {
            if reply.replayed {
                response = response.header("idempotent-replayed", "true");
            }
            if let Some(next) = reply.next {
                response = response.header("link", format!("<{next}>; rel=\"next\""));
            }
            match reply.body {
                Body::Json(body) => (reply.status, "application/json", body.to_string()),
                Body::Csv(table) => (reply.status, "text/csv; charset=utf-8", table),
            }
        }
        Err(problem) => {
            tracing::info!(
                request_id,
                status = problem.kind.status(),
                kind = ?problem.kind,
                "answered with a problem"
            );
            if let Some(wait) = problem.retry_after {
                response = response.header("retry-after", wait.as_secs().max(1).to_string());
            }
            let body = problem.body(request_id).to_string();
            (problem.kind.status(), "application/problem+json", body)
        }
    };
    Ok(response.status(status).header("content-type", media).body(HttpBody::from(body))?)
}
