//! Small builders. Time is counted in hours and minutes from one fixed instant.

use domain::alert::{Alert, Content, Delivery, NewAlert, Standing, add_update};
use domain::change::{Actor, Meta, Why};
use domain::group::{
    BotRights, BotStanding, ChatKind, Group, InviteLink, Observation, Origin, TelegramGroup,
};
use domain::ids::{
    AlertId, ChatId, CustomerId, LinkId, MessageId, ServiceId, TraderId, UpdateId, UserId,
};
use domain::link::{Link, LinkKind, LinkState};
use domain::membership::{Membership, RemovalPlan, plan_removal};
use domain::price::{Currency, Positive, Price};
use domain::service::{
    AlertFormat, DurationDays, GraceHours, Offer, ReminderHours, Reminders, Service, Settings,
};
use domain::signal::{Action, Fields, Signal};
use domain::subscription::{CancelWhen, Purchase, Subscription, cancel, purchase};
use domain::text::{Email, LinkName, ServiceName, Symbol};
use domain::update::{Command, NewUpdate, Says};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// A Telegram account that is easily found in any text.
pub(crate) const USER: i64 = 4_004_004_004;
/// A chat that is easily found in any text.
pub(crate) const CHAT: i64 = -1_001_001_001_001;
/// A link that is easily found in any text.
pub(crate) const INVITE: &str = "https://t.me/+guarded-way-in";
/// An address that is easily found in any text.
pub(crate) const EMAIL: &str = "someone@mail.example";
/// Thirty days, in hours.
pub(crate) const MONTH: i64 = 720;

pub(crate) fn minutes(number: i64) -> Timestamp {
    let start: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(number)
}

pub(crate) fn hours(number: i64) -> Timestamp {
    minutes(number * 60)
}

pub(crate) fn user() -> UserId {
    UserId::new(USER)
}

pub(crate) fn chat() -> ChatId {
    ChatId::new(CHAT)
}

pub(crate) fn invite() -> InviteLink {
    InviteLink::new(INVITE.to_owned())
}

pub(crate) fn trader() -> TraderId {
    TraderId::parse("trader-1").unwrap()
}

pub(crate) fn customer() -> CustomerId {
    CustomerId::parse("customer-1").unwrap()
}

pub(crate) fn reminders(hours: &[i64]) -> Reminders {
    Reminders::new(hours.iter().map(|h| ReminderHours::new(*h).unwrap()).collect()).unwrap()
}

pub(crate) fn offer() -> Offer {
    Offer {
        name: ServiceName::parse("Gold").unwrap(),
        description: None,
        price: Price {
            amount: Positive::parse("49.90").unwrap(),
            currency: Currency::parse("USD").unwrap(),
        },
        duration_days: DurationDays::new(30).unwrap(),
        settings: Settings::default(),
    }
}

/// Thirty days, no grace, reminders 72 and 24 hours before the end, no group.
pub(crate) fn service() -> Service {
    Service::new(ServiceId::fresh(Uuid::from_u128(7)), trader(), offer(), minutes(0))
}

pub(crate) fn with_grace(hours: i64) -> Service {
    let mut service = service();
    service.settings.grace_hours = GraceHours::new(hours).unwrap();
    service
}

pub(crate) fn with_group(group: TelegramGroup) -> Service {
    Service { group: Group::Bound(group), ..service() }
}

/// What Telegram says of a group in which all is well.
pub(crate) fn all_well() -> Observation {
    Observation {
        kind: ChatKind::Supergroup,
        title: "Gold".to_owned(),
        bot: BotStanding::Admin(BotRights::ALL),
        member_count: Some(2),
    }
}

/// A group that was bound and set up an hour ago.
pub(crate) fn ready_group(origin: Origin) -> TelegramGroup {
    let mut group = TelegramGroup::bound(chat(), origin, hours(-1));
    group.observe(all_well(), hours(-1));
    group.set_up_done(invite());
    group
}

pub(crate) fn order(user: Option<UserId>) -> Purchase {
    Purchase {
        customer: customer(),
        user,
        email: Some(Email::parse(EMAIL).unwrap()),
        ends_at: None,
    }
}

/// Bought at hour 0 for thirty days.
pub(crate) fn bought(user: Option<UserId>) -> Subscription {
    purchase(&service(), None, order(user), hours(0)).unwrap()
}

/// Bought again under the usual terms.
pub(crate) fn renewed(old: &Subscription, now: Timestamp) -> Subscription {
    purchase(&service(), Some(old), order(None), now).unwrap()
}

/// Bought at hour 0 with an account that is known, and in the group since hour 1.
pub(crate) fn joined() -> Subscription {
    Subscription { membership: Membership::Joined { since: hours(1) }, ..bought(Some(user())) }
}

/// In the group until cancelled in hour 10.
pub(crate) fn leaving() -> Subscription {
    cancel(&joined(), CancelWhen::Now, hours(10)).unwrap()
}

/// Cancelled in hour 10 before they ever came in.
pub(crate) fn leaving_unseen() -> Subscription {
    cancel(&bought(Some(user())), CancelWhen::Now, hours(10)).unwrap()
}

/// The sender took the lease.
pub(crate) fn started(old: &Subscription, now: Timestamp) -> Subscription {
    match plan_removal(old, now) {
        RemovalPlan::Start(next) => *next,
        other => panic!("not started: {other:?}"),
    }
}

pub(crate) fn price(text: &str) -> Positive {
    Positive::parse(text).unwrap()
}

pub(crate) fn fields() -> Fields {
    Fields {
        symbol: Symbol::parse("BTC/USDT").unwrap(),
        action: Action::Long,
        order_type: None,
        entry: Some(price("64250")),
        targets: vec![price("65500"), price("66000.50")],
        stop_loss: Some(price("62800")),
        leverage: None,
        timeframe: None,
        exchange: None,
        note: None,
    }
}

pub(crate) fn alert_with(content: Content) -> Alert {
    let id = AlertId::derived(service().id, "api", "key-1");
    let new = NewAlert {
        id,
        service: service().id,
        trader: trader(),
        client_alert_id: None,
        content,
        fingerprint: "fingerprint".to_owned(),
    };
    Alert::queued(new, minutes(0))
}

pub(crate) fn signal_content(fields: Fields, format: AlertFormat) -> Content {
    let signal = Box::new(Signal::new(fields).unwrap());
    Content::Signal { signal, image_url: None, format }
}

pub(crate) fn queued() -> Alert {
    alert_with(signal_content(fields(), AlertFormat::Rich))
}

pub(crate) fn message() -> Standing {
    Standing { chat: chat(), id: MessageId::new(17) }
}

/// An alert that stands in this chat.
pub(crate) fn sent(chat: ChatId) -> Alert {
    let mut alert = queued();
    let message = Standing { chat, ..message() };
    alert.post.delivery = Delivery::Sent { message, at: minutes(1) };
    alert
}

pub(crate) fn command(command: Command) -> Says {
    Says::Command { command, remark: None }
}

pub(crate) fn close() -> Says {
    command(Command::Close { price: None })
}

/// The alert with these updates, which wait.
pub(crate) fn with_updates(alert: &Alert, all: &[Says]) -> Alert {
    all.iter().fold(alert.clone(), |alert, says| {
        let key = alert.updates.len().to_string();
        let new = NewUpdate {
            id: UpdateId::derived(alert.id, &key),
            says: says.clone(),
            fingerprint: "fingerprint".to_owned(),
        };
        add_update(&alert, new, minutes(2)).unwrap()
    })
}

pub(crate) fn link(kind: LinkKind, state: LinkState) -> Link {
    Link {
        id: LinkId::derived(service().id, "key-1"),
        service: service().id,
        chat: chat(),
        kind,
        name: Some(LinkName::parse("Guest").unwrap()),
        expires_at: Some(hours(24)),
        url: Some(invite()),
        state,
        guest: None,
        fingerprint: "fingerprint".to_owned(),
        created_at: minutes(0),
    }
}

pub(crate) fn meta(ver: u64, why: Why, at: Timestamp) -> Meta {
    Meta { ver, changed_at: at, changed_by: Actor::Sweep, why }
}

/// Written and read again.
pub(crate) fn again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}
