//! Faults that somebody ordered: what goes wrong, where, how often.

use serde::{Deserialize, Serialize};

use crate::errors::{ApiError, ControlError};
use crate::rng::Rng;

/// A fault as it is ordered through the control interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Only calls of this method (any case). For webhook faults: only updates of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only calls about this chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<i64>,
    /// How many times it still happens; for ever where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How likely it is each time: 0 to 1, 1 where it is missing.
    #[serde(default = "always")]
    pub probability: f64,
    /// What happens.
    #[serde(flatten)]
    pub kind: FaultKind,
}

fn always() -> f64 {
    1.0
}

/// What can go wrong. Waiting times in milliseconds are real time, because the caller's limit is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum FaultKind {
    /// The call is done, then the connection is held and closed without an answer.
    TimeoutAfter {
        /// How long it is held.
        #[serde(default)]
        hold_ms: u64,
    },
    /// The call is not done; the connection is held and closed without an answer.
    TimeoutBefore {
        /// How long it is held.
        #[serde(default)]
        hold_ms: u64,
    },
    /// 429 with this waiting time (seconds); the call is not done.
    TooManyRequests {
        /// Seconds, in the body and in the header.
        retry_after: u32,
        /// How long the server thinks before it says so; up to 8 seconds at Telegram.
        #[serde(default)]
        hold_ms: u64,
    },
    /// The call is done and answered, late.
    Slow {
        /// How late.
        hold_ms: u64,
    },
    /// A 5xx in the shape of the Bot API; the call is not done.
    ServerErrorJson {
        /// The status.
        #[serde(default = "internal")]
        code: u16,
    },
    /// A 5xx with an HTML page, as from a proxy in between; the call is not done.
    ServerErrorHtml {
        /// The status.
        #[serde(default = "bad_gateway")]
        code: u16,
    },
    /// The call is done; the answer is a 200 with nonsense in it.
    Nonsense,
    /// 400 `PARTICIPANT_ID_INVALID` for users who are fine; the call is not done.
    ParticipantIdInvalid,
    /// Any refusal; the call is not done.
    Error {
        /// The status.
        code: u16,
        /// The whole description, with its prefix.
        description: String,
    },
    /// `getChatMember` answers with a status that nobody knows; with the kind of an update as its method
    /// (`chat_member`, `my_chat_member`), the new status in that update is one.
    UnknownMemberStatus,
    /// An update is delivered twice, with the same id.
    WebhookDuplicate,
    /// An update is delivered late.
    WebhookDelay {
        /// How late, in milliseconds of the simulator's clock.
        delay_ms: i64,
    },
    /// An update is overtaken by the next one from another queue.
    WebhookCross,
    /// An update of an unknown kind comes before this one.
    UnknownUpdate,
    /// An update carries fields that nobody knows.
    ExtraFields,
    /// A `chat_member` update does not say by which link somebody came.
    LinkUnnamed,
}

fn internal() -> u16 {
    500
}

fn bad_gateway() -> u16 {
    502
}

impl FaultKind {
    /// The name under which the call log shows it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::TimeoutAfter { .. } => "timeout_after",
            Self::TimeoutBefore { .. } => "timeout_before",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::Slow { .. } => "slow",
            Self::ServerErrorJson { .. } => "server_error_json",
            Self::ServerErrorHtml { .. } => "server_error_html",
            Self::Nonsense => "nonsense",
            Self::ParticipantIdInvalid => "participant_id_invalid",
            Self::Error { .. } => "error",
            Self::UnknownMemberStatus => "unknown_member_status",
            Self::WebhookDuplicate => "webhook_duplicate",
            Self::WebhookDelay { .. } => "webhook_delay",
            Self::WebhookCross => "webhook_cross",
            Self::UnknownUpdate => "unknown_update",
            Self::ExtraFields => "extra_fields",
            Self::LinkUnnamed => "link_unnamed",
        }
    }

    fn is_about_updates(&self) -> bool {
        matches!(
            self,
            Self::WebhookDuplicate
                | Self::WebhookDelay { .. }
                | Self::WebhookCross
                | Self::UnknownUpdate
                | Self::ExtraFields
                | Self::LinkUnnamed
        )
    }

    /// How long the answer is held back, in milliseconds of real time.
    pub(crate) fn hold_ms(&self) -> u64 {
        match self {
            Self::TimeoutAfter { hold_ms }
            | Self::TimeoutBefore { hold_ms }
            | Self::TooManyRequests { hold_ms, .. }
            | Self::Slow { hold_ms } => *hold_ms,
            _ => 0,
        }
    }

    /// Whether it can strike this method at all.
    fn concerns(&self, method: &str) -> bool {
        match self {
            Self::UnknownMemberStatus => method == "getChatMember",
            Self::ParticipantIdInvalid => {
                ["getChatMember", "banChatMember", "unbanChatMember", "restrictChatMember"]
                    .contains(&method)
            }
            other => !other.is_about_updates(),
        }
    }

    /// The refusal that takes the place of the call, if this is one.
    pub(crate) fn refusal(&self) -> Option<ApiError> {
        match self {
            Self::TooManyRequests { retry_after, .. } => Some(ApiError::flood(*retry_after)),
            Self::ServerErrorJson { code } => Some(ApiError::new(*code, "Internal Server Error")),
            Self::ParticipantIdInvalid => Some(ApiError::bad("PARTICIPANT_ID_INVALID")),
            Self::Error { code, description } => Some(ApiError::new(*code, description.clone())),
            _ => None,
        }
    }
}

/// What happens to one update on its way out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fate {
    pub(crate) twice: bool,
    pub(crate) delay_ms: Option<i64>,
    pub(crate) overtaken: bool,
    pub(crate) strange_before: bool,
    pub(crate) extra_fields: bool,
    pub(crate) unknown_status: bool,
    pub(crate) link_unnamed: bool,
}

/// How long an update that is to be overtaken waits at most, in milliseconds.
const OVERTAKEN_AFTER: i64 = 3_000;

/// The faults in force, with their ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    ordered: Vec<(u64, Fault)>,
}

impl Faults {
    pub(crate) fn order(&mut self, id: u64, fault: Fault) -> Result<(), ControlError> {
        if !(0.0..=1.0).contains(&fault.probability) {
            return Err(ControlError::new("probability is between 0 and 1"));
        }
        self.ordered.push((id, fault));
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.ordered.clear();
    }

    /// Removes one fault; false if there is none with this id.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.ordered.len();
        self.ordered.retain(|(other, _)| *other != id);
        self.ordered.len() < before
    }

    pub(crate) fn all(&self) -> &[(u64, Fault)] {
        &self.ordered
    }

    /// The first fault that strikes this call, if any; it is used up by one.
    pub(crate) fn strike(
        &mut self,
        method: &str,
        chat: Option<i64>,
        rng: &mut Rng,
    ) -> Option<FaultKind> {
        self.draw(rng, |fault| {
            fault.kind.concerns(method)
                && fault.chat_id.is_none_or(|wanted| chat == Some(wanted))
                && fault.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
        })
    }

    /// What the faults in force do to an update of this kind about this chat.
    pub(crate) fn fate_of_update(&mut self, kind: &str, chat: Option<i64>, rng: &mut Rng) -> Fate {
        let mut fate = Fate::default();
        let mut strikes = |wanted: &str| {
            self.draw(rng, |fault| {
                fault.kind.name() == wanted
                    && fault.chat_id.is_none_or(|wanted| chat == Some(wanted))
                    && fault.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(kind))
            })
        };
        fate.twice = strikes("webhook_duplicate").is_some();
        if let Some(FaultKind::WebhookDelay { delay_ms }) = strikes("webhook_delay") {
            fate.delay_ms = Some(delay_ms);
        }
        if strikes("webhook_cross").is_some() {
            fate.overtaken = true;
            fate.delay_ms = Some(OVERTAKEN_AFTER);
        }
        fate.strange_before = strikes("unknown_update").is_some();
        fate.extra_fields = strikes("extra_fields").is_some();
        fate.link_unnamed = strikes("link_unnamed").is_some();
        // Without a method this one is about calls.
        fate.unknown_status = self
            .draw(rng, |fault| {
                fault.kind == FaultKind::UnknownMemberStatus
                    && fault.method.as_deref() == Some(kind)
            })
            .is_some();
        fate
    }

    fn draw(&mut self, rng: &mut Rng, fits: impl Fn(&Fault) -> bool) -> Option<FaultKind> {
        let (_, fault) = self.ordered.iter_mut().find(|(_, fault)| {
            fits(fault) && fault.count != Some(0) && rng.chance(fault.probability)
        })?;
        if let Some(count) = &mut fault.count {
            *count -= 1;
        }
        Some(fault.kind.clone())
    }
}
