//! Stories: the real handlers on the ports in memory, played by people.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is a test"
)]

mod alerts;
mod api;
mod batches;
mod charts;
mod claims;
mod crowd;
mod entry;
mod evictions;
mod floods;
mod groups;
mod guests;
mod imports;
mod languages;
mod leaving;
mod lists;
mod migration;
mod pool;
mod proof;
mod reconcile;
mod renewal;
mod trouble;
mod updates;

use serde_json::{Value, json};
use testkit::House;
use testkit::house::{Person, Place, text};

/// A house with one service whose group is ready.
fn one_service() -> (House, Place) {
    let house = House::new();
    let place = house.trader("t1").opens("Gold Signals");
    (house, place)
}

/// A house with one service, bound to a group in which somebody was before.
fn service_of_a_used_group() -> (House, Place, Person) {
    let house = House::new();
    let trader = house.trader("t1");
    let service = trader.creates_service("Gold");
    let (owner, old) = (house.person("Tara"), house.person("Old"));
    let made = house.telegram().control("groups", json!({ "owner": owner.id, "title": "Room" }));
    let group = made["chat_id"].as_i64().unwrap();
    owner.does("add", json!({ "user": old.id, "chat_id": group }));
    let link = text(&trader.asks_for_group(&service, "link").is(202), "/setup_link");
    owner.adds_bot(&link, json!({ "chat_id": group }));
    house.settle();
    let link = text(&trader.sees_group(&service), "/invite_link");
    (house, Place { service, owner, group, link }, old)
}

/// Somebody who knows the bot, has bought and is in.
fn insider(house: &House, place: &Place, name: &str) -> (Person, Value) {
    let person = house.person(name);
    person.writes("/start");
    let sold = house.storefront().sells_to(&place.service, &format!("c-{name}"), &person);
    assert_eq!(person.enters(&place.link), "requested");
    assert!(house.members(place.group).contains(&name.to_owned()), "{name} is in");
    (person, sold)
}

/// The actions in a subscription's audit trail, oldest first.
fn story_of(house: &House, place: &Place, sold: &Value) -> Vec<String> {
    house.steps(&place.service, &format!("subscription/{}", text(sold, "/id")))
}

/// Where a subscription stands: status and membership.
fn stands(house: &House, sold: &Value) -> (String, String) {
    let now = house.storefront().reads(sold);
    (text(&now, "/status"), text(&now, "/membership"))
}

fn pair(status: &str, membership: &str) -> (String, String) {
    (status.to_owned(), membership.to_owned())
}

/// Orders a fault of the simulator.
fn fault(house: &House, fault: Value) {
    house.telegram().control("faults", fault);
}

/// A good alert.
fn signal(symbol: &str) -> Value {
    json!({
        "symbol": symbol, "action": "buy", "entry": "100.50", "targets": ["110"],
        "stop_loss": "95",
    })
}

/// What the bot wrote to somebody of its own accord.
fn news(person: &Person) -> Vec<Value> {
    let mut letters = person.letters();
    let is_answer = |text: &str| text.starts_with("Hello!") || text.starts_with("You have access");
    letters.retain(|letter| !is_answer(&text(letter, "/text")));
    letters
}
