//! The client against a small server of its own, and the reader against whatever may come.

mod classification;
mod failures;
mod reading;
mod requests;
mod server;
