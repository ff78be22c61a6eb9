//! What the query asks for.

use domain::relay;
use domain::subscription::{Status, Subscription};
use jiff::Timestamp;
use store::Cursor;
use web::{Call, Fault, Problem, query_request};

/// How the list is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A page.
    Page {
        /// With so many items at the most.
        limit: usize,
    },
    /// A table for a spreadsheet.
    Table,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) format: Format,
    pub(crate) from: Option<Cursor>,
    status: Option<Status>,
    membership: Option<&'static str>,
}

const STATUSES: [(&str, Status); 3] =
    [("active", Status::Active), ("cancelled", Status::Cancelled), ("expired", Status::Expired)];

const MEMBERSHIPS: [(&str, &str); 4] =
    [("invited", "invited"), ("joined", "joined"), ("leaving", "leaving"), ("removed", "removed")];

/// Reads the query, and the `Accept` header.
pub(crate) fn wanted(call: &Call) -> Result<Wanted, Problem> {
    let mut faults = Vec::new();
    let accepts = call.headers.get("accept").map(String::as_str).unwrap_or_default();
    let first = accepts.split([',', ';']).next().unwrap_or_default().trim();
    let by_header = first.eq_ignore_ascii_case("text/csv");
    let format = one_of(call, &mut faults, "format", &[("json", false), ("csv", true)]);
    let is_table = format.unwrap_or(by_header);
    let status = one_of(call, &mut faults, "status", &STATUSES);
    let membership = one_of(call, &mut faults, "membership", &MEMBERSHIPS);
    if is_table && call.query.contains_key("limit") {
        faults.push(fault("limit", "does not go with a table"));
    }
    let page = match query_request(call, &["format", "status", "membership"]) {
        Ok(page) => page,
        Err(mut problem) => {
            faults.append(&mut problem.faults);
            return Err(Problem::invalid(faults));
        }
    };
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let format = if is_table { Format::Table } else { Format::Page { limit: page.limit } };
    Ok(Wanted { format, from: page.from, status, membership })
}

fn fault(name: &str, detail: impl Into<String>) -> Fault {
    Fault { pointer: format!("?{name}"), detail: detail.into() }
}

fn one_of<T: Copy>(
    call: &Call,
    faults: &mut Vec<Fault>,
    name: &str,
    words: &[(&str, T)],
) -> Option<T> {
    let given = call.query.get(name)?;
    let found = words.iter().find(|(word, _)| word == given).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        faults.push(fault(name, format!("must be one of {}", names.join(", "))));
    }
    found
}

impl Wanted {
    /// Whether a subscription is among those that are asked for.
    pub(crate) fn fits(&self, it: &Subscription, now: Timestamp) -> bool {
        self.status.is_none_or(|status| it.status_at(now) == status)
            && self.membership.is_none_or(|name| relay::membership(&it.membership) == name)
    }

    /// The query that leads to the rest of a table.
    pub(crate) fn next_table(&self, next: &Cursor) -> String {
        let mut query = format!("?format=csv&next={}", next.0);
        if let Some(status) = self.status
            && let Some((name, _)) = STATUSES.iter().find(|(_, it)| *it == status)
        {
            query.push_str(&format!("&status={name}"));
        }
        if let Some(name) = self.membership {
            query.push_str(&format!("&membership={name}"));
        }
        query
    }
}
