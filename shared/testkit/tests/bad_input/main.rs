//! Bad input: whatever comes from outside is thrown at the real handlers, on the ports in memory.
//!
//! For each of the four ways in, the kept inputs of `corpus/` are replayed as they are and then
//! mutated at random, from a fixed seed. An input that breaks a promise is written to its corpus,
//! so that it is replayed from then on. `BAD_INPUT_SECONDS` makes the random part longer
//! (`make fuzz`) and begins it at another seed each time. The mutation knows nothing of the code's
//! branches.
//!
//! `@service@`, `@subscription@`, `@alert@`, `@group@` and `@person@` in an input stand for what is
//! in the house that it is thrown into.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "all of this is a test"
)]

mod mutation;
mod targets;
mod throwing;

use throwing::throw;

#[test]
fn no_update_breaks_the_webhook() {
    throw("webhook", targets::webhook);
}

#[test]
fn no_body_breaks_the_alerts() {
    throw("alert", targets::alert);
}

#[test]
fn no_stream_record_breaks_the_relay() {
    throw("stream", targets::stream);
}

#[test]
fn no_queue_record_breaks_the_sender() {
    throw("queue", targets::queue);
}
