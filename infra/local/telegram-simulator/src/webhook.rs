//! The bot's side of updates: `getUpdates`, `setWebhook` and its kin, and which update is due when.
//!
//! The delivery itself, over HTTP, is in `deliver`.

use serde_json::{Value, json};

use crate::arguments::Args;
use crate::errors::{ApiError, ApiResult};
use crate::model::Secret;
use crate::updates::Inbox;
use crate::world::World;

/// Where a bot wants its updates to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) secret: Secret,
    pub(crate) max_connections: usize,
    /// The last failure: unix seconds and what went wrong.
    pub(crate) last_error: Option<(i64, String)>,
}

/// One update on its way to a webhook.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) bot: i64,
    pub(crate) update_id: i64,
    pub(crate) url: String,
    pub(crate) secret: Secret,
    pub(crate) body: Value,
}

/// What came of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Delivered {
    /// A 2xx.
    Taken,
    /// Anything else, with the seconds that the answer asked to wait.
    Failed { why: String, retry_after: Option<i64> },
}

/// The longest pause between two tries, in milliseconds.
const LONGEST_PAUSE: i64 = 60_000;

impl World {
    pub(crate) fn set_webhook(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let url = args.text("url").trim().to_owned();
        if url.is_empty() {
            return self.delete_webhook(bot, args);
        }
        let secret = args.text("secret_token").to_owned();
        let max_connections = args.integer("max_connections")?.unwrap_or(40).clamp(1, 100);
        let drop_pending = args.boolean("drop_pending_updates")?;
        let limited = self.flood.rules.mode != crate::flood::FloodMode::Off;
        let inbox = &mut self.bot_mut(bot)?.inbox;
        // The server takes one setWebhook a second.
        if limited && now < inbox.next_set_webhook {
            return Err(ApiError::flood(1));
        }
        inbox.next_set_webhook = now + 1000;
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Err(ApiError::bad("invalid webhook URL specified"));
        }
        if secret.len() > 256 {
            return Err(ApiError::bad("secret token is too long"));
        }
        if !secret.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            return Err(ApiError::bad("secret token contains unallowed characters"));
        }
        if drop_pending {
            inbox.clear();
        }
        inbox.set_allowed(args.text("allowed_updates"));
        inbox.webhook = Some(Webhook {
            url,
            secret: Secret(secret),
            max_connections: usize::try_from(max_connections).unwrap_or(40),
            last_error: None,
        });
        Ok(Value::Bool(true))
    }

    pub(crate) fn delete_webhook(&mut self, bot: i64, args: &Args) -> ApiResult {
        let drop_pending = args.boolean("drop_pending_updates")?;
        let inbox = &mut self.bot_mut(bot)?.inbox;
        if drop_pending {
            inbox.clear();
        }
        inbox.webhook = None;
        Ok(Value::Bool(true))
    }

    pub(crate) fn webhook_info(&self, bot: i64) -> ApiResult {
        let inbox = &self.bot(bot)?.inbox;
        let webhook = inbox.webhook.as_ref();
        let mut info = json!({
            "url": webhook.map_or("", |webhook| webhook.url.as_str()),
            "has_custom_certificate": false,
            "pending_update_count": inbox.pending(),
        });
        let Some(fields) = info.as_object_mut() else { return Ok(info) };
        if let Some((date, why)) = webhook.and_then(|webhook| webhook.last_error.as_ref()) {
            fields.insert("last_error_date".to_owned(), json!(date));
            fields.insert("last_error_message".to_owned(), json!(why));
        }
        if let Some(webhook) = webhook {
            fields.insert("max_connections".to_owned(), json!(webhook.max_connections));
            fields.insert("ip_address".to_owned(), json!("127.0.0.1"));
        }
        if let Some(allowed) = &inbox.allowed {
            fields.insert("allowed_updates".to_owned(), json!(allowed));
        }
        Ok(info)
    }

    /// `getUpdates` without the waiting, which belongs to the server around this model.
    pub(crate) fn get_updates(&mut self, now: i64, bot: i64, args: &Args) -> ApiResult {
        let offset = args.integer("offset")?.unwrap_or(0);
        let limit = args.integer("limit")?.unwrap_or(100).clamp(1, 100);
        args.integer("timeout")?;
        let inbox = &mut self.bot_mut(bot)?.inbox;
        if inbox.webhook.is_some() {
            return Err(ApiError::conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete \
                 the webhook first",
            ));
        }
        inbox.set_allowed(args.text("allowed_updates"));
        inbox.expire(now);
        let mut ids: Vec<i64> = inbox.all().map(|(id, _)| id).collect();
        ids.sort_unstable();
        // A negative offset counts from the end; what lies before it is forgotten.
        let from = if offset < 0 {
            let back = usize::try_from(-offset).unwrap_or(usize::MAX);
            ids.get(ids.len().saturating_sub(back)).copied().unwrap_or(i64::MAX)
        } else {
            offset
        };
        if offset != 0 {
            inbox.forget_before(from);
        }
        let mut waiting: Vec<(i64, Value)> = inbox.all().map(|(id, b)| (id, b.clone())).collect();
        waiting.sort_by_key(|(id, _)| *id);
        waiting.truncate(usize::try_from(limit).unwrap_or(100));
        Ok(waiting.into_iter().map(|(_, body)| body).collect())
    }

    /// Takes every update that waits for a bot, as `getUpdates` would give it and forget it afterwards.
    pub fn take_updates(&mut self, now: i64, bot: i64) -> Vec<Value> {
        self.tick(now);
        let Some(bot) = self.bots.get_mut(&bot) else { return Vec::new() };
        bot.inbox.expire(now);
        let mut waiting: Vec<_> =
            std::mem::take(&mut bot.inbox.queues).into_values().flatten().collect();
        waiting.sort_by_key(|pending| pending.update_id);
        waiting.into_iter().map(|pending| pending.body).collect()
    }

    /// The updates that are due now, marked as under way.
    pub(crate) fn take_due(&mut self, now: i64) -> Vec<Delivery> {
        let mut due = Vec::new();
        for bot in self.bots.values_mut() {
            bot.inbox.expire(now);
            let Some(webhook) = bot.inbox.webhook.clone() else { continue };
            let mut under_way = bot.inbox.in_flight();
            // Of each queue only the first: the others wait for it.
            let mut heads: Vec<_> =
                bot.inbox.queues.values_mut().filter_map(|queue| queue.front_mut()).collect();
            heads.sort_by_key(|head| (head.wake_at, head.update_id));
            for head in heads {
                if head.in_flight || head.wake_at > now || under_way >= webhook.max_connections {
                    continue;
                }
                head.in_flight = true;
                under_way += 1;
                due.push(Delivery {
                    bot: bot.id,
                    update_id: head.update_id,
                    url: webhook.url.clone(),
                    secret: webhook.secret.clone(),
                    body: head.body.clone(),
                });
            }
        }
        due
    }

    /// When the next update becomes due, if one waits for its time.
    pub(crate) fn next_delivery(&self) -> Option<i64> {
        let hooked = self.bots.values().filter(|bot| bot.inbox.webhook.is_some());
        let heads = hooked.flat_map(|bot| bot.inbox.queues.values()).filter_map(|q| q.front());
        heads.filter(|head| !head.in_flight).map(|head| head.wake_at).min()
    }

    /// Takes note of what came of a delivery: first retry at once, then after 1 s, 2 s, … 60 s, until the
    /// update is a day old.
    pub(crate) fn delivered(&mut self, now: i64, bot: i64, update_id: i64, outcome: Delivered) {
        let Some(bot) = self.bots.get_mut(&bot) else { return };
        let Some((key, queue)) = bot.inbox.queues.iter_mut().find(|(_, queue)| {
            queue.front().is_some_and(|head| head.update_id == update_id && head.in_flight)
        }) else {
            return;
        };
        let key = *key;
        match outcome {
            Delivered::Taken => {
                queue.pop_front();
                // Whoever was to be overtaken by this one has been.
                for head in bot.inbox.queues.values_mut().filter_map(|queue| queue.front_mut()) {
                    if head.overtake_me && head.update_id < update_id {
                        head.overtake_me = false;
                        head.wake_at = head.wake_at.min(now);
                    }
                }
            }
            Delivered::Failed { why, retry_after } => {
                if let Some(head) = queue.front_mut() {
                    head.in_flight = false;
                    let pause = match (retry_after, head.failures) {
                        (Some(seconds), _) => seconds.clamp(0, 3600) * 1000,
                        (None, 0) => 0,
                        (None, failures) => (1000_i64 << (failures - 1).min(10)).min(LONGEST_PAUSE),
                    };
                    head.failures += 1;
                    head.wake_at = now + pause;
                    if head.wake_at > head.expires_at {
                        queue.pop_front();
                    }
                }
                if let Some(webhook) = &mut bot.inbox.webhook {
                    webhook.last_error = Some((now / 1000, why));
                }
            }
        }
        if bot.inbox.queues.get(&key).is_some_and(|queue| queue.is_empty()) {
            bot.inbox.queues.remove(&key);
        }
    }

    /// How much is still to be done: half-done kicks and updates that wait.
    pub(crate) fn unfinished(&self) -> (usize, usize) {
        (self.later.len(), self.bots.values().map(|bot| bot.inbox.pending()).sum())
    }

    /// True when no bot with a webhook has an update to get and nothing is half done.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let hooked = self.bots.values().filter(|bot| bot.inbox.webhook.is_some());
        self.later.is_empty() && hooked.map(|bot| bot.inbox.pending()).sum::<usize>() == 0
    }
}

impl Inbox {
    fn all(&self) -> impl Iterator<Item = (i64, &Value)> {
        self.queues.values().flatten().map(|pending| (pending.update_id, &pending.body))
    }

    /// How many updates are on their way right now.
    pub(crate) fn in_flight(&self) -> usize {
        self.queues.values().flatten().filter(|pending| pending.in_flight).count()
    }

    fn forget_before(&mut self, update_id: i64) {
        for queue in self.queues.values_mut() {
            queue.retain(|pending| pending.update_id >= update_id);
        }
        self.queues.retain(|_, queue| !queue.is_empty());
    }

    fn expire(&mut self, now: i64) {
        for queue in self.queues.values_mut() {
            queue.retain(|pending| pending.in_flight || pending.expires_at >= now);
        }
        self.queues.retain(|_, queue| !queue.is_empty());
    }
}
