//! The arguments of a Bot API call, read strictly.
//!
//! The real server takes every argument as text, whatever way it came, and reads what it can: a number
//! that is none becomes 0. Here a value of the wrong form is refused, because it is a mistake to be seen.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::errors::{ApiError, ApiResult};

/// The arguments by name, each as the text that the real server would see.
#[derive(Debug, Clone, Default)]
pub struct Args(BTreeMap<String, String>);

impl Args {
    /// Takes the fields of a JSON body: strings as they are, other values as their JSON text, as the
    /// Bot API server does; null is the same as nothing.
    #[must_use]
    pub fn from_json(body: &Map<String, Value>) -> Self {
        let mut args = Self::default();
        for (name, value) in body {
            match value {
                Value::Null => {}
                Value::String(text) => args.insert(name.clone(), text.clone()),
                other => args.insert(name.clone(), other.to_string()),
            }
        }
        args
    }

    /// Sets one argument.
    pub(crate) fn insert(&mut self, name: String, value: String) {
        self.0.insert(name, value);
    }

    /// Refuses names that the method does not have.
    pub(crate) fn only(&self, known: &[&str]) -> ApiResult<()> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(ApiError::bad(format!("unknown argument \"{name}\""))),
            None => Ok(()),
        }
    }

    /// The text of an argument; empty where it was not given, as for the real server.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn boolean(&self, name: &str) -> ApiResult<bool> {
        match self.text(name).trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(true),
            "" | "false" | "no" | "0" => Ok(false),
            _ => Err(ApiError::bad(format!("{name} must be a Boolean"))),
        }
    }

    pub(crate) fn integer(&self, name: &str) -> ApiResult<Option<i64>> {
        match self.text(name).trim() {
            "" => Ok(None),
            text => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(ApiError::bad(format!("{name} is not a valid Integer"))),
            },
        }
    }

    pub(crate) fn user_id(&self) -> ApiResult<i64> {
        match self.text("user_id").trim().parse() {
            Ok(id) if id > 0 => Ok(id),
            _ => Err(ApiError::bad("invalid user_id specified")),
        }
    }

    pub(crate) fn message_id(&self) -> ApiResult<i64> {
        match self.integer("message_id")? {
            Some(id) if id > 0 => Ok(id),
            _ => Err(ApiError::bad("message identifier is not specified")),
        }
    }

    /// An argument that is itself JSON. `what` names it in the refusal, in the server's words.
    pub(crate) fn json(&self, name: &str, what: &str) -> ApiResult<Option<Value>> {
        match self.text(name) {
            "" => Ok(None),
            text => match serde_json::from_str(text) {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err(ApiError::bad(format!("can't parse {what} JSON object"))),
            },
        }
    }

    /// A JSON argument that must be an object.
    pub(crate) fn object(&self, name: &str, what: &str) -> ApiResult<Option<Map<String, Value>>> {
        match self.json(name, what)? {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(ApiError::bad(format!("object expected as {what}"))),
        }
    }

    /// The arguments for the call log, without the secret of a webhook.
    pub(crate) fn redacted(&self) -> Value {
        let fields = self.0.iter().map(|(name, value)| {
            let shown = if name == "secret_token" { "[secret]" } else { value.as_str() };
            (name.clone(), Value::from(shown))
        });
        Value::Object(fields.collect())
    }
}

/// Refuses fields of a nested object that the Bot API does not have, naming the way to them.
pub(crate) fn only_fields(
    object: &Map<String, Value>,
    place: &str,
    known: &[&str],
) -> ApiResult<()> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(ApiError::bad(format!("unknown argument \"{place}.{name}\""))),
        None => Ok(()),
    }
}

impl Args {
    /// Takes over what is not there yet.
    pub(crate) fn add_missing(&mut self, others: Self) {
        for (name, value) in others.0 {
            self.0.entry(name).or_insert(value);
        }
    }
}
