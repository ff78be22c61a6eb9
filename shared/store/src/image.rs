//! Rows that have consequences, as records of the domain: what the relay reads from a stream.

use domain::change::{Meta, Record};

use crate::entity::{Entity, item};
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
pub fn record(row: &Row) -> Result<Option<(Record, Meta)>, Broken> {
    let record = match row.kind.as_str() {
        Service::KIND => Record::Service(Box::new(item(row)?)),
        ChatClaim::KIND => Record::Chat(item(row)?),
        Subscription::KIND => Record::Subscription(Box::new(item(row)?)),
        Alert::KIND => Record::Alert(Box::new(item(row)?)),
        Link::KIND => Record::Link(item(row)?),
        Reconciliation::KIND => Record::Check(item(row)?),
        Import::KIND => Record::Import(Box::new(item(row)?)),
        Intruder::KIND => Record::Intruder(item(row)?),
        _ => return Ok(None),
    };
    Ok(Some((record, row.meta.clone())))
}
