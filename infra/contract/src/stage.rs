//! The real functions on a stage on which everything is there: a service with its group, a
//! subscription, an alert. Whatever they answer is held against the contract.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::service::Service;
use domain::token::Token;
use jsonschema::Validator;
use serde_json::{Value, json};
use testkit::functions::{Answer, Functions, Request};
use testkit::house::{Place, WEBHOOK_SECRET, text};
use testkit::{House, MemoryEvents, MemoryQueue, MemoryTelegram, VirtualClock};
use uuid::Uuid;

use crate::openapi::{Contract, Operation};
use crate::tables::{LimitsRecorder, Recorder};

/// The trader whose the service is.
pub(crate) const TRADER: &str = "trader-1";

thread_local! {
    /// By their schemas: one test holds hundreds of answers against the same few.
    static VALIDATORS: RefCell<HashMap<String, Validator>> = RefCell::default();
}

/// The stage.
pub(crate) struct Stage {
    pub(crate) contract: &'static Contract,
    pub(crate) operations: BTreeMap<String, Operation>,
    pub(crate) house: House,
    pub(crate) place: Place,
    pub(crate) alert: String,
    pub(crate) subscription: Value,
    pub(crate) pass: String,
    pub(crate) import: String,
    /// Which statuses each operation answered with.
    pub(crate) seen: RefCell<BTreeSet<(String, u16)>>,
    pub(crate) recorder: Recorder,
    functions: Functions<
        Recorder,
        MemoryQueue,
        LimitsRecorder,
        MemoryEvents,
        MemoryTelegram,
        VirtualClock,
    >,
    thrown: Cell<u128>,
}

/// An end that no test lives to see.
const FAR: &str = "2099-01-31T12:00:00Z";

/// A guest comes in by a link of the trader; answers with the link.
pub(crate) fn guest(house: &House, place: &Place, name: &str) -> Value {
    let path = format!("/traders/services/{}/telegram-group/generate-link", place.service);
    let link = house.trader(TRADER).posts(&path, &json!({ "kind": "single_use" })).is(201);
    house.person(name).enters(&text(&link, "/invite_link"));
    link
}

impl Stage {
    pub(crate) fn new() -> Self {
        let house = House::new();
        let trader = house.trader(TRADER);
        let place = trader.opens("Gold signals");
        let alert = json!({ "symbol": "EURUSD", "action": "sell" });
        let alert = text(&trader.alerts(&place.service, alert).is(202), "/alert_id");
        let subscription = house.storefront().sells(&place.service, "customer-1");
        let pass = text(&guest(&house, &place, "Gus"), "/id");
        let members = json!({ "members": [{ "telegram_user_id": 2101, "ends_at": FAR }] });
        let path = format!("/traders/services/{}/members/import", place.service);
        let import = text(&trader.posts(&path, &members).is(202), "/id");
        house.settle();
        let wired = house.functions().clone();
        let recorder = Recorder::over(wired.store);
        let functions = Functions {
            store: recorder.clone(),
            queue: wired.queue,
            limits: recorder.with_limits(wired.limits),
            events: wired.events,
            telegram: wired.telegram,
            clock: wired.clock,
            settings: wired.settings,
        };
        let contract = Contract::read();
        let operations = contract.operations();
        let (seen, thrown) = (RefCell::default(), Cell::default());
        Self {
            contract,
            operations,
            house,
            place,
            alert,
            subscription,
            pass,
            import,
            seen,
            recorder,
            functions,
            thrown,
        }
    }

    /// An operation.
    pub(crate) fn operation(&self, id: &str) -> &Operation {
        self.operations.get(id).unwrap_or_else(|| panic!("no operation {id}"))
    }

    /// A request of the one who may call, about what is on the stage.
    pub(crate) fn request(&self, operation: &str, body: Option<&Value>) -> Request {
        let id = match self.operation(operation).path.split('/').nth(1) {
            Some("alerts") => self.alert.clone(),
            Some("subscriptions") => text(&self.subscription, "/id"),
            _ => self.place.service.clone(),
        };
        self.request_about(operation, &id, body)
    }

    /// A request about something else.
    pub(crate) fn request_about(&self, operation: &str, id: &str, body: Option<&Value>) -> Request {
        let operation = self.operation(operation);
        let mut path = operation
            .path
            .replace("{id}", id)
            .replace("{pass_id}", &self.pass)
            .replace("{import_id}", &self.import);
        if path.contains("{token}") {
            path = path.replace("{token}", &self.chart_token(id));
        }
        let request = match body {
            Some(body) => Request::json(operation.method, path, body),
            None => Request::bare(operation.method, path),
        };
        match operation.scopes().first().map(String::as_str) {
            Some("usher/trader") => request.by(TRADER),
            Some("usher/storefront") => request.by("storefront"),
            _ => request.with("x-telegram-bot-api-secret-token", WEBHOOK_SECRET),
        }
    }

    /// What the newest address for a service's charts ends in.
    fn chart_token(&self, id: &str) -> String {
        let wired = self.house.functions();
        let read = wired.clock.run(store::load::<Service>(&wired.store, id)).ok().flatten();
        let Some(service) = read.map(|service| service.value) else { return String::new() };
        let token = Token::Chart { service: service.id, number: service.chart_urls };
        token.sign(&wired.settings.link_key)
    }

    /// Sends a request, and holds the answer against the contract.
    pub(crate) fn send(&self, operation: &str, mut request: Request) -> Answer {
        self.thrown.set(self.thrown.get() + 1);
        request.fresh = Uuid::from_u128(self.thrown.get());
        self.recorder.caller_is(operation);
        let answer = self.functions.clock.run(self.functions.http(request));
        self.check(self.operation(operation), &answer);
        self.seen.borrow_mut().insert((operation.to_owned(), answer.status));
        answer
    }

    /// Sends a body, and holds the answer against the contract.
    pub(crate) fn call(&self, operation: &str, body: &Value) -> Answer {
        self.send(operation, self.request(operation, Some(body)))
    }

    /// Asks, and holds the answer against the contract.
    pub(crate) fn ask(&self, operation: &str) -> Answer {
        self.send(operation, self.request(operation, None))
    }

    /// The examples of an operation's request body, with the ids of this stage.
    pub(crate) fn examples(&self, operation: &str) -> Vec<Value> {
        let Some((_, examples)) = self.contract.request(self.operation(operation)) else {
            return Vec::new();
        };
        let own = |mut body: Value| {
            if body.get("service_id").is_some() {
                body["service_id"] = json!(self.place.service);
            }
            body
        };
        examples.into_iter().map(|(_, body)| own(body)).collect()
    }

    fn check(&self, operation: &Operation, answer: &Answer) {
        let (id, status) = (&operation.id, answer.status);
        let responses = self.contract.responses(operation);
        let Some(response) = responses.get(&status) else {
            panic!("{id} answers {status}, of which the contract does not tell: {}", answer.body);
        };
        let media = match status {
            // A table is a text.
            200 if answer.body.is_string() => "text/csv",
            ..300 => "application/json",
            _ => "application/problem+json",
        };
        let schema = &response["content"][media]["schema"];
        assert!(schema.is_object(), "{id} {status}: {media} is not told of");
        VALIDATORS.with_borrow_mut(|known| {
            let make = || self.contract.strict_validator(schema);
            let validator = known.entry(schema.to_string()).or_insert_with(make);
            let faults: Vec<_> =
                validator.iter_errors(&answer.body).map(|it| it.to_string()).collect();
            assert!(faults.is_empty(), "{id} {status}: {faults:#?}\n{:#}", answer.body);
        });
        let tells = |header: &str| response["headers"].get(header).is_some();
        assert!(tells("x-request-id"), "{id} {status}");
        assert!(!answer.replayed || tells("Idempotent-Replayed"), "{id} {status}");
        assert!(answer.retry_after.is_none() || tells("Retry-After"), "{id} {status}");
    }
}
