//! Mistakes that a world makes on purpose, to show that each would be found. They are made by the
//! ports and the carriers of the world: the functions themselves have no switch.

/// A deliberate mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// The sender does not read the subscription again just before it removes somebody.
    NoLastLook,
    /// A run-out subscription is saved without its place in the outbox.
    ExpireWithoutOutbox,
    /// A message is deleted before it is carried out.
    DeleteMessageFirst,
    /// A batch of the stream is acknowledged whatever the relay says.
    AcknowledgeWithoutRelay,
    /// An alert is saved as sent before it is.
    SentBeforeSending,
    /// Idempotency keys and payment references are ignored.
    NoIdempotency,
    /// A moderator's ban looks like membership, and is lifted.
    LiftModeratorsBan,
    /// A save that met somebody else's is taken as done.
    ConflictIgnored,
    /// The answer to a batch of messages is not looked at.
    RefusedMessagesIgnored,
    /// `FailedEntryCount` is not looked at.
    RefusedEventsIgnored,
    /// A renewal counts from now, not from the later of now and the old end.
    RenewalFromNow,
    /// The sweep leaves out half of the shards.
    ShardsLeftOut,
    /// A call without an answer is taken as done.
    UnknownTakenAsSent,
    /// A call without an answer is taken as not done, and repeated without a word.
    UnknownTakenAsFailed,
    /// Two subscriptions can take one Telegram account.
    ClaimUnconditional,
    /// An update that could not be taken in is answered with 200.
    WebhookSwallowsFailures,
    /// Whoever asks is let in.
    EverybodyApproved,
    /// Intruders are let be.
    NoGuard,
    /// The sweep ends a subscription whatever was saved since it read it.
    ExpireUnconditional,
    /// That a group was upgraded is learned from updates only, not from the errors that say so.
    MigrationOnlyByUpdate,
    /// The lease of a removal is over before the function that took it is.
    LeaseTooShort,
    /// An update stands in the group by itself, as an answer to nothing.
    UpdatesAnswerNothing,
}

impl Bug {
    /// Every one.
    pub const ALL: [Self; 22] = [
        Self::NoLastLook,
        Self::ExpireWithoutOutbox,
        Self::DeleteMessageFirst,
        Self::AcknowledgeWithoutRelay,
        Self::SentBeforeSending,
        Self::NoIdempotency,
        Self::LiftModeratorsBan,
        Self::ConflictIgnored,
        Self::RefusedMessagesIgnored,
        Self::RefusedEventsIgnored,
        Self::RenewalFromNow,
        Self::ShardsLeftOut,
        Self::UnknownTakenAsSent,
        Self::UnknownTakenAsFailed,
        Self::ClaimUnconditional,
        Self::WebhookSwallowsFailures,
        Self::EverybodyApproved,
        Self::NoGuard,
        Self::ExpireUnconditional,
        Self::MigrationOnlyByUpdate,
        Self::LeaseTooShort,
        Self::UpdatesAnswerNothing,
    ];
}
