//! Every sentence that a person reads in Telegram, and the layouts of alerts. Texts are HTML as
//! Telegram takes it (Bot API, "HTML style"); what people wrote is escaped here and nowhere else.

mod update;

use jiff::Timestamp;

use crate::alert::{Alert, Content};
use crate::group::{Group, InviteLink, Phase, Problem, TelegramGroup};
use crate::membership::Membership;
use crate::service::{AlertFormat, Service};
use crate::signal::{Action, Fields, OrderType, Signal};
use crate::subscription::Subscription;
use crate::task::{Answer, Declined, Notice};
use crate::text::ImageUrl;

pub use update::{Hanging, update};

/// A button under a message that opens a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What stands on it.
    pub text: String,
    /// What it opens.
    pub url: String,
}

/// A message ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The text, as HTML.
    pub html: String,
    /// Buttons under it, one below the other.
    pub buttons: Vec<Button>,
}

impl Message {
    fn plain(html: impl Into<String>) -> Self {
        Self { html: html.into(), buttons: Vec::new() }
    }

    fn with_way_in(html: String, link: Option<&InviteLink>) -> Self {
        Self { html, buttons: link.map(|link| opens("Open the group", link)).into_iter().collect() }
    }
}

fn opens(text: &str, link: &InviteLink) -> Button {
    Button { text: text.to_owned(), url: link.as_str().to_owned() }
}

/// Makes any text safe to stand in Telegram's HTML, between tags and inside a quoted attribute.
///
/// Telegram knows exactly four names of entities: `&lt;`, `&gt;`, `&amp;` and `&quot;` (Bot API,
/// "HTML style"). An apostrophe is left alone: put attributes in double quotes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A day and time as people read it, in UTC.
fn date(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// What the holder of a subscription is told.
pub fn notice(
    notice: Notice,
    service: &Service,
    subscription: &Subscription,
    link: Option<&InviteLink>,
) -> Message {
    let name = escape(service.name.as_str());
    let end = date(subscription.ends_at);
    match notice {
        Notice::Linked if link.is_some() => Message::with_way_in(
            format!(
                "Your Telegram account is linked to <b>{name}</b>. Your access is paid until {end}.\n\n\
                 Tap the button and then “Request to join”: you are let in at once."
            ),
            link,
        ),
        Notice::Linked => Message::plain(format!(
            "Your Telegram account is linked to <b>{name}</b>. Your access is paid until {end}.\n\n\
             The group is still being set up; your seller will send you the way in."
        )),
        Notice::InvitedBack => Message::with_way_in(
            format!(
                "Your payment for <b>{name}</b> arrived just as your old access ended, so you were \
                 taken out of the group. Please come back in; your access lasts until {end}."
            ),
            link,
        ),
        Notice::AskAgain => Message::with_way_in(
            format!(
                "Your request to join <b>{name}</b> did not let you in. You have access until {end}: \
                 tap the button and then “Request to join” to ask again."
            ),
            link,
        ),
        Notice::EndsSoon => Message::plain(format!(
            "Your access to <b>{name}</b> is paid until {end}. Renew it with your seller to stay in."
        )),
        Notice::Removed => Message::plain(format!(
            "Your access to <b>{name}</b> has ended, and you were taken out of the group. You are \
             welcome back at any time: renew with your seller and the link lets you in again."
        )),
    }
}

/// Why a join request was declined.
pub fn declined(why: Declined, service: &Service) -> Message {
    let name = escape(service.name.as_str());
    Message::plain(match why {
        Declined::NotLinked => format!(
            "I could not let you into <b>{name}</b>: this Telegram account belongs to no \
             subscription. If you have bought one, open the personal link that your seller gave \
             you, press Start, and ask to join again."
        ),
        Declined::Ended => format!(
            "I could not let you into <b>{name}</b>: your subscription has ended. Renew it with \
             your seller and ask to join again."
        ),
    })
}

/// What somebody who wrote to the bot is answered.
pub fn answer(answer: Answer) -> Message {
    Message::plain(match answer {
        Answer::Hello | Answer::Access => {
            "Hello! I keep the doors of signal groups. If you have bought a subscription, open the \
             personal link that your seller gave you."
        }
        Answer::ClaimUsed => {
            "This link was used already, or a newer one has taken its place. It works for one \
             Telegram account only; if that was not you, please ask your seller for help."
        }
        Answer::ClaimEnded => {
            "The subscription behind this link has ended. Renew it with your seller."
        }
        Answer::AccountTaken => {
            "Your Telegram account is linked to another subscription of this service. One account \
             holds one subscription."
        }
        Answer::LinkUnknown => {
            "I do not know this link. Please open it exactly as your seller gave it to you."
        }
        Answer::ClaimInGroup => "This link is personal: please open it in a private chat with me.",
        Answer::SetUpExpired => {
            "This set-up link has expired or was replaced. Please make a new one in the storefront \
             and add me again."
        }
        Answer::ServiceHasGroup => "The service behind this link has its group already.",
        Answer::GroupTaken => {
            "This group serves another service already. Please use another group."
        }
        Answer::SetUpInPrivate => {
            "This link adds me to a group: please open it and choose the group of your service."
        }
        Answer::SpareNoted => {
            "Noted as a spare group. Make me an administrator who may invite, restrict, delete, pin \
             and change info; it joins the pool as soon as I can."
        }
    })
}

/// Everything that an account may enter, with the ways in.
pub fn access(entries: &[(Service, Subscription)]) -> Message {
    if entries.is_empty() {
        return answer(Answer::Hello);
    }
    let mut lines = vec!["You have access to:".to_owned(), String::new()];
    let mut buttons = Vec::new();
    for (service, subscription) in entries {
        let name = escape(service.name.as_str());
        let end = date(subscription.ends_at);
        let inside = match subscription.membership {
            Membership::Joined { .. } | Membership::Kept { .. } => ", you are in",
            _ => "",
        };
        lines.push(format!("• <b>{name}</b>, paid until {end}{inside}"));
        match way_in(service) {
            Some(link) => {
                buttons.push(opens(&format!("Open {}", service.name.as_str()), link));
            }
            None => lines.push("   Its group is still being set up.".to_owned()),
        }
    }
    lines.push(String::new());
    lines.push("Tap a button and then “Request to join”: you are let in at once.".to_owned());
    Message { html: lines.join("\n"), buttons }
}

/// The guarded link of a service's group, once there is one.
pub fn way_in(service: &Service) -> Option<&InviteLink> {
    match &service.group {
        Group::Bound(group) => group.invite_link.as_ref(),
        Group::None | Group::AwaitingBot(_) => None,
    }
}

/// How a spare group is, for the operator who added it.
pub fn spare(group: &TelegramGroup) -> Message {
    let name = escape(&group.title);
    if group.phase == Phase::Ready {
        return Message::plain(format!("<b>{name}</b> is in the pool of spare groups."));
    }
    let missing: Vec<_> =
        group.problems().into_iter().map(|it| format!("• {}", lacks(it))).collect();
    Message::plain(format!(
        "<b>{name}</b> cannot join the pool of spare groups yet:\n{}\n\nIt joins by itself once that is \
         put right.",
        missing.join("\n")
    ))
}

/// What a group lacks, and what to do about it.
const fn lacks(problem: Problem) -> &'static str {
    match problem {
        Problem::BotOutside => "I am not in the group: add me again.",
        Problem::BotNotAdmin => "I am no administrator: make me one.",
        Problem::NotASupergroup => {
            "It is a basic group: make chat history visible for new members, which turns it into a \
             supergroup."
        }
        Problem::CannotInviteUsers => "I may not invite users: give me that right.",
        Problem::CannotRestrictMembers => "I may not ban users: give me that right.",
        Problem::CannotChangeInfo => "I may not change the group's info: give me that right.",
        Problem::CannotDeleteMessages => "I may not delete messages: give me that right.",
        Problem::CannotPinMessages => "I may not pin messages: give me that right.",
    }
}

/// The first message in a group that is ready.
pub fn greeting(service: &Service) -> Message {
    Message::plain(format!(
        "This group is now the home of <b>{}</b>. Signals are posted here.",
        escape(service.name.as_str())
    ))
}

/// An alert as it stands in the group.
pub fn alert(alert: &Alert, service: &Service) -> String {
    let tag = alert.id.tag();
    match &alert.content {
        Content::Test => format!(
            "✅ <b>Test alert</b>\nSignals of {} reach this group.\n\n{tag}",
            escape(service.name.as_str())
        ),
        Content::Signal { signal, format, .. } => match format {
            AlertFormat::Rich => rich(signal, &tag),
            AlertFormat::Mt4 => mt4(signal, &tag),
            AlertFormat::Cornix => cornix(signal, &tag),
        },
    }
}

/// A message that shows a picture by its link, for when it cannot stand above its caption.
pub fn with_picture(html: &str, picture: &ImageUrl) -> String {
    format!("{html}\n<a href=\"{}\">Chart</a>", escape(picture.as_str()))
}

/// For people.
fn rich(signal: &Signal, tag: &str) -> String {
    let Fields {
        symbol,
        action,
        order_type,
        entry,
        targets,
        stop_loss,
        leverage,
        timeframe,
        exchange,
        note,
    } = signal.fields();
    let (mark, word) = match action {
        Action::Buy => ("🟢", "BUY"),
        Action::Long => ("🟢", "LONG"),
        Action::Sell => ("🔴", "SELL"),
        Action::Short => ("🔴", "SHORT"),
    };
    let mut lines =
        vec![format!("{mark} <b>{word} {}</b>", escape(symbol.as_str())), String::new()];
    let order = order_type.map_or("", |order| match order {
        OrderType::Market => " (market)",
        OrderType::Limit => " (limit)",
        OrderType::Stop => " (stop)",
    });
    match entry {
        Some(entry) => lines.push(format!("Entry: <b>{}</b>{order}", entry.as_str())),
        None => lines.push("Entry: <b>market</b>".to_owned()),
    }
    for (number, target) in (1..).zip(targets) {
        lines.push(format!("Target {number}: <b>{}</b>", target.as_str()));
    }
    if let Some(stop) = stop_loss {
        lines.push(format!("Stop loss: <b>{}</b>", stop.as_str()));
    }
    if let Some(leverage) = leverage {
        lines.push(format!("Leverage: {}x", leverage.get()));
    }
    let place: Vec<_> =
        [exchange, timeframe].into_iter().flatten().map(|label| escape(label.as_str())).collect();
    if !place.is_empty() {
        lines.push(place.join(" · "));
    }
    if let Some(note) = note {
        lines.push(String::new());
        lines.push(format!("<i>{}</i>", escape(note.as_str())));
    }
    lines.push(String::new());
    lines.push(tag.to_owned());
    lines.join("\n")
}

/// For copiers into MetaTrader: the action first, one thing to a line, prices bare.
fn mt4(signal: &Signal, tag: &str) -> String {
    let fields = signal.fields();
    let word = if fields.action.rises() { "BUY" } else { "SELL" };
    let order = match fields.order_type {
        Some(OrderType::Limit) => " LIMIT",
        Some(OrderType::Stop) => " STOP",
        Some(OrderType::Market) | None => "",
    };
    let symbol = fields.symbol.as_str().replace('/', "");
    let mut lines = vec![format!("{word}{order} {}", escape(&symbol))];
    lines.extend(fields.entry.iter().map(|entry| format!("Entry: {}", entry.as_str())));
    lines.extend(fields.stop_loss.iter().map(|stop| format!("SL: {}", stop.as_str())));
    lines.extend(
        (1..)
            .zip(&fields.targets)
            .map(|(number, target)| format!("TP{number}: {}", target.as_str())),
    );
    lines.push(tag.to_owned());
    lines.join("\n")
}

/// For Cornix: the full pair, LONG or SHORT, its own words for the prices.
fn cornix(signal: &Signal, tag: &str) -> String {
    let fields = signal.fields();
    let word = if fields.action.rises() { "LONG" } else { "SHORT" };
    let mut lines = vec![escape(fields.symbol.as_str()), word.to_owned()];
    lines.extend(fields.leverage.iter().map(|leverage| format!("Leverage: {}x", leverage.get())));
    lines.extend(fields.entry.iter().map(|entry| format!("Entry: {}", entry.as_str())));
    lines.extend(
        (1..)
            .zip(&fields.targets)
            .map(|(number, target)| format!("Take-Profit {number}: {}", target.as_str())),
    );
    lines.extend(fields.stop_loss.iter().map(|stop| format!("Stop: {}", stop.as_str())));
    lines.push(tag.to_owned());
    lines.join("\n")
}

/// What stands in the list of commands of the bot.
pub const COMMANDS: &[(&str, &str)] = &[
    ("access", "See what you may enter, with the ways in"),
    ("start", "Link your account or see what you may enter"),
];
