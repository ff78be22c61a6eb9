//! Usher under a load: the real handlers, on ports in memory that take their time.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use domain::task::Lane;
use domain::time::after;
use futures::future::{join, join_all, select};
use jiff::{SignedDuration, Timestamp};
use limiter::Limiter;
use serde_json::json;
use startup::Clock as _;
use telegram_sender::{Lines, Sender};
use telegram_simulator::World;
use testkit::VirtualClock;
use testkit::functions::{Functions, Request};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::aws::{Mapping, Region};
use crate::load::{Alert, Load, Temper, mark};
use crate::measure::Measures;
use crate::slow::{Slow, Way};
use crate::town::{TRADER, Town};

/// How often one looks whether everything is done.
const LOOK: SignedDuration = SignedDuration::from_millis(500);

/// Runs a load. The same seed gives the same run.
///
/// # Panics
/// When the template does not name the mappings.
#[must_use]
pub fn run(town: &Town, temper: Temper, load: &Load, seed: u64) -> Measures {
    let clock = VirtualClock::at(town.begin);
    let plain = town.functions(&clock, temper, load);
    let way = Way::new(clock.clone(), seed);
    let functions = Functions {
        store: Slow { port: plain.store.clone(), way: way.clone() },
        queue: Slow { port: plain.queue.clone(), way: way.clone() },
        limits: Slow { port: plain.limits.clone(), way: way.clone() },
        events: plain.events.clone(),
        telegram: Slow { port: plain.telegram.clone(), way: way.clone() },
        clock: clock.clone(),
        settings: plain.settings.clone(),
    };
    let queue = plain.queue.clone();
    let writes_before = plain.limits.writes();
    let region = Region { queue, clock: clock.clone(), way, changed: Notify::new() };
    let lanes = [Lane::Alerts, Lane::Housekeeping].into_iter().flat_map(|lane| {
        let mapping = Mapping::of(lane);
        assert!(mapping.is_some(), "the template names the mapping of {lane:?}");
        let at_once = mapping.map_or(0, |mapping| mapping.at_once);
        mapping.into_iter().flat_map(move |mapping| (0..at_once).map(move |_| (lane, mapping)))
    });
    let environments = lanes.map(|(lane, mapping)| {
        let sender = Sender {
            store: functions.store.clone(),
            queue: functions.queue.clone(),
            limiter: Limiter::new(functions.limits.clone()),
            lines: Lines::default(),
            telegram: functions.telegram.clone(),
            clock: clock.clone(),
            bot: functions.settings.bot,
        };
        region.environment(lane, mapping, sender)
    });
    let environments = join_all(environments);

    let turned_away = Mutex::new(Vec::new());
    let traders = load.alerts.iter().enumerate().map(|(number, alert)| {
        let (functions, clock, region, turned_away) = (&functions, &clock, &region, &turned_away);
        async move {
            clock.sleep_until(at(town.begin, alert.at_ms)).await;
            let answer = functions.http(request(town, number, alert)).await;
            region.changed.notify_waiters();
            match answer.status {
                202 => {}
                429 => turned_away.lock().unwrap_or_else(PoisonError::into_inner).push(number),
                other => unreachable!("an alert was answered {other}: {}", answer.body),
            }
        }
    });
    let rest = async {
        let end = at(town.begin, load.most_ms);
        while clock.now() < end && !region.queue.is_empty() {
            clock.sleep_until(after(clock.now(), LOOK)).await;
        }
    };
    let work = async {
        join(join_all(traders), clock.sleep_until(after(town.begin, LOOK))).await;
        rest.await;
    };
    clock.run(select(pin!(environments), pin!(work)));
    let turned_away = turned_away.into_inner().unwrap_or_else(PoisonError::into_inner);
    let calls = plain.telegram.look(World::calls);
    let measures = Measures::read(&calls, town.begin.as_millisecond(), load, &turned_away);
    Measures { limiter_writes: Some(plain.limits.writes() - writes_before), ..measures }
}

fn at(begin: Timestamp, ms: i64) -> Timestamp {
    after(begin, SignedDuration::from_millis(ms))
}

fn request(town: &Town, number: usize, alert: &Alert) -> Request {
    let service = town.places.get(alert.group).map(|place| place.service.clone());
    let body = json!({
        "service_id": service, "symbol": "EURUSD", "action": "buy", "entry": "1.1000",
        "stop_loss": "1.0950", "targets": ["1.1050"], "note": mark(number),
    });
    let mut request = Request::json("POST", "/alerts", &body).by(TRADER);
    request.fresh = Uuid::from_u128(number as u128 + 1);
    request
}
