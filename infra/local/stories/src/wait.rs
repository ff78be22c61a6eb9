//! Waiting for what takes its time.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::Trouble;

/// How often it is asked.
const STEP: Duration = Duration::from_millis(100);

/// How long a story waits for anything: many times what it takes, since it is not about how fast a
/// machine is that does much else.
const PATIENCE: Duration = Duration::from_secs(300);

/// Asks until the answer is there. `ask` says what it has seen so far, which is told when the time is
/// up.
///
/// # Errors
/// What was waited for and what was seen last; or what `ask` could not do.
pub async fn until<T, F>(what: &str, ask: impl Fn() -> F) -> Result<T, Trouble>
where
    F: Future<Output = Result<Result<T, String>, Trouble>>,
{
    let begin = Instant::now();
    loop {
        match ask().await? {
            Ok(answer) => return Ok(answer),
            Err(seen) if begin.elapsed() > PATIENCE => {
                let waited = PATIENCE.as_secs();
                return Err(format!("{what}: not within {waited} s; seen last: {seen}").into());
            }
            Err(_) => tokio::time::sleep(STEP).await,
        }
    }
}
