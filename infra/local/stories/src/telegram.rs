//! People in Telegram, played by the simulator's control interface.

use serde_json::{Value, json};

use crate::stack::Stack;
use crate::{Trouble, until};

/// The simulator's control interface.
#[derive(Debug)]
pub struct Telegram<'a> {
    stack: &'a Stack,
}

/// A group as it stands.
#[derive(Clone, Debug)]
pub struct Group(Value);

impl Group {
    /// Its title.
    pub fn title(&self) -> &str {
        self.0.get("title").and_then(Value::as_str).unwrap_or_default()
    }

    /// Who is in it: names and standing, in order. A bot is called “the bot”.
    pub fn members(&self) -> Vec<String> {
        let mut members: Vec<_> = self
            .list("members")
            .filter(|member| {
                let status = member.get("status").and_then(Value::as_str).unwrap_or_default();
                let inside = member.get("is_member").and_then(Value::as_bool).unwrap_or(true);
                !matches!(status, "left" | "kicked") && inside
            })
            .map(|member| {
                let text = |name: &str| member.get(name).and_then(Value::as_str);
                let is_bot = member.get("is_bot").and_then(Value::as_bool).unwrap_or(false);
                let name = if is_bot { Some("the bot") } else { text("name") };
                format!("{} ({})", name.unwrap_or("somebody"), text("status").unwrap_or("?"))
            })
            .collect();
        members.sort();
        members
    }

    /// The messages in it, oldest first, as they read.
    pub fn messages(&self) -> Vec<String> {
        self.list("messages")
            .filter_map(|message| message.get("text").and_then(Value::as_str))
            .map(str::to_owned)
            .collect()
    }

    /// Everything that the simulator tells about it.
    pub const fn raw(&self) -> &Value {
        &self.0
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten()
    }
}

impl<'a> Telegram<'a> {
    /// People in the Telegram of this stack.
    ///
    /// # Errors
    /// When the stack speaks to another Bot API server, in which nobody can be played.
    pub fn of(stack: &'a Stack) -> Result<Self, Trouble> {
        if stack.address("telegram_page").is_empty() {
            return Err("the stack does not run the Telegram simulator".into());
        }
        Ok(Self { stack })
    }

    /// People in the Telegram of a stack whose Bot API server is known to be a simulator, whoever
    /// started it.
    pub const fn played(stack: &'a Stack) -> Self {
        Self { stack }
    }

    /// A request to the control interface.
    ///
    /// # Errors
    /// What the simulator said.
    pub async fn control(&self, path: &str, body: Option<&Value>) -> Result<Value, Trouble> {
        let url = format!("{}/control/{path}", self.stack.address("telegram_api"));
        let request = match body {
            Some(body) => self.stack.http().post(url).json(body),
            None => self.stack.http().get(url),
        };
        let response = request.send().await?;
        let status = response.status();
        let answer: Value = response.json().await?;
        if status.is_success() {
            Ok(answer)
        } else {
            Err(format!("the simulator answered {status} to {path}: {answer}").into())
        }
    }

    /// Ends a fault that was ordered.
    ///
    /// # Errors
    /// What the simulator said.
    pub async fn lift(&self, fault: u64) -> Result<(), Trouble> {
        let url = format!("{}/control/faults/{fault}", self.stack.address("telegram_api"));
        self.stack.http().delete(url).send().await?.error_for_status()?;
        Ok(())
    }

    /// A person.
    ///
    /// # Errors
    /// What the simulator said.
    pub async fn person(&self, name: &str) -> Result<i64, Trouble> {
        number(&self.control("users", Some(&json!({ "first_name": name }))).await?, "id")
    }

    /// A group with this owner.
    ///
    /// # Errors
    /// What the simulator said.
    pub async fn group(&self, owner: i64, title: &str, kind: &str) -> Result<i64, Trouble> {
        let body = json!({ "owner": owner, "title": title, "kind": kind });
        number(&self.control("groups", Some(&body)).await?, "chat_id")
    }

    /// Somebody opens a link; what came of it.
    ///
    /// # Errors
    /// What the simulator said.
    pub async fn opens(&self, user: i64, link: &str) -> Result<String, Trouble> {
        let answer = self.control("open", Some(&json!({ "user": user, "link": link }))).await?;
        Ok(answer.get("outcome").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// Somebody adds the bot to a group by a link.
    ///
    /// # Errors
    /// What the simulator said.
    pub async fn adds_bot(
        &self,
        user: i64,
        chat: i64,
        link: &str,
        more: Value,
    ) -> Result<Value, Trouble> {
        let mut body = json!({ "user": user, "link": link, "chat_id": chat });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        self.control("open", Some(&body)).await
    }

    /// A group as it stands.
    ///
    /// # Errors
    /// What the simulator said.
    pub async fn look(&self, chat: i64) -> Result<Group, Trouble> {
        Ok(Group(self.control(&format!("groups/{chat}"), None).await?))
    }

    /// The account of the bot in a group.
    ///
    /// # Errors
    /// When there is none.
    pub async fn bot_in(&self, chat: i64) -> Result<i64, Trouble> {
        let group = self.look(chat).await?;
        let is_bot = |member: &&Value| member.get("is_bot").and_then(Value::as_bool) == Some(true);
        let bot = group.list("members").find(is_bot).ok_or("there is no bot in the group")?;
        number(bot, "user")
    }

    /// What the bot wrote to somebody, oldest first.
    ///
    /// # Errors
    /// What the simulator said.
    pub async fn told(&self, user: i64) -> Result<Vec<Value>, Trouble> {
        let answer = self.control(&format!("users/{user}/messages"), None).await?;
        let mut messages = Vec::new();
        collect_messages(&answer, &mut messages);
        Ok(messages)
    }

    /// Waits until the bot has written to somebody with these words.
    ///
    /// # Errors
    /// What the bot wrote instead.
    pub async fn is_told(&self, user: i64, words: &str) -> Result<Value, Trouble> {
        until(&format!("the bot says “{words}”"), || async {
            let told = self.told(user).await?;
            let text = |message: &Value| message.to_string();
            Ok(told
                .iter()
                .find(|message| text(message).contains(words))
                .cloned()
                .ok_or_else(|| told.iter().map(text).collect::<Vec<_>>().join(" | ")))
        })
        .await
    }

    /// Waits until exactly these people are in the group.
    ///
    /// # Errors
    /// Who is in it instead.
    pub async fn has_members(&self, chat: i64, names: &[&str]) -> Result<Group, Trouble> {
        let mut wanted: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        wanted.sort();
        until(&format!("the group has {}", wanted.join(", ")), || async {
            let group = self.look(chat).await?;
            let members = group.members();
            let there: Vec<_> = members
                .iter()
                .map(|member| member.split(" (").next().unwrap_or_default().to_owned())
                .collect();
            Ok(if there == wanted { Ok(group) } else { Err(members.join(", ")) })
        })
        .await
    }
}

fn number(answer: &Value, name: &str) -> Result<i64, Trouble> {
    answer
        .get(name)
        .and_then(Value::as_i64)
        .ok_or_else(|| format!("the simulator named no {name}: {answer}").into())
}

/// Messages, wherever the answer holds them.
fn collect_messages(answer: &Value, found: &mut Vec<Value>) {
    match answer {
        Value::Array(list) => list.iter().for_each(|item| collect_messages(item, found)),
        Value::Object(map) if map.contains_key("message_id") => found.push(answer.clone()),
        Value::Object(map) => map.values().for_each(|item| collect_messages(item, found)),
        _ => {}
    }
}
