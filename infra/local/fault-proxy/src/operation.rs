//! What a call is, by a name that tells nothing about whom it is.

use hyper::http::request::Parts;

/// Who calls whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// A function calls AWS.
    Aws,
    /// A function calls Telegram.
    Telegram,
    /// Somebody calls the API, or Telegram the webhook.
    Api,
}

impl Way {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Telegram => "telegram",
            Self::Api => "api",
        }
    }
}

/// In front of what the proxy stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upstream {
    /// The AWS emulator, which is the API's gateway as well.
    Aws,
    /// The Bot API server.
    Telegram,
}

/// Way and operation of a call.
pub(crate) fn of(upstream: Upstream, request: &Parts) -> (Way, String) {
    let path = request.uri.path();
    match upstream {
        Upstream::Telegram => (Way::Telegram, telegram(path)),
        Upstream::Aws => match path.strip_prefix("/_aws/execute-api/") {
            Some(rest) if rest.ends_with("/telegram/webhook") => (Way::Api, "webhook".to_owned()),
            Some(_) => (Way::Api, format!("{} by a caller", request.method)),
            None => (Way::Aws, aws(request)),
        },
    }
}

/// `/bot<token>/<method>`.
fn telegram(path: &str) -> String {
    let method = path.rsplit('/').next().unwrap_or_default();
    if is_plain(method) { method.to_owned() } else { "other".to_owned() }
}

/// The JSON protocols of AWS name the operation in a header.
fn aws(request: &Parts) -> String {
    let target = request.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let operation = target.and_then(|target| target.rsplit('.').next()).unwrap_or_default();
    if is_plain(operation) { operation.to_owned() } else { "other".to_owned() }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn named(upstream: Upstream, path: &str, target: Option<&str>) -> (Way, String) {
        let mut request = Request::post(path);
        if let Some(target) = target {
            request = request.header("x-amz-target", target);
        }
        of(upstream, &request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_name_holds_no_token_and_no_id() {
        let aws = named(Upstream::Aws, "/", Some("DynamoDB_20120810.PutItem"));
        assert_eq!(aws, (Way::Aws, "PutItem".to_owned()));
        let telegram = named(Upstream::Telegram, "/bot100:test-token/sendMessage", None);
        assert_eq!(telegram, (Way::Telegram, "sendMessage".to_owned()));
        let strange = named(Upstream::Telegram, "/bot100:test-token", None);
        assert_eq!(strange, (Way::Telegram, "other".to_owned()));
        let webhook = named(Upstream::Aws, "/_aws/execute-api/a1/telegram/webhook", None);
        assert_eq!(webhook, (Way::Api, "webhook".to_owned()));
        let ingest = named(Upstream::Aws, "/_aws/execute-api/a1/ingest/secret", None);
        assert_eq!(ingest, (Way::Api, "POST by a caller".to_owned()));
    }
}
