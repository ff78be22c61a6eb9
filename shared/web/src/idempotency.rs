//! Requests under an idempotency key: carried out once, answered as often as they are repeated.

use domain::change::Cause;
use jiff::Timestamp;
use store::{Entity, Requested, Store, Write, key, load};

use crate::call::Call;
use crate::problem::Problem;

/// An idempotency key: 1–255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Takes the value of the header `Idempotency-Key`; `None` when it does not fit.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A request, and the key under which its outcome is kept; without one it is carried out each time.
#[derive(Clone)]
pub struct Idempotency {
    under: Option<Under>,
    now: Timestamp,
}

/// Where an outcome is kept, and what the request said.
#[derive(Clone)]
struct Under {
    /// [`store::key::request`].
    id: String,
    fingerprint: String,
}

impl Idempotency {
    /// A request to a route. Its key counts within `scope`: what the request is about, or who sends it.
    ///
    /// # Errors
    /// As [`Call::key`].
    pub fn of(call: &Call, route: &str, scope: &str) -> Result<Self, Problem> {
        let key = call.key()?;
        Ok(Self::named(call, route, scope, key.as_ref().map(IdempotencyKey::as_str)))
    }

    /// A request whose key is not, or not only, in its header.
    pub fn named(call: &Call, route: &str, scope: &str, name: Option<&str>) -> Self {
        let under = name.map(|name| Under {
            id: key::request(route, scope, name),
            fingerprint: call.fingerprint(route),
        });
        Self { under, now: call.now }
    }

    /// Finds what an earlier request under the same key led to.
    ///
    /// # Errors
    /// "Key reused" when that request said something else; or what the store says.
    pub async fn earlier<T>(&self, store: &impl Store) -> Result<Option<T>, Problem>
    where
        Requested<T>: Entity,
    {
        let Some(under) = &self.under else { return Ok(None) };
        match load::<Requested<T>>(store, &under.id).await? {
            None => Ok(None),
            Some(request) if request.value.fingerprint == under.fingerprint => {
                Ok(Some(request.value.outcome))
            }
            Some(_) => Err(Problem::key_reused()),
        }
    }

    /// What keeps the outcome for repetitions, to be saved together with it.
    pub fn done<T>(&self, outcome: T, cause: &Cause) -> Option<Write>
    where
        Requested<T>: Entity,
    {
        let Under { id, fingerprint } = self.under.clone()?;
        Some(Write::create(&Requested { id, fingerprint, outcome, at: self.now }, cause))
    }
}
