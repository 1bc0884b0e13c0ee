//! Views that show everything a request had, and more.
//!
//! Such a view is described as the body of the request together with its own fields. The body takes no other
//! fields, so that nothing could be both: the two are described as one object instead.

use std::mem;

use serde_json::{Map, Value, json};

/// Describes as one object whatever consists of parts of which one is closed.
pub(super) fn merge(schemas: &mut Map<String, Value>) {
    let closed = |part: &Value| resolved(schemas, part)["additionalProperties"] == false;
    let mixed = |(_, schema): &(&String, &Value)| {
        let mut parts = schema["allOf"].as_array().into_iter().flatten();
        parts.any(closed)
    };
    let names: Vec<String> = schemas
        .iter()
        .filter(mixed)
        .map(|(name, _)| name.clone())
        .collect();
    for name in names {
        let whole = merged(schemas, &schemas[&name]);
        schemas.insert(name, whole);
    }
}

/// What a part is: the schema that it refers to, or itself.
fn resolved<'a>(schemas: &'a Map<String, Value>, part: &'a Value) -> &'a Value {
    let name = part["$ref"].as_str().and_then(|to| to.rsplit('/').next());
    name.and_then(|name| schemas.get(name)).unwrap_or(part)
}

fn merged(schemas: &Map<String, Value>, schema: &Value) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let part = resolved(schemas, part);
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    let mut whole = schema.clone();
    if let Some(whole) = whole.as_object_mut() {
        mem::take(whole)
            .into_iter()
            .filter(|(key, _)| key != "allOf")
            .chain([
                ("type".to_owned(), json!("object")),
                ("required".to_owned(), required.into()),
                ("properties".to_owned(), properties.into()),
            ])
            .for_each(|(key, value)| {
                whole.insert(key, value);
            });
    }
    whole
}
