//! What inputs are thrown at, and what has to be true of the answers.

use std::collections::HashSet;
use std::fmt;

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::sqs::SqsEvent;
use domain::time::after;
use jiff::SignedDuration;
use serde_json::{Value, json};
use startup::Clock as _;

use crate::House;
use crate::functions::Request;
use crate::house::{Place as Home, WEBHOOK_SECRET, text};

/// A way in: what it is called, as its corpus is, and what is thrown at it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    throw: fn(&Place, &[u8]) -> Result<(), String>,
}

/// Every way in.
pub const TARGETS: [Target; 5] = [
    Target { name: "webhook", throw: webhook },
    Target { name: "alert", throw: alert },
    Target { name: "chart", throw: chart },
    Target { name: "stream", throw: stream },
    Target { name: "queue", throw: queue },
];

impl Target {
    /// The way in of this name.
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// Throws an input.
    ///
    /// # Errors
    /// What is wrong with the answer.
    pub fn throw(&self, place: &Place, input: &[u8]) -> Result<(), String> {
        (self.throw)(place, &place.filled(input))
    }
}

/// A house with a service, a member, an alert and a chart.
pub struct Place {
    house: House,
    /// The path of the address to which the chart sends.
    chart: String,
    names: Vec<(&'static str, String)>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// A fresh one.
    pub fn new() -> Self {
        let house = House::new();
        let trader = house.trader("t1");
        let home: Home = trader.opens("Gold Signals");
        let person = house.person("Ann");
        person.writes("/start");
        let sold = house.storefront().sells_to(&home.service, "c-1", &person);
        let alert = trader.alerts(&home.service, json!({ "symbol": "EURUSD", "action": "buy" }));
        let names = vec![
            ("@service@", home.service.clone()),
            ("@subscription@", text(&sold, "/id")),
            ("@alert@", text(&alert.is(202), "/alert_id")),
            ("@group@", home.group.to_string()),
            ("@person@", person.id.to_string()),
        ];
        house.settle();
        let path = format!("/traders/services/{}/tradingview-url", home.service);
        let url = text(&trader.posts(&path, &json!({})).is(201), "/url");
        let chart = url.trim_start_matches("https://").trim_start_matches(|c| c != '/').to_owned();
        Self { house, chart, names }
    }

    /// The input, with what is in the house in place of the names for it.
    fn filled(&self, input: &[u8]) -> Vec<u8> {
        let Ok(mut text) = String::from_utf8(input.to_vec()) else { return input.to_vec() };
        for (name, value) in &self.names {
            text = text.replace(&format!("\"{name}#\""), value).replace(name, value);
        }
        text.into_bytes()
    }
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// `POST /telegram/webhook`: 200 for whatever has an `update_id`, 400 for the rest. What is asked to come
/// again is taken a little later.
fn webhook(place: &Place, input: &[u8]) -> Result<(), String> {
    let mut request = Request::bare("POST", "/telegram/webhook")
        .with("x-telegram-bot-api-secret-token", WEBHOOK_SECRET);
    request.body = input.to_vec();
    let expected = if telegram::parse_update(input).is_ok() { 200 } else { 400 };
    let stranger = request.clone().with("x-telegram-bot-api-secret-token", "guessed");
    let refused = place.house.call(stranger).status;
    ensure(refused == 401, || format!("{refused} for a wrong secret"))?;
    let mut status = place.house.call(request.clone()).status;
    if status == 503 {
        place.house.waits(SignedDuration::from_mins(2));
        status = place.house.call(request).status;
    }
    ensure(status == expected, || format!("{status} and not {expected}"))
}

/// `POST /alerts`.
fn alert(place: &Place, input: &[u8]) -> Result<(), String> {
    let request =
        Request::bare("POST", "/alerts").by("t1").with("content-type", "application/json");
    signal(place, request, input)
}

/// `POST /ingest/tradingview/{token}`, as TradingView declares what may be JSON and may be none.
fn chart(place: &Place, input: &[u8]) -> Result<(), String> {
    let request = Request::bare("POST", place.chart.as_str()).with("content-type", "text/plain");
    signal(place, request, input)
}

/// An answer of the contract; what is invalid is named; prices keep their digits.
fn signal(place: &Place, mut request: Request, input: &[u8]) -> Result<(), String> {
    request.body = input.to_vec();
    let answer = place.house.call(request);
    let status = answer.status;
    ensure([202, 400, 404, 409, 413, 422, 429].contains(&status), || format!("{status}"))?;
    if status == 422 {
        // The trader's own name for an alert is an idempotency key, too.
        if answer.body["type"] == "/problems/idempotency-key-reused" {
            return Ok(());
        }
        let named = answer.body["errors"].as_array().is_some_and(|errors| !errors.is_empty());
        return ensure(named, || format!("422 that names no fault: {}", answer.body));
    }
    if status != 202 {
        return Ok(());
    }
    let seen = place.house.trader("t1").sees_alert(&text(&answer.body, "/alert_id")).to_string();
    // A plain text shows its prices as they were written, too, but not in JSON.
    let sent: Value = serde_json::from_slice(input).unwrap_or_default();
    for (name, shown) in [("stop_loss", "stop_loss"), ("sl", "stop_loss"), ("entry", "entry")] {
        if let Some(price) = sent[name].as_str() {
            let shown = seen.contains(&format!("\"{shown}\":\"{}\"", price.trim()));
            ensure(shown, || format!("{name} lost its digits"))?;
        }
    }
    Ok(())
}

/// A batch of a table's stream. On sound ports, no batch has to come again.
fn stream(place: &Place, input: &[u8]) -> Result<(), String> {
    let Ok(event) = serde_json::from_slice::<Event>(input) else { return Ok(()) };
    let functions = place.house.functions();
    let failed = functions.clock.run(functions.relay(relay::changes(event)));
    ensure(failed.is_none(), || "the stream is held up".to_owned())
}

/// A batch of a queue. Only what was in it is given back.
fn queue(place: &Place, input: &[u8]) -> Result<(), String> {
    let Ok(event) = serde_json::from_slice::<SqsEvent>(input) else { return Ok(()) };
    let batch = telegram_sender::received(event);
    let ids: HashSet<_> = batch.iter().map(|message| message.message_id.clone()).collect();
    let functions = place.house.functions();
    let deadline = after(functions.clock.now(), SignedDuration::from_secs(60));
    let given_back = functions.clock.run(functions.send(batch, deadline));
    ensure(given_back.iter().all(|id| ids.contains(id)), || "a stranger's message".to_owned())
}
