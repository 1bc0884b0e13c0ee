//! Mappings as the API takes and shows them.

use serde::Serialize;
use serde_json::{Map, Value};
use tieline_domain::Timestamp;
use tieline_mapping::plan::Notice;
use tieline_store::documents::Document;
use utoipa::ToSchema;

use super::{document::content, problem::Problem};
use crate::mappings::Written;

/// A mapping as its author writes it. The guide to mappings tells all forms of rules.
#[derive(ToSchema)]
#[schema(example = json!({"name": "contacts", "direction": "both", "mappings": [{"source": "first_name", "target": "FirstName", "transformation": "trim"}, {"source": "email", "target": "Email", "transformation": "lowercase", "reverse": [], "validation": "email", "required": true}, {"source": "priority", "target": "Priority", "transformation": "lookup", "table": "priorities"}], "lookup_tables": {"priorities": {"low": "P3", "high": "P1"}}}))]
#[expect(dead_code, reason = "describes what `Written::read` reads")]
pub struct MappingBody {
    /// A name that is unique among the tenant's mappings, by which it can be addressed.
    name: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// The provider on the external side, whose default mappings hold where `mappings` are canonical keys: `salesforce`,
    /// `hubspot` or `zendesk`.
    provider: Option<String>,
    /// The kind of record, such as `contact`.
    object: Option<String>,
    /// `to_external`, `from_external` or `both`.
    direction: Option<String>,
    /// The rules: a list, one rule, or an object of canonical keys and external fields.
    #[schema(value_type = Option<Value>)]
    mappings: Option<Value>,
    /// Tables for the function `lookup`, by name: each an object of at most 10,000 entries.
    #[schema(value_type = Option<Object>)]
    lookup_tables: Option<Value>,
}

/// A mapping.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "map_01kb3f9z5qf8m9w2v7x4t6n0hm", "name": "contacts", "mappings": [{"source": "email", "target": "Email", "transformation": "lowercase", "validation": "email", "required": true}], "notices": [], "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z"}))]
pub struct MappingView {
    /// Its id.
    id: String,
    /// Its unique name.
    #[schema(nullable)]
    name: Option<String>,
    /// What its author wrote.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    written: Map<String, Value>,
    /// What holds of it and may not be meant: rules that run one way in a mapping for both.
    #[schema(value_type = Vec<Object>)]
    notices: Vec<Notice>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl MappingView {
    pub(super) fn of(document: Document) -> Result<Self, Problem> {
        let mut written: Map<String, Value> = content(&document)?;
        let notices = Written::read(written.clone()).map(|read| read.plan.notices().to_vec());
        written.shift_remove("name");
        Ok(Self {
            id: document.id,
            name: document.name,
            written,
            notices: notices.unwrap_or_default(),
            created_at: document.created_at,
            updated_at: document.updated_at,
        })
    }
}
