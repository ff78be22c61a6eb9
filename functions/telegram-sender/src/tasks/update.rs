//! Posting an update of an alert as an answer to the alert's message.

use domain::alert::{Alert, Delivery};
use domain::ids::ChatId;
use domain::task::Lane;
use domain::texts::{self, Hanging};
use limiter::{Call, Limits};
use queue::Queue;
use startup::Clock;
use store::Store;
use telegram::{CallError, NewMessage, Telegram};

use super::post::Sent;
use crate::{Sender, TaskError};

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Sends an update. Where the alert's message is gone, deleted or left behind in the chat from
    /// which the group moved on, it goes out as a message of its own that names the alert.
    pub(super) async fn send_update(
        &self,
        alert: &Alert,
        number: u32,
        chat: ChatId,
        lane: Lane,
    ) -> Result<Sent, TaskError> {
        let text = |hanging| {
            let update = alert.update(number);
            update.map(|it| texts::update(alert, number, it, hanging)).unwrap_or_default()
        };
        // Numbers count within a chat: in another one, the same number is another message.
        if let Delivery::Sent { message, .. } = alert.post.delivery
            && message.chat == chat
        {
            let mut answer = NewMessage::new(chat, text(Hanging::Reply));
            answer.reply_to = Some(message.id);
            match self.telegram.send_message(&answer).await {
                Err(CallError::ReplyGone) => {
                    tracing::info!("an update stands alone: the alert's message is gone");
                    // The refused call may have counted as a message.
                    if let Some(wait) = self.turn(lane, Call::Message(chat)).await? {
                        return Ok(Sent::NoTurn(wait));
                    }
                }
                answer => return Ok(answer.into()),
            }
        }
        let alone = NewMessage::new(chat, text(Hanging::Alone));
        Ok(self.telegram.send_message(&alone).await.into())
    }
}
