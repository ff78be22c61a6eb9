//! The list of a function's dependencies is the list of its permissions, and its environment names
//! what it reads and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::repository;
use crate::template::{self, Function};

/// What a crate stands for: who has it may use such actions, and who has not may not.
const PORTS: [(&str, &str); 3] = [("store", "dynamodb:"), ("queue", "sqs:"), ("events", "events:")];

#[test]
fn who_depends_on_a_port_may_use_it_and_nobody_else() {
    for function in template::functions().into_values() {
        let depends = dependencies(&function.package);
        for (port, actions) in PORTS {
            let may = function.rights().iter().any(|(action, _)| action.starts_with(actions));
            assert_eq!(may, depends.contains(port), "{}: {port}, {actions}*", function.package);
        }
    }
}

#[test]
fn no_right_is_of_a_kind_that_no_port_stands_for() {
    let known = ["dynamodb:", "sqs:", "events:", "secretsmanager:"];
    for function in template::functions().into_values() {
        for (action, _) in function.rights() {
            let fits = known.iter().any(|kind| action.starts_with(kind)) && !action.contains('*');
            assert!(fits, "{}: {action}", function.package);
        }
    }
}

#[test]
fn who_waits_for_turns_has_the_limiters_table_and_nobody_else() {
    for function in template::functions().into_values() {
        let waits = dependencies(&function.package).contains("limiter");
        assert_eq!(function.settings().contains("LIMITS_TABLE"), waits, "{}", function.package);
    }
}

#[test]
fn who_calls_telegram_has_the_bots_token_and_nobody_else() {
    for function in template::functions().into_values() {
        let calls = main(&function).contains("BotApi::new");
        for setting in ["BOT_TOKEN_SECRET", "TELEGRAM_API"] {
            let has = function.settings().contains(setting);
            assert_eq!(has, calls, "{}: {setting}", function.package);
        }
        // The webhook takes Telegram's types only: it reads what arrives and calls nothing.
        let depends = dependencies(&function.package).contains("telegram");
        let reads_only = function.package == "telegram-webhook";
        assert_eq!(depends, calls || reads_only, "{}", function.package);
    }
}

#[test]
fn a_secret_may_be_read_by_those_whose_environment_names_it() {
    for function in template::functions().into_values() {
        let settings = function.settings();
        let named = settings.iter().filter(|name| name.ends_with("_SECRET"));
        let named: BTreeSet<_> = named.map(|name| function.setting(name).unwrap()).collect();
        let rights = function.rights().into_iter();
        let readable: BTreeSet<_> = rights
            .filter(|(action, _)| action == "secretsmanager:GetSecretValue")
            .map(|(_, secret)| secret)
            .collect();
        assert_eq!(readable, named, "{}", function.package);
    }
}

#[test]
fn a_function_reads_what_its_environment_names() {
    let mut wrong = Vec::new();
    for function in template::functions().into_values() {
        let main = main(&function);
        for setting in function.settings() {
            let reads = match setting.as_str() {
                "BOT_USERNAME" => "bot_name()".to_owned(),
                "LINK_KEY_SECRET" => "link_key()".to_owned(),
                "LIMITS_TABLE" => "required(\"LIMITS_TABLE\")".to_owned(),
                name if name.ends_with("_TABLE") => "Tables::named".to_owned(),
                name if name.ends_with("_QUEUE_URL") => "Urls::named".to_owned(),
                name => format!("\"{name}\""),
            };
            if !main.contains(&reads) {
                wrong.push(format!("{} is given {setting} for nothing", function.package));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_functions_environment_names_what_it_cannot_start_without() {
    let queues = required_queue_urls();
    let mut wrong = Vec::new();
    for function in template::functions().into_values() {
        let main = main(&function);
        let mut needed: BTreeSet<_> = quoted(&main, "required(\"").collect();
        needed.extend(quoted(&main, "secret(\""));
        if main.contains("bot_name()") {
            needed.insert("BOT_USERNAME".to_owned());
        }
        if main.contains("link_key()") {
            needed.insert("LINK_KEY_SECRET".to_owned());
        }
        if main.contains("Urls::named(|name| start.settings.required(name))") {
            needed.extend(queues.iter().cloned());
        }
        for setting in needed.difference(&function.settings()) {
            wrong.push(format!("{} does not start without {setting}", function.package));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The settings that the queue's side of SQS reads.
fn required_queue_urls() -> BTreeSet<String> {
    let found: BTreeSet<_> =
        quoted(&repository::read("shared/queue/src/sqs.rs"), "setting(\"").collect();
    assert!(!found.is_empty());
    found
}

/// The words that follow an opening, up to the closing quote.
fn quoted<'t>(text: &'t str, opening: &'t str) -> impl Iterator<Item = String> + 't {
    text.split(opening).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned)
}

fn main(function: &Function) -> String {
    repository::read(format!("functions/{}/src/main.rs", function.package))
}

/// Our own crates that a function depends on, also by way of others.
fn dependencies(package: &str) -> BTreeSet<String> {
    let ours = shared();
    let mut found = BTreeSet::new();
    let mut next = direct(&format!("functions/{package}"));
    while let Some(name) = next.pop() {
        if let Some(more) = ours.get(&name)
            && found.insert(name)
        {
            next.extend(more.clone());
        }
    }
    found
}

/// The shared crates and what they depend on.
fn shared() -> BTreeMap<String, Vec<String>> {
    let folders = std::fs::read_dir(repository::root().join("shared")).unwrap();
    let names = folders.map(|it| it.unwrap().file_name().to_string_lossy().into_owned());
    names.map(|name| (name.clone(), direct(&format!("shared/{name}")))).collect()
}

fn direct(folder: &str) -> Vec<String> {
    let manifest: toml::Table = repository::read(format!("{folder}/Cargo.toml")).parse().unwrap();
    let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
    dependencies.into_iter().flat_map(toml::Table::keys).cloned().collect()
}
