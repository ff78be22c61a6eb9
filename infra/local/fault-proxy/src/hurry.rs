//! Time goes faster here: what is hidden comes back sooner.

use bytes::Bytes;
use serde_json::Value;

/// What hides a batch (Amazon SQS, `ChangeMessageVisibilityBatch`): the sender does it for as long as
/// it may run.
const HIDE: &str = "ChangeMessageVisibilityBatch";

/// The body of a call as it is forwarded: messages are hidden for `seconds` at most.
pub(crate) fn sooner(operation: &str, body: Bytes, seconds: u32) -> Bytes {
    if operation != HIDE {
        return body;
    }
    let Ok(mut call) = serde_json::from_slice::<Value>(&body) else { return body };
    let entries = call.get_mut("Entries").and_then(Value::as_array_mut);
    for time in entries.into_iter().flatten().filter_map(|it| it.get_mut("VisibilityTimeout")) {
        let most = time.as_u64().map_or(seconds.into(), |given| given.min(seconds.into()));
        *time = most.into();
    }
    Bytes::from(call.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn forwarded(operation: &str, seconds: [u32; 2]) -> Vec<u64> {
        let entries = seconds.map(|time| json!({ "Id": "0", "VisibilityTimeout": time }));
        let body = Bytes::from(json!({ "QueueUrl": "q", "Entries": entries }).to_string());
        let body: Value = serde_json::from_slice(&sooner(operation, body, 10)).unwrap();
        assert_eq!(body["QueueUrl"], "q");
        body["Entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["VisibilityTimeout"].as_u64().unwrap())
            .collect()
    }

    #[test]
    fn a_batch_is_hidden_for_a_shorter_time_and_nothing_else_is_changed() {
        assert_eq!(forwarded(HIDE, [65, 3]), [10, 3]);
        assert_eq!(forwarded("SendMessageBatch", [65, 3]), [65, 3]);
        let odd = Bytes::from_static(b"no JSON");
        assert_eq!(sooner(HIDE, odd.clone(), 10), odd);
    }
}
