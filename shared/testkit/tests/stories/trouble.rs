//! When Telegram, the tables or the queues do not do what they should.

use domain::task::Lane;
use serde_json::json;
use testkit::house::{hours, minutes, text};
use testkit::memory_telegram::WireFault;
use testkit::{Call, Fault, QueueFault};

use crate::{fault, insider, news, one_service, pair, signal, stands, story_of};

#[test]
fn after_an_hour_without_telegram_everything_is_right() {
    let (house, place) = one_service();
    let (ada, leaver) = insider(&house, &place, "Ada");
    let (_, renewer) = insider(&house, &place, "Ben");
    house.telegram().set_down(true);
    let cyd = house.person("Cyd");
    let buyer = house.storefront().sells_to(&place.service, "c-cyd", &cyd);
    assert_eq!(buyer["invite_link"], json!(place.link), "a purchase does not need Telegram");
    cyd.taps(&place.link);
    house.storefront().cancels(&leaver, "now").is(200);
    house.storefront().cancels(&renewer, "now").is(200);
    let alert = house.trader("t1").alerts(&place.service, signal("EURUSD")).is(202);
    house.passes(minutes(40));
    house.storefront().sells(&place.service, "c-Ben");
    house.passes(minutes(20));
    assert_eq!(house.members(place.group).len(), 4, "nothing could be done");
    assert_eq!(
        house
            .trader("t1")
            .gets(&format!("/traders/services/{}/telegram-group/info", place.service))
            .status,
        503
    );
    house.telegram().set_down(false);
    house.passes(hours(1));
    assert_eq!(house.members(place.group), ["Ben", "Cyd", "Usher", "t1 (owner)"]);
    assert_eq!(stands(&house, &leaver), pair("cancelled", "removed"));
    assert_eq!(stands(&house, &renewer), pair("active", "joined"));
    assert_eq!(stands(&house, &buyer), pair("active", "joined"));
    let seen = house.trader("t1").sees_alert(&text(&alert, "/alert_id"));
    assert_eq!(seen["status"], "sent");
    assert_eq!(house.posts(place.group).len(), 2, "the greeting and the alert");
    assert_eq!(news(&ada).len(), 1, "told that it is over");
    assert!(house.queue().dead().is_empty());
    assert_eq!(house.queue().next_visible(), None, "nothing is left on the way");
}

#[test]
fn participants_that_are_invalid_at_random_leave_in_the_end() {
    let (house, place) = one_service();
    let sold: Vec<_> =
        (0..20).map(|number| insider(&house, &place, &format!("P{number:02}")).1).collect();
    fault(&house, json!({ "fault": "participant_id_invalid", "probability": 0.2 }));
    for it in &sold {
        house.storefront().cancels(it, "now").is(200);
    }
    house.passes(hours(2));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    for it in &sold {
        assert_eq!(stands(&house, it), pair("cancelled", "removed"));
    }
    let refused = house.calls("unbanChatMember").iter().filter(|call| call["code"] == 400).count();
    assert!(refused > 0, "some did fail");
}

#[test]
fn who_was_sold_with_a_number_that_is_nobodys_ends_never_inside() {
    let (house, place) = one_service();
    let nobody = json!({ "telegram_user_id": 999_999 });
    let sold = house.storefront().buys(&place.service, "c-1", &nobody).is(201);
    house.storefront().cancels(&sold, "now").is(200);
    house.passes(hours(1));
    assert_eq!(stands(&house, &sold), pair("cancelled", "leaving"), "perhaps at random");
    house.passes(hours(24));
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
    let story = story_of(&house, &place, &sold);
    assert_eq!(story.last().map(String::as_str), Some("member.never_inside"));
    assert!(house.calls("getChatMember").iter().filter(|call| call["code"] == 400).count() < 14);
    assert_eq!(house.sweep().visited, 0, "nothing is left to do");
}

#[test]
fn who_was_seen_inside_is_looked_for_until_telegram_finds_them() {
    let (house, place) = one_service();
    let (_, sold) = insider(&house, &place, "Ada");
    let often =
        json!({ "fault": "participant_id_invalid", "method": "getChatMember", "count": 30 });
    fault(&house, often);
    house.storefront().cancels(&sold, "now").is(200);
    house.passes(hours(6));
    assert_eq!(stands(&house, &sold), pair("cancelled", "leaving"));
    let refused = || house.calls("getChatMember").iter().filter(|call| call["code"] == 400).count();
    assert!(refused() >= 12, "more often than it takes for whom nobody saw");
    house.passes(hours(30));
    assert_eq!(refused(), 30);
    assert_eq!(stands(&house, &sold), pair("cancelled", "removed"));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
}

#[test]
fn a_wait_is_kept_for_approvals_and_removals() {
    for seconds in [5, 300, 2_282] {
        let (house, place) = one_service();
        let (_, leaver) = insider(&house, &place, "Ada");
        for method in ["approveChatJoinRequest", "unbanChatMember"] {
            let wait = json!({
                "fault": "too_many_requests", "method": method, "count": 1, "retry_after": seconds,
            });
            fault(&house, wait);
        }
        let ben = house.person("Ben");
        let buyer = house.storefront().sells_to(&place.service, "c-ben", &ben);
        let begin = house.now();
        ben.taps(&place.link);
        house.storefront().cancels(&leaver, "now").is(200);
        house.passes(hours(2));
        assert_eq!(house.members(place.group), ["Ben", "Usher", "t1 (owner)"], "{seconds}");
        assert_eq!(stands(&house, &buyer), pair("active", "joined"));
        assert_eq!(stands(&house, &leaver), pair("cancelled", "removed"));
        for method in ["approveChatJoinRequest", "unbanChatMember"] {
            let calls = house.calls(method);
            let good = calls.iter().rev().find(|call| call["code"] == 200).unwrap();
            let at = good["at"].as_i64().unwrap();
            assert!(at >= begin.as_millisecond() + seconds * 1_000, "{method} {seconds}");
        }
    }
}

#[test]
fn an_approval_without_an_answer_ends_inside() {
    for lost in [WireFault::LostBefore, WireFault::LostAfter] {
        let (house, place) = one_service();
        let ada = house.person("Ada");
        let sold = house.storefront().sells_to(&place.service, "c-1", &ada);
        house.telegram().fail_next("approveChatJoinRequest", lost);
        ada.enters(&place.link);
        house.passes(hours(1));
        assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"], "{lost:?}");
        assert_eq!(stands(&house, &sold), pair("active", "joined"), "{lost:?}");
    }
}

#[test]
fn a_removal_without_an_answer_ends_outside() {
    for lost in [WireFault::LostBefore, WireFault::LostAfter] {
        for method in ["getChatMember", "unbanChatMember"] {
            let (house, place) = one_service();
            let (_, sold) = insider(&house, &place, "Ada");
            house.telegram().fail_next(method, lost);
            house.storefront().cancels(&sold, "now").is(200);
            house.passes(hours(1));
            assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"], "{method} {lost:?}");
            assert_eq!(stands(&house, &sold), pair("cancelled", "removed"), "{method} {lost:?}");
        }
    }
}

#[test]
fn a_set_up_that_stumbles_at_any_step_gets_through() {
    for method in ["getChat", "getChatMember", "setChatPermissions", "createChatInviteLink"] {
        let house = testkit::House::new();
        let trader = house.trader("t1");
        let service = trader.creates_service("Gold");
        let link = text(&trader.asks_for_group(&service, "link").is(202), "/setup_link");
        house.telegram().fail_next(method, WireFault::LostAfter);
        let group = house.person("Tara").adds_bot(&link, json!({}));
        house.passes(hours(2));
        assert_eq!(trader.sees_group(&service)["status"], "ready", "{method}");
        assert_eq!(house.posts(group).len(), 1, "{method}");
    }
}

#[test]
fn a_set_up_that_fails_three_times_in_a_row_does_not_wait_for_the_sweep() {
    let house = testkit::House::new();
    let trader = house.trader("t1");
    let service = trader.creates_service("Gold");
    let link = text(&trader.asks_for_group(&service, "link").is(202), "/setup_link");
    fault(&house, json!({ "fault": "server_error_json", "method": "getChat", "count": 3 }));
    house.person("Tara").adds_bot(&link, json!({}));
    house.waits(minutes(2));
    assert_eq!(trader.sees_group(&service)["status"], "ready");
}

#[test]
fn removals_wait_for_lost_rights_and_go_on_by_themselves() {
    let (house, place) = one_service();
    let sold: Vec<_> =
        (0..200).map(|number| insider(&house, &place, &format!("P{number:03}")).1).collect();
    for it in &sold[..80] {
        house.storefront().cancels(it, "now").is(200);
    }
    house.settle();
    place.owner.does("promote", json!({ "chat_id": place.group, "remove": ["restrict_members"] }));
    for it in &sold[80..] {
        house.storefront().cancels(it, "now").is(200);
    }
    house.passes(hours(3));
    assert_eq!(house.members(place.group).len(), 122);
    assert_eq!(house.trader("t1").sees_group(&place.service)["status"], "degraded");
    assert!(story_of(&house, &place, &sold[199]).contains(&"member.removal_parked".to_owned()));
    assert_eq!(stands(&house, &sold[199]), pair("cancelled", "leaving"));
    place.owner.does("promote", json!({ "chat_id": place.group, "add": ["restrict_members"] }));
    house.passes(hours(7));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    assert_eq!(house.trader("t1").sees_group(&place.service)["status"], "ready");
}

#[test]
fn a_request_whose_access_is_over_waits_for_the_bots_rights_in_the_books_and_holds_up_no_message() {
    let (house, place) = one_service();
    let ada = house.person("Ada");
    let more = json!({ "telegram_user_id": ada.id, "ends_at": house.now() + minutes(5) });
    let sold = house.storefront().buys(&place.service, "c-Ada", &more).is(201);
    let fails =
        json!({ "fault": "server_error_json", "method": "approveChatJoinRequest", "count": 8 });
    fault(&house, fails);
    ada.taps(&place.link);
    house.settle();
    place.owner.does("promote", json!({ "chat_id": place.group, "remove": ["invite_users"] }));
    // Before any sweep, the message of her request finds her access over, and may not decline it.
    house.waits(minutes(9));
    assert_eq!(stands(&house, &sold), pair("expired", "invited"));
    assert_eq!(
        house.queue().waiting(Lane::Alerts),
        [],
        "a purchase would be carried out behind it"
    );
    house.storefront().sells(&place.service, "c-Ada");
    place.owner.does("promote", json!({ "chat_id": place.group, "add": ["invite_users"] }));
    house.waits(minutes(3));
    assert_eq!(house.members(place.group), ["Ada", "Usher", "t1 (owner)"]);
}

#[test]
fn tables_that_cannot_be_reached_for_a_moment_delay_and_lose_nothing() {
    for call in [Call::Read, Call::Commit] {
        for lost in [0, 1, 2, 3, 4, 5] {
            let (house, place) = one_service();
            let (_, leaver) = insider(&house, &place, "Ada");
            let ben = house.person("Ben");
            let buyer = house.storefront().sells_to(&place.service, "c-ben", &ben);
            house.storefront().cancels(&leaver, "now").is(200);
            ben.taps(&place.link);
            for _ in 0..=lost {
                house.store().fail_next(Fault::NotDone(call));
            }
            house.passes(hours(1));
            assert_eq!(
                house.members(place.group),
                ["Ben", "Usher", "t1 (owner)"],
                "{call:?} {lost}"
            );
            assert_eq!(stands(&house, &leaver), pair("cancelled", "removed"));
            assert_eq!(stands(&house, &buyer), pair("active", "joined"));
        }
    }
}

#[test]
fn saves_whose_answers_are_lost_are_not_made_twice() {
    for lost in 1..=6 {
        let (house, place) = one_service();
        let (ada, leaver) = insider(&house, &place, "Ada");
        house.storefront().cancels(&leaver, "now").is(200);
        for _ in 0..lost {
            house.store().fail_next(Fault::CommitAnswerLost);
        }
        house.passes(hours(1));
        assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"], "{lost}");
        assert_eq!(stands(&house, &leaver), pair("cancelled", "removed"), "{lost}");
        assert!(news(&ada).len() <= 1, "{lost}");
    }
}

#[test]
fn a_relay_that_fails_at_any_step_goes_on_from_there() {
    for fault in [Fault::NotDone(Call::WriteAudit), Fault::AuditAnswerLost] {
        let (house, place) = one_service();
        house.store().fail_next(fault);
        house.storefront().sells(&place.service, "c-1");
        house.passes(minutes(1));
        check_trail(&house, &place.service);
    }
    for fault in [QueueFault::NotSent, QueueFault::PartlySent, QueueFault::SendAnswerLost] {
        let (house, place) = one_service();
        let (_, sold) = insider(&house, &place, "Ada");
        house.storefront().cancels(&sold, "now").is(200);
        house.queue().fail_next(fault);
        house.passes(minutes(1));
        assert_eq!(stands(&house, &sold), pair("cancelled", "removed"), "{fault:?}");
    }
    let (house, place) = one_service();
    house.events().fail_next();
    house.storefront().sells(&place.service, "c-1");
    house.passes(minutes(1));
    let heard = house.events().heard();
    assert_eq!(heard.iter().filter(|event| event.name == "SubscriptionPurchased").count(), 1);
}

fn check_trail(house: &testkit::House, service: &str) {
    let trail = house.audit(service);
    let bought = trail.iter().filter(|record| record.action == "subscription.purchased").count();
    assert_eq!(bought, 1);
}

#[test]
fn updates_come_twice_late_and_with_strange_fields_and_do_no_harm() {
    let kinds = ["message", "my_chat_member", "chat_member", "chat_join_request"];
    for kind in kinds {
        for odd in ["webhook_duplicate", "extra_fields", "unknown_update", "webhook_delay"] {
            let house = testkit::House::new();
            fault(&house, json!({ "fault": odd, "method": kind, "delay_ms": 5_000 }));
            let place = house.trader("t1").opens("Gold");
            let (ada, sold) = insider(&house, &place, "Ada");
            ada.leaves(place.group);
            house.settle();
            ada.enters(&place.link);
            house.waits(minutes(1));
            assert_eq!(stands(&house, &sold), pair("active", "joined"), "{kind} {odd}");
            assert_eq!(house.posts(place.group).len(), 1, "{kind} {odd}");
        }
    }
}

#[test]
fn those_who_wait_for_the_bot_to_come_back_cost_no_calls_and_are_told_of_once() {
    let (house, place) = one_service();
    let sold: Vec<_> =
        (0..20).map(|number| insider(&house, &place, &format!("P{number:02}")).1).collect();
    place.owner.does("kick_bot", json!({ "chat_id": place.group }));
    house.settle();
    for it in &sold {
        house.storefront().cancels(it, "now").is(200);
    }
    house.settle();
    let asked = || house.calls("getChatMember").len() + house.calls("unbanChatMember").len();
    let before = asked();
    house.passes(hours(12));
    // The group itself is looked at now and then.
    let group = 3 * 12;
    assert!(asked() - before <= group, "{} calls", asked() - before);
    let told = |action: &str| {
        house.audit(&place.service).iter().filter(|line| line.action == action).count()
    };
    assert_eq!(told("member.removal_parked"), 20);
    assert_eq!(told("group.bot_right_lost"), 0, "it was told of by the update");
    assert_eq!(stands(&house, &sold[19]), pair("cancelled", "leaving"));
    let all =
        ["invite_users", "restrict_members", "change_info", "delete_messages", "pin_messages"];
    place.owner.does("promote", json!({ "chat_id": place.group, "rights": all }));
    house.settle();
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"], "they do not wait for a sweep");
}
