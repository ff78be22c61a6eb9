//! The environment of the function, read once.

use std::collections::HashMap;
use std::ffi::OsString;

/// A setting that the function needs is missing or empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the setting {0} is missing: see the function's Environment in template.yaml")]
pub struct MissingSetting(pub String);

/// The environment.
#[derive(Clone)]
pub struct Settings(HashMap<String, String>);

impl Settings {
    pub(crate) fn from_environment() -> Self {
        // Not `vars`, which panics at what is no Unicode, whoever put it there.
        Self::from_pairs(std::env::vars_os())
    }

    /// Leaves out what is no Unicode: no setting of ours has such a name or value.
    fn from_pairs(pairs: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(pairs.filter_map(text).collect())
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::ffi::OsStringExt as _;

    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            "[A-Z_]{0,9}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..9),
        ]
    }

    proptest! {
        #[test]
        fn any_environment_is_read_and_its_empty_settings_are_missing(
            environment in prop::collection::btree_map(bytes(), bytes(), 0..9),
            name in "[A-Z_]{0,9}",
        ) {
            let pairs: BTreeMap<_, _> = environment
                .into_iter()
                .map(|(name, value)| (OsString::from_vec(name), OsString::from_vec(value)))
                .collect();
            let settings = Settings::from_pairs(pairs.clone().into_iter());
            for (name, value) in &pairs {
                let Some((name, value)) = name.to_str().zip(value.to_str()) else { continue };
                match value {
                    "" => {
                        let missing = Err(MissingSetting(name.to_owned()));
                        prop_assert_eq!(settings.required(name), missing);
                    }
                    _ => prop_assert_eq!(settings.required(name), Ok(value.to_owned())),
                }
            }
            if !pairs.contains_key(&OsString::from(&name)) {
                let told = settings.required(&name).unwrap_err().to_string();
                prop_assert!(told.contains(&name), "which one is said: {told}");
            }
            prop_assert_eq!(format!("{settings:?}"), "Settings(…)");
        }
    }
}
