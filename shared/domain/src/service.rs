//! A service: what a trader sells, its settings, and its one Telegram group.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::group::Group;
use crate::ids::{ServiceId, TraderId};
use crate::price::Price;
use crate::text::{Description, ServiceName};

/// A number was outside of its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from {least} to {most}")]
pub struct OutOfRange {
    /// The smallest that is allowed.
    pub least: i64,
    /// The largest that is allowed.
    pub most: i64,
}

macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $least:expr, $most:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(u32);

        impl $name {
            /// Takes a number within the bounds.
            ///
            /// # Errors
            /// [`OutOfRange`] names them.
            pub fn new(number: i64) -> Result<Self, OutOfRange> {
                let refused = OutOfRange { least: $least, most: $most };
                if !($least..=$most).contains(&number) {
                    return Err(refused);
                }
                u32::try_from(number).map(Self).map_err(|_| refused)
            }

            /// The number.
            pub const fn get(self) -> u32 {
                self.0
            }
        }
    };
}

bounded!(
    /// How long one purchase lasts, in days of 24 hours.
    DurationDays, 1, 3660
);
bounded!(
    /// How long a buyer keeps access after the paid time is over, in hours.
    GraceHours, 0, 720
);
bounded!(
    /// How long before the end a reminder goes out, in hours.
    ReminderHours, 1, 720
);

impl DurationDays {
    /// The same as a length of time.
    pub fn length(self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.0) * 24)
    }
}

impl GraceHours {
    /// The same as a length of time.
    pub fn length(self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.0))
    }
}

impl ReminderHours {
    /// The same as a length of time.
    pub fn length(self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.0))
    }
}

/// The layout of alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertFormat {
    /// For people.
    #[default]
    Rich,
    /// For copiers into MetaTrader.
    Mt4,
    /// For Cornix.
    Cornix,
}

/// What happens to somebody who is in the group without a right to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// They are removed.
    #[default]
    Enforce,
    /// It is only written down.
    Observe,
}

/// What a trader can choose about a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The layout of alerts, where an alert does not choose for itself.
    pub alert_format: AlertFormat,
    /// What happens to intruders.
    pub guard: Guard,
    /// Access after the paid time.
    pub grace_hours: GraceHours,
    /// When buyers are reminded of the end.
    pub reminder_hours: Reminders,
}

/// When buyers are reminded: at most five times, each once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reminders(Vec<ReminderHours>);

/// More reminders than a person would bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must name at most 5 numbers of hours")]
pub struct TooManyReminders;

impl Reminders {
    /// Takes up to five, in any order, drops repeats and puts the earliest reminder first.
    ///
    /// # Errors
    /// [`TooManyReminders`].
    pub fn new(mut hours: Vec<ReminderHours>) -> Result<Self, TooManyReminders> {
        if hours.len() > 5 {
            return Err(TooManyReminders);
        }
        hours.sort_unstable_by(|a, b| b.cmp(a));
        hours.dedup();
        Ok(Self(hours))
    }

    /// Those that pass the test.
    pub(crate) fn only(&self, test: impl Fn(ReminderHours) -> bool) -> Self {
        Self(self.0.iter().copied().filter(|hours| test(*hours)).collect())
    }

    /// Earliest reminder (most hours before the end) first.
    pub fn as_slice(&self) -> &[ReminderHours] {
        &self.0
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            alert_format: AlertFormat::default(),
            guard: Guard::default(),
            grace_hours: GraceHours(0),
            reminder_hours: Reminders(vec![ReminderHours(72), ReminderHours(24)]),
        }
    }
}

/// What a trader says about a service when making it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub name: ServiceName,
    /// What it is about.
    pub description: Option<Description>,
    /// What one purchase costs.
    pub price: Price,
    /// How long one purchase lasts.
    pub duration_days: DurationDays,
    /// What the trader chose.
    pub settings: Settings,
}

/// A trader's signal service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// Whose it is.
    pub trader: TraderId,
    /// Its name.
    pub name: ServiceName,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// What one purchase costs.
    pub price: Price,
    /// How long one purchase lasts.
    pub duration_days: DurationDays,
    /// What the trader chose.
    pub settings: Settings,
    /// Its Telegram group, as far as there is one.
    pub group: Group,
    /// How many set-up links were given out; each link carries its number and only the newest works.
    pub setups: u32,
    /// How many addresses for charts were given out; only the newest works.
    #[serde(default)]
    pub chart_urls: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Service {
    /// A new service without a group.
    pub fn new(id: ServiceId, trader: TraderId, offer: Offer, now: Timestamp) -> Self {
        let Offer { name, description, price, duration_days, settings } = offer;
        Self {
            id,
            trader,
            name,
            description,
            price,
            duration_days,
            settings,
            group: Group::None,
            setups: 0,
            chart_urls: 0,
            created_at: now,
        }
    }

    /// The service with another address for its charts. The one before stops working.
    #[must_use]
    pub fn with_new_chart_url(&self) -> Self {
        Self { chart_urls: self.chart_urls.saturating_add(1), ..self.clone() }
    }
}

/// What a trader changes of a service; what is `None` stays. New terms hold for later purchases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// Another name.
    pub name: Option<ServiceName>,
    /// Another description; `Some(None)` takes it away.
    pub description: Option<Option<Description>>,
    /// Another price.
    pub price: Option<Price>,
    /// Another duration.
    pub duration_days: Option<DurationDays>,
    /// Another layout of alerts.
    pub alert_format: Option<AlertFormat>,
    /// Another guard.
    pub guard: Option<Guard>,
    /// Another grace.
    pub grace_hours: Option<GraceHours>,
    /// Other reminders.
    pub reminder_hours: Option<Reminders>,
}

/// The service after a revision. A new name or description is carried into the group by setting it
/// up again.
pub fn revise(service: &Service, revision: Revision, now: Timestamp) -> Service {
    let Revision {
        name,
        description,
        price,
        duration_days,
        alert_format,
        guard,
        grace_hours,
        reminder_hours,
    } = revision;
    let mut revised = service.clone();
    let set = &mut revised.settings;
    set.alert_format = alert_format.unwrap_or(set.alert_format);
    set.guard = guard.unwrap_or(set.guard);
    set.grace_hours = grace_hours.unwrap_or(set.grace_hours);
    if let Some(reminders) = reminder_hours {
        set.reminder_hours = reminders;
    }
    revised.duration_days = duration_days.unwrap_or(revised.duration_days);
    if let Some(price) = price {
        revised.price = price;
    }
    if let Some(name) = name {
        revised.name = name;
    }
    if let Some(description) = description {
        revised.description = description;
    }
    let renamed = revised.name != service.name || revised.description != service.description;
    if renamed && let Group::Bound(group) = &mut revised.group {
        group.request_set_up(now);
    }
    revised
}
