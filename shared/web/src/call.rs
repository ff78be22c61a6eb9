//! A request, as handlers see it.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use domain::change::{Actor, Cause, Why};
use domain::ids::{NotAnId, TraderId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::fields::Fields;
use crate::idempotency::IdempotencyKey;
use crate::problem::Problem;

/// The most bytes of a body.
const MOST_BODY: usize = 32 * 1024;

/// By which door a request came in: what the gateway says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gateway {
    /// The name by which it was called.
    pub domain: String,
    /// The id of the API.
    pub api: String,
}

/// A request, with the time and the dice that the edge brings along. `Debug` shows neither headers
/// nor body: they hold tokens and what is personal.
#[derive(Clone, Default)]
pub struct Call {
    /// When it came.
    pub now: Timestamp,
    /// A fresh random id, for what the request makes.
    pub fresh: Uuid,
    /// The id of the request, for logs and problems.
    pub request_id: String,
    /// Who calls: the token's `sub`, which API Gateway has checked.
    pub subject: Option<String>,
    /// The door by which it came.
    pub gateway: Gateway,
    /// The parts of the path that have names.
    pub path: HashMap<String, String>,
    /// The query.
    pub query: HashMap<String, String>,
    /// Headers, with names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

impl Call {
    /// An id in the path. One that is not well formed names nothing.
    ///
    /// # Errors
    /// A [`Problem`] that says "not found".
    pub fn id<T: FromStr<Err = NotAnId>>(&self) -> Result<T, Problem> {
        self.id_named("id")
    }

    /// Another id in the path, by the name that it has there.
    ///
    /// # Errors
    /// As [`Call::id`].
    pub fn id_named<T: FromStr<Err = NotAnId>>(&self, name: &str) -> Result<T, Problem> {
        Ok(self.path.get(name).map(String::as_str).unwrap_or_default().parse()?)
    }

    /// The trader who calls.
    ///
    /// # Errors
    /// A [`Problem`] that says "not found": a caller without a name owns nothing.
    pub fn trader(&self) -> Result<TraderId, Problem> {
        Ok(TraderId::parse(self.subject.as_deref().unwrap_or_default())?)
    }

    /// The idempotency key, if one was sent.
    ///
    /// # Errors
    /// A [`Problem`] when it does not fit.
    pub fn key(&self) -> Result<Option<IdempotencyKey>, Problem> {
        match self.headers.get("idempotency-key") {
            None => Ok(None),
            Some(text) => IdempotencyKey::parse(text).map(Some).ok_or_else(|| {
                Problem::invalid_at("Idempotency-Key", "must have 1 to 255 visible characters")
            }),
        }
    }

    /// The fields of the body.
    ///
    /// # Errors
    /// A [`Problem`] when it is too large, not declared as JSON, or no JSON object.
    pub fn body(&self) -> Result<Fields<'_>, Problem> {
        self.body_up_to(MOST_BODY)
    }

    /// The fields of a body that may have so many bytes.
    ///
    /// # Errors
    /// As [`Call::body`].
    pub fn body_up_to(&self, most: usize) -> Result<Fields<'_>, Problem> {
        Fields::parse(self.declared(&["application/json"], most)?)
    }

    /// The body, when it is declared as one of these media types.
    ///
    /// # Errors
    /// A [`Problem`] when it is too large, or declared as something else.
    pub fn body_as(&self, known: &[&str]) -> Result<&[u8], Problem> {
        self.declared(known, MOST_BODY)
    }

    fn declared(&self, known: &[&str], most: usize) -> Result<&[u8], Problem> {
        if self.body.len() > most {
            return Err(Problem::too_large());
        }
        let media = self.headers.get("content-type").map(String::as_str).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        if known.iter().any(|known| media.eq_ignore_ascii_case(known)) {
            Ok(&self.body)
        } else {
            Err(Problem::unsupported_media_type())
        }
    }

    /// The fields of a body in which everything can be left out, and so can the body.
    ///
    /// # Errors
    /// As [`Call::body`].
    pub fn optional_body(&self) -> Result<Fields<'_>, Problem> {
        if self.body.is_empty() { Ok(Fields::none()) } else { self.body() }
    }

    /// The fingerprint of the request: the same for the same route, path and body, however the
    /// body is spaced and ordered.
    pub fn fingerprint(&self, route: &str) -> String {
        let body = serde_json::from_slice::<serde_json::Value>(&self.body)
            .map(|value| value.to_string())
            .unwrap_or_default();
        let id = self.path.get("id").map(String::as_str).unwrap_or_default();
        store::fingerprint(&[route, id, &body])
    }

    /// The cause of a change by the trader who calls.
    ///
    /// # Errors
    /// As [`Call::trader`].
    pub fn by_trader(&self, why: Why) -> Result<Cause, Problem> {
        Ok(Cause { at: self.now, by: Actor::Trader(self.trader()?), why })
    }

    /// The cause of a change by the storefront.
    pub fn by_storefront(&self, why: Why) -> Cause {
        Cause { at: self.now, by: Actor::Storefront, why }
    }
}
