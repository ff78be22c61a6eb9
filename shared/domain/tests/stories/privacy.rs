//! No Telegram id, no address and no link in any audit record or event, whatever changes.

use domain::change::{Actor, Meta, Record, Why};
use domain::group::{ChatClaim, Group, Holder, InviteLink, Origin};
use domain::ids::{ChatId, UserId};
use domain::language::Language;
use domain::link::{LinkKind, LinkState};
use domain::membership::Membership;
use domain::relay::consequences;
use domain::subscription::Subscription;
use domain::text::Email;
use proptest::prelude::*;

use crate::common::*;

const EVERY_REASON: [Why; 55] = [
    Why::ServiceCreated,
    Why::ServiceRevised,
    Why::ChartUrlMade,
    Why::GroupRequested,
    Why::GroupRequestExpired,
    Why::GroupBound,
    Why::SpareAdded,
    Why::GroupChecked,
    Why::GroupSetUp,
    Why::GroupSetUpFailed,
    Why::BotRightsChanged,
    Why::BotRightLost,
    Why::GroupMigrated,
    Why::GroupRenamed,
    Why::Purchased,
    Why::Renewed,
    Why::Cancelled,
    Why::Expired,
    Why::PeriodEnded,
    Why::Reminded,
    Why::AccountLinked,
    Why::MemberAsked,
    Why::MemberJoined,
    Why::MemberLeft,
    Why::IntruderRemoving,
    Why::AdmissionFailed,
    Why::AdmissionVoid,
    Why::AdmissionFull,
    Why::MemberRemoving,
    Why::MemberRemoved,
    Why::RemovalFailed,
    Why::RemovalParked,
    Why::RemovalDropped,
    Why::MemberInvitedBack,
    Why::MemberKept,
    Why::Nudged,
    Why::AlertQueued,
    Why::AlertSending,
    Why::AlertSent,
    Why::AlertDelayed,
    Why::AlertUnknown,
    Why::AlertFailed,
    Why::UpdateQueued,
    Why::UpdateSending,
    Why::UpdateSent,
    Why::UpdateDelayed,
    Why::UpdateUnknown,
    Why::UpdateFailed,
    Why::LinkRequested,
    Why::LinkMade,
    Why::LinkUsed,
    Why::LinkRevoked,
    Why::GuestAsked,
    Why::GuestLetIn,
    Why::GuestPutOut,
];

/// One of everything, full of what must not be shown.
fn records(user: i64, chat: i64, email: &str, url: &str) -> Vec<Record> {
    let url = InviteLink::new(url.to_owned());
    let (user, chat) = (UserId::new(user), ChatId::new(chat));
    let mut group = ready_group(Origin::Trader);
    group.chat = chat;
    group.invite_link = Some(url.clone());
    let mut bound = service();
    bound.group = Group::Bound(group.clone());
    let holders = [
        Holder::Spare {
            group: Box::new(group),
            strangers: Vec::new(),
            operator: None,
            language: Language::English,
        },
        Holder::Service { service: bound.id },
        Holder::Moved { to: chat },
    ];
    let links = [LinkState::Ready, LinkState::Used { at: hours(1) }, LinkState::Revoked];
    let memberships = [
        joined().membership,
        leaving().membership,
        started(&leaving(), hours(11)).membership,
        Membership::Removed { at: hours(11) },
    ];
    let mut records = vec![
        Record::Service(Box::new(service())),
        Record::Service(Box::new(bound)),
        Record::Alert(Box::new(queued())),
        Record::Alert(Box::new(with_updates(&sent(chat), &[close()]))),
    ];
    records.extend(holders.map(|holder| Record::Chat(ChatClaim { chat, holder })));
    records.extend(links.map(|state| {
        let mut link = link(LinkKind::SingleUse, state);
        (link.chat, link.url) = (chat, Some(url.clone()));
        Record::Link(link)
    }));
    records.extend(memberships.map(|membership| {
        let email = Some(Email::parse(email).unwrap());
        let subscription = Subscription { membership, user: Some(user), email, ..joined() };
        Record::Subscription(Box::new(subscription))
    }));
    records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn nothing_personal_leaves_in_a_record_or_an_event(
        user in 1_000_000_000_i64..(1 << 52),
        chat in 1_000_000_000_i64..(1 << 52),
        name in "[a-z]{10}",
    ) {
        let email = format!("{name}@mail.example");
        let url = format!("https://t.me/+{name}");
        let all = records(user, -chat, &email, &url);
        let secrets = [user.to_string(), chat.to_string(), name];
        let actors = [Actor::Person, Actor::Trader(trader()), Actor::Telegram];
        let mut shown = 0;
        for why in EVERY_REASON {
            for (index, after) in all.iter().enumerate() {
                let before = (index > 0).then(|| &all[index - 1]);
                for (before, by) in [None, before, Some(after)].into_iter().zip(&actors) {
                    let changed_by = by.clone();
                    let meta = Meta { ver: 3, changed_at: hours(1), changed_by, why };
                    let follows = consequences(before, after, &meta);
                    let text = serde_json::to_string(&(&follows.audit, &follows.events)).unwrap();
                    for secret in &secrets {
                        prop_assert!(!text.contains(secret.as_str()), "{text}");
                    }
                    for (key, _) in &follows.tasks {
                        for secret in &secrets {
                            prop_assert!(!key.contains(secret.as_str()), "{key}");
                        }
                    }
                    shown += usize::from(follows.audit.is_some()) + follows.events.len();
                }
            }
        }
        prop_assert!(shown > 1_000, "there was something to look at: {shown}");
    }
}

#[test]
fn what_is_printed_for_developers_hides_the_same() {
    let everything = records(USER, CHAT, EMAIL, INVITE);
    let text = format!("{everything:?}");
    for secret in ["4004004004", "1001001001001", EMAIL, INVITE] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn two_chats_have_two_aliases_and_none_is_the_number() {
    let alias = chat().alias();
    assert_eq!(alias, chat().alias());
    assert_ne!(alias, ChatId::new(CHAT - 1).alias());
    assert_eq!(alias.len(), 8);
}
