//! Who plays in a story: traders, the storefront, people in Telegram.

use serde_json::{Value, json};

use super::{House, text};
use crate::functions::{Answer, Request};

/// A trader.
#[derive(Clone, Debug)]
pub struct Trader {
    pub(super) house: House,
    pub(super) name: String,
}

/// The storefront's back end.
#[derive(Clone, Debug)]
pub struct Storefront {
    pub(super) house: House,
}

/// A person in Telegram.
#[derive(Clone, Debug)]
pub struct Person {
    house: House,
    /// Their number.
    pub id: i64,
}

/// A service with its group, ready to be used.
#[derive(Clone, Debug)]
pub struct Place {
    /// The service.
    pub service: String,
    /// Its trader's account in Telegram: the owner of the group.
    pub owner: Person,
    /// The group.
    pub group: i64,
    /// The guarded link.
    pub link: String,
}

impl Trader {
    /// Sends a request.
    pub fn call(&self, request: Request) -> Answer {
        self.house.call(request.by(&self.name))
    }

    /// Posts something.
    pub fn posts(&self, path: &str, body: &Value) -> Answer {
        self.call(Request::json("POST", path, body))
    }

    /// Looks at something.
    pub fn gets(&self, path: &str) -> Answer {
        self.call(Request::bare("GET", path))
    }

    /// Makes a service; answers with its id.
    ///
    /// # Panics
    /// When it is not made.
    pub fn creates_service(&self, name: &str) -> String {
        self.creates_service_with(name, &json!({}))
    }

    /// Makes a service with these settings.
    ///
    /// # Panics
    /// When it is not made.
    pub fn creates_service_with(&self, name: &str, settings: &Value) -> String {
        let price = json!({ "amount": "49.00", "currency": "EUR" });
        let body =
            json!({ "name": name, "price": price, "duration_days": 30, "settings": settings });
        text(&self.posts("/traders/services", &body).is(201), "/id")
    }

    /// Asks for the group of a service.
    pub fn asks_for_group(&self, service: &str, mode: &str) -> Answer {
        let path = format!("/traders/services/{service}/telegram-group/create");
        self.posts(&path, &json!({ "mode": mode }))
    }

    /// Looks at the group of a service.
    ///
    /// # Panics
    /// When it cannot be seen.
    pub fn sees_group(&self, service: &str) -> Value {
        self.gets(&format!("/traders/services/{service}/telegram-group/info")).is(200)
    }

    /// Sends an alert; the body lacks the service only.
    pub fn alerts(&self, service: &str, mut alert: Value) -> Answer {
        alert["service_id"] = json!(service);
        self.posts("/alerts", &alert)
    }

    /// Looks at an alert.
    ///
    /// # Panics
    /// When it cannot be seen.
    pub fn sees_alert(&self, id: &str) -> Value {
        self.gets(&format!("/alerts/{id}")).is(200)
    }

    /// A service whose group is ready, by a set-up link into a supergroup of the trader's own.
    ///
    /// # Panics
    /// When it does not come about.
    pub fn opens(&self, name: &str) -> Place {
        self.opens_with(name, &json!({}))
    }

    /// As [`opens`](Self::opens), with these settings.
    ///
    /// # Panics
    /// When it does not come about.
    pub fn opens_with(&self, name: &str, settings: &Value) -> Place {
        let service = self.creates_service_with(name, settings);
        let link = text(&self.asks_for_group(&service, "link").is(202), "/setup_link");
        let owner = self.house.person(&format!("{} (owner)", self.name));
        owner.adds_bot(&link, json!({ "title": name }));
        self.house.settle();
        let info = self.sees_group(&service);
        assert_eq!(info["status"], "ready", "{info}");
        let group = text(&info, "/group_id").parse().unwrap_or_default();
        Place { service, owner, group, link: text(&info, "/invite_link") }
    }
}

impl Storefront {
    /// Sends a request.
    pub fn call(&self, request: Request) -> Answer {
        self.house.call(request.by("storefront"))
    }

    /// Reports a purchase; `more` is what the body says beside service and customer.
    pub fn buys(&self, service: &str, customer: &str, more: &Value) -> Answer {
        let mut body = json!({ "service_id": service, "customer_id": customer });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        self.call(Request::json("POST", "/subscriptions", &body))
    }

    /// Sells to a customer whose Telegram account is not known. Answers with the subscription.
    ///
    /// # Panics
    /// When it is not sold.
    pub fn sells(&self, service: &str, customer: &str) -> Value {
        self.buys(service, customer, &json!({})).is_good()
    }

    /// Sells to somebody whose Telegram account is known. Answers with the subscription.
    ///
    /// # Panics
    /// When it is not sold.
    pub fn sells_to(&self, service: &str, customer: &str, person: &Person) -> Value {
        self.buys(service, customer, &json!({ "telegram_user_id": person.id })).is_good()
    }

    /// Cancels, `now` or at `period_end`.
    pub fn cancels(&self, subscription: &Value, when: &str) -> Answer {
        let path = format!("/subscriptions/{}/cancel", text(subscription, "/id"));
        self.call(Request::json("POST", path, &json!({ "when": when })))
    }

    /// Reads a subscription again.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn reads(&self, subscription: &Value) -> Value {
        let path = format!("/subscriptions/{}", text(subscription, "/id"));
        self.call(Request::bare("GET", path)).is(200)
    }
}

impl Person {
    pub(super) fn new(house: &House, who: Value) -> Self {
        let made = house.telegram().control("users", who);
        Self { house: house.clone(), id: made["id"].as_i64().unwrap_or_default() }
    }

    /// Taps a link and presses what then is to be pressed; answers with what happened, such as
    /// `requested`, `joined` or `started`.
    pub fn taps(&self, link: &str) -> String {
        let done = self.house.telegram().control("open", json!({ "user": self.id, "link": link }));
        text(&done, "/outcome")
    }

    /// Taps a link and waits for what comes of it.
    pub fn enters(&self, link: &str) -> String {
        let outcome = self.taps(link);
        self.house.settle();
        outcome
    }

    /// Adds the bot to a group by a set-up link. `how` says more: `title`, `chat_id`, `kind`,
    /// `upgrade`, `order`. Answers with the group.
    pub fn adds_bot(&self, link: &str, how: Value) -> i64 {
        let mut body = how;
        body["user"] = json!(self.id);
        body["link"] = json!(link);
        let done = self.house.telegram().control("open", body);
        done["chat_id"].as_i64().unwrap_or_default()
    }

    /// Does something by the simulator's control interface, as `by`.
    pub fn does(&self, what: &str, mut body: Value) -> Value {
        body["by"] = json!(self.id);
        self.house.telegram().control(what, body)
    }

    /// Writes to the bot.
    pub fn writes(&self, message: &str) {
        let body = json!({ "user": self.id, "text": message });
        self.house.telegram().control("message", body);
    }

    /// Leaves a group.
    pub fn leaves(&self, group: i64) {
        let body = json!({ "user": self.id, "chat_id": group });
        self.house.telegram().control("leave", body);
    }

    /// What the bot wrote to them, oldest first.
    pub fn letters(&self) -> Vec<Value> {
        let chats = self.house.telegram().look(|world| world.private_chats(self.id));
        let chats = chats.unwrap_or_default();
        let messages = chats.pointer("/0/messages").and_then(Value::as_array).cloned();
        let messages = messages.unwrap_or_default();
        messages.into_iter().filter(|message| message["from"] != self.id).collect()
    }

    /// The last that the bot wrote to them; empty when it never did.
    pub fn last_letter(&self) -> String {
        self.letters().last().map(|letter| text(letter, "/text")).unwrap_or_default()
    }
}

impl Answer {
    /// The body of an answer that has to have this status.
    ///
    /// # Panics
    /// When it has another.
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The body of a good answer.
    ///
    /// # Panics
    /// When it is a problem.
    pub fn is_good(self) -> Value {
        assert!(self.status < 300, "{}: {}", self.status, self.body);
        self.body
    }
}
