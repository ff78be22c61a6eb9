//! POST /traders/services/{id}/tradingview-url: a trader asks for the address of their charts.
//!
//! Each address carries a number, and only that of the newest works; so a new one replaces the old
//! one in the moment in which it is saved.

use domain::change::Why;
use domain::ids::ServiceId;
use domain::token::{LinkKey, Token};
use serde_json::json;
use store::{ChartUrlMade, CommitError, Store, Write};
use web::{Call, Idempotency, Problem, Reply, owned_service};

const ROUTE: &str = "create-tradingview-url";

/// How often it is tried when others change the service.
const TRIES: usize = 5;

/// Where callers find the API: an address with `{domain}` and `{api}` in it, for the name by which
/// the gateway was called and the id of the API. The function cannot be told either when it is
/// deployed, because the API is made after its functions.
#[derive(Clone, Debug)]
pub struct ApiAddress(String);

impl ApiAddress {
    /// Takes the setting.
    pub const fn new(setting: String) -> Self {
        Self(setting)
    }

    fn of_chart(&self, call: &Call, token: &str) -> String {
        let api = self.0.replace("{domain}", &call.gateway.domain);
        let api = api.replace("{api}", &call.gateway.api);
        format!("{api}/ingest/tradingview/{token}")
    }
}

/// Makes an address, after which the one before is dead.
///
/// # Errors
/// "Not found", "key reused", or what the store says.
pub async fn handle(
    store: &impl Store,
    link_key: &LinkKey,
    address: &ApiAddress,
    call: &Call,
) -> Result<Reply, Problem> {
    let id: ServiceId = call.id()?;
    let request = Idempotency::of(call, ROUTE, &id.to_string())?;
    call.optional_body()?.finish(Some(()))?;
    let reply = |number: u32| {
        let token = Token::Chart { service: id, number }.sign(link_key);
        Reply::new(201, json!({ "url": address.of_chart(call, &token) }))
    };
    let cause = call.by_trader(Why::ChartUrlMade)?;
    for _ in 0..TRIES {
        let service = owned_service(store, call, id).await?;
        if let Some(made) = request.earlier::<ChartUrlMade>(store).await? {
            return Ok(reply(made.number).replayed());
        }
        let next = service.value.with_new_chart_url();
        let number = next.chart_urls;
        let mut writes = vec![Write::update(&service, &next, &cause)];
        writes.extend(request.done(ChartUrlMade { number }, &cause));
        match store.commit(writes).await {
            Ok(()) => return Ok(reply(number)),
            Err(CommitError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Problem::contention())
}
