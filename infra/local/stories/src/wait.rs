//! Waiting for what takes its time.

use std::future::Future;
use std::time::Duration;

use crate::Trouble;

/// How often it is asked.
const STEP: Duration = Duration::from_millis(100);

/// Asks until the answer is there, for at most `seconds`. `ask` says what it has seen so far, which
/// is told when the time is up.
///
/// # Errors
/// What was waited for and what was seen last; or what `ask` could not do.
pub async fn until<T, F>(what: &str, seconds: u64, ask: impl Fn() -> F) -> Result<T, Trouble>
where
    F: Future<Output = Result<Result<T, String>, Trouble>>,
{
    let mut seen = String::new();
    for _ in 0..seconds * 10 {
        match ask().await? {
            Ok(answer) => return Ok(answer),
            Err(so_far) => seen = so_far,
        }
        tokio::time::sleep(STEP).await;
    }
    Err(format!("{what}: not within {seconds} s; seen last: {seen}").into())
}
