//! Messages, turns and approvals, as the API shows them.

use serde::Serialize;
use serde_json::{Map, Value};
use tieline_domain::{
    Timestamp,
    conversation::{Approval, Message, Step, Turn},
};
use utoipa::ToSchema;

use super::agents::{Handles, turn_of};

/// A message.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "msg_01kb3f9z5qf8m9w2v7x4t6n0hd", "conversation_id": "conv_01kb3f9z5qf8m9w2v7x4t6n0hc", "role": "assistant", "content": "Ada Lovelace is an enterprise customer.", "metadata": {}, "turn_id": "turn_01kb3f9z5qf8m9w2v7x4t6n0hd", "created_at": "2026-11-22T10:00:00.000Z"}))]
pub struct MessageView {
    /// Its id.
    id: String,
    /// The conversation.
    conversation_id: String,
    /// `user` or `assistant`.
    role: &'static str,
    /// What was said.
    content: String,
    /// What came with it.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// The turn that it began, or that brought it.
    turn_id: Option<String>,
    /// When it was said.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        let Message {
            id,
            conversation_id,
            tenant_id: _,
            role,
            content,
            metadata,
            turn_id,
            created_at,
        } = message;
        Self {
            id: id.to_string(),
            conversation_id: conversation_id.to_string(),
            role: role.as_str(),
            content,
            metadata,
            turn_id: turn_of(turn_id),
            created_at,
        }
    }
}

/// One run of an agent: what it did about one message.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "turn_01kb3f9z5qf8m9w2v7x4t6n0hd", "conversation_id": "conv_01kb3f9z5qf8m9w2v7x4t6n0hc", "agent_id": "agent_sales", "message_id": "msg_01kb3f9z5qf8m9w2v7x4t6n0hd", "status": "completed", "waits_for": null, "reason": null, "reply_id": "msg_01kb3f9z5qf8m9w2v7x4t6n0hf", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "steps": [{"number": 1, "kind": "model", "name": "gpt-5-mini", "call_id": null, "status": "completed", "input": null, "output": {"content": null, "tool_calls": [{"id": "call_1", "name": "lookup_customer", "arguments": "{\"email\":\"ada@example.com\"}"}]}, "error": null, "started_at": "2026-11-22T10:00:00.000Z", "duration_ms": 812}, {"number": 2, "kind": "tool", "name": "lookup_customer", "call_id": "call_1", "status": "completed", "input": {"email": "ada@example.com"}, "output": {"name": "Ada Lovelace"}, "error": null, "started_at": "2026-11-22T10:00:00.813Z", "duration_ms": 41}], "created_at": "2026-11-22T10:00:00.000Z", "started_at": "2026-11-22T10:00:00.000Z", "ended_at": "2026-11-22T10:00:01.400Z"}))]
pub struct TurnView {
    /// Its id.
    id: String,
    /// The conversation.
    conversation_id: String,
    /// Who is at it.
    agent_id: String,
    /// The message that it is about.
    message_id: String,
    /// `queued` (it waits for its turn, or for another try), `running`, `waiting` (for a person, or for an earlier
    /// turn), `completed`, `failed` or `cancelled`.
    status: &'static str,
    /// What it waits for: `approval` (consent to a tool call), `reply` (by a person or a client) or `turn` (the end of
    /// an earlier one).
    waits_for: Option<&'static str>,
    /// Why it failed, was called off, or could not go on.
    reason: Option<String>,
    /// The message that it brought.
    reply_id: Option<String>,
    /// The trace that it belongs to.
    trace_id: String,
    /// What was done, in order.
    steps: Vec<StepView>,
    /// When its message came.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the agent began.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

/// One step of a turn.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StepView {
    /// Its place in the turn, from 1.
    number: u32,
    /// `model`: the model was asked; `tool`: a tool was called.
    kind: &'static str,
    /// The name of the model or of the tool.
    name: String,
    /// What the model calls the tool call.
    call_id: Option<String>,
    /// `running`, `waiting` (for consent), `approved`, `completed`, `failed`, `denied` or `unknown_outcome` (it was under
    /// way when the server stopped).
    status: &'static str,
    /// What the tool was given.
    #[schema(value_type = Value)]
    input: Value,
    /// What came of it.
    #[schema(value_type = Value)]
    output: Value,
    /// What went wrong.
    error: Option<String>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// How long it took, in milliseconds, once it has ended.
    duration_ms: Option<u64>,
}

impl From<Step> for StepView {
    fn from(step: Step) -> Self {
        let Step {
            turn_id: _,
            tenant_id: _,
            number,
            kind,
            name,
            call_id,
            status,
            input,
            output,
            error,
            started_at,
            took,
        } = step;
        Self {
            number,
            kind: kind.as_str(),
            name,
            call_id,
            status: status.as_str(),
            input,
            output,
            error,
            started_at,
            duration_ms: took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

impl TurnView {
    /// A turn with its steps, of which only its own are taken.
    pub(super) fn of(turn: Turn, steps: &[Step], handles: &Handles) -> Self {
        let Turn {
            id,
            tenant_id: _,
            conversation_id,
            agent_id,
            message_id,
            event_id: _,
            status,
            waits_for,
            reason,
            reply_id,
            cancel: _,
            trace_id,
            created_at,
            started_at,
            ended_at,
        } = turn;
        let steps = steps.iter().filter(|step| step.turn_id == id);
        Self {
            id: id.to_string(),
            conversation_id: conversation_id.to_string(),
            agent_id: handles.of(agent_id),
            message_id: message_id.to_string(),
            status: status.as_str(),
            waits_for: waits_for.map(tieline_domain::conversation::WaitsFor::as_str),
            reason,
            reply_id: reply_id.map(|id| id.to_string()),
            trace_id,
            steps: steps.cloned().map(StepView::from).collect(),
            created_at,
            started_at,
            ended_at,
        }
    }
}

/// A message, what was done about it, and the reply.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({"message": {"id": "msg_01kb3f9z5qf8m9w2v7x4t6n0hd", "conversation_id": "conv_01kb3f9z5qf8m9w2v7x4t6n0hc", "role": "user", "content": "Who is ada@example.com?", "metadata": {}, "turn_id": "turn_01kb3f9z5qf8m9w2v7x4t6n0hd", "created_at": "2026-11-22T10:00:00.000Z"}, "turn": {"id": "turn_01kb3f9z5qf8m9w2v7x4t6n0hd", "conversation_id": "conv_01kb3f9z5qf8m9w2v7x4t6n0hc", "agent_id": "agent_sales", "message_id": "msg_01kb3f9z5qf8m9w2v7x4t6n0hd", "status": "completed", "waits_for": null, "reason": null, "reply_id": "msg_01kb3f9z5qf8m9w2v7x4t6n0hf", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "steps": [{"number": 1, "kind": "model", "name": "gpt-5-mini", "call_id": null, "status": "completed", "input": null, "output": {"content": null, "tool_calls": [{"id": "call_1", "name": "lookup_customer", "arguments": "{\"email\":\"ada@example.com\"}"}]}, "error": null, "started_at": "2026-11-22T10:00:00.000Z", "duration_ms": 812}, {"number": 2, "kind": "tool", "name": "lookup_customer", "call_id": "call_1", "status": "completed", "input": {"email": "ada@example.com"}, "output": {"name": "Ada Lovelace"}, "error": null, "started_at": "2026-11-22T10:00:00.813Z", "duration_ms": 41}], "created_at": "2026-11-22T10:00:00.000Z", "started_at": "2026-11-22T10:00:00.000Z", "ended_at": "2026-11-22T10:00:01.400Z"}, "reply": {"id": "msg_01kb3f9z5qf8m9w2v7x4t6n0hf", "conversation_id": "conv_01kb3f9z5qf8m9w2v7x4t6n0hc", "role": "assistant", "content": "Ada Lovelace is an enterprise customer.", "metadata": {}, "turn_id": "turn_01kb3f9z5qf8m9w2v7x4t6n0hd", "created_at": "2026-11-22T10:00:00.000Z"}}))]
pub struct ExchangeView {
    /// The message.
    pub(super) message: MessageView,
    /// What was done about it.
    pub(super) turn: TurnView,
    /// The reply; null while there is none.
    pub(super) reply: Option<MessageView>,
}

/// A turn that waits for a reply, with the message that it is about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"turn_id": "turn_01kb3f9z5qf8m9w2v7x4t6n0hd", "conversation_id": "conv_01kb3f9z5qf8m9w2v7x4t6n0hc", "message": {"id": "msg_01kb3f9z5qf8m9w2v7x4t6n0hd", "conversation_id": "conv_01kb3f9z5qf8m9w2v7x4t6n0hc", "role": "user", "content": "Can I talk to someone?", "metadata": {}, "turn_id": "turn_01kb3f9z5qf8m9w2v7x4t6n0hd", "created_at": "2026-11-22T10:00:00.000Z"}}))]
pub struct InboxView {
    /// The turn.
    turn_id: String,
    /// The conversation in which to answer.
    conversation_id: String,
    /// What was said.
    message: MessageView,
}

impl InboxView {
    /// A turn and its message.
    pub(super) fn of(turn: &Turn, message: Message) -> Self {
        Self {
            turn_id: turn.id.to_string(),
            conversation_id: turn.conversation_id.to_string(),
            message: message.into(),
        }
    }
}

/// A tool call that waits, or waited, for a person's consent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "apr_01kb3f9z5qf8m9w2v7x4t6n0hd", "conversation_id": "conv_01kb3f9z5qf8m9w2v7x4t6n0hc", "turn_id": "turn_01kb3f9z5qf8m9w2v7x4t6n0hd", "step": 2, "agent_id": "agent_sales", "tool": "refund", "input": {"order": 1042}, "decision": "pending", "decided_by": null, "reason": null, "created_at": "2026-11-22T10:00:00.000Z", "decided_at": null}))]
pub struct ApprovalView {
    /// Its id.
    id: String,
    /// The conversation.
    conversation_id: String,
    /// The turn that waits.
    turn_id: String,
    /// The step that it is about.
    step: u32,
    /// Whose call it is.
    agent_id: String,
    /// What would be called.
    tool: String,
    /// With what.
    #[schema(value_type = Value)]
    input: Value,
    /// `pending`, `approved`, `denied`, or `expired`: the turn ended before anyone said something.
    decision: &'static str,
    /// Who decided.
    decided_by: Option<String>,
    /// Why, in their words.
    reason: Option<String>,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was decided.
    #[schema(value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
}

impl ApprovalView {
    /// An approval.
    pub(super) fn of(approval: Approval, handles: &Handles) -> Self {
        let Approval {
            id,
            tenant_id: _,
            conversation_id,
            turn_id,
            step,
            agent_id,
            tool,
            input,
            decision,
            decided_by,
            reason,
            created_at,
            decided_at,
        } = approval;
        Self {
            id: id.to_string(),
            conversation_id: conversation_id.to_string(),
            turn_id: turn_id.to_string(),
            step,
            agent_id: handles.of(agent_id),
            tool,
            input,
            decision: decision.as_str(),
            decided_by,
            reason,
            created_at,
            decided_at,
        }
    }
}
