//! Tools and actions as clients write and read them: one shape, in which only the schema of the input has a name of
//! its own (seed 000).

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tieline_domain::{
    Timestamp,
    operation::{Class, Endpoint, Method, Operation, no_parameters},
    pace::RateLimit,
};
use tieline_store::documents::Document;
use utoipa::ToSchema;

use super::{document::content, fields::same_fields, problem::Problem};

/// The request that a tool or an action makes. Placeholders such as `{{name}}` and `{{secrets.NAME}}` stand in the path
/// and the query of `url`, in `query`, in `headers` and in the strings of `body_template`.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://your-api.com/customers/lookup", "method": "POST", "headers": {"Authorization": "Bearer {{secrets.CRM_API_KEY}}"}, "body_template": {"query": "{{identifier}}", "select": "{{fields}}"}}))]
pub struct EndpointBody {
    /// The URL, whole. Scheme, host and port are written out.
    url: String,
    /// The method: `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    #[schema(value_type = String)]
    method: Method,
    /// Headers: at most 50.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schema(value_type = Object)]
    headers: IndexMap<String, String>,
    /// Query parameters beside those of the URL: strings, numbers, true or false. One that is absent is left out; an
    /// array repeats the name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schema(value_type = Object)]
    query: IndexMap<String, Value>,
    /// The body. A string that is exactly one placeholder becomes the value with its JSON type; what is absent is left
    /// out with its key. Without it, the parameters that are used nowhere else are the body (POST, PUT, PATCH) or the
    /// query (GET, DELETE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    body_template: Option<Value>,
    /// The header in which the service takes an idempotency key, such as `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idempotency_header: Option<String>,
}

same_fields!(EndpointBody => Endpoint {
    url, method, headers, query, body_template, idempotency_header
});

same_fields!(Endpoint => EndpointBody {
    url, method, headers, query, body_template, idempotency_header
});

/// How fast a tool or an action may be called, on each node.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallRate {
    /// How many calls in any second: 1 to 10000.
    per_second: u32,
    /// How many may come at once after a pause; as many as `per_second` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    burst: Option<u32>,
}

impl From<CallRate> for RateLimit {
    fn from(rate: CallRate) -> Self {
        Self {
            per_second: rate.per_second,
            burst: rate.burst.unwrap_or(rate.per_second),
        }
    }
}

impl From<RateLimit> for CallRate {
    fn from(limit: RateLimit) -> Self {
        Self {
            per_second: limit.per_second,
            burst: (limit.burst != limit.per_second).then_some(limit.burst),
        }
    }
}

/// Declares the shape of one face: what it is made from, what is shown of it, and the ways between these and the
/// operation.
macro_rules! face {
    ($new:ident, $view:ident, $schema:ident, $alias:literal, $id:literal, $new_example:tt, $view_example:tt) => {
        #[doc = concat!("What ", $id, " is made from.")]
        #[derive(Debug, Deserialize, Serialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        #[schema(example = json!($new_example))]
        pub struct $new {
            /// Its name: 1 to 64 letters, digits, `_` and `-`; unique among the tools and actions of the tenant.
            name: String,
            /// Its name for people.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            title: Option<String>,
            /// What it does and when to use it, for the model that chooses: at most 4096 characters.
            #[serde(default)]
            description: String,
            /// What it takes: JSON Schema 2020-12 of an object, up to 64 KiB; nothing if absent.
            #[serde(default = "no_parameters", alias = $alias)]
            #[schema(value_type = Value)]
            $schema: Value,
            /// The request that it makes.
            endpoint: EndpointBody,
            /// What becomes of the answer: names and the JSONPath (RFC 9535) of their values; the whole answer if absent.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schema(value_type = Option<Object>)]
            output_mapping: Option<IndexMap<String, String>>,
            /// What comes out, for clients that want to know: JSON Schema 2020-12. It is not enforced.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schema(value_type = Option<Value>)]
            output_schema: Option<Value>,
            /// The connection that authorises it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            connection: Option<String>,
            /// How long a call may take, in seconds: 1 to 300; 30 if absent.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            timeout_seconds: Option<u32>,
            /// Whether doing it twice is the same as doing it once: only then a call is tried again by itself after an
            /// answer that failed. GET, PUT and DELETE are, unless this says no.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            idempotent: Option<bool>,
            /// What it does to the world: `read`, `write` or `destructive`. Absent: GET reads, DELETE is destructive,
            /// everything else writes.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schema(value_type = Option<String>)]
            class: Option<Class>,
            /// How fast it may be called.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            rate_limit: Option<CallRate>,
            /// How many calls of it may run at once, on each node: 1 to 10000.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            max_in_flight: Option<u32>,
            /// Words to find it by: at most 20.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            tags: Vec<String>,
        }

        impl From<$new> for Operation {
            fn from(new: $new) -> Self {
                Self {
                    name: new.name,
                    title: new.title,
                    description: new.description,
                    input_schema: new.$schema,
                    endpoint: new.endpoint.into(),
                    output_mapping: new.output_mapping,
                    output_schema: new.output_schema,
                    connection: new.connection,
                    timeout_seconds: new.timeout_seconds,
                    idempotent: new.idempotent,
                    class: new.class,
                    rate_limit: new.rate_limit.map(Into::into),
                    max_in_flight: new.max_in_flight,
                    tags: new.tags,
                }
            }
        }

        impl From<Operation> for $new {
            fn from(operation: Operation) -> Self {
                let Operation {
                    name,
                    title,
                    description,
                    input_schema,
                    endpoint,
                    output_mapping,
                    output_schema,
                    connection,
                    timeout_seconds,
                    idempotent,
                    class,
                    rate_limit,
                    max_in_flight,
                    tags,
                } = operation;
                Self {
                    name,
                    title,
                    description,
                    $schema: input_schema,
                    endpoint: endpoint.into(),
                    output_mapping,
                    output_schema,
                    connection,
                    timeout_seconds,
                    idempotent,
                    class,
                    rate_limit: rate_limit.map(Into::into),
                    max_in_flight,
                    tags,
                }
            }
        }

        #[doc = concat!("What is shown of ", $id, ".")]
        #[derive(Debug, Serialize, ToSchema)]
        #[schema(example = json!($view_example))]
        pub struct $view {
            /// Its id.
            id: String,
            /// What it was made from.
            #[serde(flatten)]
            made_from: $new,
            /// When it was made.
            #[schema(value_type = String, format = DateTime)]
            created_at: Timestamp,
            /// When it was last changed.
            #[schema(value_type = String, format = DateTime)]
            updated_at: Timestamp,
        }

        impl $view {
            /// What is shown of a document.
            pub(super) fn of(document: Document) -> Result<Self, Problem> {
                let operation: Operation = content(&document)?;
                Ok(Self {
                    id: document.id,
                    made_from: operation.into(),
                    created_at: document.created_at,
                    updated_at: document.updated_at,
                })
            }
        }
    };
}

face!(
    NewTool, ToolView, parameters, "input_schema", "a tool",
    {"name": "lookup_customer", "description": "Look up customer information by email or ID", "parameters": {"type": "object", "properties": {"identifier": {"type": "string", "description": "Customer email or ID"}, "fields": {"type": "array", "items": {"type": "string"}, "description": "Fields to return"}}, "required": ["identifier"]}, "endpoint": {"url": "https://your-api.com/customers/lookup", "method": "POST", "headers": {"Authorization": "Bearer {{secrets.CRM_API_KEY}}"}, "body_template": {"query": "{{identifier}}", "select": "{{fields}}"}}},
    {"id": "tool_01kb3f9z5qf8m9w2v7x4t6n0hc", "name": "lookup_customer", "description": "Look up customer information by email or ID", "parameters": {"type": "object", "properties": {"identifier": {"type": "string"}}, "required": ["identifier"]}, "endpoint": {"url": "https://your-api.com/customers/lookup", "method": "POST", "headers": {"Authorization": "Bearer {{secrets.CRM_API_KEY}}"}, "body_template": {"query": "{{identifier}}"}}, "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z"}
);

face!(
    NewAction, ActionView, input_schema, "parameters", "an action",
    {"name": "create_support_ticket", "description": "Create a support ticket in the help desk", "endpoint": {"url": "https://helpdesk.example.com/api/tickets", "method": "POST", "headers": {"Authorization": "Bearer {{secrets.HELPDESK_KEY}}"}}, "input_schema": {"type": "object", "properties": {"subject": {"type": "string"}, "priority": {"type": "string", "enum": ["low", "medium", "high"]}}, "required": ["subject"]}, "output_mapping": {"ticket_id": "$.id", "ticket_url": "$.web_url"}},
    {"id": "act_01kb3f9z5qf8m9w2v7x4t6n0hc", "name": "create_support_ticket", "description": "Create a support ticket in the help desk", "input_schema": {"type": "object", "properties": {"subject": {"type": "string"}}, "required": ["subject"]}, "endpoint": {"url": "https://helpdesk.example.com/api/tickets", "method": "POST", "headers": {"Authorization": "Bearer {{secrets.HELPDESK_KEY}}"}}, "output_mapping": {"ticket_id": "$.id"}, "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z"}
);
