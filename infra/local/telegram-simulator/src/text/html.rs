//! `parse_mode=HTML`, after `parse_html` of tdlib: same tags, same errors, same byte offsets.

use super::{Argument, Entity, Parsed, link};

struct Open {
    tag: String,
    argument: String,
    offset: usize,
    text_start: usize,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The byte at the place of reading; 0 at the end, as in the C original.
    fn now(&self) -> u8 {
        self.peek(0)
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn ended(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn since(&self, start: usize) -> String {
        String::from_utf8_lossy(self.bytes.get(start..self.at).unwrap_or_default()).into_owned()
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while !self.ended() && wanted(self.now()) {
            self.at += 1;
        }
    }

    /// Reads `&lt;`, `&#33;` and the like; leaves the place alone where there is none.
    fn character_reference(&mut self) -> Option<char> {
        let start = self.at;
        self.at += 1;
        let found = if self.now() == b'#' {
            self.at += 1;
            let radix = if self.now() == b'x' {
                self.at += 1;
                16
            } else {
                10
            };
            let digits = self.at;
            self.skip_while(|c| char::from(c).is_digit(radix));
            let code = u32::from_str_radix(&self.since(digits), radix).ok();
            code.filter(|code| *code != 0 && *code < 0x0010_ffff && self.at - start < 10)
                .and_then(char::from_u32)
        } else {
            let name = self.at;
            self.skip_while(|c| c.is_ascii_alphabetic());
            match self.since(name).as_str() {
                "lt" => Some('<'),
                "gt" => Some('>'),
                "amp" => Some('&'),
                "quot" => Some('"'),
                _ => None,
            }
        };
        match found {
            Some(_) if self.now() == b';' => self.at += 1,
            Some(_) => {}
            None => self.at = start,
        }
        found
    }
}

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\r' | b'\n' | 0 | 0x0b)
}

const TAGS: [&str; 17] = [
    "a",
    "b",
    "strong",
    "i",
    "em",
    "s",
    "strike",
    "del",
    "u",
    "ins",
    "tg-spoiler",
    "tg-emoji",
    "tg-time",
    "span",
    "pre",
    "code",
    "blockquote",
];

/// Turns HTML into text and entities, or says what is wrong with it.
pub(super) fn parse(source: &str) -> Result<Parsed, String> {
    let mut reader = Reader { bytes: source.as_bytes(), at: 0 };
    let mut text = String::with_capacity(source.len());
    let mut offset = 0;
    let mut open: Vec<Open> = Vec::new();
    let mut entities = Vec::new();
    while !reader.ended() {
        match reader.now() {
            b'&' => {
                let c = reader.character_reference().unwrap_or_else(|| {
                    reader.at += 1;
                    '&'
                });
                text.push(c);
                offset += c.len_utf16();
            }
            b'<' if reader.peek(1) == b'/' => {
                close(&mut reader, &mut open, &mut entities, &text, offset)?;
            }
            b'<' => open.push(start(&mut reader, offset, text.len())?),
            _ => {
                let rest = source.get(reader.at..).unwrap_or("");
                let plain = rest.find(['&', '<']).unwrap_or(rest.len());
                let plain = rest.get(..plain).unwrap_or("");
                text.push_str(plain);
                offset += plain.encode_utf16().count();
                reader.at += plain.len();
            }
        }
    }
    match open.pop() {
        Some(last) => {
            Err(format!("Can't find end tag corresponding to start tag \"{}\"", last.tag))
        }
        None => Ok((text, entities)),
    }
}

fn start(reader: &mut Reader<'_>, offset: usize, text_start: usize) -> Result<Open, String> {
    let begin = reader.at;
    reader.at += 1;
    reader.skip_while(|c| !is_space(c) && c != b'>');
    if reader.ended() {
        return Err(format!("Unclosed start tag at byte offset {begin}"));
    }
    let tag = reader.since(begin + 1).to_lowercase();
    if !TAGS.contains(&tag.as_str()) {
        return Err(format!("Unsupported start tag \"{tag}\" at byte offset {begin}"));
    }
    let mut argument = String::new();
    while reader.now() != b'>' {
        reader.skip_while(is_space);
        if reader.now() == b'>' {
            break;
        }
        let name_start = reader.at;
        reader.skip_while(|c| !is_space(c) && !b"=>/\"'".contains(&c));
        let name = reader.since(name_start);
        if name.is_empty() {
            return Err(format!(
                "Empty attribute name in the tag \"{tag}\" at byte offset {begin}"
            ));
        }
        reader.skip_while(is_space);
        if reader.now() != b'=' {
            if reader.ended() {
                return Err(format!("Unclosed start tag \"{tag}\" at byte offset {begin}"));
            }
            if tag == "blockquote" && name == "expandable" {
                argument = "1".to_owned();
            }
            continue;
        }
        reader.at += 1;
        reader.skip_while(is_space);
        if reader.ended() {
            return Err(format!("Unclosed start tag \"{tag}\" at byte offset {begin}"));
        }
        let value = attribute(reader)?;
        if reader.ended() {
            return Err(format!("Unclosed start tag at byte offset {begin}"));
        }
        let taken = match (tag.as_str(), name.as_str()) {
            ("a", "href") | ("tg-emoji", "emoji-id") | ("tg-time", "unix") => Some(value.as_str()),
            ("code", "class") => value.strip_prefix("language-"),
            ("span", "class") => value.strip_prefix("tg-"),
            ("blockquote", "expandable") => Some("1"),
            _ => None,
        };
        if let Some(taken) = taken {
            argument = taken.to_owned();
        }
    }
    reader.at += 1;
    if tag == "span" && argument != "spoiler" {
        return Err(format!("Tag \"span\" must have class \"tg-spoiler\" at byte offset {begin}"));
    }
    Ok(Open { tag, argument, offset, text_start })
}

fn attribute(reader: &mut Reader<'_>) -> Result<String, String> {
    let quote = reader.now();
    if quote != b'"' && quote != b'\'' {
        let begin = reader.at;
        reader.skip_while(|c| c.is_ascii_alphanumeric() || c == b'.' || c == b'-');
        if !is_space(reader.now()) && reader.now() != b'>' {
            return Err(format!("Unexpected end of name token at byte offset {begin}"));
        }
        return Ok(reader.since(begin).to_lowercase());
    }
    reader.at += 1;
    let mut value = Vec::new();
    while !reader.ended() && reader.now() != quote {
        if reader.now() == b'&'
            && let Some(c) = reader.character_reference()
        {
            value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        value.push(reader.now());
        reader.at += 1;
    }
    reader.at += 1;
    Ok(String::from_utf8_lossy(&value).into_owned())
}

fn close(
    reader: &mut Reader<'_>,
    open: &mut Vec<Open>,
    entities: &mut Vec<Entity>,
    text: &str,
    offset: usize,
) -> Result<(), String> {
    let begin = reader.at;
    let Some(last) = open.pop() else {
        return Err(format!("Unexpected end tag at byte offset {begin}"));
    };
    reader.at += 2;
    reader.skip_while(|c| !is_space(c) && c != b'>');
    let tag = reader.since(begin + 2).to_lowercase();
    reader.skip_while(is_space);
    if reader.now() != b'>' {
        return Err(format!("Unclosed end tag at byte offset {begin}"));
    }
    reader.at += 1;
    if !tag.is_empty() && tag != last.tag {
        return Err(format!(
            "Unmatched end tag at byte offset {begin}, expected \"</{}>\", found \"</{tag}>\"",
            last.tag
        ));
    }
    if offset > last.offset {
        add(last, entities, text, offset)?;
    }
    Ok(())
}

fn add(last: Open, entities: &mut Vec<Entity>, text: &str, end: usize) -> Result<(), String> {
    let length = end - last.offset;
    let same = |entity: &Entity| entity.offset == last.offset && entity.length == length;
    let (kind, argument) = match last.tag.as_str() {
        "i" | "em" => ("italic", Argument::None),
        "b" | "strong" => ("bold", Argument::None),
        "s" | "strike" | "del" => ("strikethrough", Argument::None),
        "u" | "ins" => ("underline", Argument::None),
        "tg-spoiler" | "span" => ("spoiler", Argument::None),
        "tg-emoji" => match last.argument.parse::<i64>() {
            Ok(id) if id != 0 => ("custom_emoji", Argument::CustomEmoji(last.argument)),
            _ => return Err("Invalid custom emoji identifier specified".to_owned()),
        },
        "tg-time" => return Ok(()),
        "a" => {
            let shown = text.get(last.text_start..).unwrap_or("");
            let url = if last.argument.is_empty() { shown } else { &last.argument };
            match link(url) {
                Some(user @ Argument::User(_)) => ("text_mention", user),
                Some(url) => ("text_link", url),
                None => return Ok(()),
            }
        }
        "pre" => {
            // <pre><code class="language-…"> is one block with a language.
            let inner = entities.pop_if(|e| e.kind == "code" && same(e));
            match inner.map(|entity| entity.argument) {
                Some(language @ Argument::Language(_)) => ("pre", language),
                _ => ("pre", Argument::None),
            }
        }
        "code" if last.argument.is_empty() => ("code", Argument::None),
        "code" => ("code", Argument::Language(last.argument)),
        _ if last.argument.is_empty() => ("blockquote", Argument::None),
        _ => ("expandable_blockquote", Argument::None),
    };
    entities.push(Entity { kind, offset: last.offset, length, argument });
    Ok(())
}
