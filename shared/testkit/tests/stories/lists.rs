//! Lists of subscriptions: filtered, and as tables.

use serde_json::{Value, json};
use testkit::House;
use testkit::functions::Request;
use testkit::house::Place;

use crate::{insider, one_service};

fn list(house: &House, place: &Place, query: &str) -> testkit::functions::Answer {
    house.trader("t1").gets(&format!("/traders/services/{}/subscriptions{query}", place.service))
}

fn customers(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|it| it["customer_id"].as_str().unwrap().to_owned()).collect()
}

/// Thirty who have not come, and one each who is in, has cancelled, is gone.
fn crowd() -> (House, Place) {
    let (house, place) = one_service();
    let (_, gone) = insider(&house, &place, "Gone");
    insider(&house, &place, "In");
    let (_, late) = insider(&house, &place, "Late");
    for number in 0..30 {
        house.storefront().sells(&place.service, &format!("n-{number:02}"));
    }
    house.storefront().cancels(&gone, "now").is(200);
    house.storefront().cancels(&late, "period_end").is(200);
    house.settle();
    (house, place)
}

#[test]
fn a_list_shows_only_those_that_are_asked_for() {
    let (house, place) = crowd();
    let ask = |query: &str| customers(&list(&house, &place, query).is(200));
    assert_eq!(ask("?membership=joined"), ["c-Late", "c-In"]);
    assert_eq!(ask("?membership=joined&status=active"), ["c-In"]);
    assert_eq!(ask("?status=cancelled"), ["c-Late", "c-Gone"]);
    assert_eq!(ask("?membership=removed"), ["c-Gone"]);
    assert_eq!(ask("?status=active&limit=100").len(), 31);
    assert!(ask("?status=expired").is_empty());
    for (query, at) in [("?status=gone", "?status"), ("?membership=x", "?membership")] {
        assert_eq!(list(&house, &place, query).is(422)["errors"][0]["pointer"], at);
    }
}

#[test]
fn a_filtered_list_is_read_to_its_end_page_by_page() {
    let (house, place) = crowd();
    let (mut found, mut next, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let more = next.map(|next| format!("&next={next}")).unwrap_or_default();
        let page = list(&house, &place, &format!("?status=cancelled&limit=1{more}")).is(200);
        found.extend(customers(&page));
        pages += 1;
        match page["next"].as_str() {
            Some(cursor) => next = Some(cursor.to_owned()),
            None => break,
        }
    }
    assert_eq!(found, ["c-Late", "c-Gone"]);
    assert!(pages <= 6, "{pages}");
}

#[test]
fn a_table_has_everybody_runs_nothing_and_tells_no_account() {
    let (house, place) = crowd();
    house
        .storefront()
        .buys(&place.service, "=cmd|calc", &json!({ "email": "a@b.example" }))
        .is(201);
    let by_query = list(&house, &place, "?format=csv").is(200);
    let path = format!("/traders/services/{}/subscriptions", place.service);
    let request = Request::bare("GET", path).with("accept", "text/csv");
    assert_eq!(house.trader("t1").call(request).is(200), by_query);
    let table = by_query.as_str().unwrap();
    let lines: Vec<_> = table.split("\r\n").filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 1 + 34);
    assert!(lines[0].starts_with("id,customer_id,status,membership"));
    assert!(lines[1].contains(",'=cmd|calc,active,invited,false,"), "{}", lines[1]);
    assert!(!table.contains("b.example") && !table.contains("t.me"));
    let joined = list(&house, &place, "?format=csv&membership=joined").is(200);
    assert_eq!(joined.as_str().unwrap().lines().count(), 3);
    list(&house, &place, "?format=csv&limit=3").is(422);
    list(&house, &place, "?format=xml").is(422);
}
