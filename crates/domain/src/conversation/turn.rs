//! Turns: what an agent does about one message, step by step.

use std::time::Duration;

use serde_json::Value;

use crate::{
    AgentId, ApprovalId, ConversationId, EventId, MessageId, TenantId, Timestamp, TurnId,
    words::words,
};

words! {
    /// How far a turn has come.
    TurnStatus, "status of a turn" {
        /// It waits for its turn, or for another try.
        Queued = "queued",
        /// The agent is at it.
        Running = "running",
        /// It waits for a person.
        Waiting = "waiting",
        /// It brought an answer. Final.
        Completed = "completed",
        /// It brought none. Final, unless its delivery is retried.
        Failed = "failed",
        /// It was called off. Final.
        Cancelled = "cancelled",
    }
}

impl TurnStatus {
    /// Whether nothing more happens in it.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

words! {
    /// What a turn waits for.
    WaitsFor, "thing to wait for" {
        /// Consent to a tool call.
        Approval = "approval",
        /// An answer by a person or a client.
        Reply = "reply",
        /// The end of an earlier turn of the conversation.
        Turn = "turn",
    }
}

words! {
    /// What a step is.
    StepKind, "kind of step" {
        /// The model, or the service in its place, was asked.
        Model = "model",
        /// A tool was called.
        Tool = "tool",
    }
}

words! {
    /// How a step went.
    StepStatus, "status of a step" {
        /// It was begun, and its outcome is not written down.
        Running = "running",
        /// It waits for a person's consent.
        Waiting = "waiting",
        /// A person consented; it is to be done.
        Approved = "approved",
        /// It brought a result.
        Completed = "completed",
        /// It failed.
        Failed = "failed",
        /// A person did not consent.
        Denied = "denied",
        /// It was under way when its node went away: what it did is not known.
        UnknownOutcome = "unknown_outcome",
    }
}

impl StepStatus {
    /// Whether it has ended, one way or the other.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Running | Self::Waiting | Self::Approved)
    }
}

words! {
    /// What a person says of a tool call.
    Decision, "decision" {
        /// Not yet.
        Pending = "pending",
        /// Yes.
        Approved = "approved",
        /// No.
        Denied = "denied",
        /// The turn ended before anyone said something.
        Expired = "expired",
    }
}

/// One run of an agent: what it does about one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Its id.
    pub id: TurnId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Who is at it.
    pub agent_id: AgentId,
    /// The message that it is about.
    pub message_id: MessageId,
    /// The event that told the agent of the message.
    pub event_id: EventId,
    /// How far it has come.
    pub status: TurnStatus,
    /// What it waits for, while it waits.
    pub waits_for: Option<WaitsFor>,
    /// Why it failed or was called off, in a sentence.
    pub reason: Option<String>,
    /// The message that it brought.
    pub reply_id: Option<MessageId>,
    /// Whether it was asked to stop.
    pub cancel: bool,
    /// The trace it belongs to.
    pub trace_id: String,
    /// When its message came.
    pub created_at: Timestamp,
    /// When the agent first began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// One step of a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The turn.
    pub turn_id: TurnId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// Its place in the turn, from 1.
    pub number: u32,
    /// What it is.
    pub kind: StepKind,
    /// The name of the model or of the tool.
    pub name: String,
    /// What the model calls the tool call, where it is one.
    pub call_id: Option<String>,
    /// How it went.
    pub status: StepStatus,
    /// What was given to the tool; for the model `null`.
    pub input: Value,
    /// What came of it.
    pub output: Value,
    /// What went wrong, in a sentence.
    pub error: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, once it has ended.
    pub took: Option<Duration>,
}

/// A tool call that waits, or waited, for a person's consent.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The tenant it belongs to.
    pub tenant_id: TenantId,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The turn that waits.
    pub turn_id: TurnId,
    /// The step that it is about.
    pub step: u32,
    /// Whose call it is.
    pub agent_id: AgentId,
    /// What would be called.
    pub tool: String,
    /// With what.
    pub input: Value,
    /// What was said.
    pub decision: Decision,
    /// Who said it.
    pub decided_by: Option<String>,
    /// Why, in their words.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{Role, Status};

    #[test]
    fn words_are_read_as_they_are_written() {
        assert_eq!("waiting".parse(), Ok(TurnStatus::Waiting));
        assert_eq!("unknown_outcome".parse(), Ok(StepStatus::UnknownOutcome));
        assert_eq!(Status::Escalated.to_string(), "escalated");
        let unknown = "robot".parse::<Role>().unwrap_err().to_string();
        assert_eq!(unknown, "`robot` is no role; use one of user, assistant");
    }

    #[test]
    fn what_has_ended() {
        assert!(TurnStatus::Failed.is_final() && !TurnStatus::Waiting.is_final());
        assert!(StepStatus::Denied.is_final() && !StepStatus::Approved.is_final());
    }
}
