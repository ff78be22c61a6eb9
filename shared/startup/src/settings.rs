//! The environment of the function, read once.

use std::collections::HashMap;

/// A setting that the function needs is missing or empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the setting {0} is missing: see the function's Environment in template.yaml")]
pub struct MissingSetting(pub String);

/// The environment.
#[derive(Clone)]
pub struct Settings(HashMap<String, String>);

impl Settings {
    pub(crate) fn from_environment() -> Self {
        Self(std::env::vars().collect())
    }

    /// A setting, if it is there and not empty.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// A setting that has to be there.
    ///
    /// # Errors
    /// [`MissingSetting`].
    pub fn required(&self, name: &str) -> Result<String, MissingSetting> {
        self.get(name).ok_or_else(|| MissingSetting(name.to_owned()))
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The environment of a Lambda holds its credentials.
        f.write_str("Settings(…)")
    }
}
