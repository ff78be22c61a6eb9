//! Owners of groups: they take a right from the bot and give it back, and make a supergroup of a basic
//! group.

use std::time::Duration;

use serde_json::{Value, json};
use stories::Trouble;
use tokio::time::Instant;

use crate::played::Shop;
use crate::town::{Town, rest};

/// So long before the end the last right is taken, so that it is given back in the storm.
const LAST_TAKEN: Duration = Duration::from_secs(5);

/// Takes one of the rights without which the group does not work, and gives it back, again and again.
pub(crate) async fn changes_rights(
    town: &Town<'_>,
    number: usize,
    shop: &Shop,
    mut dice: fastrand::Rng,
    end: Instant,
) -> Result<(), Trouble> {
    let about = format!("owner-{number}");
    let bot = town.telegram.bot_in(shop.chat).await?;
    rest(&mut dice, 1_000..4_000).await;
    while Instant::now() + LAST_TAKEN < end {
        let right = if dice.bool() { "restrict_members" } else { "invite_users" };
        for (how, says) in [("remove", "takes the right"), ("add", "gives back the right")] {
            let body = json!({ "by": shop.owner, "bot": bot, "chat_id": shop.chat, how: [right] });
            town.telegram.control("promote", Some(&body)).await?;
            town.ledger.tell(&about, format!("{says} {right}"));
            rest(&mut dice, 2_000..5_000).await;
        }
    }
    Ok(())
}

/// Makes a supergroup of the shop's basic group; the shop as it is then.
pub(crate) async fn grows(
    town: &Town<'_>,
    number: usize,
    shop: &Shop,
    mut dice: fastrand::Rng,
) -> Result<Shop, Trouble> {
    rest(&mut dice, 4_000..10_000).await;
    let body = json!({ "chat_id": shop.chat, "old_left": dice.bool() });
    let moved = town.telegram.control("migrate", Some(&body)).await?;
    town.ledger.tell(&format!("owner-{number}"), "makes a supergroup of the group");
    let chat = moved.get("chat_id").and_then(Value::as_i64).ok_or("the group got no new number")?;
    Ok(Shop { chat, former: Some(shop.chat), ..shop.clone() })
}
