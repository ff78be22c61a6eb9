//! POST /subscriptions/{id}/relink: a subscription is moved to another Telegram account.

use domain::change::{Stored, Why};
use domain::guard::Intruder;
use domain::ids::{IntruderId, SubscriptionId, UserId};
use domain::subscription::{RelinkRefusal, Subscription, relink};
use domain::token::{BotName, LinkKey};
use store::{CommitError, Store, UserClaim, Write, key, load};
use web::{Call, Idempotency, Problem, Reply, service_for_storefront, views};

const ROUTE: &str = "relink-subscription";

/// How often it is tried when others change the subscription at the same moment.
const TRIES: usize = 5;

/// Takes the Telegram account away and answers with a new claim link; earlier ones are void. The old
/// account gives up its place and has to leave, all at once. Without an account, only the link is
/// new: for one that came into the wrong hands.
///
/// # Errors
/// "Not found" for what is not there; "conflict" when the subscription has ended.
pub async fn handle(
    store: &impl Store,
    bot: &BotName,
    link_key: &LinkKey,
    call: &Call,
) -> Result<Reply, Problem> {
    let id: SubscriptionId = call.id()?;
    let request = Idempotency::of(call, ROUTE, &id.to_string())?;
    call.optional_body()?.finish(Some(()))?;
    for _ in 0..TRIES {
        let read = load::<Subscription>(store, &id.to_string()).await?;
        let read = read.ok_or_else(Problem::not_found)?;
        let service = service_for_storefront(store, read.value.service).await?.value;
        let view = |it: &Subscription| views::subscription(it, &service, bot, link_key, call.now);
        if let Some(done) = request.earlier::<Subscription>(store).await? {
            return Ok(Reply::new(200, view(&done)).replayed());
        }
        let (next, old) = relink(&read.value, call.now).map_err(refused)?;
        let cause = call.by_storefront(Why::Relinked);
        let mut writes = vec![Write::update(&read, &next, &cause)];
        if let Some(user) = old {
            writes.extend(leaves(store, call, &read, user).await?);
        }
        writes.extend(request.done(next.clone(), &cause));
        match store.commit(writes).await {
            Err(CommitError::Conflict) => {}
            done => return Ok(done.map(|()| Reply::new(200, view(&next)))?),
        }
    }
    Err(Problem::contention())
}

/// The old account gives up its place, and has to leave unless it has another right to be inside.
async fn leaves(
    store: &impl Store,
    call: &Call,
    read: &Stored<Subscription>,
    user: UserId,
) -> Result<Vec<Write>, Problem> {
    let service = read.value.service;
    let mut writes = Vec::new();
    let claim = load::<UserClaim>(store, &key::user(service, user)).await?;
    if let Some(claim) = claim.filter(|it| it.value.subscription == Some(read.value.id)) {
        let free = UserClaim { subscription: None, ..claim.value.clone() };
        let cause = call.by_storefront(Why::AccountReleased);
        writes.push(Write::update(&claim, &free, &cause));
    }
    let old = load::<Intruder>(store, &key::intruder(service, user)).await?;
    let found = match &old {
        Some(old) => old.value.found_again(call.now),
        None => Intruder::found(IntruderId::fresh(call.fresh), service, user, call.now),
    };
    let seen = call.by_storefront(Why::IntruderSeen);
    writes.push(Write::put(old.as_ref(), &found.who_must_leave(), &seen));
    Ok(writes)
}

fn refused(refusal: RelinkRefusal) -> Problem {
    match refusal {
        RelinkRefusal::Ended => Problem::conflict(
            "The subscription has ended. Renew it first; then it can be moved to another account.",
        ),
    }
}
