//! A trader with a service and its group, ready to sell.

use crate::{Answer, Caller, Stack, Telegram, Trouble, until};
use reqwest::Method;
use serde_json::{Value, json};

/// The body of a new service.
pub fn offer(name: &str) -> Value {
    json!({
        "name": name, "price": { "amount": "49.00", "currency": "USD" }, "duration_days": 30,
    })
}

/// A service with its group.
#[derive(Debug)]
pub struct Shop<'a> {
    /// The stack.
    pub stack: &'a Stack,
    /// Its Telegram.
    pub telegram: &'a Telegram<'a>,
    /// Who owns the service.
    pub trader: Caller,
    /// The service.
    pub service: String,
    /// The group.
    pub chat: i64,
    /// The owner of the group.
    pub owner: i64,
}

impl<'a> Shop<'a> {
    /// A service whose trader has added the bot to a group of their own.
    ///
    /// # Errors
    /// What was answered or seen instead.
    pub async fn open(stack: &'a Stack, telegram: &'a Telegram<'a>) -> Result<Self, Trouble> {
        Self::open_with(stack, telegram, &offer("Gold"), "supergroup", json!({})).await
    }

    /// The same, with this service and this kind of group, and more to say about how the link is opened.
    ///
    /// # Errors
    /// What was answered or seen instead.
    pub async fn open_with(
        stack: &'a Stack,
        telegram: &'a Telegram<'a>,
        offer: &Value,
        kind: &str,
        more: Value,
    ) -> Result<Self, Trouble> {
        let trader = Caller::new_trader();
        let made = stack.post(&trader, "/traders/services", offer).await?;
        let service = made.expect_status(201)?.text("/id");
        let owner = telegram.person("Tara").await?;
        let chat = telegram.group(owner, "Gold", kind).await?;
        let mut shop = Self { stack, telegram, trader, service, chat, owner };
        let path = shop.path("telegram-group/create");
        let asked = stack.post(&shop.trader, &path, &json!({ "mode": "link" })).await?;
        let link = asked.expect_status(202)?.text("/setup_link");
        telegram.adds_bot(owner, chat, &link, more).await?;
        let info = shop.status_becomes("ready").await?;
        shop.chat = info.text("/group_id").parse()?;
        Ok(shop)
    }

    /// A path of the API about the service.
    pub fn path(&self, rest: &str) -> String {
        format!("/traders/services/{}/{rest}", self.service)
    }

    async fn info(&self) -> Result<Answer, Trouble> {
        self.stack.get(&self.trader, &self.path("telegram-group/info")).await
    }

    /// Waits until the group has this status.
    ///
    /// # Errors
    /// What was answered or seen instead.
    pub async fn status_becomes(&self, wanted: &str) -> Result<Answer, Trouble> {
        until(&format!("the group is {wanted}"), || async {
            // 503 says that the bot is busy with others at the moment.
            let info = self.info().await?;
            let is_so = info.status == 200 && info.text("/status") == wanted;
            Ok(if is_so { Ok(info) } else { Err(info.body.to_string()) })
        })
        .await
    }

    /// The storefront sells it.
    ///
    /// # Errors
    /// What was answered or seen instead.
    pub async fn sells(&self, body: Value) -> Result<Answer, Trouble> {
        let mut all = json!({ "service_id": self.service });
        if let (Some(all), Value::Object(body)) = (all.as_object_mut(), body) {
            all.extend(body);
        }
        self.stack.post(&Caller::Storefront, "/subscriptions", &all).await
    }

    /// Somebody with this name buys, and comes in: their account and their subscription.
    ///
    /// # Errors
    /// What was answered or seen instead.
    pub async fn lets_in(&self, name: &str) -> Result<(i64, String), Trouble> {
        let user = self.telegram.person(name).await?;
        let body = json!({ "customer_id": name, "telegram_user_id": user });
        let sold = self.sells(body).await?.expect_status(201)?;
        self.telegram.opens(user, &sold.text("/invite_link")).await?;
        let id = sold.text("/id");
        self.membership_becomes(&id, "joined").await?;
        Ok((user, id))
    }

    /// Waits until somebody is where they should be.
    ///
    /// # Errors
    /// What was answered or seen instead.
    pub async fn membership_becomes(&self, id: &str, wanted: &str) -> Result<Answer, Trouble> {
        let path = format!("/subscriptions/{id}");
        until(&format!("the membership is {wanted}"), || async {
            let now = self.stack.get(&Caller::Storefront, &path).await?.expect_status(200)?;
            let membership = now.text("/membership");
            Ok(if membership == wanted { Ok(now) } else { Err(membership) })
        })
        .await
    }

    /// The storefront ends a subscription now.
    ///
    /// # Errors
    /// What was answered or seen instead.
    pub async fn cancels(&self, id: &str) -> Result<Answer, Trouble> {
        let path = format!("/subscriptions/{id}/cancel");
        self.stack.post(&Caller::Storefront, &path, &json!({})).await?.expect_status(200)
    }

    /// The body of an alert.
    pub fn signal(&self) -> Value {
        json!({
            "service_id": self.service, "symbol": "BTC/USDT", "action": "long",
            "entry": "64250.10", "target": "65500", "sl": "62800",
        })
    }

    /// The trader sends an alert.
    ///
    /// # Errors
    /// What was answered or seen instead.
    pub async fn alerts(&self, body: &Value, key: &str) -> Result<Answer, Trouble> {
        let header = [("idempotency-key", key)];
        self.stack.call(&self.trader, Method::POST, "/alerts", Some(body), &header).await
    }

    /// Waits until an alert has this status.
    ///
    /// # Errors
    /// What was answered or seen instead.
    pub async fn alert_becomes(&self, id: &str, wanted: &str) -> Result<Answer, Trouble> {
        until(&format!("the alert is {wanted}"), || async {
            let alert = self.stack.get(&self.trader, &format!("/alerts/{id}")).await?;
            let alert = alert.expect_status(200)?;
            let status = alert.text("/status");
            Ok(if status == wanted { Ok(alert) } else { Err(alert.body.to_string()) })
        })
        .await
    }

    /// Everything on record, newest first.
    ///
    /// # Errors
    /// What was answered or seen instead.
    pub async fn audit(&self) -> Result<Vec<Value>, Trouble> {
        let mut lines = Vec::new();
        let mut next = String::new();
        loop {
            let path = self.path(&format!("audit?limit=100{next}"));
            let page = self.stack.get(&self.trader, &path).await?.expect_status(200)?;
            let items = page.body.pointer("/items").and_then(Value::as_array);
            lines.extend(items.into_iter().flatten().cloned());
            match page.text("/next") {
                end if end.is_empty() => return Ok(lines),
                cursor => next = format!("&next={cursor}"),
            }
        }
    }
}
