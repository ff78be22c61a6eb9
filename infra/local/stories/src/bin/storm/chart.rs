//! A chart: sends alerts to the address of its service, and repeats as TradingView does.

use std::time::Duration;

use reqwest::Method;
use stories::{Caller, Trouble};
use tokio::time::Instant;

use crate::client::short;
use crate::played::{Sent, Shop};
use crate::town::{Town, rest};

/// TradingView repeats what was answered with 5xx three times, after five seconds each ("Webhook
/// resubmission"). Here it is sooner, and oftener.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_secs(1);

/// Sends alerts until the end: those that were accepted, and what each said that was sent.
pub(crate) async fn sends_alerts(
    town: &Town<'_>,
    number: usize,
    shop: &Shop,
    mut dice: fastrand::Rng,
    end: Instant,
) -> Result<(Vec<Sent>, Vec<String>), Trouble> {
    let (mut accepted, mut sent) = (Vec::new(), Vec::new());
    while Instant::now() < end {
        rest(&mut dice, 4_000..9_000).await;
        let marker = format!("chart-{number}-{}.", sent.len() + 1);
        let body = if dice.bool() {
            format!("symbol: EURUSD\naction: sell\nprice: 1.1010\nsl: 1.1050\nnote: {marker}\n")
        } else {
            format!(r#"{{"ticker":"EURUSD","action":"buy","price":1.1010,"note":"{marker}"}}"#)
        };
        if let Some(id) = sends(town, shop, &marker, &body).await? {
            accepted.push(Sent { shop: number, marker: marker.clone(), id, updates: Vec::new() });
        }
        sent.push(marker);
    }
    Ok((accepted, sent))
}

/// Sends one message; the alert, when it is known that it was accepted.
async fn sends(
    town: &Town<'_>,
    shop: &Shop,
    marker: &str,
    body: &str,
) -> Result<Option<String>, Trouble> {
    for tried in 0..TRIES {
        town.ledger.request(tried > 0);
        let body = Some((body.to_owned(), "text/plain"));
        let sent = town.faulty.send(&Caller::Nobody, Method::POST, &shop.chart, body, &[]).await;
        match sent {
            Err(_) => town.ledger.tell(marker, "the chart had no answer"),
            Ok(answer) => {
                town.ledger.tell(marker, format!("the chart was told {}", short(&answer)));
                town.client().look_at(marker, "a chart's address", &answer);
                match answer.status {
                    202 => return Ok(Some(answer.text("/alert_id"))),
                    429 | 500.. => {}
                    _ => {
                        town.ledger.odd(marker, format!("a chart was refused: {}", short(&answer)))
                    }
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(None)
}
