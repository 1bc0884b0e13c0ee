//! Deleting the content of an event at once: `/v1/events/{id}/payload`.

use axum::extract::State;
use tieline_domain::{
    EventId,
    access::{Area::Events, Right},
};

use super::{answer::NoContent, caller::Caller, page::Id, problem::Problem};
use crate::app::App;

/// Delete the content of an event
///
/// At once, with what receivers answered to it, and with the events that were made of the same request. The
/// event stays as a tombstone with `data_deleted_at`; deliveries that have not succeeded are cancelled. An
/// attempt that runs at this moment is not recalled.
#[utoipa::path(delete, path = "/events/{id}/payload", operation_id = "delete_event_payload", tag = "Events",
    params(("id" = String, Path, description = "Id of the event", example = "evt_01kb3f9z5qf8m9w2v7x4t6n0hf")),
    extensions(("x-required-scope" = json!("events:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<EventId>,
) -> Result<NoContent, Problem> {
    caller.require(Events, Right::Write)?;
    let by = caller.change(&app);
    let erased = app.store.erase_event(caller.tenant_id, id, &by).await?;
    erased.ok_or_else(|| Problem::not_found("event"))?;
    app.dispatcher.call_off(id);
    Ok(NoContent)
}
