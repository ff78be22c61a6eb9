//! The languages in which the bot writes to people.

use serde::{Deserialize, Serialize};

/// A language in which the bot writes to people. What stands in a group is for all who are in it, and
/// is English.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// For whoever's own is not among them.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The two letters by which Telegram names it (ISO 639-1; Bot API, `setMyCommands`).
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The language of somebody whose client has this one, an IETF tag such as `de-AT` (Bot API,
    /// `User.language_code`; it can be missing).
    pub fn of(tag: Option<&str>) -> Self {
        let first = tag.and_then(|tag| tag.split(['-', '_']).next()).unwrap_or_default();
        let is_it = |language: &Self| language.code().eq_ignore_ascii_case(first);
        Self::ALL.into_iter().find(is_it).unwrap_or_default()
    }

    /// For items: the usual one is not written down.
    pub(crate) fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_s_language_is_known_by_its_first_part_and_english_stands_for_all_others() {
        for (tag, language) in [
            (Some("de"), Language::German),
            (Some("de-AT"), Language::German),
            (Some("DE_ch"), Language::German),
            (Some("en-GB"), Language::English),
            (Some("den"), Language::English),
            (Some("pt-br"), Language::English),
            (Some("zh-hans-de"), Language::English),
            (Some(""), Language::English),
            (None, Language::English),
        ] {
            assert_eq!(Language::of(tag), language, "{tag:?}");
        }
    }

    #[test]
    fn each_is_written_down_by_its_code_and_found_by_it() {
        for language in Language::ALL {
            assert_eq!(serde_json::to_value(language).unwrap(), language.code());
            assert_eq!(Language::of(Some(language.code())), language);
        }
    }
}
