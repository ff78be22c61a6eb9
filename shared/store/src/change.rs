//! Load, decide, save: the loop that every change of one item is.

use domain::change::{Cause, Stored};

use crate::entity::{Entity, Write, load};
use crate::port::{CommitError, Store};

/// What a decision leads to: what is to be saved, and why (`None`: nothing), and its answer.
pub type Decision<E, T> = (Option<(E, Cause)>, T);

/// Loads an item, decides, saves. When somebody else changed it meanwhile, all is done again on
/// what stands there then, `tries` times at the most. `decide` sees `None` where nothing stands.
///
/// # Errors
/// [`CommitError::Conflict`] when others were quicker each time; or what the store says.
pub async fn change<E: Entity, T>(
    store: &impl Store,
    id: &str,
    tries: usize,
    decide: impl Fn(Option<&Stored<E>>) -> Decision<E, T>,
) -> Result<T, CommitError> {
    for _ in 0..tries {
        let read = load::<E>(store, id).await?;
        let (next, answer) = decide(read.as_ref());
        let Some((next, cause)) = next else { return Ok(answer) };
        match store.commit(vec![Write::put(read.as_ref(), &next, &cause)]).await {
            Err(CommitError::Conflict) => {}
            done => return done.map(|()| answer),
        }
    }
    Err(CommitError::Conflict)
}
