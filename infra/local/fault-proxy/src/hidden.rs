//! Batches that are not hidden anew, although it is said so.
//!
//! The sender hides its batch for as long as it may run. Nobody waits for that in a test: here the
//! queue's own time stands, which the stack has made short. The call cannot be forwarded with another
//! time in it, because its body is signed.

use bytes::Bytes;
use serde_json::{Value, json};

/// What hides a batch.
const HIDE: &str = "ChangeMessageVisibilityBatch";

/// What is answered in the place of AWS (Amazon SQS, `ChangeMessageVisibilityBatch`): every message of
/// the batch is hidden. `None` for any other call.
pub(crate) fn answer(operation: &str, body: &[u8]) -> Option<Bytes> {
    if operation != HIDE {
        return None;
    }
    let call: Value = serde_json::from_slice(body).ok()?;
    let ids = call.get("Entries")?.as_array()?.iter().filter_map(|entry| entry.get("Id"));
    let done: Vec<_> = ids.map(|id| json!({ "Id": id })).collect();
    Some(Bytes::from(json!({ "Successful": done, "Failed": [] }).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_hides_a_batch_is_answered_here() {
        let body = json!({ "QueueUrl": "q", "Entries": [{ "Id": "0" }, { "Id": "1" }] });
        let said = answer(HIDE, body.to_string().as_bytes()).unwrap();
        let said: Value = serde_json::from_slice(&said).unwrap();
        assert_eq!(said, json!({ "Successful": [{ "Id": "0" }, { "Id": "1" }], "Failed": [] }));
        assert_eq!(answer("SendMessageBatch", body.to_string().as_bytes()), None);
        assert_eq!(answer(HIDE, b"no JSON"), None);
    }
}
