//! Invite links that a trader asks for.

use domain::ids::LinkId;
use domain::link::{Link, LinkKind, LinkState, LinkUrl, Pass, link_due, link_used};

use crate::common::*;

fn used() -> LinkState {
    LinkState::Used { at: hours(1) }
}

#[test]
fn the_first_guest_uses_up_a_pass_and_a_second_does_not() {
    let pass = link(LinkKind::SingleUse, LinkState::Ready);
    assert_eq!(pass.due_at(), None);
    let after = link_used(&pass, Some(user()), hours(1)).unwrap();
    assert_eq!((&after.state, &after.url), (&used(), &pass.url), "it is still to be revoked");
    assert_eq!(link_used(&after, Some(user()), hours(2)), None);
}

#[test]
fn a_guarded_link_is_never_used_up() {
    assert_eq!(
        link_used(&link(LinkKind::Permanent, LinkState::Ready), Some(user()), hours(1)),
        None
    );
}

#[test]
fn a_link_that_is_not_there_yet_or_no_more_is_not_used() {
    for state in [Link::lease(hours(0)), LinkState::Revoked] {
        assert_eq!(link_used(&link(LinkKind::SingleUse, state), Some(user()), hours(1)), None);
    }
}

#[test]
fn a_used_pass_is_looked_at_until_it_is_revoked() {
    let after = link(LinkKind::SingleUse, used());
    assert_eq!(after.due_at(), Some(minutes(65)));
    assert_eq!(link_due(&after, minutes(64)), None);
    let again = link_due(&after, minutes(65)).unwrap();
    assert_eq!(again, Link { state: LinkState::Used { at: minutes(65) }, ..after });
    assert_eq!(link_due(&again, minutes(65)), None, "once is enough");
    for state in [Link::lease(hours(0)), LinkState::Ready, LinkState::Revoked] {
        let other = link(LinkKind::SingleUse, state);
        assert_eq!((other.due_at(), link_due(&other, hours(100))), (None, None));
    }
}

#[test]
fn the_lease_of_a_request_that_died_ends() {
    let LinkState::Making { lease_until } = Link::lease(hours(0)) else { panic!("no lease") };
    assert!(lease_until > hours(0) && lease_until <= minutes(1));
}

#[test]
fn links_and_passes_read_as_they_were_written() {
    for kind in [LinkKind::SingleUse, LinkKind::Permanent] {
        for state in [Link::lease(hours(0)), LinkState::Ready, used(), LinkState::Revoked] {
            let mut value = link(kind, state);
            assert_eq!(again(&value), value);
            (value.name, value.expires_at, value.url) = (None, None, None);
            assert_eq!(again(&value), value);
        }
    }
    let id = LinkId::derived(service().id, "key-1");
    let service = service().id;
    let pass = Pass { service, user: user(), link: id, since: hours(1), withdrawn: false };
    assert_eq!(again(&pass), pass);
    let url = LinkUrl { url: invite(), link: id };
    assert_eq!(again(&url), url);
}
