//! GET /traders/services/{id}/subscriptions: the subscriptions of a service, page by page or as a
//! table for a spreadsheet.

mod csv;
mod wanted;

use domain::ids::ServiceId;
use domain::service::Service;
use domain::subscription::Subscription;
use domain::token::{BotName, LinkKey};
use store::{Cursor, List, Store};
use web::{Call, Problem, Reply, owned_service, readable, views};

use wanted::{Format, Wanted};

/// How many parts of the list are looked through for one page, or one table. Where few fit the filter,
/// it can hold fewer than there is room for, and there may be a next one nevertheless.
const LOOKS: usize = 10;
const TABLE_LOOKS: usize = 20;

/// How many subscriptions one table holds; the rest follows by the `Link` header.
const MOST_ROWS: usize = 5_000;

/// How many are read at once for a table.
const AT_ONCE: usize = 500;

/// Answers with a page, newest first, or with a table.
///
/// # Errors
/// "Not found" when the service is not the caller's.
pub async fn handle(
    store: &impl Store,
    bot: &BotName,
    key: &LinkKey,
    call: &Call,
) -> Result<Reply, Problem> {
    let wanted = wanted::wanted(call)?;
    let id: ServiceId = call.id()?;
    let service = owned_service(store, call, id).await?.value;
    match wanted.format {
        Format::Page { limit } => {
            let (found, next) = some(store, &service, &wanted, limit, LOOKS, call).await?;
            let view = |item| views::subscription(item, &service, bot, key, call.now);
            let items = found.iter().map(view).collect();
            Ok(Reply::new(200, views::PageView { items, next: next.map(|cursor| cursor.0) }))
        }
        Format::Table => {
            let (found, next) =
                some(store, &service, &wanted, MOST_ROWS, TABLE_LOOKS, call).await?;
            let link = next.map(|cursor| wanted.next_table(&cursor));
            Ok(Reply::csv(csv::table(&found, call.now), link))
        }
    }
}

/// So many of those that fit, from as many looks at the list at the most.
async fn some(
    store: &impl Store,
    service: &Service,
    wanted: &Wanted,
    most: usize,
    looks: usize,
    call: &Call,
) -> Result<(Vec<Subscription>, Option<Cursor>), Problem> {
    let list = List::SubscriptionsOf(service.id.to_string());
    let (mut found, mut from) = (Vec::new(), wanted.from.clone());
    for _ in 0..looks {
        // Never more than there is room for: a page ends where its last item stands.
        let room = most.saturating_sub(found.len()).min(AT_ONCE);
        let page = store.list(&list, room, from.as_ref()).await?;
        let fits = |it: &Subscription| wanted.fits(it, call.now);
        found.extend(readable::<Subscription>(page.items).into_iter().filter(fits));
        from = page.next;
        if from.is_none() || found.len() >= most {
            break;
        }
    }
    Ok((found, from))
}
