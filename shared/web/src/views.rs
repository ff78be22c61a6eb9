//! Items as callers see them. No Telegram id of a person ever comes out.

use domain::alert::{Alert, Content, Delivery, FailureReason, Post};
use domain::group::{BotRights, BotStanding, Group, Phase, Problem as GroupProblem, TelegramGroup};
use domain::import::{Import, ImportState};
use domain::link::{Link, LinkKind};
use domain::reconcile::{Progress, Reconciliation};
use domain::relay::{self, AuditRecord};
use domain::service::{AlertFormat, Guard, Service};
use domain::signal::{Action, OrderType};
use domain::subscription::{Status, Subscription};
use domain::token::{BotName, LinkKey, Token};
use domain::update::{Command, Says, Update};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct PageView<T> {
    /// What stands on it.
    pub items: Vec<T>,
    /// Where the next one begins; `null` on the last.
    pub next: Option<String>,
}

const fn alert_format(format: AlertFormat) -> &'static str {
    match format {
        AlertFormat::Rich => "rich",
        AlertFormat::Mt4 => "mt4",
        AlertFormat::Cornix => "cornix",
    }
}

/// The status of a group: `none`, `awaiting_bot`, `ready` or `degraded`. A group that is still
/// being set up shows as `awaiting_bot`: it takes a few seconds.
pub const fn group_status(group: &Group) -> &'static str {
    match group {
        Group::None => "none",
        Group::AwaitingBot(_) => "awaiting_bot",
        Group::Bound(TelegramGroup { phase, .. }) => match phase {
            Phase::SettingUp => "awaiting_bot",
            Phase::Ready => "ready",
            Phase::Degraded => "degraded",
        },
    }
}

/// A service. `active` is the number of subscriptions that give access now.
pub fn service(service: &Service, active: usize) -> Value {
    let set = &service.settings;
    let guard = match set.guard {
        Guard::Enforce => "enforce",
        Guard::Observe => "observe",
    };
    let hours: Vec<_> = set.reminder_hours.as_slice().iter().map(|hours| hours.get()).collect();
    json!({
        "id": service.id,
        "name": service.name,
        "description": service.description,
        "price": {
            "amount": service.price.amount.as_str(),
            "currency": service.price.currency.as_str(),
        },
        "duration_days": service.duration_days,
        "settings": {
            "alert_format": alert_format(set.alert_format),
            "guard": guard,
            "grace_hours": set.grace_hours,
            "reminder_hours": hours,
        },
        "created_at": service.created_at,
        "telegram_group": { "status": group_status(&service.group) },
        "active_subscriptions": active,
    })
}

/// The answer to a request for a group. `None` when there is none at all.
pub fn group_answer(
    service: &Service,
    group: &Group,
    bot: &BotName,
    key: &LinkKey,
) -> Option<Value> {
    match group {
        Group::None => None,
        Group::AwaitingBot(waiting) => {
            let token = Token::SetUp { service: service.id, number: waiting.number };
            Some(json!({
                "status": "awaiting_bot",
                "setup_link": bot.set_up_link(&token.sign(key)),
                "expires_at": waiting.expires_at,
            }))
        }
        Group::Bound(bound) => Some(json!({
            "status": group_status(group),
            "group_id": bound.chat.get().to_string(),
            "title": bound.title,
            "invite_link": bound.invite_link.as_ref().map(|link| link.as_str()),
        })),
    }
}

/// How many came in without a right to, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Intruders {
    /// Those who are inside: about to be put out, or reported where the guard only observes.
    pub inside: usize,
    /// Those who came in within the last day, wherever they are now.
    pub last_day: usize,
}

/// Everything about a service's group.
pub fn group_info(
    service: &Service,
    active: usize,
    intruders: Intruders,
    check: Option<&Reconciliation>,
    now: Timestamp,
) -> Value {
    let mut view = Map::new();
    view.insert("status".to_owned(), json!(group_status(&service.group)));
    view.insert("active_subscriptions".to_owned(), json!(active));
    view.insert(
        "intruders".to_owned(),
        json!({ "inside": intruders.inside, "last_24_hours": intruders.last_day }),
    );
    view.insert("members_check".to_owned(), json!(check.map(members_check)));
    let (rights, is_admin, problems, group) = match &service.group {
        Group::Bound(group) => {
            let (rights, is_admin) = match group.bot {
                BotStanding::Admin(rights) => (rights, true),
                BotStanding::Unknown | BotStanding::Outside | BotStanding::Member => {
                    (BotRights::default(), false)
                }
            };
            (rights, is_admin, group.problems(), Some(group))
        }
        Group::None | Group::AwaitingBot(_) => (BotRights::default(), false, Vec::new(), None),
    };
    let BotRights { invite_users, restrict_members, change_info, delete_messages, pin_messages } =
        rights;
    view.insert("group_id".to_owned(), json!(group.map(|group| group.chat.get().to_string())));
    view.insert("title".to_owned(), json!(group.map(|group| &group.title)));
    let link = group.and_then(|group| group.invite_link.as_ref()).map(|link| link.as_str());
    view.insert("invite_link".to_owned(), json!(link));
    view.insert("member_count".to_owned(), json!(group.and_then(|group| group.member_count)));
    view.insert(
        "bot".to_owned(),
        json!({
            "is_admin": is_admin,
            "can_invite_users": invite_users,
            "can_restrict_members": restrict_members,
            "can_change_info": change_info,
            "can_delete_messages": delete_messages,
            "can_pin_messages": pin_messages,
        }),
    );
    let problems: Vec<_> = problems
        .into_iter()
        .map(|problem| json!({ "code": problem, "detail": problem_detail(problem) }))
        .collect();
    view.insert("problems".to_owned(), json!(problems));
    let checked_at = group.and_then(|group| group.checked_at).unwrap_or(now);
    view.insert("checked_at".to_owned(), json!(checked_at));
    Value::Object(view)
}

/// What is wrong with a group and what to do about it.
const fn problem_detail(problem: GroupProblem) -> &'static str {
    match problem {
        GroupProblem::BotOutside => {
            "The bot is not in the group. Add it again and make it an administrator."
        }
        GroupProblem::BotNotAdmin => {
            "The bot is no administrator. Make it one in the group's settings, with every right \
             that the set-up link asked for."
        }
        GroupProblem::NotASupergroup => {
            "It is a basic group. Telegram turns it into a supergroup when chat history is made \
             visible for new members in its settings."
        }
        GroupProblem::CannotInviteUsers => {
            "The bot may not invite users, so nobody can be let in. Give it that right."
        }
        GroupProblem::CannotRestrictMembers => {
            "The bot may not ban users, so nobody can be removed. Give it that right."
        }
        GroupProblem::CannotChangeInfo => {
            "The bot may not change the group's info, so name and description are not kept up. \
             Give it that right."
        }
        GroupProblem::CannotDeleteMessages => {
            "The bot may not delete messages. Give it that right."
        }
        GroupProblem::CannotPinMessages => "The bot may not pin messages. Give it that right.",
    }
}

/// The status of a subscription.
pub fn status(subscription: &Subscription, now: Timestamp) -> &'static str {
    match subscription.status_at(now) {
        Status::Active => "active",
        Status::Cancelled => "cancelled",
        Status::Expired => "expired",
    }
}

/// A subscription, with the links that its buyer needs: the way into the group, and while no
/// Telegram account is known, the personal link that makes it known.
pub fn subscription(
    subscription: &Subscription,
    service: &Service,
    bot: &BotName,
    key: &LinkKey,
    now: Timestamp,
) -> Value {
    let invite_link = match &service.group {
        Group::Bound(group) => group.invite_link.as_ref(),
        Group::None | Group::AwaitingBot(_) => None,
    };
    let claim_link = subscription.user.is_none().then(|| {
        let token = Token::Claim { subscription: subscription.id, number: subscription.claims };
        bot.claim_link(&token.sign(key))
    });
    json!({
        "id": subscription.id,
        "service_id": subscription.service,
        "customer_id": subscription.customer,
        "status": status(subscription, now),
        "starts_at": subscription.starts_at,
        "end_date": subscription.ends_at,
        "access_ends_at": subscription.access_ends_at,
        "membership": relay::membership(&subscription.membership),
        "telegram_linked": subscription.user.is_some(),
        "invite_link": invite_link.map(|link| link.as_str()),
        "claim_link": claim_link,
    })
}

/// An alert, with the fields of its signal.
pub fn alert(alert: &Alert) -> Value {
    let mut view = Map::new();
    let mut say = |name: &str, value: Value| {
        view.insert(name.to_owned(), value);
    };
    say("id", json!(alert.id));
    say("service_id", json!(alert.service));
    say("client_alert_id", json!(alert.client_alert_id));
    match &alert.content {
        Content::Test => say("kind", json!("test")),
        Content::Signal { signal, image_url, format } => {
            let fields = signal.fields();
            say("kind", json!("signal"));
            say("symbol", json!(fields.symbol));
            let action = match fields.action {
                Action::Buy => "buy",
                Action::Sell => "sell",
                Action::Long => "long",
                Action::Short => "short",
            };
            say("action", json!(action));
            let order_type = fields.order_type.map(|order| match order {
                OrderType::Market => "market",
                OrderType::Limit => "limit",
                OrderType::Stop => "stop",
            });
            say("order_type", json!(order_type));
            say("entry", json!(fields.entry));
            say("targets", json!(fields.targets));
            say("stop_loss", json!(fields.stop_loss));
            say("leverage", json!(fields.leverage));
            say("timeframe", json!(fields.timeframe));
            say("exchange", json!(fields.exchange));
            say("note", json!(fields.note));
            say("image_url", json!(image_url));
            say("format", json!(alert_format(*format)));
        }
    }
    post(&alert.post, &mut say);
    say("updates", json!(alert.updates.iter().map(update).collect::<Vec<_>>()));
    Value::Object(view)
}

/// How far a message is.
fn post(post: &Post, say: &mut impl FnMut(&str, Value)) {
    say("status", json!(relay::delivery(&post.delivery)));
    let (message_id, sent_at) = match post.delivery {
        Delivery::Sent { message, at } => (Some(message.id.get().to_string()), Some(at)),
        _ => (None, None),
    };
    say("message_id", json!(message_id));
    say("created_at", json!(post.created_at));
    say("sent_at", json!(sent_at));
    say("attempts", json!(post.attempts));
    if let Delivery::Failed { reason, .. } = post.delivery {
        let (code, detail) = failure(reason);
        say("failure", json!({ "code": code, "detail": detail }));
    }
}

/// An update of an alert, with the fields that it was given.
fn update(update: &Update) -> Value {
    let (target, price, percent, text) = match &update.says {
        Says::Note { text } => (None, None, None, Some(text)),
        Says::Command { command, remark } => {
            let (target, price, percent) = match command {
                Command::TpHit { target, price, percent } => {
                    (*target, price.as_ref(), percent.as_ref())
                }
                Command::MoveSl { price } => (None, Some(price), None),
                Command::Breakeven { price } | Command::Close { price } => {
                    (None, price.as_ref(), None)
                }
                Command::PartialClose { percent, price } => (None, price.as_ref(), Some(percent)),
                Command::Cancel => (None, None, None),
            };
            (target, price, percent, remark.as_ref())
        }
    };
    let mut view = Map::new();
    let mut say = |name: &str, value: Value| {
        view.insert(name.to_owned(), value);
    };
    say("id", json!(update.id));
    say("kind", json!(update.kind()));
    say("target", json!(target));
    say("price", json!(price));
    say("percent", json!(percent));
    say("text", json!(text));
    post(&update.post, &mut say);
    Value::Object(view)
}

const fn failure(reason: FailureReason) -> (&'static str, &'static str) {
    match reason {
        FailureReason::BotOutside => {
            ("bot_outside", "The bot is not in the group, or the group was deleted.")
        }
        FailureReason::MayNotWrite => ("may_not_write", "The bot may not write in the group."),
        FailureReason::Refused => ("refused", "Telegram refused the message or its picture."),
        FailureReason::TooOld => ("too_old", "It could not be posted for 24 hours."),
        FailureReason::Internal => ("internal", "Something went wrong on our side."),
        FailureReason::Blocked => (
            "blocked",
            "Telegram asked the bot to write nothing into the group for longer than the alert is \
             worth: 24 hours.",
        ),
        FailureReason::AlertNotPosted => {
            ("alert_not_posted", "The alert that it is about was not posted.")
        }
    }
}

/// An invite link.
pub fn link(link: &Link) -> Value {
    let kind = match link.kind {
        LinkKind::SingleUse => "single_use",
        LinkKind::Permanent => "permanent",
    };
    json!({
        "id": link.id,
        "kind": kind,
        "invite_link": link.url.as_ref().map(|url| url.as_str()),
        "name": link.name,
        "expires_at": link.expires_at,
    })
}

/// An import that was taken down.
pub fn accepted_import(import: &Import) -> Value {
    json!({ "id": import.id, "status": "running", "lines": import.lines })
}

/// How far an import is.
pub fn import(import: &Import) -> Value {
    let (status, finished_at) = match import.state {
        ImportState::Running { .. } => ("running", None),
        ImportState::Done { at } => ("done", Some(at)),
    };
    json!({
        "id": import.id,
        "status": status,
        "lines": import.lines,
        "done": import.done,
        "added": import.counts.added,
        "extended": import.counts.extended,
        "unchanged": import.counts.unchanged,
        "over": import.counts.over,
        "created_at": import.created_at,
        "finished_at": finished_at,
    })
}

/// A check of the members: the one under way, or the last.
pub fn members_check(check: &Reconciliation) -> Value {
    let (status, finished_at, members) = match check.state {
        Progress::Running { .. } => ("running", None, None),
        Progress::Done { at, members } => ("done", Some(at), members),
    };
    json!({
        "status": status,
        "requested_at": check.requested_at,
        "finished_at": finished_at,
        "checked": check.checked,
        "put_right": check.put_right,
        "known_inside": check.inside,
        "members": members,
    })
}

/// A guest's pass, which has the id of the link by which it was given.
pub fn pass(link: &Link) -> Value {
    json!({
        "id": link.id,
        "name": link.name,
        "since": link.guest.map(|guest| guest.since),
        "withdrawn_at": link.guest.and_then(|guest| guest.withdrawn_at),
    })
}

/// A line of the audit trail.
pub fn audit(record: &AuditRecord) -> Value {
    json!({
        "id": record.seq,
        "at": record.at,
        "actor": record.actor,
        "action": record.action,
        "item": record.item,
        "before": record.before,
        "after": record.after,
    })
}
