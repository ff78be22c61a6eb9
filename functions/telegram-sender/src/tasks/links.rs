//! Revoking a guest's link once its guest is in.

use domain::change::Why;
use domain::ids::LinkId;
use domain::link::{Link, LinkState};
use domain::task::Lane;
use limiter::{Call, Limits};
use queue::Queue;
use startup::Clock;
use store::{CommitError, Store, Write, key, load};
use telegram::{CallError, Telegram};

use super::back_off;
use crate::trouble::Trouble;
use crate::{Outcome, Sender, TaskError, because};

impl<S: Store, Q: Queue, L: Limits, T: Telegram, C: Clock> Sender<S, Q, L, T, C> {
    /// Revokes a link that was used.
    pub(super) async fn revoke_link(&self, id: LinkId, lane: Lane) -> Result<Outcome, TaskError> {
        let Some(read) = load::<Link>(&self.store, &key::link(id)).await? else {
            return Ok(Outcome::Done);
        };
        let (LinkState::Used { .. }, Some(url)) = (&read.value.state, &read.value.url) else {
            return Ok(Outcome::Done);
        };
        let Some((_, group)) = self.group_of(read.value.service).await? else {
            return Ok(Outcome::Done);
        };
        let call = Call::About(group.chat);
        if let Some(wait) = self.turn(lane, call).await? {
            return Ok(Outcome::Later(wait));
        }
        match self.telegram.revoke_invite_link(group.chat, url.as_str()).await {
            Ok(()) | Err(CallError::AlreadySo) => {}
            Err(error) => match self.trouble(error, call).await? {
                Trouble::Wait(wait) => return Ok(Outcome::Later(wait)),
                Trouble::Passing(_) => return Ok(Outcome::Later(back_off(3))),
                // Due again by the sweep, when the rights may be back.
                Trouble::Hands(_) => return Ok(Outcome::Done),
                Trouble::Answer(error) => {
                    tracing::warn!(cause = %error, "a used link could not be revoked");
                }
            },
        }
        let now = self.clock.now();
        let revoked = Link { state: LinkState::Revoked, ..read.value.clone() };
        let write = Write::update(&read, &revoked, &because(Why::LinkRevoked, now));
        match self.store.commit(vec![write]).await {
            Err(CommitError::Conflict) => Ok(Outcome::Later(back_off(0))),
            done => {
                done?;
                Ok(Outcome::Done)
            }
        }
    }
}
