//! PATCH /traders/services/{id}: a trader changes a service.

use domain::change::Why;
use domain::ids::ServiceId;
use domain::service::{DurationDays, Revision, revise};
use domain::text::{Description, ServiceName};
use store::{CommitError, Count, Store, Write};
use web::{Call, Fields, Problem, Reply, integer, money, owned_service, parsed, settings, views};

/// How often a change is tried when others change the service at the same moment.
const TRIES: usize = 4;

/// Changes what the body names and leaves the rest.
///
/// # Errors
/// A problem that names every value that does not fit.
pub async fn handle(store: &impl Store, call: &Call) -> Result<Reply, Problem> {
    let id: ServiceId = call.id()?;
    let revision = revision(call.body()?)?;
    let cause = call.by_trader(Why::ServiceRevised)?;
    for _ in 0..TRIES {
        let read = owned_service(store, call, id).await?;
        let revised = revise(&read.value, revision.clone(), call.now);
        if revised != read.value {
            match store.commit(vec![Write::update(&read, &revised, &cause)]).await {
                Err(CommitError::Conflict) => continue,
                done => done?,
            }
        }
        let active = Count::Active { service: id.to_string(), now: call.now };
        let active = store.count(&active, usize::MAX).await?;
        return Ok(Reply::new(200, views::service(&revised, active)));
    }
    Err(Problem::contention())
}

fn revision(mut body: Fields<'_>) -> Result<Revision, Problem> {
    let name = body.optional("name", parsed(ServiceName::parse));
    // `null` takes the description away; left out, it stays.
    let clears = body.raw("description").is_some_and(|raw| raw.get() == "null");
    let description = body.optional("description", parsed(Description::parse));
    let price = body.object("price", money);
    let duration_days = body.optional("duration_days", integer(DurationDays::new));
    let chosen = settings(&mut body);
    body.finish(Some(Revision {
        name,
        description: if clears { Some(None) } else { description.map(Some) },
        price,
        duration_days,
        alert_format: chosen.alert_format,
        guard: chosen.guard,
        grace_hours: chosen.grace_hours,
        reminder_hours: chosen.reminder_hours,
    }))
}
