//! POST /subscriptions: somebody bought.

use domain::change::Why;
use domain::ids::{CustomerId, ServiceId, SubscriptionId, UserId};
use domain::subscription::{Purchase, PurchaseRefusal, Subscription, purchase};
use domain::text::{Email, Reference};
use domain::token::{BotName, LinkKey};
use store::{CommitError, PurchaseDone, Store, UserClaim, Write, key, load};
use web::{
    Call, Fields, Idempotency, IdempotencyKey, Problem, Raw, Reply, parsed, service_for_storefront,
    telegram_user, text, time, views,
};

const ROUTE: &str = "create-subscription";

/// How often it is tried when others change the subscription at the same moment.
const TRIES: usize = 5;

/// Carries out the purchase: a new subscription, or a renewal of the one that there is. No call to
/// Telegram is made, so it works while Telegram does not.
///
/// # Errors
/// A problem that names every value that does not fit.
pub async fn handle(
    store: &impl Store,
    bot: &BotName,
    link_key: &LinkKey,
    call: &Call,
) -> Result<Reply, Problem> {
    let key = call.key()?;
    let bought = bought(call.body()?)?;
    let service = service_for_storefront(store, bought.service).await?.value;
    let paid = bought.payment_ref.as_ref().map(|paid| format!("payment#{}", paid.as_str()));
    let name = key.as_ref().map(IdempotencyKey::as_str).or(paid.as_deref());
    let request = Idempotency::named(call, ROUTE, &service.id.to_string(), name);
    let view = |subscription: &Subscription| {
        views::subscription(subscription, &service, bot, link_key, call.now)
    };
    for _ in 0..TRIES {
        if let Some(done) = request.earlier::<PurchaseDone>(store).await? {
            let status = if done.renewed { 200 } else { 201 };
            return Ok(Reply::new(status, view(&done.subscription)).replayed());
        }
        let id = SubscriptionId::derived(service.id, &bought.purchase.customer);
        let old = load::<Subscription>(store, &id.to_string()).await?;
        let was = old.as_ref().map(|old| &old.value);
        let renewed = was.is_some();
        let next = purchase(&service, was, bought.purchase.clone(), call.now).map_err(refused)?;
        let why = if renewed { Why::Renewed } else { Why::Purchased };
        let cause = call.by_storefront(why);
        let mut writes = vec![Write::put(old.as_ref(), &next, &cause)];
        if let Some(user) = next.user.filter(|_| was.is_none_or(|was| was.user.is_none())) {
            writes.extend(claim(store, &next, user, &cause).await?);
        }
        let done = PurchaseDone { renewed, subscription: next.clone() };
        writes.extend(request.done(done, &cause));
        match store.commit(writes).await {
            Ok(()) => {
                let status = if renewed { 200 } else { 201 };
                return Ok(Reply::new(status, view(&next)));
            }
            Err(CommitError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Problem::contention())
}

/// What the body says.
struct Bought {
    service: ServiceId,
    payment_ref: Option<Reference>,
    purchase: Purchase,
}

fn bought(mut body: Fields<'_>) -> Result<Bought, Problem> {
    let service = body.required("service_id", parsed(str::parse::<ServiceId>));
    let customer = body.required("customer_id", customer);
    let user = body.optional("telegram_user_id", telegram_user);
    let email = body.optional("email", parsed(Email::parse));
    let payment_ref = body.optional("payment_ref", parsed(Reference::parse));
    let ends_at = body.optional("ends_at", time);
    let value = (|| {
        let purchase = Purchase { customer: customer?, user, email, ends_at };
        Some(Bought { service: service?, payment_ref, purchase })
    })();
    body.finish(value)
}

fn customer(raw: Raw<'_>) -> Result<CustomerId, String> {
    CustomerId::parse(&text(raw)?)
        .map_err(|_| "must have 1 to 128 visible characters without spaces".to_owned())
}

/// The account's place in the service, if nobody else has it. Saved together with the
/// subscription, so that two purchases cannot both take it.
async fn claim(
    store: &impl Store,
    subscription: &Subscription,
    user: UserId,
    cause: &domain::change::Cause,
) -> Result<Option<Write>, Problem> {
    let id = key::user(subscription.service, user);
    let held = load::<UserClaim>(store, &id).await?;
    match held.as_ref().and_then(|held| held.value.subscription) {
        Some(holder) if holder == subscription.id => Ok(None),
        Some(_) => Err(Problem::conflict(
            "The Telegram account is linked to another subscription of this service.",
        )),
        None => {
            let (service, id) = (subscription.service, Some(subscription.id));
            let claim = UserClaim { service, user, subscription: id };
            Ok(Some(Write::put(held.as_ref(), &claim, cause)))
        }
    }
}

fn refused(refusal: PurchaseRefusal) -> Problem {
    match refusal {
        PurchaseRefusal::EndsInThePast => Problem::invalid_at("/ends_at", refusal.to_string()),
        PurchaseRefusal::OtherAccount => Problem::conflict(
            "The subscription is linked to another Telegram account. Leave telegram_user_id out \
             to renew it for the account that it has.",
        ),
    }
}
