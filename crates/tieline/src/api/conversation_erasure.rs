//! Deleting a conversation at once: `DELETE /v1/conversations/{id}`.

use axum::extract::State;
use tieline_domain::{
    ConversationId,
    access::{Area::Conversations, Right},
};

use super::{answer::NoContent, caller::Caller, conversations::find, page::Id, problem::Problem};
use crate::app::App;

/// Delete a conversation
///
/// At once, with its messages, turns, approvals and calls of tools; the events that told of it stay on the log without
/// their content, and those of their deliveries that have not succeeded are cancelled. 409 while a turn has not ended:
/// cancel it, or complete the conversation, first.
#[utoipa::path(delete, path = "/conversations/{id}", operation_id = "delete_conversation", tag = "Conversations",
    params(("id" = String, Path, description = "Id of the conversation", example = "conv_01kb3f9z5qf8m9w2v7x4t6n0hc")),
    extensions(("x-required-scope" = json!("conversations:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ConversationId>,
) -> Result<NoContent, Problem> {
    caller.require(Conversations, Right::Write)?;
    let found = find(&app, &caller, id).await?;
    app.conversations
        .erase(&found, &caller.change(&app))
        .await?;
    Ok(NoContent)
}
