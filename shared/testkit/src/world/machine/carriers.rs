//! What carries things between callers, functions and Telegram: requests, updates, streams, queues.

use domain::task::Lane;
use domain::time::after;
use jiff::SignedDuration;
use serde_json::Value;
use store::Table;

use super::*;

/// How soon a failed batch of a stream comes again.
const STREAM_RETRY: SignedDuration = SignedDuration::from_secs(1);

impl Machine {
    // -------------------------------------------------------------------------------- requests

    pub(super) fn send_request(&mut self, at: usize) {
        let Some(client) = self.clients.get_mut(at).map(Arc::make_mut) else { return };
        client.running = true;
        client.tries += 1;
        let mut request = client.request.clone();
        request.fresh = self.fresh();
        if self.hub.bug == Some(Bug::NoIdempotency) {
            request.forget_keys();
        }
        self.note(|| format!("{} {}", request.method, request.path));
        let (id, functions) = self.functions();
        let work = async move { Ended::Answer(functions.http(request).await) };
        self.begin(id, 10, Carries::Request(at), work);
    }

    /// An id that no invocation had before.
    fn fresh(&mut self) -> uuid::Uuid {
        self.thrown += 1;
        uuid::Uuid::from_u128(u128::from(self.thrown) << 64 | 1)
    }

    pub(super) fn answered(&mut self, at: usize, answer: Answer) {
        let heard = self.heard();
        self.note(|| {
            let heard = if heard { "" } else { ", which nobody hears" };
            format!("  answer {}{heard}", answer.status)
        });
        // A mistake of ours is not to be had away by asking again.
        if answer.status == 500 {
            let mut state = self.hub.state();
            state.watch.violated(Invariant::RequestsAnswered, format!("500: {}", answer.body));
        }
        let again = answer.status >= 500
            || answer.status == 429
            || (answer.status == 409 && answer.retry_after.is_some());
        if !heard || again {
            self.ask_again(at);
        } else if let Some(client) = self.clients.get_mut(at).map(Arc::make_mut) {
            client.running = false;
            client.answer = Some(answer);
        }
    }

    pub(super) fn ask_again(&mut self, at: usize) {
        let now = self.now();
        if let Some(client) = self.clients.get_mut(at).map(Arc::make_mut) {
            client.running = false;
            let pause = i64::from(client.tries.min(10));
            client.from = after(now, SignedDuration::from_secs(pause));
        }
    }

    // --------------------------------------------------------------------------------- updates

    /// Takes in what streams and Telegram have to tell.
    pub(super) fn take_in(&mut self) {
        for record in self.store.take_stream() {
            let told = Arc::new(Told { record, follows: OnceLock::new() });
            self.told.push(Arc::clone(&told));
            let number = u64::try_from(self.told.len()).unwrap_or(u64::MAX);
            let table = match told.record.table {
                Table::Services => 0,
                Table::Subscriptions => 1,
                Table::Alerts => 2,
            };
            if let Some(stream) = self.streams.get_mut(table) {
                stream.waiting.push_back((number, told));
            }
        }
        if std::mem::take(&mut self.news) {
            self.take_updates(|_| true);
        }
    }

    fn take_updates(&mut self, arrives: impl Fn(&Value) -> bool) {
        let from = self.now();
        let updates = self.telegram.updates().into_iter().filter(arrives);
        self.updates.extend(updates.map(|update| {
            let queue = queue_of(&update);
            Waiting { update, queue, failures: 0, from }
        }));
    }

    /// The service messages that tell of an upgrade do not arrive.
    pub(in crate::world) fn lose_word_of_migration(&mut self) {
        self.take_updates(|update| {
            let names = ["/message/migrate_to_chat_id", "/message/migrate_from_chat_id"];
            names.iter().all(|name| update.pointer(name).is_none())
        });
    }

    pub(super) fn deliver(&mut self, at: usize) {
        let waiting = self.updates.remove(at);
        self.delivering.push(waiting.queue.clone());
        self.note(|| format!("update: {}", waiting.queue));
        let mut request = Request::json("POST", "/telegram/webhook", &waiting.update)
            .with("x-telegram-bot-api-secret-token", WEBHOOK_SECRET);
        request.fresh = self.fresh();
        let (id, functions) = self.functions();
        let work = async move { Ended::Answer(functions.http(request).await) };
        self.begin(id, 10, Carries::Update(waiting), work);
    }

    pub(super) fn deliver_again(&mut self, mut waiting: Waiting) {
        self.delivering.retain(|queue| *queue != waiting.queue);
        let pause = 1_i64 << waiting.failures.min(5);
        waiting.failures += 1;
        waiting.from = after(self.now(), SignedDuration::from_secs(pause));
        self.updates.insert(0, waiting);
    }

    // --------------------------------------------------------------------------------- streams

    pub(super) fn relay(&mut self, table: usize) {
        let most = self.chance.batch(CHANGES);
        let bug = self.hub.bug;
        let Some(stream) = self.streams.get_mut(table) else { return };
        stream.busy = true;
        let batch: Vec<_> = stream.waiting.iter().take(most).cloned().collect();
        let last = batch.last().map_or(0, |(number, _)| *number);
        let changes = batch
            .into_iter()
            .filter(|(_, told)| !(bug == Some(Bug::ExpireWithoutOutbox) && expires(&told.record)))
            .map(|(number, told)| change(told.record.clone(), number.to_string()))
            .collect();
        let (id, functions) = self.functions();
        let work = async move { Ended::Relayed(functions.relay(changes).await) };
        self.begin(id, 60, Carries::Changes { table, last }, work);
    }

    pub(super) fn relayed(&mut self, table: usize, last: u64, failed: Option<String>) {
        let heard = self.heard();
        if !heard {
            self.relay_again(table);
            return;
        }
        let failed = failed.and_then(|number| number.parse::<u64>().ok());
        let failed = failed.filter(|_| self.hub.bug != Some(Bug::AcknowledgeWithoutRelay));
        let from = failed.map(|_| after(self.now(), STREAM_RETRY));
        if let Some(stream) = self.streams.get_mut(table) {
            let done = failed.map_or(last, |failed| failed.saturating_sub(1));
            stream.waiting.retain(|(number, _)| *number > done);
            stream.from = from;
            stream.busy = false;
        }
    }

    pub(super) fn relay_again(&mut self, table: usize) {
        let from = after(self.now(), STREAM_RETRY);
        let skip = self.hub.bug == Some(Bug::AcknowledgeWithoutRelay);
        if let Some(stream) = self.streams.get_mut(table) {
            stream.busy = false;
            stream.from = Some(from);
            if skip {
                stream.waiting.clear();
            }
        }
    }

    // --------------------------------------------------------------------------------- queues

    pub(super) fn send(&mut self, lane: Lane) {
        let most = self.chance.batch(MESSAGES);
        let batch = self.queue.receive(lane, most);
        let mut receipts = Vec::new();
        for message in &batch {
            let (id, receipt) = (message.message_id.clone(), message.receipt.clone());
            if self.hub.bug == Some(Bug::DeleteMessageFirst) {
                self.queue.acknowledge(lane, &receipt);
            } else {
                receipts.push((id, receipt));
            }
        }
        let limit = 60;
        let deadline = after(self.now(), SignedDuration::from_secs(limit));
        self.note(|| format!("the sender gets {} messages of {lane:?}", batch.len()));
        let (id, functions) = self.functions();
        let work = async move { Ended::GivenBack(functions.send(batch, deadline).await) };
        self.begin(id, limit, Carries::Messages { lane, receipts }, work);
    }
}

/// A change that a run-out subscription makes.
fn expires(record: &StreamRecord) -> bool {
    use domain::change::Why;
    matches!(record.after.meta.why, Why::Expired | Why::PeriodEnded)
}
