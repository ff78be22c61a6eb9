//! What the tables, Telegram and the API show at one moment.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use jiff::Timestamp;
use serde_json::Value;
use stories::Trouble;

use crate::ledger::now;
use crate::played::{Customer, Played, Shop};
use crate::town::Town;

/// What the tables, Telegram and the API show at one moment.
pub(crate) struct Books {
    pub(crate) at: Timestamp,
    /// What `make look` tells.
    look: Value,
    /// The groups of the shops, as the simulator shows them.
    groups: Vec<Value>,
    /// What they were before their owners made supergroups of them, where they did.
    former: Vec<Option<Value>>,
    /// How each latecomer stands.
    pub(crate) late: Vec<Late>,
    /// What the emulator and the functions have written.
    pub(crate) log: String,
}

/// A message in a group.
pub(crate) struct Message<'a> {
    pub(crate) id: i64,
    pub(crate) text: &'a str,
    /// The message that it answers.
    pub(crate) reply_to: Option<i64>,
    /// Whether it stayed behind in the basic group that the group was.
    pub(crate) is_behind: bool,
}

/// A member of a group.
pub(crate) struct Member {
    pub(crate) user: i64,
    pub(crate) is_bot: bool,
    pub(crate) status: String,
    pub(crate) inside: bool,
    pub(crate) by: i64,
}

/// A shop that was opened in the storm.
pub(crate) struct Late {
    /// Its service.
    pub(crate) item: String,
    /// The status of its group.
    pub(crate) status: String,
    /// What was said last in its chat.
    pub(crate) last: String,
}

impl Books {
    pub(crate) async fn open(town: &Town<'_>, played: &Played) -> Result<Self, Trouble> {
        let look = town.stack.look().await?;
        let groups = try_join_all(played.shops.iter().map(|shop| async {
            Ok::<_, Trouble>(town.telegram.look(shop.chat).await?.raw().clone())
        }))
        .await?;
        let former = try_join_all(played.shops.iter().map(|shop| async {
            let Some(chat) = shop.former else { return Ok(None) };
            Ok::<_, Trouble>(Some(town.telegram.look(chat).await?.raw().clone()))
        }))
        .await?;
        let late = try_join_all(played.latecomers.iter().map(|shop: &Shop| async {
            let path = format!("/traders/services/{}", shop.service);
            let answer = town.stack.get(&shop.trader, &path).await?;
            let group = town.telegram.look(shop.chat).await?;
            let last = list(group.raw().pointer("/messages")).last().map(|it| text(it, "/text"));
            Ok::<_, Trouble>(Late {
                item: format!("service/{}", shop.service),
                status: answer.text("/telegram_group/status"),
                last: last.unwrap_or_default().to_owned(),
            })
        }))
        .await?;
        Ok(Self { at: now(), look, groups, former, late, log: town.stack.log()? })
    }

    /// The rows of a table.
    pub(crate) fn rows(&self, table: &str) -> impl Iterator<Item = &Value> {
        list(self.look.pointer(&format!("/tables/{table}")))
    }

    /// One row of a table.
    pub(crate) fn row(&self, table: &str, id: &str) -> Option<&Value> {
        self.rows(table).find(|row| text(row, "/id") == id)
    }

    /// The subscription of a customer: by its number, or by the account where an import made it.
    pub(crate) fn subscription(&self, shop: &Shop, customer: &Customer) -> Option<&Value> {
        self.rows("subscriptions").filter(|row| text(row, "/kind") == "subscription").find(|row| {
            let user = row.pointer("/body/user").and_then(Value::as_i64);
            match customer.subscription.as_str() {
                "" => text(row, "/body/service") == shop.service && user == Some(customer.user),
                id => text(row, "/id") == id,
            }
        })
    }

    /// How many messages a queue holds.
    pub(crate) fn waiting(&self, queue: &str) -> u64 {
        self.look.pointer(&format!("/queues/{queue}")).and_then(Value::as_u64).unwrap_or(u64::MAX)
    }

    /// How many messages wait for a right of the bot's: a request to join that it may not decline is
    /// looked at again after twenty minutes, for which nobody waits here.
    pub(crate) fn put_off(&self) -> u64 {
        let lines = self.log.lines().filter(|line| line.contains(r#""task":"decline""#));
        lines.map(|line| u64::from(line.contains(r#""outcome":"Later(20m)""#))).sum()
    }

    pub(crate) fn members(&self, shop: usize) -> Vec<Member> {
        let number = |member: &Value, name: &str| member.get(name).and_then(Value::as_i64);
        let flag = |member: &Value, name: &str| member.get(name).and_then(Value::as_bool);
        list(self.groups.get(shop).and_then(|group| group.get("members")))
            .map(|member| Member {
                user: number(member, "user").unwrap_or_default(),
                is_bot: flag(member, "is_bot") == Some(true),
                status: text(member, "/status").to_owned(),
                inside: flag(member, "is_member") == Some(true),
                by: number(member, "by").unwrap_or_default(),
            })
            .collect()
    }

    pub(crate) fn is_inside(&self, shop: usize, user: i64) -> bool {
        self.members(shop).iter().any(|member| member.user == user && member.inside)
    }

    /// Whether somebody's request to be let in is open.
    pub(crate) fn is_asking(&self, shop: usize, user: i64) -> bool {
        let requests = self.groups.get(shop).and_then(|group| group.get("join_requests"));
        list(requests).any(|it| it.get("user").and_then(Value::as_i64) == Some(user))
    }

    /// The messages of a group, oldest first.
    pub(crate) fn messages(&self, shop: usize) -> impl Iterator<Item = Message<'_>> {
        let former = self.former.get(shop).and_then(Option::as_ref);
        let behind = list(former.and_then(|group| group.get("messages"))).map(|it| (it, true));
        let here = list(self.groups.get(shop).and_then(|group| group.get("messages")));
        behind.chain(here.map(|it| (it, false))).map(|(message, is_behind)| Message {
            id: message.get("message_id").and_then(Value::as_i64).unwrap_or_default(),
            // A picture has a caption.
            text: match text(message, "/text") {
                "" => text(message, "/caption"),
                text => text,
            },
            reply_to: message.get("reply_to").and_then(Value::as_i64),
            is_behind,
        })
    }

    /// The lines of the audit trail about each item, oldest first.
    pub(crate) fn trail(&self) -> BTreeMap<&str, Vec<&Value>> {
        let mut trail: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for line in self.rows("audit") {
            trail.entry(text(line, "/item")).or_default().push(line);
        }
        for lines in trail.values_mut() {
            lines.sort_by_key(|line| version(line));
        }
        trail
    }

    /// The versions on record of each item.
    pub(crate) fn versions(&self) -> BTreeMap<&str, BTreeSet<u64>> {
        let trail = self.trail().into_iter();
        trail.map(|(item, lines)| (item, lines.iter().map(|it| version(it)).collect())).collect()
    }
}

/// The last part of the place in the trail, `changed_at#item#ver`.
fn version(line: &Value) -> u64 {
    let last = text(line, "/seq").rsplit('#').next();
    last.and_then(|ver| ver.parse().ok()).unwrap_or_default()
}

pub(crate) fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// A text by its JSON pointer; empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A number by its JSON pointer; zero where there is none.
pub(crate) fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// An instant by its JSON pointer.
pub(crate) fn instant(value: &Value, pointer: &str) -> Option<Timestamp> {
    text(value, pointer).parse().ok()
}
