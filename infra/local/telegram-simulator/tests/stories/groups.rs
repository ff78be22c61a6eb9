//! Groups: how the bot gets in, how a group changes its id, and how it ends.

use serde_json::{Value, json};

use crate::stage::{BOT, Stage, stage};

const ADD: &str = "https://t.me/usher_bot?startgroup=abc&admin=invite_users+restrict_members+delete_messages+pin_messages+change_info";

fn kinds(updates: &[Value]) -> Vec<String> {
    let name = |update: &Value| {
        let fields = update.as_object().unwrap();
        let kind = fields.keys().find(|name| *name != "update_id").unwrap();
        let text = update["message"]["text"].as_str();
        text.map_or_else(|| kind.clone(), |text| text.to_owned())
    };
    updates.iter().map(name).collect()
}

async fn start_and_member(stage: &Stage, order: &str) -> Vec<String> {
    let owner = stage.user("Tara").await;
    let body = json!({ "user": owner, "link": ADD, "title": "Signals", "order": order });
    stage.control("open", body).await;
    let mut seen = kinds(&stage.updates().await);
    seen.retain(|kind| kind != "message");
    seen
}

#[tokio::test]
async fn a_start_link_brings_the_bot_in_with_its_rights_and_the_two_updates_come_in_either_order() {
    let stage = stage().await;
    let start = "/start@usher_bot abc".to_owned();
    let own = "my_chat_member".to_owned();
    assert_eq!(start_and_member(&stage, "member_first").await, [own.clone(), start.clone()]);
    assert_eq!(start_and_member(&stage, "start_first").await, [start, own]);
    let chat = stage.get("/control/state").await["groups"][0]["chat_id"].clone();
    let member = stage.ok("getChatMember", json!({ "chat_id": chat, "user_id": BOT })).await;
    assert_eq!(member["status"], json!("administrator"));
    for (right, on) in [
        ("can_manage_chat", true),
        ("can_invite_users", true),
        ("can_restrict_members", true),
        ("can_change_info", true),
        ("can_promote_members", false),
        ("is_anonymous", false),
    ] {
        assert_eq!(member[right], json!(on), "{right}");
    }
}

#[tokio::test]
async fn only_who_may_add_and_promote_can_add_the_bot() {
    let stage = stage().await;
    let owner = stage.user("Tara").await;
    let made = stage.control("groups", json!({ "owner": owner, "title": "Signals" })).await;
    let user = stage.member("Ann", made["chat_id"].as_i64().unwrap(), owner).await;
    let body = json!({ "user": user, "link": ADD, "chat_id": made["chat_id"] });
    assert_eq!(
        stage.control_refused("open", body).await,
        "this person may not add the bot to this group"
    );
}

#[tokio::test]
async fn the_app_may_turn_the_group_into_a_supergroup_first() {
    let stage = stage().await;
    let owner = stage.user("Tara").await;
    let group = json!({ "owner": owner, "title": "Signals", "kind": "group" });
    let old = stage.control("groups", group).await["chat_id"].clone();
    let body = json!({ "user": owner, "link": ADD, "chat_id": old, "upgrade": true });
    let new = stage.control("open", body).await["chat_id"].clone();
    assert_ne!(old, new);
    let updates = stage.updates().await;
    // Of the old group the bot never knew.
    assert!(!updates.iter().any(|update| update.to_string().contains(&format!("\"id\":{old}"))));
    assert_eq!(
        stage.refused("getChat", json!({ "chat_id": old })).await,
        "400 Bad Request: chat not found"
    );
    assert_eq!(stage.ok("getChat", json!({ "chat_id": new })).await["type"], json!("supergroup"));
}

#[tokio::test]
async fn the_id_can_change_while_the_bot_is_being_bound() {
    let stage = stage().await;
    let owner = stage.user("Tara").await;
    let group = json!({ "owner": owner, "title": "Signals", "kind": "group" });
    let old = stage.control("groups", group).await["chat_id"].clone();
    let body = json!({ "user": owner, "link": ADD, "chat_id": old, "upgrade": "after" });
    let new = stage.control("open", body).await["chat_id"].clone();
    let updates = stage.updates().await;
    let to = updates.iter().find(|u| u["message"]["migrate_to_chat_id"] == new).unwrap();
    assert_eq!(to["message"]["chat"]["id"], old);
    let from = updates.iter().find(|u| u["message"]["migrate_from_chat_id"] == old).unwrap();
    assert_eq!(from["message"]["chat"]["id"], new);
    let member = stage.ok("getChatMember", json!({ "chat_id": new, "user_id": BOT })).await;
    assert_eq!(member["can_promote_members"], json!(false));
    assert_eq!(member["can_restrict_members"], json!(true));
}

#[tokio::test]
async fn after_a_migration_the_old_id_tells_the_new_one() {
    let stage = stage().await;
    let owner = stage.user("Tara").await;
    let body = json!({ "user": owner, "link": ADD, "kind": "group" });
    let old = stage.control("open", body).await["chat_id"].clone();
    let link = stage.guarded_link(old.as_i64().unwrap()).await;
    let new = stage.control("migrate", json!({ "chat_id": old })).await["chat_id"].clone();
    for (method, body) in [
        ("sendMessage", json!({ "chat_id": old, "text": "x" })),
        ("getChatMember", json!({ "chat_id": old, "user_id": owner })),
        ("createChatInviteLink", json!({ "chat_id": old })),
        ("banChatMember", json!({ "chat_id": old, "user_id": owner })),
    ] {
        let answer = stage.raw(method, body).await.unwrap();
        assert_eq!(
            answer.json(),
            json!({
                "ok": false, "error_code": 400,
                "description": "Bad Request: group chat was upgraded to a supergroup chat",
                "parameters": { "migrate_to_chat_id": new }
            }),
            "{method}"
        );
    }
    // Reading the old group still works, as in the server's source.
    assert_eq!(stage.ok("getChat", json!({ "chat_id": old })).await["type"], json!("group"));
    // The links lead to the new one.
    let user = stage.user("Ann").await;
    assert_eq!(stage.tap(user, &link).await, "requested");
    stage.ok("approveChatJoinRequest", json!({ "chat_id": new, "user_id": user })).await;
}

#[tokio::test]
async fn a_bot_that_was_thrown_out_is_told_so() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users").await;
    stage.updates().await;
    stage.control("kick_bot", json!({ "by": owner, "chat_id": chat })).await;
    let own = stage.updates_of("my_chat_member").await.remove(0);
    assert_eq!(own["from"]["id"], json!(owner));
    assert_eq!(own["new_chat_member"]["status"], json!("kicked"));
    for (method, body) in [
        ("getChat", json!({ "chat_id": chat })),
        ("sendMessage", json!({ "chat_id": chat, "text": "x" })),
    ] {
        assert_eq!(
            stage.refused(method, body).await,
            "403 Forbidden: bot was kicked from the supergroup chat"
        );
    }
    stage.control("unban", json!({ "by": owner, "user": BOT, "chat_id": chat })).await;
    assert_eq!(
        stage.refused("sendMessage", json!({ "chat_id": chat, "text": "x" })).await,
        "403 Forbidden: bot is not a member of the supergroup chat"
    );
}

#[tokio::test]
async fn basic_groups_have_their_own_words_for_it() {
    let stage = stage().await;
    let owner = stage.user("Tara").await;
    let mut made = Vec::new();
    for _ in 0..2 {
        let body = json!({ "user": owner, "link": ADD, "kind": "group" });
        made.push(stage.control("open", body).await["chat_id"].clone());
    }
    let refused =
        |chat: &Value| stage.refused("sendMessage", json!({ "chat_id": chat, "text": "x" }));
    stage.control("kick_bot", json!({ "by": owner, "chat_id": made[0] })).await;
    assert_eq!(refused(&made[0]).await, "403 Forbidden: bot was kicked from the group chat");
    stage.control("delete_group", json!({ "chat_id": made[1] })).await;
    assert_eq!(refused(&made[1]).await, "403 Forbidden: the group chat was deleted");
}

#[tokio::test]
async fn a_bot_that_leaves_is_out() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    stage.ok("leaveChat", json!({ "chat_id": chat })).await;
    assert_eq!(
        stage.refused("getChatMemberCount", json!({ "chat_id": chat })).await,
        "403 Forbidden: bot is not a member of the supergroup chat"
    );
}

#[tokio::test]
async fn a_group_in_which_the_bot_never_was_does_not_exist() {
    let stage = stage().await;
    let owner = stage.user("Tara").await;
    let made = stage.control("groups", json!({ "owner": owner, "title": "Signals" })).await;
    assert_eq!(
        stage.refused("getChat", json!({ "chat_id": made["chat_id"] })).await,
        "400 Bad Request: chat not found"
    );
}

#[tokio::test]
async fn title_description_and_permissions_are_set_and_shown() {
    let stage = stage().await;
    let (owner, chat) = stage.group("change_info+restrict_members").await;
    stage.ok("setChatTitle", json!({ "chat_id": chat, "title": "Gold" })).await;
    let description = json!({ "chat_id": chat, "description": "Signals for gold" });
    stage.ok("setChatDescription", description.clone()).await;
    assert_eq!(
        stage.refused("setChatDescription", description).await,
        "400 Bad Request: chat description is not modified"
    );
    let permissions = json!({ "chat_id": chat, "permissions": { "can_send_messages": true } });
    stage.ok("setChatPermissions", permissions).await;
    let full = stage.ok("getChat", json!({ "chat_id": chat })).await;
    assert_eq!(full["title"], json!("Gold"));
    assert_eq!(full["description"], json!("Signals for gold"));
    assert_eq!(full["permissions"]["can_send_messages"], json!(true));
    assert_eq!(full["permissions"]["can_react_to_messages"], json!(true));
    assert_eq!(full["permissions"]["can_invite_users"], json!(false));
    let user = stage.member("Ann", chat, owner).await;
    let other = stage.user("Ben").await;
    let add = json!({ "by": user, "user": other, "chat_id": chat });
    assert!(stage.control_refused("add", add).await.contains("may not add members"));
    let odd = json!({ "chat_id": chat, "permissions": { "can_fly": true } });
    assert_eq!(
        stage.refused("setChatPermissions", odd).await,
        "400 Bad Request: unknown argument \"permissions.can_fly\""
    );
    assert_eq!(stage.ok("getChatMemberCount", json!({ "chat_id": chat })).await, json!(3));
    let admins = stage.ok("getChatAdministrators", json!({ "chat_id": chat })).await;
    assert_eq!(admins.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_owner_can_hand_the_group_over() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users").await;
    let user = stage.member("Ann", chat, owner).await;
    stage.control("transfer_owner", json!({ "by": owner, "user": user, "chat_id": chat })).await;
    assert_eq!(stage.status(chat, user).await, "creator");
    assert_eq!(stage.status(chat, owner).await, "administrator");
    stage.control("leave", json!({ "user": owner, "chat_id": chat })).await;
    assert_eq!(stage.status(chat, owner).await, "left");
}

#[tokio::test]
async fn a_deleted_supergroup_looks_like_being_thrown_out() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    stage.control("delete_group", json!({ "chat_id": chat })).await;
    assert_eq!(
        stage.refused("getChat", json!({ "chat_id": chat })).await,
        "403 Forbidden: bot was kicked from the supergroup chat"
    );
}
