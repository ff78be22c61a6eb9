//! Bans, unbans, kicks, and who cannot be touched.

use serde_json::{Value, json};
use telegram_simulator::{FloodMode, FloodRules, Settings};

use crate::stage::{BOT, START, Stage, stage, stage_with};

async fn until(stage: &Stage, chat: i64, user: i64) -> Value {
    stage.ok("getChatMember", json!({ "chat_id": chat, "user_id": user })).await["until_date"]
        .clone()
}

#[tokio::test]
async fn a_ban_is_for_ever_unless_its_end_is_between_thirty_seconds_and_a_year_away() {
    let stage = stage().await;
    let (owner, chat) = stage.group("restrict_members").await;
    let now = START / 1000;
    let cases = [
        (json!(null), 0),
        (json!(now + 29), 0),
        (json!(now + 30), now + 30),
        (json!(now + 366 * 86_400), now + 366 * 86_400),
        (json!(now + 366 * 86_400 + 1), 0),
        // Milliseconds.
        (json!(START + 60_000), 0),
    ];
    for (date, expected) in cases {
        let user = stage.member("Ann", chat, owner).await;
        let body = json!({ "chat_id": chat, "user_id": user, "until_date": date });
        stage.ok("banChatMember", body).await;
        assert_eq!(until(&stage, chat, user).await, json!(expected), "until_date {date}");
    }
}

#[tokio::test]
async fn a_timed_ban_ends_by_itself() {
    let stage = stage().await;
    let (owner, chat) = stage.group("restrict_members").await;
    let user = stage.member("Ann", chat, owner).await;
    let body = json!({ "chat_id": chat, "user_id": user, "until_date": START / 1000 + 60 });
    stage.ok("banChatMember", body).await;
    stage.advance(59_999);
    assert_eq!(stage.status(chat, user).await, "kicked");
    stage.advance(1);
    assert_eq!(stage.status(chat, user).await, "left");
}

#[tokio::test]
async fn a_kicked_member_is_out_and_may_come_back_and_two_changes_are_heard() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users+restrict_members").await;
    let link = stage.guarded_link(chat).await;
    let user = stage.member("Ann", chat, owner).await;
    stage.hear_everything().await;
    let who = json!({ "chat_id": chat, "user_id": user, "only_if_banned": false });
    assert_eq!(stage.ok("unbanChatMember", who.clone()).await, json!(true));
    assert_eq!(stage.status(chat, user).await, "left");
    let updates = stage.updates().await;
    let changes: Vec<_> = updates
        .iter()
        .filter_map(|update| update.get("chat_member"))
        .map(|m| (m["old_chat_member"]["status"].clone(), m["new_chat_member"]["status"].clone()))
        .collect();
    assert_eq!(changes, [(json!("member"), json!("kicked")), (json!("kicked"), json!("left"))]);
    assert!(
        updates.iter().any(|update| update["message"]["left_chat_member"]["id"] == json!(user))
    );
    // Safe to repeat, and open to come back.
    assert_eq!(stage.ok("unbanChatMember", who).await, json!(true));
    assert!(stage.updates().await.is_empty());
    assert_eq!(stage.tap(user, &link).await, "requested");
}

#[tokio::test]
async fn a_kick_takes_its_time_and_is_finished_though_nobody_waits() {
    let settings = Settings { kick_ms: 2_000, ..Settings::default() };
    let off = FloodRules { mode: FloodMode::Off, ..FloodRules::default() };
    let stage = stage_with(off, settings).await;
    let (owner, chat) = stage.group("restrict_members").await;
    let user = stage.member("Ann", chat, owner).await;
    let who = json!({ "chat_id": chat, "user_id": user });
    {
        // The caller gives up when the ban is done and the unban is not.
        let call = stage.raw("unbanChatMember", who.clone());
        let banned = async {
            while stage.status(chat, user).await != "kicked" {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = call => panic!("answered before its time"),
            () = banned => {}
        }
    }
    assert_eq!(until(&stage, chat, user).await, json!(START / 1000 + 60));
    stage.advance(2_000);
    assert_eq!(stage.status(chat, user).await, "left");
    assert!(stage.running.idle(crate::stage::PATIENCE).await);
}

#[tokio::test]
async fn a_kick_lifts_the_ban_that_a_person_made() {
    let stage = stage().await;
    let (owner, chat) = stage.group("restrict_members").await;
    let user = stage.member("Ann", chat, owner).await;
    stage.control("ban", json!({ "by": owner, "user": user, "chat_id": chat })).await;
    assert_eq!(stage.status(chat, user).await, "kicked");
    stage.ok("unbanChatMember", json!({ "chat_id": chat, "user_id": user })).await;
    assert_eq!(stage.status(chat, user).await, "left");
}

#[tokio::test]
async fn only_if_banned_does_nothing_to_a_member() {
    let stage = stage().await;
    let (owner, chat) = stage.group("restrict_members").await;
    let user = stage.member("Ann", chat, owner).await;
    let body = json!({ "chat_id": chat, "user_id": user, "only_if_banned": true });
    assert_eq!(stage.ok("unbanChatMember", body).await, json!(true));
    assert_eq!(stage.status(chat, user).await, "member");
}

#[tokio::test]
async fn the_owner_an_administrator_and_the_bot_itself_cannot_be_banned() {
    let stage = stage().await;
    let (owner, chat) = stage.group("restrict_members").await;
    let admin = stage.member("Ann", chat, owner).await;
    let body = json!({ "by": owner, "user": admin, "chat_id": chat, "rights": ["pin_messages"] });
    stage.control("promote", body).await;
    for method in ["banChatMember", "unbanChatMember"] {
        let refused =
            |user: i64| stage.refused(method, json!({ "chat_id": chat, "user_id": user }));
        assert_eq!(refused(owner).await, "400 Bad Request: can't remove chat owner");
        assert_eq!(refused(admin).await, "400 Bad Request: user is an administrator of the chat");
        assert_eq!(refused(999_999).await, "400 Bad Request: PARTICIPANT_ID_INVALID");
    }
    assert_eq!(
        stage.refused("banChatMember", json!({ "chat_id": chat, "user_id": BOT })).await,
        "400 Bad Request: can't restrict self"
    );
}

#[tokio::test]
async fn rights_taken_away_one_by_one_stop_one_thing_after_another() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users+restrict_members+change_info").await;
    let user = stage.member("Ann", chat, owner).await;
    let who = json!({ "chat_id": chat, "user_id": user });
    let take = |right: &'static str| {
        stage.control("promote", json!({ "by": owner, "chat_id": chat, "remove": [right] }))
    };
    take("restrict_members").await;
    for method in ["banChatMember", "unbanChatMember"] {
        assert_eq!(
            stage.refused(method, who.clone()).await,
            "400 Bad Request: not enough rights to restrict/unrestrict chat member"
        );
    }
    stage.ok("setChatTitle", json!({ "chat_id": chat, "title": "New" })).await;
    take("change_info").await;
    assert_eq!(
        stage.refused("setChatTitle", json!({ "chat_id": chat, "title": "Newer" })).await,
        "400 Bad Request: not enough rights to change chat title"
    );
    stage.ok("createChatInviteLink", json!({ "chat_id": chat })).await;
    take("invite_users").await;
    stage.refused("createChatInviteLink", json!({ "chat_id": chat })).await;
    let heard = stage.updates_of("my_chat_member").await;
    assert_eq!(heard.len(), 4);
    assert_eq!(heard[1]["new_chat_member"]["can_restrict_members"], json!(false));
    assert_eq!(heard[1]["new_chat_member"]["can_change_info"], json!(true));
}

#[tokio::test]
async fn a_banned_person_does_not_get_in_by_any_link() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users+restrict_members").await;
    let link = stage.guarded_link(chat).await;
    let user = stage.member("Ann", chat, owner).await;
    stage.ok("banChatMember", json!({ "chat_id": chat, "user_id": user })).await;
    assert_eq!(stage.tap(user, &link).await, "banned");
}

#[tokio::test]
async fn a_basic_group_knows_no_unban() {
    let stage = stage().await;
    let owner = stage.user("Tara").await;
    let link = "https://t.me/usher_bot?startgroup=x&admin=restrict_members";
    let made = stage.control("open", json!({ "user": owner, "link": link, "kind": "group" })).await;
    let chat = made["chat_id"].as_i64().unwrap();
    assert!(chat > -1_000_000);
    let user = stage.member("Ann", chat, owner).await;
    assert_eq!(
        stage.refused("unbanChatMember", json!({ "chat_id": chat, "user_id": user })).await,
        "400 Bad Request: method is available for supergroup and channel chats only"
    );
    stage.ok("banChatMember", json!({ "chat_id": chat, "user_id": user })).await;
    assert_eq!(stage.status(chat, user).await, "left");
}

#[tokio::test]
async fn a_restricted_member_stays_in_and_one_who_left_is_not_in() {
    let stage = stage().await;
    let (owner, chat) = stage.group("restrict_members").await;
    let user = stage.member("Ann", chat, owner).await;
    let body =
        json!({ "chat_id": chat, "user_id": user, "permissions": { "can_send_messages": false } });
    stage.ok("restrictChatMember", body).await;
    let member = stage.ok("getChatMember", json!({ "chat_id": chat, "user_id": user })).await;
    assert_eq!(member["status"], json!("restricted"));
    assert_eq!(member["is_member"], json!(true));
    assert_eq!(member["can_send_messages"], json!(false));
    let says = json!({ "user": user, "chat_id": chat, "text": "hm" });
    assert_eq!(stage.control_refused("message", says).await, "this person may not write here");
    stage.control("leave", json!({ "user": user, "chat_id": chat })).await;
    let member = stage.ok("getChatMember", json!({ "chat_id": chat, "user_id": user })).await;
    assert_eq!((&member["status"], &member["is_member"]), (&json!("restricted"), &json!(false)));
}
