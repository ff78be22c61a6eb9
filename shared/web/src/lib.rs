//! What HTTP functions share: reading requests, problems, answers.
//!
//! A handler takes a [`Call`] and gives a [`Reply`] or a [`Problem`]; [`serve()`] is the only place
//! that knows Lambda's types. Status codes live in this crate; the layers below have errors of
//! their own.

#[cfg(test)]
mod bad_input;
mod call;
mod fields;
mod idempotency;
mod lookup;
mod page;
mod problem;
mod serve;
mod settings;
pub mod views;

pub use call::{Call, Gateway};
pub use fields::{Fields, Raw, integer, one_of, parsed, price, telegram_user, text, time, whole};
pub use idempotency::{Idempotency, IdempotencyKey};
pub use lookup::{owned_service, readable, service_for_storefront};
pub use page::{PageRequest, page_request, query_request};
pub use problem::{Fault, Problem, ProblemKind};
pub use serve::{Body, Reply, serve};
pub use settings::{Chosen, alert_format, money, settings};
