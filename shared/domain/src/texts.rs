//! Every sentence that a person reads in Telegram, and the layouts of alerts. Texts are HTML as
//! Telegram takes it (Bot API, "HTML style"); what people wrote is escaped here and nowhere else.
//!
//! What the bot writes to one person is in that person's language: the words of each stand in a file
//! of their own. What it posts in a group is for all who are in it, and English.

mod alert;
mod english;
mod german;
mod update;
mod words;

use crate::group::{Group, InviteLink, Phase, TelegramGroup};
use crate::language::Language;
use crate::membership::Membership;
use crate::service::Service;
use crate::subscription::Subscription;
use crate::task::{Answer, Declined, Notice};

pub use alert::{alert, with_picture};
pub use update::{Hanging, update};
pub use words::{Words, fill, words};

/// The longest message (Bot API, `sendMessage`: 4,096 characters after entity parsing).
const LONGEST: usize = 4_096;

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

/// What the holder of a subscription is told.
pub fn notice(
    notice: Notice,
    service: &Service,
    subscription: &Subscription,
    link: Option<&InviteLink>,
) -> Message {
    let words = words(subscription.language);
    let (name, end) = (escape(service.name.as_str()), (words.date)(subscription.ends_at));
    let text = match notice {
        Notice::Linked if link.is_some() => words.linked,
        Notice::Linked => words.linked_before_the_group,
        Notice::InvitedBack => words.invited_back,
        Notice::AskAgain => words.ask_again,
        Notice::TooManyGroups => words.too_many_groups,
        Notice::EndsSoon => words.ends_soon,
        Notice::Removed => words.removed,
    };
    let way_in = match notice {
        Notice::Linked | Notice::InvitedBack | Notice::AskAgain => link,
        Notice::TooManyGroups | Notice::EndsSoon | Notice::Removed => None,
    };
    Message {
        html: fill(text, &[("name", &name), ("end", &end)]),
        buttons: way_in.map(|link| opens(words.open_the_group, link)).into_iter().collect(),
    }
}

/// Why a join request was declined.
pub fn declined(why: Declined, service: &Service, language: Language) -> Message {
    let words = words(language);
    let text = match why {
        Declined::NotLinked => words.not_linked,
        Declined::Ended => words.ended,
    };
    Message::plain(fill(text, &[("name", &escape(service.name.as_str()))]))
}

/// That a guest who was put out may come back.
pub fn guest_put_out(service: &Service) -> Message {
    let words = words(Language::default());
    Message {
        html: fill(words.guest_put_out, &[("name", &escape(service.name.as_str()))]),
        buttons: way_in(service)
            .map(|link| opens(words.open_the_group, link))
            .into_iter()
            .collect(),
    }
}

/// What somebody who wrote to the bot is answered.
pub fn answer(answer: Answer, language: Language) -> Message {
    Message::plain((words(language).answer)(answer))
}

/// Everything that an account may enter, with the ways in; as much of it as one message holds.
pub fn access(entries: &[(Service, Subscription)], language: Language) -> Message {
    if entries.is_empty() {
        return answer(Answer::Hello, language);
    }
    let words = words(language);
    let mut html = format!("{}\n\n", words.access);
    let mut buttons = Vec::new();
    for (service, subscription) in entries {
        let (name, end) = (escape(service.name.as_str()), (words.date)(subscription.ends_at));
        let paid = match subscription.membership {
            Membership::Joined { .. } | Membership::Kept { .. } => words.paid_and_inside,
            _ => words.paid,
        };
        let mut line = fill(paid, &[("name", &name), ("end", &end)]);
        line.push('\n');
        let link = way_in(service);
        if link.is_none() {
            line.push_str(words.no_way_in_yet);
            line.push('\n');
        }
        let length = |text: &str| text.encode_utf16().count();
        if length(&html) + length(&line) + length(words.how_to_enter) >= LONGEST {
            break;
        }
        html.push_str(&line);
        let label = fill(words.open, &[("name", service.name.as_str())]);
        buttons.extend(link.map(|link| opens(&label, link)));
    }
    html.push('\n');
    html.push_str(words.how_to_enter);
    Message { html, buttons }
}

/// The guarded link of a service's group, once there is one.
pub fn way_in(service: &Service) -> Option<&InviteLink> {
    match &service.group {
        Group::Bound(group) => group.invite_link.as_ref(),
        Group::None | Group::AwaitingBot(_) => None,
    }
}

/// How a spare group is, for the operator who added it.
pub fn spare(group: &TelegramGroup, language: Language) -> Message {
    let (words, name) = (words(language), escape(&group.title));
    if group.phase == Phase::Ready {
        return Message::plain(fill(words.spare_ready, &[("name", &name)]));
    }
    let problems = group.problems().into_iter();
    let missing: Vec<_> = problems.map(|it| format!("• {}", (words.lacks)(it))).collect();
    let missing = missing.join("\n");
    Message::plain(fill(words.spare_waits, &[("name", &name), ("missing", &missing)]))
}

/// The first message in a group that is ready.
pub fn greeting(service: &Service) -> Message {
    Message::plain(format!(
        "This group is now the home of <b>{}</b>. Signals are posted here.",
        escape(service.name.as_str())
    ))
}
