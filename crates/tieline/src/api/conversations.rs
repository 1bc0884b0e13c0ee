//! Conversations: `/v1/conversations`.

use axum::extract::State;
use serde::Deserialize;
use tieline_domain::{
    AgentId, ConversationId, TurnId, Violation,
    access::{Area::Conversations, Right},
    conversation::{Conversation, Status, Turn},
    violation,
};
use tieline_store::conversations::ConversationFilter;
use utoipa::ToSchema;

use super::{
    agents::handles,
    answer::{Created, ListView, Shown},
    caller::Caller,
    conversation_view::{ConversationView, NewConversationBody},
    json::Json,
    page::{Filters, Id, Ids, Page},
    problem::Problem,
    turn_view::{MessageView, TurnView},
};
use crate::app::App;

const WHAT: &str = "conversation";
/// The longest reason, in characters.
const MOST_REASON: usize = 1_000;

/// Which conversations are wanted; each narrows the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedConversations {
    /// With this agent.
    #[param(example = "agent_sales")]
    agent_id: Option<String>,
    /// Of this status: `active`, `escalated` or `completed`.
    #[param(value_type = Option<String>, example = "active")]
    status: Option<Status>,
}

/// A conversation of the tenant; 404 if there is none.
pub(super) async fn find(
    app: &App,
    caller: &Caller,
    id: ConversationId,
) -> Result<Conversation, Problem> {
    let found = app.store.find_conversation(caller.tenant_id, id).await?;
    found.ok_or_else(|| Problem::not_found(WHAT))
}

/// List the conversations
#[utoipa::path(get, path = "/conversations", operation_id = "list_conversations", tag = "Conversations", params(Page, WantedConversations),
    extensions(("x-required-scope" = json!("conversations:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Filters(wanted): Filters<WantedConversations>,
) -> Result<ListView<ConversationView>, Problem> {
    caller.require(Conversations, Right::Read)?;
    let WantedConversations { agent_id, status } = wanted;
    let agent_id = match agent_id {
        None => None,
        Some(id) => match app.conversations.agent(caller.tenant_id, &id).await? {
            Some(agent) => Some(agent.id),
            // A deleted agent's conversations are found by its own id; of one that never was there are none.
            None => match id.parse::<AgentId>() {
                Ok(id) => Some(id),
                Err(_) => {
                    return Ok(ListView {
                        data: Vec::new(),
                        next_cursor: None,
                    });
                }
            },
        },
    };
    let filter = ConversationFilter { agent_id, status };
    let found = app
        .store
        .list_conversations(caller.tenant_id, &filter, &page.request())
        .await?;
    let handles = handles(&app, &caller).await?;
    Ok(found.map(|one| ConversationView::of(one, &handles)).into())
}

/// Begin a conversation
#[utoipa::path(post, path = "/conversations", operation_id = "create_conversation", tag = "Conversations",
    extensions(("x-required-scope" = json!("conversations:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewConversationBody>,
) -> Result<Created<ConversationView>, Problem> {
    caller.require(Conversations, Right::Write)?;
    let made = app
        .conversations
        .begin(caller.tenant_id, new.into())
        .await?;
    let handles = handles(&app, &caller).await?;
    let location = format!("/v1/conversations/{}", made.id);
    Ok(Created::new(location, ConversationView::of(made, &handles)))
}

/// Show a conversation
#[utoipa::path(get, path = "/conversations/{id}", operation_id = "get_conversation", tag = "Conversations",
    params(("id" = String, Path, description = "Id of the conversation", example = "conv_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("conversations:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ConversationId>,
) -> Result<Shown<ConversationView>, Problem> {
    caller.require(Conversations, Right::Read)?;
    show(&app, &caller, id).await
}

async fn show(
    app: &App,
    caller: &Caller,
    id: ConversationId,
) -> Result<Shown<ConversationView>, Problem> {
    let found = find(app, caller, id).await?;
    let handles = handles(app, caller).await?;
    Ok(Shown::new(ConversationView::of(found, &handles)))
}

/// List the messages of a conversation
#[utoipa::path(get, path = "/conversations/{id}/messages", operation_id = "list_messages", tag = "Conversations",
    params(Page, ("id" = String, Path, description = "Id of the conversation", example = "conv_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("conversations:read"))))]
pub async fn messages(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ConversationId>,
    page: Page,
) -> Result<ListView<MessageView>, Problem> {
    caller.require(Conversations, Right::Read)?;
    find(&app, &caller, id).await?;
    let page = page.request();
    let found = app.store.list_messages(caller.tenant_id, id, &page);
    Ok(found.await?.into())
}

/// List the turns of a conversation
///
/// With every step: what the model was asked for, what tools were called with, and what came of it.
#[utoipa::path(get, path = "/conversations/{id}/turns", operation_id = "list_turns", tag = "Conversations",
    params(Page, ("id" = String, Path, description = "Id of the conversation", example = "conv_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("conversations:read"))))]
pub async fn turns(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ConversationId>,
    page: Page,
) -> Result<ListView<TurnView>, Problem> {
    caller.require(Conversations, Right::Read)?;
    find(&app, &caller, id).await?;
    let found = app
        .store
        .list_turns(caller.tenant_id, id, &page.request())
        .await?;
    let ids: Vec<_> = found.items.iter().map(|turn| turn.id).collect();
    let steps = app.store.list_steps(caller.tenant_id, &ids).await?;
    let handles = handles(&app, &caller).await?;
    Ok(found
        .map(|turn| TurnView::of(turn, &steps, &handles))
        .into())
}

/// Show a turn of a conversation
///
/// With every step so far, also while it is at work.
#[utoipa::path(get, path = "/conversations/{id}/turns/{turn_id}", operation_id = "get_turn", tag = "Conversations",
    params(("id" = String, Path, description = "Id of the conversation", example = "conv_01kb3f9z5qf8m9w2v7x4t6n0hc"),
        ("turn_id" = String, Path, description = "Id of the turn", example = "turn_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("conversations:read"))))]
pub async fn turn(
    State(app): State<App>,
    caller: Caller,
    Ids(id, turn): Ids<ConversationId, TurnId>,
) -> Result<Shown<TurnView>, Problem> {
    caller.require(Conversations, Right::Read)?;
    find(&app, &caller, id).await?;
    show_turn(&app, &caller, find_turn(&app, &caller, id, turn).await?).await
}

async fn find_turn(
    app: &App,
    caller: &Caller,
    conversation: ConversationId,
    id: TurnId,
) -> Result<Turn, Problem> {
    let turn = app.store.find_turn(caller.tenant_id, id).await?;
    let turn = turn.filter(|turn| turn.conversation_id == conversation);
    turn.ok_or_else(|| Problem::not_found("turn"))
}

async fn show_turn(app: &App, caller: &Caller, turn: Turn) -> Result<Shown<TurnView>, Problem> {
    let steps = app.store.list_steps(caller.tenant_id, &[turn.id]).await?;
    let handles = handles(app, caller).await?;
    Ok(Shown::new(TurnView::of(turn, &steps, &handles)))
}

/// Call a turn off
///
/// One that is at work stops as soon as it can; a tool call that is under way may have been done.
#[utoipa::path(post, path = "/conversations/{id}/turns/{turn_id}/cancel", operation_id = "cancel_turn", tag = "Conversations",
    params(("id" = String, Path, description = "Id of the conversation", example = "conv_01kb3f9z5qf8m9w2v7x4t6n0hc"),
        ("turn_id" = String, Path, description = "Id of the turn", example = "turn_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("conversations:write"))))]
pub async fn cancel_turn(
    State(app): State<App>,
    caller: Caller,
    Ids(id, turn): Ids<ConversationId, TurnId>,
) -> Result<Shown<TurnView>, Problem> {
    caller.require(Conversations, Right::Write)?;
    let conversation = find(&app, &caller, id).await?;
    let turn = find_turn(&app, &caller, id, turn).await?;
    app.conversations.cancel(&conversation, &turn).await?;
    show_turn(&app, &caller, find_turn(&app, &caller, id, turn.id).await?).await
}

/// Why people are called in.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "wants to talk to a person", "priority": "high"}))]
pub struct Escalation {
    /// Why: at most 1000 characters.
    #[serde(default)]
    reason: Option<String>,
    /// How urgent it is, in your words: at most 100 characters.
    #[serde(default)]
    priority: Option<String>,
}

/// Hand a conversation to people
///
/// From now on they answer, with messages whose role is `assistant`; what waits for an answer stands in the inbox of
/// the agent. Publishes `conversation.escalated` and `escalation.triggered`.
#[utoipa::path(post, path = "/conversations/{id}/escalate", operation_id = "escalate_conversation", tag = "Conversations",
    params(("id" = String, Path, description = "Id of the conversation", example = "conv_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("conversations:write"))))]
pub async fn escalate(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ConversationId>,
    body: Option<Json<Escalation>>,
) -> Result<Shown<ConversationView>, Problem> {
    caller.require(Conversations, Right::Write)?;
    let Escalation { reason, priority } = body.map(|Json(body)| body).unwrap_or_default();
    let texts = [
        ("/reason", &reason, MOST_REASON),
        ("/priority", &priority, 100),
    ];
    let texts = texts
        .into_iter()
        .filter_map(|(pointer, text, most)| violation::length(pointer, text.as_deref()?, 1, most));
    Problem::check(texts.collect())?;
    let found = find(&app, &caller, id).await?;
    let (reason, priority) = (reason.as_deref(), priority.as_deref());
    app.conversations.escalate(&found, reason, priority).await?;
    show(&app, &caller, id).await
}

/// How a conversation went.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"resolution_rate": 1.0, "satisfaction_score": 4.5}))]
pub struct Completion {
    /// How much of what was asked for was resolved: 0 to 1.
    #[serde(default)]
    resolution_rate: Option<f64>,
    /// How content the user is: 0 to 10.
    #[serde(default)]
    satisfaction_score: Option<f64>,
}

/// Complete a conversation
///
/// Nothing more is said in it, and what is not answered is called off. Publishes `conversation.completed`.
#[utoipa::path(post, path = "/conversations/{id}/complete", operation_id = "complete_conversation", tag = "Conversations",
    params(("id" = String, Path, description = "Id of the conversation", example = "conv_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("conversations:write"))))]
pub async fn complete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ConversationId>,
    body: Option<Json<Completion>>,
) -> Result<Shown<ConversationView>, Problem> {
    caller.require(Conversations, Right::Write)?;
    let Completion {
        resolution_rate,
        satisfaction_score,
    } = body.map(|Json(body)| body).unwrap_or_default();
    let scores = [
        ("/resolution_rate", resolution_rate, 1.0),
        ("/satisfaction_score", satisfaction_score, 10.0),
    ];
    let outside = scores.into_iter().filter_map(|(pointer, score, most)| {
        score.filter(|score| !(0.0..=most).contains(score))?;
        Some(Violation::new(pointer, format!("give 0 to {most}")))
    });
    Problem::check(outside.collect())?;
    let found = find(&app, &caller, id).await?;
    let scores = (resolution_rate, satisfaction_score);
    app.conversations.complete(&found, scores).await?;
    show(&app, &caller, id).await
}
