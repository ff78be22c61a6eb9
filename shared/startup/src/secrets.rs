//! Secrets, read once at the start.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata as _};
use domain::token::{BotName, LinkKey};

use crate::{Start, StartError};

impl Start {
    /// Reads the secret that this setting names.
    ///
    /// # Errors
    /// [`StartError`] when the setting is missing or the secret cannot be read.
    pub async fn secret(&self, setting: &'static str) -> Result<String, StartError> {
        let id = self.settings.required(setting)?;
        let client = Client::new(&self.aws);
        let answer = Box::pin(client.get_secret_value().secret_id(id).send()).await;
        let cause = |cause: String| StartError::Secret { setting, cause };
        let answer = answer.map_err(|error| {
            let code = error.code().map(str::to_owned);
            cause(code.unwrap_or_else(|| DisplayErrorContext(&error).to_string()))
        })?;
        answer
            .secret_string()
            .map(str::to_owned)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| cause("it holds no text".to_owned()))
    }

    /// Reads the key under which link tokens are made.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn link_key(&self) -> Result<LinkKey, StartError> {
        const SETTING: &str = "LINK_KEY_SECRET";
        LinkKey::new(&self.secret(SETTING).await?)
            .map_err(|error| StartError::Value { setting: SETTING, cause: error.to_string() })
    }

    /// The bot's name.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn bot_name(&self) -> Result<BotName, StartError> {
        const SETTING: &str = "BOT_USERNAME";
        BotName::parse(&self.settings.required(SETTING)?)
            .map_err(|error| StartError::Value { setting: SETTING, cause: error.to_string() })
    }
}
