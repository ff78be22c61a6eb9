//! Anything in any order: purchases, cancellations, updates, removals that end in every way or not
//! at all, sweeps at any time. Beside the books goes the truth: whether the person is in the group.

use domain::change::{Record, Why};
use domain::group::Group;
use domain::membership::{
    Admission, AdmitPlan, JoinRequest, Membership, Removal, RemovalPlan, admitted, asked_to_join,
    came_in, plan_admission, plan_removal, removal_ended, went_out,
};
use domain::relay::consequences;
use domain::service::{DurationDays, GraceHours, Service};
use domain::subscription::{
    CancelWhen, DueStep, Purchase, Status, Subscription, cancel, claim, purchase, subscription_due,
};
use domain::task::{Notice, Task};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::common::*;

/// How a call that removes somebody goes.
#[derive(Clone, Copy, Debug)]
enum Call {
    Works,
    NotMade,
    Fails,
    NoAnswer {
        acts: bool,
    },
    Parked,
    /// The sender dies: nothing is saved.
    Dies {
        acts: bool,
    },
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Buy { account: bool, days: i64, grace: i64, end: Option<i64> },
    Cancel(CancelWhen),
    Claim { number: u32 },
    Ask,
    Admit(Admission),
    ComeIn { seen: bool },
    GoOut { seen: bool },
    TakeLease,
    EndCall(Call),
    Sweep,
}

fn steps() -> impl Strategy<Value = (i64, Step)> {
    let call = prop_oneof![
        3 => Just(Call::Works),
        1 => Just(Call::NotMade),
        1 => Just(Call::Fails),
        2 => any::<bool>().prop_map(|acts| Call::NoAnswer { acts }),
        1 => Just(Call::Parked),
        2 => any::<bool>().prop_map(|acts| Call::Dies { acts }),
    ];
    let admission = prop::sample::select(vec![
        Admission::In,
        Admission::In,
        Admission::NoRequest,
        Admission::Failed,
    ]);
    let when = prop::sample::select(vec![CancelWhen::Now, CancelWhen::PeriodEnd]);
    let end = prop_oneof![3 => Just(None), 1 => (-5_i64..100).prop_map(Some)];
    let step = prop_oneof![
        3 => (any::<bool>(), 1_i64..5, prop_oneof![Just(0), 0_i64..200], end)
            .prop_map(|(account, days, grace, end)| Step::Buy { account, days, grace, end }),
        2 => when.prop_map(Step::Cancel),
        1 => (0_u32..3).prop_map(|number| Step::Claim { number: number / 2 }),
        2 => Just(Step::Ask),
        2 => admission.prop_map(Step::Admit),
        2 => any::<bool>().prop_map(|seen| Step::ComeIn { seen }),
        1 => any::<bool>().prop_map(|seen| Step::GoOut { seen }),
        4 => Just(Step::TakeLease),
        4 => call.prop_map(Step::EndCall),
        3 => Just(Step::Sweep),
    ];
    // Minutes that pass before: mostly few, so that steps fall into leases.
    let wait = prop_oneof![3 => Just(0_i64), 3 => 0_i64..4, 2 => 0_i64..3_000];
    (wait, step)
}

/// The books, the truth beside them, and what is still owed.
struct World {
    now: Timestamp,
    service: Service,
    books: Option<Subscription>,
    ver: u64,
    /// Whether the person is in the group.
    inside: bool,
    /// Whether a bot is powerless against them (owner or administrator).
    untouchable: bool,
    /// A sender took the lease and has not finished.
    in_call: bool,
    /// The bot put them out without having told them; only as far as they were known to be in.
    owed_a_word: bool,
    /// A message that says "remove" is on its way, or its sender is at it.
    removal_sent: bool,
}

type Outcome = Result<(), TestCaseError>;

impl World {
    fn new(untouchable: bool) -> Self {
        Self {
            now: minutes(0),
            service: service(),
            books: None,
            ver: 0,
            inside: false,
            untouchable,
            in_call: false,
            owed_a_word: false,
            removal_sent: false,
        }
    }

    /// Saves, and looks at what follows.
    fn save(&mut self, next: Subscription, why: Why) -> Outcome {
        self.ver += 1;
        let old = self.books.replace(next.clone());
        let record = |s: &Subscription| Record::Subscription(Box::new(s.clone()));
        let before = old.as_ref().map(record);
        let all = consequences(before.as_ref(), &record(&next), &meta(self.ver, why, self.now));
        prop_assert!(all.audit.is_some());
        let text = serde_json::to_string(&(&all.audit, &all.events)).unwrap();
        prop_assert!(!text.contains(&USER.to_string()) && !text.contains(EMAIL), "{text}");
        let waits = |s: &Subscription| {
            matches!(s.membership, Membership::Leaving { .. } | Membership::Removing { .. })
        };
        let mut removes = false;
        for (_, task) in &all.tasks {
            match task {
                Task::Remove { .. } => {
                    prop_assert!(!next.entitled(self.now), "a removal of somebody entitled");
                    removes = true;
                }
                Task::Tell { notice: Notice::InvitedBack, .. } => self.owed_a_word = false,
                Task::Admit { .. } | Task::Tell { .. } => {}
                other => prop_assert!(false, "{other:?}"),
            }
        }
        if removes {
            self.removal_sent = true;
        } else if waits(&next) {
            prop_assert!(self.removal_sent, "leaving, and no message that says so");
        }
        if !waits(&next) {
            self.removal_sent = false;
        }
        Ok(())
    }

    /// What has to hold at every moment.
    fn check(&self) -> Outcome {
        let Some(books) = &self.books else { return Ok(()) };
        prop_assert_eq!(&again(books), books);
        let entitled = books.entitled(self.now);
        let state = &books.membership;
        let closed = matches!(
            state,
            Membership::Leaving { .. } | Membership::Removed { .. } | Membership::Kept { .. }
        );
        prop_assert!(!(entitled && closed), "entitled, and {state:?}");
        let unfinished = entitled
            || books.status == Status::Active
            || books.membership.is_before_the_end()
            || matches!(state, Membership::Leaving { .. } | Membership::Removing { .. });
        prop_assert_eq!(books.due_at().is_some(), unfinished, "{:?}", books);
        if self.owed_a_word && entitled {
            // Whoever paid and was put out is told, or the books do not claim that they are in.
            let claimed = matches!(state, Membership::Joined { .. });
            prop_assert!(!claimed, "put out without a word, and booked as being in");
        }
        Ok(())
    }

    /// What Telegram does with the person.
    fn put_out(&mut self) {
        let Some(books) = &self.books else { return };
        let known = matches!(books.membership, Membership::Removing { was_in: true, .. });
        if self.inside && !self.untouchable {
            self.inside = false;
            self.owed_a_word = known;
        }
    }

    fn buy(&mut self, account: bool, days: i64, grace: i64, end: Option<i64>) -> Outcome {
        self.service.duration_days = DurationDays::new(days).unwrap();
        self.service.settings.grace_hours = GraceHours::new(grace).unwrap();
        let ends_at = end.map(|hours| self.now + SignedDuration::from_hours(hours));
        let order = Purchase { ends_at, ..order(account.then(user)) };
        let old = self.books.clone();
        let Ok(next) = purchase(&self.service, old.as_ref(), order, self.now) else {
            prop_assert!(end.is_some_and(|hours| hours <= 0));
            return Ok(());
        };
        prop_assert!(next.entitled(self.now) && next.status == Status::Active);
        if let (Some(old), None) = (&old, end) {
            prop_assert!(next.ends_at > old.ends_at, "a purchase bought no time");
            prop_assert!(next.access_ends_at >= old.access_ends_at, "a purchase took access away");
            prop_assert_eq!(next.purchases, old.purchases + 1);
        }
        self.save(next, if old.is_some() { Why::Renewed } else { Why::Purchased })
    }

    fn sweep(&mut self) -> Outcome {
        let mut seen = Vec::new();
        while let Some((next, step)) =
            self.books.as_ref().and_then(|books| subscription_due(books, self.now))
        {
            prop_assert!(!seen.contains(&step), "twice the same: {step:?}");
            prop_assert!(seen.len() < 3, "no end of it: {seen:?}");
            seen.push(step);
            let why = match step {
                DueStep::Expired => Why::Expired,
                DueStep::PeriodEnded => Why::PeriodEnded,
                DueStep::Reminded(_) => Why::Reminded,
                DueStep::Nudged => Why::Nudged,
                DueStep::InvitedBack => Why::MemberInvitedBack,
            };
            self.save(next, why)?;
            self.check()?;
        }
        if let Some(books) = &self.books {
            prop_assert!(books.due_at().is_none_or(|at| at > self.now), "due, and nothing done");
        }
        Ok(())
    }

    fn take_lease(&mut self) -> Outcome {
        let Some(books) = self.books.clone() else { return Ok(()) };
        match plan_removal(&books, self.now) {
            RemovalPlan::Start(next) => {
                prop_assert!(!books.entitled(self.now), "a removal of somebody entitled begins");
                self.in_call = true;
                self.save(*next, Why::MemberRemoving)
            }
            RemovalPlan::InviteBack { next, tell } => {
                prop_assert!(books.entitled(self.now));
                let why = if tell { Why::MemberInvitedBack } else { Why::RemovalDropped };
                self.save(*next, why)
            }
            RemovalPlan::Busy(until) => {
                prop_assert!(until > self.now);
                Ok(())
            }
            RemovalPlan::Nothing => Ok(()),
        }
    }

    fn end_call(&mut self, call: Call) -> Outcome {
        // A sender is done before its lease is over, or it is dead.
        let in_time = |books: &Subscription| {
            matches!(books.membership,
            Membership::Removing { lease_until, .. } if self.now < lease_until)
        };
        let alive = self.in_call && self.books.as_ref().is_some_and(in_time);
        self.in_call = false;
        if !alive {
            return Ok(());
        }
        let wait = SignedDuration::from_mins(3);
        let how = match call {
            Call::Works if self.untouchable && self.inside => Some(Removal::Untouchable),
            Call::Works => {
                self.put_out();
                Some(Removal::Out)
            }
            Call::NotMade => Some(Removal::NotCalled),
            Call::Fails => Some(Removal::Failed { wait }),
            Call::Parked => Some(Removal::Parked),
            Call::NoAnswer { acts } => {
                if acts {
                    self.put_out();
                }
                Some(Removal::NoAnswer { wait })
            }
            Call::Dies { acts } => {
                if acts {
                    self.put_out();
                }
                None
            }
        };
        let Some(how) = how else { return Ok(()) };
        let Some(books) = self.books.clone() else { return Ok(()) };
        let Some((next, tell)) = removal_ended(&books, how, self.now) else { return Ok(()) };
        prop_assert!(!tell || books.entitled(self.now));
        let why = match (how, &next.membership) {
            _ if tell => Why::MemberInvitedBack,
            (_, Membership::Removed { .. }) => {
                // They are told that they were removed.
                self.owed_a_word = false;
                Why::MemberRemoved
            }
            (_, Membership::Kept { .. }) => Why::MemberKept,
            (_, Membership::Leaving { .. }) => Why::RemovalFailed,
            _ => Why::RemovalDropped,
        };
        self.save(next, why)
    }

    fn step(&mut self, step: Step) -> Outcome {
        if let Step::Buy { account, days, grace, end } = step {
            return self.buy(account, days, grace, end);
        }
        let Some(books) = self.books.clone() else { return Ok(()) };
        let linked = books.user.is_some();
        match step {
            Step::Buy { .. } => Ok(()),
            Step::Cancel(when) => match cancel(&books, when, self.now) {
                Some(next) => {
                    prop_assert!(next.access_ends_at <= books.access_ends_at);
                    self.save(next, Why::Cancelled)
                }
                None => Ok(()),
            },
            Step::Claim { number } => match claim(&books, number, user(), self.now) {
                Ok(Some(next)) => self.save(next, Why::AccountLinked),
                Ok(None) | Err(_) => Ok(()),
            },
            Step::Ask if linked => match asked_to_join(&books, self.now) {
                JoinRequest::Noted(next) => {
                    prop_assert!(books.entitled(self.now));
                    self.owed_a_word = false;
                    self.save(*next, Why::MemberAsked)
                }
                JoinRequest::Later => {
                    prop_assert!(books.due_at() > Some(self.now), "asked to wait for nothing");
                    Ok(())
                }
                JoinRequest::Refused => {
                    prop_assert!(!books.entitled(self.now));
                    Ok(())
                }
            },
            Step::Admit(how) => {
                let plan = plan_admission(&books, self.now);
                let how = if plan == AdmitPlan::Approve { how } else { Admission::Declined };
                if plan == AdmitPlan::Nothing {
                    return Ok(());
                }
                self.inside |= how == Admission::In;
                match admitted(&books, &books, how, self.now) {
                    Some(next) => self.save(next, Why::MemberJoined),
                    None => Ok(()),
                }
            }
            Step::ComeIn { seen } if linked => {
                (self.inside, self.owed_a_word) = (true, false);
                // Once somebody is out, only a look at the members would find what no update told.
                let seen = seen || matches!(books.membership, Membership::Removed { .. });
                match came_in(&books, self.now).filter(|_| seen) {
                    Some(next) => self.save(next, Why::MemberJoined),
                    None => Ok(()),
                }
            }
            Step::GoOut { seen } if linked => {
                self.inside = false;
                match went_out(&books, self.now).filter(|_| seen) {
                    Some(next) => self.save(next, Why::MemberLeft),
                    None => Ok(()),
                }
            }
            Step::Ask | Step::ComeIn { .. } | Step::GoOut { .. } => Ok(()),
            Step::TakeLease => self.take_lease(),
            Step::EndCall(call) => self.end_call(call),
            Step::Sweep => self.sweep(),
        }
    }

    /// Time goes on, the sweep runs, messages are delivered, Telegram answers.
    fn come_to_rest(&mut self) -> Outcome {
        for _ in 0..12 {
            let Some(due) = self.books.as_ref().and_then(Subscription::due_at) else { break };
            self.now = self.now.max(due);
            self.sweep()?;
            self.check()?;
            self.step(Step::Admit(Admission::In))?;
            self.check()?;
            self.take_lease()?;
            self.check()?;
            self.end_call(Call::Works)?;
            self.check()?;
        }
        let Some(books) = &self.books else { return Ok(()) };
        prop_assert!(!books.entitled(self.now));
        prop_assert_eq!(books.due_at(), None);
        match books.membership {
            // Where no account is known nobody can tell who of those inside it would be.
            Membership::Removed { .. } => prop_assert!(!self.inside || books.user.is_none()),
            // They may have left since, and the word of it may be lost.
            Membership::Kept { .. } => prop_assert!(self.untouchable),
            ref other => prop_assert!(false, "ended as {other:?}"),
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn whatever_happens_nobody_who_paid_is_shut_out_and_nobody_else_stays(
        untouchable in prop::bool::weighted(0.1),
        steps in prop::collection::vec(steps(), 1..60),
    ) {
        let mut world = World::new(untouchable);
        prop_assert_eq!(&world.service.group, &Group::None);
        for (wait, step) in steps {
            world.now += SignedDuration::from_mins(wait);
            world.check()?;
            world.step(step)?;
            world.check()?;
        }
        world.come_to_rest()?;
    }
}
