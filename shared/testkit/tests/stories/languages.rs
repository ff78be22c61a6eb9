//! The bot writes to people in their language, also long after they last wrote to it.

use serde_json::json;
use testkit::house::{hours, minutes, text};

use crate::one_service;

#[test]
fn a_buyer_is_written_to_in_their_language_from_the_link_to_the_end() {
    let (house, place) = one_service();
    let uwe = house.person_who_speaks("Uwe", "de-AT");
    let sold = house.storefront().sells(&place.service, "c-uwe");
    uwe.enters(&text(&sold, "/claim_link"));
    assert!(uwe.last_letter().contains("mit Gold Signals verknüpft"), "{}", uwe.last_letter());
    let letter = uwe.letters().pop().unwrap().to_string();
    assert!(letter.contains("Zur Gruppe"), "the button, too: {letter}");
    uwe.enters(&place.link);
    uwe.writes("/access");
    house.settle();
    assert!(uwe.last_letter().contains("Sie sind drin"), "{}", uwe.last_letter());
    // Weeks later, when nobody has written anything.
    house.passes(hours(24 * 27 + 1));
    assert!(uwe.last_letter().contains("Verlängern Sie ihn"), "{}", uwe.last_letter());
    house.passes(hours(24 * 3));
    assert!(
        uwe.last_letter().contains("Zugang zu Gold Signals ist zu Ende"),
        "{}",
        uwe.last_letter()
    );
    uwe.enters(&place.link);
    assert!(uwe.last_letter().contains("Abonnement ist zu Ende"), "{}", uwe.last_letter());
}

#[test]
fn whoever_only_ever_asked_to_be_let_in_is_written_to_in_their_language() {
    let (house, place) = one_service();
    let uwe = house.person_who_speaks("Uwe", "de");
    let sold = house.storefront().sells_to(&place.service, "c-uwe", &uwe);
    uwe.enters(&place.link);
    uwe.writes("/start");
    house.storefront().cancels(&sold, "now").is(200);
    house.settle();
    assert!(uwe.last_letter().contains("ist zu Ende"), "{}", uwe.last_letter());
    let eva = house.person_who_speaks("Eva", "de-CH");
    eva.enters(&place.link);
    assert!(eva.last_letter().contains("gehört zu keinem Abonnement"), "{}", eva.last_letter());
    let jose = house.person_who_speaks("José", "pt-br");
    jose.enters(&place.link);
    assert!(jose.last_letter().contains("belongs to no subscription"), "{}", jose.last_letter());
}

#[test]
fn a_subscription_that_moves_to_another_account_takes_on_its_language() {
    let (house, place) = one_service();
    let uwe = house.person_who_speaks("Uwe", "de");
    let sold = house.storefront().sells(&place.service, "c-1");
    uwe.enters(&text(&sold, "/claim_link"));
    let path = format!("/subscriptions/{}/relink", text(&sold, "/id"));
    let request = testkit::functions::Request::bare("POST", path);
    let moved = house.storefront().call(request).is(200);
    let ann = house.person_who_speaks("Ann", "en");
    ann.enters(&text(&moved, "/claim_link"));
    assert!(ann.last_letter().contains("is linked to Gold Signals"), "{}", ann.last_letter());
    house.passes(hours(24 * 27 + 1));
    assert!(ann.last_letter().contains("Renew it"), "{}", ann.last_letter());
}

#[test]
fn an_operator_reads_what_a_spare_group_lacks_in_their_language() {
    let house = testkit::House::new();
    let olaf = house.person_who_speaks("Olaf", "de");
    olaf.writes("/start");
    let link = house.pool_link();
    let (bare, _) = link.split_once("&admin=").unwrap();
    let group = olaf.adds_bot(bare, json!({ "title": "Frei" }));
    house.waits(minutes(1));
    assert!(olaf.last_letter().contains("Ich bin kein Administrator"), "{}", olaf.last_letter());
    let all =
        ["invite_users", "restrict_members", "delete_messages", "pin_messages", "change_info"];
    olaf.does("promote", json!({ "chat_id": group, "rights": all }));
    house.waits(minutes(1));
    assert!(
        olaf.last_letter().contains("gehört nun zu den freien Gruppen"),
        "{}",
        olaf.last_letter()
    );
}
