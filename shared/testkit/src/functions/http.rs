//! The HTTP functions behind their routes.

use std::collections::HashMap;

use create_tradingview_url::ApiAddress;
use events::Events;
use limiter::{Limiter, Limits};
use queue::Queue;
use serde_json::{Value, json};
use startup::Clock;
use store::Store;
use telegram::Telegram;
use uuid::Uuid;
use web::{Body, Call, Gateway, Problem, Reply};

use super::Functions;

/// The name by which the API is called.
const DOMAIN: &str = "api.usher.example";

/// A request, as it comes out of the gateway: whoever calls has been checked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method, such as `POST`.
    pub method: &'static str,
    /// The path, and what stands behind its `?`.
    pub path: String,
    /// The `sub` of the caller's token.
    pub subject: Option<String>,
    /// Headers, with names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
    /// A fresh random id.
    pub fresh: Uuid,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body; a table is a text.
    pub body: Value,
    /// Whether it says that it is the repetition of an earlier one.
    pub replayed: bool,
    /// The seconds that it asks to wait.
    pub retry_after: Option<i64>,
}

impl Request {
    /// A request with a JSON body.
    pub fn json(method: &'static str, path: impl Into<String>, body: &Value) -> Self {
        let mut request = Self::bare(method, path);
        request.body = serde_json::to_vec(body).unwrap_or_default();
        request.with("content-type", "application/json")
    }

    /// A request without a body.
    pub fn bare(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), ..Self::default() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Takes away what tells a repetition from a new request.
    pub(crate) fn forget_keys(&mut self) {
        self.headers.remove("idempotency-key");
        if let Ok(Value::Object(mut fields)) = serde_json::from_slice::<Value>(&self.body) {
            fields.remove("payment_ref");
            fields.remove("client_alert_id");
            self.body = Value::Object(fields).to_string().into_bytes();
        }
    }

    /// Names the caller.
    #[must_use]
    pub fn by(mut self, subject: &str) -> Self {
        self.subject = Some(subject.to_owned());
        self
    }
}

fn answer(result: Result<Reply, Problem>, request_id: &str) -> Answer {
    match result {
        Ok(Reply { status, body, replayed, next: _ }) => {
            let body = match body {
                Body::Json(body) => body,
                Body::Csv(table) => Value::String(table),
            };
            Answer { status, body, replayed, retry_after: None }
        }
        Err(problem) => Answer {
            status: problem.kind.status(),
            body: problem.body(request_id),
            replayed: false,
            retry_after: problem.retry_after.map(|wait| wait.as_secs().max(1)),
        },
    }
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
    /// The function behind a route, with a request. A route that there is not is the gateway's 404.
    pub async fn http(&self, request: Request) -> Answer {
        let Request { method, path, subject, headers, body, fresh } = request;
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let query = query.split('&').filter_map(|pair| pair.split_once('='));
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let segments: Vec<_> = path.split('/').skip(1).collect();
        let id = match segments.as_slice() {
            ["traders", "services", id, ..] | ["alerts" | "subscriptions", id, ..] => Some(*id),
            _ => None,
        };
        let pass = match segments.as_slice() {
            ["traders", "services", _, "telegram-group", "passes", pass] => Some(*pass),
            _ => None,
        };
        let import = match segments.as_slice() {
            ["traders", "services", _, "members", "import", import] => Some(*import),
            _ => None,
        };
        let named = [("id", id), ("pass_id", pass), ("import_id", import)].into_iter();
        let named = named.filter_map(|(name, id)| Some((name.to_owned(), id?.to_owned())));
        let mut path: HashMap<_, _> = named.collect();
        if let ["ingest", "tradingview", token] = segments.as_slice() {
            path.insert("token".to_owned(), (*token).to_owned());
        }
        let request_id = format!("request-{fresh}");
        let (now, id) = (self.clock.now(), request_id.clone());
        let gateway = Gateway { domain: DOMAIN.to_owned(), api: "api-1".to_owned() };
        let call =
            Call { now, fresh, request_id: id, subject, gateway, path, query, headers, body };
        match self.route(method, &segments, &call).await {
            Some(result) => answer(result, &request_id),
            None => {
                let body = json!({ "message": "Not Found" });
                Answer { status: 404, body, replayed: false, retry_after: None }
            }
        }
    }

    async fn route(
        &self,
        method: &str,
        segments: &[&str],
        call: &Call,
    ) -> Option<Result<Reply, Problem>> {
        let (store, queue) = (&self.store, &self.queue);
        let (bot, key) = (&self.settings.bot_name, &self.settings.link_key);
        Some(match (method, segments) {
            ("POST", ["traders", "services"]) => create_service::handle(store, call).await,
            ("GET", ["traders", "services"]) => list_services::handle(store, call).await,
            ("GET", ["traders", "services", _]) => get_service::handle(store, call).await,
            ("PATCH", ["traders", "services", _]) => update_service::handle(store, call).await,
            ("POST", ["traders", "services", _, "telegram-group", "create"]) => {
                create_group::handle(store, bot, key, call).await
            }
            ("GET", ["traders", "services", _, "telegram-group", "info"]) => {
                let info = group_info::Info {
                    store: self.store.clone(),
                    limiter: Limiter::new(self.limits.clone()),
                    telegram: self.telegram.clone(),
                    bot: self.settings.bot,
                    clock: self.clock.clone(),
                };
                group_info::handle(&info, call).await
            }
            ("POST", ["traders", "services", _, "telegram-group", "test-alert"]) => {
                test_alert::handle(store, queue, call).await
            }
            ("POST", ["traders", "services", _, "telegram-group", "generate-link"]) => {
                let maker = generate_link::LinkMaker {
                    store: self.store.clone(),
                    limiter: Limiter::new(self.limits.clone()),
                    telegram: self.telegram.clone(),
                    clock: self.clock.clone(),
                };
                generate_link::handle(&maker, call).await
            }
            ("POST", ["traders", "services", _, "tradingview-url"]) => {
                let address = ApiAddress::new("https://{domain}".to_owned());
                create_tradingview_url::handle(store, key, &address, call).await
            }
            ("GET", ["traders", "services", _, "telegram-group", "passes"]) => {
                list_passes::handle(store, call).await
            }
            ("DELETE", ["traders", "services", _, "telegram-group", "passes", _]) => {
                withdraw_pass::handle(store, call).await
            }
            ("POST", ["traders", "services", _, "members", "import"]) => {
                import_members::handle(store, call).await
            }
            ("GET", ["traders", "services", _, "members", "import", _]) => {
                get_import::handle(store, call).await
            }
            ("POST", ["traders", "services", _, "members", "reconcile"]) => {
                check_members::handle(store, call).await
            }
            ("GET", ["traders", "services", _, "subscriptions"]) => {
                list_subscriptions::handle(store, bot, key, call).await
            }
            ("GET", ["traders", "services", _, "alerts"]) => list_alerts::handle(store, call).await,
            ("GET", ["traders", "services", _, "audit"]) => list_audit::handle(store, call).await,
            ("POST", ["alerts"]) => send_alert::handle(store, queue, call).await,
            ("GET", ["alerts", _]) => get_alert::handle(store, call).await,
            ("POST", ["alerts", _, "updates"]) => {
                post_alert_update::handle(store, queue, call).await
            }
            ("POST", ["ingest", "tradingview", _]) => {
                ingest_tradingview::handle(store, queue, key, call).await
            }
            ("POST", ["subscriptions"]) => create_subscription::handle(store, bot, key, call).await,
            ("GET", ["subscriptions", _]) => get_subscription::handle(store, bot, key, call).await,
            ("POST", ["subscriptions", _, "cancel"]) => {
                cancel_subscription::handle(store, bot, key, call).await
            }
            ("POST", ["subscriptions", _, "relink"]) => {
                relink_subscription::handle(store, bot, key, call).await
            }
            ("POST", ["telegram", "webhook"]) => {
                let secret = self.settings.webhook_secret.clone();
                let webhook = telegram_webhook::Webhook {
                    store: self.store.clone(),
                    queue: self.queue.clone(),
                    bot: bot.clone(),
                    key: key.clone(),
                    secret: telegram_webhook::Secret::new(secret),
                };
                telegram_webhook::handle(&webhook, call).await
            }
            _ => return None,
        })
    }
}
