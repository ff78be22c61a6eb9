//! The arithmetic of flood limits.

use super::*;

const BOT: i64 = 100;
const GROUP: i64 = -1_001_000_000_001;

fn with(rules: FloodRules) -> Flood {
    let mut flood = Flood::default();
    flood.set(rules);
    flood
}

fn message(flood: &mut Flood, now: i64) -> Result<(), u32> {
    flood.admit(now, BOT, Some(GROUP), "sendMessage", Cost::Message)
}

fn kick(flood: &mut Flood, now: i64) -> Result<(), u32> {
    flood.admit(now, BOT, Some(GROUP), "unbanChatMember", Cost::Call)
}

fn look(flood: &mut Flood, now: i64) -> Result<(), u32> {
    flood.admit(now, BOT, Some(GROUP), "getChatMember", Cost::Free)
}

#[test]
fn a_short_burst_passes_and_then_one_a_second() {
    let mut flood = Flood::default();
    for _ in 0..5 {
        assert_eq!(message(&mut flood, 0), Ok(()));
    }
    assert_eq!(message(&mut flood, 0), Err(1));
    assert_eq!(message(&mut flood, 999), Err(1));
    assert_eq!(message(&mut flood, 1_000), Ok(()));
}

#[test]
fn the_twenty_first_message_in_a_minute_waits_until_the_first_is_a_minute_old() {
    let mut flood = Flood::default();
    for i in 0..20 {
        assert_eq!(message(&mut flood, i * 1_000), Ok(()));
    }
    assert_eq!(message(&mut flood, 20_000), Err(40));
    assert_eq!(message(&mut flood, 60_000), Ok(()));
}

#[test]
fn a_bucket_of_one_per_three_seconds_with_a_burst_of_twenty_breaks_the_window() {
    let mut flood = with(FloodRules { chat_burst: 100, ..FloodRules::default() });
    let sent: Vec<i64> = (0..20).map(|_| 0).chain((1..20).map(|i| i * 3_000)).collect();
    let refused = sent.iter().filter(|at| message(&mut flood, **at).is_err()).count();
    assert_eq!(refused, 19);
    let mut flood =
        with(FloodRules { mode: FloodMode::TokenBucket, chat_burst: 100, ..FloodRules::default() });
    assert!(sent.iter().all(|at| message(&mut flood, *at).is_ok()));
}

#[test]
fn one_per_four_seconds_with_a_burst_of_five_keeps_the_window() {
    let mut flood = Flood::default();
    let sent: Vec<i64> = (0..5).map(|_| 0).chain((1..200).map(|i| i * 4_000)).collect();
    assert!(sent.iter().all(|at| message(&mut flood, *at).is_ok()));
}

#[test]
fn thirty_calls_a_second_for_the_whole_bot_membership_calls_included() {
    let mut flood = Flood::default();
    for chat in 0..15 {
        let chat = Some(-2_001 - chat);
        assert_eq!(flood.admit(0, BOT, chat, "sendMessage", Cost::Message), Ok(()));
        assert_eq!(flood.admit(0, BOT, chat, "unbanChatMember", Cost::Call), Ok(()));
    }
    assert_eq!(kick(&mut flood, 500), Err(1));
    assert_eq!(look(&mut flood, 500), Ok(()));
    assert_eq!(kick(&mut flood, 1_000), Ok(()));
}

#[test]
fn a_hidden_limit_is_lower_and_can_ask_for_a_long_wait() {
    let mut flood = with(FloodRules {
        hidden_group_per_minute: Some(3),
        retry_after: Some(10_072),
        ..FloodRules::default()
    });
    for i in 0..3 {
        assert_eq!(message(&mut flood, i * 2_000), Ok(()));
    }
    assert_eq!(message(&mut flood, 8_000), Err(10_072));
}

/// How many of the calls pass that come every so many milliseconds.
fn passed(flood: &mut Flood, times: impl Iterator<Item = i64>) -> usize {
    times.filter(|at| kick(flood, *at).is_ok()).count()
}

#[test]
fn a_bucket_for_the_bot_gives_a_burst_and_then_fills_evenly() {
    let rules = FloodRules { mode: FloodMode::TokenBucket, ..FloodRules::default() };
    let mut flood = with(rules.clone());
    assert_eq!(passed(&mut flood, (0..40).map(|_| 0)), 30);
    // A second later it is full again: 60 within a second, which no sliding window lets through.
    assert_eq!(passed(&mut flood, (0..40).map(|_| 999)), 29);
    let mut shallow = with(FloodRules { bot_burst: Some(5), ..rules });
    assert_eq!(passed(&mut shallow, (0..40).map(|_| 0)), 5);
    assert_eq!(passed(&mut shallow, (1..=300).map(|i| i * 10)), 90, "thirty a second, evenly");
}

#[test]
fn a_lower_limit_for_the_bot_can_come_in_secret_while_it_works() {
    let mut flood = Flood::default();
    let steady = |second: i64| (0..27).map(move |i| second * 1_000 + i * 37);
    assert_eq!(passed(&mut flood, steady(0)), 27);
    flood.set(FloodRules { hidden_bot_per_second: Some(25), ..FloodRules::default() });
    assert_eq!(kick(&mut flood, 1_000), Err(1), "what was counted before still counts");
    assert_eq!(passed(&mut flood, steady(2)), 25);
    flood.set(FloodRules { hidden_bot_per_second: Some(90), ..FloodRules::default() });
    assert_eq!(passed(&mut flood, (0..90).map(|_| 4_000)), 30, "it is never higher than published");
}

#[test]
fn a_chat_that_is_blocked_is_told_what_is_left_and_nobody_else_is() {
    let mut flood = Flood::default();
    let block = Block { chat_id: Some(GROUP), methods: Vec::new(), until: 3_600_000 };
    flood.block(block);
    assert_eq!(message(&mut flood, 0), Err(3_600));
    assert_eq!(kick(&mut flood, 1_800_500), Err(1_800));
    assert_eq!(look(&mut flood, 1_800_500), Ok(()));
    assert_eq!(flood.admit(0, BOT, Some(-2_002), "sendMessage", Cost::Message), Ok(()));
    assert_eq!(message(&mut flood, 3_600_000), Ok(()));
}

#[test]
fn a_block_can_mean_some_methods_only_and_those_that_are_free_as_well() {
    let mut flood = with(FloodRules { mode: FloodMode::Off, ..FloodRules::default() });
    let methods = vec!["UnbanChatMember".to_owned(), "getChatMember".to_owned()];
    flood.block(Block { chat_id: None, methods, until: 86_400_000 });
    assert_eq!(kick(&mut flood, 0), Err(86_400));
    assert_eq!(look(&mut flood, 0), Err(86_400));
    assert_eq!(message(&mut flood, 0), Ok(()));
    flood.unblock();
    assert_eq!(kick(&mut flood, 0), Ok(()));
}
