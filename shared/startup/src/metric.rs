//! Figures of our own, told by a line in the log (Amazon CloudWatch, "Embedded metric format"): no call
//! and no further service.

use std::io::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

/// The name space of all figures.
const NAME_SPACE: &str = "Usher";

/// Tells a figure, counted by this function. It stands on a line of its own, as JSON, and not in a
/// field of another line: CloudWatch reads nothing else.
pub fn count(function: &str, name: &str, value: usize, now: Timestamp) {
    let line = line(function, name, value, now);
    if writeln!(std::io::stdout(), "{line}").is_err() {
        tracing::warn!(name, "a figure could not be told");
    }
}

fn line(function: &str, name: &str, value: usize, now: Timestamp) -> Value {
    let metric = json!({
        "Namespace": NAME_SPACE,
        "Dimensions": [["FunctionName"]],
        "Metrics": [{ "Name": name, "Unit": "Count" }],
    });
    json!({
        "_aws": { "Timestamp": now.as_millisecond(), "CloudWatchMetrics": [metric] },
        "FunctionName": function,
        name: value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_told_as_cloudwatch_reads_it() {
        let line = line("sweep", "SpareGroups", 3, Timestamp::UNIX_EPOCH);
        assert_eq!(line["SpareGroups"], 3);
        assert_eq!(line["_aws"]["Timestamp"], 0);
        let metric = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(
            (&metric["Namespace"], &metric["Metrics"][0]["Name"]),
            (&json!("Usher"), &json!("SpareGroups"))
        );
        // Each dimension is a field of the line.
        for name in metric["Dimensions"][0].as_array().unwrap() {
            assert!(line.get(name.as_str().unwrap()).is_some());
        }
    }
}
