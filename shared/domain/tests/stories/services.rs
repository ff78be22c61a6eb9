//! What a trader chooses, and changes later.

use domain::group::{Group, Origin};
use domain::price::{Currency, Price};
use domain::service::{
    AlertFormat, DurationDays, GraceHours, Guard, OutOfRange, ReminderHours, Reminders, Revision,
    Service, TooManyReminders, revise,
};
use domain::text::{Description, ServiceName};

use crate::common::*;

#[test]
fn numbers_have_bounds_that_are_named() {
    assert_eq!(DurationDays::new(0), Err(OutOfRange { least: 1, most: 3660 }));
    assert_eq!(DurationDays::new(3661), Err(OutOfRange { least: 1, most: 3660 }));
    assert_eq!(DurationDays::new(3660).unwrap().length().as_hours(), 3660 * 24);
    assert_eq!(GraceHours::new(-1), Err(OutOfRange { least: 0, most: 720 }));
    assert_eq!(GraceHours::new(0).unwrap().length().as_hours(), 0);
    assert_eq!(ReminderHours::new(0), Err(OutOfRange { least: 1, most: 720 }));
    assert_eq!(ReminderHours::new(721), Err(OutOfRange { least: 1, most: 720 }));
    assert_eq!(
        OutOfRange { least: 1, most: 720 }.to_string(),
        "must be a whole number from 1 to 720"
    );
}

#[test]
fn reminders_go_out_earliest_first_and_each_once() {
    let get = |set: Reminders| set.as_slice().iter().map(|h| h.get()).collect::<Vec<_>>();
    assert_eq!(get(reminders(&[24, 72, 24, 1])), [72, 24, 1]);
    assert_eq!(get(reminders(&[])), [] as [u32; 0]);
    let six = (1..=6).map(|h| ReminderHours::new(h).unwrap()).collect();
    assert_eq!(Reminders::new(six), Err(TooManyReminders));
    assert_eq!(get(reminders(&[1, 2, 3, 3, 3])), [3, 2, 1]);
    let repeated = [1, 2, 3, 4, 5, 5].map(|h| ReminderHours::new(h).unwrap()).to_vec();
    assert_eq!(Reminders::new(repeated), Err(TooManyReminders));
}

#[test]
fn a_new_service_has_the_settings_that_suit_most() {
    let set = service().settings;
    assert_eq!((set.alert_format, set.guard), (AlertFormat::Rich, Guard::Enforce));
    assert_eq!(set.grace_hours.get(), 0);
    assert_eq!(set.reminder_hours, reminders(&[72, 24]));
}

#[test]
fn a_revision_of_nothing_changes_nothing() {
    for service in [service(), with_group(ready_group(Origin::Trader))] {
        assert_eq!(revise(&service, Revision::default(), hours(1)), service);
    }
}

#[test]
fn each_part_is_changed_alone() {
    let old = with_group(ready_group(Origin::Trader));
    let only = |revision: Revision, change: fn(&mut Service)| {
        let mut expected = old.clone();
        change(&mut expected);
        assert_ne!(expected, old);
        assert_eq!(revise(&old, revision, hours(1)), expected);
    };
    let none = Revision::default;
    fn euros() -> Price {
        Price { amount: price("10"), currency: Currency::parse("EUR").unwrap() }
    }
    let days = || DurationDays::new(7).unwrap();
    let grace = || GraceHours::new(5).unwrap();
    only(Revision { price: Some(euros()), ..none() }, |s| s.price = euros());
    only(Revision { duration_days: Some(days()), ..none() }, |s| {
        s.duration_days = DurationDays::new(7).unwrap();
    });
    only(Revision { alert_format: Some(AlertFormat::Mt4), ..none() }, |s| {
        s.settings.alert_format = AlertFormat::Mt4;
    });
    only(Revision { guard: Some(Guard::Observe), ..none() }, |s| {
        s.settings.guard = Guard::Observe;
    });
    only(Revision { grace_hours: Some(grace()), ..none() }, |s| {
        s.settings.grace_hours = GraceHours::new(5).unwrap();
    });
    only(Revision { reminder_hours: Some(reminders(&[])), ..none() }, |s| {
        s.settings.reminder_hours = reminders(&[]);
    });
}

#[test]
fn a_new_name_or_description_is_carried_into_the_group() {
    let old = with_group(ready_group(Origin::Pool));
    let rounds = |service: &Service| match &service.group {
        Group::Bound(group) => (group.rounds, group.pending.map(|pending| pending.round)),
        _ => (0, None),
    };
    let name =
        Revision { name: Some(ServiceName::parse("Silver").unwrap()), ..Revision::default() };
    let renamed = revise(&old, name.clone(), hours(1));
    assert_eq!(renamed.name.as_str(), "Silver");
    assert_eq!(rounds(&renamed), (2, Some(2)));

    let text = Description::parse("Two signals a day").unwrap();
    let described = Revision { description: Some(Some(text.clone())), ..Revision::default() };
    let described = revise(&old, described, hours(1));
    assert_eq!(described.description, Some(text));
    assert_eq!(rounds(&described), (2, Some(2)));

    let bare = Revision { description: Some(None), ..Revision::default() };
    let bare = revise(&described, bare, hours(2));
    assert_eq!(bare.description, None);
    assert_eq!(rounds(&bare), (3, Some(3)));

    // The same name again is no news, and without a group there is nothing to carry it into.
    assert_eq!(revise(&renamed, name.clone(), hours(2)), renamed);
    assert_eq!(revise(&service(), name, hours(1)).group, Group::None);
}
