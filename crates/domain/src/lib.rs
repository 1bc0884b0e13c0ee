//! The nouns of Tieline and their rules: pure, no I/O; same input, same output.
//!
//! One module per noun. Nothing here knows HTTP, SQL or tokio; time and chance are arguments.

pub mod access;
pub mod agent;
pub mod attempt;
pub mod auth;
pub mod bounds;
pub mod clock;
pub mod conversation;
pub mod custom_headers;
pub mod delivery;
pub mod destination;
mod destination_id;
pub mod event;
pub mod event_type;
pub mod filter;
pub mod id;
pub mod job;
pub mod mcp_server;
pub mod openapi;
pub mod operation;
pub mod ordering;
pub mod pace;
pub mod pattern;
pub mod retention;
pub mod retry;
pub mod secret_text;
pub mod signature;
pub mod source;
pub mod subscription;
pub mod tally;
pub mod tenant;
pub mod time;
pub mod trace;
pub mod trigger;
pub mod violation;
pub mod words;

pub use bounds::Bounds;
pub use destination_id::{DestinationId, NoDestinationId};
pub use id::{
    ActionId, AgentId, ApiKeyId, ApprovalId, ArtifactId, AttemptId, AuditId, CallId, ClientId,
    ConversationId, DeliveryId, EventId, EventTypeId, JobId, MappingId, McpServerId, MessageId,
    RequestId, SecretId, SourceId, SubscriptionId, TenantId, ToolId, TriggerId, TriggerRunId,
    TurnId,
};
pub use time::Timestamp;
pub use violation::Violation;
