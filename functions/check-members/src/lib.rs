//! POST /traders/services/{id}/members/reconcile: a trader asks for a check of the members.

use domain::change::{Stored, Why};
use domain::group::Group;
use domain::ids::ServiceId;
use domain::reconcile::{Reconciliation, request_check};
use store::{Store, change, key};
use web::{Call, Problem, Reply, owned_service, views};

/// How often it is tried when others change the check at the same moment.
const TRIES: usize = 5;

/// Begins a check, or answers with the one that is under way.
///
/// # Errors
/// "Not found" when the service is not the caller's; "conflict" when it has no group.
pub async fn handle(store: &impl Store, call: &Call) -> Result<Reply, Problem> {
    let id: ServiceId = call.id()?;
    call.optional_body()?.finish(Some(()))?;
    let service = owned_service(store, call, id).await?.value;
    if !matches!(service.group, Group::Bound(_)) {
        return Err(Problem::no_group());
    }
    let cause = call.by_trader(Why::ReconcileRequested)?;
    let decide = |read: Option<&Stored<Reconciliation>>| {
        let old = read.map(|read| &read.value);
        let next = request_check(old, id, call.now);
        let now = next.clone().or_else(|| old.cloned());
        (next.map(|next| (next, cause.clone())), now)
    };
    let check = change(store, &key::reconciliation(id), TRIES, decide).await?;
    let check = check.ok_or_else(Problem::internal)?;
    Ok(Reply::new(202, views::members_check(&check)))
}
