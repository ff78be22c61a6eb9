//! Calls to Telegram whose answer a caller waits for.

use domain::ids::ChatId;
use domain::pace::Claim;
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use limiter::{Call, Limiter, Limits, Pass};
use startup::Clock;
use telegram::CallError;
use web::Problem;

/// Nobody waits longer for an answer than this, and what [`Claim::Answer`] looks ahead.
const PATIENCE: SignedDuration = SignedDuration::from_secs(2);

/// Waits for a turn to call something about a chat.
///
/// # Errors
/// "Unavailable" when there is none so soon, or Telegram asked to wait.
pub async fn turn(
    limiter: &Limiter<impl Limits>,
    chat: ChatId,
    clock: &impl Clock,
) -> Result<(), Problem> {
    let begin = clock.now();
    let free_at = limiter.look(Call::About(chat), clock).await?.free_at;
    wait_until(free_at, begin, clock).await?;
    loop {
        match limiter.take(Claim::Answer, 1, clock).await? {
            Pass::Turns(turns) => {
                let at = turns.first().map_or(begin, |turn| turn.at);
                clock.sleep_until(at).await;
                return Ok(());
            }
            Pass::NotBefore(at) => wait_until(at, begin, clock).await?,
        }
    }
}

async fn wait_until(at: Timestamp, begin: Timestamp, clock: &impl Clock) -> Result<(), Problem> {
    if at > after(begin, PATIENCE) {
        return Err(Problem::unavailable(at.duration_since(clock.now())));
    }
    clock.sleep_until(at).await;
    Ok(())
}

/// What a caller is told when Telegram could not be asked about a chat. A wait that it asked for is
/// noted for all.
pub async fn telegram_problem(
    limiter: &Limiter<impl Limits>,
    chat: ChatId,
    error: CallError,
    clock: &impl Clock,
) -> Problem {
    tracing::warn!(cause = %error, "Telegram could not be asked");
    match error {
        CallError::RetryAfter { seconds } => {
            if let Err(error) = limiter.told_to_wait(Call::About(chat), seconds, clock).await {
                return error.into();
            }
            Problem::unavailable(SignedDuration::from_secs(i64::from(seconds)))
        }
        CallError::BadInput { .. } | CallError::Unauthorized => Problem::internal(),
        _ => Problem::unavailable(SignedDuration::from_secs(5)),
    }
}
