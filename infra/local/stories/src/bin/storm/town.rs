//! Everybody who takes part: set up while it is calm, and living through the storm.

use std::time::Duration;

use futures::future::try_join_all;
use serde_json::{Value, json};
use stories::{Caller, Stack, Telegram, Trouble, until};
use tokio::time::Instant;

use crate::buyer::Buyer;
use crate::client::Client;
use crate::ledger::Ledger;
use crate::played::{Played, Shop};
use crate::weather::{self, Weather};
use crate::{chart, owner, people, trader};

/// How many services there are, and how many customers each has. The simulated bot may make 30
/// calls a second, a group takes 20 messages a minute: more people would only wait longer.
const SHOPS: usize = 3;
const CUSTOMERS: usize = 7;

/// The shop whose owner changes the bot's rights, and the one that begins in a basic group, where
/// these many customers wait for the supergroup.
pub(crate) const CHANGES_RIGHTS: usize = 1;
const GROWS: usize = SHOPS;
const WAITING: usize = 2;

/// A body of a new service.
pub(crate) fn offer(name: &str) -> Value {
    json!({ "name": name, "price": { "amount": "49.00", "currency": "USD" }, "duration_days": 30,
            "settings": { "grace_hours": 0 } })
}

/// The stack and its people.
pub(crate) struct Town<'a> {
    /// The stack, looked at past all faults.
    pub(crate) stack: &'a Stack,
    /// The stack, called through the fault proxy.
    pub(crate) faulty: &'a Stack,
    pub(crate) telegram: &'a Telegram<'a>,
    pub(crate) ledger: &'a Ledger,
}

impl Town<'_> {
    pub(crate) const fn client(&self) -> Client<'_> {
        Client { stack: self.faulty, ledger: self.ledger }
    }

    /// Opens the shops. The first two belong to one trader, and the other two to another.
    pub(crate) async fn settle_in(&self, seed: u64) -> Result<Vec<Shop>, Trouble> {
        let traders = [0, 0, 1, 1].map(|number| Caller::Trader(format!("storm-{seed}-{number}")));
        let shops = try_join_all(
            traders.into_iter().enumerate().map(|(number, trader)| self.open_shop(trader, number)),
        )
        .await?;
        // The tokens of the callers are made before the storm.
        for shop in &shops {
            self.faulty.get(&shop.trader, "/traders/services").await?.expect_status(200)?;
        }
        let nothing = "/subscriptions/00000000-0000-4000-8000-000000000000";
        self.faulty.get(&Caller::Storefront, nothing).await?.expect_status(404)?;
        Ok(shops)
    }

    async fn open_shop(&self, trader: Caller, number: usize) -> Result<Shop, Trouble> {
        let name = format!("Shop {number}");
        let made = self.stack.post(&trader, "/traders/services", &offer(&name)).await?;
        let service = made.expect_status(201)?.text("/id");
        let path = format!("/traders/services/{service}/telegram-group/create");
        let asked = self.stack.post(&trader, &path, &json!({ "mode": "link" })).await?;
        let setup = asked.expect_status(202)?.text("/setup_link");
        let owner = self.telegram.person("Tara").await?;
        let kind = if number == GROWS { "group" } else { "supergroup" };
        let chat = self.telegram.group(owner, &name, kind).await?;
        self.telegram.adds_bot(owner, chat, &setup, json!({})).await?;
        let info = format!("/traders/services/{service}/telegram-group/info");
        let link = until(&format!("{name} is open"), || async {
            let answer = self.stack.get(&trader, &info).await?;
            let link = answer.text("/invite_link");
            let is_open = match answer.text("/status").as_str() {
                "ready" => !link.is_empty(),
                // It lacks nothing but to be a supergroup.
                "degraded" => number == GROWS,
                _ => false,
            };
            Ok(if is_open { Ok(link) } else { Err(answer.body.to_string()) })
        })
        .await?;
        let path = format!("/traders/services/{service}/tradingview-url");
        let made = self.stack.post(&trader, &path, &json!({})).await?;
        let url = made.expect_status(201)?.text("/url");
        let secret = url.rsplit('/').next().unwrap_or_default();
        let chart = format!("/ingest/tradingview/{secret}");
        Ok(Shop { trader, service, chat, grows: number == GROWS, former: None, owner, link, chart })
    }

    /// Everybody lives through the storm.
    pub(crate) async fn live(
        &self,
        seed: u64,
        seconds: u64,
        mut shops: Vec<Shop>,
        weather: &Weather<'_>,
    ) -> Result<Played, Trouble> {
        let end = Instant::now() + Duration::from_secs(seconds);
        // A stream of draws for each of them: what one does changes nothing for another.
        let mut seeds = fastrand::Rng::with_seed(seed ^ 0x005e_ed0f_7065_6f70);
        let (mut traders, mut charts, mut imports) = (Vec::new(), Vec::new(), Vec::new());
        let (mut buyers, mut waiting, mut movers) = (Vec::new(), Vec::new(), Vec::new());
        let (mut others, mut owners, mut growing) = (Vec::new(), Vec::new(), Vec::new());
        for (number, shop) in shops.iter().enumerate() {
            traders.push(trader::sends_alerts(self, number, shop, seeds.fork(), end));
            if number == GROWS {
                growing.push(owner::grows(self, number, shop, seeds.fork()));
                for which in 0..WAITING {
                    waiting.push(Buyer::waits(self, number, shop, which, seeds.fork()));
                }
                continue;
            }
            charts.push(chart::sends_alerts(self, number, shop, seeds.fork(), end));
            imports.push(trader::takes_over(self, number, shop, seeds.fork()));
            for which in 0..CUSTOMERS {
                buyers.push(Buyer::lives(self, number, shop, which, seeds.fork(), end));
            }
            movers.push(Buyer::moves(self, number, shop, seeds.fork()));
            others.push(people::come(self, number, shop, seeds.fork(), end));
            if number == CHANGES_RIGHTS {
                owners.push(owner::changes_rights(self, number, shop, seeds.fork(), end));
            }
        }
        let late = trader::opens_late(self, seed, seeds.fork());
        let (
            sent,
            charts,
            imports,
            buyers,
            waiting,
            movers,
            others,
            owners,
            grown,
            late,
            sweeps,
            (),
        ) = futures::join!(
            try_join_all(traders),
            try_join_all(charts),
            try_join_all(imports),
            try_join_all(buyers),
            try_join_all(waiting),
            try_join_all(movers),
            try_join_all(others),
            try_join_all(owners),
            try_join_all(growing),
            late,
            self.sweeps(seeds.fork(), end),
            self.progress(end, seconds, weather),
        );
        owners?;
        for (place, grown) in shops.iter_mut().skip(GROWS).zip(grown?) {
            *place = grown;
        }
        let mut played = Played { shops, sweeps, latecomers: vec![late?], ..Played::default() };
        played.alerts.extend(sent?.into_iter().flatten());
        for (accepted, sent) in charts? {
            played.alerts.extend(accepted);
            played.charts.extend(sent);
        }
        played.customers.extend([buyers?, waiting?, movers?].into_iter().flatten());
        for (import, taken_over) in imports? {
            played.imports.push(import);
            played.customers.extend(taken_over);
        }
        played.people.extend(others?.into_iter().flatten());
        Ok(played)
    }

    /// The sweep, more often than every half hour. It may be killed like everything else.
    async fn sweeps(&self, mut dice: fastrand::Rng, end: Instant) -> u64 {
        let mut sweeps = 0;
        while Instant::now() < end {
            rest(&mut dice, 3_000..6_000).await;
            if self.stack.sweep().await.is_ok() {
                sweeps += 1;
            }
        }
        sweeps
    }

    async fn progress(&self, end: Instant, seconds: u64, weather: &Weather<'_>) {
        let begin = Instant::now();
        while Instant::now() < end {
            let step = Duration::from_secs(if seconds > 90 { 15 } else { 5 });
            tokio::time::sleep_until((Instant::now() + step).min(end)).await;
            let Ok(report) = weather.report().await else { continue };
            let (requests, repeated) = self.ledger.requests();
            println!(
                "  {:>4} s  {requests} requests ({repeated} repeated), {} calls, {} faults, {} kills",
                begin.elapsed().as_secs(),
                weather::count(&report, "calls"),
                weather::count(&report, "faults"),
                weather::count(&report, "kills"),
            );
        }
    }
}

/// A pause of so many milliseconds.
pub(crate) async fn rest(dice: &mut fastrand::Rng, ms: std::ops::Range<u64>) {
    tokio::time::sleep(Duration::from_millis(dice.u64(ms))).await;
}
