//! Short looks at the state, for tests that look at it very often: plain values instead of JSON.

use crate::model::{ChatKind, Content, History, Life, Message, Status};
use crate::world::World;

/// Somebody who is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inside {
    /// Their number.
    pub user: i64,
    /// Whether they are a bot.
    pub is_bot: bool,
    /// Whether they are the owner or an administrator.
    pub is_admin: bool,
}

/// A message in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// Its number; later ones have larger numbers.
    pub id: i64,
    /// Which message it answers.
    pub reply_to: Option<i64>,
}

fn text(content: &Content) -> Option<&str> {
    match content {
        Content::Text { text, .. } => Some(text),
        Content::Photo { caption, .. } => Some(caption),
        Content::Service(_) => None,
    }
}

fn texts(history: &History, from: i64) -> impl Iterator<Item = (&Message, &str)> {
    let messages = history.messages.values().filter(move |message| message.from == from);
    messages.filter_map(|message| Some((message, text(&message.content)?)))
}

impl World {
    /// Everybody who is in a group.
    #[must_use]
    pub fn inside(&self, chat: i64) -> Vec<Inside> {
        let Some(chat) = self.chats.get(&chat) else { return Vec::new() };
        let members = chat.members.iter().filter(|(_, member)| member.status.is_member());
        let inside = members.map(|(user, member)| Inside {
            user: *user,
            is_bot: self.users.get(user).is_some_and(|user| user.is_bot),
            is_admin: member.status.is_admin(),
        });
        inside.collect()
    }

    /// Whether somebody is in a group; whether they are its owner or an administrator; whether
    /// they are banned.
    #[must_use]
    pub fn stands(&self, chat: i64, user: i64) -> (bool, bool, bool) {
        let status = self.status(chat, user);
        (status.is_member(), status.is_admin(), matches!(status, Status::Kicked { .. }))
    }

    /// Whether a group is a basic one.
    #[must_use]
    pub fn is_basic(&self, chat: i64) -> bool {
        self.chats.get(&chat).is_some_and(|chat| chat.kind == ChatKind::Basic)
    }

    /// Where a group has moved to, if it has.
    #[must_use]
    pub fn moved_to(&self, chat: i64) -> Option<i64> {
        match self.chats.get(&chat)?.life {
            Life::MigratedTo(to) => Some(to),
            Life::Active | Life::Deleted => None,
        }
    }

    /// Whose requests to join are open.
    #[must_use]
    pub fn asking(&self, chat: i64) -> Vec<i64> {
        let chat = self.chats.get(&chat);
        chat.map(|chat| chat.requests.keys().copied().collect()).unwrap_or_default()
    }

    /// The messages of a user in a group that hold this text, oldest first.
    #[must_use]
    pub fn posts(&self, chat: i64, from: i64, part: &str) -> Vec<Posted> {
        let Some(chat) = self.chats.get(&chat) else { return Vec::new() };
        texts(&chat.history, from)
            .filter(|(_, text)| text.contains(part))
            .map(|(message, _)| Posted { id: message.id, reply_to: message.reply_to })
            .collect()
    }

    /// When (in unix seconds) a bot last wrote a text with this in it to somebody.
    #[must_use]
    pub fn last_letter(&self, bot: i64, user: i64, part: &str) -> Option<i64> {
        let chats = self
            .privates
            .iter()
            .filter(|((a, b), _)| (*a == bot && *b == user) || (*a == user && *b == bot));
        let letters = chats.flat_map(|(_, private)| texts(&private.history, bot));
        letters.filter(|(_, text)| text.contains(part)).map(|(letter, _)| letter.date).max()
    }

    /// Whether somebody ever wrote to a bot and has not blocked it.
    #[must_use]
    pub fn is_reachable(&self, bot: i64, user: i64) -> bool {
        let chats = self.privates.iter();
        let chats = chats.filter(|((a, b), _)| [(bot, user), (user, bot)].contains(&(*a, *b)));
        chats.into_iter().any(|(_, private)| private.started && !private.blocked)
    }

    /// Whether there is something that Telegram finishes by itself.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.later.is_empty()
    }

    /// Forgets which calls were made.
    pub fn forget_calls(&mut self) {
        self.calls.clear();
    }
}
