//! A strict simulator of the Telegram Bot API server, for development and tests.
//!
//! [`World`] is the model: plain data and functions, without time, network or chance of their own.
//! [`Simulator`] puts it behind HTTP: the Bot API at `/bot<token>/<method>`, webhooks to the bot, a
//! control interface for tests and people under `/control`, and a page at `/`.
//!
//! Behaviour and error texts follow the sources of the open Bot API server and of tdlib. What is strict
//! beyond Telegram is named in the README.

mod access;
mod admins;
mod arguments;
mod bot_http;
mod chats;
mod clock;
mod control_http;
mod deliver;
mod errors;
mod faults;
mod flood;
mod glance;
mod http;
mod keyboard;
mod links;
mod members;
mod messages;
mod methods;
mod model;
mod open;
mod orders;
mod people;
mod requests;
mod rights;
mod rng;
mod server;
mod show;
mod text;
mod updates;
mod view;
mod webhook;
mod world;

pub use arguments::Args;
pub use clock::Clock;
pub use errors::{ApiError, ControlError};
pub use faults::{Fault, FaultKind};
pub use flood::{FloodMode, FloodRules};
pub use glance::{Inside, Posted};
pub use server::{BotConfig, Config, Running, Simulator};
pub use world::{Settings, World};
