//! The catalogue of event types: `/v1/event-types`.

use axum::extract::State;
use rand::random;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tieline_domain::{
    EventTypeId, Timestamp, Violation,
    access::{Area::Events, Right},
    event_type::{self, Definition, OWN, OwnType, Validate},
    pattern::EventType,
};
use tieline_store::{
    PageRequest,
    documents::{Document, Kind, NewDocument, Replacement},
};
use utoipa::ToSchema;

use super::{
    answer::{Created, ListView, NoContent, Shown},
    caller::Caller,
    document::{content, patched},
    etag::{IfMatch, IfMatchHeader},
    fields::same_fields,
    json::Json,
    label,
    page::{Id, Page},
    problem::{Code, Problem},
    resource::{Call, Resource, View},
};
use crate::app::App;

/// Event types of tenants.
const EVENT_TYPES: Resource = Resource {
    kind: Kind::EventType,
    what: "event type",
    path: "/v1/event-types",
    area: Events,
    called_by: &[Call::Name],
};

/// Begins the cursors that stand for a place among Tieline's own types, which follow the tenant's.
const OWN_CURSOR: &str = "own_";

/// What is said of an event type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"description": "An order was placed.", "schema": {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}, "example": {"total": 99.5}, "validate": "reject"}))]
pub struct EventTypeBody {
    /// When it happens, for people: at most 500 characters.
    #[serde(default)]
    description: Option<String>,
    /// What its `data` looks like: JSON Schema 2020-12, up to 64 KiB; anything if absent.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    schema: Option<Value>,
    /// An example of its `data`, which fits the schema.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    example: Option<Value>,
    /// Whether `POST /v1/events` refuses events of this type that do not fit: `off` or `reject`.
    #[serde(default)]
    #[schema(value_type = String, default = "off")]
    validate: Validate,
}

/// A new event type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "order.created", "description": "An order was placed.", "schema": {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}, "example": {"total": 99.5}, "validate": "reject"}))]
pub struct NewEventType {
    /// The type, such as `order.created`.
    #[schema(value_type = String)]
    name: EventType,
    /// When it happens, for people: at most 500 characters.
    #[serde(default)]
    description: Option<String>,
    /// What its `data` looks like: JSON Schema 2020-12, up to 64 KiB; anything if absent.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    schema: Option<Value>,
    /// An example of its `data`, which fits the schema.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    example: Option<Value>,
    /// Whether `POST /v1/events` refuses events of this type that do not fit: `off` or `reject`.
    #[serde(default)]
    #[schema(value_type = String, default = "off")]
    validate: Validate,
}

same_fields!(EventTypeBody => Definition {
    description, schema, example, validate
});

/// An event type.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "order.created", "origin": "tenant", "description": "An order was placed.", "schema": {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}, "example": {"total": 99.5}, "validate": "reject", "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z"}))]
pub struct EventTypeView {
    /// The type.
    name: String,
    /// `tieline`: published by Tieline itself and always the same; `tenant`: your own.
    origin: &'static str,
    /// When it happens.
    description: Option<String>,
    /// What its `data` looks like: JSON Schema 2020-12.
    #[schema(value_type = Option<Value>)]
    schema: Option<Value>,
    /// An example of its `data`.
    #[schema(value_type = Option<Value>)]
    example: Option<Value>,
    /// Whether `POST /v1/events` refuses events of this type that do not fit: `off` or `reject`.
    #[schema(value_type = String)]
    validate: Validate,
    /// When it was made; null for Tieline's own.
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    /// When it was last changed; null for Tieline's own.
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
}

impl EventTypeView {
    fn of(document: Document) -> Result<Self, Problem> {
        let Definition {
            description,
            schema,
            example,
            validate,
        } = content(&document)?;
        Ok(Self {
            name: document.name.unwrap_or_default(),
            origin: "tenant",
            description,
            schema,
            example,
            validate,
            created_at: Some(document.created_at),
            updated_at: Some(document.updated_at),
        })
    }
}

impl View for EventTypeView {
    async fn read(_: &App, document: Document) -> Result<Self, Problem> {
        Self::of(document)
    }
}

impl From<&OwnType> for EventTypeView {
    fn from(own: &OwnType) -> Self {
        let OwnType {
            name,
            description,
            schema,
            example,
            also_yours: _,
        } = own;
        Self {
            name: name.clone(),
            origin: "tieline",
            description: Some(description.clone()),
            schema: Some(schema.clone()),
            example: Some(example.clone()),
            validate: Validate::Off,
            created_at: None,
            updated_at: None,
        }
    }
}

/// List the event types
///
/// Your own, the newest first, then those that Tieline publishes.
#[utoipa::path(get, path = "/event-types", operation_id = "list_event_types", tag = "Events", params(Page),
    extensions(("x-required-scope" = json!("events:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<EventTypeView>, Problem> {
    caller.require(Events, Right::Read)?;
    let cursor = page.cursor.as_deref().unwrap_or_default();
    let among_own = cursor.strip_prefix(OWN_CURSOR);
    let mut data = Vec::new();
    let mut begin = among_own.and_then(|at| at.parse().ok()).unwrap_or(0);
    if among_own.is_none() {
        let request: PageRequest = page.request();
        let found = app
            .store
            .list_documents(caller.tenant_id, Kind::EventType, &request)
            .await?;
        for document in found.items {
            data.push(EventTypeView::of(document)?);
        }
        if found.next.is_some() {
            return Ok(ListView {
                data,
                next_cursor: found.next,
            });
        }
        begin = 0;
    }
    let room = page.limit - data.len();
    data.extend(OWN.iter().skip(begin).take(room).map(Into::into));
    let next = begin.saturating_add(room);
    Ok(ListView {
        data,
        next_cursor: (next < OWN.len()).then(|| format!("{OWN_CURSOR}{next}")),
    })
}

/// Register an event type
///
/// With what its content looks like, for those who receive it; and, where asked, checked when it is
/// published.
#[utoipa::path(post, path = "/event-types", operation_id = "create_event_type", tag = "Events",
    extensions(("x-required-scope" = json!("events:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewEventType>,
) -> Result<Created<EventTypeView>, Problem> {
    caller.require(Events, Right::Write)?;
    let NewEventType {
        name,
        description,
        schema,
        example,
        validate,
    } = new;
    let definition = Definition {
        description,
        schema,
        example,
        validate,
    };
    let mut violations = violations(&definition);
    if event_type::own(name.as_str()).is_some() {
        let detail = format!("`{name}` is a type of Tieline's own; choose another one");
        violations.push(Violation::new("/name", detail));
    }
    Problem::check(violations)?;
    let by = caller.change(&app);
    let new = NewDocument {
        tenant_id: caller.tenant_id,
        kind: Kind::EventType,
        id: EventTypeId::new(by.at, random()).to_string(),
        name: Some(name.to_string()),
        body: body(&definition),
        sealed: Vec::new(),
        destination: false,
    };
    let made = app.store.create_document(new, &by).await?;
    app.registry.forget_event_types(caller.tenant_id).await;
    let segment: String = url::form_urlencoded::byte_serialize(name.as_str().as_bytes()).collect();
    let (location, version) = (format!("/v1/event-types/{segment}"), made.version);
    Ok(Created::new(location, EventTypeView::of(made)?).version(version))
}

/// Show an event type
#[utoipa::path(get, path = "/event-types/{name}", operation_id = "get_event_type", tag = "Events",
    params(("name" = String, Path, description = "The type", example = "order.created")),
    extensions(("x-required-scope" = json!("events:read"))))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<EventType>,
) -> Result<Shown<EventTypeView>, Problem> {
    caller.require(Events, Right::Read)?;
    if let Some(own) = event_type::own(name.as_str()) {
        return Ok(Shown::new(own.into()));
    }
    EVENT_TYPES.show(&app, &caller, &name).await
}

/// Replace an event type
#[utoipa::path(put, path = "/event-types/{name}", operation_id = "replace_event_type", tag = "Events",
    params(IfMatchHeader, ("name" = String, Path, description = "The type", example = "order.created")),
    extensions(("x-required-scope" = json!("events:write"))))]
pub async fn replace(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<EventType>,
    condition: IfMatch,
    Json(new): Json<EventTypeBody>,
) -> Result<Shown<EventTypeView>, Problem> {
    let before = changeable(&app, &caller, &name, &condition).await?;
    write(&app, &caller, before, new.into()).await
}

/// Change an event type
#[utoipa::path(patch, path = "/event-types/{name}", operation_id = "update_event_type", tag = "Events",
    params(IfMatchHeader, ("name" = String, Path, description = "The type", example = "order.created")),
    request_body(content = Object, description = "What is to change (JSON Merge Patch, RFC 7396): fields that are given replace those that were, and `null` removes one", example = json!({"validate": "reject"})),
    extensions(("x-required-scope" = json!("events:write"))))]
pub async fn update(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<EventType>,
    condition: IfMatch,
    Json(patch): Json<Map<String, Value>>,
) -> Result<Shown<EventTypeView>, Problem> {
    let before = changeable(&app, &caller, &name, &condition).await?;
    let new: EventTypeBody = patched(&app, &before, patch)?;
    write(&app, &caller, before, new.into()).await
}

/// Delete an event type
///
/// Events of the type can still be published; nothing is checked then.
#[utoipa::path(delete, path = "/event-types/{name}", operation_id = "delete_event_type", tag = "Events",
    params(IfMatchHeader, ("name" = String, Path, description = "The type", example = "order.created")),
    extensions(("x-required-scope" = json!("events:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(name): Id<EventType>,
    condition: IfMatch,
) -> Result<NoContent, Problem> {
    let before = changeable(&app, &caller, &name, &condition).await?;
    let (tenant, version) = (caller.tenant_id, Some(before.version));
    let by = caller.change(&app);
    app.store
        .delete_document(tenant, Kind::EventType, &before.id, version, &by)
        .await?;
    app.registry.forget_event_types(tenant).await;
    Ok(NoContent)
}

/// The event type of the tenant that the caller may change, as the caller last saw it.
async fn changeable(
    app: &App,
    caller: &Caller,
    name: &EventType,
    condition: &IfMatch,
) -> Result<Document, Problem> {
    caller.require(Events, Right::Write)?;
    if event_type::own(name.as_str()).is_some() {
        let detail = format!("`{name}` is a type of Tieline's own, which does not change");
        return Err(Problem::new(Code::Conflict, detail));
    }
    let called = EVENT_TYPES.changeable(app, caller, name, condition);
    called.await
}

async fn write(
    app: &App,
    caller: &Caller,
    before: Document,
    definition: Definition,
) -> Result<Shown<EventTypeView>, Problem> {
    Problem::check(violations(&definition))?;
    let replacement = Replacement {
        name: before.name,
        body: body(&definition),
        expected: Some(before.version),
    };
    let (tenant, by) = (caller.tenant_id, caller.change(app));
    let written = app
        .store
        .replace_document(tenant, Kind::EventType, &before.id, replacement, &by)
        .await?;
    app.registry.forget_event_types(tenant).await;
    EVENT_TYPES.shown(app, written).await
}

fn violations(definition: &Definition) -> Vec<Violation> {
    let description = definition.description.as_deref();
    let mut found = label::description("/description", description);
    found.extend(definition.violations());
    found
}

fn body(definition: &Definition) -> String {
    serde_json::to_string(definition).expect("a definition holds only what JSON can express")
}
