//! How a service comes to its group, and how the group stays well.

use domain::group::{
    AwaitingBot, BindRefusal, BotRights, BotStanding, ChatClaim, ChatKind, Group, GroupRequest,
    Holder, Mode, Observation, Origin, Phase, Problem, SET_UP_LINK_LIFE, TelegramGroup, bind,
    claim_due_at, request_group, service_due, service_due_at, spare_due, take_spare,
};
use domain::ids::ChatId;
use domain::language::Language;
use domain::service::Service;

use crate::common::*;

const MODES: [Mode; 3] = [Mode::Auto, Mode::Pool, Mode::Link];

fn asked(service: &Service, minute: i64) -> Service {
    match request_group(service, Mode::Link, false, minutes(minute)) {
        GroupRequest::NewLink(asked) => *asked,
        other => panic!("no new link: {other:?}"),
    }
}

fn group(service: &Service) -> &TelegramGroup {
    match &service.group {
        Group::Bound(group) => group,
        other => panic!("not bound: {other:?}"),
    }
}

fn fresh() -> TelegramGroup {
    TelegramGroup::bound(chat(), Origin::Trader, minutes(0))
}

#[test]
fn a_service_that_has_its_group_gets_no_second_one() {
    let service = with_group(fresh());
    for mode in MODES {
        for spare in [true, false] {
            assert_eq!(request_group(&service, mode, spare, minutes(1)), GroupRequest::HasOne);
        }
    }
}

#[test]
fn a_spare_group_is_taken_where_the_trader_lets_it() {
    for service in [service(), asked(&service(), 0)] {
        for mode in [Mode::Auto, Mode::Pool] {
            assert_eq!(request_group(&service, mode, true, minutes(1)), GroupRequest::TakeSpare);
        }
        assert_ne!(request_group(&service, Mode::Link, true, minutes(1)), GroupRequest::TakeSpare);
    }
}

#[test]
fn without_a_spare_the_pool_way_is_closed_and_the_others_give_a_link() {
    for service in [service(), asked(&service(), 0)] {
        assert_eq!(request_group(&service, Mode::Pool, false, minutes(90)), GroupRequest::NoSpare);
        for mode in [Mode::Auto, Mode::Link] {
            let answer = request_group(&service, mode, false, minutes(90));
            assert!(matches!(answer, GroupRequest::NewLink(_)), "{answer:?}");
        }
    }
}

#[test]
fn a_set_up_link_that_still_works_is_given_again_and_an_old_one_is_replaced() {
    let first = asked(&service(), 0);
    let out = AwaitingBot { number: 1, expires_at: minutes(0) + SET_UP_LINK_LIFE };
    assert_eq!(first.group, Group::AwaitingBot(out));
    for mode in [Mode::Auto, Mode::Link] {
        let answer = request_group(&first, mode, false, minutes(59));
        assert_eq!(answer, GroupRequest::LinkIsOut(out));
    }
    let second = asked(&first, 60);
    assert_eq!(second.setups, 2);
    assert_eq!(bind(&second, 1, chat(), minutes(61), minutes(61)), Err(BindRefusal::LinkExpired));
    assert!(matches!(bind(&second, 2, chat(), minutes(61), minutes(61)), Ok(Some(_))));
}

#[test]
fn whoever_was_there_when_the_trader_brought_the_group_may_stay() {
    let service = asked(&service(), 0);
    let bound = bind(&service, 1, chat(), minutes(1), minutes(2)).unwrap().unwrap();
    let Group::Bound(group) = bound.group else { panic!("it is bound") };
    assert!(group.had_inside(minutes(0)));
    assert!(!group.had_inside(minutes(1)), "in doubt they are looked at");
    let spare = TelegramGroup { origin: Origin::Pool, ..group };
    assert!(!spare.had_inside(minutes(0)), "a spare group is nobody's");
}

#[test]
fn a_set_up_link_works_within_its_hour_and_not_after() {
    let service = asked(&service(), 0);
    assert!(matches!(bind(&service, 1, chat(), minutes(59), minutes(59)), Ok(Some(_))));
    assert_eq!(bind(&service, 1, chat(), minutes(60), minutes(60)), Err(BindRefusal::LinkExpired));
}

#[test]
fn a_set_up_link_that_nobody_asked_for_binds_nothing() {
    assert_eq!(bind(&service(), 0, chat(), minutes(1), minutes(1)), Err(BindRefusal::LinkExpired));
    assert_eq!(bind(&service(), 1, chat(), minutes(1), minutes(1)), Err(BindRefusal::LinkExpired));
    let service = asked(&service(), 0);
    assert_eq!(bind(&service, 2, chat(), minutes(1), minutes(1)), Err(BindRefusal::LinkExpired));
}

#[test]
fn binding_twice_in_the_same_chat_changes_nothing_and_another_chat_is_refused() {
    let bound = bind(&asked(&service(), 0), 1, chat(), minutes(1), minutes(1)).unwrap().unwrap();
    assert_eq!(group(&bound).phase, Phase::SettingUp);
    assert_eq!(group(&bound).pending.map(|pending| pending.round), Some(1));
    assert_eq!(bind(&bound, 1, chat(), minutes(2), minutes(2)), Ok(None));
    assert_eq!(bind(&bound, 1, chat(), minutes(600), minutes(600)), Ok(None));
    let other = ChatId::new(-1002);
    assert_eq!(bind(&bound, 1, other, minutes(2), minutes(2)), Err(BindRefusal::HasAnother));
}

#[test]
fn a_group_that_was_upgraded_while_it_was_bound_is_still_the_same_group() {
    let bound = bind(&asked(&service(), 0), 1, ChatId::new(-1002), minutes(1), minutes(1))
        .unwrap()
        .unwrap();
    let mut moved = group(&bound).clone();
    moved.migrate(chat(), minutes(2));
    assert_eq!(bind(&with_group(moved), 1, chat(), minutes(3), minutes(3)), Ok(None));
}

#[test]
fn a_spare_group_takes_the_name_of_its_service_and_keeps_its_link() {
    let mut spare = ready_group(Origin::Trader);
    spare.title = "Spare 12".to_owned();
    let taken = take_spare(&service(), &spare, minutes(5));
    let now = group(&taken);
    assert_eq!(now.title, "Gold");
    assert_eq!((now.origin, now.phase, now.bound_at), (Origin::Pool, Phase::Ready, minutes(5)));
    assert_eq!(now.invite_link, Some(invite()));
    assert_eq!(now.pending.map(|pending| pending.round), Some(spare.rounds + 1));
}

#[test]
fn an_unused_set_up_link_is_forgotten_when_its_hour_is_over() {
    let waiting = asked(&service(), 0);
    assert_eq!(service_due_at(&waiting), Some(minutes(60)));
    assert_eq!(service_due(&waiting, minutes(59)), None);
    let over = service_due(&waiting, minutes(60)).unwrap();
    assert_eq!(over.group, Group::None);
    assert_eq!(service_due_at(&over), None);
    assert_eq!(service_due(&over, minutes(61)), None);
    // The number goes on, so the forgotten link stays dead.
    assert_eq!(asked(&over, 61).setups, 2);
}

#[test]
fn a_set_up_run_that_fails_is_tried_again_later_each_time() {
    let mut group = fresh();
    assert_eq!(group.due_at(), Some(minutes(2)));
    let mut waits = Vec::new();
    for _ in 0..8 {
        group.set_up_failed(minutes(10));
        assert_eq!(group.pending.map(|pending| pending.round), Some(1), "no new message");
        waits.push(group.due_at().unwrap().duration_since(minutes(10)).as_mins());
    }
    assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60, 60]);
    group.set_up_done(invite());
    assert_eq!((group.due_at(), group.phase), (None, Phase::Ready));
}

#[test]
fn the_sweep_begins_a_forgotten_set_up_again_with_a_new_number() {
    let service = with_group(fresh());
    assert_eq!(service_due(&service, minutes(1)), None);
    let again = service_due(&service, minutes(2)).unwrap();
    let pending = group(&again).pending.unwrap();
    assert_eq!((pending.round, pending.failures), (2, 1));
    assert_eq!(group(&again).rounds, 2);
    assert!(pending.retry_at > minutes(2));
    assert_eq!(service_due(&again, minutes(2)), None, "once is enough");
    assert_eq!(service_due_at(&again), Some(pending.retry_at));
}

#[test]
fn a_spare_group_is_looked_after_in_the_same_way() {
    let spare = fresh();
    let claim = |group: &TelegramGroup| ChatClaim {
        chat: group.chat,
        holder: Holder::Spare {
            group: Box::new(group.clone()),
            strangers: Vec::new(),
            operator: None,
            language: Language::English,
        },
    };
    assert_eq!(claim_due_at(&claim(&spare)), Some(minutes(2)));
    assert_eq!(spare_due(&spare, minutes(1)), None);
    let again = spare_due(&spare, minutes(2)).unwrap();
    assert_eq!(again.pending.unwrap().round, 2);
    let ready = ready_group(Origin::Trader);
    assert_eq!(spare_due(&ready, hours(100)), None);
    assert_eq!(claim_due_at(&claim(&ready)), None);
    for holder in
        [Holder::Service { service: service().id }, Holder::Moved { to: ChatId::new(-1002) }]
    {
        assert_eq!(claim_due_at(&ChatClaim { chat: chat(), holder }), None);
    }
}

#[test]
fn a_group_in_which_all_is_well_has_no_problems() {
    let ready = ready_group(Origin::Trader);
    assert_eq!(ready.problems(), []);
    assert_eq!(ready.phase, Phase::Ready);
    assert_eq!(fresh().problems(), [], "what was not looked at is not held against it");
}

/// Every right, the same with that right missing, and what is said about it.
fn rights_missing_one() -> [(BotRights, Problem); 5] {
    let all = BotRights::ALL;
    [
        (BotRights { invite_users: false, ..all }, Problem::CannotInviteUsers),
        (BotRights { restrict_members: false, ..all }, Problem::CannotRestrictMembers),
        (BotRights { change_info: false, ..all }, Problem::CannotChangeInfo),
        (BotRights { delete_messages: false, ..all }, Problem::CannotDeleteMessages),
        (BotRights { pin_messages: false, ..all }, Problem::CannotPinMessages),
    ]
}

#[test]
fn each_lost_right_is_named_and_only_inviting_and_removing_stop_the_group() {
    for (rights, problem) in rights_missing_one() {
        let blocks = matches!(problem, Problem::CannotInviteUsers | Problem::CannotRestrictMembers);
        assert_eq!(problem.blocks(), blocks);
        let phase = if blocks { Phase::Degraded } else { Phase::Ready };

        let mut told = ready_group(Origin::Trader);
        told.bot_stands(BotStanding::Admin(rights), minutes(1));
        assert_eq!((told.problems(), told.phase), (vec![problem], phase));

        let mut refused = ready_group(Origin::Trader);
        refused.right_lost(problem, minutes(1));
        assert_eq!((refused.problems(), refused.phase), (vec![problem], phase));

        let mut seen = ready_group(Origin::Trader);
        seen.observe(Observation { bot: BotStanding::Admin(rights), ..all_well() }, minutes(1));
        assert_eq!((seen.problems(), seen.phase), (vec![problem], phase));
        assert_eq!(seen.checked_at, Some(minutes(1)));
        // A group that is not well is looked at again by itself; one that works is not.
        assert_eq!(seen.due_at(), blocks.then_some(minutes(31)), "{problem:?}");
    }
}

#[test]
fn rights_that_come_back_start_a_set_up_run_at_once() {
    for (rights, problem) in rights_missing_one() {
        let mut group = ready_group(Origin::Trader);
        let before = group.rounds;
        group.bot_stands(BotStanding::Admin(rights), minutes(1));
        group.bot_stands(BotStanding::Admin(BotRights::ALL), minutes(2));
        assert_eq!(group.problems(), []);
        let started = group.rounds > before;
        assert_eq!(started, problem.blocks(), "{problem:?}");
        if started {
            assert_eq!(group.pending.map(|pending| pending.round), Some(before + 1));
            group.set_up_done(invite());
        }
        assert_eq!((group.phase, group.due_at()), (Phase::Ready, None));
    }
}

#[test]
fn two_rights_lost_and_one_back_is_not_enough() {
    let mut group = ready_group(Origin::Trader);
    group.right_lost(Problem::CannotInviteUsers, minutes(1));
    group.right_lost(Problem::CannotRestrictMembers, minutes(2));
    let problems = [Problem::CannotInviteUsers, Problem::CannotRestrictMembers];
    assert_eq!(group.problems(), problems);
    let rights = BotRights { restrict_members: false, ..BotRights::ALL };
    group.bot_stands(BotStanding::Admin(rights), minutes(3));
    assert_eq!((group.phase, group.problems()), (Phase::Degraded, vec![problems[1]]));
    group.bot_stands(BotStanding::Admin(BotRights::ALL), minutes(4));
    assert_eq!(group.problems(), []);
    assert!(group.pending.is_some());
}

#[test]
fn a_bot_that_was_put_out_comes_back_and_nothing_is_forgotten() {
    let mut group = ready_group(Origin::Trader);
    group.bot_stands(BotStanding::Outside, minutes(1));
    assert_eq!((group.phase, group.problems()), (Phase::Degraded, vec![Problem::BotOutside]));
    assert!(!group.can_post());
    assert_eq!((group.chat, group.invite_link.clone()), (chat(), Some(invite())));
    group.bot_stands(BotStanding::Member, minutes(2));
    assert_eq!((group.phase, group.problems()), (Phase::Degraded, vec![Problem::BotNotAdmin]));
    assert!(group.can_post());
    group.bot_stands(BotStanding::Admin(BotRights::ALL), minutes(3));
    assert_eq!(group.problems(), []);
    assert_eq!(group.pending.unwrap().round, group.rounds);
}

#[test]
fn refused_calls_say_that_the_bot_is_out_or_no_administrator_or_the_group_too_small() {
    for problem in [Problem::BotOutside, Problem::BotNotAdmin, Problem::NotASupergroup] {
        assert!(problem.blocks());
        let mut group = ready_group(Origin::Trader);
        group.right_lost(problem, minutes(1));
        assert_eq!((group.phase, group.problems()), (Phase::Degraded, vec![problem]));
        assert_eq!(group.due_at(), Some(minutes(31)));
    }
}

#[test]
fn the_same_news_twice_changes_nothing() {
    let mut group = ready_group(Origin::Trader);
    let before = group.clone();
    group.bot_stands(BotStanding::Admin(BotRights::ALL), minutes(1));
    assert_eq!(group, before);
    group.bot_stands(BotStanding::Outside, minutes(1));
    let out = group.clone();
    group.bot_stands(BotStanding::Outside, minutes(5));
    assert_eq!(group, out);
    // A thousand calls may say so, and none of them puts off the next look.
    group.right_lost(Problem::BotOutside, minutes(6));
    assert_eq!(group, out);
    group.right_lost(Problem::BotNotAdmin, minutes(7));
    assert_eq!((group.problems(), group.due_at()), (vec![Problem::BotNotAdmin], Some(minutes(37))));
}

#[test]
fn a_basic_group_waits_for_its_upgrade_and_works_after_it() {
    let mut group = fresh();
    group.observe(Observation { kind: ChatKind::Basic, ..all_well() }, minutes(1));
    assert_eq!((group.phase, group.problems()), (Phase::Degraded, vec![Problem::NotASupergroup]));
    let rounds = group.rounds;
    group.migrate(ChatId::new(-1002), minutes(2));
    assert_eq!((group.chat, group.problems()), (ChatId::new(-1002), vec![]));
    assert_eq!(group.rounds, rounds + 1);
    group.set_up_done(invite());
    assert_eq!((group.phase, group.due_at()), (Phase::Ready, None));
}

#[test]
fn links_of_the_old_chat_die_with_an_upgrade_and_a_repeated_word_of_it_changes_nothing() {
    let mut group = ready_group(Origin::Trader);
    group.migrate(ChatId::new(-1002), minutes(1));
    assert_eq!(group.invite_link, None);
    group.set_up_done(invite());
    let done = group.clone();
    group.migrate(ChatId::new(-1002), minutes(2));
    assert_eq!(group, done);
}

#[test]
fn a_count_that_was_not_asked_for_does_not_wipe_out_the_last_one() {
    let mut group = ready_group(Origin::Trader);
    group.observe(Observation { member_count: None, ..all_well() }, minutes(1));
    assert_eq!(group.member_count, Some(2));
    group.observe(Observation { member_count: Some(5), ..all_well() }, minutes(2));
    assert_eq!(group.member_count, Some(5));
}

#[test]
fn every_form_of_a_group_reads_as_it_was_written() {
    let mut group = ready_group(Origin::Pool);
    for service in [service(), asked(&service(), 0), with_group(fresh()), with_group(group.clone())]
    {
        assert_eq!(again(&service), service);
    }
    for standing in [
        BotStanding::Unknown,
        BotStanding::Outside,
        BotStanding::Member,
        BotStanding::Admin(BotRights::default()),
    ] {
        group.bot_stands(standing, minutes(3));
        assert_eq!(again(&group), group);
    }
    for holder in [
        Holder::Service { service: service().id },
        Holder::Spare {
            group: Box::new(group),
            strangers: Vec::new(),
            operator: None,
            language: Language::English,
        },
        Holder::Moved { to: ChatId::new(-1002) },
    ] {
        let claim = ChatClaim { chat: chat(), holder };
        assert_eq!(again(&claim), claim);
    }
}
