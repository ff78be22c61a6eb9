//! What a language has to have words for. Whoever adds a language fills this in, and cannot forget
//! anything.

use jiff::Timestamp;

use super::{english, german};
use crate::group::Problem;
use crate::language::Language;
use crate::task::Answer;

/// The words of one language, as HTML. `{name}` stands for the service, `{end}` for when its paid time
/// ends.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// A day and time as people read it, in UTC.
    pub date: fn(Timestamp) -> String,
    /// The account is linked; a button leads in.
    pub linked: &'static str,
    /// The account is linked; there is no group yet.
    pub linked_before_the_group: &'static str,
    /// They paid while being removed.
    pub invited_back: &'static str,
    /// Their request did not let them in.
    pub ask_again: &'static str,
    /// They are in too many groups to be let in.
    pub too_many_groups: &'static str,
    /// The end comes near.
    pub ends_soon: &'static str,
    /// They were removed, since the subscription is over.
    pub removed: &'static str,
    /// A guest was put out although they have a pass; a button leads in.
    pub guest_put_out: &'static str,
    /// A request is declined: the account belongs to no subscription.
    pub not_linked: &'static str,
    /// A request is declined: the subscription is over.
    pub ended: &'static str,
    /// What somebody who wrote to the bot is answered.
    pub answer: fn(Answer) -> &'static str,
    /// Above what an account may enter.
    pub access: &'static str,
    /// One of them.
    pub paid: &'static str,
    /// One of them, in whose group they are.
    pub paid_and_inside: &'static str,
    /// Its group is not ready.
    pub no_way_in_yet: &'static str,
    /// Below them.
    pub how_to_enter: &'static str,
    /// On a button. It is no HTML.
    pub open_the_group: &'static str,
    /// On a button, for one of several groups. It is no HTML.
    pub open: &'static str,
    /// A spare group is in the pool. `{name}` is the group's title.
    pub spare_ready: &'static str,
    /// A spare group lacks what stands in `{missing}`.
    pub spare_waits: &'static str,
    /// What a group lacks, and what to do about it.
    pub lacks: fn(Problem) -> &'static str,
    /// What stands in the list of commands of the bot: each with its description, which is no HTML.
    pub commands: [(&'static str, &'static str); 2],
}

/// The words of a language.
pub const fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &english::WORDS,
        Language::German => &german::WORDS,
    }
}

/// Puts the values in their places: `{name}` and the like. What stands in a value stays as it is.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, (place, after))) =
        rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
    {
        filled.push_str(before);
        let value = values.iter().find(|(name, _)| *name == place);
        filled.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    filled.push_str(rest);
    filled
}
