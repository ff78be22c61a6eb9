//! People who belong to no subscription: strangers with a link that leaked, somebody whom the owner
//! adds by hand, and a guest with a pass.

use serde_json::{Value, json};
use stories::Trouble;
use tokio::time::Instant;

use crate::client::{Request, short};
use crate::played::{Person, Shop};
use crate::town::{CHANGES_RIGHTS, Town, rest};

/// They come to one shop; all of them, and who of them belongs inside.
pub(crate) async fn come(
    town: &Town<'_>,
    number: usize,
    shop: &Shop,
    mut dice: fastrand::Rng,
    end: Instant,
) -> Result<Vec<Person>, Trouble> {
    let (one, two, three) = (dice.fork(), dice.fork(), dice.fork());
    let (stranger, intruder, guest) = futures::try_join!(
        stranger(town, number, shop, one, end),
        intruder(town, number, shop, two),
        guest(town, number, shop, three),
    )?;
    Ok([stranger, intruder, guest].into_iter().flatten().collect())
}

/// Opens the guarded link again and again.
async fn stranger(
    town: &Town<'_>,
    number: usize,
    shop: &Shop,
    mut dice: fastrand::Rng,
    end: Instant,
) -> Result<Option<Person>, Trouble> {
    let name = format!("stranger-{number}");
    let user = town.telegram.person(&name).await?;
    while Instant::now() < end {
        let outcome = town.telegram.opens(user, &shop.link).await?;
        town.ledger.tell(&name, format!("opens the link that leaked: {outcome}"));
        rest(&mut dice, 4_000..9_000).await;
    }
    Ok(Some(Person { shop: number, name, user, inside: false }))
}

/// Is added by the owner, without having bought.
async fn intruder(
    town: &Town<'_>,
    number: usize,
    shop: &Shop,
    mut dice: fastrand::Rng,
) -> Result<Option<Person>, Trouble> {
    let name = format!("intruder-{number}");
    let user = town.telegram.person(&name).await?;
    rest(&mut dice, 4_000..15_000).await;
    let body = json!({ "by": shop.owner, "user": user, "chat_id": shop.chat });
    town.telegram.control("add", Some(&body)).await?;
    town.ledger.tell(&name, "is added by the owner");
    Ok(Some(Person { shop: number, name, user, inside: false }))
}

/// Has a pass of the trader.
async fn guest(
    town: &Town<'_>,
    number: usize,
    shop: &Shop,
    mut dice: fastrand::Rng,
) -> Result<Option<Person>, Trouble> {
    let name = format!("guest-{number}");
    let user = town.telegram.person(&name).await?;
    rest(&mut dice, 2_000..12_000).await;
    let path = format!("/traders/services/{}/telegram-group/generate-link", shop.service);
    let body: Value = json!({ "kind": "single_use", "name": name });
    let mut answer = None;
    for tried in 0..4 {
        let key = format!("{name}-{tried}");
        let request =
            Request { caller: &shop.trader, path: &path, body: &body, key: &key, about: &name };
        let told = answer.insert(town.client().ask(&request).await?);
        // The group does not work while its owner has taken a right from the bot.
        if told.status != 409 {
            break;
        }
        rest(&mut dice, 1_500..2_500).await;
    }
    let Some(answer) = answer else { return Ok(None) };
    if answer.status == 409 && number == CHANGES_RIGHTS {
        return Ok(None);
    }
    if answer.status != 201 {
        town.ledger.odd(&name, format!("no link was made: {}", short(&answer)));
        return Ok(None);
    }
    let outcome = town.telegram.opens(user, &answer.text("/invite_link")).await?;
    town.ledger.tell(&name, format!("opens the link of the pass: {outcome}"));
    if outcome != "joined" {
        town.ledger.odd(&name, format!("a fresh pass did not let its guest in: {outcome}"));
    }
    Ok(Some(Person { shop: number, name, user, inside: true }))
}
