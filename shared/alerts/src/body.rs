//! The body of an alert: the names it knows, the names it also understands, and what it refuses.

use domain::ids::ServiceId;
use domain::price::Positive;
use domain::service::AlertFormat;
use domain::signal::Fields as SignalFields;
use domain::signal::{Action, Contradiction, Leverage, OrderType, Signal};
use domain::text::{ImageUrl, Label, Note, Reference, Symbol};

use web::{Fields, Problem, Raw, alert_format, integer, one_of, parsed, price, whole};

/// What an alert's body says of the alert.
#[derive(Clone, Debug)]
pub struct AlertBody {
    /// The trader's own name for it.
    pub client_alert_id: Option<Reference>,
    /// The signal.
    pub signal: Signal,
    /// A picture.
    pub image_url: Option<ImageUrl>,
    /// The layout, where it is not the service's.
    pub format: Option<AlertFormat>,
}

/// Reads the body of `POST /alerts`: of which service, and what.
///
/// # Errors
/// A [`Problem`] that names every fault.
pub fn alert_body(mut body: Fields<'_>) -> Result<(ServiceId, AlertBody), Problem> {
    let service = body.required("service_id", parsed(str::parse::<ServiceId>));
    let alert = fields(&mut body);
    body.finish(service.zip(alert))
}

/// Reads the body of `POST /ingest/tradingview/{token}`, where the token says of which service. `time`
/// tells alerts apart that say the same, and nothing else.
///
/// # Errors
/// A [`Problem`] that names every fault.
pub fn chart_body(text: &str) -> Result<AlertBody, Problem> {
    let mut body = Fields::parse(text.as_bytes())?;
    let _time = body.optional("time", label);
    let alert = fields(&mut body);
    body.finish(alert)
}

/// The fields that an alert has, whichever way it comes.
fn fields(body: &mut Fields<'_>) -> Option<AlertBody> {
    body.alias("symbol", "ticker");
    body.alias("entry", "price");
    body.alias("stop_loss", "sl");
    body.alias("stop_loss", "stopLoss");
    for alias in ["target", "tp", "take_profit"] {
        body.alias("targets", alias);
    }
    let client_alert_id = body.optional("client_alert_id", parsed(Reference::parse));
    let image_url = body.optional("image_url", parsed(ImageUrl::parse));
    let format = body.optional("format", alert_format);
    let signal = signal(body)?;
    Some(AlertBody { client_alert_id, signal, image_url, format })
}

fn signal(body: &mut Fields<'_>) -> Option<Signal> {
    let symbol = body.required("symbol", parsed(Symbol::parse));
    let action = body.required(
        "action",
        one_of([
            ("buy", Action::Buy),
            ("sell", Action::Sell),
            ("long", Action::Long),
            ("short", Action::Short),
        ]),
    );
    let order_type = body.optional(
        "order_type",
        one_of([
            ("market", OrderType::Market),
            ("limit", OrderType::Limit),
            ("stop", OrderType::Stop),
        ]),
    );
    let entry = body.optional("entry", price);
    let targets = targets(body);
    let stop_loss = body.optional("stop_loss", price);
    let leverage = body.optional("leverage", integer(Leverage::new));
    let timeframe = body.optional("timeframe", label);
    let exchange = body.optional("exchange", parsed(Label::parse));
    let note = body.optional("note", parsed(Note::parse));
    let fields = SignalFields {
        symbol: symbol?,
        action: action?,
        order_type,
        entry,
        targets,
        stop_loss,
        leverage,
        timeframe,
        exchange,
        note,
    };
    if !body.is_sound() {
        return None;
    }
    Signal::new(fields)
        .map_err(|faults| {
            for fault in faults {
                let at = match fault {
                    Contradiction::Stop { .. } => "stop_loss".to_owned(),
                    Contradiction::NoEntry => "entry".to_owned(),
                    Contradiction::TooManyTargets => "targets".to_owned(),
                    Contradiction::Target { index, .. } => {
                        body.fault_in("targets", index, fault.to_string());
                        continue;
                    }
                };
                body.fault(&at, fault.to_string());
            }
        })
        .ok()
}

/// A list of targets, or a single one.
fn targets(body: &mut Fields<'_>) -> Vec<Positive> {
    let single = body.raw("targets").is_some_and(|raw| !raw.get().starts_with(['[', 'n']));
    if single {
        body.optional("targets", price).into_iter().collect()
    } else {
        body.list("targets", price).unwrap_or_default()
    }
}

/// A label, or a bare number such as TradingView's interval `15`.
fn label(raw: Raw<'_>) -> Result<Label, String> {
    match whole(raw).filter(|number| *number >= 0) {
        Some(number) => Label::parse(&number.to_string()).map_err(|error| error.to_string()),
        None => parsed(Label::parse)(raw),
    }
}
