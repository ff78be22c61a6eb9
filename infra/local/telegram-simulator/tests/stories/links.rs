//! Invite links: limits, expiry, revoking, whose they are.

use serde_json::json;

use crate::stage::{START, stage};

#[tokio::test]
async fn a_new_link_says_what_it_is_and_leaves_out_what_is_empty() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let made = stage.ok("createChatInviteLink", json!({ "chat_id": chat })).await;
    let url = made["invite_link"].as_str().unwrap();
    assert!(url.starts_with("https://t.me/+"));
    let mut names: Vec<_> = made.as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(
        names,
        ["creates_join_request", "creator", "invite_link", "is_primary", "is_revoked"]
    );
}

#[tokio::test]
async fn a_limit_counts_who_is_in_at_the_same_time() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let body = json!({ "chat_id": chat, "member_limit": 1 });
    let made = stage.ok("createChatInviteLink", body).await;
    assert_eq!(made["member_limit"], json!(1));
    let link = made["invite_link"].as_str().unwrap();
    let (first, second) = (stage.user("Ann").await, stage.user("Ben").await);
    assert_eq!(stage.tap(first, link).await, "joined");
    assert_eq!(stage.tap(first, link).await, "already_member");
    assert_eq!(stage.tap(second, link).await, "full");
    stage.control("leave", json!({ "user": first, "chat_id": chat })).await;
    assert_eq!(stage.tap(second, link).await, "joined");
}

#[tokio::test]
async fn a_limit_and_a_guard_exclude_each_other() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let body = json!({ "chat_id": chat, "member_limit": 1, "creates_join_request": true });
    assert_eq!(
        stage.refused("createChatInviteLink", body).await,
        "400 Bad Request: member limit can't be specified for links requiring administrator approval"
    );
}

#[tokio::test]
async fn a_long_name_is_cut_and_an_impossible_limit_or_date_is_refused() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let body = json!({ "chat_id": chat, "name": "é".repeat(40) });
    let made = stage.ok("createChatInviteLink", body).await;
    assert_eq!(made["name"], json!("é".repeat(32)));
    let body = json!({ "chat_id": chat, "member_limit": 100_000 });
    assert_eq!(
        stage.refused("createChatInviteLink", body).await,
        "400 Bad Request: USAGE_LIMIT_INVALID"
    );
    for date in [START / 1000 - 5, START + 60_000] {
        let body = json!({ "chat_id": chat, "expire_date": date });
        assert_eq!(
            stage.refused("createChatInviteLink", body).await,
            "400 Bad Request: EXPIRE_DATE_INVALID"
        );
    }
}

#[tokio::test]
async fn a_link_expires() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let body = json!({ "chat_id": chat, "expire_date": START / 1000 + 60 });
    let made = stage.ok("createChatInviteLink", body).await;
    let link = made["invite_link"].as_str().unwrap().to_owned();
    let user = stage.user("Ann").await;
    stage.advance(60_000);
    assert_eq!(stage.tap(user, &link).await, "expired");
}

#[tokio::test]
async fn a_revoked_link_leads_nowhere_and_cannot_be_changed_again() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let link = stage.guarded_link(chat).await;
    let body = json!({ "chat_id": chat, "invite_link": link });
    assert_eq!(stage.ok("revokeChatInviteLink", body.clone()).await["is_revoked"], json!(true));
    let user = stage.user("Ann").await;
    assert_eq!(stage.tap(user, &link).await, "revoked");
    for method in ["revokeChatInviteLink", "editChatInviteLink"] {
        assert_eq!(
            stage.refused(method, body.clone()).await,
            "400 Bad Request: INVITE_HASH_EXPIRED"
        );
    }
}

#[tokio::test]
async fn an_edited_link_keeps_its_address_and_gets_new_terms() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let link = stage.guarded_link(chat).await;
    let body = json!({ "chat_id": chat, "invite_link": link, "name": "March", "member_limit": 3 });
    let edited = stage.ok("editChatInviteLink", body).await;
    assert_eq!(edited["invite_link"], json!(link));
    assert_eq!(edited["creates_join_request"], json!(false));
    let user = stage.user("Ann").await;
    assert_eq!(stage.tap(user, &link).await, "joined");
}

#[tokio::test]
async fn exporting_revokes_the_primary_link_before_and_admits_anyone() {
    let stage = stage().await;
    let (_, chat) = stage.group("invite_users").await;
    let first = stage.ok("exportChatInviteLink", json!({ "chat_id": chat })).await;
    let second = stage.ok("exportChatInviteLink", json!({ "chat_id": chat })).await;
    let user = stage.user("Ann").await;
    assert_eq!(stage.tap(user, first.as_str().unwrap()).await, "revoked");
    assert_eq!(stage.tap(user, second.as_str().unwrap()).await, "joined");
    let full = stage.ok("getChat", json!({ "chat_id": chat })).await;
    assert_eq!(full["invite_link"], second);
}

#[tokio::test]
async fn without_the_right_there_are_no_links() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users+restrict_members").await;
    let link = stage.guarded_link(chat).await;
    let demote = json!({ "by": owner, "chat_id": chat, "remove": ["invite_users"] });
    stage.control("promote", demote).await;
    let why = "400 Bad Request: not enough rights to manage chat invite link";
    assert_eq!(stage.refused("createChatInviteLink", json!({ "chat_id": chat })).await, why);
    let body = json!({ "chat_id": chat, "invite_link": link });
    assert_eq!(stage.refused("revokeChatInviteLink", body).await, why);
}

#[tokio::test]
async fn another_administrators_link_arrives_cut_and_is_not_the_bots_to_change() {
    let stage = stage().await;
    let (owner, chat) = stage.group("invite_users").await;
    stage.hear_everything().await;
    let made = stage.control("link", json!({ "by": owner, "chat_id": chat })).await;
    let link = made["invite_link"].as_str().unwrap().to_owned();
    let user = stage.user("Ann").await;
    assert_eq!(stage.tap(user, &link).await, "joined");
    let heard = stage.updates_of("chat_member").await;
    let shown = heard[0]["invite_link"]["invite_link"].as_str().unwrap();
    assert!(
        shown.ends_with('…')
            && link.starts_with(shown.trim_end_matches('…'))
            && shown.len() < link.len() + 2
    );
    let body = json!({ "chat_id": chat, "invite_link": link });
    assert_eq!(
        stage.refused("revokeChatInviteLink", body).await,
        "400 Bad Request: INVITE_HASH_EXPIRED"
    );
}

#[tokio::test]
async fn an_unknown_link_leads_nowhere() {
    let stage = stage().await;
    let user = stage.user("Ann").await;
    assert_eq!(stage.tap(user, "https://t.me/+nothing").await, "unknown");
}
