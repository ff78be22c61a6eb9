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
    // Digits only: Rust would take `+5` for a number, too.
    let number = |text: &String| {
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<usize>().ok()).flatten()
    };
    let limit = match call.query.get("limit").map(number) {
        None => 25,
        Some(Some(limit @ 1..=100)) => limit,
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_page_is_one_of_the_list_or_each_odd_parameter_is_named(
            query in prop::collection::hash_map(
                prop_oneof![Just("limit".to_owned()), Just("next".to_owned()), ".{0,9}"],
                prop_oneof!["[0-9]{0,4}", any::<String>(), Just("+5".to_owned())],
                0..5,
            ),
        ) {
            let read = page_request(&Call { query: query.clone(), ..Call::default() });
            let fits = |text: &String| {
                !text.is_empty()
                    && text.bytes().all(|b| b.is_ascii_digit())
                    && matches!(text.parse(), Ok(1..=100))
            };
            let odd: HashMap<_, _> = query
                .iter()
                .filter(|(name, text)| match name.as_str() {
                    "limit" => !fits(text),
                    name => name != "next",
                })
                .collect();
            match read {
                Ok(page) => {
                    prop_assert!(odd.is_empty(), "{odd:?}");
                    let limit = query.get("limit").map_or(Ok(25), |text| text.parse());
                    prop_assert_eq!(Ok(page.limit), limit);
                    prop_assert_eq!(page.from.map(|from| from.0), query.get("next").cloned());
                }
                Err(problem) => {
                    prop_assert_eq!(problem.faults.len(), odd.len(), "{:?}", problem);
                    for fault in &problem.faults {
                        let name = fault.pointer.strip_prefix('?').map(str::to_owned);
                        prop_assert!(name.is_some_and(|name| odd.contains_key(&name)));
                    }
                }
            }
        }
    }
}
