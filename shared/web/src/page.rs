//! Pages: `?limit=` and `?next=`.

use store::Cursor;

use crate::call::Call;
use crate::problem::{Fault, Problem};

/// What page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at the most: 1–100.
    pub limit: usize,
    /// Where it begins.
    pub from: Option<Cursor>,
}

/// Reads the query of a list.
///
/// # Errors
/// A [`Problem`] that names every parameter that does not fit.
pub fn page_request(call: &Call) -> Result<PageRequest, Problem> {
    query_request(call, &[])
}

/// Reads the query of a list that knows other parameters, too; those are the caller's to read.
///
/// # Errors
/// As [`page_request`].
pub fn query_request(call: &Call, also: &[&str]) -> Result<PageRequest, Problem> {
    let mut faults = Vec::new();
    let mut fault = |name: &str, detail: &str| {
        faults.push(Fault { pointer: format!("?{name}"), detail: detail.to_owned() });
    };
    let limit = match call.query.get("limit").map(|text| text.parse::<usize>()) {
        None => 25,
        Some(Ok(limit @ 1..=100)) => limit,
        Some(_) => {
            fault("limit", "must be a whole number from 1 to 100");
            0
        }
    };
    for name in call.query.keys().map(String::as_str) {
        if !matches!(name, "limit" | "next") && !also.contains(&name) {
            fault(name, "is not a parameter that is known here");
        }
    }
    let from = call.query.get("next").map(|text| Cursor(text.clone()));
    if faults.is_empty() { Ok(PageRequest { limit, from }) } else { Err(Problem::invalid(faults)) }
}
