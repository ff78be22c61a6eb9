//! Every text that the bot writes to one person, in every language.

use std::collections::BTreeSet;

use domain::group::{BotRights, BotStanding, ChatKind, Origin, Problem, TelegramGroup};
use domain::language::Language;
use domain::membership::Membership;
use domain::subscription::Subscription;
use domain::task::{Answer, Declined, Notice};
use domain::text::ServiceName;
use domain::texts::{Message, access, answer, declined, fill, notice, spare, words};

use crate::common::*;
use crate::texts::{length, shown};

pub(crate) const NOTICES: [Notice; 6] = [
    Notice::Linked,
    Notice::InvitedBack,
    Notice::AskAgain,
    Notice::TooManyGroups,
    Notice::EndsSoon,
    Notice::Removed,
];

pub(crate) const ANSWERS: [Answer; 12] = [
    Answer::Hello,
    Answer::Access,
    Answer::ClaimUsed,
    Answer::ClaimEnded,
    Answer::AccountTaken,
    Answer::LinkUnknown,
    Answer::ClaimInGroup,
    Answer::SetUpExpired,
    Answer::ServiceHasGroup,
    Answer::GroupTaken,
    Answer::SetUpInPrivate,
    Answer::SpareNoted,
];

const PROBLEMS: [Problem; 8] = [
    Problem::BotOutside,
    Problem::BotNotAdmin,
    Problem::NotASupergroup,
    Problem::CannotInviteUsers,
    Problem::CannotRestrictMembers,
    Problem::CannotChangeInfo,
    Problem::CannotDeleteMessages,
    Problem::CannotPinMessages,
];

/// The longest name that a service can have, in characters that count twice.
fn longest() -> ServiceName {
    ServiceName::parse(&"😀".repeat(128)).unwrap()
}

fn by(language: Language) -> Subscription {
    joined().in_language(language)
}

/// A spare group that lacks everything.
fn poor() -> TelegramGroup {
    let mut group = TelegramGroup::bound(chat(), Origin::Pool, minutes(0));
    group.title = longest().as_str().to_owned();
    group.kind = ChatKind::Basic;
    group.bot = BotStanding::Admin(BotRights::default());
    group
}

/// Every message that is written to a person who has this language.
fn every_message(language: Language) -> Vec<(String, Message)> {
    let service = || domain::service::Service { name: longest(), ..with_group(poor()) };
    let mut all = Vec::new();
    let mut say = |about: String, message: Message| all.push((about, message));
    for which in NOTICES {
        for link in [None, Some(&invite())] {
            let said = notice(which, &service(), &by(language), link);
            say(format!("{which:?} {}", link.is_some()), said);
        }
    }
    for why in [Declined::NotLinked, Declined::Ended] {
        say(format!("{why:?}"), declined(why, &service(), language));
    }
    for which in ANSWERS {
        say(format!("{which:?}"), answer(which, language));
    }
    for inside in [true, false] {
        let mut theirs = by(language);
        if !inside {
            theirs.membership = Membership::Invited { asked: None };
        }
        say(format!("access {inside}"), access(&[(service(), theirs)], language));
    }
    let mut ready = poor();
    ready.set_up_done(invite());
    say("spare".to_owned(), spare(&ready, language));
    say("spare that lacks something".to_owned(), spare(&poor(), language));
    all
}

/// The places that a text leaves open.
fn places(text: &str) -> BTreeSet<String> {
    let all = text.split('{').skip(1).map(|rest| rest.split_once('}').expect("a place ends").0);
    all.map(str::to_owned).collect()
}

#[test]
fn every_text_of_every_language_fits_a_message_and_is_good_html() {
    for language in Language::ALL {
        for (about, message) in every_message(language) {
            let text = shown(&message.html);
            assert!(length(&message.html) <= 4096, "{language:?} {about}");
            assert!(!text.contains(['{', '}']), "{language:?} {about}: {text}");
            let text = text.trim_end_matches("😀");
            assert!(text.ends_with(['.', ':', '!']), "{language:?} {about}: {text}");
            assert!(!text.contains("  ") || about.starts_with("access"), "{language:?} {text}");
            for button in &message.buttons {
                assert!(!button.text.contains(['{', '<', '&']), "{language:?} {about}");
                assert!(button.url.starts_with("https://t.me/"), "{language:?} {about}");
            }
        }
    }
}

#[test]
fn every_language_says_everything_in_words_of_its_own() {
    let of = |language| every_message(language);
    for ((about, english), (_, german)) in of(Language::English).iter().zip(of(Language::German)) {
        assert_ne!(english.html, german.html, "{about} is not translated");
        assert_eq!(english.buttons.len(), german.buttons.len(), "{about}");
        let bold = |html: &str| html.matches("<b>").count();
        assert_eq!(bold(&english.html), bold(&german.html), "{about} names the same");
    }
    for problem in PROBLEMS {
        let said = Language::ALL.map(|language| (words(language).lacks)(problem));
        assert!(said[0] != said[1] && said.iter().all(|text| text.ends_with('.')), "{said:?}");
    }
}

#[test]
fn every_language_leaves_the_same_places_open() {
    let of = |language| {
        let it = words(language);
        [
            it.linked,
            it.linked_before_the_group,
            it.invited_back,
            it.ask_again,
            it.too_many_groups,
            it.ends_soon,
            it.removed,
            it.guest_put_out,
            it.not_linked,
            it.ended,
            it.access,
            it.paid,
            it.paid_and_inside,
            it.no_way_in_yet,
            it.how_to_enter,
            it.open_the_group,
            it.open,
            it.spare_ready,
            it.spare_waits,
        ]
        .map(places)
    };
    let english = of(Language::English);
    assert_eq!(english[0], ["end", "name"].map(str::to_owned).into());
    for language in Language::ALL {
        assert_eq!(of(language), english, "{language:?}");
    }
}

#[test]
fn commands_are_the_same_in_every_language_and_telegram_takes_them() {
    for language in Language::ALL {
        let commands = words(language).commands;
        // Bot API, `BotCommand`: the description has 1 to 256 characters.
        assert!(commands.iter().all(|(_, about)| (1..=256).contains(&about.chars().count())));
        assert_eq!(commands.map(|(command, _)| command), ["access", "start"], "{language:?}");
    }
}

#[test]
fn dates_are_those_of_the_language() {
    let at = "2026-03-05T07:04:00Z".parse().unwrap();
    assert_eq!((words(Language::English).date)(at), "5 March 2026, 07:04 UTC");
    assert_eq!((words(Language::German).date)(at), "5. März 2026, 07:04 UTC");
    let last = "2026-12-31T23:59:59Z".parse().unwrap();
    assert_eq!((words(Language::German).date)(last), "31. Dezember 2026, 23:59 UTC");
}

#[test]
fn a_name_that_looks_like_a_place_stays_a_name() {
    assert_eq!(fill("a {name} until {end}", &[("name", "{end}"), ("end", "x")]), "a {end} until x");
    assert_eq!(fill("a { b", &[]), "a { b");
}

#[test]
fn many_subscriptions_are_shown_as_far_as_a_message_holds_them() {
    for language in Language::ALL {
        let one = |name: ServiceName| {
            let mut group = poor();
            group.set_up_done(invite());
            let service = domain::service::Service { name, ..with_group(group) };
            (service, by(language))
        };
        let many = vec![one(longest()); 20];
        let message = access(&many, language);
        assert!(length(&message.html) <= 4096);
        assert!(message.buttons.len() > 10, "{}", message.buttons.len());
        assert!(shown(&message.html).ends_with('.'));
        let short = vec![one(ServiceName::parse("Gold").unwrap()); 20];
        assert_eq!(access(&short, language).buttons.len(), 20);
    }
}
