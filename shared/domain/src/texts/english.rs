//! English.

use jiff::Timestamp;

use super::words::Words;
use crate::group::Problem;
use crate::task::Answer;

pub(super) const WORDS: Words = Words {
    date,
    linked: "Your Telegram account is linked to <b>{name}</b>. Your access is paid until {end}.\n\n\
             Tap the button and then “Request to join”: you are let in at once.",
    linked_before_the_group: "Your Telegram account is linked to <b>{name}</b>. Your access is paid until {end}.\n\n\
             The group is still being set up; your seller will send you the way in.",
    invited_back: "Your payment for <b>{name}</b> arrived just as your old access ended, so you were \
                   taken out of the group. Please come back in; your access lasts until {end}.",
    ask_again: "Your request to join <b>{name}</b> did not let you in. You have access until {end}: \
                tap the button and then “Request to join” to ask again.",
    too_many_groups: "I could not let you into <b>{name}</b>: your Telegram account is in as many groups \
                      and channels as it may be. Leave one of them, and you are let in within an hour. \
                      You have access until {end}.",
    ends_soon: "Your access to <b>{name}</b> is paid until {end}. Renew it with your seller to stay in.",
    removed: "Your access to <b>{name}</b> has ended, and you were taken out of the group. You are \
              welcome back at any time: renew with your seller and the link lets you in again.",
    guest_put_out: "You are welcome in <b>{name}</b> as a guest, but you were taken out a moment \
                    before that was known. Tap the button and then “Request to join”: you are let in \
                    again.",
    not_linked: "I could not let you into <b>{name}</b>: this Telegram account belongs to no \
                 subscription. If you have bought one, open the personal link that your seller gave \
                 you, press Start, and ask to join again.",
    ended: "I could not let you into <b>{name}</b>: your subscription has ended. Renew it with \
            your seller and ask to join again.",
    answer,
    access: "You have access to:",
    paid: "• <b>{name}</b>, paid until {end}",
    paid_and_inside: "• <b>{name}</b>, paid until {end}, you are in",
    no_way_in_yet: "   Its group is still being set up.",
    how_to_enter: "Tap a button and then “Request to join”: you are let in at once.",
    open_the_group: "Open the group",
    open: "Open {name}",
    spare_ready: "<b>{name}</b> is in the pool of spare groups.",
    spare_waits: "<b>{name}</b> cannot join the pool of spare groups yet:\n{missing}\n\nIt joins by \
                  itself once that is put right.",
    lacks,
    commands: [
        ("access", "See what you may enter, with the ways in"),
        ("start", "Link your account or see what you may enter"),
    ],
};

fn date(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

const fn answer(answer: Answer) -> &'static str {
    match answer {
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
    }
}

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
