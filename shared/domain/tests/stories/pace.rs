//! How fast Telegram may be called.

use domain::ids::ChatId;
use domain::pace::{
    BotPace, ChatBlock, ChatPace, Claim, Form, Kind, MILLISECOND, Note, SECOND, Take,
};
use proptest::prelude::*;

/// An hour, to have a past.
const BEGIN: i64 = 3_600 * SECOND;

fn seconds(seconds: i64) -> i64 {
    BEGIN + seconds * SECOND
}

/// The most calls within any window of this length.
fn most_within(mut calls: Vec<i64>, window: i64) -> usize {
    calls.sort_unstable();
    let mut first = 0;
    let mut most = 0;
    for (last, at) in calls.iter().enumerate() {
        while calls[first] + window <= *at {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

/// The table, and a sender that has seen it at some time or other.
#[derive(Default)]
struct Table(Option<BotPace>);

impl Table {
    /// Takes turns, by a clock that shows `now`, beginning with what was known; answers with the
    /// turns, or when to ask again.
    fn take(
        &mut self,
        known: &mut BotPace,
        claim: Claim,
        wanted: usize,
        now: i64,
    ) -> Result<Vec<i64>, i64> {
        for _ in 0..3 {
            let take = known.plan(claim, wanted, now)?;
            let before = self.0.clone();
            match take.apply(before.as_ref()) {
                Some(next) => {
                    *known = next.clone();
                    self.0 = Some(next);
                    return Ok(take.turns_on(before.as_ref()).collect());
                }
                None => *known = before.unwrap_or_default(),
            }
        }
        panic!("alone at the table, and refused three times");
    }

    fn noted(&mut self, note: &Note) {
        self.0 = note.apply(self.0.as_ref());
        assert!(self.0.is_some());
    }
}

/// Milliseconds until the next comes: several at once, or seconds later.
fn quick_or_slow() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 0_i64..100, 0_i64..5_000]
}

fn claim() -> impl Strategy<Value = Claim> {
    prop_oneof![Just(Claim::Alerts), Just(Claim::Housekeeping), Just(Claim::Answer)]
}

proptest! {
    /// Whoever comes in whatever order, with whatever they saw last, and clocks that are up to
    /// 110 ms apart.
    #[test]
    fn no_second_ever_sees_more_than_30_calls(
        clocks in prop::collection::vec(0..=110 * MILLISECOND, 1..8),
        comes in prop::collection::vec((0_i64..150, 0_usize..8, claim(), 1_usize..14), 1..250),
    ) {
        let mut table = Table::default();
        let mut known = vec![BotPace::default(); clocks.len()];
        let (mut time, mut calls, mut last) = (BEGIN, Vec::new(), 0);
        for (step, who, claim, wanted) in comes {
            time += step * MILLISECOND;
            let who = who % clocks.len();
            let taken = table.take(&mut known[who], claim, wanted, time + clocks[who]);
            for turn in taken.unwrap_or_default() {
                prop_assert!(turn - last >= 37 * MILLISECOND, "a turn has one taker");
                last = turn;
                let call = turn - clocks[who];
                prop_assert!(call >= time, "nobody calls before they asked");
                calls.push(call);
            }
        }
        prop_assert!(most_within(calls, SECOND) <= 30);
    }

    /// The clocks of those who write into a chat may be 50 ms apart, and whoever comes may have seen
    /// the chat some messages ago.
    #[test]
    fn a_chat_sees_20_messages_a_minute_and_one_a_second_after_a_burst_of_three(
        comes in prop::collection::vec((quick_or_slow(), 0_i64..=50, 0_usize..4), 1..150),
    ) {
        let (mut time, mut paces, mut calls) = (BEGIN, vec![None::<ChatPace>], Vec::new());
        for (step, clock, behind) in comes {
            time += step * MILLISECOND;
            let seen = paces[paces.len().saturating_sub(1 + behind)].clone();
            let Ok(take) = seen.clone().unwrap_or_default().plan(time + clock * MILLISECOND) else {
                continue;
            };
            let there = paces.last().unwrap().clone();
            let next = take.apply(there.as_ref());
            prop_assert_eq!(next.is_some(), seen == there, "who has not seen the last takes nothing");
            if next.is_some() {
                paces.push(next);
                calls.push(time);
            }
        }
        prop_assert!(most_within(calls.clone(), 60 * SECOND) <= 20);
        prop_assert!(most_within(calls.clone(), 3 * SECOND) <= 3);
        // A bucket of three that one a second flows into never runs dry.
        let (mut level, mut last) = (3 * SECOND, BEGIN);
        for at in calls {
            level = (level + at - last).min(3 * SECOND) - SECOND;
            last = at;
            prop_assert!(level >= 0, "{level}");
        }
    }

    /// However moves meet: what a take's condition promises holds afterwards.
    #[test]
    fn the_time_of_arrival_never_goes_back(
        takes in prop::collection::vec((0_i64..2_000, claim(), 1_usize..14, any::<bool>()), 1..80),
    ) {
        let (mut table, mut time, mut known) = (Table::default(), BEGIN, BotPace::default());
        for (step, claim, wanted, stale) in takes {
            time += step * MILLISECOND;
            let before = table.0.clone();
            let mut seen = if stale { BotPace::default() } else { known.clone() };
            if table.take(&mut seen, claim, wanted, time).is_ok() {
                let (before, after) = (before.unwrap_or_default(), table.0.clone().unwrap());
                prop_assert!(after.tat_us >= before.tat_us + 37 * MILLISECOND);
            }
            known = seen;
        }
    }
}

#[test]
fn alerts_look_eight_seconds_ahead_and_housekeeping_hardly_at_all() {
    let mut table = Table::default();
    let mut known = BotPace::default();
    let mut alerts = 0;
    while let Ok(turns) = table.take(&mut known, Claim::Alerts, 10, BEGIN) {
        alerts += turns.len();
    }
    assert!((216..=226).contains(&alerts), "{alerts} in eight seconds, and one take more");
    let mut table = Table::default();
    let mut known = BotPace::default();
    let first = table.take(&mut known, Claim::Housekeeping, 10, BEGIN).unwrap();
    assert_eq!(first.len(), 3, "no more at a time, so that an alert waits for few of them");
    let behind = known.plan(Claim::Alerts, 1, BEGIN).unwrap();
    assert_eq!(behind.form, Form::Busy { until_us: seconds(8) });
    let alert = table.take(&mut known, Claim::Alerts, 1, BEGIN).unwrap();
    assert_eq!(alert, [BEGIN + 111 * MILLISECOND]);
}

#[test]
fn housekeeping_has_a_tenth_however_many_alerts_wait() {
    let mut table = Table::default();
    let (mut posts, mut keeps) = (BotPace::default(), BotPace::default());
    let (mut alerts, mut housekeeping) = (Vec::new(), Vec::new());
    for moment in 0..6_000 {
        let now = BEGIN + moment * 10 * MILLISECOND;
        while let Ok(turns) = table.take(&mut posts, Claim::Alerts, 10, now) {
            alerts.extend(turns);
        }
        if let Ok(turns) = table.take(&mut keeps, Claim::Housekeeping, 3, now) {
            assert!(turns.iter().all(|turn| *turn <= now + 9 * SECOND), "and waits nine seconds");
            housekeeping.extend(turns);
        }
    }
    let share = housekeeping.len() as f64 / (housekeeping.len() + alerts.len()) as f64;
    assert!((0.085..=0.11).contains(&share), "{share}");
}

#[test]
fn a_lone_chat_that_asks_to_wait_means_itself() {
    let mut table = Table::default();
    let mut known = BotPace::default();
    for second in 0..30 {
        let note = known.told(ChatId::new(-1_001), 3_600, seconds(second)).unwrap();
        table.noted(&note);
        known = table.0.clone().unwrap();
    }
    assert_eq!((known.blocked_us, known.interval_us), (0, 37 * MILLISECOND));
    assert!(known.plan(Claim::Housekeeping, 1, seconds(30)).is_ok());
}

fn told_by_three(table: &mut Table, waits: [u32; 3], now: i64) {
    for (chat, wait) in waits.into_iter().enumerate() {
        let known = table.0.clone().unwrap_or_default();
        let chat = ChatId::new(-1_001 - i64::try_from(chat).unwrap());
        if let Some(note) = known.told(chat, wait, now) {
            table.noted(&note);
        }
    }
}

#[test]
fn three_chats_that_ask_to_wait_at_once_mean_the_bot_which_waits_and_goes_slower() {
    let mut table = Table::default();
    told_by_three(&mut table, [86_400, 34, 3_600], BEGIN);
    let told = table.0.clone().unwrap();
    assert_eq!(told.plan(Claim::Alerts, 1, BEGIN), Err(seconds(34)), "the shortest of the waits");
    assert_eq!(told.interval_us, 44_400, "20 % longer");
    assert!(told.plan(Claim::Alerts, 1, seconds(34)).is_ok());
    // A second time; and never slower than once a second.
    told_by_three(&mut table, [1, 1, 1], seconds(35));
    assert_eq!(table.0.clone().unwrap().interval_us, 53_280);
    for again in 20..80 {
        told_by_three(&mut table, [1, 1, 1], seconds(2 * again));
    }
    assert_eq!(table.0.unwrap().interval_us, SECOND);
}

#[test]
fn a_pace_that_is_refused_near_one_that_was_before_is_close_to_the_limit() {
    let near = BotPace { interval_us: 39_300, refused_us: 37_000, ..BotPace::default() };
    let mut table = Table(Some(near));
    told_by_three(&mut table, [1; 3], BEGIN);
    let told = table.0.clone().unwrap();
    assert_eq!((told.interval_us, told.refused_us), (42_444, 39_300), "8 % longer");
    // A limit that has become much lower is not near: 20 %.
    told_by_three(&mut table, [1; 3], seconds(2));
    assert_eq!(table.0.unwrap().interval_us, 50_932);
}

#[test]
fn turns_that_were_booked_when_the_bot_is_told_to_wait_begin_anew_at_the_end_of_the_wait() {
    let mut table = Table::default();
    let mut known = BotPace::default();
    for _ in 0..20 {
        table.take(&mut known, Claim::Alerts, 10, BEGIN).unwrap();
    }
    assert!(table.0.as_ref().unwrap().tat_us > seconds(7));
    told_by_three(&mut table, [2; 3], seconds(1));
    let told = table.0.clone().unwrap();
    assert_eq!((told.tat_us, told.blocks), (seconds(3), 1));
    // One chat that asks to wait makes nothing void.
    let note = told.told(ChatId::new(-5), 60, seconds(4)).unwrap();
    table.noted(&note);
    assert_eq!((table.0.as_ref().unwrap().tat_us, table.0.unwrap().blocks), (seconds(3), 1));
}

#[test]
fn three_chats_within_a_minute_are_a_coincidence() {
    let mut known = BotPace::default();
    for (number, second) in [0, 20, 40].into_iter().enumerate() {
        let chat = ChatId::new(-1_001 - i64::try_from(number).unwrap());
        known = known.told(chat, 5, seconds(second)).unwrap().apply(Some(&known)).unwrap();
    }
    assert_eq!((known.blocked_us, known.told.len()), (0, 1));
}

#[test]
fn calls_under_way_that_get_the_same_answer_are_one_reason_to_go_slower() {
    let mut table = Table::default();
    told_by_three(&mut table, [34; 3], BEGIN);
    let told = table.0.clone();
    for late in 0..34 {
        told_by_three(&mut table, [34; 3], seconds(late));
    }
    assert_eq!(table.0, told);
}

#[test]
fn of_two_who_note_at_the_same_time_the_second_has_to_read_again() {
    let known = BotPace::default();
    let notes = [-1_001, -1_002].map(|chat| known.told(ChatId::new(chat), 5, BEGIN).unwrap());
    let there = notes[0].apply(Some(&known)).unwrap();
    assert_eq!(notes[1].apply(Some(&there)), None);
}

#[test]
fn a_quiet_time_makes_it_quicker_again_by_three_per_cent_for_each_five_seconds() {
    let mut table = Table::default();
    told_by_three(&mut table, [1; 3], BEGIN);
    let mut known = BotPace::default();
    let mut intervals = Vec::new();
    // Alerts alone are enough for it.
    for second in 1..600 {
        table.take(&mut known, Claim::Alerts, 1, seconds(second)).unwrap();
        intervals.push(known.interval_us);
    }
    assert_eq!(intervals[4], 44_400, "not yet five seconds since the block was over");
    assert_eq!(intervals[5], 43_068);
    assert!(intervals.is_sorted_by(|before, after| after <= before));
    assert_eq!(intervals[120], 40_521, "near the pace that was refused it takes two minutes");
    assert_eq!(intervals.last(), Some(&(37 * MILLISECOND)), "and no further");
}

proptest! {
    /// Telegram refuses whatever is quicker than a limit that nobody was told of.
    #[test]
    fn the_pace_comes_to_rest_close_below_a_hidden_limit(limit in 37_500_i64..200_000) {
        let mut table = Table::default();
        let (mut known, mut now, mut refused, mut late) = (BotPace::default(), BEGIN, 0, 0);
        let minute = 60 * SECOND;
        while now < BEGIN + 15 * minute {
            let Ok(_) = table.take(&mut known, Claim::Housekeeping, 1, now) else {
                now += 10 * MILLISECOND;
                continue;
            };
            if known.interval_us < limit {
                told_by_three(&mut table, [1; 3], now);
                refused += 1;
                late += i32::from(now > BEGIN + 5 * minute);
            } else if now > BEGIN + 2 * minute {
                prop_assert!(known.interval_us * 100 <= limit * 121, "{}", known.interval_us);
            }
            now += known.interval_us;
        }
        prop_assert!(refused <= 25, "refused {refused} times in a quarter of an hour");
        prop_assert!(late <= 10, "and {late} times of these later on");
    }
}

#[test]
fn a_long_interval_books_no_more_than_a_second() {
    let slow = BotPace { interval_us: 400 * MILLISECOND, adapted_us: BEGIN, ..BotPace::default() };
    assert_eq!(slow.plan(Claim::Alerts, 10, BEGIN).map(|take| take.turns), Ok(2));
    let slowest = BotPace { interval_us: SECOND, adapted_us: BEGIN, ..BotPace::default() };
    assert_eq!(slowest.plan(Claim::Alerts, 10, BEGIN).map(|take| take.turns), Ok(1));
}

#[test]
fn who_does_not_know_the_interval_takes_nothing() {
    let stale = BotPace::default().plan(Claim::Alerts, 1, BEGIN).unwrap();
    let slower = BotPace { interval_us: 44_400, ..BotPace::default() };
    assert_eq!(stale.apply(Some(&slower)), None);
    let lost = Take { known_interval_us: 44_400, interval_us: 44_400, ..stale };
    assert_eq!(lost.apply(None), None, "the table was lost and begins anew");
}

#[test]
fn a_wait_of_a_day_survives_and_a_shorter_one_does_not_end_it() {
    let day = ChatBlock::new(Kind::Message, 86_400, BEGIN);
    let pace = day.apply(None).unwrap();
    assert_eq!(ChatBlock::new(Kind::Message, 5, BEGIN).apply(Some(&pace)), None);
    assert_eq!(pace.plan(seconds(86_399)), Err(seconds(86_400)));
    assert!(pace.plan(seconds(86_400)).is_ok());
    let endless = ChatBlock::new(Kind::Message, u32::MAX, BEGIN);
    assert_eq!(endless.until_us, seconds(7 * 86_400), "more is not believed");
}

#[test]
fn a_flood_of_removals_does_not_stop_the_alerts_of_its_group() {
    let pace = ChatBlock::new(Kind::Other, 60, BEGIN).apply(None).unwrap();
    assert_eq!(pace.free_at(Kind::Other, BEGIN), seconds(60));
    assert_eq!(pace.free_at(Kind::Message, BEGIN), BEGIN);
    let both = ChatBlock::new(Kind::Message, 5, BEGIN).apply(Some(&pace)).unwrap();
    assert_eq!(both.free_at(Kind::Message, BEGIN), seconds(5));
    assert_eq!(both.free_at(Kind::Other, BEGIN), seconds(60));
}

#[test]
fn three_messages_in_one_moment_are_three_and_a_fourth_waits_for_the_seconds_that_they_took() {
    let mut pace = ChatPace::default();
    for _ in 0..3 {
        let take = pace.plan(BEGIN).unwrap();
        let next = take.apply(Some(&pace)).unwrap();
        assert_eq!(take.apply(Some(&next)), None, "the same turn again, in the same microsecond");
        pace = next;
    }
    assert_eq!(pace.sent_us, [BEGIN, BEGIN + 1, BEGIN + 2]);
    assert_eq!(pace.plan(BEGIN), Err(BEGIN + 3_150 * MILLISECOND));
    assert!(pace.plan(BEGIN + 3_150 * MILLISECOND).is_ok());
}

#[test]
fn a_block_that_came_meanwhile_stops_a_message_that_was_planned() {
    let take = ChatPace::default().plan(BEGIN).unwrap();
    let blocked = ChatBlock::new(Kind::Message, 5, BEGIN).apply(None).unwrap();
    assert_eq!(take.apply(Some(&blocked)), None);
}
