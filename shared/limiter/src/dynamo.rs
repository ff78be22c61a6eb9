//! The table in DynamoDB.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use domain::ids::ChatId;
use domain::pace::{BotPace, ChatBlock, ChatPace, ChatTake, Form, Kind, Note, SECOND, Take};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{StoreError, failure};

use crate::port::{Limits, Moved};

/// The key of the bot's item.
const BOT: &str = "bot";

/// How long a chat's item is kept when nothing happens there: longer than any wait.
const KEPT: i64 = 8 * 86_400;

/// An item as the SDK has it.
type Attributes = HashMap<String, AttributeValue>;

/// The limiter's table in DynamoDB.
#[derive(Clone, Debug)]
pub struct DynamoLimits {
    client: Client,
    table: String,
}

/// An update under way: its clauses and values.
#[derive(Default)]
struct Update {
    set: Vec<String>,
    condition: String,
    values: Attributes,
}

impl Update {
    /// A number that the expressions call `:name`.
    fn number(mut self, name: &str, value: i64) -> Self {
        self.values.insert(format!(":{name}"), AttributeValue::N(value.to_string()));
        self
    }

    fn value(mut self, name: &str, value: impl Serialize) -> Result<Self, StoreError> {
        let value = serde_dynamo::to_attribute_value(value)
            .map_err(|_| StoreError::Refused("a value of the limiter cannot be kept".to_owned()))?;
        self.values.insert(format!(":{name}"), value);
        Ok(self)
    }

    fn set(mut self, clause: &str) -> Self {
        self.set.push(clause.to_owned());
        self
    }

    fn only_if(mut self, condition: &str) -> Self {
        condition.clone_into(&mut self.condition);
        self
    }
}

impl DynamoLimits {
    /// The limits in this table.
    pub const fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// The same, with a client made here.
    pub fn connect(aws: &SdkConfig, table: String) -> Self {
        Self::new(Client::new(aws), table)
    }

    async fn read<T: DeserializeOwned>(&self, id: String) -> Result<Option<T>, StoreError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("id", AttributeValue::S(id))
            .consistent_read(true);
        let answer = Box::pin(request.send()).await.map_err(|error| failure("GetItem", &error))?;
        answer.item.map(decoded).transpose()
    }

    async fn update<T: DeserializeOwned>(
        &self,
        id: String,
        update: Update,
    ) -> Result<Moved<T>, StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", AttributeValue::S(id))
            .update_expression(format!("SET {}", update.set.join(", ")))
            .set_condition_expression(Some(update.condition).filter(|it| !it.is_empty()))
            .set_expression_attribute_values(Some(update.values))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        match Box::pin(request.send()).await {
            Ok(done) => {
                let before = done.attributes.filter(|before| !before.is_empty());
                Ok(Moved::Done(before.map(decoded).transpose()?))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => {
                    let there = refusal.item.clone().filter(|there| !there.is_empty());
                    Ok(Moved::Refused(there.map(decoded).transpose()?))
                }
                _ => Err(failure("UpdateItem", &error)),
            },
        }
    }
}

fn decoded<T: DeserializeOwned>(item: Attributes) -> Result<T, StoreError> {
    // Not serde's own words: they quote the value, which can be a Telegram id.
    serde_dynamo::from_item(item)
        .map_err(|_| StoreError::Refused("an item of the limiter cannot be read".to_owned()))
}

/// A condition that an item which is not there yet fulfils as well.
fn or_nothing(can_begin: bool, condition: &str) -> String {
    match can_begin {
        true => format!("attribute_not_exists(id) OR ({condition})"),
        false => condition.to_owned(),
    }
}

/// What was counted against a message.
#[derive(Deserialize)]
struct Strikes {
    strikes: u32,
}

fn message_id(message: &str) -> String {
    format!("message#{message}")
}

fn chat_id(chat: ChatId) -> String {
    format!("chat#{}", chat.get())
}

/// Conditions and sums speak of these attributes, so the first move of all puts them there.
const BEGUN: [&str; 4] = ["blocked_us", "blocks", "reserve_us", "told_count"];

impl Limits for DynamoLimits {
    async fn bot(&self) -> Result<Option<BotPace>, StoreError> {
        self.read(BOT.to_owned()).await
    }

    async fn take(&self, take: &Take) -> Result<Moved<BotPace>, StoreError> {
        let mut update = Update::default()
            .number("now", take.now_us)
            .number("known", take.known_interval_us)
            .number("latest", take.latest_clock_us())
            .set("clock_us = :now");
        let open = "blocked_us <= :now AND clock_us <= :latest AND interval_us = :known";
        let form = match take.form {
            Form::Idle => "tat_us <= :now",
            Form::Busy { until_us } => {
                update = update.number("until", until_us);
                "tat_us > :now AND tat_us <= :until"
            }
            Form::Share => "tat_us > :now AND reserve_us <= :now",
        };
        update = update.only_if(&or_nothing(take.can_begin(), &format!("{open} AND {form}")));
        update = match take.form {
            Form::Idle => {
                let free = take.now_us.saturating_add(take.booked_us());
                update.number("free", free).set("tat_us = :free")
            }
            Form::Busy { .. } | Form::Share => {
                update.number("booked", take.booked_us()).set("tat_us = tat_us + :booked")
            }
        };
        if let Some(reserve) = take.next_reserve_us() {
            update = update.number("reserve", reserve).set("reserve_us = :reserve");
        }
        if take.adapts() {
            update = update
                .number("interval", take.interval_us)
                .set("interval_us = :interval")
                .set("adapted_us = :now");
        }
        if take.can_begin() {
            update = update.number("zero", 0);
            for name in BEGUN {
                update = update.set(&format!("{name} = if_not_exists({name}, :zero)"));
            }
            update = update.set("interval_us = if_not_exists(interval_us, :known)");
        }
        self.update(BOT.to_owned(), update).await
    }

    async fn note(&self, note: &Note) -> Result<Moved<BotPace>, StoreError> {
        let mut update = Update::default()
            .number("count", note.known_count)
            .number("known", note.known_interval_us)
            .number("next", note.known_count.saturating_add(1))
            .number("blocked", note.blocked_us)
            .number("interval", note.interval_us)
            .number("refused", note.refused_us)
            .number("adapted", note.adapted_us)
            .value("told", &note.told)?
            .set("told_count = :next")
            .set("blocked_us = :blocked")
            .set("interval_us = :interval")
            .set("refused_us = :refused")
            .set("adapted_us = :adapted")
            .set("told = :told");
        if note.is_block {
            update = update.number("one", 1).set("tat_us = :blocked").set("blocks = blocks + :one");
        }
        let condition = "told_count = :count AND interval_us = :known";
        update = update.only_if(&or_nothing(note.can_begin(), condition));
        if note.can_begin() {
            update = update.number("zero", 0);
            for name in ["tat_us", "reserve_us", "clock_us", "blocks"] {
                update = update.set(&format!("{name} = if_not_exists({name}, :zero)"));
            }
        }
        self.update(BOT.to_owned(), update).await
    }

    async fn chat(&self, chat: ChatId) -> Result<Option<ChatPace>, StoreError> {
        self.read(chat_id(chat)).await
    }

    async fn take_chat(
        &self,
        chat: ChatId,
        take: &ChatTake,
    ) -> Result<Moved<ChatPace>, StoreError> {
        let mut update = Update::default()
            .number("at", take.at_us)
            .number("expires", expires(take.at_us))
            .value("sent", &take.sent_us)?
            .set("sent_us = :sent")
            .set("last_us = :at")
            .set("expires = :expires");
        let open = "(attribute_not_exists(blocked_us) OR blocked_us <= :at)";
        update = match take.known_last_us {
            None => update.only_if(&format!("attribute_not_exists(last_us) AND {open}")),
            Some(last) => {
                update.number("last", last).only_if(&format!("last_us = :last AND {open}"))
            }
        };
        self.update(chat_id(chat), update).await
    }

    async fn block_chat(
        &self,
        chat: ChatId,
        block: ChatBlock,
        now_us: i64,
    ) -> Result<(), StoreError> {
        let name = match block.kind {
            Kind::Message => "blocked_us",
            Kind::Other => "others_blocked_us",
        };
        let update = Update::default()
            .number("until", block.until_us)
            .number("expires", expires(now_us))
            .set(&format!("{name} = :until"))
            .set("expires = :expires")
            .only_if(&format!("attribute_not_exists({name}) OR {name} < :until"));
        // Refused, a longer wait stands there.
        self.update::<ChatPace>(chat_id(chat), update).await.map(|_| ())
    }

    async fn strikes(&self, message: &str) -> Result<u32, StoreError> {
        let there: Option<Strikes> = self.read(message_id(message)).await?;
        Ok(there.map_or(0, |there| there.strikes))
    }

    async fn strike(&self, message: &str, now_us: i64) -> Result<u32, StoreError> {
        let update = Update::default()
            .number("zero", 0)
            .number("one", 1)
            .number("expires", expires(now_us))
            .set("strikes = if_not_exists(strikes, :zero) + :one")
            .set("expires = :expires");
        let before = match self.update::<Strikes>(message_id(message), update).await? {
            Moved::Done(before) | Moved::Refused(before) => before,
        };
        Ok(before.map_or(0, |before| before.strikes).saturating_add(1))
    }

    async fn forgive(&self, message: &str, now_us: i64) -> Result<(), StoreError> {
        let update = Update::default()
            .number("zero", 0)
            .number("expires", expires(now_us))
            .set("strikes = :zero")
            .set("expires = :expires");
        self.update::<Strikes>(message_id(message), update).await.map(|_| ())
    }
}

const fn expires(now_us: i64) -> i64 {
    now_us.saturating_div(SECOND).saturating_add(KEPT)
}
