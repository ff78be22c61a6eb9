//! What a test orders of the world itself: faults, blocks and settings.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::errors::{ControlError, ControlResult};
use crate::flood::Block;
use crate::people::{done, read};
use crate::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSettings {
    kick_ms: Option<i64>,
    cut_mark: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBlock {
    chat_id: Option<i64>,
    #[serde(default)]
    methods: Vec<String>,
    seconds: u32,
}

impl World {
    /// Refuses calls with 429 for so long; the answer says what is left.
    pub(crate) fn order_block(&mut self, now: i64, new: NewBlock) -> ControlResult {
        let NewBlock { chat_id, methods, seconds } = new;
        self.flood.block(Block { chat_id, methods, until: now + i64::from(seconds) * 1_000 });
        done()
    }

    /// Changes how the world behaves; what is not named stays.
    pub(crate) fn settle(&mut self, new: NewSettings) -> ControlResult {
        if let Some(ms) = new.kick_ms {
            self.settings.kick_ms = ms;
        }
        if let Some(mark) = new.cut_mark {
            self.settings.cut_mark = mark;
        }
        done()
    }

    pub(crate) fn order_fault(&mut self, body: Value) -> ControlResult {
        const KNOWN: [&str; 10] = [
            "fault",
            "method",
            "chat_id",
            "count",
            "probability",
            "hold_ms",
            "retry_after",
            "code",
            "description",
            "delay_ms",
        ];
        let fields = body.as_object().into_iter().flat_map(serde_json::Map::keys);
        if let Some(name) = fields.into_iter().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(ControlError::new(format!("unknown field `{name}`")));
        }
        let fault = read(body)?;
        let id = self.fresh_id();
        self.faults.order(id, fault)?;
        Ok(json!({ "id": id }))
    }

    /// The short way to the webhook faults: once, unless said otherwise.
    pub(crate) fn order_webhook_fault(&mut self, name: &str, mut body: Value) -> ControlResult {
        if body.is_null() {
            body = json!({});
        }
        if let Some(fields) = body.as_object_mut() {
            fields.insert("fault".to_owned(), json!(name));
            fields.entry("count").or_insert_with(|| json!(1));
        }
        self.order_fault(body)
    }
}
