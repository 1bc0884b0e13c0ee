//! What tools and actions have in common over HTTP.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use tieline_domain::{
    access::{Area::Tools, Right},
    operation::{Face, Operation},
};
use tieline_store::documents::Document;
use utoipa::{IntoResponses, ToSchema, openapi::RefOr};

use super::{
    answer::ListView,
    caller::Caller,
    document::{content, merge, unused},
    etag::IfMatch,
    json,
    page::Page,
    problem::{Code, Problem},
};
use crate::{
    app::App,
    operate::{KeepError, formats::Format, kind_of},
    publish,
    references::{self, Reference, Target},
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

impl From<Reference> for UsedBy {
    fn from(reference: Reference) -> Self {
        let Reference {
            kind,
            id,
            name,
            to: _,
        } = reference;
        Self {
            kind: kind.as_str(),
            id,
            name,
        }
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

/// An object that uses a tool or an action.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "agent", "id": "agent_sales", "name": "Sales"}))]
pub struct UsedBy {
    /// What kind of object it is.
    kind: &'static str,
    /// Its id.
    id: String,
    /// Its name.
    name: Option<String>,
}

/// The document of a tool or an action, by its id or its name; 404 if there is none.
pub(super) async fn find(
    app: &App,
    caller: &Caller,
    face: Face,
    id_or_name: &str,
) -> Result<Document, Problem> {
    let (tenant, kind) = (caller.tenant_id, kind_of(face));
    if let Some(found) = app.store.find_document(tenant, kind, id_or_name).await? {
        return Ok(found);
    }
    let named = app
        .store
        .find_named_document(tenant, kind, id_or_name)
        .await?;
    named.ok_or_else(|| Problem::not_found(face.as_str()))
}

/// The document that the caller may change, as the caller last saw it.
pub(super) async fn changeable(
    app: &App,
    caller: &Caller,
    face: Face,
    id_or_name: &str,
    condition: &IfMatch,
) -> Result<Document, Problem> {
    caller.require(Tools, Right::Write)?;
    let found = find(app, caller, face, id_or_name).await?;
    condition.check(found.version)?;
    Ok(found)
}

/// A page of tools or actions.
pub(super) async fn list<V>(
    app: &App,
    caller: &Caller,
    face: Face,
    page: &Page,
    view: impl Fn(Document) -> Result<V, Problem>,
) -> Result<ListView<V>, Problem> {
    let found = app
        .store
        .list_documents(caller.tenant_id, kind_of(face), &page.request())
        .await?;
    let data = found.items.into_iter().map(view);
    Ok(ListView {
        data: data.collect::<Result<_, _>>()?,
        next_cursor: found.next,
    })
}

/// All tools or actions in the form that a model or a client takes.
pub(super) async fn defined(
    app: &App,
    caller: &Caller,
    face: Face,
    format: &str,
) -> Result<ListView<Value>, Problem> {
    let format: Format = format
        .parse()
        .map_err(|detail| Problem::new(Code::InvalidParameter, format!("format: {detail}")))?;
    let all = app.operator.list(caller.tenant_id).await?;
    let own = all
        .iter()
        .filter(|offered| offered.origin.as_str() == face.as_str());
    Ok(ListView {
        data: own.map(|offered| format.define(offered)).collect(),
        next_cursor: None,
    })
}

/// Makes a tool or an action.
pub(super) async fn create(
    app: &App,
    caller: &Caller,
    face: Face,
    operation: &Operation,
) -> Result<Document, Problem> {
    caller.require(Tools, Right::Write)?;
    let by = caller.change(app);
    Ok(app
        .operator
        .create(caller.tenant_id, face, operation, &by)
        .await?)
}

/// Replaces a tool or an action that the caller has seen as `before`.
pub(super) async fn replace(
    app: &App,
    caller: &Caller,
    face: Face,
    before: &Document,
    operation: &Operation,
) -> Result<Document, Problem> {
    let by = caller.change(app);
    let (tenant, expected) = (caller.tenant_id, Some(before.version));
    let after = app
        .operator
        .replace(tenant, face, &before.id, operation, expected, &by)
        .await?;
    after.ok_or_else(|| Problem::not_found(face.as_str()))
}

/// What a client writes, with a JSON Merge Patch (RFC 7396) applied. The patch and the faults are in the words of the
/// face, whose form `New` is.
pub(super) fn patched<New>(
    app: &App,
    before: &Document,
    face: Face,
    mut patch: Map<String, Value>,
) -> Result<New, Problem>
where
    New: From<Operation> + Serialize + DeserializeOwned,
{
    for other in [Face::Tool, Face::Action] {
        if let Some(schema) = patch.shift_remove(other.schema_field()) {
            patch.insert(face.schema_field().to_owned(), schema);
        }
    }
    let operation: Operation = content(before)?;
    let mut whole = json!(New::from(operation));
    merge(&mut whole, Value::Object(patch));
    let depth = app.config.limits.json_depth_max;
    json::parse(whole.to_string().as_bytes(), depth)
}

/// Removes a tool or an action that nothing uses.
pub(super) async fn delete(
    app: &App,
    caller: &Caller,
    face: Face,
    before: &Document,
) -> Result<(), Problem> {
    unused(app, caller, face.as_str(), &targets(before)).await?;
    let by = caller.change(app);
    let (tenant, expected) = (caller.tenant_id, Some(before.version));
    app.operator
        .delete(tenant, face, &before.id, expected, &by)
        .await?;
    Ok(())
}

/// What uses a tool or an action.
pub(super) async fn usage(
    app: &App,
    caller: &Caller,
    face: Face,
    id_or_name: &str,
) -> Result<ListView<UsedBy>, Problem> {
    caller.require(Tools, Right::Read)?;
    let document = find(app, caller, face, id_or_name).await?;
    let users = references::users(&app.store, caller.tenant_id, &targets(&document)).await?;
    Ok(ListView {
        data: users.into_iter().map(UsedBy::from).collect(),
        next_cursor: None,
    })
}

/// The ways in which others may name an operation.
fn targets(document: &Document) -> Vec<Target> {
    references::ways(document, Target::Operation)
}
