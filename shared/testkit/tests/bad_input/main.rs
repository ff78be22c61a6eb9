//! Bad input in every test run: for each way in (`testkit::bad_input`), the kept inputs of `corpus/`
//! are thrown as they are, and then changed at random, from a fixed seed.
//!
//! An input that breaks a promise is written to its corpus, so that it is thrown from then on. The
//! random changes know nothing of the code's branches; the fuzzer in `infra/fuzz`, which finds its
//! way through them, keeps what it finds in the same corpus.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "all of this is a test")]

mod throwing;

use testkit::bad_input::TARGETS;
use throwing::throw;

#[test]
fn no_update_breaks_the_webhook() {
    throw("webhook");
}

#[test]
fn no_body_breaks_the_alerts() {
    throw("alert");
}

#[test]
fn no_text_of_a_chart_breaks_the_alerts() {
    throw("chart");
}

#[test]
fn no_stream_record_breaks_the_relay() {
    throw("stream");
}

#[test]
fn no_queue_record_breaks_the_sender() {
    throw("queue");
}

#[test]
fn every_way_in_has_a_corpus_and_every_corpus_a_way_in() {
    let mut ways = TARGETS.map(|target| target.name.to_owned());
    let mut kept = throwing::corpora();
    ways.sort();
    kept.sort();
    assert_eq!(kept, ways);
}
