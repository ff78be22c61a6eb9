//! The invariants.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::books::{Books, Member, instant, list, number, text};
use crate::ledger::Ledger;
use crate::played::{Customer, Import, Played, Sent, Shop};

/// An invariant that does not hold.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) invariant: &'static str,
    /// Whom and what it is about: names in the ledger, items, Telegram accounts.
    pub(crate) about: Vec<String>,
    pub(crate) says: String,
    /// Whether time cannot put it right.
    pub(crate) lasts: bool,
}

/// How the invariants stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    /// How often each was looked at.
    pub(crate) checked: BTreeMap<&'static str, u64>,
    pub(crate) violations: Vec<Violation>,
    /// Alerts that were posted in another order than they were accepted in. No invariant: the
    /// relay's message may come in for one whose own was lost.
    pub(crate) overtaken: usize,
}

#[derive(Clone, Copy)]
enum Wrong {
    /// It may come right by itself.
    Yet,
    /// It never comes right.
    ForEver,
}

impl Verdict {
    fn holds(
        &mut self,
        invariant: &'static str,
        ok: bool,
        wrong: Wrong,
        about: &[&str],
        says: impl FnOnce() -> String,
    ) {
        *self.checked.entry(invariant).or_default() += 1;
        if !ok {
            self.violations.push(Violation {
                invariant,
                about: about.iter().map(|it| (*it).to_owned()).collect(),
                says: says(),
                lasts: matches!(wrong, Wrong::ForEver),
            });
        }
    }
}

/// Looks at everything.
pub(crate) fn check(books: &Books, played: &Played, ledger: &Ledger) -> Verdict {
    let mut verdict = Verdict::default();
    let (requests, _) = ledger.requests();
    verdict.checked.insert(ANSWERS, requests);
    for (about, says) in ledger.oddities() {
        verdict.holds(ANSWERS, false, Wrong::ForEver, &[&about], || says);
    }
    for sent in &played.alerts {
        alert(&mut verdict, books, sent);
        updates(&mut verdict, books, sent);
    }
    for marker in &played.charts {
        let said = |row: &&Value| row.to_string().contains(marker.as_str());
        let alerts = books.rows("alerts").filter(said).count();
        verdict.holds(CHARTS, alerts <= 1, Wrong::ForEver, &[marker], || {
            format!("{marker} was made {alerts} alerts")
        });
    }
    for taken_over in &played.imports {
        import(&mut verdict, books, taken_over);
    }
    verdict.overtaken =
        (0..played.shops.len()).map(|shop| overtaken(books, shop, &played.alerts)).sum();
    for customer in &played.customers {
        if let Some(shop) = played.shops.get(customer.shop) {
            subscription(&mut verdict, books, shop, customer);
        }
    }
    for (number, shop) in played.shops.iter().enumerate() {
        members(&mut verdict, books, played, number);
        group(&mut verdict, books, number, shop);
    }
    for late in &books.late {
        let about: [&str; 2] = ["latecomer", &late.item];
        verdict.holds(READY, late.status == "ready", Wrong::Yet, &about, || {
            let (status, last) = (&late.status, &late.last);
            format!("the group that was set up in the storm is {status}; last said there: {last:?}")
        });
    }
    record(&mut verdict, books);
    for queue in ["alerts_dead", "housekeeping_dead", "relay_dead"] {
        let waiting = books.waiting(queue);
        verdict.holds(DEAD, waiting == 0, Wrong::ForEver, &[], || format!("{queue} has {waiting}"));
    }
    for (queue, put_off) in [("alerts", 0), ("housekeeping", books.put_off())] {
        let waiting = books.waiting(queue);
        verdict.holds(DONE, waiting <= put_off, Wrong::Yet, &[], || {
            format!("{queue} has {waiting}, {put_off} of them put off")
        });
    }
    let panicked = books.log.lines().find(|line| line.contains("panicked at"));
    verdict.holds(PANICS, panicked.is_none(), Wrong::ForEver, &[], || {
        panicked.unwrap_or_default().to_owned()
    });
    verdict
}

const ANSWERS: &str = "every request is answered as the contract has it";
const POSTED: &str = "an accepted alert is posted";
const SENT: &str = "no alert is left waiting or given up";
const REPEATS: &str = "an alert is repeated at most as often as its outcome was unknown";
const AFTER: &str = "no update is posted before its alert, or before an earlier one";
const ANSWERED: &str = "an update answers its alert's message";
const CHARTS: &str = "what a chart repeats is one alert";
const IMPORTED: &str = "a list of members is carried out in full";
const LINKED: &str = "an account is linked to its own subscription and no other";
const PURCHASES: &str = "one renewal for each purchase";
const ENDS: &str = "the paid time is what was paid for";
const LEAVING: &str = "every removal ends";
const INSIDE: &str = "who is entitled and asked to be in is inside";
const OUTSIDE: &str = "who is not entitled is outside";
const BANS: &str = "an administrator's ban is not lifted";
const GUESTS: &str = "a guest with a pass stays inside";
const AGREE: &str = "who the books call in is in, and who removed is out";
const REMOVALS: &str = "no removal begins while entitled";
const READY: &str = "a group that is set up in the storm is ready";
const WORKS: &str = "a group works again that grew, or got a right back";
const RECORD: &str = "every version of every item is on record, once";
const DEAD: &str = "the dead-letter queues are empty";
const DONE: &str = "nothing waits in the queues";
const PANICS: &str = "no function panics";

fn alert(verdict: &mut Verdict, books: &Books, sent: &Sent) {
    let item = format!("alert/{}", sent.id);
    let about = [sent.marker.as_str(), item.as_str()];
    let row = books.row("alerts", &sent.id).and_then(|row| row.get("body"));
    post(verdict, books, sent.shop, &sent.marker, row, &about);
}

/// An alert or an update, whose item is `row`: posted, and not too often.
fn post(
    verdict: &mut Verdict,
    books: &Books,
    shop: usize,
    marker: &str,
    row: Option<&Value>,
    about: &[&str],
) {
    let posted = books.messages(shop).filter(|it| it.text.contains(marker)).count();
    let row = row.cloned().unwrap_or_default();
    let status = text(&row, "/delivery/status").to_owned();
    verdict.holds(POSTED, posted >= 1, Wrong::Yet, about, || {
        format!("{marker} was accepted and is not in the group; the books say {status:?}")
    });
    let wrong = if status == "failed" { Wrong::ForEver } else { Wrong::Yet };
    verdict.holds(SENT, status == "sent", wrong, about, || {
        format!("{marker} is {status:?} in the books")
    });
    let unknown = usize::try_from(number(&row, "/unknown_outcomes")).unwrap_or_default();
    // The unknown outcome of a sender that died is only counted by the next one.
    let wrong = if status == "sent" { Wrong::ForEver } else { Wrong::Yet };
    verdict.holds(REPEATS, posted <= unknown + 1, wrong, about, || {
        format!("{marker} was posted {posted} times, with {unknown} unknown outcomes")
    });
}

/// Each update comes after its alert and after those before it, and answers the alert's message.
fn updates(verdict: &mut Verdict, books: &Books, sent: &Sent) {
    let item = format!("alert/{}", sent.id);
    let row = books.row("alerts", &sent.id);
    let messages: Vec<_> = books.messages(sent.shop).collect();
    let first = |marker: &str| messages.iter().position(|it| it.text.contains(marker));
    let mut before = (sent.marker.as_str(), first(&sent.marker));
    for update in &sent.updates {
        let marker = update.marker.as_str();
        let about = [marker, sent.marker.as_str(), item.as_str()];
        let all = list(row.and_then(|row| row.pointer("/body/updates")));
        let own = all.into_iter().find(|it| text(it, "/id") == update.id);
        post(verdict, books, sent.shop, marker, own, &about);
        let Some(place) = first(marker) else { continue };
        let (earlier, then) = before;
        verdict.holds(
            AFTER,
            then.is_some_and(|then| then < place),
            Wrong::ForEver,
            &[marker, earlier, &sent.marker, &item],
            || format!("{marker} is in the group before {earlier}"),
        );
        before = (marker, Some(place));
        for message in messages.iter().filter(|it| it.text.contains(marker)) {
            let answered = messages.iter().find(|it| {
                it.is_behind == message.is_behind
                    && Some(it.id) == message.reply_to
                    && it.text.contains(&sent.marker)
            });
            // Where the alert stayed behind when the group moved on, there is nothing to answer.
            let has_moved = messages.iter().any(|it| it.is_behind);
            verdict.holds(
                ANSWERED,
                answered.is_some() || has_moved,
                Wrong::ForEver,
                &about,
                || format!("{marker} answers another message than its alert's, or none"),
            );
        }
    }
}

fn import(verdict: &mut Verdict, books: &Books, import: &Import) {
    let row = books.row("services", &format!("import#{}", import.id)).cloned().unwrap_or_default();
    let (state, added) = (text(&row, "/body/state/is"), number(&row, "/body/counts/added"));
    let wrong = if state == "done" { Wrong::ForEver } else { Wrong::Yet };
    let item = format!("import/{}", import.id);
    verdict.holds(IMPORTED, state == "done" && added == import.lines, wrong, &[&item], || {
        format!("{item} is {state:?} and has added {added} of {}", import.lines)
    });
}

/// The group that the books have is the one that there is, and works.
fn group(verdict: &mut Verdict, books: &Books, number: usize, shop: &Shop) {
    let owner = format!("owner-{number}");
    let item = format!("service/{}", shop.service);
    let row = books.row("services", &shop.service).cloned().unwrap_or_default();
    let chat = row.pointer("/body/group/chat").and_then(Value::as_i64);
    let phase = text(&row, "/body/group/phase").to_owned();
    let wrong = Wrong::Yet;
    verdict.holds(
        WORKS,
        chat == Some(shop.chat) && phase == "ready",
        wrong,
        &[&owner, &item],
        || format!("{item} has {chat:?} and is {phase:?}, its group is {}", shop.chat),
    );
}

/// How many alerts of a shop first stand behind one that was accepted later.
fn overtaken(books: &Books, shop: usize, alerts: &[Sent]) -> usize {
    let messages: Vec<_> = books.messages(shop).collect();
    let places: Vec<_> = alerts
        .iter()
        .filter(|sent| sent.shop == shop && sent.marker.starts_with("alert"))
        .filter_map(|sent| messages.iter().position(|it| it.text.contains(&sent.marker)))
        .collect();
    places.windows(2).filter(|pair| matches!(pair, [one, next] if one > next)).count()
}

fn subscription(verdict: &mut Verdict, books: &Books, shop: &Shop, customer: &Customer) {
    let row = books.subscription(shop, customer).cloned().unwrap_or_default();
    let item = format!("subscription/{}", text(&row, "/id"));
    let user = customer.user.to_string();
    let owner = format!("owner-{}", customer.shop);
    let about = [customer.name.as_str(), item.as_str(), user.as_str(), owner.as_str()];
    let name = &customer.name;

    let linked = row.pointer("/body/user").and_then(Value::as_i64);
    let wrong = if linked.is_none() { Wrong::Yet } else { Wrong::ForEver };
    verdict.holds(LINKED, linked == Some(customer.user), wrong, &about, || {
        format!("{name} is linked to {}", if linked.is_none() { "nobody" } else { "somebody else" })
    });

    let renewals = number(&row, "/body/purchases");
    verdict.holds(PURCHASES, renewals == customer.purchases, Wrong::ForEver, &about, || {
        format!("{name} bought {} times, the books say {renewals}", customer.purchases)
    });
    let end = instant(&row, "/body/ends_at");
    let (from, to) = customer.ends;
    let is_paid = end.is_some_and(|end| from <= end && end <= to);
    verdict.holds(ENDS, is_paid, Wrong::ForEver, &about, || {
        format!("{name} paid until {from} to {to}, the books say {end:?}")
    });

    let state = text(&row, "/body/membership/state").to_owned();
    let is_over = !matches!(state.as_str(), "leaving" | "removing");
    verdict.holds(LEAVING, is_over, Wrong::Yet, &about, || format!("{name} is {state}"));

    let inside = books.is_inside(customer.shop, customer.user);
    if customer.wants_in && !customer.banned {
        verdict.holds(INSIDE, inside, Wrong::Yet, &about, || {
            format!("{name} has paid and asked, and is outside; the books say {state}")
        });
    }
    // Of somebody who is free to come the books may not know it yet, or ever: where a removal had no
    // answer and they bought again, they may never have been outside.
    let agrees = match state.as_str() {
        "joined" => inside,
        "removed" => !inside,
        _ => true,
    };
    verdict.holds(AGREE, agrees, Wrong::Yet, &about, || {
        let place = if inside { "inside" } else { "outside" };
        format!("{name} is {place}, the books say {state}")
    });
}

/// Everybody in a group has a right to be there, and the banned are banned.
fn members(verdict: &mut Verdict, books: &Books, played: &Played, shop: usize) {
    let Some(of) = played.shops.get(shop) else { return };
    let owner = of.owner;
    let members = books.members(shop);
    for Member { user, is_bot, .. } in members.iter().filter(|member| member.inside) {
        if *is_bot || *user == owner {
            continue;
        }
        let customer = played.customers.iter().find(|it| it.shop == shop && it.user == *user);
        let person = played.people.iter().find(|it| it.shop == shop && it.user == *user);
        let ends = customer
            .and_then(|customer| books.subscription(of, customer))
            .and_then(|row| instant(row, "/body/access_ends_at"));
        let may = ends.is_some_and(|end| books.at < end) || person.is_some_and(|it| it.inside);
        let name = customer
            .map(|it| it.name.as_str())
            .or(person.map(|it| it.name.as_str()))
            .unwrap_or("somebody unknown");
        let item = customer.map(|it| format!("subscription/{}", it.subscription));
        let about = [name, item.as_deref().unwrap_or_default(), &user.to_string()];
        verdict.holds(OUTSIDE, may, Wrong::Yet, &about, || {
            format!("{name} is inside without a right to be")
        });
    }
    for customer in played.customers.iter().filter(|it| it.shop == shop && it.banned) {
        let is_banned = members
            .iter()
            .any(|it| it.user == customer.user && it.status == "kicked" && it.by == owner);
        let item = format!("subscription/{}", customer.subscription);
        let about = [customer.name.as_str(), &item, &customer.user.to_string()];
        verdict.holds(BANS, is_banned, Wrong::ForEver, &about, || {
            format!("{} was banned by the owner and is banned no more", customer.name)
        });
    }
    for guest in played.people.iter().filter(|it| it.shop == shop && it.inside) {
        let inside = books.is_inside(shop, guest.user);
        let about = [guest.name.as_str(), &guest.user.to_string()];
        verdict.holds(GUESTS, inside, Wrong::ForEver, &about, || {
            format!("{} has a pass and is outside", guest.name)
        });
    }
}

/// The audit trail: complete, and true to the first rule of a removal.
fn record(verdict: &mut Verdict, books: &Books) {
    let versions = books.versions();
    for (table, kind) in [
        ("services", "service"),
        ("services", "link"),
        ("subscriptions", "subscription"),
        ("alerts", "alert"),
    ] {
        for row in books.rows(table).filter(|row| text(row, "/kind") == kind) {
            let id = text(row, "/id");
            let item = format!("{kind}/{}", id.strip_prefix("link#").unwrap_or(id));
            let ver = number(row, "/ver");
            let there = versions.get(item.as_str());
            let missing: Vec<_> =
                (1..=ver).filter(|ver| there.is_none_or(|there| !there.contains(ver))).collect();
            verdict.holds(RECORD, missing.is_empty(), Wrong::Yet, &[&item], || {
                format!("of {item}, the versions {missing:?} are not on record")
            });
            let beyond = there.and_then(|there| there.last()).is_some_and(|last| *last > ver);
            verdict.holds(RECORD, !beyond, Wrong::Yet, &[&item], || {
                format!("of {item}, a version after the last is on record")
            });
        }
    }
    for (item, lines) in books.trail() {
        let mut access_ends: Option<Timestamp> = None;
        for line in lines {
            access_ends = instant(line, "/after/access_ends_at").or(access_ends);
            if text(line, "/action") != "member.removing" {
                continue;
            }
            let at = instant(line, "/at");
            let is_over = access_ends.zip(at).is_some_and(|(end, at)| end <= at);
            verdict.holds(REMOVALS, is_over, Wrong::ForEver, &[item], || {
                format!("the removal of {item} began at {at:?}, its access ends at {access_ends:?}")
            });
        }
    }
}
