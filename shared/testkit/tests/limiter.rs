//! The limiter over its table: processes with clocks of their own, and what is done between a turn
//! and its call.
#![expect(clippy::unwrap_used, clippy::panic, reason = "all of this is a test")]

use std::sync::atomic::{AtomicI64, Ordering};

use domain::ids::ChatId;
use domain::pace::Claim;
use futures::future::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use limiter::{Call, Limiter, Limits as _, Pass};
use proptest::prelude::*;
use startup::Clock;
use testkit::house::BEGIN;
use testkit::{MemoryLimits, VirtualClock, conformance};

#[test]
fn the_limits_in_memory_conform() {
    conformance::limits(&MemoryLimits::default()).now_or_never().unwrap();
}

/// A clock that is wrong by so many microseconds, over the true time.
struct Wrong<'t>(&'t AtomicI64, i64);

impl Clock for Wrong<'_> {
    fn now(&self) -> Timestamp {
        let us = self.0.load(Ordering::Relaxed) + self.1;
        BEGIN + SignedDuration::from_micros(us)
    }

    async fn sleep_until(&self, _: Timestamp) {
        panic!("whoever takes a turn waits for it themself");
    }
}

/// The most calls within any second, of true times in microseconds.
fn most_in_a_second(mut calls: Vec<i64>) -> usize {
    calls.sort_unstable();
    let within =
        |from: i64| calls.iter().filter(|at| (from..from + 1_000_000).contains(*at)).count();
    calls.iter().map(|from| within(*from)).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Clocks that are minutes apart: once everybody has taken part, which they do while little is
    /// going on, the limit holds, and nobody waits for the difference of their clocks.
    #[test]
    fn whoever_lags_learns_it_from_the_table(
        clocks in prop::collection::vec(-300_000_000_i64..300_000_000, 2..7),
        comes in prop::collection::vec((0_i64..120_000, 0_usize..7, any::<bool>(), 1_usize..12), 50..250),
    ) {
        let (limits, time) = (MemoryLimits::default(), AtomicI64::new(0));
        let processes: Vec<_> = clocks
            .iter()
            .map(|wrong| (Limiter::new(limits.clone()), Wrong(&time, *wrong)))
            .collect();
        let take = |who: usize, claim, wanted| {
            let (limiter, clock) = &processes[who % processes.len()];
            match limiter.take(claim, wanted, clock).now_or_never().unwrap().unwrap() {
                Pass::Turns(turns) => turns
                    .into_iter()
                    .map(|turn| turn.at.duration_since(BEGIN).as_micros() as i64 - clock.1)
                    .collect(),
                Pass::NotBefore(_) => Vec::new(),
            }
        };
        for who in 0..processes.len() {
            time.fetch_add(400_000, Ordering::Relaxed);
            take(who, Claim::Housekeeping, 1);
        }
        // Soon after each other, as busy senders do all the time: twice, so that everybody comes
        // once after the one whose clock is furthest ahead.
        for who in (0..processes.len()).chain(0..processes.len()) {
            time.fetch_add(10_000, Ordering::Relaxed);
            take(who, Claim::Alerts, 1);
        }
        time.fetch_add(2_000_000, Ordering::Relaxed);
        let mut calls = Vec::new();
        for (step, who, urgent, wanted) in comes {
            let now = time.fetch_add(step, Ordering::Relaxed) + step;
            let claim = if urgent { Claim::Alerts } else { Claim::Housekeeping };
            for at in take(who, claim, wanted) {
                prop_assert!(at - now < 9_000_000, "no turn is further away than eight seconds");
                calls.push(at.max(now));
            }
        }
        prop_assert!(most_in_a_second(calls) <= 30);
    }
}

const CHAT: ChatId = ChatId::new(-1_001);

fn taken(
    limiter: &Limiter<MemoryLimits>,
    clock: &VirtualClock,
    wanted: usize,
) -> Vec<limiter::Turn> {
    match clock.run(limiter.take(Claim::Alerts, wanted, clock)).unwrap() {
        Pass::Turns(turns) => turns,
        Pass::NotBefore(at) => panic!("not before {at}"),
    }
}

/// A turn more than 3 s ahead, after which the bot was blocked from its first second on; and the
/// limiter of whoever took it.
fn a_far_turn_before_a_block_of(
    seconds: u32,
    call: fn(ChatId) -> Call,
) -> (VirtualClock, Limiter<MemoryLimits>, limiter::Turn) {
    let (limits, clock) = (MemoryLimits::default(), VirtualClock::at(BEGIN));
    let (one, other) = (Limiter::new(limits.clone()), Limiter::new(limits));
    for _ in 0..10 {
        taken(&one, &clock, 10);
    }
    let far = taken(&one, &clock, 1).remove(0);
    assert!(far.at > BEGIN + SignedDuration::from_secs(3));
    clock.move_to(BEGIN + SignedDuration::from_secs(1));
    for chat in 1..=3 {
        clock.run(other.told_to_wait(call(ChatId::new(-1_000 - chat)), seconds, &clock)).unwrap();
    }
    (clock, one, far)
}

#[test]
fn a_turn_that_was_taken_ahead_is_looked_at_again_after_a_block_that_came_meanwhile() {
    let (clock, one, far) = a_far_turn_before_a_block_of(60, Call::About);
    clock.move_to(far.at);
    assert!(!clock.run(one.stands(&far, &clock)).unwrap());
    let Pass::NotBefore(at) = clock.run(one.take(Claim::Alerts, 1, &clock)).unwrap() else {
        panic!("the bot is blocked");
    };
    assert_eq!(at, BEGIN + SignedDuration::from_secs(61));
    clock.move_to(at);
    assert!(clock.run(one.stands(&taken(&one, &clock, 1)[0], &clock)).unwrap());
}

#[test]
fn a_turn_that_was_booked_beyond_the_end_of_a_block_is_void() {
    let (clock, one, far) = a_far_turn_before_a_block_of(1, Call::Message);
    // The wait is over, and the turns begin anew: this one would meet those of others.
    clock.move_to(far.at);
    assert!(!clock.run(one.stands(&far, &clock)).unwrap());
    assert!(clock.run(one.stands(&taken(&one, &clock, 1)[0], &clock)).unwrap());
}

#[test]
fn a_turn_that_comes_at_once_costs_one_write_and_no_look() {
    let (limits, clock) = (MemoryLimits::default(), VirtualClock::at(BEGIN));
    let limiter = Limiter::new(limits.clone());
    for _ in 0..5 {
        let turn = taken(&limiter, &clock, 1)[0];
        clock.move_to(turn.at);
        assert!(clock.run(limiter.stands(&turn, &clock)).unwrap());
    }
    assert_eq!(limits.writes(), 5);
}

#[test]
fn messages_that_go_out_meanwhile_are_seen() {
    let (limits, clock) = (MemoryLimits::default(), VirtualClock::at(BEGIN));
    let limiter = Limiter::new(limits.clone());
    let call = Call::Message(CHAT);
    let looked = clock.run(limiter.look(call, &clock)).unwrap();
    assert_eq!(looked.free_at, BEGIN);
    for _ in 0..3 {
        assert_eq!(clock.run(limiter.take_chat(CHAT, looked.clone(), &clock)).unwrap(), Ok(()));
    }
    let fourth = clock.run(limiter.take_chat(CHAT, looked, &clock)).unwrap().unwrap_err();
    assert_eq!(fourth.free_at, BEGIN + SignedDuration::from_millis(3_150));
}

#[test]
fn a_wait_of_a_chat_is_kept_for_its_kind_of_call() {
    let (limits, clock) = (MemoryLimits::default(), VirtualClock::at(BEGIN));
    let limiter = Limiter::new(limits.clone());
    clock.run(limiter.told_to_wait(Call::About(CHAT), 86_400, &clock)).unwrap();
    let free = |call| clock.run(limiter.look(call, &clock)).unwrap().free_at;
    assert_eq!(free(Call::About(CHAT)), BEGIN + SignedDuration::from_hours(24));
    assert_eq!(free(Call::Message(CHAT)), BEGIN);
    assert_eq!(free(Call::About(ChatId::new(-1_002))), BEGIN);
    assert_eq!(clock.run(limits.bot()).unwrap().unwrap().blocked_us, 0);
}
