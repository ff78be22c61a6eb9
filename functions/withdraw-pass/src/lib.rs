//! DELETE /traders/services/{id}/telegram-group/passes/{pass_id}: a trader takes a guest's pass back.

use domain::change::{Stored, Why};
use domain::guard::Intruder;
use domain::ids::{IntruderId, LinkId, ServiceId, UserId};
use domain::link::{Link, Pass, pass_withdrawn};
use domain::membership;
use domain::subscription::Subscription;
use store::{CommitError, Store, UserClaim, Write, key, load};
use web::{Call, Problem, Reply, owned_service, views};

/// How often it is tried when others change the same things at the same moment.
const TRIES: usize = 5;

/// Takes the pass back. Its holder has to leave, unless they have access by a subscription, or
/// another pass. Twice gives the same answer.
///
/// # Errors
/// "Not found" when there is no such pass in this service.
pub async fn handle(store: &impl Store, call: &Call) -> Result<Reply, Problem> {
    let service: ServiceId = call.id()?;
    let id: LinkId = call.id_named("pass_id")?;
    owned_service(store, call, service).await?;
    for _ in 0..TRIES {
        let link = load::<Link>(store, &key::link(id)).await?;
        let link = link.filter(|link| link.value.service == service);
        let link = link.ok_or_else(Problem::not_found)?;
        let guest = link.value.guest.ok_or_else(Problem::not_found)?;
        let Some(next) = pass_withdrawn(&link.value, call.now) else {
            return Ok(Reply::new(200, views::pass(&link.value)));
        };
        let mut writes = vec![Write::update(&link, &next, &call.by_trader(Why::PassWithdrawn)?)];
        writes.extend(consequences(store, call, &link, guest.user).await?);
        match store.commit(writes).await {
            Err(CommitError::Conflict) => {}
            done => return Ok(done.map(|()| Reply::new(200, views::pass(&next)))?),
        }
    }
    Err(Problem::contention())
}

/// What is saved together with it.
async fn consequences(
    store: &impl Store,
    call: &Call,
    link: &Stored<Link>,
    user: UserId,
) -> Result<Vec<Write>, Problem> {
    let service = link.value.service;
    let cause = call.by_trader(Why::PassWithdrawn)?;
    let pass = load::<Pass>(store, &key::pass(service, user)).await?;
    let pass = pass.filter(|pass| pass.value.link == link.value.id && pass.value.is_valid());
    // They have a newer pass.
    let Some(pass) = pass else { return Ok(Vec::new()) };
    let mut writes = vec![Write::update(&pass, &Pass { withdrawn: true, ..pass.value }, &cause)];
    let claim = load::<UserClaim>(store, &key::user(service, user)).await?;
    match claim.and_then(|claim| claim.value.subscription) {
        Some(id) => {
            let subscription = load::<Subscription>(store, &id.to_string()).await?;
            if let Some(read) = subscription
                && let Some(next) = membership::pass_withdrawn(&read.value, call.now)
            {
                writes.push(Write::update(&read, &next, &cause));
            }
        }
        None => {
            let old = load::<Intruder>(store, &key::intruder(service, user)).await?;
            let found = match &old {
                Some(old) => old.value.found_again(call.now),
                None => Intruder::found(IntruderId::fresh(call.fresh), service, user, call.now),
            };
            let seen = call.by_trader(Why::IntruderSeen)?;
            writes.push(Write::put(old.as_ref(), &found.who_must_leave(), &seen));
        }
    }
    Ok(writes)
}
