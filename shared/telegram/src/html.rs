//! Telegram's HTML: escaping, and how long a text is in Telegram's eyes.

pub use domain::texts::escape;

/// The longest text of a message, in characters after entities parsing (Bot API, `sendMessage`).
pub const MAX_TEXT: usize = 4096;

/// The longest caption of a photo, in characters after entities parsing (Bot API, `sendPhoto`).
pub const MAX_CAPTION: usize = 1024;

/// How many characters Telegram counts against [`MAX_TEXT`] and [`MAX_CAPTION`]: Unicode
/// characters (code points, not bytes and not UTF-16 units, which count only in the offsets of
/// entities), after tags are taken away and `&…;` is read. The source of tdlib/td says so: a bot's
/// text is measured with `utf8_length` against `message_text_length_max`.
///
/// It is exact for HTML whose texts went through [`escape`], and never too small otherwise, save
/// for stray `<` that Telegram would refuse anyway. White space at both ends, which Telegram drops,
/// is counted.
pub fn visible_length(html: &str) -> usize {
    let mut length = 0;
    let mut rest = html;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '<' => rest.find('>').map_or(rest.len(), |end| end + 1),
            '&' => {
                length += 1;
                entity_bytes(rest).unwrap_or(1)
            }
            other => {
                length += 1;
                other.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    length
}

/// The length in bytes of the entity that the text begins with, if it is one that Telegram knows.
fn entity_bytes(text: &str) -> Option<usize> {
    let end = text.find(';')?;
    let name = text.get(1..end)?;
    let known = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix('x') {
            Some(hex) => is_character(u32::from_str_radix(hex, 16)),
            None => is_character(number.parse()),
        },
        None => matches!(name, "lt" | "gt" | "amp" | "quot"),
    };
    known.then_some(end + 1)
}

fn is_character<E>(number: Result<u32, E>) -> bool {
    number.ok().and_then(char::from_u32).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_in_a_text_is_shown_and_not_obeyed() {
        assert_eq!(escape(r#"a<b> & "c" 'd'"#), "a&lt;b&gt; &amp; &quot;c&quot; 'd'");
        assert_eq!(escape("&lt;"), "&amp;lt;");
        assert_eq!(escape("BTC/USDT 64250.5 (5x)"), "BTC/USDT 64250.5 (5x)");
    }

    #[test]
    fn what_people_see_is_counted() {
        for (html, length) in [
            ("", 0),
            ("abc", 3),
            ("<b>abc</b>", 3),
            (r#"<a href="https://example.org/?a=1&amp;b=2">abc</a>"#, 3),
            ("a &amp; b", 5),
            ("&lt;&gt;&quot;&#65;&#x1F680;", 5),
            ("&nbsp;", 6),
            ("&#xD800;", 8),
            ("a & b; c", 8),
            ("🚀é", 2),
            ("&", 1),
        ] {
            assert_eq!(visible_length(html), length, "{html}");
        }
    }

    proptest! {
        #[test]
        fn an_escaped_text_is_as_long_as_the_text(text in "\\PC*") {
            prop_assert_eq!(visible_length(&escape(&text)), text.chars().count());
        }

        #[test]
        fn an_escaped_text_holds_no_markup(text in "\\PC*") {
            prop_assert!(!escape(&text).contains(['<', '>', '"']));
        }
    }
}
