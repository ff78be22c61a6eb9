//! How a service gets its group by link, and what happens to groups.

use serde_json::{Value, json};
use testkit::House;
use testkit::house::{minutes, text};

use crate::{insider, one_service, signal};

fn service_and_link(house: &House) -> (String, String) {
    let trader = house.trader("t1");
    let service = trader.creates_service("Gold Signals");
    let asked = trader.asks_for_group(&service, "link").is(202);
    assert_eq!(asked["status"], "awaiting_bot");
    (service, text(&asked, "/setup_link"))
}

fn codes(info: &Value) -> Vec<String> {
    let problems = info["problems"].as_array().unwrap();
    problems.iter().map(|problem| text(problem, "/code")).collect()
}

#[test]
fn a_group_is_bound_whichever_update_comes_first() {
    for order in ["member_first", "start_first"] {
        let house = House::new();
        let (service, link) = service_and_link(&house);
        let owner = house.person("Tara");
        let group = owner.adds_bot(&link, json!({ "title": "Tara's room", "order": order }));
        house.settle();
        let info = house.trader("t1").sees_group(&service);
        assert_eq!((&info["status"], &info["problems"]), (&json!("ready"), &json!([])), "{order}");
        assert_eq!(info["group_id"], json!(group.to_string()));
        assert_eq!((&info["title"], &info["member_count"]), (&json!("Tara's room"), &json!(2)));
        let posts = house.posts(group);
        assert_eq!(posts.len(), 1, "{order}: greeted once");
        assert!(text(&posts[0], "/text").contains("home of Gold Signals"));
        let permissions = house.group(group)["permissions"].to_string();
        assert!(!permissions.contains("can_invite_users"), "members add nobody: {permissions}");
        assert!(permissions.contains("can_send_messages"));
        let again = house.trader("t1").asks_for_group(&service, "auto").is(200);
        assert_eq!(again["group_id"], info["group_id"], "one group for a service");
    }
}

#[test]
fn a_basic_group_becomes_a_supergroup_while_it_is_bound() {
    for upgrade in ["before", "after"] {
        for order in ["member_first", "start_first"] {
            let house = House::new();
            let (service, link) = service_and_link(&house);
            let how = json!({ "kind": "group", "upgrade": upgrade, "order": order });
            let group = house.person("Tara").adds_bot(&link, how);
            house.settle();
            let info = house.trader("t1").sees_group(&service);
            assert_eq!(info["status"], "ready", "{upgrade} {order}: {info}");
            assert_eq!(info["group_id"], json!(group.to_string()));
            let works = house.trader("t1").alerts(&service, signal("EURUSD")).is(202);
            house.settle();
            let alert = house.trader("t1").sees_alert(&text(&works, "/alert_id"));
            assert_eq!(alert["status"], "sent");
        }
    }
}

#[test]
fn a_basic_group_is_named_as_the_problem_and_ready_once_upgraded() {
    let house = House::new();
    let (service, link) = service_and_link(&house);
    let owner = house.person("Tara");
    let basic = owner.adds_bot(&link, json!({ "kind": "group" }));
    house.settle();
    let info = house.trader("t1").sees_group(&service);
    assert_eq!(info["status"], "degraded");
    assert!(codes(&info).contains(&"not_a_supergroup".to_owned()), "{info}");
    let upgraded = owner.does("migrate", json!({ "chat_id": basic }));
    let all =
        ["invite_users", "restrict_members", "delete_messages", "pin_messages", "change_info"];
    owner.does("promote", json!({ "chat_id": upgraded["chat_id"], "rights": all }));
    house.settle();
    let info = house.trader("t1").sees_group(&service);
    assert_eq!(info["status"], "ready", "{info}");
    assert_eq!(info["group_id"], json!(upgraded["chat_id"].to_string()));
}

#[test]
fn an_old_set_up_link_is_refused_and_the_new_one_works() {
    let house = House::new();
    let (service, old) = service_and_link(&house);
    let trader = house.trader("t1");
    let same = trader.asks_for_group(&service, "link").is(202);
    assert_eq!(text(&same, "/setup_link"), old, "within its hour it is the same link");
    house.waits(minutes(61));
    assert_eq!(house.sweep().links_expired, 1);
    assert_eq!(trader.sees_group(&service)["status"], "none");
    let new = text(&trader.asks_for_group(&service, "link").is(202), "/setup_link");
    assert_ne!(new, old);
    let owner = house.person("Tara");
    let group = owner.adds_bot(&old, json!({}));
    house.settle();
    let posts = house.posts(group);
    assert_eq!(posts.len(), 1);
    assert!(text(&posts[0], "/text").contains("expired or was replaced"));
    assert_eq!(trader.sees_group(&service)["status"], "awaiting_bot");
    owner.adds_bot(&new, json!({ "chat_id": group }));
    house.settle();
    assert_eq!(trader.sees_group(&service)["status"], "ready");
}

#[test]
fn an_expired_link_is_refused_even_before_the_sweep() {
    let house = House::new();
    let (service, link) = service_and_link(&house);
    house.waits(minutes(61));
    let group = house.person("Tara").adds_bot(&link, json!({}));
    house.settle();
    assert!(text(&house.posts(group)[0], "/text").contains("expired"));
    assert_ne!(house.trader("t1").sees_group(&service)["status"], "ready");
}

#[test]
fn a_group_that_serves_another_service_stays_with_it() {
    let (house, place) = one_service();
    let trader = house.trader("t1");
    let other = trader.creates_service("Silver Signals");
    let link = text(&trader.asks_for_group(&other, "link").is(202), "/setup_link");
    place.owner.adds_bot(&link, json!({ "chat_id": place.group }));
    house.settle();
    let said = house.posts(place.group).last().map(|post| text(post, "/text")).unwrap();
    assert!(said.contains("serves another service"), "{said}");
    assert_eq!(trader.sees_group(&other)["status"], "awaiting_bot");
    let info = trader.sees_group(&place.service);
    assert_eq!((&info["status"], &info["invite_link"]), (&json!("ready"), &json!(place.link)));
}

#[test]
fn a_second_group_for_a_service_is_refused() {
    let house = House::new();
    let (service, link) = service_and_link(&house);
    let owner = house.person("Tara");
    let first = owner.adds_bot(&link, json!({}));
    house.settle();
    let second = owner.adds_bot(&link, json!({}));
    house.settle();
    assert!(text(&house.posts(second)[0], "/text").contains("has its group already"));
    let info = house.trader("t1").sees_group(&service);
    assert_eq!(info["group_id"], json!(first.to_string()));
}

#[test]
fn a_set_up_link_in_a_private_chat_explains_itself() {
    let house = House::new();
    let (_, link) = service_and_link(&house);
    let token = link.split(['=', '&']).nth(1).unwrap();
    let tara = house.person("Tara");
    tara.enters(&format!("https://t.me/usher_bot?start={token}"));
    assert!(tara.last_letter().contains("adds me to a group"), "{}", tara.last_letter());
}

#[test]
fn missing_rights_are_named_and_a_promotion_makes_the_group_ready_by_itself() {
    let house = House::new();
    let (service, link) = service_and_link(&house);
    let (bare, _) = link.split_once("&admin=").unwrap();
    let owner = house.person("Tara");
    let group = owner.adds_bot(bare, json!({}));
    house.settle();
    let info = house.trader("t1").sees_group(&service);
    assert_eq!((&info["status"], codes(&info)), (&json!("degraded"), vec!["bot_not_admin".into()]));
    assert_eq!(info["bot"]["is_admin"], false);

    owner.does("promote", json!({ "chat_id": group, "rights": ["invite_users"] }));
    house.settle();
    let info = house.trader("t1").sees_group(&service);
    assert_eq!(info["status"], "degraded");
    let missing = codes(&info);
    assert!(missing.contains(&"cannot_restrict_members".to_owned()), "{missing:?}");
    assert!(!missing.contains(&"cannot_invite_users".to_owned()), "{missing:?}");
    assert!(house.posts(group).is_empty(), "not greeted yet");

    owner.does("promote", json!({ "chat_id": group, "add": ["restrict_members"] }));
    house.settle();
    let info = house.trader("t1").sees_group(&service);
    assert_eq!(info["status"], "ready", "{info}");
    assert!(codes(&info).contains(&"cannot_change_info".to_owned()), "told, though nothing blocks");
    assert_eq!(house.posts(group).len(), 1, "greeted");
}

#[test]
fn a_bot_that_is_kicked_and_comes_back_goes_on_as_before() {
    let (house, place) = one_service();
    let trader = house.trader("t1");
    place.owner.does("kick_bot", json!({ "chat_id": place.group }));
    house.settle();
    let info = trader.sees_group(&place.service);
    assert_eq!((&info["status"], codes(&info)), (&json!("degraded"), vec!["bot_outside".into()]));
    assert_eq!(trader.alerts(&place.service, signal("EURUSD")).status, 409);
    assert_eq!(
        trader.gets("/traders/services").is(200)["items"][0]["telegram_group"]["status"],
        "degraded"
    );

    let all =
        ["invite_users", "restrict_members", "delete_messages", "pin_messages", "change_info"];
    place.owner.does("promote", json!({ "chat_id": place.group, "rights": all }));
    house.settle();
    let info = trader.sees_group(&place.service);
    assert_eq!((&info["status"], &info["problems"]), (&json!("ready"), &json!([])), "{info}");
    let ada = house.person("Ada");
    house.storefront().sells_to(&place.service, "c-1", &ada);
    ada.enters(&text(&info, "/invite_link"));
    assert!(house.members(place.group).contains(&"Ada".to_owned()));
    assert_eq!(house.posts(place.group).len(), 1, "not greeted a second time");
}

#[test]
fn rights_lost_without_a_word_are_seen_by_a_call_and_by_a_look() {
    let (house, place) = one_service();
    let trader = house.trader("t1");
    // The update about it gets lost.
    place.owner.does("promote", json!({ "chat_id": place.group, "remove": ["restrict_members"] }));
    house.telegram().updates();
    house.waits(minutes(2));
    let info = trader.sees_group(&place.service);
    assert_eq!(
        (&info["status"], codes(&info)),
        (&json!("degraded"), vec!["cannot_restrict_members".into()])
    );
    place.owner.does("promote", json!({ "chat_id": place.group, "add": ["restrict_members"] }));
    house.telegram().updates();
    house.waits(minutes(2));
    trader.sees_group(&place.service);
    house.settle();
    assert_eq!(trader.sees_group(&place.service)["status"], "ready");
}

#[test]
fn what_is_told_of_a_group_is_never_older_than_a_minute() {
    let (house, place) = one_service();
    let trader = house.trader("t1");
    let before = trader.sees_group(&place.service);
    place.owner.does("add", json!({ "user": house.person("Guest").id, "chat_id": place.group }));
    house.waits(minutes(1));
    let after = trader.sees_group(&place.service);
    assert_ne!(before["checked_at"], after["checked_at"]);
    let looks = house.calls("getChat").len();
    trader.sees_group(&place.service);
    assert_eq!(house.calls("getChat").len(), looks, "fresh enough: not asked again");
}

#[test]
fn a_group_that_changes_its_owner_and_its_title_goes_on_as_before() {
    let (house, place) = one_service();
    let trader = house.trader("t1");
    let (ada, sold) = insider(&house, &place, "Ada");
    place.owner.does("title", json!({ "chat_id": place.group, "title": "Ada's room" }));
    place.owner.does("transfer_owner", json!({ "user": ada.id, "chat_id": place.group }));
    house.waits(minutes(1));
    let info = trader.sees_group(&place.service);
    assert_eq!((&info["status"], &info["title"]), (&json!("ready"), &json!("Ada's room")));
    assert_eq!(info["problems"], json!([]));
    insider(&house, &place, "Ben");
    // An owner cannot be put out, whoever it is by now.
    house.storefront().cancels(&sold, "now").is(200);
    house.waits(minutes(1));
    assert_eq!(house.members(place.group), ["Ada", "Ben", "Usher", "t1 (owner)"]);
    // Handed back, and made an ordinary member, they have to leave.
    ada.does("transfer_owner", json!({ "user": place.owner.id, "chat_id": place.group }));
    let nothing = json!({ "user": ada.id, "chat_id": place.group, "rights": [] });
    place.owner.does("promote", nothing);
    house.waits(minutes(1));
    assert_eq!(house.members(place.group), ["Ben", "Usher", "t1 (owner)"]);
    assert_eq!(house.sweep().visited, 0);
}

#[test]
fn a_deleted_group_is_told_as_one_without_the_bot() {
    let (house, place) = one_service();
    house.telegram().control("delete_group", json!({ "chat_id": place.group }));
    house.waits(minutes(2));
    let info = house.trader("t1").sees_group(&place.service);
    assert_eq!((&info["status"], codes(&info)), (&json!("degraded"), vec!["bot_outside".into()]));
    assert_eq!(house.sweep().failed, 0);
}

#[test]
fn updates_that_come_twice_and_crossed_bind_once() {
    for kind in ["message", "my_chat_member"] {
        let house = House::new();
        let (service, link) = service_and_link(&house);
        house.telegram().control("webhook/duplicate", json!({ "method": kind, "count": 9 }));
        let group = house.person("Tara").adds_bot(&link, json!({}));
        house.settle();
        assert_eq!(house.trader("t1").sees_group(&service)["status"], "ready");
        assert_eq!(house.posts(group).len(), 1);
        let bound = house.steps(&service, &format!("service/{service}"));
        assert_eq!(bound.iter().filter(|step| *step == "group.bound").count(), 1, "{bound:?}");
    }
}

#[test]
fn a_move_takes_no_group_away_from_another_service() {
    let (house, place) = crate::one_service();
    let other = house.trader("t2").opens("Silver");
    let moved = |from: i64, to: i64| {
        let (store, now) = (house.functions().store.clone(), house.now());
        let by = domain::change::Actor::Telegram;
        let ids = (domain::ids::ChatId::new(from), domain::ids::ChatId::new(to));
        house.functions().clock.run(store::chat_moved(&store, ids.0, ids.1, by, now)).unwrap()
    };
    assert_eq!(moved(place.group, other.group), store::Move::TakenByAnother);
    house.settle();
    for (name, of) in [("t1", &place), ("t2", &other)] {
        let told = house.trader(name).sees_group(&of.service);
        assert_eq!(told["group_id"], json!(of.group.to_string()), "{name}");
    }
    assert_eq!(moved(place.group, place.group - 1_000), store::Move::Noted);
}
