//! A buyer: buys, claims, comes in, renews, cancels, goes, comes back; and the storefront that
//! tells of it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use stories::{Answer, Caller, Trouble};
use tokio::time::Instant;

use crate::client::{Request, short};
use crate::ledger::now;
use crate::played::{Customer, Shop};
use crate::town::{Town, rest};

/// The duration of the services, as `offer` has it.
const DURATION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// So long before the end a buyer takes the last step, so that it is still a step in the storm.
const LAST_STEP: Duration = Duration::from_secs(6);

/// A buyer at work.
pub(crate) struct Buyer<'a> {
    town: &'a Town<'a>,
    shop: &'a Shop,
    dice: fastrand::Rng,
    customer: Customer,
    /// The number of the next purchase or cancellation.
    next: u32,
}

impl<'a> Buyer<'a> {
    /// Lives until the end, and a last step beyond it.
    pub(crate) async fn lives(
        town: &'a Town<'a>,
        number: usize,
        shop: &'a Shop,
        which: usize,
        dice: fastrand::Rng,
        end: Instant,
    ) -> Result<Customer, Trouble> {
        let mut buyer =
            Self::named(town, number, shop, format!("buyer-{number}-{which}"), dice).await?;
        rest(&mut buyer.dice, 0..6_000).await;
        buyer.comes(which.is_multiple_of(3)).await?;
        // One of each shop is banned by its owner sooner or later.
        let mut to_be_banned = which == 3;
        while Instant::now() + LAST_STEP < end {
            rest(&mut buyer.dice, 500..3_500).await;
            if to_be_banned && buyer.is_banned().await? {
                to_be_banned = false;
                // What was under way is over before anything else is done.
                rest(&mut buyer.dice, 1_500..2_000).await;
                continue;
            }
            buyer.does_something().await?;
        }
        buyer.last_step().await?;
        Ok(buyer.customer)
    }

    /// Buys once, stays, and moves to another account: the first one has to leave.
    pub(crate) async fn moves(
        town: &'a Town<'a>,
        number: usize,
        shop: &'a Shop,
        dice: fastrand::Rng,
    ) -> Result<Customer, Trouble> {
        let mut buyer = Self::named(town, number, shop, format!("mover-{number}"), dice).await?;
        rest(&mut buyer.dice, 0..2_000).await;
        buyer.comes(false).await?;
        rest(&mut buyer.dice, 500..6_000).await;
        let path = format!("/subscriptions/{}/relink", buyer.customer.subscription);
        let key = format!("{}-relink", buyer.customer.name);
        let answer = buyer.asks(&path, &json!({}), &key).await?.expect_status(200)?;
        let name = &buyer.customer.name;
        buyer.customer.user = town.telegram.person(&format!("{name} anew")).await?;
        buyer.claims(&answer.text("/claim_link")).await?;
        buyer.customer.wants_in = true;
        buyer.opens_link().await?;
        Ok(buyer.customer)
    }

    /// Buys once, and comes in as soon as there is a way.
    pub(crate) async fn waits(
        town: &'a Town<'a>,
        number: usize,
        shop: &'a Shop,
        which: usize,
        dice: fastrand::Rng,
    ) -> Result<Customer, Trouble> {
        let name = format!("buyer-{number}-{which}");
        let mut buyer = Self::named(town, number, shop, name, dice).await?;
        rest(&mut buyer.dice, 0..8_000).await;
        buyer.buys(None, true).await?;
        buyer.customer.wants_in = true;
        Ok(buyer.customer)
    }

    async fn named(
        town: &'a Town<'a>,
        number: usize,
        shop: &'a Shop,
        name: String,
        dice: fastrand::Rng,
    ) -> Result<Self, Trouble> {
        let user = town.telegram.person(&name).await?;
        let customer = Customer {
            shop: number,
            name,
            user,
            subscription: String::new(),
            purchases: 0,
            ends: (Timestamp::MIN, Timestamp::MIN),
            wants_in: false,
            banned: false,
        };
        Ok(Self { town, shop, dice, customer, next: 0 })
    }

    fn tell(&self, says: impl Into<String>) {
        self.town.ledger.tell(&self.customer.name, says);
    }

    fn odd(&self, says: impl Into<String>) {
        self.town.ledger.odd(&self.customer.name, says);
    }

    /// The first purchase and the way in; whose account the storefront does not know claims first.
    async fn comes(&mut self, claims: bool) -> Result<(), Trouble> {
        let sold = self.buys(None, !claims).await?;
        if claims {
            let link = sold.text("/claim_link");
            self.claims(&link).await?;
            // Somebody got hold of the link, too late.
            let thief = self.town.telegram.person("Theo").await?;
            if self.is_linked().await? {
                self.town.telegram.opens(thief, &link).await?;
            }
        }
        self.opens_link().await
    }

    /// Opens a claim link, and waits for the bot's answer, but not for ever.
    async fn claims(&mut self, link: &str) -> Result<(), Trouble> {
        self.town.telegram.opens(self.customer.user, link).await?;
        self.tell("opens the claim link");
        for _ in 0..30 {
            if !self.town.telegram.told(self.customer.user).await?.is_empty() {
                break;
            }
            rest(&mut self.dice, 200..300).await;
        }
        Ok(())
    }

    async fn is_linked(&self) -> Result<bool, Trouble> {
        let path = format!("/subscriptions/{}", self.customer.subscription);
        let there = self.town.stack.get(&Caller::Storefront, &path).await?;
        Ok(there.body.get("telegram_linked").and_then(serde_json::Value::as_bool) == Some(true))
    }

    async fn does_something(&mut self) -> Result<(), Trouble> {
        match self.dice.u8(0..20) {
            0..5 => self.buys(None, false).await.map(drop),
            5..8 => {
                let end = now() + SignedDuration::from_secs(self.dice.i64(2..8));
                self.buys(Some(end), false).await.map(drop)
            }
            8..12 => self.cancels("now").await,
            12 => self.cancels("period_end").await,
            13..15 => self.goes().await,
            _ => self.opens_link().await,
        }
    }

    /// Stays, or goes for good by a cancellation or by the end of a short time.
    async fn last_step(&mut self) -> Result<(), Trouble> {
        match self.dice.u8(0..10) {
            0..6 => {
                self.buys(None, false).await?;
                self.customer.wants_in = true;
                self.opens_link().await
            }
            6..8 => self.cancels("now").await,
            _ => {
                self.opens_link().await?;
                self.buys(Some(now() + SignedDuration::from_secs(3)), false).await.map(drop)
            }
        }
    }

    /// Buys, and tells the storefront of their account or not.
    async fn buys(&mut self, ends_at: Option<Timestamp>, known: bool) -> Result<Answer, Trouble> {
        self.next += 1;
        let key = format!("{}-{}", self.customer.name, self.next);
        let mut body = json!({
            "service_id": self.shop.service, "customer_id": self.customer.name, "payment_ref": key,
        });
        if let Some(fields) = body.as_object_mut() {
            if known {
                fields.insert("telegram_user_id".to_owned(), json!(self.customer.user));
            }
            if let Some(end) = ends_at {
                fields.insert("ends_at".to_owned(), json!(end));
            }
        }
        let first = now();
        let answer = self.asks("/subscriptions", &body, &key).await?;
        let answered = now();
        match (answer.status, ends_at) {
            (200 | 201, _) => {
                self.customer.subscription = answer.text("/id");
                self.customer.purchases += 1;
                let (from, to) = self.customer.ends;
                self.customer.ends = ends_at
                    .map_or((from.max(first) + DURATION, to.max(answered) + DURATION), |end| {
                        (end, end)
                    });
                self.adds_up(&answer.text("/end_date"));
            }
            // Its end came before it was accepted.
            (422, Some(end)) if end <= answered => {}
            _ => self.odd(format!("a purchase was refused: {}", short(&answer))),
        }
        Ok(answer)
    }

    /// The end that was answered is the one that was paid for.
    fn adds_up(&self, end: &str) {
        let (from, to) = self.customer.ends;
        match end.parse::<Timestamp>() {
            Ok(end) if from <= end && end <= to => {}
            _ => self.odd(format!("paid from {from} to {to}, and was told {end}")),
        }
    }

    async fn cancels(&mut self, when: &str) -> Result<(), Trouble> {
        self.next += 1;
        let key = format!("{}-{}", self.customer.name, self.next);
        let path = format!("/subscriptions/{}/cancel", self.customer.subscription);
        let answer = self.asks(&path, &json!({ "when": when }), &key).await?;
        if answer.status != 200 {
            self.odd(format!("a cancellation was refused: {}", short(&answer)));
        }
        Ok(())
    }

    /// The storefront tells of something; an impatient one twice at the same time.
    async fn asks(
        &mut self,
        path: &str,
        body: &serde_json::Value,
        key: &str,
    ) -> Result<Answer, Trouble> {
        let about = &self.customer.name;
        let request = Request { caller: &Caller::Storefront, path, body, key, about };
        match self.dice.u8(0..6) {
            0 => self.town.client().ask_twice(&request).await,
            _ => self.town.client().ask(&request).await,
        }
    }

    async fn opens_link(&self) -> Result<(), Trouble> {
        let outcome = self.town.telegram.opens(self.customer.user, &self.shop.link).await?;
        self.tell(format!("opens the invite link: {outcome}"));
        Ok(())
    }

    /// Leaves the group by themself, if they are in it.
    async fn goes(&self) -> Result<(), Trouble> {
        let body = json!({ "user": self.customer.user, "chat_id": self.shop.chat });
        let outcome = self.town.telegram.control("leave", Some(&body)).await;
        self.tell(if outcome.is_ok() { "leaves the group" } else { "is not there to leave" });
        Ok(())
    }

    /// The owner bans them, if they are in the group and nothing else is going on: a ban in the very
    /// moment of a removal is undone by Telegram's own order of things (a bot's kick ends a ban).
    async fn is_banned(&mut self) -> Result<bool, Trouble> {
        let path = format!("/subscriptions/{}", self.customer.subscription);
        let there = self.town.stack.get(&Caller::Storefront, &path).await?;
        if there.text("/membership") != "joined" || there.text("/status") != "active" {
            return Ok(false);
        }
        let body =
            json!({ "by": self.shop.owner, "user": self.customer.user, "chat_id": self.shop.chat });
        self.town.telegram.control("ban", Some(&body)).await?;
        self.tell("is banned by the owner");
        self.customer.banned = true;
        Ok(true)
    }
}
