//! How access ends.

use serde_json::json;
use testkit::house::{hours, minutes, text};
use testkit::memory_telegram::Moment;

use crate::{insider, news, one_service, pair, stands, story_of};

const DAY: i64 = 24;

fn status_in_group(house: &testkit::House, group: i64, user: i64) -> String {
    let shown = house.group(group);
    let members = shown["members"].as_array().unwrap();
    let member = members.iter().find(|member| member["user"] == user);
    member.map_or("left".to_owned(), |member| text(member, "/status"))
}

#[test]
fn when_the_time_is_over_the_sweep_ends_it() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    house.waits(hours(30 * DAY) - minutes(5));
    house.sweep();
    assert_eq!(house.members(place.group).len(), 3, "paid until the last minute");
    house.waits(minutes(6));
    let report = house.sweep();
    assert_eq!((report.expired, report.failed), (1, 0));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &sold), pair("expired", "removed"));
    assert_eq!(status_in_group(&house, place.group, ada.id), "left", "not banned: may come back");
    assert!(ada.last_letter().contains("has ended"), "{}", ada.last_letter());
    assert_eq!(
        story_of(&house, &place, &sold),
        [
            "subscription.purchased",
            "member.asked",
            "member.joined",
            "subscription.reminded",
            "subscription.expired",
            "member.removing",
            "member.removed",
        ]
    );
    assert_eq!(house.sweep().visited, 0, "nothing is left to do");
}

#[test]
fn a_cancellation_now_takes_effect_without_a_sweep() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    let first = house.storefront().cancels(&sold, "now").is(200);
    assert_eq!((&first["status"], &first["membership"]), (&json!("cancelled"), &json!("leaving")));
    house.settle();
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
    ada.enters(&place.link);
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
}

#[test]
fn cancelling_twice_gives_the_same_answer() {
    let (house, place) = one_service();
    let (_, sold) = insider(&house, &place, "Ada");
    for when in ["period_end", "now"] {
        let first = house.storefront().cancels(&sold, when).is(200);
        assert_eq!(house.storefront().cancels(&sold, when).is(200), first, "{when}");
    }
    let story = story_of(&house, &place, &sold);
    house.settle();
    let cancelled = story_of(&house, &place, &sold);
    let count = cancelled.iter().filter(|step| *step == "subscription.cancelled").count();
    assert_eq!(count, 2, "{story:?} {cancelled:?}");
}

#[test]
fn a_cancellation_at_the_end_of_the_period_lets_stay_until_then() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    let cancelled = house.storefront().cancels(&sold, "period_end").is(200);
    assert_eq!(cancelled["membership"], "joined");
    house.passes(hours(29 * DAY));
    assert_eq!(house.members(place.group).len(), 3);
    assert!(news(&ada).is_empty(), "who has cancelled is not reminded");
    house.passes(hours(DAY) + minutes(30));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
    let story = story_of(&house, &place, &sold);
    assert!(story.contains(&"subscription.period_ended".to_owned()), "{story:?}");
}

#[test]
fn grace_is_kept_to_the_hour() {
    let house = testkit::House::new();
    let place = house.trader("t1").opens_with("Gold", &json!({ "grace_hours": 48 }));
    let (_, sold) = insider(&house, &place, "Ada");
    let (end, access) = (text(&sold, "/end_date"), text(&sold, "/access_ends_at"));
    assert_ne!(end, access);
    house.waits(hours(31 * DAY));
    house.sweep();
    assert_eq!(stands(&house, &sold), pair("active", "joined"));
    house.waits(hours(DAY));
    house.sweep();
    assert_eq!(stands(&house, &sold), pair("expired", "removed"));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
}

#[test]
fn reminders_go_out_once_each() {
    let (house, place) = one_service();
    let (ada, _) = insider(&house, &place, "Ada");
    house.passes(hours(27 * DAY - 1));
    assert_eq!(news(&ada).len(), 0);
    house.passes(hours(2));
    assert_eq!(news(&ada).len(), 1);
    assert!(ada.last_letter().contains("Renew it"), "{}", ada.last_letter());
    house.passes(hours(2 * DAY));
    assert_eq!(news(&ada).len(), 2);
    house.passes(hours(20));
    assert_eq!(news(&ada).len(), 2);
}

#[test]
fn who_never_spoke_to_the_bot_cannot_be_written_to_and_nothing_hangs_on_it() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-1", &ada);
    ada.enters(&place.link);
    house.passes(hours(30 * DAY) + minutes(30));
    assert!(ada.letters().is_empty(), "a bot cannot begin a conversation");
    assert_eq!(stands(&house, &sold), pair("expired", "removed"));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(house.sweep().visited, 0);
}

#[test]
fn whoever_never_came_in_is_looked_for_and_not_written_to() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-1", &ada);
    house.storefront().cancels(&sold, "now").is(200);
    house.settle();
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
    assert!(house.calls("unbanChatMember").is_empty());
    assert!(ada.letters().is_empty());
}

#[test]
fn an_open_request_is_declined_when_access_ends() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-1", &ada);
    ada.taps(&place.link);
    house.storefront().cancels(&sold, "now").is(200);
    house.settle();
    assert_eq!(house.group(place.group)["join_requests"], json!([]));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
}

#[test]
fn owner_and_administrators_are_left_inside_and_it_is_written_down() {
    let (house, place) = one_service();
    let (ada, by_ada) = insider(&house, &place, "Ada");
    let rights = json!({ "user": ada.id, "chat_id": place.group, "rights": ["pin_messages"] });
    place.owner.does("promote", rights);
    let by_owner = house.storefront().sells_to(&place.service, "c-owner", &place.owner);
    house.settle();
    for sold in [&by_ada, &by_owner] {
        house.storefront().cancels(sold, "now").is(200);
    }
    house.settle();
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
    for sold in [&by_ada, &by_owner] {
        let story = story_of(&house, &place, sold);
        assert_eq!(story.last().unwrap(), "member.kept", "{story:?}");
    }
    assert_eq!(house.sweep().visited, 0);
}

#[test]
fn a_ban_by_a_person_is_never_lifted() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    place.owner.does("ban", json!({ "user": ada.id, "chat_id": place.group }));
    house.settle();
    house.storefront().cancels(&sold, "now").is(200);
    house.settle();
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
    assert_eq!(status_in_group(&house, place.group, ada.id), "kicked");
    assert!(house.calls("unbanChatMember").is_empty());
    house.storefront().sells(&place.service, "c-Ada");
    assert_eq!(ada.enters(&place.link), "banned", "paying does not lift it either");
}

#[test]
fn a_removal_that_meets_a_ban_on_its_way_leaves_it() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    house.storefront().cancels(&sold, "now").is(200);
    place.owner.does("ban", json!({ "user": ada.id, "chat_id": place.group }));
    house.settle();
    assert_eq!(status_in_group(&house, place.group, ada.id), "kicked");
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
}

#[test]
fn whoever_left_before_the_end_is_not_removed_again() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    ada.leaves(place.group);
    house.settle();
    house.waits(hours(31 * DAY));
    house.sweep();
    assert_eq!(stands(&house, &sold), pair("expired", "removed"));
    assert!(house.calls("unbanChatMember").is_empty());
}

#[test]
fn a_deleted_account_does_not_hold_a_removal_up() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    house.telegram().control("deactivate", json!({ "user": ada.id }));
    house.storefront().cancels(&sold, "now").is(200);
    house.passes(hours(2));
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
}

#[test]
fn an_end_of_ones_own_overrides_the_duration() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let end = (house.now() + hours(48)).to_string();
    let trial = json!({ "telegram_user_id": ada.id, "ends_at": end });
    let sold = house.storefront().buys(&place.service, "c-1", &trial).is(201);
    assert_eq!(text(&sold, "/end_date"), end);
    ada.enters(&place.link);
    house.passes(hours(48) + minutes(30));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    let past = json!({ "ends_at": "2020-01-01T00:00:00Z" });
    house.storefront().buys(&place.service, "c-2", &past).is(422);
}

#[test]
fn who_is_added_again_before_their_removal_is_on_record_is_put_out_again() {
    let (house, place) = one_service();
    let (ada, sold) = insider(&house, &place, "Ada");
    let add = json!({ "user": ada.id, "chat_id": place.group });
    let owner = place.owner.clone();
    house.beside("unbanChatMember", Moment::After, move |house| {
        owner.does("add", add);
        for update in house.telegram().updates() {
            if !house.deliver(&update) {
                house.takes_in(vec![update]);
            }
        }
    });
    house.storefront().cancels(&sold, "now").is(200);
    house.waits(minutes(5));
    assert_eq!(house.calls("unbanChatMember").len(), 2);
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
}
