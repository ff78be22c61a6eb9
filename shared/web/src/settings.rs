//! The settings and the price of a service, as a body names them.

use domain::price::{Currency, Price};
use domain::service::{AlertFormat, GraceHours, Guard, ReminderHours, Reminders, Settings};

use crate::fields::{Fields, Raw, integer, one_of, parsed, price};

/// The settings that a body names; the others are `None`.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// The layout of alerts.
    pub alert_format: Option<AlertFormat>,
    /// What happens to intruders.
    pub guard: Option<Guard>,
    /// Access after the paid time.
    pub grace_hours: Option<GraceHours>,
    /// When buyers are reminded.
    pub reminder_hours: Option<Reminders>,
}

impl Chosen {
    /// These settings, and those of `base` where nothing was named.
    pub fn over(self, base: Settings) -> Settings {
        Settings {
            alert_format: self.alert_format.unwrap_or(base.alert_format),
            guard: self.guard.unwrap_or(base.guard),
            grace_hours: self.grace_hours.unwrap_or(base.grace_hours),
            reminder_hours: self.reminder_hours.unwrap_or(base.reminder_hours),
        }
    }
}

/// Reads the layout of alerts.
///
/// # Errors
/// A sentence for the caller.
pub fn alert_format(raw: Raw<'_>) -> Result<AlertFormat, String> {
    one_of([
        ("rich", AlertFormat::Rich),
        ("mt4", AlertFormat::Mt4),
        ("cornix", AlertFormat::Cornix),
    ])(raw)
}

/// Reads the fields of a price, as an object has them. `None` when there is a fault in them.
pub fn money(inner: &mut Fields<'_>) -> Option<Price> {
    let amount = inner.required("amount", price);
    let currency = inner.required("currency", parsed(Currency::parse));
    Some(Price { amount: amount?, currency: currency? })
}

/// Reads the field `settings`.
pub fn settings(body: &mut Fields<'_>) -> Chosen {
    let read = |inner: &mut Fields<'_>| {
        let alert_format = inner.optional("alert_format", alert_format);
        let guard = inner
            .optional("guard", one_of([("enforce", Guard::Enforce), ("observe", Guard::Observe)]));
        let grace_hours = inner.optional("grace_hours", integer(GraceHours::new));
        let hours = inner.list("reminder_hours", integer(ReminderHours::new));
        let reminder_hours = hours.and_then(|hours| match Reminders::new(hours) {
            Ok(reminders) => Some(reminders),
            Err(error) => {
                inner.fault("reminder_hours", error.to_string());
                None
            }
        });
        Some(Chosen { alert_format, guard, grace_hours, reminder_hours })
    };
    body.object("settings", read).unwrap_or_default()
}
