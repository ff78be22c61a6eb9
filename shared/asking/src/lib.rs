//! Calls to Telegram whose answer a caller waits for.

use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use limiter::{Call, Pass, take_bot, told_to_wait};
use startup::Clock;
use store::Store;
use telegram::CallError;

use web::Problem;

/// How far ahead such a call takes its turn: nobody waits longer for an answer.
const AHEAD: SignedDuration = SignedDuration::from_secs(2);

/// Waits for a turn.
///
/// # Errors
/// "Unavailable" when there is none so soon.
pub async fn turn(store: &impl Store, clock: &impl Clock) -> Result<(), Problem> {
    let now = clock.now();
    match take_bot(store, AHEAD, now).await? {
        Pass::At(at) => {
            clock.sleep_until(at).await;
            Ok(())
        }
        Pass::NotBefore(at) => Err(Problem::unavailable(at.duration_since(now))),
    }
}

/// What a caller is told when Telegram could not be asked. A block is noted for all.
pub async fn telegram_problem(store: &impl Store, error: CallError, now: Timestamp) -> Problem {
    tracing::warn!(cause = %error, "Telegram could not be asked");
    match error {
        CallError::RetryAfter { seconds } => {
            if let Err(error) = told_to_wait(store, Call::Other, seconds, now).await {
                return error.into();
            }
            let until = after(now, SignedDuration::from_secs(i64::from(seconds)));
            Problem::unavailable(until.duration_since(now))
        }
        CallError::BadInput { .. } | CallError::Unauthorized => Problem::internal(),
        _ => Problem::unavailable(SignedDuration::from_secs(5)),
    }
}
