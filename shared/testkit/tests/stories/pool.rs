//! Spare groups: added by an operator, taken by traders.

use serde_json::json;
use testkit::House;
use testkit::functions::Request;
use testkit::house::{Person, minutes, text};

/// A house with so many spare groups.
fn pool(spares: usize) -> (House, Vec<i64>) {
    let house = House::new();
    let operator = house.person("Olga");
    let link = house.pool_link();
    let groups = (1..=spares).map(|number| {
        let group = operator.adds_bot(&link, json!({ "title": format!("Spare {number}") }));
        house.waits(minutes(1));
        group
    });
    let groups = groups.collect();
    (house, groups)
}

#[test]
fn a_spare_group_is_taken_at_once_and_carries_the_name_of_the_service() {
    let (house, groups) = pool(1);
    let trader = house.trader("t1");
    let service = trader.creates_service("Gold Signals");
    let taken = trader.asks_for_group(&service, "auto").is(201);
    assert_eq!((&taken["status"], &taken["title"]), (&json!("ready"), &json!("Gold Signals")));
    assert_eq!(taken["group_id"], json!(groups[0].to_string()));
    let link = text(&taken, "/invite_link");
    house.settle();
    let group = house.group(groups[0]);
    assert_eq!(group["title"], "Gold Signals");
    let posts = house.posts(groups[0]);
    assert_eq!(posts.len(), 1, "a spare group stays empty until it is taken");
    assert!(text(&posts[0], "/text").contains("home of Gold Signals"));
    let ada = house.person("Ada");
    house.storefront().sells_to(&service, "c-1", &ada);
    ada.enters(&link);
    assert_eq!(house.members(groups[0]), ["Ada", "Olga", "Usher"]);

    let path = format!("/traders/services/{service}");
    let change = json!({ "name": "Platinum Signals", "description": "Metals, twice a day" });
    trader.call(Request::json("PATCH", path, &change)).is(200);
    house.settle();
    let group = house.group(groups[0]);
    assert_eq!((&group["title"], &group["description"]), (&change["name"], &change["description"]));
}

#[test]
fn the_operator_is_told_in_private_and_a_spare_without_rights_waits() {
    let house = House::new();
    let operator = house.person("Olga");
    operator.writes("/start");
    let link = house.pool_link();
    let (bare, _) = link.split_once("&admin=").unwrap();
    let group = operator.adds_bot(bare, json!({ "title": "Spare" }));
    house.settle();
    let letters = operator.letters();
    assert!(text(&letters[letters.len() - 2], "/text").contains("Noted as a spare group"));
    let said = operator.last_letter();
    assert!(said.contains("Spare cannot join") && said.contains("no administrator"), "{said}");
    let trader = house.trader("t1");
    let service = trader.creates_service("Gold Signals");
    assert_eq!(trader.asks_for_group(&service, "pool").status, 409, "not ready, so not given out");
    let all =
        ["invite_users", "restrict_members", "delete_messages", "pin_messages", "change_info"];
    operator.does("promote", json!({ "chat_id": group, "rights": all }));
    house.settle();
    let said = operator.last_letter();
    assert!(said.contains("is in the pool"), "{said}");
    trader.asks_for_group(&service, "pool").is(201);
    assert_eq!(
        house.audit("pool").first().map(|it| it.action.clone()).unwrap(),
        "pool.spare_added"
    );
}

#[test]
fn without_a_spare_group_the_mode_decides() {
    let house = House::new();
    let trader = house.trader("t1");
    let service = trader.creates_service("Gold Signals");
    let refused = trader.asks_for_group(&service, "pool").is(409);
    assert!(text(&refused, "/detail").contains("no spare group"));
    trader.asks_for_group(&service, "auto").is(202);
}

#[test]
fn a_link_of_the_pool_ends_after_an_hour_and_never_takes_a_services_group() {
    let (house, place) = crate::one_service();
    let link = house.pool_link();
    place.owner.adds_bot(&link, json!({ "chat_id": place.group }));
    house.settle();
    let said = house.posts(place.group).last().map(|post| text(post, "/text")).unwrap();
    assert!(said.contains("serves another service"), "{said}");
    house.waits(minutes(61));
    let late = place.owner.adds_bot(&link, json!({ "title": "Late" }));
    house.settle();
    assert!(text(&house.posts(late)[0], "/text").contains("expired"));
    let trader = house.trader("t1");
    let other = trader.creates_service("Silver");
    assert_eq!(trader.asks_for_group(&other, "pool").status, 409);
}

#[test]
fn two_who_want_the_one_spare_group_at_once_get_one_group_and_one_refusal() {
    let (house, groups) = pool(1);
    let ask = |name: &str| {
        let service = house.trader(name).creates_service(name);
        let path = format!("/traders/services/{service}/telegram-group/create");
        Request::json("POST", path, &json!({ "mode": "pool" })).by(name)
    };
    let answers = house.at_once(vec![ask("t1"), ask("t2")]);
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{answers:?}");
    house.settle();
    assert_eq!(house.posts(groups[0]).len(), 1, "greeted for one service");
}

#[test]
fn two_who_want_a_group_at_once_get_two_when_there_are_two() {
    let (house, groups) = pool(2);
    let ask = |name: &str| {
        let service = house.trader(name).creates_service(name);
        let path = format!("/traders/services/{service}/telegram-group/create");
        Request::json("POST", path, &json!({ "mode": "pool" })).by(name)
    };
    let answers = house.at_once(vec![ask("t1"), ask("t2")]);
    let mut given: Vec<i64> =
        answers.iter().map(|it| text(&it.body, "/group_id").parse().unwrap()).collect();
    given.sort_unstable();
    let mut all = groups.clone();
    all.sort_unstable();
    assert_eq!(given, all);
}

#[test]
fn one_trader_who_asks_twice_at_once_gets_one_group() {
    let (house, _) = pool(2);
    let service = house.trader("t1").creates_service("Gold Signals");
    let path = format!("/traders/services/{service}/telegram-group/create");
    let ask = || Request::bare("POST", path.clone()).by("t1");
    let answers = house.at_once(vec![ask(), ask()]);
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
    assert_eq!(answers[0].body["group_id"], answers[1].body["group_id"]);
    house.settle();
    let other = house.trader("t2").creates_service("Silver");
    house.trader("t2").asks_for_group(&other, "pool").is(201);
}

/// The owner of a group adds somebody to it.
fn adds(house: &House, group: i64, person: &Person) {
    let shown = house.group(group);
    let members = shown["members"].as_array().unwrap();
    let owner = members.iter().find(|member| member["status"] == "creator").unwrap();
    let added = json!({ "by": owner["user"], "user": person.id, "chat_id": group });
    house.telegram().control("add", added);
}

#[test]
fn strangers_in_a_spare_group_are_looked_at_when_it_is_taken() {
    let (house, groups) = pool(1);
    let group = groups[0];
    let (eve, gone) = (house.person("Eve"), house.person("Gone"));
    adds(&house, group, &eve);
    adds(&house, group, &gone);
    house.settle();
    gone.leaves(group);
    house.settle();
    assert!(house.members(group).contains(&"Eve".to_owned()), "nobody's group, nobody's guard");
    let trader = house.trader("t1");
    let service = trader.creates_service("Gold Signals");
    trader.asks_for_group(&service, "pool").is(201);
    house.settle();
    assert_eq!(house.members(group), ["Olga", "Usher"]);
    let told = trader.sees_group(&service);
    assert_eq!(told["intruders"], json!({ "inside": 0, "last_24_hours": 1 }));
}

#[test]
fn a_group_that_many_have_found_is_spare_no_more() {
    let (house, groups) = pool(1);
    for number in 0..21 {
        adds(&house, groups[0], &house.person(&format!("P{number}")));
    }
    house.settle();
    let trader = house.trader("t1");
    let service = trader.creates_service("Gold Signals");
    trader.asks_for_group(&service, "pool").is(409);
}
