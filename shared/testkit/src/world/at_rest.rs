//! What has to hold when a world has come to rest.

use std::collections::BTreeMap;

use domain::alert::{Alert, Delivery, Post};
use domain::change::{Meta, Why};
use domain::group::Group;
use domain::guard::Intruder;
use domain::ids::{ServiceId, UserId};
use domain::import::Import;
use domain::link::{Link, LinkState, Pass};
use domain::membership::Membership;
use domain::reconcile::Reconciliation;
use domain::relay::Consequences;
use domain::service::Service;
use domain::subscription::Subscription;
use domain::task::Lane;
use domain::time::{after, before};
use jiff::{SignedDuration, Timestamp};
use store::key;

use super::machine::Machine;
use super::story::{Story, bot, chat_of, claimed_by, holding};
use super::watch::{Invariant, SKEW, subscription};

/// Words of the letters by which somebody is told how to come in (again).
const WAYS_IN: [&str; 2] = ["Please come back in", "“Request to join”"];

/// Looks at everything.
pub(super) fn check(machine: &Machine, story: &Story) {
    stuck(machine);
    members(machine, story);
    guests(machine);
    purchases(machine, story);
    alerts(machine, story);
    trail(machine);
    queues(machine);
    claims(machine);
}

fn holds(machine: &Machine, of: Invariant, holds: bool, what: impl FnOnce() -> String) {
    machine.hub.state().watch.holds(of, holds, what);
}

fn stuck(machine: &Machine) {
    let answered = machine.clients.iter().all(|client| client.answer.is_some());
    holds(machine, Invariant::RequestsAnswered, answered, || "a request has no answer".to_owned());
    for it in machine.store.all::<Subscription>() {
        let open = match &it.membership {
            Membership::Invited { asked } => asked.is_some(),
            Membership::Leaving { .. } | Membership::Removing { .. } => true,
            Membership::Joined { .. } | Membership::Kept { .. } | Membership::Removed { .. } => {
                false
            }
        };
        holds(machine, Invariant::NothingStuck, !open, || {
            format!("subscription {} stays {:?}", it.id, it.membership)
        });
        // Over, and nobody has said so.
        let unseen = !it.entitled(machine.now()) && it.due_at().is_some();
        let long_over = after(it.access_ends_at, SignedDuration::from_mins(70)) < machine.now();
        holds(machine, Invariant::NothingStuck, !(unseen && long_over), || {
            format!("subscription {} is over and was not ended", it.id)
        });
    }
    for it in machine.store.all::<Alert>() {
        holds(machine, Invariant::NothingStuck, !it.is_waiting(), || {
            format!("alert {} stays {:?}", it.id, it.post.delivery)
        });
    }
    for it in machine.store.all::<Service>() {
        if let Group::Bound(group) = &it.group {
            holds(machine, Invariant::NothingStuck, group.pending.is_none(), || {
                format!("the set-up of service {} has no end", it.id)
            });
        }
    }
    for it in machine.store.all::<Intruder>() {
        holds(machine, Invariant::NothingStuck, it.due_at().is_none(), || {
            format!("intruder {} stays {:?}", it.id, it.stand)
        });
    }
    for it in machine.store.all::<Reconciliation>() {
        holds(machine, Invariant::NothingStuck, it.due_at().is_none(), || {
            format!("the check of the members of {} has no end", it.service)
        });
    }
    for it in machine.store.all::<Import>() {
        holds(machine, Invariant::NothingStuck, it.due_at().is_none(), || {
            format!("import {} has no end", it.id)
        });
    }
    for it in machine.store.all::<Link>() {
        let used = matches!(it.state, LinkState::Used { .. });
        holds(machine, Invariant::NothingStuck, !used, || {
            format!("link {} was used and still works", it.id)
        });
    }
}

/// Everybody inside has a right to be there, and everybody with a right who asked is inside.
fn members(machine: &Machine, story: &Story) {
    let now = machine.now();
    // An end this near is none to some clocks, and one to others.
    let entitled = |it: &Subscription| it.entitled(after(now, SKEW));
    for (_, service) in story.services() {
        let Some(chat) = chat_of(machine, Some(&service)) else { continue };
        let inside = machine.telegram.look(|world| world.inside(chat));
        for member in inside.iter().filter(|member| !member.is_bot && !member.is_admin) {
            let holds_now = holding(machine, service, member.user);
            let pass = key::pass(service, UserId::new(member.user));
            let unseen = story.cast.unseen.contains(&(service, member.user));
            let right = unseen
                || holds_now.is_some_and(|it| it.entitled(now))
                || machine.store.find::<Pass>(&pass).is_some_and(|pass| pass.is_valid());
            holds(machine, Invariant::NoFreeRiders, right, || {
                format!("person {} is in the group of {service} without a right", member.user)
            });
        }
        for ((of, user), since) in &story.cast.wants {
            if *of != service {
                continue;
            }
            let Some(it) = holding(machine, service, *user).filter(|it| entitled(it)) else {
                continue;
            };
            let (is_in, _, is_banned) = machine.telegram.look(|world| world.stands(chat, *user));
            // A new run began since, or they were rightly taken out or turned away: they have to ask
            // again.
            let (removal, decline) = {
                let watch = &machine.hub.state().watch;
                (watch.removal(chat, *user), watch.declined(chat, *user))
            };
            let ended = |shut_out: Option<(Timestamp, bool)>| {
                shut_out.is_some_and(|(at, was_over)| was_over && at >= *since)
            };
            let asked_before =
                it.starts_at > after(*since, SKEW) || ended(removal) || ended(decline);
            if is_banned || (asked_before && !is_in) {
                continue;
            }
            let letters = WAYS_IN
                .map(|words| machine.telegram.look(|world| world.last_letter(bot(), *user, words)));
            let shut_out = removal.max(decline).map(|(at, _)| at);
            let told = letters
                .into_iter()
                .flatten()
                .max()
                .is_some_and(|at| shut_out.is_none_or(|shut_out| shut_out.as_second() <= at));
            // To whom the bot may not write, nobody can say anything: their purchase came between
            // the last look and the call.
            let unreachable = shut_out.is_some()
                && !machine.telegram.look(|world| world.is_reachable(bot(), *user));
            let told = told || unreachable;
            holds(machine, Invariant::PayingMembersInside, is_in || told, || {
                format!("person {user} has access to {service}, asked to be in, and is outside")
            });
        }
        let asking = machine.telegram.look(|world| world.asking(chat));
        for user in asking {
            let is_entitled = holding(machine, service, user).is_some_and(|it| entitled(&it));
            holds(machine, Invariant::PayingMembersInside, !is_entitled, || {
                format!("person {user} has access to {service} and waits at its door")
            });
        }
    }
}

/// Every guest whom a call put out was told that they may come back.
fn guests(machine: &Machine) {
    for pass in machine.store.all::<Pass>().iter().filter(|pass| pass.is_valid()) {
        let Some(chat) = chat_of(machine, Some(&pass.service)) else { continue };
        let (is_in, ..) = machine.telegram.look(|world| world.stands(chat, pass.user.get()));
        let put_out = machine.hub.state().watch.guest_was_put_out(chat, pass.user.get());
        let Some((_, at)) = put_out.filter(|(link, _)| *link == pass.link && !is_in) else {
            continue;
        };
        let link = key::link(pass.link);
        let told = machine.told.iter().map(|told| &told.record.after).any(|row| {
            let Meta { why, changed_at, .. } = &row.meta;
            row.id == link && *why == Why::GuestPutOut && *changed_at >= before(at, SKEW)
        });
        holds(machine, Invariant::PayingMembersInside, told, || {
            format!("a guest of {} was put out, and nobody told them", pass.service)
        });
    }
}

/// Each purchase counted once, from the later of its moment and the old end.
fn purchases(machine: &Machine, story: &Story) {
    let of = Invariant::OneRenewalPerPurchase;
    let all = machine.store.all::<Subscription>();
    for ((number, customer), confirmed) in &story.cast.purchases {
        let Some(service) = story.cast.services.get(number) else { continue };
        let named = format!("customer-{customer}");
        let mine = all.iter().find(|it| it.service == *service && it.customer.as_str() == named);
        let counted = mine.map_or(0, |it| it.purchases);
        // Whom a trader takes over has paid elsewhere: that is counted, too.
        let taken_over = mine.map_or(0, |it| taken_over(machine, it));
        holds(machine, of, counted == confirmed + taken_over, || {
            format!(
                "{named} of {service} bought {confirmed} times, was taken over {taken_over} times, \
                 and {counted} were counted"
            )
        });
    }
    for told in &machine.told {
        let record = &told.record;
        if record.after.meta.why != Why::Renewed {
            continue;
        }
        let (Some(before), Some(after_it)) =
            (record.before.as_deref().and_then(subscription), subscription(&record.after))
        else {
            continue;
        };
        if before.purchases == after_it.purchases {
            continue;
        }
        let at = record.after.meta.changed_at;
        let from = before.ends_at.max(at);
        let usual = after(from, SignedDuration::from_hours(30 * 24));
        let right = after_it.ends_at == usual || after_it.ends_at < after(at, GIVEN);
        holds(machine, of, right, || {
            format!("a renewal at {at} of what ended {} ends {}", before.ends_at, after_it.ends_at)
        });
    }
}

/// How often a subscription was taken over by an import.
fn taken_over(machine: &Machine, of: &Subscription) -> u32 {
    let id = of.id.to_string();
    let records = machine.told.iter().map(|told| &told.record.after);
    let mine = records.filter(|row| row.id == id && row.meta.why == Why::SubscriptionImported);
    mine.map(|_| 1).sum()
}

/// Ends that a storefront gives are nearer than this; ends that follow from a renewal are not.
const GIVEN: SignedDuration = SignedDuration::from_hours(29 * 24);

fn alerts(machine: &Machine, story: &Story) {
    for accepted in &story.cast.alerts {
        let Some(service) = story.cast.services.get(&accepted.service) else { continue };
        let Some(chat) = chat_of(machine, Some(service)) else { continue };
        let posts = |part: &str| machine.telegram.look(|world| world.posts(chat, bot(), part));
        let Some(alert) = machine.store.find::<Alert>(&accepted.id) else {
            holds(machine, Invariant::AlertsPosted, false, || format!("{} is gone", accepted.id));
            continue;
        };
        let troubled = story.cast.troubled.contains(&accepted.service);
        let its = posts(&accepted.symbol);
        // A chart says the same again, without a key, for as long as it hears nothing: after half a
        // minute that is another alert.
        let most: usize = match accepted.chart {
            false => explained(&alert.post),
            true => {
                let all = machine.store.all::<Alert>();
                let same = all.iter().filter(|it| it.content == alert.content);
                same.map(|it| explained(&it.post)).sum()
            }
        };
        posted(machine, &accepted.id, &alert.post, (its.len(), most), troubled);
        let mut before = its.first().map(|first| first.id);
        for (number, update) in alert.numbered() {
            let Some((id, word)) =
                accepted.updates.iter().find(|(id, _)| *id == update.id.to_string())
            else {
                continue;
            };
            let answers = posts(word);
            posted(machine, id, &update.post, (answers.len(), explained(&update.post)), troubled);
            let Some(first) = answers.first().map(|first| first.id) else { continue };
            let in_order = before.is_none_or(|before| before < first);
            let of_alert = |to: i64| its.iter().any(|it| it.id == to);
            let answer = answers.iter().all(|it| it.reply_to.is_some_and(of_alert));
            holds(machine, Invariant::UpdatesFollow, in_order && answer, || {
                format!("update {number} of alert {} does not follow it", accepted.id)
            });
            before = Some(first);
        }
    }
}

/// How often a message can stand in the group.
fn explained(post: &Post) -> usize {
    usize::try_from(post.unknown_outcomes).unwrap_or(usize::MAX).saturating_add(1)
}

fn posted(machine: &Machine, id: &str, post: &Post, (posts, most): (usize, usize), troubled: bool) {
    let excused = troubled && matches!(post.delivery, Delivery::Failed { .. });
    holds(machine, Invariant::AlertsPosted, posts > 0 || excused, || {
        format!("{id} was accepted and not posted: {:?}", post.delivery)
    });
    holds(machine, Invariant::RepeatsExplained, posts <= most, || {
        format!("{id} stands {posts} times, where {most} are explained")
    });
}

/// Every change since the scene began has left its record and its events.
fn trail(machine: &Machine) {
    let published = machine.events.published();
    let published: std::collections::HashSet<_> =
        published.iter().map(|event| (event.key.as_str(), event.name.as_str())).collect();
    let mut state = machine.hub.state();
    for told in &machine.told {
        let Some(Consequences { audit, events, .. }) = told.follows() else { continue };
        if let Some(expected) = audit {
            let found = machine.store.has_audit(expected);
            state.watch.holds(Invariant::AuditComplete, found, || {
                format!("{} of {} is not in the trail", expected.action, expected.item)
            });
        }
        for event in events {
            let heard = published.contains(&(event.key.as_str(), event.name.as_str()));
            state.watch.holds(Invariant::EventsComplete, heard, || {
                format!("{} of {} was not published", event.name, event.item)
            });
        }
    }
}

fn queues(machine: &Machine) {
    for lane in [Lane::Alerts, Lane::Housekeeping] {
        let left = machine.queue.waiting(lane);
        holds(machine, Invariant::QueuesEmpty, left.is_empty(), || {
            format!("{} messages are left in {lane:?}", left.len())
        });
    }
    let dead = machine.queue.dead().len();
    holds(machine, Invariant::QueuesEmpty, dead == 0, || format!("{dead} messages were given up"));
}

fn claims(machine: &Machine) {
    let of = Invariant::ClaimsAgree;
    let mut groups: BTreeMap<i64, ServiceId> = BTreeMap::new();
    for service in machine.store.all::<Service>() {
        let Group::Bound(group) = &service.group else { continue };
        let other = groups.insert(group.chat.get(), service.id);
        holds(machine, of, other.is_none(), || "two services have one group".to_owned());
        holds(machine, of, claimed_by(machine, group.chat.get(), service.id), || {
            format!("the group of {} is not in the books as its own", service.id)
        });
        let moved = machine.telegram.look(|world| world.moved_to(group.chat.get()));
        holds(machine, of, moved.is_none(), || {
            format!("the group of {} has moved, and nobody knows", service.id)
        });
    }
    let mut accounts = std::collections::BTreeSet::new();
    for it in machine.store.all::<Subscription>() {
        let Some(user) = it.user else { continue };
        let first = accounts.insert((it.service, user.get()));
        let held = holding(machine, it.service, user.get()).is_some_and(|held| held.id == it.id);
        holds(machine, of, first && held, || {
            format!("subscription {} does not hold its account alone", it.id)
        });
    }
}
