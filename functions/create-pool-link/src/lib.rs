//! Gives an operator the link by which spare groups are added to the pool.

use domain::group::SET_UP_LINK_LIFE;
use domain::time::after;
use domain::token::{BotName, LinkKey, Token};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A link that works for an hour, for as many groups as the operator makes in it.
pub fn pool_link(bot: &BotName, key: &LinkKey, now: Timestamp) -> Value {
    let expires_at = after(now, SET_UP_LINK_LIFE);
    let token = Token::Spare { expires_at };
    json!({ "setup_link": bot.set_up_link(&token.sign(key)), "expires_at": expires_at })
}
