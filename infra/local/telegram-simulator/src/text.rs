//! From the text of a call to the text of a message: parse mode, entities, trimming, length.
//!
//! Errors and offsets are those of tdlib (`MessageEntity.cpp`), where bytes are counted for errors and
//! UTF-16 units for entities.

mod html;
mod markdown;

use serde_json::{Value, json};

use crate::errors::{ApiError, ApiResult};

/// One formatted stretch of a text. Offset and length count UTF-16 units.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entity {
    pub(crate) kind: &'static str,
    pub(crate) offset: usize,
    pub(crate) length: usize,
    pub(crate) argument: Argument,
}

/// What an entity carries besides its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument {
    None,
    Url(String),
    Language(String),
    CustomEmoji(String),
    User(i64),
}

impl Entity {
    fn json(&self) -> Value {
        let mut value = json!({ "type": self.kind, "offset": self.offset, "length": self.length });
        let extra = match &self.argument {
            Argument::None => None,
            Argument::Url(url) => Some(("url", json!(url))),
            Argument::Language(language) => Some(("language", json!(language))),
            Argument::CustomEmoji(id) => Some(("custom_emoji_id", json!(id))),
            Argument::User(id) => Some(("user", json!({ "id": id }))),
        };
        if let (Some((name, extra)), Some(fields)) = (extra, value.as_object_mut()) {
            fields.insert(name.to_owned(), extra);
        }
        value
    }
}

/// A text with its entities, ready to be shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Formatted {
    pub(crate) text: String,
    pub(crate) entities: Vec<Value>,
}

/// Text before it is trimmed.
type Parsed = (String, Vec<Entity>);

/// How long a text may be, and how the server names it when it is longer.
pub(crate) enum Limit {
    /// 4096 characters after parsing; must not be empty.
    Message,
    /// 1024 characters after parsing; may be empty.
    Caption,
}

/// Parses, trims and measures a text as the Bot API server does.
pub(crate) fn format(text: &str, parse_mode: &str, limit: &Limit) -> ApiResult<Formatted> {
    if text.is_empty() {
        return match limit {
            Limit::Message => Err(ApiError::bad("message text is empty")),
            Limit::Caption => Ok(Formatted::default()),
        };
    }
    if text.len() > 1 << 15 {
        return Err(ApiError::bad("text is too long"));
    }
    let parsed = match parse_mode.to_ascii_lowercase().as_str() {
        "" | "none" => Ok((text.to_owned(), Vec::new())),
        "html" => html::parse(text),
        "markdownv2" => markdown::parse(text),
        _ => return Err(ApiError::bad("unsupported parse_mode")),
    };
    let (text, entities) =
        parsed.map_err(|why| ApiError::bad(format!("can't parse entities: {why}")))?;
    let (text, mut entities) = trim(text, entities);
    if text.is_empty() && matches!(limit, Limit::Message) {
        return Err(ApiError::bad("text must be non-empty"));
    }
    let length = text.chars().count();
    match limit {
        Limit::Message if length > 4096 => return Err(ApiError::bad("message is too long")),
        Limit::Caption if length > 1024 => {
            return Err(ApiError::bad("message caption is too long"));
        }
        _ => {}
    }
    entities.extend(commands(&text));
    entities.sort_by_key(|e| (e.offset, std::cmp::Reverse(e.length)));
    Ok(Formatted { text, entities: entities.iter().map(Entity::json).collect() })
}

/// What a person types: no markup, only the entities that Telegram finds by itself.
pub(crate) fn plain(text: &str) -> Formatted {
    let entities = commands(text).iter().map(Entity::json).collect();
    Formatted { text: text.to_owned(), entities }
}

/// Removes white space at both ends and moves the entities along.
fn trim(text: String, entities: Vec<Entity>) -> Parsed {
    let kept = text.trim();
    if kept.len() == text.len() {
        return (text, entities);
    }
    let front = utf16_length(text.get(..text.len() - text.trim_start().len()).unwrap_or(""));
    let total = utf16_length(kept);
    let entities = entities
        .into_iter()
        .filter_map(|mut entity| {
            let end = (entity.offset + entity.length).saturating_sub(front).min(total);
            entity.offset = entity.offset.saturating_sub(front);
            entity.length = end.checked_sub(entity.offset).filter(|length| *length > 0)?;
            Some(entity)
        })
        .collect();
    (kept.to_owned(), entities)
}

/// Finds `/command` and `/command@bot`, which Telegram marks by itself.
fn commands(text: &str) -> Vec<Entity> {
    let mut found = Vec::new();
    let mut before = None;
    for (at, c) in text.char_indices() {
        let starts = c == '/' && before.is_none_or(|b: char| b.is_whitespace());
        before = Some(c);
        if !starts {
            continue;
        }
        let rest = text.get(at + 1..).unwrap_or("");
        let name = rest.len()
            - rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
        if !(1..=64).contains(&name) {
            continue;
        }
        let after = rest.get(name..).unwrap_or("");
        let bot = after.strip_prefix('@').map_or(0, |bot| {
            1 + bot.len()
                - bot.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len()
        });
        let length = 1 + name + if bot > 1 { bot } else { 0 };
        found.push(Entity {
            kind: "bot_command",
            offset: utf16_length(text.get(..at).unwrap_or("")),
            length,
            argument: Argument::None,
        });
    }
    found
}

fn utf16_length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The target of a link: a user (`tg://user?id=`), a web address, or nothing that can be linked.
fn link(url: &str) -> Option<Argument> {
    if let Some(id) = url.strip_prefix("tg://user?id=") {
        return id.parse().ok().map(Argument::User);
    }
    if url.starts_with("tg:") {
        return Some(Argument::Url(url.to_owned()));
    }
    let lower = url.to_ascii_lowercase();
    let (scheme, rest) = match lower.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (scheme, rest),
        Some(_) => return None,
        None => ("http", lower.as_str()),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    if !host.contains('.') || host.chars().any(char::is_whitespace) {
        return None;
    }
    let given = url.get(url.len() - rest.len()..).unwrap_or(url);
    let slash = if given.contains('/') { "" } else { "/" };
    Some(Argument::Url(format!("{scheme}://{given}{slash}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> ApiResult<Formatted> {
        format(text, "HTML", &Limit::Message)
    }

    fn refusal(text: &str, mode: &str) -> String {
        format(text, mode, &Limit::Message).unwrap_err().description
    }

    #[test]
    fn bold_and_a_link_become_entities_and_escapes_become_characters() {
        let got = html("<b>BTC &amp; ETH</b> <a href=\"https://example.com/?a=1&amp;b=2\">go</a>")
            .unwrap();
        assert_eq!(got.text, "BTC & ETH go");
        assert_eq!(
            got.entities,
            [
                json!({"type": "bold", "offset": 0, "length": 9}),
                json!({"type": "text_link", "offset": 10, "length": 2,
                       "url": "https://example.com/?a=1&b=2"}),
            ]
        );
    }

    #[test]
    fn offsets_count_utf16_units_and_follow_trimming() {
        let got = html("  \u{1F680}<b>go</b> ").unwrap();
        assert_eq!(got.text, "\u{1F680}go");
        assert_eq!(got.entities, [json!({"type": "bold", "offset": 2, "length": 2})]);
    }

    #[test]
    fn a_tag_left_open_is_refused() {
        assert_eq!(
            refusal("<b>long", "HTML"),
            "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""
        );
    }

    #[test]
    fn an_unknown_tag_is_refused_with_its_place() {
        assert_eq!(
            refusal("a <table>", "HTML"),
            "Bad Request: can't parse entities: Unsupported start tag \"table\" at byte offset 2"
        );
    }

    #[test]
    fn a_bare_less_than_is_refused() {
        assert_eq!(
            refusal("price < 5", "HTML"),
            "Bad Request: can't parse entities: Unsupported start tag \"\" at byte offset 6"
        );
    }

    #[test]
    fn crossed_tags_are_refused() {
        assert_eq!(
            refusal("<b><i>x</b></i>", "HTML"),
            "Bad Request: can't parse entities: Unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\""
        );
    }

    #[test]
    fn an_end_without_a_beginning_is_refused() {
        assert_eq!(
            refusal("x</b>", "HTML"),
            "Bad Request: can't parse entities: Unexpected end tag at byte offset 1"
        );
    }

    #[test]
    fn a_price_in_markdown_v2_must_be_escaped() {
        assert_eq!(
            refusal("entry 1.5", "MarkdownV2"),
            "Bad Request: can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'"
        );
        assert_eq!(format("entry 1\\.5", "MarkdownV2", &Limit::Message).unwrap().text, "entry 1.5");
    }

    #[test]
    fn markdown_v2_knows_bold_code_and_links() {
        let got =
            format("*a* `b` [c](https://example.com/x)", "MarkdownV2", &Limit::Message).unwrap();
        assert_eq!(got.text, "a b c");
        let kinds: Vec<_> = got.entities.iter().map(|e| e["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["bold", "code", "text_link"]);
    }

    #[test]
    fn an_open_star_in_markdown_v2_is_refused() {
        assert_eq!(
            refusal("a *b", "MarkdownV2"),
            "Bad Request: can't parse entities: Can't find end of Bold entity at byte offset 2"
        );
    }

    #[test]
    fn length_is_measured_after_parsing() {
        assert!(html(&format!("<b>{}</b>", "x".repeat(4096))).is_ok());
        assert_eq!(
            html(&"x".repeat(4097)).unwrap_err().description,
            "Bad Request: message is too long"
        );
        assert_eq!(
            format(&"x".repeat(1025), "", &Limit::Caption).unwrap_err().description,
            "Bad Request: message caption is too long"
        );
    }

    #[test]
    fn nothing_and_nothing_but_tags_are_two_refusals() {
        assert_eq!(html("").unwrap_err().description, "Bad Request: message text is empty");
        assert_eq!(
            html("<b></b> ").unwrap_err().description,
            "Bad Request: text must be non-empty"
        );
    }

    #[test]
    fn commands_are_found_without_markup() {
        let got = plain("/start@usher_bot abc");
        assert_eq!(got.entities, [json!({"type": "bot_command", "offset": 0, "length": 16})]);
        assert!(plain("1/2").entities.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_parsers(text in "\\PC{0,60}", mode in proptest::sample::select(&["HTML", "MarkdownV2", ""][..])) {
            if let Ok(got) = format(&text, mode, &Limit::Caption) {
                let total = got.text.encode_utf16().count();
                for entity in &got.entities {
                    let end = entity["offset"].as_u64().unwrap() + entity["length"].as_u64().unwrap();
                    assert!(end as usize <= total);
                }
            }
        }

        #[test]
        fn escaped_text_arrives_as_it_was(text in "\\PC{1,60}") {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            if !text.trim().is_empty() {
                assert_eq!(format(&escaped, "HTML", &Limit::Message).unwrap().text, text.trim());
            }
        }
    }
}
