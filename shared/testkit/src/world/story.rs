//! The people of a world and what they do: callers of the API, and everybody in Telegram.

mod asks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::group::{ChatClaim, Group, Holder};
use domain::ids::{ServiceId, UserId};
use domain::service::Service;
use domain::subscription::Subscription;
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::{Entity as _, UserClaim, key};

use super::hub::Effect;
use super::machine::Machine;
use crate::functions::Answer;
use crate::memory_telegram::BOT;
use asks::{symbol, word};

/// What the bot is given in a group that is well.
pub(super) const ALL_RIGHTS: [&str; 3] = ["invite_users", "restrict_members", "change_info"];

/// One thing that somebody does. Services, customers and people are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A trader makes a service.
    OpenService {
        /// Which.
        service: usize,
    },
    /// The trader asks for its group.
    AskForGroup {
        /// Of which service.
        service: usize,
        /// Whether only a spare group will do.
        pool: bool,
    },
    /// The trader follows the set-up link.
    AddBot {
        /// Of which service.
        service: usize,
        /// Into what.
        group: NewGroup,
    },
    /// The group becomes a supergroup.
    Upgrade {
        /// Of which service.
        service: usize,
        /// Whether Telegram's words about it arrive; it gives up after a day.
        told: bool,
    },
    /// An operator adds a spare group.
    AddSpare,
    /// Somebody buys.
    Buy {
        /// What.
        service: usize,
        /// Who.
        customer: usize,
        /// Their account, if the storefront knows it.
        account: Option<usize>,
        /// For how many minutes, where it is not the service's usual time.
        minutes: Option<i64>,
    },
    /// Somebody taps the claim link of a customer.
    Claim {
        /// Of which service.
        service: usize,
        /// Whose link.
        customer: usize,
        /// Who taps it.
        person: usize,
    },
    /// Somebody taps the link into the group.
    Tap {
        /// Of which service.
        service: usize,
        /// Who.
        person: usize,
    },
    /// Somebody takes a join request back.
    TakeBack {
        /// In which service's group.
        service: usize,
        /// Who.
        person: usize,
    },
    /// A customer cancels.
    Cancel {
        /// What.
        service: usize,
        /// Who.
        customer: usize,
        /// Whether at the end of the period.
        at_end: bool,
    },
    /// The trader sends an alert.
    Alert {
        /// To whom.
        service: usize,
    },
    /// Somebody leaves the group.
    Leave {
        /// Which.
        service: usize,
        /// Who.
        person: usize,
    },
    /// The owner bans somebody.
    Ban {
        /// From which service's group.
        service: usize,
        /// Whom.
        person: usize,
    },
    /// The owner lifts a ban.
    Unban {
        /// From which service's group.
        service: usize,
        /// Whose.
        person: usize,
    },
    /// The owner adds somebody by hand.
    Add {
        /// To which service's group.
        service: usize,
        /// Whom.
        person: usize,
    },
    /// The owner makes somebody an administrator, or an ordinary member again.
    Appoint {
        /// In which service's group.
        service: usize,
        /// Whom.
        person: usize,
        /// Whether they become one.
        admin: bool,
    },
    /// The bot loses a right, or gets all of them (and comes back in).
    Rights {
        /// In which service's group.
        service: usize,
        /// Whether it gets them.
        all: bool,
    },
    /// The owner throws the bot out.
    KickBot {
        /// Of which service's group.
        service: usize,
    },
    /// The trader has a guest's link made, and the guest comes in by it.
    Guest {
        /// To which service's group.
        service: usize,
        /// The guest.
        person: usize,
    },
    /// The trader says what has become of the last alert.
    Update {
        /// Of which service.
        service: usize,
    },
    /// A chart raises an alert; the first time, the trader asks for its address.
    Chart {
        /// Of which service.
        service: usize,
    },
    /// A customer's subscription is to be moved to another account.
    Relink {
        /// Of which service.
        service: usize,
        /// Whose.
        customer: usize,
    },
    /// The trader takes somebody over who has paid before.
    Import {
        /// Into which service.
        service: usize,
        /// Whom.
        person: usize,
        /// For how many minutes they have paid.
        minutes: i64,
    },
    /// The trader has the members checked.
    CheckMembers {
        /// Of which service.
        service: usize,
    },
    /// The daily check of all members begins.
    DailyCheck,
    /// The trader withdraws the newest guest's pass.
    Withdraw {
        /// In which service.
        service: usize,
    },
    /// Somebody asks the bot for their ways in.
    AskBot {
        /// Who.
        person: usize,
    },
    /// The next function that is about to do this, after so many others, is held up before it does.
    Hold {
        /// What.
        effect: Effect,
        /// How many go before.
        after: usize,
    },
    /// Whoever is held up goes on.
    LetGo,
    /// Time goes by until the next sweep that finds something.
    AwaitSweep,
    /// Time goes by.
    Wait {
        /// How long, in minutes.
        minutes: i64,
    },
}

/// What kind of group the bot is added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewGroup {
    /// A supergroup.
    Super,
    /// A basic group.
    Basic,
    /// A basic group, which becomes a supergroup meanwhile.
    Upgraded,
}

/// What an answer is for.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Service(usize),
    Group(usize),
    Purchase { service: usize, customer: usize },
    Relink { service: usize, customer: usize },
    Alert { service: usize, number: usize, chart: bool },
    Update { alert: usize, number: usize },
    ChartAddress { service: usize, number: usize },
    Guest { person: usize },
    Passes { service: usize },
    Nothing,
}

/// An alert that was accepted.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    pub(super) id: String,
    pub(super) service: usize,
    /// By which it is known in the group.
    pub(super) symbol: String,
    /// Whether a chart raised it, which repeats itself without a key.
    pub(super) chart: bool,
    /// Its updates, and a word in each.
    pub(super) updates: Vec<(String, String)>,
}

/// Who there is, and what they know.
#[derive(Clone, Debug, Default)]
pub(super) struct Cast {
    pub(super) people: Vec<i64>,
    pub(super) owners: Vec<i64>,
    pub(super) services: BTreeMap<usize, ServiceId>,
    setup_links: BTreeMap<usize, String>,
    /// Where charts raise alerts.
    charts: BTreeMap<usize, String>,
    /// The last that a customer was told about a purchase.
    bought: BTreeMap<(usize, usize), Arc<Value>>,
    /// Purchases that were confirmed.
    pub(super) purchases: BTreeMap<(usize, usize), u32>,
    pub(super) alerts: Vec<Accepted>,
    /// Who asked to be in while entitled, or was in when a new run began; and when.
    pub(super) wants: BTreeMap<(ServiceId, i64), Timestamp>,
    /// Who came in while the bot was no administrator: Telegram tells it of nobody then.
    pub(super) unseen: BTreeSet<(ServiceId, i64)>,
    /// Services in whose group something was done after which an alert may fail.
    pub(super) troubled: BTreeSet<usize>,
    numbers: usize,
    seen: usize,
}

impl Cast {
    /// These people, and the owners of the groups; the last owner runs the pool.
    pub(super) fn of(people: Vec<i64>, owners: Vec<i64>) -> Self {
        Self { people, owners, ..Self::default() }
    }
}

/// A story as it goes on.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) cast: Cast,
    steps: Vec<Step>,
    next: usize,
    /// How many steps belong to the story itself, once it is over.
    told: Option<usize>,
    waits: Option<Timestamp>,
    purposes: Vec<Purpose>,
    heard: usize,
    pool_link: String,
}

impl Story {
    pub(super) fn new(mut cast: Cast, steps: Vec<Step>, pool_link: String) -> Self {
        cast.seen = 0;
        Self {
            cast,
            steps,
            next: 0,
            told: None,
            waits: None,
            purposes: Vec::new(),
            heard: 0,
            pool_link,
        }
    }

    /// Goes on with more.
    pub(super) fn then(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.steps.extend(steps);
    }

    /// Goes on with these instead of what has not been done yet.
    pub(super) fn instead(&mut self, steps: &[Step]) {
        self.steps.truncate(self.next);
        self.steps.extend_from_slice(steps);
    }

    /// What comes after this is not told as part of the story.
    pub(super) fn ends(&mut self) {
        self.told = Some(self.steps.len());
    }

    /// What was done.
    pub(super) fn done(&self) -> &[Step] {
        let told = self.told.unwrap_or(self.next);
        self.steps.get(..told).unwrap_or_default()
    }

    pub(super) fn is_over(&self) -> bool {
        self.next >= self.steps.len() && self.waits.is_none()
    }

    pub(super) const fn waits_until(&self) -> Option<Timestamp> {
        self.waits
    }

    /// Whether the next step can be done.
    pub(super) fn is_ready(&self, machine: &Machine) -> bool {
        if self.waits.is_some_and(|until| machine.now() < until) {
            return false;
        }
        let Some(step) = self.steps.get(self.next) else { return self.waits.is_some() };
        let open = machine.clients.iter().any(|client| client.answer.is_none());
        let known = match *step {
            Step::AskForGroup { service, .. }
            | Step::Buy { service, .. }
            | Step::Alert { service }
            | Step::Chart { service }
            | Step::Import { service, .. }
            | Step::CheckMembers { service }
            | Step::Withdraw { service }
            | Step::Guest { service, .. } => self.cast.services.contains_key(&service),
            Step::Update { service } => self.last_alert(service).is_some(),
            Step::AddBot { service, .. } => self.cast.setup_links.contains_key(&service),
            Step::Claim { service, customer, .. }
            | Step::Relink { service, customer }
            | Step::Cancel { service, customer, .. } => {
                self.cast.bought.contains_key(&(service, customer))
            }
            Step::Tap { service, .. } => self.group_link(machine, service).is_some(),
            _ => true,
        };
        // What is not known while nobody is asking will never be: the step leads to nothing.
        known || !open
    }

    /// Does the next step.
    pub(super) fn perform(&mut self, machine: &mut Machine) {
        self.waits = None;
        let Some(step) = self.steps.get(self.next).copied() else { return };
        self.next += 1;
        machine.note(|| format!("{step:?}"));
        self.hear(machine);
        self.cast.numbers += 1;
        match step {
            Step::OpenService { service } => self.open_service(machine, service),
            Step::AskForGroup { service, pool } => self.ask_for_group(machine, service, pool),
            Step::AddBot { service, group } => {
                let Some(link) = self.cast.setup_links.get(&service).cloned() else { return };
                let mut body = json!({ "user": self.owner(service), "link": link });
                match group {
                    NewGroup::Super => {}
                    NewGroup::Basic => extend(&mut body, json!({ "kind": "group" })),
                    NewGroup::Upgraded => {
                        extend(&mut body, json!({ "kind": "group", "upgrade": "after" }));
                    }
                }
                people_do(machine, "open", body);
            }
            Step::Upgrade { service, told } => {
                let Some(chat) = chat_of(machine, self.cast.services.get(&service)) else { return };
                people_do(machine, "migrate", json!({ "chat_id": chat, "old_left": true }));
                if !told {
                    machine.lose_word_of_migration();
                }
            }
            Step::AddSpare => {
                let operator = self.cast.owners.last().copied().unwrap_or_default();
                let title = format!("Spare {}", self.cast.numbers);
                let body = json!({ "user": operator, "link": self.pool_link, "title": title });
                people_do(machine, "open", body);
            }
            Step::Buy { service, customer, account, minutes } => {
                self.buy(machine, service, customer, account, minutes);
            }
            Step::Claim { service, customer, person } => {
                let link = self.cast.bought.get(&(service, customer));
                let link = link.and_then(|bought| bought.get("claim_link")?.as_str());
                if let Some(link) = link {
                    let body = json!({ "user": self.person(person), "link": link });
                    people_do(machine, "open", body);
                }
            }
            Step::Tap { service, person } => self.tap(machine, service, self.person(person)),
            Step::TakeBack { service, person } => {
                self.in_group(machine, service, "cancel_request", json!({}), person);
                self.stops_wanting(service, person);
            }
            Step::Cancel { service, customer, at_end } => {
                self.cancel(machine, service, customer, at_end);
            }
            Step::Relink { service, customer } => self.relink(machine, service, customer),
            Step::Alert { service } => self.alert(machine, service),
            Step::Update { service } => self.update(machine, service),
            Step::Chart { service } => self.chart(machine, service),
            Step::Import { service, person, minutes } => {
                self.import(machine, service, person, minutes);
            }
            Step::CheckMembers { service } => self.check_members(machine, service),
            Step::DailyCheck => machine.daily_check(),
            Step::Withdraw { service } => self.passes(machine, service),
            Step::AskBot { person } => {
                let body = json!({ "user": self.person(person), "text": "/access" });
                people_do(machine, "message", body);
            }
            Step::Leave { service, person } => {
                self.in_group(machine, service, "leave", json!({}), person);
                self.stops_wanting(service, person);
            }
            Step::Ban { service, person } => self.ban(machine, service, person),
            Step::Unban { service, person } => {
                let by = json!({ "by": self.owner(service) });
                self.lets_in(machine, service, "unban", by, person);
            }
            Step::Add { service, person } => {
                let by = json!({ "by": self.owner(service) });
                self.lets_in(machine, service, "add", by, person);
            }
            Step::Appoint { service, person, admin } => {
                let rights: &[&str] = if admin { &["delete_messages"] } else { &[] };
                let by = json!({ "by": self.owner(service), "rights": rights });
                self.lets_in(machine, service, "promote", by, person);
            }
            Step::Rights { service, all } => self.rights(machine, service, all),
            Step::KickBot { service } => {
                self.cast.troubled.insert(service);
                if let Some(chat) = chat_of(machine, self.cast.services.get(&service)) {
                    let body = json!({ "by": self.owner(service), "chat_id": chat });
                    people_do(machine, "kick_bot", body);
                }
            }
            Step::Guest { service, person } => self.guest(machine, service, person),
            Step::Hold { effect, after } => machine.hold(effect, after),
            Step::LetGo => machine.let_go(),
            Step::AwaitSweep => self.waits = machine.next_sweep(),
            Step::Wait { minutes } => {
                self.waits = Some(after(machine.now(), SignedDuration::from_mins(minutes)));
            }
        }
    }

    /// Takes in the answers that came.
    pub(super) fn hear(&mut self, machine: &mut Machine) {
        self.follow(machine);
        while let Some(purpose) = self.purposes.get(self.heard).copied() {
            let Some(answer) = machine.clients.get(self.heard).and_then(|it| it.answer.clone())
            else {
                return;
            };
            self.heard += 1;
            self.learn(machine, purpose, &answer);
        }
    }

    fn learn(&mut self, machine: &mut Machine, purpose: Purpose, answer: &Answer) {
        if answer.status >= 300 {
            return;
        }
        let text = |name: &str| answer.body.get(name).and_then(Value::as_str).map(str::to_owned);
        match purpose {
            Purpose::Service(service) => {
                if let Some(id) = text("id").and_then(|id| id.parse().ok()) {
                    self.cast.services.insert(service, id);
                }
            }
            Purpose::Group(service) => {
                if let Some(link) = text("setup_link") {
                    self.cast.setup_links.insert(service, link);
                }
            }
            Purpose::Purchase { service, customer } => {
                *self.cast.purchases.entry((service, customer)).or_default() += 1;
                self.cast.bought.insert((service, customer), Arc::new(answer.body.clone()));
            }
            Purpose::Relink { service, customer } => {
                self.cast.bought.insert((service, customer), Arc::new(answer.body.clone()));
            }
            Purpose::Alert { service, number, chart } => {
                if let Some(id) = text("alert_id") {
                    let (symbol, updates) = (symbol(number), Vec::new());
                    self.cast.alerts.push(Accepted { id, service, symbol, chart, updates });
                }
            }
            Purpose::Update { alert, number } => {
                let of = self.cast.alerts.get_mut(alert);
                if let (Some(of), Some(id)) = (of, text("update_id")) {
                    of.updates.push((id, word(number)));
                }
            }
            Purpose::ChartAddress { service, number } => {
                if let Some(address) = text("url") {
                    self.cast.charts.insert(service, address);
                    self.raise(machine, service, number);
                }
            }
            Purpose::Passes { service } => {
                let newest = answer.body.pointer("/items/0/id").and_then(Value::as_str);
                if let Some(newest) = newest {
                    self.withdraw(machine, service, newest);
                }
            }
            Purpose::Guest { person } => {
                if let Some(link) = text("invite_link") {
                    let body = json!({ "user": self.person(person), "link": link });
                    people_do(machine, "open", body);
                    for (_, service) in self.services() {
                        if let Some(chat) = chat_of(machine, Some(&service)) {
                            self.came_in(machine, chat, person);
                        }
                    }
                }
            }
            Purpose::Nothing => {}
        }
    }

    /// Looks at what was saved: whoever is in the group when a new run begins wants to stay.
    fn follow(&mut self, machine: &Machine) {
        for told in machine.told.iter().skip(self.cast.seen) {
            let record = &told.record;
            if record.after.meta.why != domain::change::Why::Renewed
                || record.after.kind != Subscription::KIND
            {
                continue;
            }
            let Some(now) = super::watch::subscription(&record.after) else { continue };
            let Some(user) = now.user.map(UserId::get) else { continue };
            let Some(chat) = chat_of(machine, Some(&now.service)) else { continue };
            if machine.telegram.look(|world| world.stands(chat, user)).0 {
                self.cast.wants.insert((now.service, user), machine.now());
            }
        }
        self.cast.seen = machine.told.len();
    }

    fn person(&self, person: usize) -> i64 {
        self.cast.people.get(person).copied().unwrap_or_default()
    }

    pub(super) fn owner(&self, service: usize) -> i64 {
        self.cast.owners.get(service).copied().unwrap_or_default()
    }

    fn stops_wanting(&mut self, service: usize, person: usize) {
        if let Some(id) = self.cast.services.get(&service) {
            self.cast.wants.remove(&(*id, self.person(person)));
        }
    }

    fn in_group(
        &self,
        machine: &mut Machine,
        service: usize,
        what: &str,
        mut body: Value,
        person: usize,
    ) -> bool {
        let Some(chat) = chat_of(machine, self.cast.services.get(&service)) else { return false };
        extend(&mut body, json!({ "user": self.person(person), "chat_id": chat }));
        people_do(machine, what, body)
    }

    /// The owner does something that ends a ban, if there was one.
    fn lets_in(
        &mut self,
        machine: &mut Machine,
        service: usize,
        what: &str,
        body: Value,
        person: usize,
    ) {
        if self.in_group(machine, service, what, body, person)
            && let Some(chat) = chat_of(machine, self.cast.services.get(&service))
        {
            machine.hub.state().watch.unbanned(chat, self.person(person));
            self.came_in(machine, chat, person);
        }
    }

    /// Somebody may have come in by a person's hand.
    fn came_in(&mut self, machine: &Machine, chat: i64, person: usize) {
        let user = self.person(person);
        // `chat_member` comes to administrators only (Telegram Bot API, `Update`).
        let (is_in, bot_sees) = machine
            .telegram
            .look(|world| (world.stands(chat, user).0, world.stands(chat, bot()).1));
        let services = self.services();
        let of = services.iter().find(|(_, id)| chat_of(machine, Some(id)) == Some(chat));
        if let Some((_, service)) = of.filter(|_| is_in && !bot_sees) {
            self.cast.unseen.insert((*service, user));
        }
    }

    fn group_link(&self, machine: &Machine, service: usize) -> Option<String> {
        let id = self.cast.services.get(&service)?;
        let service = machine.store.find::<Service>(&id.to_string())?;
        let Group::Bound(group) = &service.group else { return None };
        group.invite_link.as_ref().map(|link| link.as_str().to_owned())
    }

    /// Somebody taps the link into a group. Whoever is entitled at this moment wants to be in.
    pub(super) fn tap(&mut self, machine: &mut Machine, service: usize, user: i64) {
        let Some(link) = self.group_link(machine, service) else { return };
        let Some(id) = self.cast.services.get(&service).copied() else { return };
        // A request is known by its time, and nobody asks twice in one.
        machine.lets_pass(SignedDuration::from_millis(1));
        let done = machine.telegram.try_control("open", json!({ "user": user, "link": link }));
        machine.has_news();
        let outcome = done.ok().and_then(|done| done.get("outcome")?.as_str().map(str::to_owned));
        machine.note(|| format!("  outcome {}", outcome.as_deref().unwrap_or("none")));
        let asked = matches!(
            outcome.as_deref(),
            Some("requested" | "already_requested" | "already_member" | "joined")
        );
        let holds = holding(machine, id, user).is_some_and(|it| it.entitled(machine.now()));
        if asked && holds {
            self.cast.wants.insert((id, user), machine.now());
        }
    }

    fn ban(&mut self, machine: &mut Machine, service: usize, person: usize) {
        let by = json!({ "by": self.owner(service) });
        let Some(chat) = chat_of(machine, self.cast.services.get(&service)) else { return };
        if self.in_group(machine, service, "ban", by, person) {
            self.stops_wanting(service, person);
            let mut state = machine.hub.state();
            let tick = state.tick;
            state.watch.banned(chat, self.person(person), tick);
        }
    }

    fn rights(&mut self, machine: &mut Machine, service: usize, all: bool) {
        if !all {
            self.cast.troubled.insert(service);
        }
        let Some(chat) = chat_of(machine, self.cast.services.get(&service)) else { return };
        let mut body = json!({ "by": self.owner(service), "chat_id": chat });
        let how = match all {
            true => json!({ "rights": ALL_RIGHTS }),
            false => json!({ "remove": ["restrict_members", "invite_users"] }),
        };
        extend(&mut body, how);
        people_do(machine, "promote", body);
    }

    /// What a good trader does in the end: the bot is an administrator again, in a supergroup.
    pub(super) fn repair(&mut self, machine: &mut Machine) {
        for service in self.cast.services.keys().copied().collect::<Vec<_>>() {
            let Some(chat) = chat_of(machine, self.cast.services.get(&service)) else { continue };
            if machine.telegram.look(|world| world.is_basic(chat)) {
                let body = json!({ "chat_id": chat, "by": self.owner(service) });
                people_do(machine, "migrate", body);
                self.rights(machine, service, true);
            } else if self.cast.troubled.contains(&service) {
                self.rights(machine, service, true);
            }
        }
    }

    /// Which services there are, by their numbers.
    pub(super) fn services(&self) -> Vec<(usize, ServiceId)> {
        self.cast.services.iter().map(|(number, id)| (*number, *id)).collect()
    }
}

fn extend(body: &mut Value, more: Value) {
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
}

/// Somebody does something in Telegram. False when Telegram does not let them.
fn people_do(machine: &mut Machine, what: &str, body: Value) -> bool {
    let done = machine.telegram.try_control(what, body);
    machine.note(|| match &done {
        Ok(_) => format!("  done: {what}"),
        Err(error) => format!("  not possible: {error:?}"),
    });
    machine.has_news();
    done.is_ok()
}

/// The chat that really is the group of a service now.
pub(super) fn chat_of(machine: &Machine, service: Option<&ServiceId>) -> Option<i64> {
    let service = machine.store.find::<Service>(&service?.to_string())?;
    let Group::Bound(group) = &service.group else { return None };
    // A group that has moved is known by its new id in Telegram, whatever the books say.
    let mut chat = group.chat.get();
    while let Some(to) = machine.telegram.look(|world| world.moved_to(chat)) {
        chat = to;
    }
    Some(chat)
}

/// The subscription that an account holds in a service.
pub(super) fn holding(
    machine: &Machine,
    service: ServiceId,
    user: i64,
) -> Option<Arc<Subscription>> {
    let claim = key::user(service, UserId::new(user));
    let claim = machine.store.find::<UserClaim>(&claim)?;
    machine.store.find::<Subscription>(&claim.subscription?.to_string())
}

/// Whether the chat is in the books as the group of this service.
pub(super) fn claimed_by(machine: &Machine, chat: i64, service: ServiceId) -> bool {
    let key = key::chat(domain::ids::ChatId::new(chat));
    let claim = machine.store.find::<ChatClaim>(&key);
    claim.is_some_and(|it| matches!(it.holder, Holder::Service { service: of } if of == service))
}

/// The bot's own account.
pub(super) const fn bot() -> i64 {
    BOT.get()
}
