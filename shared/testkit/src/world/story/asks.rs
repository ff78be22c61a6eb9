//! What people ask of the API: traders, their charts, the storefront.

use domain::time::after;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Purpose, Story, extend};
use crate::functions::Request;
use crate::world::machine::Machine;

impl Story {
    fn ask(&mut self, machine: &mut Machine, request: Request, purpose: Purpose) {
        machine.request(request);
        self.purposes.push(purpose);
    }

    fn keyed(&self, request: Request) -> Request {
        request.with("idempotency-key", &format!("key-{}", self.cast.numbers))
    }

    pub(super) fn open_service(&mut self, machine: &mut Machine, service: usize) {
        let body = json!({
            "name": format!("Service {service}"),
            "price": { "amount": "49.00", "currency": "EUR" },
            "duration_days": 30,
            "settings": { "guard": "enforce", "reminder_hours": [] },
        });
        let request = Request::json("POST", "/traders/services", &body);
        self.ask(machine, self.keyed(trader(request, service)), Purpose::Service(service));
    }

    pub(super) fn ask_for_group(&mut self, machine: &mut Machine, service: usize, pool: bool) {
        let body = json!({ "mode": if pool { "pool" } else { "link" } });
        let path = "telegram-group/create";
        self.of_service(machine, service, path, Some(&body), Purpose::Group(service));
    }

    pub(super) fn guest(&mut self, machine: &mut Machine, service: usize, person: usize) {
        let body = json!({ "kind": "single_use" });
        let path = "telegram-group/generate-link";
        self.of_service(machine, service, path, Some(&body), Purpose::Guest { person });
    }

    pub(super) fn check_members(&mut self, machine: &mut Machine, service: usize) {
        self.of_service(machine, service, "members/reconcile", None, Purpose::Nothing);
    }

    pub(super) fn import(
        &mut self,
        machine: &mut Machine,
        service: usize,
        person: usize,
        minutes: i64,
    ) {
        let ends_at = after(machine.now(), SignedDuration::from_mins(minutes)).to_string();
        let account = self.person(person);
        // The other has an address only, and nobody ever claims what was bought with it.
        let members = json!([
            { "telegram_user_id": account, "ends_at": ends_at },
            { "email": "somebody@example.com", "ends_at": ends_at },
        ]);
        let body = json!({ "members": members });
        self.of_service(machine, service, "members/import", Some(&body), Purpose::Nothing);
    }

    /// Asks which guests there are, to withdraw the newest one's pass.
    pub(super) fn passes(&mut self, machine: &mut Machine, service: usize) {
        let Some(id) = self.cast.services.get(&service) else { return };
        let path = format!("/traders/services/{id}/telegram-group/passes");
        let request = trader(Request::bare("GET", path), service);
        self.ask(machine, request, Purpose::Passes { service });
    }

    pub(super) fn withdraw(&mut self, machine: &mut Machine, service: usize, pass: &str) {
        let Some(id) = self.cast.services.get(&service) else { return };
        let path = format!("/traders/services/{id}/telegram-group/passes/{pass}");
        let request = trader(Request::bare("DELETE", path), service);
        self.ask(machine, request, Purpose::Nothing);
    }

    pub(super) fn cancel(
        &mut self,
        machine: &mut Machine,
        service: usize,
        customer: usize,
        at_end: bool,
    ) {
        let body = json!({ "when": if at_end { "period_end" } else { "now" } });
        self.of_subscription(machine, (service, customer), "cancel", &body, Purpose::Nothing);
    }

    pub(super) fn relink(&mut self, machine: &mut Machine, service: usize, customer: usize) {
        let purpose = Purpose::Relink { service, customer };
        self.of_subscription(machine, (service, customer), "relink", &json!({}), purpose);
    }

    pub(super) fn buy(
        &mut self,
        machine: &mut Machine,
        service: usize,
        customer: usize,
        account: Option<usize>,
        minutes: Option<i64>,
    ) {
        let Some(id) = self.cast.services.get(&service) else { return };
        let mut body = json!({
            "service_id": id, "customer_id": format!("customer-{customer}"),
            "payment_ref": format!("payment-{}", self.cast.numbers),
        });
        if let Some(account) = account {
            extend(&mut body, json!({ "telegram_user_id": self.person(account) }));
        }
        if let Some(minutes) = minutes {
            let ends_at = after(machine.now(), SignedDuration::from_mins(minutes));
            extend(&mut body, json!({ "ends_at": ends_at.to_string() }));
        }
        let request = Request::json("POST", "/subscriptions", &body).by("storefront");
        // Some storefronts send a key, some trust to their payment's reference.
        let request = if customer.is_multiple_of(2) { request } else { self.keyed(request) };
        self.ask(machine, request, Purpose::Purchase { service, customer });
    }

    pub(super) fn alert(&mut self, machine: &mut Machine, service: usize) {
        let Some(id) = self.cast.services.get(&service) else { return };
        let number = self.cast.numbers;
        let body = json!({
            "service_id": id, "symbol": symbol(number), "action": "buy", "entry": "100.5",
            "targets": ["110"], "stop_loss": "95",
        });
        let request = trader(Request::json("POST", "/alerts", &body), service);
        let purpose = Purpose::Alert { service, number, chart: false };
        self.ask(machine, self.keyed(request), purpose);
    }

    /// The last alert of a service that was accepted, by its number.
    pub(super) fn last_alert(&self, service: usize) -> Option<usize> {
        self.cast.alerts.iter().rposition(|alert| alert.service == service)
    }

    pub(super) fn update(&mut self, machine: &mut Machine, service: usize) {
        let Some(alert) = self.last_alert(service) else { return };
        let Some(id) = self.cast.alerts.get(alert).map(|alert| alert.id.clone()) else { return };
        let number = self.cast.numbers;
        let body = match number % 2 {
            0 => json!({ "kind": "note", "text": word(number) }),
            _ => json!({ "kind": "move_sl", "price": "99.5", "text": word(number) }),
        };
        let request = Request::json("POST", format!("/alerts/{id}/updates"), &body);
        let request = self.keyed(trader(request, service));
        self.ask(machine, request, Purpose::Update { alert, number });
    }

    /// A chart raises an alert, once its address is known.
    pub(super) fn chart(&mut self, machine: &mut Machine, service: usize) {
        if self.cast.charts.contains_key(&service) {
            self.raise(machine, service, self.cast.numbers);
        } else {
            let purpose = Purpose::ChartAddress { service, number: self.cast.numbers };
            self.of_service(machine, service, "tradingview-url", None, purpose);
        }
    }

    pub(super) fn raise(&mut self, machine: &mut Machine, service: usize, number: usize) {
        let Some(address) = self.cast.charts.get(&service) else { return };
        let Some((_, path)) = address.split_once("/ingest/") else { return };
        let body = json!({ "ticker": symbol(number), "action": "sell", "price": 100.5 });
        let request = Request::json("POST", format!("/ingest/{path}"), &body);
        self.ask(machine, request, Purpose::Alert { service, number, chart: true });
    }

    /// A trader asks something about their service.
    fn of_service(
        &mut self,
        machine: &mut Machine,
        service: usize,
        what: &str,
        body: Option<&Value>,
        purpose: Purpose,
    ) {
        let Some(id) = self.cast.services.get(&service) else { return };
        let path = format!("/traders/services/{id}/{what}");
        let request = match body {
            Some(body) => Request::json("POST", path, body),
            None => Request::bare("POST", path),
        };
        self.ask(machine, self.keyed(trader(request, service)), purpose);
    }

    /// The storefront asks something about a customer's subscription.
    fn of_subscription(
        &mut self,
        machine: &mut Machine,
        of: (usize, usize),
        what: &str,
        body: &Value,
        purpose: Purpose,
    ) {
        let bought = self.cast.bought.get(&of);
        let Some(id) = bought.and_then(|bought| bought.get("id")?.as_str()) else { return };
        let request = Request::json("POST", format!("/subscriptions/{id}/{what}"), body);
        self.ask(machine, self.keyed(request.by("storefront")), purpose);
    }
}

fn trader(request: Request, service: usize) -> Request {
    request.by(&format!("trader-{service}"))
}

/// By which an alert is known in the group.
pub(super) fn symbol(number: usize) -> String {
    format!("COIN{number:04}X")
}

/// By which an update is known in the group.
pub(super) fn word(number: usize) -> String {
    format!("WORD{number:04}X")
}
