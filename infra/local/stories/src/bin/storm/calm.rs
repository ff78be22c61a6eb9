//! After the storm: what was begun is carried out.

use std::time::Duration;

use serde_json::Value;
use stories::{Caller, Trouble};
use tokio::time::Instant;

use crate::books::{Books, text};
use crate::check::{Verdict, check};
use crate::played::Played;
use crate::town::Town;

/// How long everything may take to come right. The longest that is known: a sender that is killed before
/// it has hidden its batch, or whose word to the queue was lost, leaves it hidden for the queue's own
/// time, six minutes (`template.yaml`).
const PATIENCE: Duration = Duration::from_secs(420);

/// So long after the storm somebody who wants to be in and is outside opens the link once more, and
/// again after as long: a removal that was under way when they bought puts them out, and they are
/// invited back.
const OPEN_AGAIN: Duration = Duration::from_secs(15);

/// How it was when everything had come right, or when it was not waited for any longer.
pub(crate) struct Settled {
    pub(crate) verdict: Verdict,
    pub(crate) books: Books,
    pub(crate) seconds: u64,
    /// How often somebody had to open the link once more.
    pub(crate) opened_again: u64,
}

/// Waits until every invariant holds, with the sweep at work, or until one never will.
pub(crate) async fn settle(town: &Town<'_>, played: &Played) -> Result<Settled, Trouble> {
    let begin = Instant::now();
    let mut opened_again = 0;
    let mut next_opening = begin;
    let mut next_word = begin + Duration::from_secs(5);
    loop {
        // The sweep may still meet a function that was killed just before.
        let swept = town.stack.sweep().await.ok();
        let books = Books::open(town, played).await?;
        let verdict = check(&books, played, town.ledger);
        let waits: Vec<_> = verdict.violations.iter().filter(|it| !it.lasts).collect();
        let clean = swept.as_ref().and_then(|report| report.get("failed")) == Some(&Value::from(0));
        let is_over = (waits.is_empty() && clean)
            || begin.elapsed() > PATIENCE
            // What never comes right is told at once; but what is on its way is part of the story.
            || (waits.len() < verdict.violations.len() && begin.elapsed() > PATIENCE / 4);
        if is_over {
            let seconds = begin.elapsed().as_secs();
            return Ok(Settled { verdict, books, seconds, opened_again });
        }
        if Instant::now() >= next_word {
            next_word = Instant::now() + Duration::from_secs(10);
            let first = waits.first().map(|it| it.says.as_str()).unwrap_or("the sweep");
            println!(
                "  calm for {} s, still to come right: {}, such as: {first}",
                begin.elapsed().as_secs(),
                waits.len()
            );
        }
        if Instant::now() >= next_opening {
            next_opening = Instant::now() + OPEN_AGAIN;
            opened_again += open_again(town, played, &books).await?;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Who wants to be in, is outside and has no request open opens the link.
async fn open_again(town: &Town<'_>, played: &Played, books: &Books) -> Result<u64, Trouble> {
    let mut opened = 0;
    for customer in played.customers.iter().filter(|it| it.wants_in && !it.banned) {
        let (number, user) = (customer.shop, customer.user);
        if books.is_inside(number, user) || books.is_asking(number, user) {
            continue;
        }
        let shop = played.shops.get(number);
        if let Some(row) = shop.and_then(|shop| books.subscription(shop, customer)) {
            let path = format!("/subscriptions/{}", text(row, "/id"));
            let link = town.stack.get(&Caller::Storefront, &path).await?.text("/invite_link");
            // There is none while the group does not work.
            if link.is_empty() {
                continue;
            }
            let outcome = town.telegram.opens(user, &link).await?;
            let says = format!("the storm is over; opens the invite link: {outcome}");
            town.ledger.tell(&customer.name, says);
            opened += 1;
        }
    }
    Ok(opened)
}
