//! A caller as the contract wants it: what was not answered, or answered with a 5xx, is sent again
//! under the same key.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use stories::{Answer, Caller, Stack, Trouble};

use crate::ledger::Ledger;

/// So often the same request is sent before it counts as one that is never answered.
const MOST_TRIES: u32 = 60;

/// A request that is sent until it is answered.
pub(crate) struct Request<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) path: &'a str,
    pub(crate) body: &'a Value,
    /// The idempotency key.
    pub(crate) key: &'a str,
    /// To whom it belongs in the ledger.
    pub(crate) about: &'a str,
}

/// Calls through the fault proxy.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) ledger: &'a Ledger,
}

impl Client<'_> {
    /// Sends a `POST` until it has an answer that is not a 5xx.
    pub(crate) async fn ask(&self, request: &Request<'_>) -> Result<Answer, Trouble> {
        let Request { caller, path, body, key, about } = request;
        for tried in 0..MOST_TRIES {
            self.ledger.request(tried > 0);
            let header = [("idempotency-key", *key)];
            let sent = self.stack.call(caller, Method::POST, path, Some(body), &header).await;
            match sent {
                Err(_) => self.ledger.tell(about, format!("POST {path}: no answer")),
                Ok(answer) => {
                    self.ledger.tell(about, format!("POST {path}: {}", short(&answer)));
                    self.look_at(about, path, &answer);
                    if answer.status < 500 && !is_in_progress(&answer) {
                        return Ok(answer);
                    }
                }
            }
            tokio::time::sleep(pause(tried)).await;
        }
        self.ledger.odd(about, format!("POST {path} was never answered"));
        Err(format!("POST {path} had no answer in {MOST_TRIES} attempts").into())
    }

    /// The same request twice at the same time, as by a caller who does not wait: both have the
    /// same answer.
    pub(crate) async fn ask_twice(&self, request: &Request<'_>) -> Result<Answer, Trouble> {
        let (one, other) = futures::try_join!(self.ask(request), self.ask(request))?;
        let both = one.status < 300 && other.status < 300;
        if both && outcome(&one) != outcome(&other) {
            let says = format!("POST {}: two answers to one request", request.path);
            self.ledger.odd(request.about, says);
        }
        // One can have come too late for what the other did.
        Ok(if one.status < 300 { one } else { other })
    }

    /// A 5xx has to be what the contract says, unless it comes from the proxy, or from the gateway
    /// whose function was killed.
    pub(crate) fn look_at(&self, about: &str, path: &str, answer: &Answer) {
        let from_proxy = answer.headers.contains_key("x-fault-proxy");
        let tells_when = answer.headers.contains_key("retry-after");
        let fits = match answer.status {
            502 => true,
            500 | 504 => from_proxy,
            503 | 429 => tells_when,
            _ => answer.status < 500,
        };
        if !fits {
            self.ledger.odd(about, format!("POST {path}: {}", short(answer)));
        }
    }
}

/// The first is still running, or others change the same thing: the contract asks to repeat.
fn is_in_progress(answer: &Answer) -> bool {
    let again = ["The same thing was being changed", "is still running"];
    answer.status == 409 && again.iter().any(|text| answer.text("/detail").contains(text))
}

/// What a request led to. A cancellation answers with the subscription as it is at that moment, so
/// where the person is and when the access ended (by some milliseconds) can differ.
fn outcome(answer: &Answer) -> [String; 4] {
    ["/id", "/alert_id", "/status", "/end_date"].map(|pointer| answer.text(pointer))
}

fn pause(tried: u32) -> Duration {
    Duration::from_millis(100 << tried.min(3))
}

/// Status and the parts of an answer that tell what it was; no link and no token.
pub(crate) fn short(answer: &Answer) -> String {
    let mut text = answer.status.to_string();
    for name in ["alert_id", "status", "membership", "end_date", "detail"] {
        let value = answer.text(&format!("/{name}"));
        if !value.is_empty() {
            text.push_str(&format!(" {name}={value}"));
        }
    }
    for name in ["idempotent-replayed", "x-fault-proxy"] {
        if answer.headers.contains_key(name) {
            text.push_str(&format!(" ({name})"));
        }
    }
    text
}
