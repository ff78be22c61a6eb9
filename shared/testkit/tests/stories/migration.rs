//! A basic group becomes a supergroup while people are on their way in. Telegram says so by messages
//! in both chats and by the error of a call to the old one, and any of it can come late or not at all.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use testkit::House;
use testkit::house::{Person, Place, hours, minutes, text};
use testkit::memory_telegram::{Moment, WireFault};

use crate::{fault, pair, stands, story_of};

/// A basic group that a service has got, with a link of its owner's by which people ask to join.
struct Basic {
    house: House,
    place: Place,
}

impl Basic {
    fn open() -> Self {
        let house = House::new();
        let trader = house.trader("t1");
        let service = trader.creates_service("Gold Signals");
        let link = text(&trader.asks_for_group(&service, "link").is(202), "/setup_link");
        let owner = house.person("Tara");
        let group = owner.adds_bot(&link, json!({ "kind": "group" }));
        house.settle();
        assert_eq!(trader.sees_group(&service)["status"], "degraded", "it is a basic group");
        let by_owner = json!({ "chat_id": group, "creates_join_request": true });
        let link = text(&owner.does("link", by_owner), "/invite_link");
        Self { house, place: Place { service, owner, group, link } }
    }

    /// Somebody who knows the bot and has bought.
    fn buyer(&self, name: &str) -> (Person, Value) {
        let person = self.house.person(name);
        person.writes("/start");
        let customer = format!("c-{name}");
        let sold = self.house.storefront().sells_to(&self.place.service, &customer, &person);
        self.house.settle();
        (person, sold)
    }

    /// What has happened so far is delivered, and nothing is done about it.
    fn hears(&self) {
        for update in self.house.telegram().updates() {
            assert!(self.house.deliver(&update));
        }
    }

    /// At the end: who has paid is inside, nobody else is, nothing is stuck, all is on record.
    fn ends_well(&self, group: i64, sold: &Value, how: &str) {
        let (house, place) = (&self.house, &self.place);
        assert_eq!(house.members(group), ["Ada", "Tara", "Usher"], "{how}");
        assert_eq!(stands(house, sold), pair("active", "joined"), "{how}");
        assert_eq!(house.group(group)["join_requests"], json!([]), "{how}: all are answered");
        let info = house.trader("t1").sees_group(&place.service);
        assert_eq!((&info["status"], &info["problems"]), (&json!("ready"), &json!([])), "{how}");
        assert_eq!(info["group_id"], json!(group.to_string()), "{how}");
        assert_eq!(house.sweep().visited, 0, "{how}: nothing is left to do");
        assert_eq!(house.queue().next_visible(), None, "{how}: nothing is on its way");
        assert!(house.queue().dead().is_empty(), "{how}");
        let mut told = story_of(house, place, sold).into_iter();
        for step in ["subscription.purchased", "member.asked", "member.joined"] {
            assert!(
                told.any(|it| it == step),
                "{how}: {step} in {:?}",
                story_of(house, place, sold)
            );
        }
        let service = house.steps(&place.service, &format!("service/{}", place.service));
        let moved = service.iter().filter(|step| *step == "group.migrated").count();
        assert_eq!(moved, 1, "{how}: {service:?}");
    }
}

/// When the group is upgraded.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    /// Before Usher has heard of the request.
    Asked,
    /// The request is noted, its approval is queued.
    Queued,
    /// Just before Telegram has the approval.
    BeforeTheCall,
    /// Just after it, and the answer comes.
    AfterTheCall,
    /// Just after it, and the answer is lost.
    AnswerLost,
    /// The approval never got there, and its answer is awaited.
    CallLost,
}

/// How Usher hears of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Word {
    /// By messages in both chats.
    Told,
    /// By them, minutes later: a call may be refused first.
    Late,
    /// By them, in the new chat only.
    InTheNewChat,
    /// Only by the refusal of a call.
    Refused,
}

fn is_word(update: &Value) -> bool {
    update.pointer("/message/migrate_to_chat_id").is_some()
        || update.pointer("/message/migrate_from_chat_id").is_some()
}

/// The group is upgraded. Answers with what of it has not been told yet.
fn upgrades(house: &House, place: &Place, word: Word, requests_lost: bool) -> Vec<Value> {
    // What happened before the upgrade is told.
    house.holds_back(|_| false);
    let how = json!({ "chat_id": place.group, "old_left": true, "requests_lost": requests_lost });
    place.owner.does("migrate", how);
    match word {
        Word::Told => house.holds_back(|_| false),
        Word::Late | Word::Refused => house.holds_back(is_word),
        Word::InTheNewChat => {
            house.holds_back(|it| it.pointer("/message/migrate_to_chat_id").is_some())
        }
    }
}

fn new_group(house: &House, old: i64) -> i64 {
    house.group(old)["migrated_to"].as_i64().unwrap()
}

const WHENS: [When; 6] = [
    When::Asked,
    When::Queued,
    When::BeforeTheCall,
    When::AfterTheCall,
    When::AnswerLost,
    When::CallLost,
];
const WORDS: [Word; 4] = [Word::Told, Word::Late, Word::InTheNewChat, Word::Refused];

#[test]
fn whoever_asks_while_the_group_is_upgraded_gets_in_exactly_if_they_paid() {
    for (when, word) in WHENS.into_iter().flat_map(|when| WORDS.map(|word| (when, word))) {
        let basic = Basic::open();
        let Basic { house, place } = &basic;
        let (ada, sold) = basic.buyer("Ada");
        let eve = house.person("Eve");
        let (cyd, ended) = basic.buyer("Cyd");
        house.storefront().cancels(&ended, "now").is(200);
        house.settle();
        for person in [&ada, &eve, &cyd] {
            assert_eq!(person.taps(&place.link), "requested");
        }
        let late = Arc::new(Mutex::new(Vec::new()));
        match when {
            When::Asked => *late.lock().unwrap() = upgrades(house, place, word, false),
            When::Queued => {
                basic.hears();
                *late.lock().unwrap() = upgrades(house, place, word, false);
            }
            When::BeforeTheCall | When::AfterTheCall | When::AnswerLost | When::CallLost => {
                let moment = match when {
                    When::BeforeTheCall => Moment::Before,
                    _ => Moment::After,
                };
                match when {
                    When::AnswerLost => {
                        house.telegram().fail_next("approveChatJoinRequest", WireFault::LostAfter);
                    }
                    When::CallLost => {
                        house.telegram().fail_next("approveChatJoinRequest", WireFault::LostBefore);
                    }
                    _ => {}
                }
                let (place, late) = (place.clone(), Arc::clone(&late));
                house.beside("approveChatJoinRequest", moment, move |house| {
                    *late.lock().unwrap() = upgrades(house, &place, word, false);
                });
            }
        }
        house.waits(minutes(3));
        if word == Word::Late {
            house.takes_in(std::mem::take(&mut *late.lock().unwrap()));
        }
        house.passes(hours(2));
        basic.ends_well(new_group(house, place.group), &sold, &format!("{when:?} {word:?}"));
        assert_eq!(stands(house, &ended), pair("cancelled", "removed"), "{when:?} {word:?}");
    }
}

#[test]
fn a_buyer_whose_request_stays_behind_is_told_to_ask_again_and_gets_in() {
    for (when, word) in
        [When::Asked, When::Queued].into_iter().flat_map(|when| WORDS.map(|word| (when, word)))
    {
        let basic = Basic::open();
        let Basic { house, place } = &basic;
        let (ada, sold) = basic.buyer("Ada");
        assert_eq!(ada.taps(&place.link), "requested");
        if when == When::Queued {
            basic.hears();
        }
        let late = upgrades(house, place, word, true);
        house.waits(minutes(3));
        if word == Word::Late {
            house.takes_in(late);
        }
        house.passes(hours(1));
        let told = ada.last_letter();
        assert!(told.contains("did not let you in"), "{when:?} {word:?}: {told}");
        let link = text(&house.storefront().reads(&sold), "/invite_link");
        assert_eq!(ada.enters(&link), "requested", "{when:?} {word:?}");
        house.passes(hours(1));
        basic.ends_well(new_group(house, place.group), &sold, &format!("{when:?} {word:?}"));
    }
}

/// Every order of these.
fn orders<T: Clone>(of: &[T]) -> Vec<Vec<T>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |first: usize| {
        let mut rest = of.to_vec();
        let head = rest.remove(first);
        orders(&rest).into_iter().map(move |tail| [vec![head.clone()], tail].concat())
    };
    (0..of.len()).flat_map(with_first).collect()
}

/// A group that was upgraded: the buyer asked before it or after it, and another came in, or asked to,
/// on the other side. None of it was told yet.
fn upgraded_unheard(buyer_asks_first: bool) -> (Basic, Value, i64, Vec<Value>) {
    let basic = Basic::open();
    let (ada, sold) = basic.buyer("Ada");
    let eve = basic.house.person("Eve");
    basic.house.telegram().updates();
    let first = if buyer_asks_first { &ada } else { &eve };
    assert_eq!(first.taps(&basic.place.link), "requested");
    basic.place.owner.does("migrate", json!({ "chat_id": basic.place.group }));
    let group = new_group(&basic.house, basic.place.group);
    if buyer_asks_first {
        basic.place.owner.does("add", json!({ "user": eve.id, "chat_id": group }));
    } else {
        assert_eq!(ada.taps(&basic.place.link), "requested");
    }
    let mut updates = basic.house.telegram().updates();
    // That somebody was added stands in the chat, too, and says nothing to Usher.
    updates.retain(|update| update.get("message").is_none() || is_word(update));
    assert_eq!(updates.len(), 5, "two of people, one of the bot, two of the upgrade: {updates:?}");
    (basic, sold, group, updates)
}

#[test]
fn in_whichever_order_telegram_tells_of_an_upgrade_and_of_people_it_ends_well() {
    for buyer_asks_first in [true, false] {
        for order in orders(&[0, 1, 2, 3, 4]) {
            let (basic, sold, group, updates) = upgraded_unheard(buyer_asks_first);
            let mut refused = Vec::new();
            for at in &order {
                if !basic.house.deliver(&updates[*at]) {
                    refused.push(updates[*at].clone());
                }
            }
            // Telegram delivers what was refused again.
            basic.house.takes_in(refused);
            basic.house.waits(minutes(1));
            // While the group was not well nobody was declined.
            basic.house.passes(hours(1));
            basic.ends_well(group, &sold, &format!("{buyer_asks_first} {order:?}"));
        }
    }
}

#[test]
fn updates_of_a_chat_that_is_nobodys_are_let_go_after_a_minute() {
    let house = House::new();
    let (owner, eve) = (house.person("Tara"), house.person("Eve"));
    let group = owner.adds_bot(
        "https://t.me/usher_bot?startgroup=nobody-signed-this&admin=invite_users",
        json!({}),
    );
    house.settle();
    owner.does("add", json!({ "user": eve.id, "chat_id": group }));
    let told = house.holds_back(|update| update.get("chat_member").is_some());
    assert_eq!(told.len(), 1);
    assert!(!house.deliver(&told[0]), "its group may have moved a moment ago");
    let mut ahead = told[0].clone();
    ahead["chat_member"]["date"] = json!(4_000_000_000_i64);
    assert!(house.deliver(&ahead), "it would come again all day");
    house.waits(minutes(1));
    assert!(house.deliver(&told[0]));
}

#[test]
fn whoever_came_in_before_the_group_was_bound_may_stay_however_late_it_is_told() {
    let house = House::new();
    let trader = house.trader("t1");
    let service = trader.creates_service("Gold");
    let link = text(&trader.asks_for_group(&service, "link").is(202), "/setup_link");
    let (owner, old) = (house.person("Tara"), house.person("Old"));
    // The bot is an administrator already, so it is told who comes in.
    let (bare, _) = link.split_once("startgroup=").unwrap();
    let group = owner.adds_bot(&format!("{bare}startgroup=x&admin=invite_users"), json!({}));
    house.settle();
    owner.does("add", json!({ "user": old.id, "chat_id": group }));
    let told = house.holds_back(|update| update.get("chat_member").is_some());
    assert_eq!(told.len(), 1);
    house.functions().clock.move_to(house.now() + jiff::SignedDuration::from_secs(2));
    owner.adds_bot(&link, json!({ "chat_id": group }));
    house.settle();
    house.takes_in(told);
    let eve = house.person("Eve");
    owner.does("add", json!({ "user": eve.id, "chat_id": group }));
    house.waits(minutes(2));
    assert_eq!(house.members(group), ["Old", "Tara", "Usher"], "she came in after it");
}

#[test]
fn a_call_whose_refusal_names_no_new_chat_waits_for_the_word() {
    let basic = Basic::open();
    let Basic { house, place } = &basic;
    let (ada, sold) = basic.buyer("Ada");
    let silent = json!({
        "fault": "error", "method": "approveChatJoinRequest", "count": 2, "code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
    });
    fault(house, silent);
    ada.taps(&place.link);
    basic.hears();
    let late = upgrades(house, place, Word::Late, false);
    house.waits(minutes(1));
    house.takes_in(late);
    house.passes(hours(1));
    basic.ends_well(new_group(house, place.group), &sold, "no new chat was named");
}
