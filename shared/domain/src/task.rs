//! Messages to the sender. They name items, not facts: the sender reads the item again and drops
//! what no longer applies.

use serde::{Deserialize, Serialize};

use crate::ids::{AlertId, ChatId, ImportId, LinkId, ServiceId, SubscriptionId, UserId};
use crate::language::Language;

/// One thing to do in Telegram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Post an alert.
    PostAlert {
        /// In the group of this service.
        service: ServiceId,
        /// This one.
        alert: AlertId,
    },
    /// Post an update of an alert, and before it whatever of the alert comes before.
    PostUpdate {
        /// In the group of this service.
        service: ServiceId,
        /// Of this alert.
        alert: AlertId,
        /// Its number, from 1.
        number: u32,
    },
    /// Approve the open join request of a subscription's holder.
    Admit {
        /// Into the group of this service.
        service: ServiceId,
        /// Of this subscription.
        subscription: SubscriptionId,
    },
    /// Decline a join request and tell the person why.
    Decline {
        /// Into the group of this service.
        service: ServiceId,
        /// Of this person.
        user: UserId,
        /// Why.
        why: Declined,
        /// In which language they are told.
        #[serde(default)]
        language: Language,
    },
    /// Remove the holder of a subscription that is over.
    Remove {
        /// From the group of this service.
        service: ServiceId,
        /// Of this subscription.
        subscription: SubscriptionId,
    },
    /// Remove somebody who came in without a right to.
    Evict {
        /// From the group of this service.
        service: ServiceId,
        /// This person.
        user: UserId,
    },
    /// Look at some of the known members.
    Reconcile {
        /// Of this service.
        service: ServiceId,
    },
    /// Take over some of a list of members.
    Import {
        /// Into this service.
        service: ServiceId,
        /// This list.
        import: ImportId,
    },
    /// Look at a group and put in place what is missing.
    SetUp {
        /// This one.
        chat: ChatId,
    },
    /// Greet a group that is ready.
    Greet {
        /// Of this service.
        service: ServiceId,
    },
    /// Tell the operator who added a spare group how it is.
    TellOperator {
        /// This one.
        chat: ChatId,
    },
    /// Write to the holder of a subscription.
    Tell {
        /// Of this service.
        service: ServiceId,
        /// Of this subscription.
        subscription: SubscriptionId,
        /// What.
        notice: Notice,
    },
    /// Answer somebody who wrote to the bot.
    Answer {
        /// In this chat.
        chat: ChatId,
        /// What.
        answer: Answer,
        /// In which language.
        #[serde(default)]
        language: Language,
    },
    /// Approve the open join request of a guest who has a pass.
    AdmitGuest {
        /// Into the group of this service.
        service: ServiceId,
        /// Who got it by this link.
        link: LinkId,
    },
    /// Tell a guest who was put out, although they have a pass, that they may come back.
    InviteGuest {
        /// Into the group of this service.
        service: ServiceId,
        /// Who got it by this link.
        link: LinkId,
    },
    /// Revoke a link that was used.
    RevokeLink {
        /// Of this service.
        service: ServiceId,
        /// This one.
        link: LinkId,
    },
}

/// Why a join request is declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Declined {
    /// The account belongs to no subscription of the service.
    NotLinked,
    /// Its subscription is over.
    Ended,
}

/// What the holder of a subscription is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Notice {
    /// The account is linked; here is the way in.
    Linked,
    /// They paid while being removed; here is the way back.
    InvitedBack,
    /// Their request did not let them in; here is the way to ask again.
    AskAgain,
    /// They are in too many groups to be let in; they are once they have left one.
    TooManyGroups,
    /// The end comes near.
    EndsSoon,
    /// They were removed, since the subscription is over.
    Removed,
}

/// What somebody who wrote to the bot is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// What the bot is.
    Hello,
    /// What the account may enter; what the bot is, when that is nothing.
    Access,
    /// The claim link was used by somebody else, or replaced.
    ClaimUsed,
    /// The subscription behind the claim link is over.
    ClaimEnded,
    /// The account is linked to another subscription of the service.
    AccountTaken,
    /// No link that Usher made.
    LinkUnknown,
    /// A claim link was tapped in a group.
    ClaimInGroup,
    /// A set-up link was used too late.
    SetUpExpired,
    /// The service has a group already.
    ServiceHasGroup,
    /// The group serves another service.
    GroupTaken,
    /// A set-up link was tapped in a private chat.
    SetUpInPrivate,
    /// The group is noted as a spare one.
    SpareNoted,
}

/// Which way a task goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// What those who have paid wait for: alerts, admissions. In order for each group.
    Alerts,
    /// Everything else.
    Housekeeping,
}

impl Task {
    /// Which way it goes. Admissions go the quick way: behind a mass removal, a buyer who has just
    /// paid would wait for minutes. What strangers can cause in any number, such as requests to join
    /// that are declined, does not: it would hold up alerts.
    pub const fn lane(&self) -> Lane {
        match self {
            Self::PostAlert { .. }
            | Self::PostUpdate { .. }
            | Self::Admit { .. }
            | Self::AdmitGuest { .. }
            | Self::InviteGuest { .. } => Lane::Alerts,
            Self::Tell { notice, .. } => match notice {
                Notice::Linked | Notice::InvitedBack | Notice::AskAgain | Notice::TooManyGroups => {
                    Lane::Alerts
                }
                Notice::EndsSoon | Notice::Removed => Lane::Housekeeping,
            },
            Self::Decline { .. }
            | Self::Answer { .. }
            | Self::Remove { .. }
            | Self::Evict { .. }
            | Self::Reconcile { .. }
            | Self::Import { .. }
            | Self::SetUp { .. }
            | Self::Greet { .. }
            | Self::TellOperator { .. }
            | Self::RevokeLink { .. } => Lane::Housekeeping,
        }
    }

    /// Tasks of one group are taken in order (quick lane), or in fair turns (housekeeping).
    /// The alerts of a service are one group; a person's admission waits for nobody else's.
    pub fn group(&self) -> String {
        match self {
            Self::PostAlert { service, .. } | Self::PostUpdate { service, .. } => {
                format!("alerts-{service}")
            }
            Self::Admit { subscription, .. } => format!("admit-{subscription}"),
            // One group for each service: a crowd at one's door is not to go before everybody else.
            Self::Decline { service, .. } => format!("decline-{service}"),
            Self::AdmitGuest { link, .. } | Self::InviteGuest { link, .. } => {
                format!("guest-{link}")
            }
            Self::Answer { chat, .. } => format!("answer-{}", chat.get()),
            Self::Tell { subscription, .. } => format!("tell-{subscription}"),
            Self::Remove { service, .. }
            | Self::Evict { service, .. }
            | Self::Greet { service }
            | Self::Reconcile { service }
            | Self::Import { service, .. }
            | Self::RevokeLink { service, .. } => format!("service-{service}"),
            Self::SetUp { chat } | Self::TellOperator { chat } => format!("chat-{}", chat.get()),
        }
    }

    /// A name for logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PostAlert { .. } => "post_alert",
            Self::PostUpdate { .. } => "post_update",
            Self::Admit { .. } => "admit",
            Self::Decline { .. } => "decline",
            Self::Remove { .. } => "remove",
            Self::Evict { .. } => "evict",
            Self::Reconcile { .. } => "reconcile",
            Self::Import { .. } => "import",
            Self::SetUp { .. } => "set_up",
            Self::Greet { .. } => "greet",
            Self::TellOperator { .. } => "tell_operator",
            Self::Tell { .. } => "tell",
            Self::Answer { .. } => "answer",
            Self::AdmitGuest { .. } => "admit_guest",
            Self::InviteGuest { .. } => "invite_guest",
            Self::RevokeLink { .. } => "revoke_link",
        }
    }
}
