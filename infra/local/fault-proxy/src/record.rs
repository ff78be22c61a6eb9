//! What was done, for the report.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fate::Fate;
use crate::operation::Way;

/// How much of the story is kept.
const LONGEST: usize = 20_000;

/// Counts, and what happened in its order.
#[derive(Debug, Default)]
pub(crate) struct Record {
    calls: BTreeMap<(Way, String), u64>,
    faults: BTreeMap<(Way, String, &'static str), u64>,
    kills: BTreeMap<(String, &'static str), u64>,
    story: Vec<Value>,
}

#[expect(clippy::disallowed_methods, reason = "the story is laid beside those of others")]
fn now() -> Timestamp {
    Timestamp::now()
}

impl Record {
    pub(crate) fn call(&mut self, way: Way, operation: &str) {
        *self.calls.entry((way, operation.to_owned())).or_default() += 1;
    }

    pub(crate) fn fault(&mut self, way: Way, operation: &str, fate: Fate) {
        let name = fate.name();
        *self.faults.entry((way, operation.to_owned(), name)).or_default() += 1;
        self.tell(json!({ "at": now(), "way": way.name(), "operation": operation, "fault": name }));
    }

    /// A function was killed, in which moment.
    pub(crate) fn kill(&mut self, function: String, moment: &'static str, operation: &str) {
        self.tell(json!({
            "at": now(), "function": function, "fault": moment, "operation": operation,
        }));
        *self.kills.entry((function, moment)).or_default() += 1;
    }

    fn tell(&mut self, line: Value) {
        if self.story.len() < LONGEST {
            self.story.push(line);
        }
    }

    pub(crate) fn report(&self) -> Value {
        let calls = self.calls.iter().map(|((way, operation), count)| {
            json!({ "way": way.name(), "operation": operation, "count": count })
        });
        let faults = self.faults.iter().map(|((way, operation, fault), count)| {
            json!({ "way": way.name(), "operation": operation, "fault": fault, "count": count })
        });
        let kills = self.kills.iter().map(|((function, moment), count)| {
            json!({ "function": function, "moment": moment, "count": count })
        });
        json!({
            "calls": calls.collect::<Vec<_>>(), "faults": faults.collect::<Vec<_>>(),
            "kills": kills.collect::<Vec<_>>(), "story": self.story,
        })
    }
}
