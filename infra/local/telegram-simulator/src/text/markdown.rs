//! `parse_mode=MarkdownV2`, after `parse_markdown_v2` of tdlib, without block quotes and custom emoji:
//! every reserved character that is not escaped and opens nothing is refused, as there.

use super::{Argument, Entity, Parsed, link};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Bold,
    Italic,
    Underline,
    Strikethrough,
    Spoiler,
    Code,
    Pre,
    TextUrl,
}

impl Kind {
    /// The name in tdlib's messages.
    fn tdlib(self) -> &'static str {
        match self {
            Self::Bold => "Bold",
            Self::Italic => "Italic",
            Self::Underline => "Underline",
            Self::Strikethrough => "Strikethrough",
            Self::Spoiler => "Spoiler",
            Self::Code => "Code",
            Self::Pre => "Pre",
            Self::TextUrl => "TextUrl",
        }
    }

    fn api(self) -> &'static str {
        match self {
            Self::Bold => "bold",
            Self::Italic => "italic",
            Self::Underline => "underline",
            Self::Strikethrough => "strikethrough",
            Self::Spoiler => "spoiler",
            Self::Code => "code",
            Self::Pre => "pre",
            Self::TextUrl => "text_link",
        }
    }

    fn mark(self) -> &'static str {
        match self {
            Self::Bold => "*",
            Self::Italic => "_",
            Self::Underline => "__",
            Self::Strikethrough => "~",
            Self::Spoiler => "||",
            Self::Code => "`",
            Self::Pre => "```",
            Self::TextUrl => "]",
        }
    }
}

struct Open {
    kind: Kind,
    offset: usize,
    byte: usize,
    text_start: usize,
}

/// Longer marks first: `__` is an underline, never two italics.
const OPENING: [(&str, Kind); 8] = [
    ("```", Kind::Pre),
    ("`", Kind::Code),
    ("__", Kind::Underline),
    ("_", Kind::Italic),
    ("||", Kind::Spoiler),
    ("*", Kind::Bold),
    ("~", Kind::Strikethrough),
    ("[", Kind::TextUrl),
];

/// Turns MarkdownV2 into text and entities, or says what is wrong with it.
pub(super) fn parse(source: &str) -> Result<Parsed, String> {
    let mut text = String::with_capacity(source.len());
    let mut offset = 0;
    let mut open: Vec<Open> = Vec::new();
    let mut entities = Vec::new();
    let mut at = 0;
    while let Some(c) = source.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = source.get(at..).unwrap_or("");
        let escaped = rest.chars().nth(1).filter(|next| c == '\\' && matches!(*next, '\x01'..='~'));
        let inside = open.last().map(|open| open.kind);
        let reserved = match inside {
            Some(Kind::Code | Kind::Pre) => "`",
            _ => "_*[]()~`>#+-=|{}.!",
        };
        let literal = match escaped {
            Some(next) => Some((next, 1 + next.len_utf8())),
            None if !reserved.contains(c) => Some((c, c.len_utf8())),
            None => None,
        };
        if let Some((c, length)) = literal {
            text.push(c);
            offset += c.len_utf16();
            at += length;
            continue;
        }
        // `_` closes italics only where no second one follows.
        let closes = inside.filter(|kind| {
            rest.starts_with(kind.mark()) && !(*kind == Kind::Italic && rest.starts_with("__"))
        });
        if let (Some(_), Some(last)) = (closes, open.pop_if(|_| closes.is_some())) {
            at += last.kind.mark().len();
            at += close(&last, source, at, &text, offset, &mut entities)?;
            continue;
        }
        let Some((mark, kind)) = OPENING.into_iter().find(|(mark, _)| rest.starts_with(mark))
        else {
            return Err(format!(
                "Character '{c}' is reserved and must be escaped with the preceding '\\'"
            ));
        };
        open.push(Open { kind, offset, byte: at, text_start: text.len() });
        at += mark.len();
    }
    match open.pop() {
        Some(last) => Err(format!(
            "Can't find end of {} entity at byte offset {}",
            last.kind.tdlib(),
            last.byte
        )),
        None => Ok((text, entities)),
    }
}

/// Adds the entity that ends here; gives the length of the URL part that follows it.
fn close(
    last: &Open,
    source: &str,
    at: usize,
    text: &str,
    offset: usize,
    entities: &mut Vec<Entity>,
) -> Result<usize, String> {
    let mut used = 0;
    let mut argument = Argument::None;
    let mut kind = last.kind.api();
    if last.kind == Kind::TextUrl {
        let mut url = text.get(last.text_start..).unwrap_or("").to_owned();
        if let Some(rest) = source.get(at..).and_then(|rest| rest.strip_prefix('(')) {
            let (read, length) = target(rest)
                .ok_or_else(|| format!("Can't find end of a URL at byte offset {}", at + 1))?;
            url = read;
            used = length + 2;
        }
        match link(&url) {
            Some(user @ Argument::User(_)) => {
                kind = "text_mention";
                argument = user;
            }
            Some(url) => argument = url,
            None => return Ok(used),
        }
    }
    if offset > last.offset {
        let length = offset - last.offset;
        entities.push(Entity { kind, offset: last.offset, length, argument });
    }
    Ok(used)
}

/// Reads up to the closing parenthesis; gives the URL and how many bytes it took.
fn target(rest: &str) -> Option<(String, usize)> {
    let mut url = String::new();
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            ')' if !escaped => return Some((url, at)),
            _ => {
                url.push(c);
                escaped = false;
            }
        }
    }
    None
}
