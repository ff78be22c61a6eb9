//! How buyers come in.

use serde_json::json;
use testkit::House;

#[test]
fn a_buyer_is_let_in_by_the_guarded_link() {
    let house = House::new();
    let place = house.trader("t1").opens("Gold Signals");
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-1", &ada);
    assert_eq!(sold["invite_link"], json!(place.link));
    assert_eq!(ada.enters(&place.link), "requested");
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
    let sold = house.storefront().reads(&sold);
    assert_eq!((&sold["membership"], &sold["status"]), (&json!("joined"), &json!("active")));
}
