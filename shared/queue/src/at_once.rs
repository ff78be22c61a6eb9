//! The quick way from a save to what follows from it.

use domain::task::Task;

use crate::port::{Outgoing, Queue};

/// Sends what follows from something that was just saved. The relay sends the same messages again
/// under the same keys; so when the queue cannot be reached at this moment, they are a little later,
/// not lost.
pub async fn send_at_once(queue: &impl Queue, messages: Vec<(String, Task)>) {
    let messages: Vec<_> = messages.into_iter().map(|(key, task)| Outgoing { key, task }).collect();
    if let Err(error) = queue.send(&messages).await {
        tracing::warn!(cause = %error, "something goes by the relay: the queue did not take it");
    }
}
