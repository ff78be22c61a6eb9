//! The functions, wired as they are deployed, on whatever ports one gives them.
//!
//! This is the one place that knows which handler needs what. A test that wraps the ports, to let
//! them fail or to take turns between them, builds its own [`Functions`] on the wrapped ones.

mod http;

use std::sync::Arc;

use domain::ids::UserId;
use domain::token::{BotName, LinkKey};
use events::Events;
use expire_subscriptions::Report;
use jiff::Timestamp;
use limiter::{Limiter, Limits};
use queue::Queue;
use relay::{Change, Relay};
use startup::Clock;
use store::Store;
use telegram::Telegram;
use telegram_sender::{Lines, Received, Sender};

pub use http::{Answer, Request};

use crate::StreamRecord;

/// What the functions know from their settings and secrets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bot's name.
    pub bot_name: BotName,
    /// The bot's own account.
    pub bot: UserId,
    /// The key of link tokens.
    pub link_key: LinkKey,
    /// The webhook's secret.
    pub webhook_secret: String,
}

/// Every function, on these ports. The ports are handles: their copies lead to the same thing.
#[derive(Clone, Debug)]
pub struct Functions<S, Q, L, E, T, C> {
    /// The tables.
    pub store: S,
    /// The queues.
    pub queue: Q,
    /// The limiter's table.
    pub limits: L,
    /// The bus.
    pub events: E,
    /// Telegram.
    pub telegram: T,
    /// The clock.
    pub clock: C,
    /// Settings and secrets.
    pub settings: Arc<Settings>,
}

/// A change as the stream hands it to the relay; `sequence_number` names it.
pub fn change(record: StreamRecord, sequence_number: String) -> Change {
    let before = record.before.map(Arc::unwrap_or_clone);
    Change { sequence_number, before, after: Some(Arc::unwrap_or_clone(record.after)) }
}

impl<S, Q, L, E, T, C> Functions<S, Q, L, E, T, C>
where
    S: Store + Clone,
    Q: Queue + Clone,
    L: Limits + Clone,
    E: Events + Clone,
    T: Telegram + Clone,
    C: Clock + Clone,
{
    /// The relay, with a batch of one table's stream. Answers with the sequence number of the first
    /// change that failed.
    pub async fn relay(&self, changes: Vec<Change>) -> Option<String> {
        let relay = Relay {
            store: self.store.clone(),
            queue: self.queue.clone(),
            events: self.events.clone(),
        };
        relay::handle(&relay, changes).await
    }

    /// The sender, with a batch of one queue. Answers with the ids of the messages that are to be
    /// delivered again.
    pub async fn send(&self, batch: Vec<Received>, deadline: Timestamp) -> Vec<String> {
        let sender = Sender {
            store: self.store.clone(),
            queue: self.queue.clone(),
            limiter: Limiter::new(self.limits.clone()),
            lines: Lines::default(),
            telegram: self.telegram.clone(),
            clock: self.clock.clone(),
            bot: self.settings.bot,
        };
        telegram_sender::handle(&sender, batch, deadline).await
    }

    /// The function that begins the daily checks of members.
    ///
    /// # Errors
    /// What the table says.
    pub async fn reconcile(&self) -> Result<reconcile_members::Report, store::StoreError> {
        reconcile_members::begin_all(&self.store, self.clock.now()).await
    }

    /// The sweep.
    pub async fn sweep(&self) -> Report {
        expire_subscriptions::sweep(&self.store, self.clock.now()).await
    }
}
