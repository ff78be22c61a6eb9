//! One call: its fate is drawn, and it meets it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::http::uri::{Authority, Scheme};
use hyper::{Request, Response, StatusCode, Uri};

use crate::fate::Fate;
use crate::hidden;
use crate::operation::{self, Upstream, Way};
use crate::process;
use crate::server::Shared;

/// Marks an answer of the proxy's own.
const MARK: &str = "x-fault-proxy";

/// How AWS marks its answers.
const AWS_JSON: &str = "application/x-amz-json-1.0";

/// The two ends of a connection from a caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) theirs: SocketAddr,
    pub(crate) ours: SocketAddr,
}

/// Handles one call. An error means that the connection is closed without an answer.
pub(crate) async fn call(
    shared: Arc<Shared>,
    upstream: Upstream,
    ends: Ends,
    request: Request<Incoming>,
) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let (way, operation) = operation::of(upstream, &parts);
    shared.record().call(way, &operation);
    let fate = shared.fates().draw(way, &operation, way != Way::Api);
    if !matches!(fate, Fate::Done | Fate::KillBefore | Fate::KillAfter) {
        shared.record().fault(way, &operation, fate);
    }
    match fate {
        Fate::Done => forward(&shared, upstream, &operation, parts, body).await,
        Fate::Delay(wait) => {
            tokio::time::sleep(wait).await;
            forward(&shared, upstream, &operation, parts, body).await
        }
        Fate::DropBefore => Err(hung_up()),
        Fate::DropAfter => {
            forward(&shared, upstream, &operation, parts, body).await?;
            Err(hung_up())
        }
        Fate::Refuse => Ok(refusal(upstream)),
        Fate::KillBefore => {
            kill(&shared, ends, &operation, fate).await;
            Err(hung_up())
        }
        Fate::KillAfter => {
            let answer = forward(&shared, upstream, &operation, parts, body).await;
            kill(&shared, ends, &operation, fate).await;
            answer.and(Err(hung_up()))
        }
    }
}

fn hung_up() -> io::Error {
    io::Error::other("hung up without an answer")
}

/// Kills the function at the other end of the connection.
async fn kill(shared: &Arc<Shared>, ends: Ends, operation: &str, fate: Fate) {
    let mark = shared.mark.clone();
    let found =
        tokio::task::spawn_blocking(move || process::behind(&mark, ends.theirs, ends.ours)).await;
    if let Ok(Some(function)) = found
        && function.kill()
    {
        shared.record().kill(function.name, fate.name(), operation);
    }
}

async fn forward(
    shared: &Shared,
    upstream: Upstream,
    operation: &str,
    mut parts: Parts,
    body: Bytes,
) -> io::Result<Response<Full<Bytes>>> {
    if let Some(said) = hidden::answer(operation, &body) {
        return Ok(own(StatusCode::OK, AWS_JSON, said));
    }
    let to = match upstream {
        Upstream::Aws => shared.aws,
        Upstream::Telegram => shared.telegram,
    };
    let mut uri = parts.uri.into_parts();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(to.to_string().parse::<Authority>().map_err(io::Error::other)?);
    parts.uri = Uri::from_parts(uri).map_err(io::Error::other)?;
    // These two are about the connection, not about the call. `Host` stays as it was signed.
    parts.headers.remove(CONNECTION);
    parts.headers.remove(TRANSFER_ENCODING);
    let request = Request::from_parts(parts, Full::new(body));
    let (mut parts, body) =
        shared.client.request(request).await.map_err(io::Error::other)?.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    parts.headers.remove(CONNECTION);
    parts.headers.remove(TRANSFER_ENCODING);
    Ok(Response::from_parts(parts, Full::new(body)))
}

/// A 500 as each of the two would say it.
fn refusal(upstream: Upstream) -> Response<Full<Bytes>> {
    let (media, body) = match upstream {
        Upstream::Aws => {
            (AWS_JSON, r#"{"__type":"InternalServerError","message":"Internal server error"}"#)
        }
        Upstream::Telegram => (
            "application/json",
            r#"{"ok":false,"error_code":500,"description":"Internal Server Error"}"#,
        ),
    };
    own(StatusCode::INTERNAL_SERVER_ERROR, media, Bytes::from_static(body.as_bytes()))
}

/// An answer of the proxy's own.
fn own(status: StatusCode, media: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(MARK, HeaderValue::from_static("own"));
    response
}
