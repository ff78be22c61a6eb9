//! Every refusal that Telegram is known to give, and what is to be done about it.

use domain::ids::ChatId;
use proptest::prelude::*;
use serde_json::json;

use crate::{CallError, Right, classify};

fn refused(code: u16, description: &str) -> CallError {
    let body = json!({ "ok": false, "error_code": code, "description": description });
    classify(code, body.to_string().as_bytes(), None)
}

fn rights(what: Right) -> CallError {
    CallError::RightsLost { what }
}

fn bad(description: &str) -> CallError {
    CallError::BadInput { description: description.to_owned() }
}

fn transient(description: &str) -> CallError {
    CallError::Transient { description: description.to_owned() }
}

#[test]
fn every_known_refusal_says_what_to_do() {
    use CallError::*;
    let table = [
        // Links.
        (
            400,
            "Bad Request: member limit can't be specified for links requiring administrator approval",
            bad("member limit can't be specified for links requiring administrator approval"),
        ),
        (
            400,
            "Bad Request: not enough rights to manage chat invite link",
            rights(Right::InviteUsers),
        ),
        (400, "Bad Request: INVITE_HASH_EXPIRED", AlreadySo),
        // Join requests.
        (
            400,
            "Bad Request: not enough rights to manage chat join requests",
            rights(Right::InviteUsers),
        ),
        (400, "Bad Request: HIDE_REQUESTER_MISSING", NotPending),
        (400, "Bad Request: USER_ALREADY_PARTICIPANT", AlreadySo),
        (400, "Bad Request: USER_CHANNELS_TOO_MUCH", TooManyGroups),
        (400, "Bad Request: CHANNELS_TOO_MUCH", TooManyGroups),
        (400, "Bad Request: USER_ID_INVALID", UnknownUser),
        (400, "Bad Request: invalid user_id specified", UnknownUser),
        // Removing.
        (400, "Bad Request: can't remove chat owner", TargetIsAdmin),
        (400, "Bad Request: user is an administrator of the chat", TargetIsAdmin),
        (400, "Bad Request: can't restrict self", TargetIsAdmin),
        (
            400,
            "Bad Request: not enough rights to restrict/unrestrict chat member",
            rights(Right::RestrictMembers),
        ),
        (400, "Bad Request: member not found", UnknownUser),
        (400, "Bad Request: user not found", UnknownUser),
        (
            400,
            "Bad Request: method is available for supergroup and channel chats only",
            CallError::NotASupergroup,
        ),
        (400, "Bad Request: PARTICIPANT_ID_INVALID", CallError::NoParticipant),
        // Messages.
        (400, "Bad Request: message text is empty", bad("message text is empty")),
        (400, "Bad Request: message is too long", bad("message is too long")),
        (
            400,
            "Bad Request: can't parse entities: Unsupported start tag \"i\" at byte offset 5",
            bad("can't parse entities: Unsupported start tag \"i\" at byte offset 5"),
        ),
        (
            400,
            "Bad Request: not enough rights to send text messages to the chat",
            rights(Right::SendMessages),
        ),
        (400, "Bad Request: have no write access to the chat", rights(Right::SendMessages)),
        (400, "Bad Request: CHAT_WRITE_FORBIDDEN", rights(Right::SendMessages)),
        (400, "Bad Request: message to be replied not found", ReplyGone),
        (
            400,
            "Bad Request: wrong file identifier/HTTP URL specified",
            bad("wrong file identifier/HTTP URL specified"),
        ),
        // Settings of a group.
        (400, "Bad Request: not enough rights to change chat title", rights(Right::ChangeInfo)),
        (400, "Bad Request: not enough rights to set chat description", rights(Right::ChangeInfo)),
        (
            400,
            "Bad Request: not enough rights to change chat permissions",
            rights(Right::RestrictMembers),
        ),
        (400, "Bad Request: chat description is not modified", AlreadySo),
        (400, "Bad Request: CHAT_NOT_MODIFIED", AlreadySo),
        (
            400,
            "Bad Request: CHAT_ADMIN_REQUIRED",
            rights(Right::Other("CHAT_ADMIN_REQUIRED".to_owned())),
        ),
        // Chats and people.
        (400, "Bad Request: chat not found", BotRemoved),
        (400, "Bad Request: private chat not found", UserUnreachable),
        (403, "Forbidden: bot was kicked from the supergroup chat", BotRemoved),
        (403, "Forbidden: bot was kicked from the group chat", BotRemoved),
        (403, "Forbidden: bot is not a member of the supergroup chat", BotRemoved),
        (403, "Forbidden: the group chat was deleted", BotRemoved),
        (403, "Forbidden: bot was blocked by the user", UserUnreachable),
        (403, "Forbidden: bot can't initiate conversation with a user", UserUnreachable),
        (403, "Forbidden: bots can't send messages to bots", UserUnreachable),
        (403, "Forbidden: user is deactivated", UserUnreachable),
        // Unknown ones: a 400 is wrong for good, a 403 waits for somebody to give a right.
        (400, "Bad Request: SOMETHING_NEW", bad("SOMETHING_NEW")),
        (403, "Forbidden: something new", rights(Right::Other("something new".to_owned()))),
        (
            403,
            "Forbidden: not enough rights to send photos to the chat",
            rights(Right::SendMessages),
        ),
        // The bot itself.
        (401, "Unauthorized", Unauthorized),
        (401, "Unauthorized: invalid token specified", Unauthorized),
        (421, "Misdirected Request: unallowed token specified", Unauthorized),
        (404, "Not Found", Unauthorized),
        (404, "Not Found: method not found", bad("404: Not Found: method not found")),
        (
            409,
            "Conflict: terminated by other long poll",
            bad("409: Conflict: terminated by other long poll"),
        ),
        // Telegram itself.
        (500, "Internal Server Error", transient("500: Internal Server Error")),
        (502, "Bad Gateway", transient("502: Bad Gateway")),
        (429, "Too Many Requests: retry after 10072", RetryAfter { seconds: 10072 }),
    ];
    for (code, description, expected) in table {
        assert_eq!(refused(code, description), expected, "{code} {description}");
    }
}

#[test]
fn a_group_that_became_a_supergroup_tells_its_new_id() {
    let body = br#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1002001}}"#;
    let to = ChatId::new(-1_002_001);
    let error = classify(400, body, None);
    assert_eq!(error, CallError::Migrated { to });
    assert!(!format!("{error} {error:?}").contains("1002001"), "ids are not told");

    let silent = refused(400, "Bad Request: group chat was upgraded to a supergroup chat");
    assert_eq!(silent, transient("group chat was upgraded to a supergroup chat"));
}

#[test]
fn the_time_to_wait_comes_from_the_answer_the_header_or_the_words() {
    let with = |parameters: &str, words: &str| {
        format!(
            r#"{{"ok":false,"error_code":429,"description":"Too Many Requests{words}"{parameters}}}"#
        )
    };
    for (body, header, seconds) in [
        (with(r#","parameters":{"retry_after":34}"#, ": retry after 5"), Some("7"), 34),
        (with("", ": retry after 5"), Some("7"), 7),
        (with("", ": retry after 86400"), None, 86400),
        (with(r#","parameters":{"retry_after":"soon"}"#, ""), None, 5),
        (with(r#","parameters":{"retry_after":-1}"#, ""), Some("2"), 2),
        (with(r#","parameters":{"retry_after":0}"#, ""), None, 1),
        ("<html>".to_owned(), Some("2282"), 2282),
        ("<html>".to_owned(), Some("tomorrow"), 5),
    ] {
        let expected = CallError::RetryAfter { seconds };
        assert_eq!(classify(429, body.as_bytes(), header), expected, "{body} {header:?}");
    }
}

#[test]
fn words_of_a_request_inside_a_refusal_do_not_mislead() {
    let error = refused(400, "Bad Request: can't parse entities: \"chat not found\"");
    assert!(matches!(error, CallError::BadInput { .. }), "{error:?}");
}

#[test]
fn the_code_in_the_answer_counts_more_than_the_status() {
    let body = br#"{"ok":false,"error_code":403,"description":"Forbidden: user is deactivated"}"#;
    assert_eq!(classify(400, body, None), CallError::UserUnreachable);
    let without = br#"{"ok":false,"description":"Forbidden: user is deactivated"}"#;
    assert_eq!(classify(403, without, None), CallError::UserUnreachable);
}

#[test]
fn what_is_not_the_bot_api_passes() {
    for (status, body) in [
        (302, ""),
        (400, "Bad Request"),
        (401, "<html>proxy</html>"),
        (403, "[]"),
        (404, "<html>nginx</html>"),
        (502, "<html>Bad Gateway</html>"),
        (503, r#"{"error":"no"}"#),
        (504, "\u{0}"),
    ] {
        let error = classify(status, body.as_bytes(), None);
        assert!(matches!(error, CallError::Transient { .. }), "{status} {body}: {error:?}");
    }
    assert_eq!(classify(413, b"too large", None), bad("413: too large"));
}

proptest! {
    #[test]
    fn any_answer_is_classified_and_tells_no_id(
        status in 100u16..1000,
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..600),
            "[ -~]{0,600}".prop_map(|text| json!({ "ok": false, "description": text }).to_string().into_bytes()),
        ],
        header in proptest::option::of("[ -~]{0,20}"),
    ) {
        let error = classify(status, &body, header.as_deref());
        if !matches!(error, CallError::RetryAfter { .. }) {
            let text = error.to_string();
            let longest = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
            prop_assert!(longest < Some(5), "{}", text);
        }
    }
}
