//! Many at once, and what must never be shown of them.

use serde_json::{Value, json};
use testkit::House;
use testkit::house::{hours, minutes, text};

#[test]
fn a_hundred_buy_and_join_and_leave_and_every_step_is_told() {
    let (house, place) = crate::one_service();
    let end = (house.now() + hours(24)).to_string();
    let crowd: Vec<_> = (0..100)
        .map(|number| {
            let person = house.person(&format!("P{number:03}"));
            let mut more = json!({ "email": format!("p{number}@mail.example") });
            // Some are known to the storefront, the others claim.
            if number % 3 != 0 {
                more["telegram_user_id"] = json!(person.id);
            }
            if number % 2 == 0 {
                more["ends_at"] = json!(end);
            }
            let sold =
                house.storefront().buys(&place.service, &format!("c-{number}"), &more).is(201);
            if let Some(link) = sold["claim_link"].as_str() {
                person.taps(link);
            }
            (person, sold)
        })
        .collect();
    house.settle();
    for (person, _) in &crowd {
        assert_eq!(person.taps(&place.link), "requested");
    }
    house.waits(minutes(5));
    assert_eq!(house.members(place.group).len(), 102);
    let seen = house.trader("t1").gets(&format!("/traders/services/{}", place.service)).is(200);
    assert_eq!(seen["active_subscriptions"], 100);

    for (_, sold) in crowd.iter().skip(1).step_by(2) {
        house.storefront().cancels(sold, "now").is(200);
    }
    house.waits(hours(24));
    house.sweep();
    house.waits(minutes(10));
    assert_eq!(house.members(place.group), ["Usher", "t1 (owner)"]);
    let seen = house.trader("t1").gets(&format!("/traders/services/{}", place.service)).is(200);
    assert_eq!(seen["active_subscriptions"], 0);
    for (number, (_, sold)) in crowd.iter().enumerate() {
        let end = if number % 2 == 0 { "subscription.expired" } else { "subscription.cancelled" };
        let mut wanted = vec!["subscription.purchased"];
        if number % 3 == 0 {
            wanted.push("subscription.account_linked");
        }
        wanted.extend(["member.asked", "member.joined", end, "member.removing", "member.removed"]);
        let mut story = crate::story_of(&house, &place, sold);
        // A turn that had not come yet is told as well.
        story.retain(|step| step != "subscription.reminded" && step != "member.removal_failed");
        story.dedup();
        assert_eq!(story, wanted, "{number}");
    }
    let refused = house.telegram().look(telegram_simulator::World::calls);
    let refused = refused.as_array().unwrap().iter().filter(|call| call["code"] == 429).count();
    assert_eq!(refused, 0, "Telegram never had to say 429");
    assert_eq!(house.sweep().visited, 0, "nothing is left to do");
    assert_eq!(house.queue().next_visible(), None);
}

/// Where a secret stands in a text.
fn finds<'s>(text: &str, secrets: &'s [(&'static str, String)]) -> Vec<&'s str> {
    secrets.iter().filter(|(_, secret)| text.contains(secret)).map(|(name, _)| *name).collect()
}

#[test]
fn nothing_personal_and_no_secret_is_in_a_trail_an_event_or_an_answer() {
    let house = House::new();
    // Numbers that stand nowhere by chance; whoever is made later counts on from here.
    house
        .telegram()
        .control("users", json!({ "first_name": "First", "id": 7_770_001_110_000_i64 }));
    let operator = house.person("Olga");
    operator.adds_bot(&house.pool_link(), json!({ "title": "Spare" }));
    house.settle();
    let place = house.trader("t1").opens("Gold Signals");
    let email = "ada.lovelace@mail.example";
    let ada = house.person("Ada");
    let more = json!({ "telegram_user_id": ada.id, "email": email });
    let sold = house.storefront().buys(&place.service, "c-1", &more).is(201);
    ada.enters(&place.link);
    let claimed =
        house.storefront().buys(&place.service, "c-2", &json!({ "email": email })).is(201);
    let claim_link = text(&claimed, "/claim_link");
    let ben = house.person("Ben");
    ben.enters(&claim_link);
    ben.enters(&place.link);
    house.person("Eve").enters(&place.link);
    let path = format!("/traders/services/{}/telegram-group/generate-link", place.service);
    let guest = house.trader("t1").posts(&path, &json!({ "kind": "single_use" })).is(201);
    let guest_link = text(&guest, "/invite_link");
    house.person("Gus").enters(&guest_link);
    house.trader("t1").alerts(&place.service, crate::signal("EURUSD")).is(202);
    let spare = house.trader("t2").creates_service("Silver");
    let taken = house.trader("t2").asks_for_group(&spare, "pool").is(201);
    house.settle();
    place.owner.does("ban", json!({ "user": ben.id, "chat_id": place.group }));
    house.storefront().cancels(&sold, "now").is(200);
    house.settle();
    place.owner.does("kick_bot", json!({ "chat_id": place.group }));
    house.waits(hours(24 * 26));
    house.passes(hours(24 * 5));
    for list in ["subscriptions", "alerts", "audit", "telegram-group/info"] {
        house.trader("t1").gets(&format!("/traders/services/{}/{list}", place.service));
    }
    house.storefront().reads(&claimed);
    house.storefront().buys(&place.service, "c-3", &json!({ "telegram_user_id": ada.id })).is(409);

    let token = |link: &str| link.split(['=', '+']).next_back().unwrap().to_owned();
    let people = [("a person's number", "777000111".to_owned())];
    let never = [
        ("an e-mail address", email.to_owned()),
        ("the bot's token", "test-token".to_owned()),
        ("the webhook's secret", testkit::house::WEBHOOK_SECRET.to_owned()),
        ("the link key", "link key of every".to_owned()),
    ];
    // The trader's own group is named to the trader, and links to those whom they serve.
    let group = |number: &str| number.trim_start_matches('-').to_owned();
    let in_records = [
        ("a group's number", group(&place.group.to_string())),
        ("a spare group's number", group(&text(&taken, "/group_id"))),
        ("an invite link", token(&place.link)),
        ("a guest's link", token(&guest_link)),
        ("a claim token", token(&claim_link)),
    ];
    let answers = house.answers();
    assert!(answers.len() > 30, "there was something to look at: {}", answers.len());
    for answer in &answers {
        let shown = answer.body.to_string();
        assert_eq!(finds(&shown, &people), Vec::<&str>::new(), "{shown}");
        assert_eq!(finds(&shown, &never), Vec::<&str>::new(), "{shown}");
    }
    let trail = house.store().trail();
    let events = house.events().published();
    assert!(trail.len() > 40 && events.len() > 15, "{} {}", trail.len(), events.len());
    let records = trail.iter().map(|it| serde_json::to_value(it).unwrap());
    let events = events.iter().map(|it| serde_json::to_value(it.as_ref()).unwrap());
    for shown in records.chain(events).map(|value: Value| value.to_string()) {
        for secrets in [&people[..], &never, &in_records] {
            assert_eq!(finds(&shown, secrets), Vec::<&str>::new(), "{shown}");
        }
    }
    let audited =
        house.trader("t1").gets(&format!("/traders/services/{}/audit?limit=100", place.service));
    let shown = audited.is(200).to_string();
    assert_eq!(finds(&shown, &in_records), Vec::<&str>::new());
    // Nor when it is printed for developers.
    let printed = format!("{:?}", house.functions().settings);
    assert!(!printed.contains("link key of every"), "{printed}");
}

#[test]
fn strangers_who_ask_to_be_in_hold_up_no_alert_and_nobody_who_has_paid() {
    let (house, place) = crate::one_service();
    let ada = house.person("Ada");
    let sold = house.storefront().sells_to(&place.service, "c-Ada", &ada);
    house.waits(minutes(2));
    for number in 0..300 {
        house.person(&format!("S{number:03}")).taps(&place.link);
    }
    ada.taps(&place.link);
    for update in house.telegram().updates() {
        assert!(house.deliver(&update));
    }
    let begin = house.now();
    let alert = house.trader("t1").alerts(&place.service, crate::signal("EURUSD")).is(202);
    house.settle();
    let sent = house.trader("t1").sees_alert(&text(&alert, "/alert_id"));
    let sent: jiff::Timestamp = text(&sent, "/sent_at").parse().unwrap();
    assert!(sent < begin + jiff::SignedDuration::from_secs(2), "{sent}");
    assert_eq!(crate::stands(&house, &sold), crate::pair("active", "joined"));
    let let_in = house.steps(&place.service, &format!("subscription/{}", text(&sold, "/id")));
    assert_eq!(let_in, ["subscription.purchased", "member.asked", "member.joined"]);
    assert_eq!(house.group(place.group)["join_requests"], json!([]), "all are answered");
}
