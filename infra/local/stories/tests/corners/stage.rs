//! What the stories share: a trader with services, buyers, and looks at what came of it all.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use stories::{Answer, Caller, Group, Stack, Telegram, Trouble, until};
pub(crate) use stories::{Told, offer};

/// A trader and the stack they use.
pub(crate) struct Stage {
    pub(crate) stack: Stack,
    pub(crate) trader: Caller,
}

/// A service whose group works.
pub(crate) struct Shop {
    pub(crate) id: String,
    pub(crate) chat: i64,
    pub(crate) owner: i64,
    pub(crate) invite_link: String,
}

/// Somebody who has bought and is in the group.
pub(crate) struct Buyer {
    pub(crate) user: i64,
    pub(crate) subscription: String,
}

#[expect(clippy::disallowed_methods, reason = "stories end subscriptions in a few seconds' time")]
pub(crate) fn in_seconds(seconds: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(seconds)
}

/// Waits until a time has come.
pub(crate) async fn comes(time: Timestamp) -> Told {
    until("the time comes", || async {
        Ok(if in_seconds(0) > time { Ok(()) } else { Err("not yet".to_owned()) })
    })
    .await
}

/// A list in a body.
pub(crate) fn items<'a>(body: &'a Value, name: &str) -> &'a [Value] {
    body.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text in an object; empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The time that stands in a text.
pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Stage {
    pub(crate) fn open() -> Result<Self, Trouble> {
        Ok(Self { stack: Stack::open()?, trader: Caller::new_trader() })
    }

    pub(crate) const fn telegram(&self) -> Telegram<'_> {
        Telegram::played(&self.stack)
    }

    // ------------------------------------------------------------------------- the trader

    /// Asks once more while the answer is that a part cannot be reached, as that answer says: on a
    /// machine that does too much at once, the emulator does not answer in time.
    #[expect(clippy::print_stderr, reason = "whoever reads a failed run sees what was repeated")]
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Trouble> {
        for _ in 0..3 {
            let answer = self.stack.get(&self.trader, path).await?;
            if answer.status != 503 {
                return answer.expect_status(200);
            }
            eprintln!("asked once more: GET {path}");
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        self.stack.get(&self.trader, path).await?.expect_status(200)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Answer, Trouble> {
        self.stack.post(&self.trader, path, body).await
    }

    pub(crate) async fn patch(&self, id: &str, body: &Value) -> Result<Answer, Trouble> {
        let path = format!("/traders/services/{id}");
        self.stack.call(&self.trader, Method::PATCH, &path, Some(body), &[]).await
    }

    pub(crate) async fn service(&self, body: &Value) -> Result<String, Trouble> {
        Ok(self.post("/traders/services", body).await?.expect_status(201)?.text("/id"))
    }

    pub(crate) async fn ask_for_group(&self, id: &str, mode: &str) -> Result<Answer, Trouble> {
        let path = format!("/traders/services/{id}/telegram-group/create");
        self.post(&path, &json!({ "mode": mode })).await
    }

    /// A set-up link for a service.
    pub(crate) async fn set_up_link(&self, id: &str) -> Result<String, Trouble> {
        Ok(self.ask_for_group(id, "link").await?.expect_status(202)?.text("/setup_link"))
    }

    /// Waits until the group has this status, and gives the group's info.
    pub(crate) async fn group_is(&self, id: &str, wanted: &str) -> Result<Answer, Trouble> {
        until(&format!("the group is {wanted}"), || async {
            // The service is asked, because asking for the info can make Telegram be asked.
            let service = self.get(&format!("/traders/services/{id}")).await?;
            let status = service.text("/telegram_group/status");
            Ok(if status == wanted { Ok(()) } else { Err(status) })
        })
        .await?;
        self.info(id).await
    }

    pub(crate) async fn info(&self, id: &str) -> Result<Answer, Trouble> {
        self.get(&format!("/traders/services/{id}/telegram-group/info")).await
    }

    /// Waits until the group's info names exactly these problems.
    pub(crate) async fn has_problems(&self, id: &str, wanted: &[&str]) -> Result<Answer, Trouble> {
        until(&format!("the group's problems are {wanted:?}"), || async {
            let info = self.info(id).await?;
            let codes: Vec<_> =
                items(&info.body, "problems").iter().map(|it| text(it, "code")).collect();
            Ok(if codes == wanted { Ok(info) } else { Err(info.body.to_string()) })
        })
        .await
    }

    /// A service with a group that works, owned by “Tara”, with nobody else in it.
    pub(crate) async fn shop(&self) -> Result<Shop, Trouble> {
        self.shop_of(&offer("Gold Signals")).await
    }

    pub(crate) async fn shop_of(&self, offer: &Value) -> Result<Shop, Trouble> {
        let id = self.service(offer).await?;
        let link = self.set_up_link(&id).await?;
        let owner = self.telegram().person("Tara").await?;
        let chat = self.telegram().group(owner, "Gold Signals", "supergroup").await?;
        self.telegram().adds_bot(owner, chat, &link, json!({})).await?;
        let info = self.group_is(&id, "ready").await?;
        // The greeting is the last step of the set-up: faults that a story orders come after it.
        self.reads(chat, "This group is now the home of").await?;
        Ok(Shop { id, chat, owner, invite_link: info.text("/invite_link") })
    }

    /// Waits until a message with these words stands in the group.
    pub(crate) async fn reads(&self, chat: i64, words: &str) -> Result<Group, Trouble> {
        until(&format!("the group reads “{words}”"), || async {
            let group = self.telegram().look(chat).await?;
            let messages = group.messages();
            let found = messages.iter().any(|message| message.contains(words));
            Ok(if found { Ok(group) } else { Err(messages.join(" | ")) })
        })
        .await
    }

    /// Everything in a list, page by page, newest first.
    pub(crate) async fn all(&self, path: &str, limit: usize) -> Result<Vec<Value>, Trouble> {
        let mut found = Vec::new();
        let mut next = String::new();
        let mark = if path.contains('?') { '&' } else { '?' };
        loop {
            let page = self.get(&format!("{path}{mark}limit={limit}{next}")).await?;
            assert!(items(&page.body, "items").len() <= limit, "a page is longer than was asked");
            found.extend_from_slice(items(&page.body, "items"));
            match page.text("/next") {
                end if end.is_empty() => return Ok(found),
                from => next = format!("&next={from}"),
            }
        }
    }

    /// The audit trail of a service, oldest first.
    pub(crate) async fn audit(&self, id: &str) -> Result<Vec<Value>, Trouble> {
        let mut lines = self.all(&format!("/traders/services/{id}/audit"), 100).await?;
        lines.reverse();
        Ok(lines)
    }

    /// Waits until the audit trail tells of this; gives the actions about the same item.
    pub(crate) async fn is_on_record(
        &self,
        service: &str,
        item: &str,
        action: &str,
    ) -> Result<Vec<String>, Trouble> {
        until(&format!("{action} is on record"), || async {
            let lines = self.audit(service).await?;
            let actions: Vec<_> = lines
                .iter()
                .filter(|line| text(line, "item") == item)
                .map(|line| text(line, "action").to_owned())
                .collect();
            Ok(match actions.iter().any(|it| it == action) {
                true => Ok(actions),
                false => Err(actions.join(", ")),
            })
        })
        .await
    }

    // ------------------------------------------------------------------------- alerts

    /// Sends an alert; its id.
    pub(crate) async fn alert(&self, body: &Value) -> Result<String, Trouble> {
        Ok(self.post("/alerts", body).await?.expect_status(202)?.text("/alert_id"))
    }

    pub(crate) async fn alert_is(&self, id: &str, wanted: &str) -> Result<Answer, Trouble> {
        until(&format!("the alert is {wanted}"), || async {
            let alert = self.get(&format!("/alerts/{id}")).await?;
            let status = alert.text("/status");
            Ok(if status == wanted { Ok(alert) } else { Err(status) })
        })
        .await
    }

    // ------------------------------------------------------------------------- the storefront

    /// Tells of a purchase.
    pub(crate) async fn sell(
        &self,
        service: &str,
        customer: &str,
        more: Value,
    ) -> Result<Answer, Trouble> {
        let mut body = json!({ "service_id": service, "customer_id": customer });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let answer = self.stack.post(&Caller::Storefront, "/subscriptions", &body).await?;
        match answer.status {
            200 => Ok(answer),
            _ => answer.expect_status(201),
        }
    }

    pub(crate) async fn cancel(&self, subscription: &str, when: &str) -> Result<Answer, Trouble> {
        let path = format!("/subscriptions/{subscription}/cancel");
        let body = json!({ "when": when });
        self.stack.post(&Caller::Storefront, &path, &body).await?.expect_status(200)
    }

    pub(crate) async fn subscription(&self, id: &str) -> Result<Answer, Trouble> {
        let path = format!("/subscriptions/{id}");
        self.stack.get(&Caller::Storefront, &path).await?.expect_status(200)
    }

    pub(crate) async fn membership_is(&self, id: &str, wanted: &str) -> Result<Answer, Trouble> {
        until(&format!("the membership is {wanted}"), || async {
            let now = self.subscription(id).await?;
            let membership = now.text("/membership");
            Ok(if membership == wanted { Ok(now) } else { Err(membership) })
        })
        .await
    }

    /// Somebody of this name whose account the storefront knows buys and comes in.
    pub(crate) async fn buyer(&self, shop: &Shop, name: &str) -> Result<Buyer, Trouble> {
        let user = self.telegram().person(name).await?;
        let sold = self.sell(&shop.id, name, json!({ "telegram_user_id": user })).await?;
        self.comes_in(user, &shop.invite_link).await?;
        let subscription = sold.text("/id");
        self.membership_is(&subscription, "joined").await?;
        Ok(Buyer { user, subscription })
    }

    /// Somebody of this name buys, taps the personal link and comes in.
    pub(crate) async fn claiming_buyer(&self, shop: &Shop, name: &str) -> Result<Buyer, Trouble> {
        let user = self.telegram().person(name).await?;
        let sold = self.sell(&shop.id, name, json!({})).await?;
        self.telegram().opens(user, &sold.text("/claim_link")).await?;
        self.telegram().is_told(user, "is linked to").await?;
        self.comes_in(user, &shop.invite_link).await?;
        let subscription = sold.text("/id");
        self.membership_is(&subscription, "joined").await?;
        Ok(Buyer { user, subscription })
    }

    /// Somebody taps a guarded link and asks to be let in.
    pub(crate) async fn comes_in(&self, user: i64, link: &str) -> Told {
        assert_eq!(self.telegram().opens(user, link).await?, "requested");
        Ok(())
    }

    pub(crate) async fn members_are(&self, chat: i64, names: &[&str]) -> Result<Group, Trouble> {
        self.telegram().has_members(chat, names).await
    }

    /// Orders something of the simulator.
    pub(crate) async fn order(&self, what: &str, body: Value) -> Result<Value, Trouble> {
        self.telegram().control(what, Some(&body)).await
    }

    /// Ends a fault that was ordered.
    pub(crate) async fn lift(&self, fault: &Value) -> Told {
        self.telegram().lift(fault["id"].as_u64().unwrap_or_default()).await
    }
}
