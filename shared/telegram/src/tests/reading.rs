//! Updates as Telegram sends them, and whatever else may come.

use domain::ids::{ChatId, MessageId, UserId};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{AllowedUpdate, ChatKind, MemberStatus, ParseError, Update, UpdateKind, parse_update};

fn person() -> Value {
    json!({ "id": 1001, "is_bot": false, "first_name": "Ann", "username": "ann", "language_code": "pt-br" })
}

fn group() -> Value {
    json!({ "id": -2001, "type": "supergroup", "title": "Signals" })
}

fn link() -> Value {
    json!({
        "invite_link": "https://t.me/+AbCdEf", "name": "Usher", "creator": { "id": 100, "is_bot": true },
        "expire_date": 1_700_000_000, "member_limit": 1, "creates_join_request": false,
        "is_primary": false, "is_revoked": false,
    })
}

/// An update of each kind that is read.
fn real_updates() -> [Value; 5] {
    let member = |status: &str| json!({ "user": person(), "status": status, "until_date": 0 });
    let changed = |new: Value| {
        json!({
            "chat": group(), "from": person(), "date": 1_700_000_000,
            "old_chat_member": member("left"), "new_chat_member": new,
        })
    };
    let mut joined = changed(member("member"));
    joined["invite_link"] = link();
    joined["via_join_request"] = json!(true);
    let admin = json!({
        "user": { "id": 100, "is_bot": true, "first_name": "Usher" }, "status": "administrator",
        "can_be_edited": false, "can_invite_users": true, "can_restrict_members": true,
    });
    let message = json!({
        "message_id": 5, "from": person(), "chat": group(), "date": 1_700_000_000,
        "text": "/start@usher_bot abc", "entities": [{ "type": "bot_command", "offset": 0, "length": 16 }],
    });
    let request = json!({
        "chat": group(), "from": person(), "user_chat_id": 1001, "date": 1_700_000_000,
        "bio": "x", "invite_link": link(), "query_id": "q1",
    });
    let tap = json!({
        "id": "c1", "from": person(), "message": message, "chat_instance": "7", "data": "renew",
    });
    [
        json!({ "update_id": 1, "message": message }),
        json!({ "update_id": 2, "my_chat_member": changed(admin) }),
        json!({ "update_id": 3, "chat_member": joined }),
        json!({ "update_id": 4, "chat_join_request": request }),
        json!({ "update_id": 5, "callback_query": tap }),
    ]
}

fn parse(update: &Value) -> Result<Update, ParseError> {
    parse_update(update.to_string().as_bytes())
}

fn kind(update: &Value) -> UpdateKind {
    parse(update).unwrap().kind
}

#[test]
fn a_message_is_read() {
    let [update, ..] = real_updates();
    let Update { update_id: 1, kind: UpdateKind::Message(message) } = parse(&update).unwrap()
    else {
        panic!("a message is expected");
    };
    assert_eq!((message.message_id, message.chat.id), (MessageId::new(5), ChatId::new(-2001)));
    assert_eq!(message.chat.kind, ChatKind::Supergroup);
    assert_eq!(message.text.as_deref(), Some("/start@usher_bot abc"));
    assert_eq!(message.date, Some(Timestamp::from_second(1_700_000_000).unwrap()));
    let from = message.from.unwrap();
    assert_eq!((from.id, from.is_bot), (UserId::new(1001), false));
    assert_eq!(from.language_code.as_deref(), Some("pt-br"));
}

#[test]
fn a_migration_is_read_from_both_sides() {
    let [mut update, ..] = real_updates();
    update["message"]["migrate_to_chat_id"] = json!(-1_002_001_i64);
    let UpdateKind::Message(message) = kind(&update) else { panic!("a message is expected") };
    assert_eq!(message.migrate_to_chat_id, Some(ChatId::new(-1_002_001)));
    assert_eq!(message.migrate_from_chat_id, None);
    update["message"]["migrate_from_chat_id"] = json!(-2001);
    let UpdateKind::Message(message) = kind(&update) else { panic!("a message is expected") };
    assert_eq!(message.migrate_from_chat_id, Some(ChatId::new(-2001)));
}

#[test]
fn the_bots_own_rights_are_read() {
    let [_, update, ..] = real_updates();
    let UpdateKind::MyChatMember(changed) = kind(&update) else { panic!("a change is expected") };
    assert_eq!(changed.old.status, MemberStatus::Left);
    let MemberStatus::Administrator(rights) = changed.new.status else { panic!("an admin") };
    assert!(rights.can_invite_users && rights.can_restrict_members);
    assert!(!rights.can_change_info && !rights.can_pin_messages && !rights.can_delete_messages);
    assert!(changed.invite_link.is_none() && !changed.via_join_request);
}

#[test]
fn somebody_who_comes_in_is_read_with_the_link() {
    let [_, _, update, ..] = real_updates();
    let UpdateKind::ChatMember(changed) = kind(&update) else { panic!("a change is expected") };
    assert_eq!(
        (changed.new.user.id, changed.new.status),
        (UserId::new(1001), MemberStatus::Member)
    );
    assert!(changed.via_join_request);
    let link = changed.invite_link.unwrap();
    assert_eq!(link.invite_link, "https://t.me/+AbCdEf");
    assert_eq!(
        (link.member_limit, link.creates_join_request, link.is_revoked),
        (Some(1), false, false)
    );
    assert_eq!(link.expires_at, Some(Timestamp::from_second(1_700_000_000).unwrap()));
}

#[test]
fn a_join_request_and_a_tap_are_read() {
    let [_, _, _, request, tap] = real_updates();
    let UpdateKind::ChatJoinRequest(request) = kind(&request) else { panic!("a request") };
    assert_eq!((request.from.id, request.user_chat_id), (UserId::new(1001), ChatId::new(1001)));
    assert_eq!(request.query_id.as_deref(), Some("q1"));
    let UpdateKind::CallbackQuery(tap) = kind(&tap) else { panic!("a tap") };
    assert_eq!((tap.id.as_str(), tap.data.as_deref()), ("c1", Some("renew")));
    assert_eq!(tap.message.unwrap().message_id, MessageId::new(5));
}

#[test]
fn every_status_is_read_and_unknown_ones_are_neither_in_nor_out() {
    let status = |fields: Value| {
        let [_, _, mut update, ..] = real_updates();
        update["chat_member"]["new_chat_member"] = fields;
        let UpdateKind::ChatMember(changed) = kind(&update) else { panic!("a change is expected") };
        changed.new.status
    };
    let of = |name: &str| status(json!({ "user": person(), "status": name }));
    for (read, expected, inside, outside) in [
        (of("creator"), MemberStatus::Owner, true, false),
        (of("member"), MemberStatus::Member, true, false),
        (of("left"), MemberStatus::Left, false, true),
        (of("kicked"), MemberStatus::Banned, false, true),
        (of("restricted"), MemberStatus::Restricted { is_member: false }, false, true),
        (
            status(json!({ "user": person(), "status": "restricted", "is_member": true })),
            MemberStatus::Restricted { is_member: true },
            true,
            false,
        ),
        (of("honorary"), MemberStatus::Other, false, false),
        (status(json!({ "user": person() })), MemberStatus::Other, false, false),
        (status(json!({ "user": person(), "status": 7 })), MemberStatus::Other, false, false),
    ] {
        assert_eq!(read, expected);
        assert_eq!((read.is_inside(), read.is_outside()), (inside, outside), "{read:?}");
    }
    assert!(of("administrator").is_inside() && of("administrator").is_admin());
}

#[test]
fn new_fields_new_kinds_and_odd_side_fields_do_no_harm() {
    let [mut update, ..] = real_updates();
    update["something_new"] = json!({ "a": [1] });
    update["message"]["something_new"] = json!(7);
    update["message"]["chat"]["type"] = json!("hologram");
    update["message"]["chat"]["title"] = Value::Null;
    update["message"]["from"]["language_code"] = json!(7);
    update["message"]["text"] = json!(["x"]);
    let UpdateKind::Message(message) = kind(&update) else { panic!("a message is expected") };
    assert_eq!((message.chat.kind, message.chat.title), (ChatKind::Other, None));
    assert_eq!((message.text, message.from.unwrap().language_code), (None, None));

    let ignored = UpdateKind::Other { unreadable: None };
    assert_eq!(kind(&json!({ "update_id": 9, "poll": { "id": "1" } })), ignored);
    assert_eq!(kind(&json!({ "update_id": 9 })), ignored);
}

#[test]
fn a_known_kind_that_cannot_be_read_does_not_block_the_queue() {
    for name in AllowedUpdate::ALL {
        let expected = UpdateKind::Other { unreadable: Some(name) };
        for content in
            [json!({}), json!(null), json!(7), json!("x"), json!([]), json!({ "chat": 7 })]
        {
            assert_eq!(kind(&json!({ "update_id": 9, name.name(): content })), expected);
        }
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        let body = format!(r#"{{"update_id":9,"{}":{deep}}}"#, name.name());
        assert_eq!(parse_update(body.as_bytes()).unwrap().kind, expected);
        let surrogate = format!(r#"{{"update_id":9,"{}":{{"id":"\ud800"}}}}"#, name.name());
        assert_eq!(parse_update(surrogate.as_bytes()).unwrap().kind, expected);
    }
}

#[test]
fn what_is_no_update_is_refused() {
    for (body, expected) in [
        ("", ParseError::NotAnObject),
        ("x", ParseError::NotAnObject),
        ("[]", ParseError::NotAnObject),
        ("null", ParseError::NotAnObject),
        ("7", ParseError::NotAnObject),
        (r#"{"update_id":1"#, ParseError::NotAnObject),
        (r#"{"update_id":1} x"#, ParseError::NotAnObject),
        ("{}", ParseError::NoUpdateId),
        (r#"{"update_id":null}"#, ParseError::NoUpdateId),
        (r#"{"update_id":"1"}"#, ParseError::NoUpdateId),
        (r#"{"update_id":1.5}"#, ParseError::NoUpdateId),
        (r#"{"update_id":99999999999999999999}"#, ParseError::NoUpdateId),
    ] {
        assert_eq!(parse_update(body.as_bytes()), Err(expected), "{body}");
    }
    assert_eq!(
        parse_update(b"{\"update_id\":1,\"message\":\"\xff\"}"),
        Err(ParseError::NotAnObject)
    );
}

#[test]
fn debug_output_tells_nobodys_name_words_or_links() {
    for update in real_updates() {
        let text = format!("{:?}", parse(&update).unwrap());
        for secret in ["1001", "2001", "Ann", "ann", "abc", "+AbCdEf", "q1", "renew"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

/// Any JSON of a modest size.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map("[a-z_]{1,8}", inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// How many values there are in a JSON value, itself included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// Replaces the `n`th value, counted from the outside inwards; `None` takes a field away.
fn mutate(value: &mut Value, n: &mut usize, with: &Option<Value>) {
    let mut visit = |child: &mut Value| {
        if *n == 0 {
            *child = with.clone().unwrap_or(Value::Null);
        }
        *n = n.wrapping_sub(1);
        mutate(child, n, with);
    };
    match value {
        Value::Array(items) => items.iter_mut().for_each(&mut visit),
        Value::Object(fields) => {
            fields.values_mut().for_each(&mut visit);
            if with.is_none() {
                fields.retain(|_, child| !child.is_null());
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_update(&body);
    }

    #[test]
    fn any_object_with_an_id_is_an_update(
        id in any::<i64>(),
        content in any_json(),
        name in prop_oneof![
            proptest::sample::select(AllowedUpdate::ALL.map(AllowedUpdate::name).to_vec())
                .prop_map(str::to_owned),
            "[a-z_]{1,12}".prop_filter("taken", |name| name != "update_id"),
        ],
    ) {
        let update = parse(&json!({ "update_id": id, name: content }));
        prop_assert_eq!(update.map(|update| update.update_id), Ok(id));
    }

    #[test]
    fn a_changed_update_is_still_an_update(
        which in 0usize..5,
        place in any::<proptest::sample::Index>(),
        with in proptest::option::of(any_json()),
    ) {
        let mut update = real_updates()[which].clone();
        // The first value inside is `update_id` or comes after it: it is put back.
        let mut place = place.index(count(&update) - 1);
        mutate(&mut update, &mut place, &with);
        update["update_id"] = json!(77);
        prop_assert_eq!(parse(&update).map(|update| update.update_id), Ok(77));
    }

    #[test]
    fn a_cut_or_flipped_update_is_survived(
        which in 0usize..5,
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut body = real_updates()[which].to_string().into_bytes();
        let at = at.index(body.len());
        if cut { body.truncate(at) } else { body[at] = byte }
        let _ = parse_update(&body);
    }
}
