//! The same stack with another Bot API server.

use std::net::TcpListener;
use std::path::Path;

use serde_json::json;
use stories::{Shop, Stack, Telegram, Told, Trouble};
use telegram_simulator::{BotConfig, Config, Simulator};
use tokio::process::Command;

/// Three ports in a row that nobody uses.
fn free_ports() -> Result<u16, Trouble> {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    (5_700..6_400)
        .step_by(10)
        .find(|base| (*base..base + 3).all(free))
        .ok_or_else(|| "no free ports".into())
}

async fn stack(command: &str, base: u16, api: &str) -> Told {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize()?;
    let output = Command::new(root.join(".local/venv/bin/python"))
        .args(["-m", "stack", command])
        .env("PYTHONPATH", root.join("infra/local"))
        .env("PORT_BASE", base.to_string())
        .env("STACK_JSON", root.join(format!(".local/{base}/stack.json")))
        .env("TELEGRAM_API", api)
        .env("TELEGRAM_BOT_TOKEN", "200:other-test-token")
        .current_dir(&root)
        .output()
        .await?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{command}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

async fn workflows(base: u16) -> Told {
    let stack = Stack::at_port(base)?;
    assert_eq!(stack.address("telegram_page"), "", "the project's own simulator is not started");
    let telegram = Telegram::played(&stack);
    let shop = Shop::open(&stack, &telegram).await?;
    let (_, ann) = shop.lets_in("Ann").await?;
    let sent = shop.alerts(&shop.signal(), "other").await?.expect_status(202)?;
    shop.alert_becomes(&sent.text("/alert_id"), "sent").await?;
    let sold = shop.sells(json!({ "customer_id": "ben" })).await?.expect_status(201)?;
    assert!(sold.text("/claim_link").starts_with("https://t.me/OtherTestBot?start="));
    shop.cancels(&ann).await?;
    telegram.has_members(shop.chat, &["Tara", "the bot"]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stack_works_unchanged_with_another_bot_api_server() -> Told {
    let bot =
        BotConfig { token: "200:other-test-token".to_owned(), username: "OtherTestBot".to_owned() };
    let server = Simulator::start(Config { bots: vec![bot], ..Config::default() }).await?;
    let base = free_ports()?;
    let told = match stack("up", base, &server.base_url).await {
        Ok(()) => workflows(base).await,
        failed => failed,
    };
    stack("down", base, &server.base_url).await?;
    told
}
