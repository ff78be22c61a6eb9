//! Tells Telegram where updates go; run by an operator after a deployment. It is safe to repeat.

use domain::language::Language;
use domain::texts::words;
use domain::token::BotName;
use serde_json::{Value, json};
use telegram::{AllowedUpdate, BotCommand, CallError, Telegram};

/// Why the webhook was not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Telegram said no.
    #[error("Telegram did not take the webhook: {0}")]
    Call(#[from] CallError),
    /// The token belongs to another bot than the links name.
    #[error("the token is that of another bot than BotUsername names")]
    OtherBot,
}

/// Registers the webhook, and the list of commands in every language.
///
/// # Errors
/// [`RegisterError`]; the function can be run again.
pub async fn register(
    telegram: &impl Telegram,
    url: &str,
    secret: &str,
    bot: &BotName,
) -> Result<Value, RegisterError> {
    // Links with another bot's name would lead buyers to a stranger.
    let me = telegram.get_me().await?;
    if !me.username.is_some_and(|name| name.eq_ignore_ascii_case(bot.as_str())) {
        return Err(RegisterError::OtherBot);
    }
    telegram.set_webhook(url, secret, &AllowedUpdate::ALL).await?;
    for language in Language::ALL {
        let commands = words(language).commands.map(|(command, description)| BotCommand {
            command: command.to_owned(),
            description: description.to_owned(),
        });
        // Whoever has a language that is none of these sees the usual one.
        let code = (language != Language::default()).then_some(language.code());
        telegram.set_my_commands(&commands, code).await?;
    }
    Ok(json!({ "bot": bot.as_str(), "webhook": url }))
}
