//! The fault proxy, told what to do.

use serde_json::{Value, json};
use stories::{Stack, Trouble};

/// The fault proxy of a stack.
pub(crate) struct Weather<'a> {
    stack: &'a Stack,
}

impl<'a> Weather<'a> {
    pub(crate) const fn of(stack: &'a Stack) -> Self {
        Self { stack }
    }

    /// Nothing goes wrong.
    pub(crate) async fn calm(&self) -> Result<(), Trouble> {
        self.set(&json!({})).await
    }

    /// About one call in six to AWS goes wrong or comes late, one in three to Telegram, one in four
    /// to the API; for half a second in every four, every call of some operation fails; and every
    /// two seconds a function is killed. More, and hardly anything would ever get to the places in
    /// which it is interesting that something goes wrong.
    pub(crate) async fn storm(&self, seed: u64) -> Result<(), Trouble> {
        self.set(&json!({
            "seed": seed,
            "aws": { "drop_before": 0.02, "drop_after": 0.03, "refuse": 0.03,
                     "delay": 0.08, "delay_ms": 150 },
            "telegram": { "drop_before": 0.05, "drop_after": 0.07, "refuse": 0.05,
                          "delay": 0.15, "delay_ms": 400 },
            "api": { "drop_before": 0.05, "drop_after": 0.06, "refuse": 0.04,
                     "delay": 0.10, "delay_ms": 200 },
            "gusts": { "every_ms": 4_000, "last_ms": 500 },
            "kills": { "every_ms": 2_000 },
        }))
        .await
    }

    /// What the proxy did so far.
    pub(crate) async fn report(&self) -> Result<Value, Trouble> {
        let url = format!("{}/report", self.stack.address("faults_control"));
        Ok(self.stack.http().get(url).send().await?.error_for_status()?.json().await?)
    }

    async fn set(&self, weather: &Value) -> Result<(), Trouble> {
        let url = format!("{}/weather", self.stack.address("faults_control"));
        self.stack.http().post(url).json(weather).send().await?.error_for_status()?;
        Ok(())
    }
}

/// A sum over one of the report's lists.
pub(crate) fn count(report: &Value, list: &str) -> u64 {
    let counts = report.get(list).and_then(Value::as_array).into_iter().flatten();
    counts.filter_map(|it| it.get("count").and_then(Value::as_u64)).sum()
}
