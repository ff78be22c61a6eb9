//! Telegram in memory does what the real client does, against the same simulator over HTTP.
#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use serde_json::{Value, json};
use telegram::{BotApi, BotToken};
use telegram_simulator::{BotConfig, Clock, Config, Running, Settings, Simulator, World};
use testkit::conformance::{self, TelegramStage};
use testkit::house::BEGIN;
use testkit::memory_telegram::{BOT_NAME, TOKEN};
use testkit::{MemoryTelegram, VirtualClock};

fn in_memory() -> Vec<Value> {
    let clock = VirtualClock::at(BEGIN);
    let telegram = MemoryTelegram::new(clock.clone(), 1);
    clock.run(conformance::telegram(&telegram, &telegram))
}

struct OverHttp(Running);

impl TelegramStage for OverHttp {
    fn control(&self, what: &str, body: Value) -> Value {
        self.0.world(|world, now| world.control(now, what, body)).unwrap()
    }

    fn calls(&self) -> Value {
        self.0.world(|world, _| World::calls(world))
    }
}

async fn over_http() -> Vec<Value> {
    // Fails only when it was done before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config {
        bots: vec![BotConfig { token: TOKEN.to_owned(), username: BOT_NAME.to_owned() }],
        settings: Settings { kick_ms: 0, ..Settings::default() },
        clock: Clock::manual(BEGIN.as_millisecond()),
        ..Config::default()
    };
    let stage = OverHttp(Simulator::start(config).await.unwrap());
    let bot = BotApi::new(&stage.0.base_url, BotToken::parse(TOKEN).unwrap()).unwrap();
    conformance::telegram(&bot, &stage).await
}

#[test]
fn telegram_in_memory_conforms() {
    assert!(in_memory().len() > 60);
}

#[tokio::test]
async fn the_real_client_conforms() {
    assert!(over_http().await.len() > 60);
}

#[tokio::test]
async fn both_send_the_same_arguments_and_get_the_same_answers() {
    let (memory, http) = (in_memory(), over_http().await);
    for (number, (memory, http)) in memory.iter().zip(&http).enumerate() {
        assert_eq!(memory, http, "call {number}");
    }
    assert_eq!(json!(memory.len()), json!(http.len()));
}
