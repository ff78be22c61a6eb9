//! The hard cases, each held against the same four things at its end: nobody who has access and asked
//! to be in is outside, nobody without a right is inside, nothing is stuck, every step is on record.

use domain::guard::Intruder;
use domain::membership::Membership;
use domain::subscription::Subscription;
use serde_json::json;
use store::{Entity as _, Table, decode};
use testkit::House;
use testkit::house::{Person, Place, hours, text};
use testkit::memory_telegram::Moment;

use crate::{insider, one_service, pair, stands};

/// Holds the group against the books. `others` are inside by other rights, beside owner and bot.
fn ends_well(house: &House, place: &Place, others: &[&Person]) {
    house.settle();
    let shown = house.group(place.group);
    let inside: Vec<i64> = shown["members"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["is_member"] == true && it["status"] == "member" && it["is_bot"] == false)
        .map(|it| it["user"].as_i64().unwrap())
        .collect();
    let mut entitled: Vec<i64> = others.iter().map(|it| it.id).collect();
    for row in house.store().rows(Table::Subscriptions) {
        if row.kind != Subscription::KIND {
            continue;
        }
        let read = decode::<Subscription>(row).unwrap();
        let it = read.value;
        let steps = house.steps(&place.service, &format!("subscription/{}", it.id)).len();
        assert_eq!(steps as u64, read.meta.ver, "each step is on record");
        let open = match &it.membership {
            Membership::Invited { asked } => asked.is_some(),
            Membership::Leaving { .. } | Membership::Removing { .. } => true,
            Membership::Joined { .. } | Membership::Removed { .. } | Membership::Kept { .. } => {
                false
            }
        };
        assert!(!open, "{} is stuck: {:?}", it.id, it.membership);
        let user = it.user.map(domain::ids::UserId::get);
        let is_in = user.is_some_and(|user| inside.contains(&user));
        let joined = matches!(it.membership, Membership::Joined { .. } | Membership::Kept { .. });
        assert_eq!(is_in, joined, "{}: the books say {:?}", it.id, it.membership);
        if it.entitled(house.now()) {
            entitled.extend(user);
        }
    }
    for user in &inside {
        assert!(entitled.contains(user), "somebody is inside without a right");
    }
    for row in house.store().rows(Table::Services) {
        if row.kind == Intruder::KIND {
            let it = decode::<Intruder>(row).unwrap().value;
            assert_eq!(it.due_at(), None, "{:?}", it.stand);
        }
    }
    assert!(shown["join_requests"].as_array().unwrap().is_empty());
    assert!(house.queue().dead().is_empty());
}

#[test]
fn two_people_with_one_leaked_link_both_end_outside() {
    let (house, place) = one_service();
    let (ada, _) = insider(&house, &place, "Ada");
    let open = place.owner.does("link", json!({ "chat_id": place.group }));
    let (eve, mal) = (house.person("Eve"), house.person("Mal"));
    for person in [&eve, &mal] {
        assert_eq!(person.taps(&text(&open, "/invite_link")), "joined");
        person.taps(&place.link);
    }
    ada.leaves(place.group);
    assert_eq!(ada.taps(&text(&open, "/invite_link")), "joined");
    house.passes(hours(1));
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
    ends_well(&house, &place, &[]);
}

/// What is done then.
type Then = Box<dyn FnOnce(&House) + Send>;

/// Does something after so many more calls of a method.
fn after_calls(house: &House, method: &'static str, calls: u32, then: Then) {
    house.beside(method, Moment::After, move |house| match calls {
        0 => then(house),
        more => after_calls(house, method, more - 1, then),
    });
}

/// The owner takes the right to remove from the bot, or gives it back.
fn changes_right(house: &House, owner: i64, group: i64, how: &str) {
    let body = json!({ "by": owner, "bot": 100, "chat_id": group, how: ["restrict_members"] });
    house.telegram().control("promote", body);
}

#[test]
fn rights_that_are_lost_in_the_middle_of_two_hundred_removals_and_come_back_leave_nobody_inside() {
    let (house, place) = one_service();
    let sold: Vec<_> =
        (0..200).map(|number| insider(&house, &place, &format!("P{number:03}")).1).collect();
    let (owner, group) = (place.owner.id, place.group);
    let taken = move |house: &House| changes_right(house, owner, group, "remove");
    after_calls(&house, "unbanChatMember", 99, Box::new(taken));
    for it in &sold {
        house.storefront().cancels(it, "now").is(200);
    }
    house.passes(hours(1));
    let left = house.members(place.group).len() - 2;
    assert!((90..=110).contains(&left), "{left} are left inside");
    assert_eq!(house.trader("t1").sees_group(&place.service)["status"], "degraded");
    house.passes(hours(5));
    changes_right(&house, owner, group, "add");
    house.passes(hours(1));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(house.trader("t1").sees_group(&place.service)["status"], "ready");
    for it in &sold {
        assert_eq!(stands(&house, it), pair("cancelled", "removed"));
    }
    ends_well(&house, &place, &[]);
}

#[test]
fn two_purchases_are_one_membership_and_their_end_comes_once() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    let again = house.storefront().sells_to(&place.service, "c-Ada", &ada);
    assert_eq!(again["id"], sold["id"]);
    house.passes(hours(31 * 24));
    assert_eq!(stands(&house, &sold), pair("active", "joined"), "the first alone would be over");
    house.passes(hours(30 * 24));
    assert_eq!(stands(&house, &sold), pair("expired", "removed"));
    ends_well(&house, &place, &[]);
}
