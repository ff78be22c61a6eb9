//! The sweep: visits what is due and puts it right.
//!
//! It expires subscriptions, ends cancelled ones, sends reminders, and begins again what was begun
//! and not finished. It only changes items; what follows from that is the relay's. One item's
//! failure does not stop the next, and everything it does bears being done twice.

use domain::alert::{Alert, alert_due};
use domain::change::{Actor, Cause, Stored, Why};
use domain::group::{ChatClaim, Group, Holder, service_due, spare_due};
use domain::guard::{Intruder, intruder_due};
use domain::import::{Import, import_due};
use domain::link::{Link, link_due};
use domain::reconcile::{Reconciliation, check_due};
use domain::service::Service;
use domain::subscription::{DueStep, Subscription, subscription_due};
use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;
use serde::Serialize;
use store::{CommitError, DueItem, Entity, Row, SHARDS, Store, StoreError, Table, Write, decode};

/// How many shards are visited at the same time.
const AT_ONCE: usize = 8;

/// How many items of a shard one sweep visits at the most; the next sweep goes on from there.
const MOST_OF_A_SHARD: usize = 1_000;

/// How many items one page holds.
const PAGE: usize = 100;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Items that were visited.
    pub visited: usize,
    /// Subscriptions that ran out.
    pub expired: usize,
    /// Cancelled subscriptions that came to their end.
    pub ended: usize,
    /// Reminders.
    pub reminded: usize,
    /// What was begun again: removals, admissions, alerts, set-ups, revocations, evictions,
    /// checks, imports.
    pub begun_again: usize,
    /// Set-up links that ran out.
    pub links_expired: usize,
    /// Items that somebody else changed at the same moment, or that were not due after all.
    pub skipped: usize,
    /// Items that could not be visited; the next sweep tries again.
    pub failed: usize,
    /// Whether more is due than one sweep visits.
    pub more: bool,
}

impl Report {
    fn add(mut self, other: Self) -> Self {
        // By name, so that a new figure is not forgotten here.
        let Self {
            visited,
            expired,
            ended,
            reminded,
            begun_again,
            links_expired,
            skipped,
            failed,
            more,
        } = other;
        self.visited += visited;
        self.expired += expired;
        self.ended += ended;
        self.reminded += reminded;
        self.begun_again += begun_again;
        self.links_expired += links_expired;
        self.skipped += skipped;
        self.failed += failed;
        self.more |= more;
        self
    }
}

/// What was done to one item.
#[derive(Clone, Copy, Debug)]
enum Step {
    Expired,
    Ended,
    Reminded,
    BegunAgain,
    LinkExpired,
    Skipped,
}

/// Visits everything that is due.
pub async fn sweep(store: &impl Store, now: Timestamp) -> Report {
    let parts = [Table::Subscriptions, Table::Alerts, Table::Services]
        .into_iter()
        .flat_map(|table| (0..SHARDS).map(move |shard| (table, shard)));
    stream::iter(parts)
        .map(|(table, shard)| sweep_shard(store, table, shard, now))
        .buffer_unordered(AT_ONCE)
        .fold(Report::default(), |sum, part| async move { sum.add(part) })
        .await
}

async fn sweep_shard(store: &impl Store, table: Table, shard: u8, now: Timestamp) -> Report {
    let mut report = Report::default();
    let mut from = None;
    loop {
        let page = match store.due(table, shard, now, PAGE, from.as_ref()).await {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(cause = %error, ?table, shard, "a part of the sweep was left out");
                report.failed += 1;
                return report;
            }
        };
        for DueItem { id, .. } in page.items {
            report.visited += 1;
            // On the heap: most shards visit nothing, and are small then.
            match Box::pin(visit(store, table, &id, now)).await {
                Ok(Step::Expired) => report.expired += 1,
                Ok(Step::Ended) => report.ended += 1,
                Ok(Step::Reminded) => report.reminded += 1,
                Ok(Step::BegunAgain) => report.begun_again += 1,
                Ok(Step::LinkExpired) => report.links_expired += 1,
                Ok(Step::Skipped) => report.skipped += 1,
                Err(error) => {
                    tracing::error!(cause = %error, ?table, "an item was left out of the sweep");
                    report.failed += 1;
                }
            }
        }
        from = page.next;
        if from.is_none() {
            return report;
        }
        if report.visited >= MOST_OF_A_SHARD {
            tracing::warn!(?table, shard, "more is due than one sweep visits");
            report.more = true;
            return report;
        }
    }
}

/// Reads the item again (the index is a hint), decides, saves.
async fn visit(
    store: &impl Store,
    table: Table,
    id: &str,
    now: Timestamp,
) -> Result<Step, StoreError> {
    let Some(row) = store.read(table, id).await? else { return Ok(Step::Skipped) };
    match row.kind.as_str() {
        Subscription::KIND => visit_subscription(store, row, now).await,
        Alert::KIND => visit_alert(store, row, now).await,
        Service::KIND => visit_service(store, row, now).await,
        ChatClaim::KIND => visit_chat(store, row, now).await,
        Link::KIND => visit_link(store, row, now).await,
        Import::KIND => visit_import(store, row, now).await,
        Reconciliation::KIND => visit_check(store, row, now).await,
        Intruder::KIND => visit_intruder(store, row, now).await,
        _ => Ok(Step::Skipped),
    }
}

async fn visit_subscription(
    store: &impl Store,
    row: Row,
    now: Timestamp,
) -> Result<Step, StoreError> {
    let read: Stored<Subscription> = decode(row)?;
    let Some((next, step)) = subscription_due(&read.value, now) else { return Ok(Step::Skipped) };
    let (why, step) = match step {
        DueStep::Expired => (Why::Expired, Step::Expired),
        DueStep::PeriodEnded => (Why::PeriodEnded, Step::Ended),
        DueStep::Reminded(_) => (Why::Reminded, Step::Reminded),
        DueStep::Nudged => (Why::Nudged, Step::BegunAgain),
        DueStep::InvitedBack => (Why::MemberInvitedBack, Step::BegunAgain),
    };
    save(store, &read, &next, why, now, step).await
}

async fn visit_alert(store: &impl Store, row: Row, now: Timestamp) -> Result<Step, StoreError> {
    let read: Stored<Alert> = decode(row)?;
    match alert_due(&read.value, now) {
        Some(next) => save(store, &read, &next, Why::Nudged, now, Step::BegunAgain).await,
        None => Ok(Step::Skipped),
    }
}

async fn visit_service(store: &impl Store, row: Row, now: Timestamp) -> Result<Step, StoreError> {
    let read: Stored<Service> = decode(row)?;
    let Some(next) = service_due(&read.value, now) else { return Ok(Step::Skipped) };
    let (why, step) = match next.group {
        Group::None | Group::AwaitingBot(_) => (Why::GroupRequestExpired, Step::LinkExpired),
        Group::Bound(_) => (Why::Nudged, Step::BegunAgain),
    };
    save(store, &read, &next, why, now, step).await
}

async fn visit_chat(store: &impl Store, row: Row, now: Timestamp) -> Result<Step, StoreError> {
    let read: Stored<ChatClaim> = decode(row)?;
    let Holder::Spare { group, .. } = &read.value.holder else { return Ok(Step::Skipped) };
    let Some(group) = spare_due(group, now) else { return Ok(Step::Skipped) };
    let next = read.value.with_spare(group);
    save(store, &read, &next, Why::Nudged, now, Step::BegunAgain).await
}

async fn visit_link(store: &impl Store, row: Row, now: Timestamp) -> Result<Step, StoreError> {
    let read: Stored<Link> = decode(row)?;
    match link_due(&read.value, now) {
        Some(next) => save(store, &read, &next, Why::Nudged, now, Step::BegunAgain).await,
        None => Ok(Step::Skipped),
    }
}

async fn visit_import(store: &impl Store, row: Row, now: Timestamp) -> Result<Step, StoreError> {
    let read: Stored<Import> = decode(row)?;
    match import_due(&read.value, now) {
        Some(next) => save(store, &read, &next, Why::Nudged, now, Step::BegunAgain).await,
        None => Ok(Step::Skipped),
    }
}

async fn visit_check(store: &impl Store, row: Row, now: Timestamp) -> Result<Step, StoreError> {
    let read: Stored<Reconciliation> = decode(row)?;
    match check_due(&read.value, now) {
        Some(next) => save(store, &read, &next, Why::Nudged, now, Step::BegunAgain).await,
        None => Ok(Step::Skipped),
    }
}

async fn visit_intruder(store: &impl Store, row: Row, now: Timestamp) -> Result<Step, StoreError> {
    let read: Stored<Intruder> = decode(row)?;
    match intruder_due(&read.value, now) {
        Some(next) => save(store, &read, &next, Why::Nudged, now, Step::BegunAgain).await,
        None => Ok(Step::Skipped),
    }
}

async fn save<E: Entity>(
    store: &impl Store,
    read: &Stored<E>,
    next: &E,
    why: Why,
    now: Timestamp,
    step: Step,
) -> Result<Step, StoreError> {
    let cause = Cause { at: now, by: Actor::Sweep, why };
    match store.commit(vec![Write::update(read, next, &cause)]).await {
        Ok(()) => Ok(step),
        // Somebody else has just seen to it.
        Err(CommitError::Conflict) => Ok(Step::Skipped),
        Err(CommitError::Store(error)) => Err(error),
    }
}
