//! Which items stand where, and where each is found.

use domain::alert::Alert;
use domain::group::{ChatClaim, Group, claim_due_at, service_due_at};
use domain::guard::Intruder;
use domain::ids::{ChatId, ImportId, LinkId, ServiceId, SubscriptionId, UserId};
use domain::import::{Import, ImportLines};
use domain::link::{Appointed, Link, LinkUrl, Pass};
use domain::reconcile::Reconciliation;
use domain::relay::sortable;
use domain::service::Service;
use domain::subscription::Subscription;
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::entity::Entity;
use crate::layout::lists;
use crate::row::{Index, Table};

/// How long a repeated request gets the same answer.
const REQUEST_LIFE: SignedDuration = SignedDuration::from_hours(72);

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The fingerprint of a request: the same route, path and body give the same one.
pub fn fingerprint(parts: &[&str]) -> String {
    let mut all = String::new();
    for part in parts {
        all.push_str(&format!("{}:{part}", part.len()));
    }
    hash(&all)
}

/// Keys of the items that are found by something else than their own id.
pub mod key {
    use super::{ChatId, ImportId, LinkId, ServiceId, UserId, hash};

    /// Of a chat's claim.
    pub fn chat(chat: ChatId) -> String {
        format!("chat#{}", chat.get())
    }

    /// Of a link.
    pub fn link(link: LinkId) -> String {
        format!("link#{link}")
    }

    /// Of the entry that finds a link by its text.
    pub fn link_url(url: &str) -> String {
        format!("url#{}", hash(url))
    }

    /// Of a guest's pass.
    pub fn pass(service: ServiceId, user: UserId) -> String {
        format!("pass#{service}#{}", user.get())
    }

    /// Of somebody who was in a group without a right to be.
    pub fn intruder(service: ServiceId, user: UserId) -> String {
        format!("intruder#{service}#{}", user.get())
    }

    /// Of an import.
    pub fn import(id: ImportId) -> String {
        format!("import#{id}")
    }

    /// Of the lines of an import.
    pub fn import_lines(id: ImportId) -> String {
        format!("lines#{id}")
    }

    /// Of the check of a service's members.
    pub fn reconciliation(service: ServiceId) -> String {
        format!("check#{service}")
    }

    /// Of an outsider who was made an administrator.
    pub fn appointed(service: ServiceId, user: UserId) -> String {
        format!("appointed#{service}#{}", user.get())
    }

    /// Of a Telegram account's claim in a service.
    pub fn user(service: ServiceId, user: UserId) -> String {
        format!("tg#{service}#{}", user.get())
    }

    /// Of a request under an idempotency key. `route` and `scope` keep the keys of different
    /// routes and callers apart.
    pub fn request(route: &str, scope: &str, key: &str) -> String {
        format!("request#{route}#{}", hash(&format!("{}:{scope}{key}", scope.len())))
    }
}

/// A newest-first sort key: the moment of making, then the id to tell equals apart.
fn by_age(at: Timestamp, id: &str) -> Option<String> {
    Some(format!("{}#{id}", sortable(at)))
}

impl Entity for Service {
    const TABLE: Table = Table::Services;
    const KIND: &'static str = "service";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn index(&self) -> Index {
        Index {
            owner: Some(self.trader.as_str().to_owned()),
            listed: matches!(self.group, Group::Bound(_)).then(lists::groups),
            sort: by_age(self.created_at, &self.id.to_string()),
            due_at: service_due_at(self),
            ..Index::default()
        }
    }
}

impl Entity for ChatClaim {
    const TABLE: Table = Table::Services;
    const KIND: &'static str = "chat";

    fn id(&self) -> String {
        key::chat(self.chat)
    }

    fn index(&self) -> Index {
        let spare = self.ready_spare().map(|(group, _)| group.bound_at);
        Index {
            spare: spare.map(|_| "spare".to_owned()),
            sort: spare.and_then(|since| by_age(since, &self.id())),
            due_at: claim_due_at(self),
            ..Index::default()
        }
    }
}

impl Entity for Link {
    const TABLE: Table = Table::Services;
    const KIND: &'static str = "link";

    fn id(&self) -> String {
        key::link(self.id)
    }

    fn index(&self) -> Index {
        let service = self.service.to_string();
        let listed = match self.guest {
            Some(guest) if guest.withdrawn_at.is_some() => None,
            Some(guest) => Some((lists::passes(&service), guest.since)),
            None if self.waits_for_guest() => Some((lists::guest_links(&service), self.created_at)),
            None => None,
        };
        let (listed, since) = listed.unzip();
        Index {
            listed,
            sort: since.and_then(|since| by_age(since, &self.id.to_string())),
            due_at: self.due_at(),
            ..Index::default()
        }
    }
}

impl Entity for Intruder {
    const TABLE: Table = Table::Services;
    const KIND: &'static str = "intruder";

    fn id(&self) -> String {
        key::intruder(self.service, self.user)
    }

    fn index(&self) -> Index {
        Index {
            listed: Some(lists::intruders(&self.service.to_string(), self.is_inside())),
            sort: by_age(self.seen_at, &self.id.to_string()),
            due_at: self.due_at(),
            expires: self.forgotten_at(),
            ..Index::default()
        }
    }
}

impl Entity for Reconciliation {
    const TABLE: Table = Table::Services;
    const KIND: &'static str = "check";

    fn id(&self) -> String {
        key::reconciliation(self.service)
    }

    fn index(&self) -> Index {
        Index { due_at: self.due_at(), ..Index::default() }
    }
}

impl Entity for Import {
    const TABLE: Table = Table::Services;
    const KIND: &'static str = "import";

    fn id(&self) -> String {
        key::import(self.id)
    }

    fn index(&self) -> Index {
        let (due_at, expires) = (self.due_at(), Some(self.forgotten_at()));
        Index { due_at, expires, ..Index::default() }
    }
}

impl Entity for ImportLines {
    const TABLE: Table = Table::Services;
    const KIND: &'static str = "import_lines";

    fn id(&self) -> String {
        key::import_lines(self.id)
    }

    fn index(&self) -> Index {
        Index { expires: Some(self.forgotten_at()), ..Index::default() }
    }
}

impl Entity for LinkUrl {
    const TABLE: Table = Table::Services;
    const KIND: &'static str = "link_url";

    fn id(&self) -> String {
        key::link_url(self.url.as_str())
    }

    fn index(&self) -> Index {
        Index::default()
    }
}

impl Entity for Pass {
    const TABLE: Table = Table::Services;
    const KIND: &'static str = "pass";

    fn id(&self) -> String {
        key::pass(self.service, self.user)
    }

    fn index(&self) -> Index {
        Index::default()
    }
}

impl Entity for Appointed {
    const TABLE: Table = Table::Services;
    const KIND: &'static str = "appointed";

    fn id(&self) -> String {
        key::appointed(self.service, self.user)
    }

    fn index(&self) -> Index {
        Index::default()
    }
}

impl Entity for Subscription {
    const TABLE: Table = Table::Subscriptions;
    const KIND: &'static str = "subscription";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn index(&self) -> Index {
        Index {
            service_id: Some(self.service.to_string()),
            sort: by_age(self.created_at, &self.id.to_string()),
            active: Some((self.service.to_string(), self.access_ends_at)),
            due_at: self.due_at(),
            ..Index::default()
        }
    }
}

/// A Telegram account's place in a service: one account, one subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserClaim {
    /// In which service.
    pub service: ServiceId,
    /// Which account.
    pub user: UserId,
    /// Its subscription; none any more when that was moved to another account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<SubscriptionId>,
}

impl Entity for UserClaim {
    const TABLE: Table = Table::Subscriptions;
    const KIND: &'static str = "user";

    fn id(&self) -> String {
        key::user(self.service, self.user)
    }

    fn index(&self) -> Index {
        Index {
            listed: self.subscription.map(|_| lists::account(self.user)),
            sort: self.subscription.map(|_| self.service.to_string()),
            ..Index::default()
        }
    }
}

impl Entity for Alert {
    const TABLE: Table = Table::Alerts;
    const KIND: &'static str = "alert";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn index(&self) -> Index {
        Index {
            service_id: Some(self.service.to_string()),
            sort: by_age(self.post.created_at, &self.id.to_string()),
            waiting: self.is_waiting().then(|| self.service.to_string()),
            due_at: self.due_at(),
            ..Index::default()
        }
    }
}

/// A request that was carried out under an idempotency key, with what it led to. It is saved in
/// one transaction with its effect, so that a repetition finds both or neither.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested<T> {
    /// The key under which it stands: see [`key::request`].
    pub id: String,
    /// What the request said.
    pub fingerprint: String,
    /// What it led to, as it was then.
    pub outcome: T,
    /// When.
    pub at: Timestamp,
}

/// What a purchase led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseDone {
    /// Whether it renewed a subscription that there was.
    pub renewed: bool,
    /// The subscription.
    pub subscription: Subscription,
}

/// What a request for a chart's address led to: the number that it carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChartUrlMade {
    /// Which of the service's addresses.
    pub number: u32,
}

/// What a request for a group led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupAnswer {
    /// Whether a spare group was taken.
    pub taken: bool,
    /// The group.
    pub group: Group,
}

macro_rules! request_entity {
    ($outcome:ty, $table:expr, $kind:literal) => {
        impl Entity for Requested<$outcome> {
            const TABLE: Table = $table;
            const KIND: &'static str = $kind;

            fn id(&self) -> String {
                self.id.clone()
            }

            fn index(&self) -> Index {
                Index { expires: Some(after(self.at, REQUEST_LIFE)), ..Index::default() }
            }
        }
    };
}

request_entity!(Service, Table::Services, "service_request");
request_entity!(ChartUrlMade, Table::Services, "chart_url_request");
request_entity!(GroupAnswer, Table::Services, "group_request");
request_entity!(PurchaseDone, Table::Subscriptions, "purchase");
request_entity!(Subscription, Table::Subscriptions, "subscription_request");
