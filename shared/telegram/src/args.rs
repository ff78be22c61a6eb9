//! The arguments of one call. What says nothing is left out, so that a request reads as it was meant.

use domain::ids::{ChatId, UserId};
use serde_json::{Map, Value};

/// The JSON body of one call.
#[derive(Default)]
pub(crate) struct Args(Map<String, Value>);

impl Args {
    /// The arguments of a call about a chat.
    pub(crate) fn chat(chat: ChatId) -> Self {
        Self::default().with("chat_id", chat.get())
    }

    /// The arguments of a call about somebody in a chat.
    pub(crate) fn member(chat: ChatId, user: UserId) -> Self {
        Self::chat(chat).with("user_id", user.get())
    }

    /// Adds an argument that is always said.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Adds an argument if there is one.
    pub(crate) fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a text if it is not empty.
    pub(crate) fn text(self, name: &str, text: &str) -> Self {
        self.maybe(name, (!text.is_empty()).then_some(text))
    }

    /// Adds a switch if it is on.
    pub(crate) fn flag(self, name: &str, on: bool) -> Self {
        self.maybe(name, on.then_some(true))
    }

    /// The body as it goes over the wire.
    pub(crate) fn into_body(self) -> String {
        Value::Object(self.0).to_string()
    }
}
