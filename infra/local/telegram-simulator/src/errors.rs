//! What the Bot API says when it says no.

use serde_json::{Value, json};

/// A refusal in the shape of the Bot API: code, text and the machine-readable parameters.
///
/// The texts are those of the open source server (tdlib/telegram-bot-api and tdlib/td).
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// The HTTP status, repeated as `error_code` in the body.
    pub code: u16,
    /// The `description`, with the prefix of its code ("Bad Request: …").
    pub description: String,
    /// `parameters`: where to go (`migrate_to_chat_id`) or how long to wait (`retry_after`, seconds).
    pub parameters: Option<Value>,
}

impl ApiError {
    /// A 400. The prefix "Bad Request: " is put in front.
    pub(crate) fn bad(text: impl AsRef<str>) -> Self {
        Self::new(400, format!("Bad Request: {}", text.as_ref()))
    }

    /// A 403. The prefix "Forbidden: " is put in front.
    pub(crate) fn forbidden(text: impl AsRef<str>) -> Self {
        Self::new(403, format!("Forbidden: {}", text.as_ref()))
    }

    /// A 404 without further words, as the public server gives it.
    pub(crate) fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    /// A 401, for a token that no bot has.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized")
    }

    /// A 409, for two ways of getting updates at once.
    pub(crate) fn conflict(text: &str) -> Self {
        Self::new(409, format!("Conflict: {text}"))
    }

    /// A 429 with its waiting time in seconds.
    pub(crate) fn flood(retry_after: u32) -> Self {
        Self {
            code: 429,
            description: format!("Too Many Requests: retry after {retry_after}"),
            parameters: Some(json!({ "retry_after": retry_after })),
        }
    }

    /// The 400 of every writing call to a basic group that became a supergroup.
    pub(crate) fn migrated(to: i64) -> Self {
        Self {
            code: 400,
            description: "Bad Request: group chat was upgraded to a supergroup chat".to_owned(),
            parameters: Some(json!({ "migrate_to_chat_id": to })),
        }
    }

    /// Any code and any text: for faults that somebody ordered.
    pub(crate) fn new(code: u16, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), parameters: None }
    }

    /// The waiting time of a 429, in seconds, for the `Retry-After` header.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.parameters.as_ref()?.get("retry_after")?.as_u64()
    }

    /// The error as the body of an answer.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body =
            json!({ "ok": false, "error_code": self.code, "description": self.description });
        if let (Some(parameters), Some(fields)) = (&self.parameters, body.as_object_mut()) {
            fields.insert("parameters".to_owned(), parameters.clone());
        }
        body
    }
}

/// What a method gives: its `result`, or a refusal.
pub(crate) type ApiResult<T = Value> = Result<T, ApiError>;

/// A request to the control interface that makes no sense; the text says why.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlError(
    /// What was wrong, for a person.
    pub String,
);

impl ControlError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// What the control interface gives.
pub(crate) type ControlResult<T = Value> = Result<T, ControlError>;
