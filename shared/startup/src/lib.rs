//! What a function does once at its start: settings, clients, telemetry, clock.
//!
//! This is the only place that reads the environment, the clock, or draws random numbers. What it
//! reads at the start (settings, secrets) is read during Lambda's init phase, not by the first
//! caller.

mod clock;
pub mod metric;
mod secrets;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls;
pub use clock::{Clock, SystemClock, fresh_id, now};
pub use settings::{MissingSetting, Settings};
use tracing_subscriber::EnvFilter;

/// Why a function did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment lacks something.
    #[error(transparent)]
    Setting(#[from] MissingSetting),
    /// A secret could not be read. The text names the secret, never its value.
    #[error("the secret in {setting} cannot be read: {cause}")]
    Secret {
        /// The setting that names the secret.
        setting: &'static str,
        /// Why.
        cause: String,
    },
    /// A setting or a secret has a value that cannot be used.
    #[error("the value of {setting} cannot be used: {cause}")]
    Value {
        /// The setting.
        setting: &'static str,
        /// Why.
        cause: String,
    },
}

/// How long one attempt at a call to AWS may take before the SDK makes it anew. By itself it would
/// wait without end, and a connection may have died while the function was frozen.
const ATTEMPT: Duration = Duration::from_secs(3);

/// How long a call may take with all its attempts. A function that answers callers is ended after 15
/// seconds (template.yaml): after one call that hangs there must be time left to say so.
const OPERATION: Duration = Duration::from_secs(6);

/// What every function has at its start.
#[derive(Clone, Debug)]
pub struct Start {
    /// How AWS is reached.
    pub aws: SdkConfig,
    /// The environment.
    pub settings: Settings,
}

/// Starts telemetry, TLS and the AWS configuration. Called once, first.
pub async fn begin() -> Start {
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        ))
        .with_current_span(false)
        .with_ansi(false)
        // CloudWatch puts a time on every line.
        .without_time()
        .init();
    // Fails only when it was done before, which is as good.
    let _: Result<(), Arc<_>> = rustls::crypto::ring::default_provider().install_default();
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let config =
        aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(timeouts);
    // Boxed: the future is large, and every function would hold its own copy of its code.
    let aws = Box::pin(config.load());
    Start { aws: aws.await, settings: Settings::from_environment() }
}

/// Keeps those quiet who, at the levels for finding mistakes, show what comes in and goes out: the
/// bot's token stands in its addresses, secrets in headers, Telegram ids in bodies. Lambda's runtime
/// may speak at "info", where it puts the request's id on every line.
fn filter(wanted: EnvFilter) -> EnvFilter {
    ["aws=warn", "lambda=info", "h2=warn", "hyper=warn", "reqwest=warn", "rustls=warn"]
        .into_iter()
        .filter_map(|directive| directive.parse().ok())
        .fold(wanted, EnvFilter::add_directive)
}
