//! From Telegram's answer to what is to be done.
//!
//! The texts are those of tdlib/telegram-bot-api and tdlib/td. They carry no codes to go by, and
//! they are stable: many programs depend on them. Texts are compared from their beginning, because
//! some end in words of the request ("can't parse entities: …").

use domain::ids::ChatId;

use crate::call_error::{CallError, Right};
use crate::scrub::quote;

/// What to wait after a 429 that names no time. Telegram's own server uses the same number where it
/// has none (tdlib/telegram-bot-api, `set_retry_after_error(5)`).
const RETRY_AFTER_UNSAID: u32 = 5;

/// Bot API, "Making requests": the form of an unsuccessful answer.
struct Refusal {
    error_code: Option<u16>,
    description: String,
    migrate_to_chat_id: Option<ChatId>,
    retry_after: Option<u32>,
}

/// Says what an answer that is not a success means.
///
/// `status` is the HTTP status, `body` the answer's text (of which the caller has taken the token
/// away), `retry_after` the header of that name. The `error_code` inside the answer, if there is
/// one, counts more than the HTTP status.
pub fn classify(status: u16, body: &[u8], retry_after: Option<&str>) -> CallError {
    let Some(refusal) = read(body) else {
        return not_the_bot_api(status, body, retry_after);
    };
    let description = refusal.description.as_str();
    if let Some(to) = refusal.migrate_to_chat_id {
        return CallError::Migrated { to };
    }
    match refusal.error_code.unwrap_or(status) {
        400 => bad_request(after_prefix(description, "Bad Request: ")),
        // 421 is what a server answers that serves other bots only.
        401 | 421 => CallError::Unauthorized,
        403 => forbidden(after_prefix(description, "Forbidden: ")),
        // Without a path that it knows as a token, Telegram answers a plain "Not Found".
        404 if !description.contains("method") => CallError::Unauthorized,
        429 => CallError::RetryAfter {
            seconds: seconds(refusal.retry_after, retry_after, description),
        },
        code if (400..500).contains(&code) => {
            CallError::BadInput { description: quoted(code, description) }
        }
        code => CallError::Transient { description: quoted(code, description) },
    }
}

/// Reads the Bot API's own refusal, even one whose parts are not what they should be.
fn read(body: &[u8]) -> Option<Refusal> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    if value.get("ok")?.as_bool()? {
        return None;
    }
    let parameters = value.get("parameters");
    let parameter = |name: &str| parameters.and_then(|all| all.get(name));
    Some(Refusal {
        error_code: value.get("error_code").and_then(|code| code.as_u64()?.try_into().ok()),
        description: value.get("description")?.as_str()?.to_owned(),
        migrate_to_chat_id: parameter("migrate_to_chat_id")
            .and_then(serde_json::Value::as_i64)
            .map(ChatId::new),
        retry_after: parameter("retry_after").and_then(|number| number.as_u64()?.try_into().ok()),
    })
}

/// A page of a gateway or of some other server. It says nothing about our request, but a few
/// statuses mean the same everywhere.
fn not_the_bot_api(status: u16, body: &[u8], retry_after: Option<&str>) -> CallError {
    let text = String::from_utf8_lossy(body);
    match status {
        429 => CallError::RetryAfter { seconds: seconds(None, retry_after, "") },
        413 => CallError::BadInput { description: quoted(status, &text) },
        _ => CallError::Transient { description: quoted(status, &text) },
    }
}

fn quoted(status: u16, text: &str) -> String {
    quote(&format!("{status}: {text}"))
}

/// Takes the first number that there is, never zero: in the answer, in the header, in the words.
fn seconds(parameter: Option<u32>, header: Option<&str>, description: &str) -> u32 {
    let from_header = || header.and_then(|text| text.trim().parse().ok());
    let from_words = || {
        let (_, number) = description.split_once("retry after ")?;
        number.trim().parse().ok()
    };
    parameter.or_else(from_header).or_else(from_words).unwrap_or(RETRY_AFTER_UNSAID).max(1)
}

fn after_prefix<'a>(description: &'a str, prefix: &str) -> &'a str {
    description.strip_prefix(prefix).unwrap_or(description)
}

/// What a 400 means. Unknown texts are bad input: the same call would be refused again.
fn bad_request(text: &str) -> CallError {
    let begins = |beginnings: &[&str]| begins_with_any(text, beginnings);
    if begins(&["chat not found", "not in the chat", "CHANNEL_PRIVATE"]) {
        CallError::BotRemoved
    } else if begins(&["private chat not found"]) {
        CallError::UserUnreachable
    } else if begins(&[
        "can't remove chat owner",
        "user is an administrator of the chat",
        "can't restrict self",
    ]) {
        CallError::TargetIsAdmin
    } else if begins(&[
        "USER_ALREADY_PARTICIPANT",
        "CHAT_NOT_MODIFIED",
        "chat description is not modified",
        "chat title is not modified",
        // A link that is revoked or run out cannot be revoked again.
        "INVITE_HASH_EXPIRED",
    ]) {
        CallError::AlreadySo
    } else if begins(&["HIDE_REQUESTER_MISSING"]) {
        CallError::NotPending
    } else if begins(&[
        "USER_ID_INVALID",
        "user not found",
        "member not found",
        "invalid user_id specified",
    ]) {
        CallError::UnknownUser
    } else if begins(&["USER_CHANNELS_TOO_MUCH", "CHANNELS_TOO_MUCH"]) {
        CallError::TooManyGroups
    } else if begins(&[
        "message to be replied not found",
        "message to reply not found",
        "replied message not found",
    ]) {
        CallError::ReplyGone
    } else if begins(&["PARTICIPANT_ID_INVALID"]) {
        CallError::NoParticipant
    } else if begins(&["method is available for supergroup", "method is available only for super"])
    {
        CallError::NotASupergroup
    } else if begins(&[
        // The new id should come with it. It does come by a service message.
        "group chat was upgraded to a supergroup chat",
    ]) {
        CallError::Transient { description: quote(text) }
    } else if let Some(what) = missing_right(text) {
        CallError::RightsLost { what }
    } else {
        CallError::BadInput { description: quote(text) }
    }
}

/// What a 403 means: something about the bot's standing or about a person, never about the input.
/// An unknown text is taken for a missing right: the work waits and somebody is told.
fn forbidden(text: &str) -> CallError {
    let begins = |beginnings: &[&str]| begins_with_any(text, beginnings);
    if begins(&["bot was kicked", "bot is not a member", "the group chat was deleted"]) {
        CallError::BotRemoved
    } else if begins(&["bot was blocked by the user", "bot can't", "bots can't", "user is"]) {
        CallError::UserUnreachable
    } else {
        let what = missing_right(text).unwrap_or_else(|| Right::Other(quote(text)));
        CallError::RightsLost { what }
    }
}

/// The right that a refusal speaks of, if it speaks of one.
fn missing_right(text: &str) -> Option<Right> {
    let begins = |beginnings: &[&str]| begins_with_any(text, beginnings);
    if begins(&["not enough rights to manage chat", "not enough rights to invite"]) {
        Some(Right::InviteUsers)
    } else if begins(&[
        "not enough rights to restrict",
        "not enough rights to ban",
        "not enough rights to change chat permissions",
    ]) {
        Some(Right::RestrictMembers)
    } else if begins(&[
        "not enough rights to change chat title",
        "not enough rights to set chat description",
        "not enough rights to change chat photo",
    ]) {
        Some(Right::ChangeInfo)
    } else if begins(&[
        "not enough rights to send",
        "have no write access to the chat",
        "have no rights to send",
        "CHAT_WRITE_FORBIDDEN",
    ]) {
        Some(Right::SendMessages)
    } else if begins(&[
        "not enough rights",
        "need administrator rights",
        "member list is inaccessible",
        "CHAT_ADMIN_REQUIRED",
        "CHAT_RESTRICTED",
    ]) {
        Some(Right::Other(quote(text)))
    } else {
        None
    }
}

/// Letter case is ignored: the server makes the first letter small on some ways and not on others.
fn begins_with_any(text: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| {
        text.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
    })
}
