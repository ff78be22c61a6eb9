//! What happens by time, not by call: gusts, and the moments of the kills.

use std::sync::Arc;
use std::time::Duration;

use crate::process;
use crate::server::Shared;
use crate::weather::Weather;

/// How often it is looked whether there is any weather at all.
const CALM: Duration = Duration::from_millis(200);

/// Waits for the next moment of what happens so often on the average.
async fn moment(shared: &Shared, every_ms: fn(&Weather) -> u64) {
    loop {
        let every = every_ms(shared.fates().weather());
        if every == 0 {
            tokio::time::sleep(CALM).await;
            continue;
        }
        let wait = shared.fates().around(every);
        tokio::time::sleep(wait).await;
        // The weather may have changed meanwhile.
        if every_ms(shared.fates().weather()) > 0 {
            return;
        }
    }
}

/// Lets gusts begin, one after the other.
pub(crate) async fn gusts(shared: Arc<Shared>) {
    loop {
        moment(&shared, |weather| weather.gusts.every_ms).await;
        shared.fates().begin_gust();
    }
}

/// Kills functions, one after the other: at their next call, or some function at this moment,
/// whatever it is doing.
pub(crate) async fn kills(shared: Arc<Shared>) {
    loop {
        moment(&shared, |weather| weather.kills.every_ms).await;
        if !shared.fates().arm_kill() {
            kill_one(&shared).await;
        }
    }
}

async fn kill_one(shared: &Arc<Shared>) {
    let mark = shared.mark.clone();
    let found = tokio::task::spawn_blocking(move || process::functions(&mark)).await;
    let Ok(functions) = found else { return };
    let chosen = shared.fates().one_of(functions.len());
    if let Some(function) = functions.into_iter().nth(chosen)
        && function.kill()
    {
        shared.record().kill(function.name, "kill at some moment", "");
    }
}
