//! The item in a row.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::entity::Entity;

/// The item in a row: as JSON where it comes from outside, and as it is where a function has just made
/// it, which is written as JSON only for a store that keeps it so. Shared, because copies of a row are
/// made in many places and changed in none.
#[derive(Clone)]
pub enum Body {
    /// As JSON.
    Json(Arc<Value>),
    /// As it is.
    Item(Arc<dyn Item>),
}

/// An item of some kind.
pub trait Item: Any + Send + Sync {
    /// As JSON.
    fn json(&self) -> Value;
}

impl<E: Entity> Item for E {
    fn json(&self) -> Value {
        // Our items are structs of texts, numbers and lists: serde_json cannot fail on them. A row
        // without a body would be refused by every reader, so that a mistake here is seen at once.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Body {
    /// Of an item.
    pub fn of<E: Entity>(item: &E) -> Self {
        Self::Item(Arc::new(item.clone()))
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        match self {
            Self::Json(json) => Value::clone(json),
            Self::Item(item) => item.json(),
        }
    }

    /// The item, if it is of this kind and fits.
    pub fn item<E: Entity>(&self) -> Option<Arc<E>> {
        match self {
            Self::Json(json) => E::deserialize(&**json).ok().map(Arc::new),
            Self::Item(item) => {
                let any: Arc<dyn Any + Send + Sync> = Arc::clone(item) as _;
                any.downcast().ok()
            }
        }
    }
}

impl From<Value> for Body {
    fn from(json: Value) -> Self {
        Self::Json(Arc::new(json))
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json().fmt(f)
    }
}
