//! What follows from a change: tasks for the sender, an audit record, events.
//!
//! An item is its own outbox. The relay reads the table's stream and asks here; so no handler can
//! forget a message or a record, and reading a change twice leads to the same consequences.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::{Alert, Delivery};
use crate::change::{Meta, Record, Why};
use crate::group::{ChatClaim, Group, Holder, Phase, TelegramGroup};
use crate::guard::{Intruder, Stand};
use crate::import::{Import, ImportState};
use crate::link::{Link, LinkKind, LinkState};
use crate::membership::Membership;
use crate::reconcile::{Progress, Reconciliation};
use crate::service::Service;
use crate::subscription::Subscription;
use crate::task::{Notice, Task};
use crate::update::Update;

/// What follows from one change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consequences {
    /// Messages for the sender, each with the key under which a repetition is dropped.
    pub tasks: Vec<(String, Task)>,
    /// The record for the audit trail.
    pub audit: Option<AuditRecord>,
    /// Events for the outside.
    pub events: Vec<Event>,
}

/// One line of the audit trail: who did what to what and when, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// The service that it belongs to, or `pool`.
    pub service_id: String,
    /// Its place in the trail: `changed_at#item#ver`. A replay writes the same record again.
    pub seq: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what: the kind of item and its id.
    pub item: String,
    /// The facts that changed, as they were; absent for a new item.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub before: BTreeMap<String, String>,
    /// The facts that changed, as they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub after: BTreeMap<String, String>,
}

/// Something that others may want to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened, such as `MemberJoined`.
    pub name: String,
    /// In which service.
    pub service_id: String,
    /// To what.
    pub item: String,
    /// When.
    pub at: Timestamp,
    /// The same for every repetition of the event.
    pub key: String,
}

/// What follows from a change of an item from `before` (`None` when it is new) to `after`.
pub fn consequences(before: Option<&Record>, after: &Record, meta: &Meta) -> Consequences {
    let item = item_name(after);
    let key = format!("{item}#{}", meta.ver);
    let tasks = tasks(before, after, meta);
    let tasks =
        tasks.into_iter().map(|task| (format!("{key}#{}", task.name()), task)).collect::<Vec<_>>();
    let service_id = service_of(after);
    let events = event_name(after, meta.why)
        .map(|name| Event {
            name: name.to_owned(),
            service_id: service_id.clone().unwrap_or_else(|| POOL.to_owned()),
            item: item.clone(),
            at: meta.changed_at,
            key: key.clone(),
        })
        .into_iter()
        .collect();
    Consequences { tasks, audit: audit(before, after, meta, service_id, item), events }
}

/// The trail of spare groups, which belong to no service yet.
const POOL: &str = "pool";

fn item_name(record: &Record) -> String {
    match record {
        Record::Service(service) => format!("service/{}", service.id),
        Record::Chat(claim) => format!("chat/{}", claim.chat.alias()),
        Record::Subscription(subscription) => format!("subscription/{}", subscription.id),
        Record::Alert(alert) => format!("alert/{}", alert.id),
        Record::Link(link) => format!("link/{}", link.id),
        Record::Intruder(intruder) => format!("intruder/{}", intruder.id),
        Record::Check(check) => format!("check/{}", check.service),
        Record::Import(import) => format!("import/{}", import.id),
    }
}

fn service_of(record: &Record) -> Option<String> {
    match record {
        Record::Service(service) => Some(service.id.to_string()),
        Record::Chat(_) => None,
        Record::Subscription(subscription) => Some(subscription.service.to_string()),
        Record::Alert(alert) => Some(alert.service.to_string()),
        Record::Link(link) => Some(link.service.to_string()),
        Record::Intruder(intruder) => Some(intruder.service.to_string()),
        Record::Check(check) => Some(check.service.to_string()),
        Record::Import(import) => Some(import.service.to_string()),
    }
}

// ---------------------------------------------------------------------------------------- tasks

fn tasks(before: Option<&Record>, after: &Record, meta: &Meta) -> Vec<Task> {
    match after {
        Record::Service(now) => {
            let was = match before {
                Some(Record::Service(was)) => Some(was.as_ref()),
                _ => None,
            };
            service_tasks(was, now)
        }
        Record::Chat(now) => {
            let was = match before {
                Some(Record::Chat(was)) => Some(was),
                _ => None,
            };
            spare_tasks(was, now)
        }
        Record::Subscription(now) => {
            let was = match before {
                Some(Record::Subscription(was)) => Some(was.as_ref()),
                _ => None,
            };
            subscription_tasks(was, now, meta)
        }
        Record::Alert(now) => {
            let was = match before {
                Some(Record::Alert(was)) => Some(was.as_ref()),
                _ => None,
            };
            alert_tasks(was, now)
        }
        Record::Link(now) => link_tasks(now, meta),
        Record::Intruder(now) => {
            let was = match before {
                Some(Record::Intruder(was)) => Some(was),
                _ => None,
            };
            intruder_tasks(was, now)
        }
        Record::Check(now) => {
            let was = match before {
                Some(Record::Check(was)) => Some(was),
                _ => None,
            };
            check_tasks(was, now)
        }
        Record::Import(now) => {
            let was = match before {
                Some(Record::Import(was)) => Some(was.as_ref()),
                _ => None,
            };
            import_tasks(was, now)
        }
    }
}

/// A set-up run was asked for that was not asked for before.
fn new_round(was: Option<&TelegramGroup>, now: &TelegramGroup) -> bool {
    let round = |group: &TelegramGroup| group.pending.map(|pending| pending.round);
    now.pending.is_some() && was.and_then(round) != round(now)
}

fn bound(service: &Service) -> Option<&TelegramGroup> {
    match &service.group {
        Group::Bound(group) => Some(group),
        Group::None | Group::AwaitingBot(_) => None,
    }
}

fn service_tasks(was: Option<&Service>, now: &Service) -> Vec<Task> {
    let Some(group) = bound(now) else { return Vec::new() };
    let old = was.and_then(bound);
    let mut tasks = Vec::new();
    if new_round(old, group) {
        tasks.push(Task::SetUp { chat: group.chat });
    }
    // Ready for the first time, and not after every repair: a group without a link never was. One
    // from the pool comes ready.
    let never_was = |old: &TelegramGroup| old.phase != Phase::Ready && old.invite_link.is_none();
    if group.phase == Phase::Ready && old.is_none_or(never_was) {
        tasks.push(Task::Greet { service: now.id });
    }
    tasks
}

fn spare_tasks(was: Option<&ChatClaim>, now: &ChatClaim) -> Vec<Task> {
    let Holder::Spare { group, operator, .. } = &now.holder else { return Vec::new() };
    let old = match was.map(|was| &was.holder) {
        Some(Holder::Spare { group, .. }) => Some(group.as_ref()),
        _ => None,
    };
    let mut tasks = Vec::new();
    if new_round(old, group) {
        tasks.push(Task::SetUp { chat: now.chat });
    }
    // Once it was looked at, and whenever that changes.
    let stands = |group: &TelegramGroup| (group.phase, group.problems());
    let has_changed = old.is_some_and(|old| stands(old) != stands(group));
    if operator.is_some() && has_changed && group.phase != Phase::SettingUp {
        tasks.push(Task::TellOperator { chat: now.chat });
    }
    tasks
}

fn import_tasks(was: Option<&Import>, now: &Import) -> Vec<Task> {
    let begun = |it: &Import| match it.state {
        ImportState::Running { tries } => Some((it.done, tries.nudges)),
        ImportState::Done { .. } => None,
    };
    match begun(now).is_some() && was.and_then(begun) != begun(now) {
        true => vec![Task::Import { service: now.service, import: now.id }],
        false => Vec::new(),
    }
}

fn check_tasks(was: Option<&Reconciliation>, now: &Reconciliation) -> Vec<Task> {
    let begun = |it: &Reconciliation| match it.state {
        Progress::Running { tries } => Some((it.step, tries.nudges)),
        Progress::Done { .. } => None,
    };
    match begun(now).is_some() && was.and_then(begun) != begun(now) {
        true => vec![Task::Reconcile { service: now.service }],
        false => Vec::new(),
    }
}

fn intruder_tasks(was: Option<&Intruder>, now: &Intruder) -> Vec<Task> {
    // A sender that gives an attempt up keeps its message: only who came in anew, or whom the sweep
    // begins again, needs another.
    let begun = |it: &Intruder| match it.stand {
        Stand::Inside { tries } | Stand::BeingPutOut { tries, .. } => {
            Some((it.times, tries.nudges))
        }
        Stand::Reported { .. } | Stand::Administrator { .. } | Stand::Settled { .. } => None,
    };
    match begun(now).is_some() && was.and_then(begun) != begun(now) {
        true => vec![Task::Evict { service: now.service, user: now.user }],
        false => Vec::new(),
    }
}

fn subscription_tasks(was: Option<&Subscription>, now: &Subscription, meta: &Meta) -> Vec<Task> {
    let mut tasks = Vec::new();
    let (service, subscription) = (now.service, now.id);
    let old = was.map(|was| &was.membership);
    let renewed = matches!(meta.why, Why::Renewed | Why::SubscriptionImported);
    match &now.membership {
        Membership::Invited { asked: Some(asked) } => {
            let known = matches!(old, Some(Membership::Invited { asked: Some(was) })
                if was.at == asked.at && was.tries.nudges == asked.tries.nudges);
            // Who has paid with a request open does not wait for the sweep.
            if !known || renewed {
                tasks.push(Task::Admit { service, subscription });
            }
        }
        Membership::Leaving { tries, .. } => {
            // A sender that gives a removal back keeps its message; only a new removal, or one
            // that the sweep begins again, needs another.
            let known = matches!(
                old,
                Some(Membership::Leaving { tries: was, .. } | Membership::Removing { tries: was, .. })
                    if was.nudges == tries.nudges
            );
            if !known {
                tasks.push(Task::Remove { service, subscription });
            }
        }
        Membership::Invited { asked: None }
        | Membership::Joined { .. }
        | Membership::Removing { .. }
        | Membership::Removed { .. }
        | Membership::Kept { .. } => {}
    }
    let perhaps_out = matches!(
        old,
        Some(Membership::Leaving { was_in: true, tries, .. }) if tries.unanswered
    );
    let notice = match meta.why {
        Why::AccountLinked => Some(Notice::Linked),
        // Taken back by themself, handled by an administrator, or declined a moment before they
        // bought: they may believe that it is still open.
        Why::AdmissionVoid => Some(Notice::AskAgain),
        // Once: each further try is a failure like others.
        Why::AdmissionFull => Some(Notice::TooManyGroups),
        Why::MemberInvitedBack => Some(Notice::InvitedBack),
        // A call that had no answer may have put them out before they paid.
        _ if renewed && perhaps_out => Some(Notice::InvitedBack),
        Why::Reminded => Some(Notice::EndsSoon),
        Why::MemberRemoved if matches!(old, Some(Membership::Removing { was_in: true, .. })) => {
            Some(Notice::Removed)
        }
        _ => None,
    };
    if let Some(notice) = notice.filter(|_| now.user.is_some()) {
        tasks.push(Task::Tell { service, subscription, notice });
    }
    tasks
}

fn link_tasks(now: &Link, meta: &Meta) -> Vec<Task> {
    let (service, link) = (now.service, now.id);
    match (meta.why, &now.state) {
        (Why::GuestAsked, _) => vec![Task::AdmitGuest { service, link }],
        (Why::GuestPutOut, _) => vec![Task::InviteGuest { service, link }],
        (Why::GuestLetIn, _) => Vec::new(),
        (_, LinkState::Used { .. }) => vec![Task::RevokeLink { service, link }],
        (_, LinkState::Making { .. } | LinkState::Ready | LinkState::Revoked) => Vec::new(),
    }
}

fn alert_tasks(was: Option<&Alert>, now: &Alert) -> Vec<Task> {
    let (service, alert) = (now.service, now.id);
    let mut tasks = Vec::new();
    let known = was.is_some_and(|was| was.post.nudges == now.post.nudges);
    if now.post.is_waiting() && !known {
        tasks.push(Task::PostAlert { service, alert });
    }
    let new = |number: u32, update: &Update| {
        let was = was.and_then(|was| was.update(number));
        update.post.is_waiting() && was.is_none_or(|was| was.post.nudges != update.post.nudges)
    };
    // The last one is enough: whatever comes before it is posted first.
    if let Some((number, _)) = now.numbered().rev().find(|(number, it)| new(*number, it)) {
        tasks.push(Task::PostUpdate { service, alert, number });
    }
    tasks
}

/// The messages that follow from what a handler has just saved, and their keys: it sends them at
/// once, and the relay's repetition is dropped by the key. `ver` is the version that it saved.
pub fn quick_posts(was: Option<&Alert>, now: &Alert, ver: u64) -> Vec<(String, Task)> {
    let item = format!("alert/{}#{ver}", now.id);
    alert_tasks(was, now)
        .into_iter()
        .map(|task| (format!("{item}#{}", task.name()), task))
        .collect()
}

/// The message that follows from a join request that was just noted, and its key: as for alerts, the
/// relay's repetition is dropped by it. So whoever has paid comes in although the relay has the ends of
/// a thousand subscriptions before it. `ver` is the version that was saved.
pub fn quick_admission(now: &Subscription, ver: u64) -> (String, Task) {
    let task = Task::Admit { service: now.service, subscription: now.id };
    (format!("subscription/{}#{ver}#{}", now.id, task.name()), task)
}

// --------------------------------------------------------------------------------------- events

fn event_name(after: &Record, why: Why) -> Option<&'static str> {
    Some(match (why, after) {
        (Why::ServiceCreated, _) => "ServiceCreated",
        (Why::GroupBound, Record::Service(_)) => "GroupBound",
        (
            Why::GroupSetUp | Why::GroupChecked | Why::BotRightLost | Why::BotRightsChanged,
            Record::Service(service),
        ) => match bound(service)?.phase {
            Phase::Ready => "GroupReady",
            Phase::Degraded => "GroupDegraded",
            Phase::SettingUp => return None,
        },
        (Why::GroupMigrated, Record::Service(_)) => "GroupMigrated",
        (Why::Purchased, _) => "SubscriptionPurchased",
        (Why::Renewed, _) => "SubscriptionRenewed",
        (Why::Cancelled, _) => "SubscriptionCancelled",
        (Why::Expired, _) => "SubscriptionExpired",
        (Why::PeriodEnded, _) => "SubscriptionEnded",
        (Why::AccountLinked, _) => "AccountLinked",
        (Why::MemberJoined, _) => "MemberJoined",
        (Why::MemberLeft, _) => "MemberLeft",
        (Why::MemberRemoved, _) => "MemberRemoved",
        (Why::MemberNeverInside, _) => "MemberNeverInside",
        (Why::MemberInvitedBack, _) => "MemberInvitedBack",
        (Why::MemberKept, _) => "MemberKept",
        (Why::RemovalParked, _) => "RemovalParked",
        (Why::MemberIsGuest, _) => "MemberKept",
        (Why::Relinked, _) => "SubscriptionRelinked",
        (Why::PassWithdrawn, Record::Link(_)) => "PassWithdrawn",
        (Why::GuestPutOut, _) => "GuestPutOut",
        (Why::SubscriptionImported, Record::Subscription(_)) => "SubscriptionImported",
        (Why::MembersImported, _) => "MembersImported",
        (Why::Reconciled, _) => "MembersChecked",
        (Why::IntruderSeen, _) => "IntruderSeen",
        (Why::IntruderRemoved, _) => "IntruderRemoved",
        (Why::IntruderReported, _) => "IntruderReported",
        (Why::AlertQueued, _) => "AlertQueued",
        (Why::AlertSent, _) => "AlertSent",
        (Why::AlertUnknown, _) => "AlertUnknown",
        (Why::AlertFailed, _) => "AlertFailed",
        (Why::UpdateQueued, _) => "AlertUpdateQueued",
        (Why::UpdateSent, _) => "AlertUpdateSent",
        (Why::UpdateUnknown, _) => "AlertUpdateUnknown",
        (Why::UpdateFailed, _) => "AlertUpdateFailed",
        _ => return None,
    })
}

// ---------------------------------------------------------------------------------------- audit

fn audit(
    before: Option<&Record>,
    after: &Record,
    meta: &Meta,
    service_id: Option<String>,
    item: String,
) -> Option<AuditRecord> {
    // A service's chat is told by the service itself.
    if let Record::Chat(ChatClaim {
        holder: Holder::Service { .. } | Holder::Moved { .. }, ..
    }) = after
    {
        return None;
    }
    // A check of ten thousand members has a thousand steps: only its ends are told.
    let is_step = matches!(meta.why, Why::ReconcileStepped | Why::ImportStepped | Why::Nudged);
    if is_step && matches!(after, Record::Check(_) | Record::Import(_)) {
        return None;
    }
    let was = before.map(facts).unwrap_or_default();
    let now = facts(after);
    let differs = |these: &[Fact], those: &[Fact]| {
        let differ = these.iter().filter(|fact| !those.contains(fact));
        differ.map(|(name, value)| (name.clone().into_owned(), value.clone())).collect()
    };
    Some(AuditRecord {
        service_id: service_id.unwrap_or_else(|| POOL.to_owned()),
        seq: format!("{}#{item}#{:010}", sortable(meta.changed_at), meta.ver),
        at: meta.changed_at,
        actor: meta.changed_by.to_string(),
        action: meta.why.as_str().to_owned(),
        item,
        before: differs(&was, &now),
        after: differs(&now, &was),
    })
}

/// An instant whose text sorts as the instants do: always with nine digits after the point.
pub fn sortable(at: Timestamp) -> String {
    format!("{at:.9}")
}

/// A name and a value.
type Fact = (Cow<'static, str>, String);

/// What may be shown of an item, each name once: no Telegram id, no e-mail address, no link.
fn facts(record: &Record) -> Vec<Fact> {
    let mut facts = Vec::with_capacity(10);
    let mut say = |name: &'static str, value: String| facts.push((Cow::Borrowed(name), value));
    match record {
        Record::Service(service) => {
            say("name", service.name.as_str().to_owned());
            if let Some(description) = &service.description {
                say("description", description.as_str().to_owned());
            }
            say(
                "price",
                format!("{} {}", service.price.amount.as_str(), service.price.currency.as_str()),
            );
            say("duration_days", service.duration_days.get().to_string());
            say("settings", settings(service));
            if service.chart_urls > 0 {
                say("tradingview_urls", service.chart_urls.to_string());
            }
            match &service.group {
                Group::None => say("group", "none".to_owned()),
                Group::AwaitingBot(_) => say("group", "awaiting_bot".to_owned()),
                Group::Bound(group) => group_facts(group, &mut say),
            }
        }
        Record::Chat(claim) => match &claim.holder {
            Holder::Spare { group, strangers, .. } => {
                group_facts(group, &mut say);
                say("strangers", strangers.len().to_string());
            }
            Holder::Service { .. } | Holder::Moved { .. } => {}
        },
        Record::Subscription(subscription) => {
            say("customer_id", subscription.customer.as_str().to_owned());
            say("status", format!("{:?}", subscription.status).to_lowercase());
            say("end_date", subscription.ends_at.to_string());
            say("access_ends_at", subscription.access_ends_at.to_string());
            say("membership", membership(&subscription.membership).to_owned());
            say("telegram_linked", subscription.user.is_some().to_string());
            say("purchases", subscription.purchases.to_string());
        }
        Record::Alert(alert) => {
            if let Some(signal) = alert.signal() {
                say("symbol", signal.fields().symbol.as_str().to_owned());
            }
            say("status", delivery(&alert.post.delivery).to_owned());
            say("attempts", alert.post.attempts.to_string());
            if let Delivery::Sent { message, .. } = alert.post.delivery {
                say("message_id", message.id.get().to_string());
            }
            for (number, update) in alert.numbered() {
                let (kind, status) = (update.kind(), delivery(&update.post.delivery));
                facts.push((format!("update_{number}").into(), format!("{kind} {status}")));
            }
        }
        Record::Import(import) => {
            say("lines", import.lines.to_string());
            say("done", import.done.to_string());
            say("added", import.counts.added.to_string());
            say("extended", import.counts.extended.to_string());
            say("unchanged", import.counts.unchanged.to_string());
            say("over", import.counts.over.len().to_string());
        }
        Record::Check(check) => {
            say("checked", check.checked.to_string());
            say("put_right", check.put_right.to_string());
            say("known_inside", check.inside.to_string());
            say("let_in", check.let_in.to_string());
            if let Progress::Done { members: Some(members), .. } = check.state {
                say("members", members.to_string());
            }
        }
        Record::Intruder(intruder) => {
            let stand = match intruder.stand {
                Stand::Inside { .. } => "inside",
                Stand::BeingPutOut { .. } => "leaving",
                Stand::Reported { .. } => "reported",
                Stand::Administrator { .. } => "administrator",
                Stand::Settled { .. } => "settled",
            };
            say("stand", stand.to_owned());
            say("times", intruder.times.to_string());
        }
        Record::Link(Link { kind, name, state, guest, .. }) => {
            let kind = match kind {
                LinkKind::SingleUse => "single_use",
                LinkKind::Permanent => "permanent",
            };
            say("kind", kind.to_owned());
            if let Some(name) = name {
                say("name", name.as_str().to_owned());
            }
            let state = match state {
                LinkState::Making { .. } => "making",
                LinkState::Ready => "ready",
                LinkState::Used { .. } => "used",
                LinkState::Revoked => "revoked",
            };
            say("state", state.to_owned());
            if let Some(guest) = guest {
                let pass = if guest.withdrawn_at.is_some() { "withdrawn" } else { "given" };
                say("pass", pass.to_owned());
            }
        }
    }
    facts
}

fn settings(service: &Service) -> String {
    let set = &service.settings;
    let reminders: Vec<_> =
        set.reminder_hours.as_slice().iter().map(|hours| hours.get().to_string()).collect();
    format!(
        "alert_format {:?}, guard {:?}, grace_hours {}, reminder_hours {}",
        set.alert_format,
        set.guard,
        set.grace_hours.get(),
        reminders.join(" ")
    )
    .to_lowercase()
}

fn group_facts(group: &TelegramGroup, say: &mut impl FnMut(&'static str, String)) {
    let phase = match group.phase {
        Phase::SettingUp => "setting_up",
        Phase::Ready => "ready",
        Phase::Degraded => "degraded",
    };
    say("group", phase.to_owned());
    say("group_title", group.title.clone());
    let problems: Vec<_> = group.problems().iter().map(|problem| format!("{problem:?}")).collect();
    say("group_problems", problems.join(" "));
}

/// The membership as callers see it.
pub const fn membership(membership: &Membership) -> &'static str {
    match membership {
        Membership::Invited { .. } => "invited",
        Membership::Joined { .. } | Membership::Kept { .. } => "joined",
        Membership::Leaving { .. } | Membership::Removing { .. } => "leaving",
        Membership::Removed { .. } => "removed",
    }
}

/// The status of an alert or update as callers see it.
pub const fn delivery(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Queued => "queued",
        Delivery::Sending { .. } => "sending",
        Delivery::Unknown { .. } => "unknown",
        Delivery::Sent { .. } => "sent",
        Delivery::Failed { .. } => "failed",
    }
}
