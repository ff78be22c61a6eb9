//! The tables, the queues, the bus and the clock of a world, each seen by one process.

use std::sync::Arc;

use domain::change::Why;
use domain::ids::ChatId;
use domain::link::Link;
use domain::membership::Membership;
use domain::pace::{BotPace, ChatBlock, ChatPace, ChatTake, Note, Take};
use domain::relay::{AuditRecord, Event};
use domain::subscription::Subscription;
use domain::task::Lane;
use events::{EventError, Events};
use jiff::{SignedDuration, Timestamp};
use limiter::{Limits, Moved};
use queue::{Outgoing, Queue, QueueError};
use startup::Clock;
use store::{
    Body, CommitError, Count, Cursor, DueItem, Entity as _, List, Page, Row, Store, StoreError,
    Table, UserClaim, Write,
};

use super::bug::Bug;
use super::hub::{Effect, Hub, ProcessId, Verdict};
use super::watch::{self, Change};
use crate::{MemoryEvents, MemoryLimits, MemoryQueue, MemoryStore, Shared, VirtualClock};

/// A port of a world, in the hands of a process.
#[derive(Clone)]
pub(super) struct Port<P> {
    pub(super) inner: P,
    pub(super) hub: Hub,
    pub(super) process: ProcessId,
    pub(super) clock: VirtualClock,
}

impl<P> Port<P> {
    async fn verdict(&self, effect: Effect) -> Verdict {
        self.hub.verdict(self.process, effect).await
    }

    pub(super) fn note(&self, line: impl FnOnce() -> String) {
        let process = self.process;
        self.hub.note(self.clock.now(), || format!("#{process:<3} {}", line()));
    }
}

fn throttled() -> StoreError {
    StoreError::Unavailable("throttled".to_owned())
}

/// How much of a batch is taken: the first of it.
const fn taken(verdict: Verdict, of: usize) -> usize {
    match verdict {
        Verdict::Done | Verdict::LostAfter | Verdict::DiesAfter => of,
        Verdict::Partly => of.saturating_sub(1),
        _ => 0,
    }
}

fn refused(verdict: Verdict) -> bool {
    verdict != Verdict::Done
}

impl Port<Shared<MemoryStore>> {
    async fn before_read(&self, what: &str) -> Result<(), StoreError> {
        let verdict = self.verdict(Effect::Read).await;
        if refused(verdict) {
            self.note(|| format!("reads {what}: {verdict:?}"));
            return Err(throttled());
        }
        Ok(())
    }

    /// Saves, as far as the world's own mistakes let it.
    async fn save(&self, mut writes: Vec<Write>) -> Result<(), CommitError> {
        for write in &mut writes {
            self.spoil(write);
        }
        let changes: Vec<_> = writes.iter().filter_map(|write| self.change(write)).collect();
        let what = self.hub.is_told().then(|| {
            let what: Vec<_> = writes.iter().map(|write| told_of(&write.row)).collect();
            what.join(", ")
        });
        let mut done = self.inner.commit(writes).await;
        if done.is_ok() {
            let mut state = self.hub.state();
            let tick = state.tick;
            for change in changes {
                state.watch.saved(self.process, change, tick);
            }
        }
        self.note(|| {
            let how = match &done {
                Ok(()) => "",
                Err(CommitError::Conflict) => ": conflict",
                Err(_) => ": refused",
            };
            format!("saves {}{how}", what.unwrap_or_default())
        });
        if self.hub.bug == Some(Bug::ConflictIgnored) && matches!(done, Err(CommitError::Conflict))
        {
            done = Ok(());
        }
        done
    }

    /// What a save means to those who watch.
    fn change(&self, write: &Write) -> Option<Change> {
        let row = &write.row;
        match row.kind.as_str() {
            Subscription::KIND => {
                let before = self.inner.find::<Subscription>(&row.id);
                let before = before.map(|before| before.access_ends_at);
                let after = row.body.item::<Subscription>().map(|after| after.access_ends_at);
                Some(Change::Access { row: row.id.clone(), before, after })
            }
            UserClaim::KIND => {
                let claim = row.body.item::<UserClaim>()?;
                Some(match claim.subscription {
                    Some(subscription) => Change::Claim { row: subscription.to_string() },
                    None => {
                        let before = self.inner.find::<UserClaim>(&row.id)?.subscription?;
                        Change::Release { claim: row.id.clone(), row: before.to_string() }
                    }
                })
            }
            Link::KIND => {
                let guest = row.body.item::<Link>()?.guest?;
                guest.withdrawn_at.map(|_| Change::Withdrawal { link: row.id.clone() })
            }
            _ => None,
        }
    }

    /// What a deliberate mistake makes of a save.
    fn spoil(&self, write: &mut Write) {
        let Some(bug) = self.hub.bug else { return };
        let (why, by) = (write.row.meta.why, &write.row.meta.changed_by);
        let standing = || self.inner.peek(write.table, &write.row.id).map(|row| row.meta.ver);
        match bug {
            Bug::ClaimUnconditional if write.row.kind == UserClaim::KIND => {
                overwrite(write, standing());
            }
            Bug::ExpireUnconditional if matches!(why, Why::Expired | Why::PeriodEnded) => {
                overwrite(write, standing());
            }
            Bug::LeaseTooShort if write.row.kind == Subscription::KIND => {
                let at = write.row.meta.changed_at;
                rewrite(&mut write.row, |it| {
                    if let Membership::Removing { lease_until, .. } = &mut it.membership {
                        *lease_until = domain::time::after(at, SignedDuration::from_secs(1));
                    }
                });
            }
            Bug::ExpireWithoutOutbox if matches!(why, Why::Expired | Why::PeriodEnded) => {
                write.row.index.due_at = None;
            }
            Bug::RenewalFromNow
                if why == Why::Renewed && *by == domain::change::Actor::Storefront =>
            {
                let at = write.row.meta.changed_at;
                rewrite(&mut write.row, |old| {
                    old.ends_at = domain::time::after(at, SignedDuration::from_hours(720));
                    old.access_ends_at = old.ends_at;
                });
            }
            _ => {}
        }
    }
}

/// Lets a save go through whatever stands there.
fn overwrite(write: &mut Write, standing: Option<u64>) {
    write.expected = standing;
    write.row.meta.ver = standing.map_or(1, |ver| ver + 1);
}

fn rewrite(row: &mut Row, change: impl FnOnce(&mut Subscription)) {
    if let Some(mut subscription) = watch::subscription(row) {
        let subscription = Arc::make_mut(&mut subscription);
        change(subscription);
        row.index = subscription.index();
        row.body = Body::of(subscription);
    }
}

/// A saved row in a few words.
fn told_of(row: &Row) -> String {
    let body = row.body.json();
    let text = |pointer: &str| {
        let value = body.pointer(pointer).and_then(|value| value.as_str());
        value.map(|value| format!(" {value}")).unwrap_or_default()
    };
    let short: String = row.id.chars().take(18).collect();
    let state = [text("/membership/state"), text("/delivery/status"), text("/group/state")];
    format!("{} {short} v{}: {}{}", row.kind, row.meta.ver, row.meta.why.as_str(), state.concat())
}

impl Store for Port<Shared<MemoryStore>> {
    async fn read(&self, table: Table, id: &str) -> Result<Option<Row>, StoreError> {
        self.before_read(id).await?;
        if self.hub.bug == Some(Bug::NoLastLook)
            && let Some(row) = self.inner.peek(table, id)
            && row.kind == Subscription::KIND
        {
            let mut state = self.hub.state();
            if let Some(own) = state.own_writes.remove(&(self.process, id.to_owned())) {
                return Ok(Some(own));
            }
        }
        let read = self.inner.read(table, id).await;
        let mut state = self.hub.state();
        let tick = state.tick;
        state.watch.read(self.process, id, tick);
        read
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError> {
        let verdict = self.verdict(Effect::Commit).await;
        match verdict {
            Verdict::Done => {}
            Verdict::LostAfter => {
                self.save(writes).await?;
                self.note(|| "  … and does not hear that it was saved".to_owned());
                return Err(throttled().into());
            }
            Verdict::DiesAfter => {
                let _ = self.save(writes).await;
                return self.hub.die(self.process).await;
            }
            _ => {
                self.note(|| format!("saves nothing: {verdict:?}"));
                return Err(throttled().into());
            }
        }
        let removing = writes.iter().find(|write| write.row.meta.why == Why::MemberRemoving);
        let own = removing.map(|write| ((self.process, write.row.id.clone()), write.row.clone()));
        let done = self.save(writes).await;
        if self.hub.bug == Some(Bug::NoLastLook) && done.is_ok() {
            self.hub.state().own_writes.extend(own);
        }
        done
    }

    async fn list(
        &self,
        list: &List,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<Row>, StoreError> {
        self.before_read("a list").await?;
        self.inner.list(list, limit, from).await
    }

    async fn count(&self, count: &Count, most: usize) -> Result<usize, StoreError> {
        self.before_read("a count").await?;
        self.inner.count(count, most).await
    }

    async fn due(
        &self,
        table: Table,
        shard: u8,
        until: Timestamp,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<DueItem>, StoreError> {
        if self.hub.bug == Some(Bug::ShardsLeftOut) && shard.is_multiple_of(2) {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let page = self.inner.due(table, shard, until, limit, from).await?;
        // Most shards hold nothing that is due: no time for those.
        if !page.items.is_empty() {
            self.before_read("what is due").await?;
        }
        Ok(page)
    }

    async fn write_audit(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        let verdict = self.verdict(Effect::Audit).await;
        match verdict {
            Verdict::Done => self.inner.write_audit(records).await,
            Verdict::LostAfter => {
                self.inner.write_audit(records).await?;
                Err(throttled())
            }
            Verdict::DiesAfter => {
                self.inner.write_audit(records).await?;
                self.hub.die(self.process).await
            }
            _ => {
                self.note(|| format!("writes no audit record: {verdict:?}"));
                Err(throttled())
            }
        }
    }

    async fn audit(
        &self,
        service: &str,
        limit: usize,
        from: Option<&Cursor>,
    ) -> Result<Page<AuditRecord>, StoreError> {
        self.before_read("the audit trail").await?;
        self.inner.audit(service, limit, from).await
    }
}

impl Port<MemoryQueue> {
    /// Does something with messages that were received, which may be done and not be heard of.
    async fn holds(
        &self,
        what: impl Fn() -> String,
        work: impl Future<Output = Result<(), QueueError>>,
    ) -> Result<(), QueueError> {
        let verdict = self.verdict(Effect::HandBack).await;
        self.note(|| format!("{}: {verdict:?}", what()));
        if matches!(verdict, Verdict::Done | Verdict::LostAfter) {
            work.await?;
        }
        match verdict {
            Verdict::Done => Ok(()),
            _ => Err(QueueError::Unavailable("no answer".to_owned())),
        }
    }
}

impl Queue for Port<MemoryQueue> {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        let verdict = self.verdict(Effect::Send).await;
        let taken = taken(verdict, messages.len());
        self.inner.send(messages.get(..taken).unwrap_or_default()).await?;
        self.note(|| {
            let names: Vec<_> = messages.iter().map(|message| message.task.name()).collect();
            let how = if verdict == Verdict::Done { "" } else { &format!(": {verdict:?}") };
            format!("queues {}{how}", names.join(", "))
        });
        match verdict {
            Verdict::Done => Ok(()),
            Verdict::DiesAfter => self.hub.die(self.process).await,
            Verdict::Partly if self.hub.bug == Some(Bug::RefusedMessagesIgnored) => Ok(()),
            Verdict::Partly => Err(QueueError::Refused {
                refused: messages.len() - taken,
                sent: messages.len(),
                cause: "InternalError".to_owned(),
            }),
            _ => Err(QueueError::Unavailable("no answer".to_owned())),
        }
    }

    async fn bury(&self, lane: Lane, key: &str, body: &str) -> Result<(), QueueError> {
        let verdict = self.verdict(Effect::Send).await;
        self.note(|| format!("gives a message up: {verdict:?}"));
        if taken(verdict, 1) == 1 {
            self.inner.bury(lane, key, body).await?;
        }
        match verdict {
            Verdict::Done => Ok(()),
            Verdict::DiesAfter => self.hub.die(self.process).await,
            _ => Err(QueueError::Unavailable("no answer".to_owned())),
        }
    }

    async fn redrive(&self, lane: Lane) -> Result<Option<usize>, QueueError> {
        self.inner.redrive(lane).await
    }

    async fn hide(
        &self,
        lane: Lane,
        receipts: &[&str],
        time: SignedDuration,
    ) -> Result<(), QueueError> {
        let what = || format!("hides its messages for {} s", time.as_secs());
        self.holds(what, self.inner.hide(lane, receipts, time)).await
    }

    async fn finish(&self, lane: Lane, receipt: &str) -> Result<(), QueueError> {
        let what = || "is done with a message".to_owned();
        self.holds(what, self.inner.finish(lane, receipt)).await
    }

    async fn hand_back(
        &self,
        lane: Lane,
        receipt: &str,
        delay: SignedDuration,
    ) -> Result<(), QueueError> {
        let what = || format!("gives a message back for {} s", delay.as_secs());
        self.holds(what, self.inner.hand_back(lane, receipt, delay)).await
    }
}

impl Port<MemoryLimits> {
    async fn before_look(&self, what: &str) -> Result<(), StoreError> {
        let verdict = self.verdict(Effect::Read).await;
        if refused(verdict) {
            self.note(|| format!("reads {what}: {verdict:?}"));
            return Err(throttled());
        }
        Ok(())
    }

    /// A move of the limiter, which may be done and not be heard of.
    async fn moves<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let verdict = self.verdict(Effect::Commit).await;
        if refused(verdict) {
            self.note(|| format!("{what}: {verdict:?}"));
        }
        match verdict {
            Verdict::Done => work.await,
            Verdict::LostAfter => {
                work.await?;
                Err(throttled())
            }
            Verdict::DiesAfter => {
                work.await?;
                self.hub.die(self.process).await
            }
            _ => Err(throttled()),
        }
    }
}

impl Limits for Port<MemoryLimits> {
    async fn bot(&self) -> Result<Option<BotPace>, StoreError> {
        self.before_look("the pace of the bot").await?;
        self.inner.bot().await
    }

    async fn take(&self, take: &Take) -> Result<Moved<BotPace>, StoreError> {
        self.moves("takes a turn of the bot", self.inner.take(take)).await
    }

    async fn note(&self, note: &Note) -> Result<Moved<BotPace>, StoreError> {
        self.moves("notes a wait of the bot", self.inner.note(note)).await
    }

    async fn chat(&self, chat: ChatId) -> Result<Option<ChatPace>, StoreError> {
        self.before_look("the pace of a chat").await?;
        self.inner.chat(chat).await
    }

    async fn take_chat(
        &self,
        chat: ChatId,
        take: &ChatTake,
    ) -> Result<Moved<ChatPace>, StoreError> {
        self.moves("takes a turn of a chat", self.inner.take_chat(chat, take)).await
    }

    async fn block_chat(
        &self,
        chat: ChatId,
        block: ChatBlock,
        now_us: i64,
    ) -> Result<(), StoreError> {
        self.moves("notes a wait of a chat", self.inner.block_chat(chat, block, now_us)).await
    }

    async fn strikes(&self, message: &str) -> Result<u32, StoreError> {
        self.before_look("the strikes against a message").await?;
        self.inner.strikes(message).await
    }

    async fn strike(&self, message: &str, now_us: i64) -> Result<u32, StoreError> {
        self.moves("counts a strike", self.inner.strike(message, now_us)).await
    }

    async fn forgive(&self, message: &str, now_us: i64) -> Result<(), StoreError> {
        self.moves("forgets strikes", self.inner.forgive(message, now_us)).await
    }
}

impl Events for Port<MemoryEvents> {
    async fn publish(&self, events: &[Event]) -> Result<(), EventError> {
        let verdict = self.verdict(Effect::Publish).await;
        let taken = taken(verdict, events.len());
        self.inner.publish(events.get(..taken).unwrap_or_default()).await?;
        if refused(verdict) {
            self.note(|| format!("publishes {} events: {verdict:?}", events.len()));
        }
        match verdict {
            Verdict::Done => Ok(()),
            Verdict::DiesAfter => self.hub.die(self.process).await,
            Verdict::Partly if self.hub.bug == Some(Bug::RefusedEventsIgnored) => Ok(()),
            Verdict::Partly => Err(EventError::Refused {
                refused: events.len() - taken,
                sent: events.len(),
                cause: "InternalFailure".to_owned(),
            }),
            _ => Err(EventError::Unavailable("no answer".to_owned())),
        }
    }
}

/// The clock of one process, which is wrong by some seconds.
#[derive(Clone)]
pub(super) struct SkewedClock {
    pub(super) clock: VirtualClock,
    pub(super) skew: SignedDuration,
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        domain::time::after(self.clock.now(), self.skew)
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.clock.sleep_until(domain::time::before(at, self.skew)).await;
    }
}
