//! What goes along with every saved item: its version, and who changed it, when, and why.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::group::ChatClaim;
use crate::guard::Intruder;
use crate::ids::TraderId;
use crate::import::Import;
use crate::link::Link;
use crate::reconcile::Reconciliation;
use crate::service::Service;
use crate::subscription::Subscription;

/// Who changes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A trader.
    Trader(TraderId),
    /// The storefront's back end.
    Storefront,
    /// A person in Telegram: a buyer, a guest, an administrator of the group.
    Person,
    /// Telegram itself.
    Telegram,
    /// Usher's sender.
    Sender,
    /// Usher's sweep.
    Sweep,
    /// Somebody who runs Usher.
    Operator,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trader(id) => write!(f, "trader:{}", id.as_str()),
            Self::Storefront => f.write_str("storefront"),
            Self::Person => f.write_str("person"),
            Self::Telegram => f.write_str("telegram"),
            Self::Sender => f.write_str("usher:sender"),
            Self::Sweep => f.write_str("usher:sweep"),
            Self::Operator => f.write_str("operator"),
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// Why something changed: the action that the audit trail shows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Why {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Why {
            /// The action as the audit trail shows it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

reasons! {
    /// A trader made a service.
    ServiceCreated => "service.created",
    /// A trader changed a service.
    ServiceRevised => "service.revised",
    /// A trader asked for an address for charts.
    ChartUrlMade => "service.tradingview_url_made",
    /// A trader asked for a group and got a set-up link.
    GroupRequested => "group.requested",
    /// Nobody used the set-up link in time.
    GroupRequestExpired => "group.request_expired",
    /// The service has its group.
    GroupBound => "group.bound",
    /// A spare group was added to the pool.
    SpareAdded => "pool.spare_added",
    /// Telegram was asked about the group.
    GroupChecked => "group.checked",
    /// Links and permissions are in place.
    GroupSetUp => "group.set_up",
    /// A set-up run did not get through.
    GroupSetUpFailed => "group.set_up_failed",
    /// The bot's rights changed.
    BotRightsChanged => "group.bot_rights_changed",
    /// A call was refused for a right that the bot lost.
    BotRightLost => "group.bot_right_lost",
    /// The group has another id.
    GroupMigrated => "group.migrated",
    /// The group has another title.
    GroupRenamed => "group.renamed",
    /// A first purchase.
    Purchased => "subscription.purchased",
    /// Another purchase.
    Renewed => "subscription.renewed",
    /// Cancelled.
    Cancelled => "subscription.cancelled",
    /// Run out.
    Expired => "subscription.expired",
    /// A cancelled subscription came to its end.
    PeriodEnded => "subscription.period_ended",
    /// The buyer is reminded of the end.
    Reminded => "subscription.reminded",
    /// A Telegram account was linked.
    AccountLinked => "subscription.account_linked",
    /// The Telegram account was taken away, and another may be linked.
    Relinked => "subscription.relinked",
    /// The place of a Telegram account is free.
    AccountReleased => "subscription.account_released",
    /// The buyer asks to be let in.
    MemberAsked => "member.asked",
    /// The buyer is in.
    MemberJoined => "member.joined",
    /// The buyer went out by themself or was put out by an administrator.
    MemberLeft => "member.left",
    /// Letting in failed in passing.
    AdmissionFailed => "member.admission_failed",
    /// The buyer is in too many groups to come into another; the request stays open.
    AdmissionFull => "member.admission_full",
    /// There was no open request to approve.
    AdmissionVoid => "member.admission_void",
    /// Removal begins.
    MemberRemoving => "member.removing",
    /// The buyer is out.
    MemberRemoved => "member.removed",
    /// Telegram never found the person in the group, and nobody ever saw them there.
    MemberNeverInside => "member.never_inside",
    /// Removal failed in passing.
    RemovalFailed => "member.removal_failed",
    /// Removal waits for a person to give the bot its rights back.
    RemovalParked => "member.removal_parked",
    /// Removal was dropped: the buyer paid again.
    RemovalDropped => "member.removal_dropped",
    /// The buyer paid while being removed, and may come back.
    MemberInvitedBack => "member.invited_back",
    /// Owner or administrator: left inside.
    MemberKept => "member.kept",
    /// Ended, but a guest: left inside.
    MemberIsGuest => "member.kept_as_guest",
    /// The buyer, left inside as an administrator, is none any more.
    MemberDemoted => "member.demoted",
    /// Somebody who was outside was made an administrator.
    MemberAppointed => "member.appointed",
    /// Somebody is inside without a right to be.
    IntruderSeen => "guard.intruder_seen",
    /// An intruder is being put out.
    IntruderRemoving => "guard.intruder_removing",
    /// An intruder was put out.
    IntruderRemoved => "guard.intruder_removed",
    /// An intruder was let be: the guard only observes.
    IntruderReported => "guard.intruder_reported",
    /// An intruder went by themself.
    IntruderLeft => "guard.intruder_left",
    /// An intruder has a right to be inside after all.
    IntruderCleared => "guard.intruder_cleared",
    /// Putting an intruder out failed in passing.
    EvictionFailed => "guard.eviction_failed",
    /// Putting an intruder out waits for a person to give the bot its rights back.
    EvictionParked => "guard.eviction_parked",
    /// Somebody came into a spare group, or left it.
    StrangerNoted => "pool.stranger_noted",
    /// A check of the members begins.
    ReconcileRequested => "members.check_begun",
    /// Some of the members were looked at.
    ReconcileStepped => "members.checking",
    /// A check of the members is through.
    Reconciled => "members.checked",
    /// A list of members is to be taken over.
    ImportBegun => "members.import_begun",
    /// Some of the list is taken over.
    ImportStepped => "members.importing",
    /// The list is taken over.
    MembersImported => "members.imported",
    /// A member who has paid elsewhere is taken over.
    SubscriptionImported => "subscription.imported",
    /// The sweep began something again.
    Nudged => "usher.nudged",
    /// An alert was accepted.
    AlertQueued => "alert.queued",
    /// An alert is being posted.
    AlertSending => "alert.sending",
    /// An alert stands in the group.
    AlertSent => "alert.sent",
    /// Posting an alert has to be tried again.
    AlertDelayed => "alert.delayed",
    /// Nobody knows whether the alert was posted.
    AlertUnknown => "alert.unknown",
    /// An alert was given up.
    AlertFailed => "alert.failed",
    /// An update of an alert was accepted.
    UpdateQueued => "alert.update_queued",
    /// An update is being posted.
    UpdateSending => "alert.update_sending",
    /// An update stands in the group.
    UpdateSent => "alert.update_sent",
    /// Posting an update has to be tried again.
    UpdateDelayed => "alert.update_delayed",
    /// Nobody knows whether the update was posted.
    UpdateUnknown => "alert.update_unknown",
    /// An update was given up.
    UpdateFailed => "alert.update_failed",
    /// A link was asked for.
    LinkRequested => "link.requested",
    /// A link works.
    LinkMade => "link.made",
    /// A guest came in by a link.
    LinkUsed => "link.used",
    /// A guest asks to be let in again.
    GuestAsked => "pass.guest_asked",
    /// A guest was let in again.
    GuestLetIn => "pass.guest_let_in",
    /// A guest was put out by a call that was made before they had their pass.
    GuestPutOut => "pass.guest_put_out",
    /// A guest's pass was taken back.
    PassWithdrawn => "pass.withdrawn",
    /// A link is dead.
    LinkRevoked => "link.revoked",
}

/// What goes along with every saved item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Counts the saves, from 1. Every save is conditional on the version that was read.
    pub ver: u64,
    /// When it was saved.
    pub changed_at: Timestamp,
    /// By whom.
    pub changed_by: Actor,
    /// Why.
    pub why: Why,
}

/// Who, when and why, before the version is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// Why.
    pub why: Why,
}

/// An item as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    /// The item.
    pub value: T,
    /// What goes along with it.
    pub meta: Meta,
}

/// An item whose changes have consequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A service.
    Service(Box<Service>),
    /// A chat's place in the books.
    Chat(ChatClaim),
    /// A subscription.
    Subscription(Box<Subscription>),
    /// An alert.
    Alert(Box<Alert>),
    /// A link.
    Link(Link),
    /// Somebody who is, or was, inside without a right to be.
    Intruder(Intruder),
    /// A check of the members.
    Check(Reconciliation),
    /// A list of members that is taken over.
    Import(Box<Import>),
}
