//! Problems as callers see them (RFC 9457), and every sentence in them that is not about a single
//! field of a body.

use domain::ids::NotAnId;
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::{CommitError, StoreError};

/// The kinds of problems. Few, because callers write code for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The body is no JSON.
    BadJson,
    /// The caller does not know the secret of this route.
    WrongSecret,
    /// There is no such thing, or it is somebody else's.
    NotFound,
    /// The present state forbids it.
    Conflict,
    /// The same request is being carried out.
    InProgress,
    /// The body is too large.
    TooLarge,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// Values do not fit.
    Invalid,
    /// The same idempotency key came with another body.
    KeyReused,
    /// The group has more alerts waiting than Telegram takes in a minute.
    TooManyAlerts,
    /// Telegram or the store cannot be reached.
    Unavailable,
    /// A mistake of ours.
    Internal,
}

impl ProblemKind {
    /// The status code.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadJson => 400,
            Self::WrongSecret => 401,
            Self::NotFound => 404,
            Self::Conflict | Self::InProgress => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Invalid | Self::KeyReused => 422,
            Self::TooManyAlerts => 429,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }

    const fn slug(self) -> &'static str {
        match self {
            Self::BadJson => "bad-json",
            Self::WrongSecret => "wrong-secret",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::InProgress => "in-progress",
            Self::TooLarge => "too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::Invalid => "invalid",
            Self::KeyReused => "idempotency-key-reused",
            Self::TooManyAlerts => "too-many-alerts",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::BadJson => "The body is not valid JSON",
            Self::WrongSecret => "Not allowed",
            Self::NotFound => "Not found",
            Self::Conflict => "The present state forbids it",
            Self::InProgress => "The same request is still running",
            Self::TooLarge => "The body is too large",
            Self::UnsupportedMediaType => "The body must be JSON",
            Self::Invalid => "Some values do not fit",
            Self::KeyReused => "The idempotency key was used for another request",
            Self::TooManyAlerts => "Too many alerts are waiting",
            Self::Unavailable => "Not available at the moment",
            Self::Internal => "Something went wrong on our side",
        }
    }
}

/// One value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// Where: a JSON pointer (RFC 6901) into the body, or `?name` for a query parameter.
    pub pointer: String,
    /// What is wrong.
    pub detail: String,
}

/// A problem, ready to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its kind.
    pub kind: ProblemKind,
    /// What happened, in a sentence for the caller.
    pub detail: String,
    /// Every value that does not fit.
    pub faults: Vec<Fault>,
    /// When it is worth asking again.
    pub retry_after: Option<SignedDuration>,
}

impl Problem {
    fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), faults: Vec::new(), retry_after: None }
    }

    /// There is no such thing, or it is somebody else's: the caller cannot tell which.
    pub fn not_found() -> Self {
        Self::new(ProblemKind::NotFound, "There is nothing here that you may see.")
    }

    /// The caller does not know the secret of this route.
    pub fn wrong_secret() -> Self {
        Self::new(ProblemKind::WrongSecret, "This route is for Telegram only.")
    }

    /// The present state forbids it; the detail says which state and what to do.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Conflict, detail)
    }

    /// The service has no group in which anything could be posted.
    pub fn no_group() -> Self {
        Self::conflict(
            "The service has no Telegram group that works. Create one, or see what is missing in \
             its info.",
        )
    }

    /// Somebody else changes the same thing again and again.
    pub fn contention() -> Self {
        Self::conflict("The same thing was being changed at the same moment. Please try again.")
    }

    /// The first request under the same key is still running.
    pub fn in_progress() -> Self {
        Self {
            retry_after: Some(SignedDuration::from_secs(2)),
            ..Self::new(
                ProblemKind::InProgress,
                "The first request with this idempotency key is still running.",
            )
        }
    }

    /// The body is no JSON.
    pub fn bad_json(cause: impl Into<String>) -> Self {
        Self::new(ProblemKind::BadJson, cause)
    }

    /// The body is too large.
    pub fn too_large() -> Self {
        Self::new(
            ProblemKind::TooLarge,
            "A body may have at most 32 KiB, and that of an import 256 KiB.",
        )
    }

    /// The body is not declared as JSON.
    pub fn unsupported_media_type() -> Self {
        Self::new(ProblemKind::UnsupportedMediaType, "Send the body as application/json.")
    }

    /// Values do not fit.
    pub fn invalid(faults: Vec<Fault>) -> Self {
        let detail = match faults.as_slice() {
            [one] => format!("{}: {}", one.pointer, one.detail),
            several => format!("{} values do not fit; see errors.", several.len()),
        };
        Self { faults, ..Self::new(ProblemKind::Invalid, detail) }
    }

    /// One value does not fit.
    pub fn invalid_at(pointer: &str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![Fault { pointer: pointer.to_owned(), detail: detail.into() }])
    }

    /// The same idempotency key came with another body.
    pub fn key_reused() -> Self {
        Self::new(
            ProblemKind::KeyReused,
            "This idempotency key was used with another body. Use a new key for a new request.",
        )
    }

    /// The group has more alerts waiting than Telegram takes in a minute; there is room after this.
    pub fn too_many_alerts(retry_after: SignedDuration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(
                ProblemKind::TooManyAlerts,
                "More than 20 alerts of this group are waiting: Telegram takes 20 a minute. This \
                 one was not accepted.",
            )
        }
    }

    /// Telegram or the store cannot be reached; nothing was done.
    pub fn unavailable(retry_after: SignedDuration) -> Self {
        Self {
            retry_after: Some(retry_after.max(SignedDuration::from_secs(1))),
            ..Self::new(
                ProblemKind::Unavailable,
                "A part of Usher cannot be reached. Repeat the request, with the same \
                 idempotency key if it had one.",
            )
        }
    }

    /// Others are changing the same thing; a moment later it will go.
    pub fn again() -> Self {
        Self::unavailable(SignedDuration::from_secs(1))
    }

    /// A mistake of ours. The cause goes to the log, not to the caller.
    pub fn internal() -> Self {
        Self::new(ProblemKind::Internal, "The mistake was written down. Repeat the request later.")
    }

    /// The body of the answer. `instance` is the request's id, by which the log is searched.
    pub fn body(&self, instance: &str) -> Value {
        let mut body = json!({
            "type": format!("/problems/{}", self.kind.slug()),
            "title": self.kind.title(),
            "status": self.kind.status(),
            "detail": self.detail,
            "instance": instance,
        });
        if let Some(object) = body.as_object_mut().filter(|_| !self.faults.is_empty()) {
            object.insert("errors".to_owned(), json!(self.faults));
        }
        body
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::BadCursor => Self::invalid_at("?next", "is not a page that was handed out"),
            StoreError::Unavailable(_) => {
                tracing::error!(cause = %error, "the table could not be used");
                Self::unavailable(SignedDuration::from_secs(2))
            }
            StoreError::Broken(_) | StoreError::Refused(_) => {
                tracing::error!(cause = %error, "the table could not be used as it should");
                Self::internal()
            }
        }
    }
}

impl From<CommitError> for Problem {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict => Self::contention(),
            CommitError::Store(error) => error.into(),
        }
    }
}

impl From<NotAnId> for Problem {
    fn from(_: NotAnId) -> Self {
        Self::not_found()
    }
}
