//! Bad input to every route: the stated problem answers, every fault is named at once, and nothing
//! is kept.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Answer, Caller, Trouble};

use crate::stage::{Stage, Told, in_seconds, items, offer, text};

const JSON: &str = "application/json";

/// An id that is well formed and names nothing.
const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

/// A route that takes a body.
struct Route<'a> {
    caller: &'a Caller,
    method: Method,
    path: String,
    /// A body that would be accepted.
    good: Value,
    /// The fields that have to be there.
    required: &'a [&'a str],
}

impl Route<'_> {
    /// Sends a body that has to be refused with this problem.
    async fn refuses(
        &self,
        stage: &Stage,
        body: &str,
        media: &str,
        (status, kind): (u16, &str),
    ) -> Result<Answer, Trouble> {
        let sent = Some((body.to_owned(), media));
        let method = self.method.clone();
        let answer = stage.stack.send(self.caller, method, &self.path, sent, &[]).await?;
        let what = format!("{} {} with {:.60}: {}", self.method, self.path, body, answer.body);
        assert_eq!(answer.status, status, "{what}");
        assert_eq!(answer.text("/type"), format!("/problems/{kind}"), "{what}");
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{what}");
        assert_eq!(answer.body["status"], json!(status), "{what}");
        assert!(!answer.text("/title").is_empty() && !answer.text("/detail").is_empty(), "{what}");
        assert_eq!(answer.text("/instance"), answer.headers["x-request-id"], "{what}");
        Ok(answer)
    }

    /// Sends a body in which exactly these values do not fit.
    async fn names(&self, stage: &Stage, body: &Value, pointers: &[&str]) -> Told {
        let invalid = (422, "invalid");
        let answer = self.refuses(stage, &body.to_string(), JSON, invalid).await?;
        let faults = items(&answer.body, "errors");
        let mut named: Vec<_> = faults.iter().map(|fault| text(fault, "pointer")).collect();
        named.sort_unstable();
        let mut wanted = pointers.to_vec();
        wanted.sort_unstable();
        assert_eq!(named, wanted, "{} {} with {body}", self.method, self.path);
        assert!(faults.iter().all(|fault| !text(fault, "detail").is_empty()));
        Ok(())
    }
}

#[tokio::test]
async fn what_is_no_json_object_or_holds_unknown_fields_is_refused_by_every_route() -> Told {
    let stage = Stage::open()?;
    let scene = Scene::set(&stage).await?;
    for route in &scene.routes(&stage) {
        for broken in ["{", "{\"name\": }", "nonsense", "{} {}", "\u{feff}{}"] {
            route.refuses(&stage, broken, JSON, (400, "bad-json")).await?;
        }
        let good = route.good.to_string();
        for media in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
            route.refuses(&stage, &good, media, (415, "unsupported-media-type")).await?;
        }
        let long = format!("{}{good}", " ".repeat(32 * 1024));
        route.refuses(&stage, &long, JSON, (413, "too-large")).await?;
        for other in [json!([]), json!("text"), json!(1), Value::Null] {
            route.names(&stage, &other, &[""]).await?;
        }
        // Unknown fields by name, also beside other faults.
        let mut strange = route.good.clone();
        strange["colour"] = json!("red");
        strange["a/b~c"] = json!({});
        route.names(&stage, &strange, &["/colour", "/a~1b~0c"]).await?;
        let missing: Vec<_> = route.required.iter().map(|name| format!("/{name}")).collect();
        let mut named: Vec<_> = missing.iter().map(String::as_str).collect();
        named.push("/colour");
        route.names(&stage, &json!({ "colour": "red" }), &named).await?;
        let mut nulls = json!({ "colour": "red" });
        for name in route.required {
            nulls[name] = Value::Null;
        }
        route.names(&stage, &nulls, &named).await?;
    }
    scene.is_unchanged(&stage).await
}

#[tokio::test]
async fn terms_and_settings_that_do_not_fit_are_named_each_where_it_stands() -> Told {
    let stage = Stage::open()?;
    let scene = Scene::set(&stage).await?;
    let [create, change, ..] = &scene.routes(&stage);
    let bad_terms = json!({
        "name": " ", "description": "x".repeat(256), "price": { "amount": "0", "currency": "usd" },
        "duration_days": 0, "settings": { "alert_format": "morse", "guard": 1, "grace_hours": 721,
        "reminder_hours": [24, 0, "x"], "more": true },
    });
    let pointers = [
        "/name",
        "/description",
        "/price/amount",
        "/price/currency",
        "/duration_days",
        "/settings/alert_format",
        "/settings/guard",
        "/settings/grace_hours",
        "/settings/reminder_hours/1",
        "/settings/reminder_hours/2",
        "/settings/more",
    ];
    let too_many = json!({ "reminder_hours": [1, 2, 3, 4, 5, 6] });
    let price = |amount: &str| json!({ "amount": amount, "currency": "USD" });
    for route in [create, change] {
        route.names(&stage, &bad_terms, &pointers).await?;
        for (field, value, pointer) in [
            ("name", json!(7), "/name"),
            ("name", json!("x".repeat(129)), "/name"),
            ("name", json!("Gold {{name}}"), "/name"),
            ("name", json!("Gold\nSignals"), "/name"),
            ("price", json!("49.00"), "/price"),
            ("price", price("49,00"), "/price/amount"),
            ("price", price("-1"), "/price/amount"),
            ("price", price("NaN"), "/price/amount"),
            ("price", price("1e3"), "/price/amount"),
            ("price", json!({ "amount": "1" }), "/price/currency"),
            ("duration_days", json!(3_661), "/duration_days"),
            ("duration_days", json!(1.5), "/duration_days"),
            ("duration_days", json!("30"), "/duration_days"),
            ("settings", json!([]), "/settings"),
            ("settings", too_many.clone(), "/settings/reminder_hours"),
        ] {
            let mut body = offer("Gold Signals");
            body[field] = value;
            route.names(&stage, &body, &[pointer]).await?;
        }
    }
    scene.is_unchanged(&stage).await
}

#[tokio::test]
async fn groups_links_and_sales_that_do_not_fit_are_named_each_where_it_stands() -> Told {
    let stage = Stage::open()?;
    let scene = Scene::set(&stage).await?;
    let [_, _, group, _, link, _, sale, cancel] = &scene.routes(&stage);
    group.names(&stage, &json!({ "mode": "magic" }), &["/mode"]).await?;
    cancel.names(&stage, &json!({ "when": "yesterday" }), &["/when"]).await?;
    for (body, pointers) in [
        (json!({ "kind": "open" }), vec!["/kind"]),
        (json!({ "kind": "single_use", "expires_in_hours": 0 }), vec!["/expires_in_hours"]),
        (json!({ "kind": "permanent", "expires_in_hours": 1 }), vec!["/expires_in_hours"]),
        (
            json!({ "kind": 1, "name": "x".repeat(33), "expires_in_hours": 8_761 }),
            vec!["/kind", "/name", "/expires_in_hours"],
        ),
    ] {
        link.names(&stage, &body, &pointers).await?;
    }
    for (field, value) in [
        ("service_id", json!("nonsense")),
        ("customer_id", json!("two words")),
        ("customer_id", json!("x".repeat(129))),
        ("customer_id", json!("")),
        ("telegram_user_id", json!(0)),
        ("telegram_user_id", json!(-5)),
        ("telegram_user_id", json!("@ann")),
        ("telegram_user_id", json!(1_i64 << 52)),
        ("email", json!("nonsense")),
        ("payment_ref", json!("x".repeat(256))),
        ("ends_at", json!("tomorrow")),
        ("ends_at", json!(1_800_000_000)),
        ("ends_at", json!(in_seconds(-1))),
    ] {
        let mut body = sale.good.clone();
        body[field] = value;
        sale.names(&stage, &body, &[&format!("/{field}")]).await?;
    }
    scene.is_unchanged(&stage).await
}

#[tokio::test]
async fn a_signal_that_contradicts_itself_is_refused() -> Told {
    let stage = Stage::open()?;
    let scene = Scene::set(&stage).await?;
    let [_, _, _, _, _, alert, _, _] = &scene.routes(&stage);
    for (changes, pointers) in [
        (json!({ "symbol": "{{ticker}}" }), vec!["/symbol"]),
        (json!({ "symbol": "EUR USD" }), vec!["/symbol"]),
        (json!({ "ticker": "EURUSD" }), vec!["/ticker"]),
        (json!({ "action": "hold" }), vec!["/action"]),
        (json!({ "order_type": "limit" }), vec!["/entry"]),
        (json!({ "entry": "{{close}}", "stop_loss": "NaN" }), vec!["/entry", "/stop_loss"]),
        (json!({ "entry": "1,000" }), vec!["/entry"]),
        (json!({ "entry": true }), vec!["/entry"]),
        (json!({ "entry": 100, "stop_loss": 101 }), vec!["/stop_loss"]),
        (json!({ "entry": 100, "targets": [110, 90, 120, 100] }), vec!["/targets/1", "/targets/3"]),
        (
            json!({ "action": "short", "entry": 100, "sl": 90, "tp": 110 }),
            vec!["/stop_loss", "/targets/0"],
        ),
        (json!({ "entry": 100, "price": 100 }), vec!["/price"]),
        (json!({ "targets": ["1", "x", null] }), vec!["/targets/1", "/targets/2"]),
        (json!({ "targets": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] }), vec!["/targets"]),
        (json!({ "leverage": 501 }), vec!["/leverage"]),
        (json!({ "note": "x".repeat(1_001), "timeframe": "" }), vec!["/note", "/timeframe"]),
        (json!({ "image_url": "http://charts.example/a.png" }), vec!["/image_url"]),
        (json!({ "format": "morse", "client_alert_id": "" }), vec!["/format", "/client_alert_id"]),
    ] {
        let mut body = alert.good.clone();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        alert.names(&stage, &body, &pointers).await?;
    }
    scene.is_unchanged(&stage).await
}

#[tokio::test]
async fn an_id_that_names_nothing_is_not_found() -> Told {
    let stage = Stage::open()?;
    let (trader, storefront) = (&stage.trader, &Caller::Storefront);
    let patch = &json!({ "name": "x" });
    let link = &json!({ "kind": "permanent" });
    let (none, empty) = (&Value::Null, &json!({}));
    for id in ["nonsense", NOWHERE, "1"] {
        let service = format!("/traders/services/{id}");
        for (caller, method, path, body) in [
            (trader, Method::GET, service.clone(), none),
            (trader, Method::PATCH, service.clone(), patch),
            (trader, Method::POST, format!("{service}/telegram-group/create"), empty),
            (trader, Method::GET, format!("{service}/telegram-group/info"), none),
            (trader, Method::POST, format!("{service}/telegram-group/test-alert"), empty),
            (trader, Method::POST, format!("{service}/telegram-group/generate-link"), link),
            (trader, Method::GET, format!("{service}/subscriptions"), none),
            (trader, Method::GET, format!("{service}/alerts"), none),
            (trader, Method::GET, format!("{service}/audit"), none),
            (trader, Method::GET, format!("/alerts/{id}"), none),
            (storefront, Method::GET, format!("/subscriptions/{id}"), none),
            (storefront, Method::POST, format!("/subscriptions/{id}/cancel"), empty),
        ] {
            let body = Some(body).filter(|body| !body.is_null());
            let answer = stage.stack.call(caller, method.clone(), &path, body, &[]).await?;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
            assert_eq!(answer.text("/type"), "/problems/not-found", "{method} {path}");
        }
    }
    // A purchase or an alert for a service that is not there.
    let sale = json!({ "service_id": NOWHERE, "customer_id": "ann" });
    stage.stack.post(storefront, "/subscriptions", &sale).await?.expect_status(404)?;
    let alert = json!({ "service_id": NOWHERE, "symbol": "EURUSD", "action": "buy" });
    stage.post("/alerts", &alert).await?.expect_status(404)?;
    Ok(())
}

/// A trader with a group and a buyer, and how everything was before anybody sent nonsense.
struct Scene {
    service: String,
    subscription: String,
    before: Vec<Value>,
}

impl Scene {
    async fn set(stage: &Stage) -> Result<Self, Trouble> {
        let shop = stage.shop().await?;
        let ann = stage.buyer(&shop, "Ann").await?;
        let item = format!("subscription/{}", ann.subscription);
        stage.is_on_record(&shop.id, &item, "member.joined").await?;
        let mut scene =
            Self { service: shop.id, subscription: ann.subscription, before: Vec::new() };
        scene.before = scene.look(stage).await?;
        Ok(scene)
    }

    /// Every route that takes a body, but for Telegram's own, which is refused before it is read.
    fn routes<'a>(&self, stage: &'a Stage) -> [Route<'a>; 8] {
        let (trader, storefront) = (&stage.trader, &Caller::Storefront);
        let service = format!("/traders/services/{}", self.service);
        let group = format!("{service}/telegram-group");
        let signal = json!({ "service_id": self.service, "symbol": "EURUSD", "action": "buy" });
        let sale = json!({ "service_id": self.service, "customer_id": "ben" });
        let post = |caller, path: &str, good, required| Route {
            caller,
            method: Method::POST,
            path: path.to_owned(),
            good,
            required,
        };
        let name = json!({ "name": "Changed" });
        let cancel = format!("/subscriptions/{}/cancel", self.subscription);
        [
            post(trader, "/traders/services", offer("New"), &["name", "price", "duration_days"]),
            Route { method: Method::PATCH, ..post(trader, &service, name, &[]) },
            post(trader, &format!("{group}/create"), json!({ "mode": "auto" }), &[]),
            post(trader, &format!("{group}/test-alert"), json!({}), &[]),
            post(
                trader,
                &format!("{group}/generate-link"),
                json!({ "kind": "permanent" }),
                &["kind"],
            ),
            post(trader, "/alerts", signal, &["service_id", "symbol", "action"]),
            post(storefront, "/subscriptions", sale, &["service_id", "customer_id"]),
            post(storefront, &cancel, json!({ "when": "now" }), &[]),
        ]
    }

    /// Everything that could have been stored: services, sales, alerts, and the whole trail.
    async fn look(&self, stage: &Stage) -> Result<Vec<Value>, Trouble> {
        let mut found = vec![Value::from(stage.all("/traders/services", 100).await?)];
        for list in ["subscriptions", "alerts", "audit"] {
            let path = format!("/traders/services/{}/{list}", self.service);
            found.push(stage.all(&path, 100).await?.into());
        }
        Ok(found)
    }

    async fn is_unchanged(&self, stage: &Stage) -> Told {
        assert_eq!(self.look(stage).await?[..3], self.before[..3], "something was stored");
        // A change after all the refusals: once it is on record, so is all that came before.
        stage.cancel(&self.subscription, "period_end").await?;
        let item = format!("subscription/{}", self.subscription);
        stage.is_on_record(&self.service, &item, "subscription.cancelled").await?;
        let after = self.look(stage).await?;
        let (trail, before) = (after[3].as_array().unwrap(), self.before[3].as_array().unwrap());
        assert_eq!(trail[1..], before[..], "something is on record");
        Ok(())
    }
}
