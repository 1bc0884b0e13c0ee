//! What tools and actions have in common over HTTP.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use tieline_domain::{
    access::{Area::Tools, Right},
    operation::{Face, Operation},
};
use tieline_store::documents::{Document, Kind};
use utoipa::{IntoResponses, ToSchema, openapi::RefOr};

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    document::{content, patched_as},
    etag::IfMatch,
    operation_body::{ActionView, NewAction, NewTool, ToolView},
    page::Page,
    problem::{Code, Problem},
    resource::{Call, Resource, View},
    usage::{self, UsedBy},
    versions::Rollback,
};
use crate::{
    app::App,
    operate::{KeepError, formats::Format},
    publish,
    references::Target,
    registry,
};

impl From<KeepError> for Problem {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Invalid(violations) => violations.into(),
            KeepError::Store(error) => error.into(),
        }
    }
}

impl From<registry::Error> for Problem {
    fn from(error: registry::Error) -> Self {
        publish::Error::from(error).into()
    }
}

/// A list of tools or actions: a page of them, or all in the form of a model or a client.
pub enum Listing<V> {
    /// A page.
    Page(ListView<V>),
    /// All of them, as definitions.
    Defined(ListView<Value>),
}

impl<V: Serialize> IntoResponse for Listing<V> {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => page.into_response(),
            Self::Defined(all) => all.into_response(),
        }
    }
}

impl<V: ToSchema> IntoResponses for Listing<V> {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        ListView::<V>::responses()
    }
}

/// Which form a list of tools or actions has.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listed {
    /// `openai`, `anthropic` or `mcp`: all of them at once, as definitions that go into the `tools` of a request to a
    /// model or of an answer over MCP.
    pub format: Option<String>,
}

/// One of the two faces of operations: the form in which clients write it.
pub(super) trait Form:
    From<Operation> + Into<Operation> + Serialize + DeserializeOwned
{
    /// The face.
    const FACE: Face;
    /// Its kind of object.
    const RESOURCE: Resource;
    /// The form in which clients read it.
    type View: View;
}

/// Tools.
pub(super) const TOOLS: Resource = Resource {
    kind: Kind::Tool,
    what: "tool",
    path: "/v1/tools",
    area: Tools,
    called_by: &[Call::Id, Call::Name],
};

/// Actions.
pub(super) const ACTIONS: Resource = Resource {
    kind: Kind::Action,
    what: "action",
    path: "/v1/integrations/actions",
    area: Tools,
    called_by: &[Call::Id, Call::Name],
};

impl Form for NewTool {
    const FACE: Face = Face::Tool;
    const RESOURCE: Resource = TOOLS;
    type View = ToolView;
}

impl Form for NewAction {
    const FACE: Face = Face::Action;
    const RESOURCE: Resource = ACTIONS;
    type View = ActionView;
}

impl View for ToolView {
    async fn read(_: &App, document: Document) -> Result<Self, Problem> {
        Self::of(document)
    }
}

impl View for ActionView {
    async fn read(_: &App, document: Document) -> Result<Self, Problem> {
        Self::of(document)
    }
}

/// Lists tools or actions: a page of them, or all in the form that a model or a client takes.
pub(super) async fn list<F: Form>(
    app: &App,
    caller: &Caller,
    page: &Page,
    listed: Listed,
) -> Result<Listing<F::View>, Problem> {
    let Some(format) = listed.format else {
        let found = F::RESOURCE.list(app, caller, page).await;
        return found.map(Listing::Page);
    };
    caller.require(Tools, Right::Read)?;
    let format: Format = format
        .parse()
        .map_err(|detail| Problem::new(Code::InvalidParameter, format!("format: {detail}")))?;
    let all = app.operator.list(caller.tenant_id).await?;
    let own = all
        .iter()
        .filter(|offered| offered.origin.as_str() == F::FACE.as_str());
    Ok(Listing::Defined(ListView {
        data: own.map(|offered| format.define(offered)).collect(),
        next_cursor: None,
    }))
}

/// Makes a tool or an action.
pub(super) async fn create<F: Form>(
    app: &App,
    caller: &Caller,
    new: F,
) -> Result<Created<F::View>, Problem> {
    caller.require(Tools, Right::Write)?;
    let (tenant, by) = (caller.tenant_id, caller.change(app));
    let operator = &app.operator;
    let made = operator.create(tenant, F::FACE, &new.into(), &by).await?;
    F::RESOURCE.created(app, made).await
}

/// Replaces a tool or an action.
pub(super) async fn replace<F: Form>(
    app: &App,
    caller: &Caller,
    name: &String,
    condition: &IfMatch,
    new: F,
) -> Result<Shown<F::View>, Problem> {
    let before = F::RESOURCE.changeable(app, caller, name, condition).await?;
    write::<F>(app, caller, &before, &new.into()).await
}

/// Changes a tool or an action with a JSON Merge Patch (RFC 7396). The patch and the faults are in the words of the
/// face.
pub(super) async fn update<F: Form>(
    app: &App,
    caller: &Caller,
    name: &String,
    condition: &IfMatch,
    mut patch: Map<String, Value>,
) -> Result<Shown<F::View>, Problem> {
    let before = F::RESOURCE.changeable(app, caller, name, condition).await?;
    for other in [Face::Tool, Face::Action] {
        if let Some(schema) = patch.shift_remove(other.schema_field()) {
            patch.insert(F::FACE.schema_field().to_owned(), schema);
        }
    }
    let operation: Operation = content(&before)?;
    let new: F = patched_as(app, json!(F::from(operation)), patch)?;
    write::<F>(app, caller, &before, &new.into()).await
}

/// Removes a tool or an action that nothing uses.
pub(super) async fn delete<F: Form>(
    app: &App,
    caller: &Caller,
    name: &String,
    condition: &IfMatch,
) -> Result<NoContent, Problem> {
    let before = F::RESOURCE.changeable(app, caller, name, condition).await?;
    usage::check_none(app, &before, Target::Operation, F::RESOURCE.what).await?;
    let (tenant, expected) = (caller.tenant_id, Some(before.version));
    let by = caller.change(app);
    app.operator
        .delete(tenant, F::FACE, &before.id, expected, &by)
        .await?;
    Ok(NoContent)
}

/// Goes back to a version of a tool or an action.
pub(super) async fn roll_back<F: Form>(
    app: &App,
    caller: &Caller,
    name: &String,
    condition: &IfMatch,
    to: &Rollback,
) -> Result<Shown<F::View>, Problem> {
    let then = F::RESOURCE.rolled_back(app, caller, name, condition, to);
    let (before, operation) = then.await?;
    write::<F>(app, caller, &before, &operation).await
}

/// What uses a tool or an action.
pub(super) async fn usage<F: Form>(
    app: &App,
    caller: &Caller,
    name: &String,
) -> Result<ListView<UsedBy>, Problem> {
    let document = F::RESOURCE.readable(app, caller, name).await?;
    usage::list(app, &document, Target::Operation).await
}

async fn write<F: Form>(
    app: &App,
    caller: &Caller,
    before: &Document,
    operation: &Operation,
) -> Result<Shown<F::View>, Problem> {
    let (tenant, expected) = (caller.tenant_id, Some(before.version));
    let by = caller.change(app);
    let after = app
        .operator
        .replace(tenant, F::FACE, &before.id, operation, expected, &by)
        .await?;
    F::RESOURCE.shown(app, after).await
}
