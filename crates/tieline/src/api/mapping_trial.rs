//! Mappings tried out: on a record, against the fields of both sides, before and after a change.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tieline_domain::{
    Violation,
    access::{Area, Right},
};
use tieline_mapping::{
    Fault,
    diff::{Diff, diff},
    plan::{Issue, Outcome, Plan, RuleTrace, Way},
    rules::{Definition, Overrides},
    suggest::{Suggestion, suggest},
    types::{self, Field, Mode, Report},
};
use utoipa::ToSchema;

use super::{
    answer::{ListView, Shown},
    caller::Caller,
    document::{content, merge},
    json::Json,
    mappings::MAPPINGS,
    page::Id,
    problem::Problem,
};
use crate::{app::App, mappings::Written};

/// Records that one `diff` looks at.
const MAX_RECORDS: usize = 1_000;

/// A record to try a mapping on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"record": {"first_name": " Ada ", "email": "Ada@Example.com"}}))]
pub struct Trial {
    /// The record.
    #[schema(value_type = Object)]
    record: Value,
    /// Which way it goes; without it the way that the mapping is written in.
    #[schema(value_type = Option<String>)]
    direction: Option<Way>,
}

/// A record to try a mapping on that is not saved yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"mapping": {"mappings": [{"source": "email", "target": "Email", "transformation": "lowercase"}]}, "record": {"email": "Ada@Example.com"}}))]
pub struct DraftTrial {
    /// The mapping.
    #[schema(value_type = Object)]
    mapping: Map<String, Value>,
    /// The record.
    #[schema(value_type = Object)]
    record: Value,
    /// Which way it goes; without it the way that the mapping is written in.
    #[schema(value_type = Option<String>)]
    direction: Option<Way>,
}

/// What a mapping makes of a record, step by step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"direction": "to_external", "accepted": true, "output": {"Email": "ada@example.com"}, "errors": [], "warnings": [], "more_issues": 0, "trace": [{"pointer": "/mappings/0", "source": "email", "target": "Email", "items": [{"input": "Ada@Example.com", "steps": [{"function": "lowercase", "output": "ada@example.com"}], "output": "ada@example.com", "ending": "written"}]}]}))]
pub struct MappingPreviewView {
    /// Which way it went.
    #[schema(value_type = String)]
    direction: Way,
    /// Whether there is a record to pass on.
    accepted: bool,
    /// The record; null when it is rejected.
    #[schema(value_type = Option<Object>)]
    output: Option<Value>,
    /// Why it is rejected: required fields that are missing or invalid.
    #[schema(value_type = Vec<Object>)]
    errors: Vec<Issue>,
    /// Optional fields that were left out because their values are invalid.
    #[schema(value_type = Vec<Object>)]
    warnings: Vec<Issue>,
    /// Errors and warnings beyond the first 100.
    more_issues: usize,
    /// Each rule at work: what it read, what each function made of it, what became of the target.
    #[schema(value_type = Vec<Object>)]
    trace: Vec<RuleTrace>,
}

/// The way that is asked for, or that the mapping is written in.
pub(super) fn way_of(plan: &Plan, asked: Option<Way>) -> Way {
    let written = if plan.runs(Way::ToExternal) {
        Way::ToExternal
    } else {
        Way::FromExternal
    };
    asked.unwrap_or(written)
}

/// Runs what may take a while where it keeps no other request waiting.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Problem::internal())
}

async fn previewed(
    plan: Arc<Plan>,
    record: Value,
    asked: Option<Way>,
) -> Result<Shown<MappingPreviewView>, Problem> {
    let direction = way_of(&plan, asked);
    let (outcome, trace) = aside(move || plan.run_traced(direction, &record)).await?;
    let Outcome {
        output,
        errors,
        warnings,
        more_issues,
    } = outcome;
    Ok(Shown::new(MappingPreviewView {
        direction,
        accepted: output.is_some(),
        output,
        errors,
        warnings,
        more_issues,
        trace,
    }))
}

/// Try a mapping on a record
///
/// Tells what comes out and what each rule did. Nothing is kept.
#[utoipa::path(post, path = "/mappings/{id}/preview", operation_id = "preview_mapping", tag = "Mappings",
    params(("id" = String, Path, description = "Id or name", example = "contacts")),
    extensions(("x-required-scope" = json!("mappings:read"))))]
pub async fn preview(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    Json(Trial { record, direction }): Json<Trial>,
) -> Result<Shown<MappingPreviewView>, Problem> {
    caller.require(Area::Mappings, Right::Read)?;
    let written = Written::read(content(&MAPPINGS.find(&app, &caller, &id).await?)?)?;
    previewed(written.plan, record, direction).await
}

/// Try a mapping that is not saved
///
/// As the preview of a saved one. What is wrong with the mapping is told as when it is saved.
#[utoipa::path(post, path = "/mappings/preview", operation_id = "preview_draft_mapping", tag = "Mappings",
    extensions(("x-required-scope" = json!("mappings:read"))))]
pub async fn preview_draft(
    caller: Caller,
    Json(DraftTrial {
        mapping,
        record,
        direction,
    }): Json<DraftTrial>,
) -> Result<Shown<MappingPreviewView>, Problem> {
    caller.require(Area::Mappings, Right::Read)?;
    let written = Written::read(mapping).map_err(|found| under("/mapping", found))?;
    previewed(written.plan, record, direction).await
}

fn under(place: &str, found: Vec<Violation>) -> Vec<Violation> {
    let found = found.into_iter();
    found.map(|violation| violation.under(place)).collect()
}

fn violations(faults: Vec<Fault>) -> Vec<Violation> {
    let faults = faults.into_iter();
    faults
        .map(|fault| Violation::new(fault.pointer, fault.detail))
        .collect()
}

/// A change of a mapping, and records to see what it would do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"mappings": [{"source": "email", "target": "Email", "transformation": "trim"}], "records": [{"email": "Ada@Example.com"}]}))]
pub struct Change {
    /// The rules that would be saved; without them those that hold.
    #[schema(value_type = Option<Value>)]
    mappings: Option<Value>,
    /// The lookup tables that would be saved; without them those that hold.
    #[schema(value_type = Option<Object>)]
    lookup_tables: Option<Value>,
    /// The version that is compared with, if it is not the newest.
    version: Option<i64>,
    /// The records: at most 1,000.
    #[schema(value_type = Vec<Object>)]
    records: Vec<Value>,
    /// Which way they go; without it the way that the mapping is written in.
    #[schema(value_type = Option<String>)]
    direction: Option<Way>,
}

/// What a change would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"records": 1, "changed": 1, "now_rejected": 0, "now_accepted": 0, "rows": [{"index": 0, "accepted_before": true, "accepted_after": true, "fields": [{"pointer": "/Email", "before": "ada@example.com", "after": "Ada@Example.com"}]}]}))]
pub struct DiffView {
    /// The counts, and each record that comes out otherwise.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    found: Diff,
}

/// See what a change of a mapping would do
///
/// Runs the records through the mapping as it is and as it would be. Nothing is saved.
#[utoipa::path(post, path = "/mappings/{id}/diff", operation_id = "diff_mapping", tag = "Mappings",
    params(("id" = String, Path, description = "Id or name", example = "contacts")),
    extensions(("x-required-scope" = json!("mappings:read"))))]
pub async fn difference(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<String>,
    Json(change): Json<Change>,
) -> Result<Shown<DiffView>, Problem> {
    caller.require(Area::Mappings, Right::Read)?;
    let Change {
        mappings,
        lookup_tables,
        version,
        records,
        direction,
    } = change;
    if records.len() > MAX_RECORDS {
        let detail = format!("give at most {MAX_RECORDS} records, a sample");
        return Err(vec![Violation::new("/records", detail)].into());
    }
    let document = MAPPINGS.find(&app, &caller, &id).await?;
    let now: Map<String, Value> = content(&document)?;
    let before = match version {
        None => now.clone(),
        Some(number) => {
            let then = super::versions::find(&app, &document, number).await?;
            super::document::content_of(&then.body)?
        }
    };
    let mut after = Value::Object(now);
    let changed = [("mappings", mappings), ("lookup_tables", lookup_tables)];
    for (name, value) in changed {
        if let Some(value) = value {
            merge(&mut after, serde_json::json!({ name: null }));
            after[name] = value;
        }
    }
    let Value::Object(after) = after else {
        return Err(Problem::internal());
    };
    let (before, after) = (Written::read(before)?, Written::read(after)?);
    let way = way_of(&after.plan, direction);
    let found = aside(move || diff(&before.plan, &after.plan, way, &records)).await?;
    Ok(Shown::new(DiffView { found }))
}

/// A mapping, and the fields of both sides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"mapping": {"mappings": [{"source": "email", "target": "Email"}]}, "source_fields": [{"name": "email", "type": "email"}], "target_fields": [{"name": "Email", "type": "email", "required": true}], "mode": "create"}))]
pub struct Question {
    /// The id or the name of a mapping, or a mapping itself.
    #[schema(value_type = Value)]
    mapping: Value,
    /// The fields that its rules read; none if they are not known.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    source_fields: Vec<Field>,
    /// The fields that its rules write; none if they are not known.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    target_fields: Vec<Field>,
    /// What the mapping is for: `create`, `update` or `upsert`.
    #[serde(default)]
    #[schema(value_type = String, default = "upsert")]
    mode: Mode,
}

/// What is said of a mapping.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ok", "rules": [{"pointer": "/mappings/0", "source": "email", "target": "Email", "status": "ok", "findings": []}], "findings": []}))]
pub struct ReportView {
    /// The worst that is said, each rule with its findings, and what no rule is to blame for.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    report: Report,
}

/// Check a mapping against the fields of both sides
///
/// Each rule is `ok`, `warning` or `error`, with the reason and what to do about it.
#[utoipa::path(post, path = "/mappings/check", operation_id = "check_mapping", tag = "Mappings",
    extensions(("x-required-scope" = json!("mappings:read"))))]
pub async fn check(
    State(app): State<App>,
    caller: Caller,
    Json(question): Json<Question>,
) -> Result<Shown<ReportView>, Problem> {
    caller.require(Area::Mappings, Right::Read)?;
    let Question {
        mapping,
        source_fields,
        target_fields,
        mode,
    } = question;
    let mapping = match mapping {
        Value::String(id_or_name) => content(&MAPPINGS.find(&app, &caller, &id_or_name).await?)?,
        given => given,
    };
    at_most(&source_fields, "/source_fields")?;
    at_most(&target_fields, "/target_fields")?;
    let definition =
        Definition::read(&mapping).map_err(|faults| under("/mapping", violations(faults)))?;
    let none = Overrides::default();
    let report = types::check(&definition, &none, &source_fields, &target_fields, mode);
    Ok(Shown::new(ReportView { report }))
}

fn at_most(fields: &[Field], pointer: &str) -> Result<(), Problem> {
    let most = types::MAX_FIELDS;
    if fields.len() > most {
        let detail = format!("give at most {most} fields");
        return Err(vec![Violation::new(pointer, detail)].into());
    }
    Ok(())
}

/// The fields of both sides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"source_fields": [{"name": "first_name"}, {"name": "email", "type": "email"}], "target_fields": [{"name": "FirstName"}, {"name": "Email", "type": "email"}], "provider": "salesforce"}))]
pub struct Sides {
    /// The fields that would be read.
    #[schema(value_type = Vec<Object>)]
    source_fields: Vec<Field>,
    /// The fields that would be written.
    #[schema(value_type = Vec<Object>)]
    target_fields: Vec<Field>,
    /// The provider, whose default mappings come first.
    provider: Option<String>,
}

/// Two fields that probably belong together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"source": "first_name", "target": "FirstName", "score": 100, "because": ["same words", "same type"]}))]
pub struct SuggestionView {
    /// The field that would be read.
    source: String,
    /// The field that would be written.
    target: String,
    /// How sure it is, from 50 to 100.
    score: u8,
    /// What speaks for it.
    because: Vec<&'static str>,
}

impl From<Suggestion> for SuggestionView {
    fn from(suggestion: Suggestion) -> Self {
        let Suggestion {
            source,
            target,
            score,
            because,
        } = suggestion;
        Self {
            source,
            target,
            score,
            because,
        }
    }
}

/// Suggest which fields belong together
///
/// By the words of their names, by types, and by the defaults of the provider; the surest first. The same fields
/// always give the same answer.
#[utoipa::path(post, path = "/mappings/suggest", operation_id = "suggest_mapping", tag = "Mappings",
    extensions(("x-required-scope" = json!("mappings:read"))))]
pub async fn propose(
    caller: Caller,
    Json(sides): Json<Sides>,
) -> Result<ListView<SuggestionView>, Problem> {
    caller.require(Area::Mappings, Right::Read)?;
    let Sides {
        source_fields,
        target_fields,
        provider,
    } = sides;
    at_most(&source_fields, "/source_fields")?;
    at_most(&target_fields, "/target_fields")?;
    let pairs = suggest(&source_fields, &target_fields, provider.as_deref());
    Ok(ListView {
        data: pairs.into_iter().map(SuggestionView::from).collect(),
        next_cursor: None,
    })
}
