//! Making and changing mappings: a document, and what is checked before it is kept.

use std::sync::Arc;

use rand::random;
use serde_json::{Map, Value};
use tieline_domain::{MappingId, TenantId, Violation};
use tieline_mapping::{
    Fault,
    batch::{Apply, Line},
    plan::{Issue, Plan, Way},
    rules::{Definition, Overrides},
};
use tieline_store::{
    self as store, ChangeBy, Store,
    documents::{Document, Kind, NewDocument, Replacement},
};

use crate::{registry::Registry, telemetry};

/// What a mapping is called by that would hide it behind another path of the API.
const RESERVED: [&str; 4] = ["functions", "check", "suggest", "preview"];
/// The most characters of a mapping's name.
const MAX_NAME: usize = 200;

/// Why a mapping was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something is wrong with what was asked for.
    #[error("what was asked for is not valid")]
    Invalid(Vec<Violation>),
    /// The store failed, or refused.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A mapping as its author wrote it, read and compiled.
pub struct Written {
    /// As it is kept and shown.
    pub body: Map<String, Value>,
    /// What it says.
    pub definition: Definition,
    /// Ready to run.
    pub plan: Arc<Plan>,
}

/// Makes and changes mappings; clones share what they need.
#[derive(Clone)]
pub struct Mappings {
    store: Store,
    registry: Registry,
}

impl Written {
    /// Reads and compiles a mapping, or lists everything that is wrong with it. A body that is one rule by itself
    /// (seed 001) is a mapping of that rule.
    pub fn read(body: Map<String, Value>) -> Result<Self, Vec<Violation>> {
        let alone = is_one_rule(&body);
        let body = if alone {
            Map::from_iter([("mappings".to_owned(), Value::Object(body))])
        } else {
            body
        };
        let mut found = name_violations(&body);
        let document = Value::Object(body);
        let compiled = Definition::read(&document).and_then(|definition| {
            let plan = Plan::compile(&definition, &Overrides::default())?;
            Ok((definition, Arc::new(plan)))
        });
        match (compiled, document) {
            (Ok((definition, plan)), Value::Object(body)) if found.is_empty() => Ok(Self {
                body,
                definition,
                plan,
            }),
            (compiled, _) => {
                let faults = compiled.err().unwrap_or_default();
                found.extend(faults.into_iter().map(|fault| violation(fault, alone)));
                Err(found)
            }
        }
    }

    fn text(&self) -> String {
        Value::Object(self.body.clone()).to_string()
    }

    fn name(&self) -> Option<String> {
        self.definition.name.clone()
    }
}

/// Why data is not passed on.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    /// In one sentence.
    pub reason: String,
    /// Each field that is to blame.
    pub errors: Vec<Issue>,
}

/// What a mapping makes of data that it does not reject.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// The data.
    pub data: Value,
    /// The optional fields that were left out because their values are invalid.
    pub warnings: Vec<Issue>,
}

/// What external data becomes here: backwards through a mapping that runs both ways, else as it is written.
pub fn inward(plan: &Plan, json: &str) -> Result<Mapped, Rejected> {
    let back = plan.runs(Way::FromExternal);
    let way = if back {
        Way::FromExternal
    } else {
        Way::ToExternal
    };
    through(plan, way, json)
}

/// What our data becomes outside: as the mapping is written.
pub fn outward(plan: &Plan, json: &str) -> Result<Mapped, Rejected> {
    let forth = plan.runs(Way::ToExternal);
    let way = if forth {
        Way::ToExternal
    } else {
        Way::FromExternal
    };
    through(plan, way, json)
}

/// The text was bounded when it came in, in size and depth.
fn through(plan: &Plan, way: Way, json: &str) -> Result<Mapped, Rejected> {
    let bounded = Apply {
        max_line: usize::MAX,
        max_depth: usize::MAX,
        ..Apply::new(plan, way)
    };
    let Some(line) = bounded.line(1, json.as_bytes()) else {
        return Err(Rejected {
            reason: "the mapping has no record to work on: the data is empty".to_owned(),
            errors: Vec::new(),
        });
    };
    let Line {
        line: _,
        output,
        unreadable,
        errors,
        warnings,
        more_issues,
    } = line;
    if let Some(data) = output {
        let left_out = warnings.len() + more_issues;
        if left_out > 0 {
            metrics::counter!(telemetry::MAPPING_LEFT_OUT_TOTAL).increment(left_out as u64);
        }
        return Ok(Mapped { data, warnings });
    }
    let faults = errors
        .iter()
        .map(|error| format!("{} {}", error.target, error.detail));
    let faults: Vec<_> = unreadable.into_iter().chain(faults.take(5)).collect();
    Err(Rejected {
        reason: format!("the mapping rejects the data: {}", faults.join("; ")),
        errors,
    })
}

fn is_one_rule(body: &Map<String, Value>) -> bool {
    let has = |name: &str| body.contains_key(name);
    !has("mappings") && (has("target") || has("target_field"))
}

/// A fault as the API tells it; that of a rule which is the whole body stands at the body's own fields.
fn violation(fault: Fault, alone: bool) -> Violation {
    let pointer = match fault.pointer.strip_prefix("/mappings") {
        Some(rest) if alone => rest.to_owned(),
        _ => fault.pointer,
    };
    Violation::new(pointer, fault.detail)
}

fn name_violations(body: &Map<String, Value>) -> Vec<Violation> {
    let Some(name) = body.get("name").and_then(Value::as_str) else {
        return Vec::new();
    };
    let mut found: Vec<_> = tieline_domain::violation::length("/name", name, 1, MAX_NAME)
        .into_iter()
        .collect();
    if name.chars().any(char::is_control) || name.contains('/') || name.trim() != name {
        let detail = "must be one line without slashes, and without spaces at its ends";
        found.push(Violation::new("/name", detail));
    }
    if RESERVED.contains(&name) || name.starts_with("map_") {
        let detail = "is the name of something else here; choose another one";
        found.push(Violation::new("/name", detail));
    }
    found
}

impl Mappings {
    /// Mappings of this store.
    pub fn new(store: Store, registry: Registry) -> Self {
        Self { store, registry }
    }

    /// Makes a mapping.
    pub async fn create(
        &self,
        tenant: TenantId,
        written: &Written,
        by: &ChangeBy,
    ) -> Result<Document, Error> {
        let new = NewDocument {
            tenant_id: tenant,
            kind: Kind::Mapping,
            id: MappingId::new(by.at, random()).to_string(),
            name: written.name(),
            body: written.text(),
            sealed: Vec::new(),
            destination: false,
        };
        let made = self.store.create_document(new, by).await?;
        self.registry.forget_mappings(tenant).await;
        Ok(made)
    }

    /// Replaces a mapping; `None` if there is none.
    pub async fn replace(
        &self,
        tenant: TenantId,
        id: &str,
        written: &Written,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<Option<Document>, Error> {
        let replacement = Replacement {
            name: written.name(),
            body: written.text(),
            expected,
        };
        let after = self
            .store
            .replace_document(tenant, Kind::Mapping, id, replacement, by)
            .await?;
        self.registry.forget_mappings(tenant).await;
        Ok(after)
    }

    /// Removes a mapping; false if there is none.
    pub async fn delete(
        &self,
        tenant: TenantId,
        id: &str,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<bool, Error> {
        let deleted = self
            .store
            .delete_document(tenant, Kind::Mapping, id, expected, by)
            .await?;
        self.registry.forget_mappings(tenant).await;
        Ok(deleted)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<Written, Vec<Violation>> {
        let Value::Object(body) = body else {
            panic!("{body} is no object");
        };
        Written::read(body)
    }

    #[test]
    fn a_rule_by_itself_is_a_mapping() {
        let rule = json!({"source_field": "a", "target_field": "b", "required": true});
        let written = read(rule.clone()).unwrap();
        assert_eq!(Value::Object(written.body), json!({"mappings": rule}));
        let wrong = json!({"source_field": "a", "target_field": "b", "transformation": "lowercas"});
        let found = read(wrong).err().unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].pointer, "/transformation");
    }

    #[test]
    fn names_lead_to_one_mapping_only() {
        for name in ["", "functions", "map_1", " a", "a/b", "a\nb"] {
            let found = read(json!({"name": name, "mappings": [{"source": "a", "target": "b"}]}));
            let found = found.err().unwrap_or_default();
            assert!(
                found.iter().all(|one| one.pointer == "/name") && !found.is_empty(),
                "{name:?}: {found:?}"
            );
        }
    }
}
