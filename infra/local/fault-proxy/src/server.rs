//! Three listeners: in front of AWS, in front of Telegram, and the one that is told what to do.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::fate::Fates;
use crate::forward::{self, Ends};
use crate::operation::Upstream;
use crate::record::Record;
use crate::{control, killer};

/// Where it listens, and in front of what it stands. All of it is on this machine.
#[derive(Clone, Debug)]
pub struct Config {
    /// The AWS emulator.
    pub aws: SocketAddr,
    /// The Bot API server.
    pub telegram: SocketAddr,
    /// Where it listens in its place; port 0 takes a free one.
    pub before_aws: SocketAddr,
    /// Where it listens in its place.
    pub before_telegram: SocketAddr,
    /// Where it is told what to do.
    pub control: SocketAddr,
    /// `NAME=value`, the variable by which the stack marks what it starts. Only functions that
    /// carry it are ever killed.
    pub mark: String,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) aws: SocketAddr,
    pub(crate) telegram: SocketAddr,
    pub(crate) mark: String,
    pub(crate) client: Client<HttpConnector, Full<Bytes>>,
    fates: Mutex<Fates>,
    record: Mutex<Record>,
}

impl Shared {
    pub(crate) fn fates(&self) -> MutexGuard<'_, Fates> {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A proxy that runs. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    /// Where it stands in front of AWS.
    pub aws: SocketAddr,
    /// Where it stands in front of Telegram.
    pub telegram: SocketAddr,
    /// Where it is told what to do.
    pub control: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Starts a proxy on the running tokio runtime.
///
/// # Errors
/// An address is taken.
pub async fn start(config: Config) -> io::Result<Running> {
    let before_aws = TcpListener::bind(config.before_aws).await?;
    let before_telegram = TcpListener::bind(config.before_telegram).await?;
    let told = TcpListener::bind(config.control).await?;
    let (aws, telegram) = (before_aws.local_addr()?, before_telegram.local_addr()?);
    let control = told.local_addr()?;
    let shared = Arc::new(Shared {
        aws: config.aws,
        telegram: config.telegram,
        mark: config.mark,
        client: Client::builder(TokioExecutor::new()).build_http(),
        fates: Mutex::default(),
        record: Mutex::default(),
    });
    let router = control::router(shared.clone());
    let tasks = vec![
        tokio::spawn(serve(before_aws, Upstream::Aws, aws, shared.clone())),
        tokio::spawn(serve(before_telegram, Upstream::Telegram, telegram, shared.clone())),
        tokio::spawn(killer::gusts(shared.clone())),
        tokio::spawn(killer::kills(shared)),
        tokio::spawn(async move {
            // It ends with the task.
            let _ = axum::serve(told, router).await;
        }),
    ];
    Ok(Running { aws, telegram, control, tasks })
}

async fn serve(listener: TcpListener, upstream: Upstream, ours: SocketAddr, shared: Arc<Shared>) {
    // The set ends with this task, and all connections with the set.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An accept fails when the machine is short of something; the next may do.
                let Ok((stream, theirs)) = accepted else { continue };
                // Small answers leave at once.
                let _ = stream.set_nodelay(true);
                let (shared, ends) = (shared.clone(), Ends { theirs, ours });
                let answer = hyper::service::service_fn(move |request| {
                    forward::call(shared.clone(), upstream, ends, request)
                });
                connections.spawn(async move {
                    // How a connection ends is the caller's business.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
