//! Consent to tool calls: `/v1/approvals`.

use axum::extract::State;
use serde::Deserialize;
use tieline_domain::{
    ApprovalId,
    access::{Area::Conversations, Right},
    conversation::Decision,
    violation,
};
use tieline_store::conversations::approvals::Word;
use utoipa::ToSchema;

use super::{
    agents::handles,
    answer::{ListView, Shown},
    caller::Caller,
    json::Json,
    page::{Filters, Id, Page},
    problem::Problem,
    turn_view::ApprovalView,
};
use crate::app::App;

const WHAT: &str = "approval";

/// Which approvals are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedApprovals {
    /// With this decision: `pending`, `approved`, `denied` or `expired`.
    #[param(value_type = Option<String>, example = "pending")]
    decision: Option<Decision>,
}

/// What is said of a call.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "the customer is known to us"}))]
pub struct Consent {
    /// Why: at most 1000 characters. The model is told why a call was denied.
    #[serde(default)]
    reason: Option<String>,
}

/// List the approvals
///
/// Tool calls for which a person's consent was asked.
#[utoipa::path(get, path = "/approvals", operation_id = "list_approvals", tag = "Conversations", params(Page, WantedApprovals),
    extensions(("x-required-scope" = json!("conversations:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
    Filters(WantedApprovals { decision }): Filters<WantedApprovals>,
) -> Result<ListView<ApprovalView>, Problem> {
    caller.require(Conversations, Right::Read)?;
    let page = page.request();
    let found = app.store.list_approvals(caller.tenant_id, decision, &page);
    let found = found.await?;
    let handles = handles(&app, &caller).await?;
    Ok(found.map(|one| ApprovalView::of(one, &handles)).into())
}

/// Approve a tool call
///
/// It is made, and its turn goes on once nothing else waits for consent.
#[utoipa::path(post, path = "/approvals/{id}/approve", operation_id = "approve_call", tag = "Conversations",
    params(("id" = String, Path, description = "Id of the approval", example = "apr_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("conversations:write"))))]
pub async fn approve(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ApprovalId>,
    body: Option<Json<Consent>>,
) -> Result<Shown<ApprovalView>, Problem> {
    decide(&app, &caller, id, body, true).await
}

/// Deny a tool call
///
/// It is not made; the model is told, and the turn goes on.
#[utoipa::path(post, path = "/approvals/{id}/deny", operation_id = "deny_call", tag = "Conversations",
    params(("id" = String, Path, description = "Id of the approval", example = "apr_01kb3f9z5qf8m9w2v7x4t6n0hd")),
    extensions(("x-required-scope" = json!("conversations:write"))))]
pub async fn deny(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ApprovalId>,
    body: Option<Json<Consent>>,
) -> Result<Shown<ApprovalView>, Problem> {
    decide(&app, &caller, id, body, false).await
}

async fn decide(
    app: &App,
    caller: &Caller,
    id: ApprovalId,
    body: Option<Json<Consent>>,
    approved: bool,
) -> Result<Shown<ApprovalView>, Problem> {
    caller.require(Conversations, Right::Write)?;
    let Consent { reason } = body.map(|Json(body)| body).unwrap_or_default();
    let long = reason.as_deref();
    let long = long.and_then(|text| violation::length("/reason", text, 1, 1_000));
    Problem::check(long.into_iter().collect())?;
    let tenant = caller.tenant_id;
    let found = app.store.find_approval(tenant, id).await?;
    let found = found.ok_or_else(|| Problem::not_found(WHAT))?;
    let word = Word {
        approved,
        by: caller.actor.to_string(),
        reason,
        at: app.clock.now(),
    };
    app.conversations.decide(&found, &word).await?;
    let decided = app.store.find_approval(tenant, id).await?;
    let decided = decided.ok_or_else(|| Problem::not_found(WHAT))?;
    let handles = handles(app, caller).await?;
    Ok(Shown::new(ApprovalView::of(decided, &handles)))
}
