//! POST /traders/services: a trader makes a service.

use domain::change::Why;
use domain::ids::ServiceId;
use domain::service::{DurationDays, Offer, Service, Settings};
use domain::text::{Description, ServiceName};
use store::{CommitError, Store, Write, load};
use web::{Call, Fields, Idempotency, Problem, Reply, integer, money, parsed, settings, views};

const ROUTE: &str = "create-service";

/// Makes the service.
///
/// # Errors
/// A problem that names every value that does not fit.
pub async fn handle(store: &impl Store, call: &Call) -> Result<Reply, Problem> {
    let trader = call.trader()?;
    let key = call.key()?;
    let request = Idempotency::of(call, ROUTE, trader.as_str())?;
    let offer = offer(call.body()?)?;
    let cause = call.by_trader(Why::ServiceCreated)?;
    if let Some(made) = request.earlier::<Service>(store).await? {
        return Ok(Reply::new(201, views::service(&made, 0)).replayed());
    }
    let id = match &key {
        Some(key) => ServiceId::derived(&trader, key.as_str()),
        None => ServiceId::fresh(call.fresh),
    };
    let service = Service::new(id, trader, offer, call.now);
    let mut writes = vec![Write::create(&service, &cause)];
    writes.extend(request.done(service.clone(), &cause));
    match store.commit(writes).await {
        Ok(()) => Ok(Reply::new(201, views::service(&service, 0))),
        // The same request was carried out a moment ago.
        Err(CommitError::Conflict) => {
            let Some(made) = request.earlier::<Service>(store).await? else {
                // What the key led to stands for ever; what it was asked with, for some days only.
                return Err(match load::<Service>(store, &id.to_string()).await? {
                    Some(_) => Problem::key_reused(),
                    None => Problem::contention(),
                });
            };
            Ok(Reply::new(201, views::service(&made, 0)).replayed())
        }
        Err(error) => Err(error.into()),
    }
}

fn offer(mut body: Fields<'_>) -> Result<Offer, Problem> {
    let name = body.required("name", parsed(ServiceName::parse));
    let description = body.optional("description", parsed(Description::parse));
    // An object that is left out is no fault to `object`.
    if body.raw("price").is_none_or(|raw| raw.get() == "null") {
        body.required("price", Ok);
    }
    let price = body.object("price", money);
    let duration_days = body.required("duration_days", integer(DurationDays::new));
    let chosen = settings(&mut body);
    let value = (|| {
        let settings = chosen.over(Settings::default());
        Some(Offer {
            name: name?,
            description,
            price: price?,
            duration_days: duration_days?,
            settings,
        })
    })();
    body.finish(value)
}
