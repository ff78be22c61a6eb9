//! Starting and stopping a simulator: the listener, the shared world, the background work.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tower_service::Service;

use crate::clock::Clock;
use crate::deliver;
use crate::flood::FloodRules;
use crate::http::{HangUp, router};
use crate::world::{Settings, World};

/// A bot that exists from the start.
#[derive(Clone)]
pub struct BotConfig {
    /// `<number>:<secret>`; the number is the bot's id.
    pub token: String,
    /// With or without the `@`.
    pub username: String,
}

/// How to start a simulator.
#[derive(Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one. Only addresses of this machine are accepted.
    pub listen: SocketAddr,
    /// Bots that exist from the start.
    pub bots: Vec<BotConfig>,
    /// How the world behaves.
    pub settings: Settings,
    /// The flood limits.
    pub flood: FloodRules,
    /// Where the time comes from.
    pub clock: Clock,
    /// How long a webhook may take to answer. Real time; 60 seconds at Telegram.
    pub webhook_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            bots: Vec::new(),
            settings: Settings::default(),
            flood: FloodRules::default(),
            clock: Clock::Real,
            webhook_timeout: Duration::from_secs(60),
        }
    }
}

/// The world together with its clock, and a bell that rings at every change.
pub(crate) struct Shared {
    world: Mutex<World>,
    pub(crate) clock: Clock,
    pub(crate) changed: watch::Sender<u64>,
    pub(crate) webhook_timeout: Duration,
}

impl Shared {
    /// Looks at the world without changing it.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        look(&self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the world without ringing the bell.
    pub(crate) fn change_quietly<R>(&self, change: impl FnOnce(&mut World, i64) -> R) -> R {
        let now = self.clock.now_ms();
        change(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    /// Changes the world and wakes whoever waits for that.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut World, i64) -> R) -> R {
        let result = self.change_quietly(change);
        self.ring();
        result
    }

    pub(crate) fn ring(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Waits, at most `limit` of real time, until nothing is to be delivered or half done.
    pub(crate) async fn idle(&self, limit: Duration) -> bool {
        let mut changed = self.changed.subscribe();
        let wait = changed.wait_for(|_| self.look(World::is_idle));
        tokio::time::timeout(limit, wait).await.is_ok_and(|waited| waited.is_ok())
    }
}

/// The simulator as a server.
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Starts a simulator on its own tasks of the running tokio runtime. It serves until the returned
    /// handle is dropped.
    ///
    /// # Errors
    /// The address is not of this machine or is taken, or a bot's token is malformed or doubled.
    pub async fn start(config: Config) -> io::Result<Running> {
        if !config.listen.ip().is_loopback() {
            return Err(io::Error::other("the simulator listens on 127.0.0.1 only"));
        }
        let mut world = World::new(config.settings);
        world.flood.set(config.flood);
        for bot in &config.bots {
            world
                .add_bot(&bot.token, &bot.username, "", true, false)
                .map_err(|error| io::Error::other(error.0))?;
        }
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            clock: config.clock,
            changed: watch::Sender::new(0),
            webhook_timeout: config.webhook_timeout,
        });
        let serving = tokio::spawn(serve(listener, shared.clone()));
        let delivering = tokio::spawn(deliver::run(shared.clone()));
        Ok(Running {
            base_url: format!("http://{address}"),
            address,
            shared,
            tasks: [serving, delivering],
        })
    }
}

/// A simulator that runs. Dropping it stops it, connections and deliveries included.
pub struct Running {
    /// `http://127.0.0.1:<port>`: what a bot uses instead of `https://api.telegram.org`.
    pub base_url: String,
    /// The same as an address.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

impl Running {
    /// Looks at or changes the world; the second argument is the time by the simulator's clock.
    pub fn world<R>(&self, with: impl FnOnce(&mut World, i64) -> R) -> R {
        self.shared.change(with)
    }

    /// The simulator's clock, to be moved if it is a manual one.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Waits until no update is to be delivered to a webhook and no kick is half done; false if `limit`
    /// of real time passed before that.
    pub async fn idle(&self, limit: Duration) -> bool {
        self.shared.idle(limit).await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = router(shared);
    // The set ends with this task, and all connections with the set.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An accept fails when the machine is short of something; the next may do.
                let Ok((stream, _)) = accepted else { continue };
                let router = router.clone();
                let answer = hyper::service::service_fn(move |request| {
                    let mut router = router.clone();
                    async move {
                        let Ok(response) = router.call(request).await;
                        match response.extensions().get::<HangUp>() {
                            Some(HangUp) => Err(io::Error::other("hang up without an answer")),
                            None => Ok(response),
                        }
                    }
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
