//! Making foreign text fit for an error: short, on one line, without ids and secrets.

use serde_json::Value;

/// How much of a foreign text an error quotes, in characters.
const QUOTE: usize = 300;

/// How many digits in a row may be a Telegram id (and so are hidden).
const ID_DIGITS: usize = 5;

/// How many characters in a row may be a token or the secret part of an invite link, if digits are
/// among them. Telegram's own error codes, such as `HIDE_REQUESTER_MISSING`, have none.
const OPAQUE: usize = 16;

/// Quotes a foreign text: whatever may be an id or a secret becomes `#`, line ends become spaces,
/// and what is long is cut.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::new();
    let mut word = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || character == '_' || character == '-' {
            word.push(character);
            continue;
        }
        quoted.push_str(&mask_word(&word));
        word.clear();
        quoted.push(if character.is_control() { ' ' } else { character });
    }
    quoted.push_str(&mask_word(&word));
    cut(&quoted)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(QUOTE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn mask_word(word: &str) -> String {
    if word.len() >= OPAQUE && word.bytes().any(|byte| byte.is_ascii_digit()) {
        return "#".to_owned();
    }
    let mut masked = String::new();
    let mut digits = String::new();
    for character in word.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        push_digits(&mut masked, &digits);
        digits.clear();
        masked.push(character);
    }
    push_digits(&mut masked, &digits);
    masked
}

fn push_digits(masked: &mut String, digits: &str) {
    masked.push_str(if digits.len() >= ID_DIGITS { "#" } else { digits });
}

/// Describes a JSON text by its field names alone. For answers that hold people's names and invite
/// links: their values have no place in an error. What is not JSON is quoted.
pub(crate) fn shape(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => quote(&shape_of(&value)),
        Err(_) => quote(text),
    }
}

fn shape_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Array(items) => format!("[{} items]", items.len()),
        Value::Object(fields) => {
            let mut fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}: {}", shape_of(value))).collect();
            // The order of a map is that of the build's features: the shape is always the same.
            fields.sort();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_and_secrets_are_hidden_and_words_are_kept() {
        for (text, expected) in [
            ("Bad Request: HIDE_REQUESTER_MISSING", "Bad Request: HIDE_REQUESTER_MISSING"),
            ("retry after 86400", "retry after #"),
            ("user 10011, chat -1001234567890", "user #, chat -#"),
            ("user_10011_x", "user_#_x"),
            ("byte offset 1234", "byte offset 1234"),
            ("https://t.me/+AbCdEfGh12345678", "https://t.me/+#"),
            ("/bot100:AAE0-bCdEfGhIjKlMnOpQrStUvWx_yZ01/getMe", "/bot100:#/getMe"),
            ("one\ntwo\r\u{0}", "one two  "),
        ] {
            assert_eq!(quote(text), expected);
        }
    }

    #[test]
    fn an_answer_is_described_without_its_values() {
        let text = r#"{"ok":true,"result":{"user":{"id":1001,"first_name":"Ann"},"links":["x"]}}"#;
        assert_eq!(
            shape(text),
            "{ok: true, result: {links: [1 items], user: {first_name: text, id: number}}}"
        );
        assert_eq!(shape("<html>10011</html>"), "<html>#</html>");
    }

    proptest! {
        #[test]
        fn no_quote_is_long_or_holds_a_run_of_digits(text in "[ -~\\n]{0,900}") {
            let quoted = quote(&text);
            prop_assert!(quoted.chars().count() <= QUOTE + 1);
            prop_assert!(!quoted.contains('\n'));
            let longest = quoted.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
            prop_assert!(longest < Some(ID_DIGITS));
        }

        #[test]
        fn any_text_can_be_quoted(text in "\\PC*") {
            prop_assert!(quote(&text).chars().count() <= QUOTE + 1);
            shape(&text);
        }
    }
}
