//! Saves that span several items.

use domain::change::{Actor, Cause, Why};
use domain::group::{ChatClaim, Group, Holder};
use domain::ids::ChatId;
use domain::service::Service;
use jiff::Timestamp;

use crate::entities::key;
use crate::entity::{Write, load};
use crate::port::{CommitError, Store, StoreError};

/// How often a move is tried when others change the same items at the same moment.
const TRIES: usize = 5;

/// How many times one group may have moved. Telegram upgrades a group once; a longer chain is a
/// mistake in the books, and following it must end.
const MOST_MOVES: usize = 4;

/// What a chat is taken for, wherever it has moved to; `None` for a chat that is not in the books.
///
/// # Errors
/// [`StoreError`].
pub async fn holder_of(
    store: &impl Store,
    mut chat: ChatId,
) -> Result<Option<(ChatId, Holder)>, StoreError> {
    for _ in 0..MOST_MOVES {
        match load::<ChatClaim>(store, &key::chat(chat)).await? {
            None => return Ok(None),
            Some(claim) => match claim.value.holder {
                Holder::Moved { to } => chat = to,
                holder @ (Holder::Service { .. } | Holder::Spare { .. }) => {
                    return Ok(Some((chat, holder)));
                }
            },
        }
    }
    Ok(None)
}

/// What became of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// It is noted, or there was nothing to note.
    Noted,
    /// Another service has the new id: its claim stands, and whoever had the old id has lost the
    /// group.
    TakenByAnother,
}

/// Notes that Telegram gave a chat another id: the old id points to the new one, the new one takes
/// its place, and the group in the service goes along, all at once. A move that is noted already,
/// or of a chat that is not in the books, changes nothing.
///
/// # Errors
/// [`CommitError`] when the store cannot be reached, or others got in between each time.
pub async fn chat_moved(
    store: &impl Store,
    from: ChatId,
    to: ChatId,
    by: Actor,
    now: Timestamp,
) -> Result<Move, CommitError> {
    let cause = Cause { at: now, by, why: Why::GroupMigrated };
    for _ in 0..TRIES {
        let old = load::<ChatClaim>(store, &key::chat(from)).await?;
        let Some(old) = old.filter(|_| from != to) else { return Ok(Move::Noted) };
        let new = load::<ChatClaim>(store, &key::chat(to)).await?;
        if let Some(Holder::Service { service: taken }) = new.as_ref().map(|it| &it.value.holder)
            && !matches!(old.value.holder, Holder::Moved { .. })
            && !matches!(&old.value.holder, Holder::Service { service } if service == taken)
        {
            tracing::error!("a group moved to an id that another service has");
            return Ok(Move::TakenByAnother);
        }
        let mut writes = Vec::new();
        let holder = match &old.value.holder {
            Holder::Moved { .. } => return Ok(Move::Noted),
            Holder::Spare { group, .. } => {
                let mut group = group.as_ref().clone();
                group.migrate(to, now);
                old.value.with_spare(group).holder
            }
            Holder::Service { service: id } => {
                let service = load::<Service>(store, &id.to_string()).await?;
                if let Some(service) = service
                    && let Group::Bound(group) = &service.value.group
                    && group.chat == from
                {
                    let mut group = group.clone();
                    group.migrate(to, now);
                    let moved = Service { group: Group::Bound(group), ..service.value.clone() };
                    writes.push(Write::update(&service, &moved, &cause));
                }
                Holder::Service { service: *id }
            }
        };
        let gone = ChatClaim { chat: from, holder: Holder::Moved { to } };
        writes.push(Write::update(&old, &gone, &cause));
        writes.push(Write::put(new.as_ref(), &ChatClaim { chat: to, holder }, &cause));
        match store.commit(writes).await {
            Err(CommitError::Conflict) => {}
            done => return done.map(|()| Move::Noted),
        }
    }
    Err(CommitError::Conflict)
}
