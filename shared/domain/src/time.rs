//! Sums over instants that cannot overflow: the ends of time stand in for anything beyond them.

use jiff::{SignedDuration, Timestamp};

/// `start` plus `length`, or the last (first) instant that can be written.
pub fn after(start: Timestamp, length: SignedDuration) -> Timestamp {
    start.checked_add(length).unwrap_or(if length.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// `end` minus `length`, with the same ends.
pub fn before(end: Timestamp, length: SignedDuration) -> Timestamp {
    after(end, SignedDuration::ZERO.saturating_sub(length))
}

/// A waiting time that doubles with each failure: `first`, 2 × `first`, … up to `most`.
pub fn back_off(first: SignedDuration, most: SignedDuration, failures: u32) -> SignedDuration {
    let factor = 1_i32.checked_shl(failures.min(20)).unwrap_or(i32::MAX);
    first.checked_mul(factor).map_or(most, |wait| wait.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_time_hold() {
        let hour = SignedDuration::from_hours(1);
        assert_eq!(after(Timestamp::MAX, hour), Timestamp::MAX);
        assert_eq!(before(Timestamp::MIN, hour), Timestamp::MIN);
        assert_eq!(before(after(Timestamp::UNIX_EPOCH, hour), hour), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn waiting_doubles_up_to_its_bound() {
        let wait = |failures| {
            back_off(SignedDuration::from_secs(2), SignedDuration::from_secs(60), failures)
                .as_secs()
        };
        assert_eq!([0, 1, 2, 4, 5, 31, 4_000_000_000].map(wait), [2, 4, 8, 32, 60, 60, 60]);
    }
}
