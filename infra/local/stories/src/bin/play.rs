//! The three workflows, played once on the running stack, with every step printed as it really
//! happened: a trader's service gets its group, a buyer gets in, an alert reaches the group, and
//! the buyer leaves when the time is up.

#![expect(clippy::print_stdout, reason = "the play is there to be read")]

use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use stories::{Answer, Caller, Stack, Telegram, Trouble, until};

#[tokio::main]
async fn main() -> ExitCode {
    match play().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            println!("\n  ✗ {trouble}\n");
            ExitCode::FAILURE
        }
    }
}

fn act(title: &str) {
    println!("\n\x1b[1m{title}\x1b[0m");
}

fn step(text: &str) {
    println!("  ▸ {text}");
}

fn shows(name: &str, value: impl std::fmt::Display) {
    println!("      {name:<22} {value}");
}

/// The first words of something long, such as a link with a token in it.
fn short(text: &str) -> String {
    let cut: String = text.chars().take(58).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

async fn play() -> Result<(), Trouble> {
    let stack = Stack::open()?;
    let telegram = match Telegram::of(&stack) {
        Ok(telegram) => telegram,
        Err(reason) => {
            println!("\nThe play is left out: {reason}, so nobody can play the people in it.");
            return Ok(());
        }
    };
    let house = Play { stack: &stack, telegram: &telegram, trader: Caller::new_trader() };
    println!(
        "\nA play in four acts. People and their taps are played in the Telegram simulator; all \
         else is real:\nthe function binaries, template.yaml, API Gateway, DynamoDB, streams, SQS."
    );
    let (service, chat, owner) = house.a_service_gets_its_group().await?;
    let ann = house.a_buyer_gets_in(&service, chat).await?;
    house.an_alert_reaches_the_group(&service, chat).await?;
    house.buyers_leave(&service, chat, &ann).await?;
    house.a_service_takes_a_spare_group(owner).await?;
    println!(
        "\n\x1b[1mThat was the play.\x1b[0m The simulator's page shows groups, people and messages."
    );
    Ok(())
}

struct Play<'a> {
    stack: &'a Stack,
    telegram: &'a Telegram<'a>,
    trader: Caller,
}

struct Buyer {
    user: i64,
    subscription: String,
}

impl Play<'_> {
    async fn trader(&self, path: &str, body: &Value, status: u16) -> Result<Answer, Trouble> {
        self.stack.post(&self.trader, path, body).await?.expect_status(status)
    }

    async fn shop(&self, path: &str, body: &Value) -> Result<Answer, Trouble> {
        let answer = self.stack.post(&Caller::Storefront, path, body).await?;
        match answer.status {
            200 | 201 => Ok(answer),
            _ => answer.expect_status(201),
        }
    }

    async fn members(&self, chat: i64) -> Result<String, Trouble> {
        Ok(self.telegram.look(chat).await?.members().join(", "))
    }

    async fn make_service(&self, name: &str) -> Result<String, Trouble> {
        let body = json!({
            "name": name,
            "description": "Two swing trades a week",
            "price": { "amount": "49.00", "currency": "USD" },
            "duration_days": 30,
        });
        step(&format!("POST /traders/services: the trader makes “{name}”"));
        let made = self.trader("/traders/services", &body, 201).await?;
        let id = made.text("/id");
        shows("service", &id);
        shows("telegram_group.status", made.text("/telegram_group/status"));
        Ok(id)
    }

    async fn a_service_gets_its_group(&self) -> Result<(String, i64, i64), Trouble> {
        act("Act 1. A trader's service gets its Telegram group");
        let id = self.make_service("Gold Signals").await?;

        step("POST …/telegram-group/create: bots cannot create groups, so the trader gets a link");
        let path = format!("/traders/services/{id}/telegram-group/create");
        let asked = self.trader(&path, &json!({ "mode": "link" }), 202).await?;
        shows("status", asked.text("/status"));
        shows("setup_link", short(&asked.text("/setup_link")));

        step("Tara, the trader, makes a group in Telegram and taps the link in it");
        let owner = self.telegram.person("Tara").await?;
        let chat = self.telegram.group(owner, "Gold Signals", "supergroup").await?;
        self.telegram.adds_bot(owner, chat, &asked.text("/setup_link"), json!({})).await?;
        shows("members", self.members(chat).await?);

        step("The webhook binds the group; the sender makes the guarded link and sets permissions");
        let path = format!("/traders/services/{id}/telegram-group/info");
        let info = until("the group is ready", || async {
            let info = self.stack.get(&self.trader, &path).await?.expect_status(200)?;
            Ok(match info.text("/status").as_str() {
                "ready" => Ok(info),
                other => Err(other.to_owned()),
            })
        })
        .await?;
        shows("status", info.text("/status"));
        shows("invite_link", info.text("/invite_link"));
        shows("member_count", info.body.pointer("/member_count").unwrap_or(&Value::Null));
        Ok((id, chat, owner))
    }

    async fn a_buyer_gets_in(&self, service: &str, chat: i64) -> Result<Buyer, Trouble> {
        act("Act 2. A buyer gets in, and nobody else");
        step("POST /subscriptions: the storefront reports that Ann has paid");
        let body = json!({
            "service_id": service, "customer_id": "ann", "payment_ref": format!("pay-{service}"),
        });
        let sold = self.shop("/subscriptions", &body).await?;
        shows(
            "status, membership",
            format!("{}, {}", sold.text("/status"), sold.text("/membership")),
        );
        shows("end_date", sold.text("/end_date"));
        shows("claim_link", short(&sold.text("/claim_link")));

        step("Ann taps her personal link; the bot links her account and shows the way in");
        let ann = self.telegram.person("Ann").await?;
        self.telegram.opens(ann, &sold.text("/claim_link")).await?;
        let told = self.telegram.is_told(ann, "is linked to").await?;
        shows("the bot says", first_line(&told));

        step("Somebody who found the invite link taps it before her");
        let stranger = self.telegram.person("Mallory").await?;
        shows("Telegram answers", self.telegram.opens(stranger, &sold.text("/invite_link")).await?);
        let told = self.telegram.is_told(stranger, "could not let you into").await?;
        shows("the bot says", first_line(&told));

        step("Ann taps it too");
        shows("members before", self.members(chat).await?);
        shows("Telegram answers", self.telegram.opens(ann, &sold.text("/invite_link")).await?);
        let group = self.telegram.has_members(chat, &["Ann", "Tara", "the bot"]).await?;
        shows("members after", group.members().join(", "));
        let subscription = sold.text("/id");
        self.membership(&subscription, "joined").await?;
        shows("membership", "joined");
        Ok(Buyer { user: ann, subscription })
    }

    async fn membership(&self, subscription: &str, wanted: &str) -> Result<Answer, Trouble> {
        let path = format!("/subscriptions/{subscription}");
        until(&format!("the membership is {wanted}"), || async {
            let now = self.stack.get(&Caller::Storefront, &path).await?.expect_status(200)?;
            let membership = now.text("/membership");
            Ok(if membership == wanted { Ok(now) } else { Err(membership) })
        })
        .await
    }

    async fn an_alert_reaches_the_group(&self, service: &str, chat: i64) -> Result<(), Trouble> {
        act("Act 3. An alert reaches the whole group");
        step("POST /alerts, with an idempotency key");
        let body = json!({
            "service_id": service, "symbol": "XAU/USD", "action": "buy", "order_type": "limit",
            "entry": "2410.50", "targets": ["2425.00", "2440.00"], "stop_loss": "2398.00",
            "timeframe": "4h", "note": "Half size before the Fed",
        });
        let key = [("idempotency-key", "play-alert-1")];
        let sent =
            self.stack.call(&self.trader, Method::POST, "/alerts", Some(&body), &key).await?;
        let id = sent.expect_status(202)?.text("/alert_id");
        shows("alert", &id);
        let alert = until("the alert is sent", || async {
            let path = format!("/alerts/{id}");
            let alert = self.stack.get(&self.trader, &path).await?.expect_status(200)?;
            let status = alert.text("/status");
            Ok(if status == "sent" { Ok(alert) } else { Err(status) })
        })
        .await?;
        shows("status, message_id", format!("sent, {}", alert.text("/message_id")));

        step("The same request again, as a nervous client does");
        let again =
            self.stack.call(&self.trader, Method::POST, "/alerts", Some(&body), &key).await?;
        let replayed = again.headers.get("idempotent-replayed").map_or("-", String::as_str);
        shows("Idempotent-Replayed", replayed);

        step("The message as it stands in the group, once");
        let messages = self.telegram.look(chat).await?.messages();
        let standing: Vec<_> = messages.iter().filter(|text| text.contains("XAU/USD")).collect();
        for line in standing.iter().flat_map(|text| text.lines()) {
            println!("      │ {line}");
        }
        shows("copies", standing.len());
        Ok(())
    }

    async fn buyers_leave(&self, service: &str, chat: i64, ann: &Buyer) -> Result<(), Trouble> {
        act("Act 4. Who expires or cancels is taken out, and can come back");
        step("Ben buys a trial that ends in a few seconds, and joins");
        let ben = self.telegram.person("Ben").await?;
        let ends_at = now().checked_add(SignedDuration::from_secs(9))?;
        let body = json!({
            "service_id": service, "customer_id": "ben", "telegram_user_id": ben,
            "ends_at": ends_at,
        });
        let sold = self.shop("/subscriptions", &body).await?;
        let subscription = sold.text("/id");
        shows("end_date", sold.text("/end_date"));
        self.telegram.opens(ben, &sold.text("/invite_link")).await?;
        self.telegram.has_members(chat, &["Ann", "Ben", "Tara", "the bot"]).await?;
        shows("members before", self.members(chat).await?);

        step("The time is up; the sweep runs (on AWS every 30 minutes, here: make sweep)");
        until("the end has come", || async {
            Ok(if now() > ends_at { Ok(()) } else { Err("not yet".to_owned()) })
        })
        .await?;
        shows("the sweep answers", self.stack.sweep().await?);
        let group = self.telegram.has_members(chat, &["Ann", "Tara", "the bot"]).await?;
        let gone = self.membership(&subscription, "removed").await?;
        shows("members after", group.members().join(", "));
        shows(
            "status, membership",
            format!("{}, {}", gone.text("/status"), gone.text("/membership")),
        );

        step("Ann cancels: out at once, without a sweep");
        let path = format!("/subscriptions/{}/cancel", ann.subscription);
        self.shop(&path, &json!({ "when": "now" })).await?;
        let group = self.telegram.has_members(chat, &["Tara", "the bot"]).await?;
        shows("members", group.members().join(", "));
        self.membership(&ann.subscription, "removed").await?;
        let told = self.telegram.is_told(ann.user, "has ended").await?;
        shows("the bot says", first_line(&told));

        step("Ann buys again and comes back by the same link");
        let body = json!({ "service_id": service, "customer_id": "ann", "payment_ref": "again" });
        let sold = self.shop("/subscriptions", &body).await?;
        shows("Telegram answers", self.telegram.opens(ann.user, &sold.text("/invite_link")).await?);
        let group = self.telegram.has_members(chat, &["Ann", "Tara", "the bot"]).await?;
        shows("members", group.members().join(", "));

        step("GET …/audit: the last of what is on record");
        let path = format!("/traders/services/{service}/audit?limit=12");
        let audit = until("the trail has it", || async {
            let audit = self.stack.get(&self.trader, &path).await?.expect_status(200)?;
            let newest = audit.text("/items/0/action");
            Ok(if newest == "member.joined" { Ok(audit) } else { Err(newest) })
        })
        .await?;
        for line in audit.body.pointer("/items").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
            let (at, actor, action) = (text("at"), text("actor"), text("action"));
            println!("      {:<28} {action:<26} {actor}", at);
        }
        Ok(())
    }

    async fn a_service_takes_a_spare_group(&self, owner: i64) -> Result<(), Trouble> {
        act("Encore. With a pool of spare groups, a service has its group at once");
        step("An operator adds the bot to an empty group by a pool link (make pool-link)");
        let chat = self.telegram.group(owner, "Spare 1", "supergroup").await?;
        let link = self.stack.pool_link().await?;
        self.telegram.adds_bot(owner, chat, &link, json!({})).await?;
        let id = self.make_service("Silver Signals").await?;
        step("POST …/telegram-group/create, mode pool");
        let path = format!("/traders/services/{id}/telegram-group/create");
        let got = until("a spare group is ready", || async {
            let answer = self.stack.post(&self.trader, &path, &json!({ "mode": "pool" })).await?;
            Ok(match answer.status {
                201 => Ok(answer),
                _ => Err(answer.text("/detail")),
            })
        })
        .await?;
        shows("status, title", format!("{}, {}", got.text("/status"), got.text("/title")));
        shows("invite_link", got.text("/invite_link"));
        let taken: i64 = got.text("/group_id").parse()?;
        let group = until("the group carries the name", || async {
            let group = self.telegram.look(taken).await?;
            let title = group.title().to_owned();
            Ok(if title == "Silver Signals" { Ok(group) } else { Err(title) })
        })
        .await?;
        shows("title in Telegram", group.title());
        Ok(())
    }
}

/// What a message says, in one line.
fn first_line(message: &Value) -> String {
    let text = message.get("text").and_then(Value::as_str).unwrap_or_default();
    format!("“{}”", short(text.lines().next().unwrap_or_default()))
}

#[expect(clippy::disallowed_methods, reason = "the play waits for the time that it has set")]
fn now() -> Timestamp {
    Timestamp::now()
}
