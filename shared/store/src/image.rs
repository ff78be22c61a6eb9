//! Rows that have consequences, as records of the domain: what the relay reads from a stream.

use domain::change::{Meta, Record};

use crate::entity::{Entity, decode};
use crate::port::Broken;
use crate::row::Row;
use domain::alert::Alert;
use domain::group::ChatClaim;
use domain::guard::Intruder;
use domain::import::Import;
use domain::link::Link;
use domain::reconcile::Reconciliation;
use domain::service::Service;
use domain::subscription::Subscription;

/// The record behind a row; `None` for rows whose changes have no consequences (claims, requests).
///
/// # Errors
/// [`Broken`] when it does not fit.
pub fn record(row: Row) -> Result<Option<(Record, Meta)>, Broken> {
    Ok(Some(match row.kind.as_str() {
        Service::KIND => {
            let item = decode::<Service>(row)?;
            (Record::Service(Box::new(item.value)), item.meta)
        }
        ChatClaim::KIND => {
            let item = decode::<ChatClaim>(row)?;
            (Record::Chat(item.value), item.meta)
        }
        Subscription::KIND => {
            let item = decode::<Subscription>(row)?;
            (Record::Subscription(Box::new(item.value)), item.meta)
        }
        Alert::KIND => {
            let item = decode::<Alert>(row)?;
            (Record::Alert(Box::new(item.value)), item.meta)
        }
        Link::KIND => {
            let item = decode::<Link>(row)?;
            (Record::Link(item.value), item.meta)
        }
        Reconciliation::KIND => {
            let item = decode::<Reconciliation>(row)?;
            (Record::Check(item.value), item.meta)
        }
        Import::KIND => {
            let item = decode::<Import>(row)?;
            (Record::Import(Box::new(item.value)), item.meta)
        }
        Intruder::KIND => {
            let item = decode::<Intruder>(row)?;
            (Record::Intruder(item.value), item.meta)
        }
        _ => return Ok(None),
    }))
}
