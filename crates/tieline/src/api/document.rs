//! Configuration objects as the store keeps them: read, patched, and what is wrong with them.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tieline_store::{self as store, documents::Document};

use super::{json, problem::Problem};
use crate::{app::App, publish, webhooks};

/// The content of a document.
pub(super) fn content<T: DeserializeOwned>(document: &Document) -> Result<T, Problem> {
    content_of(&document.body)
}

/// What the body of a document says.
pub(super) fn content_of<T: DeserializeOwned>(body: &str) -> Result<T, Problem> {
    serde_json::from_str(body).map_err(|error| store::Error::Content(error.to_string()).into())
}

/// The content of a document with a JSON Merge Patch (RFC 7396) applied, read as a client's whole object
/// is read, so that its faults are told in the same words.
pub(super) fn patched<T: DeserializeOwned>(
    app: &App,
    document: &Document,
    patch: Map<String, Value>,
) -> Result<T, Problem> {
    patched_as(app, content(document)?, patch)
}

/// The same of what a document is to a client.
pub(super) fn patched_as<T: DeserializeOwned>(
    app: &App,
    mut whole: Value,
    patch: Map<String, Value>,
) -> Result<T, Problem> {
    merge(&mut whole, Value::Object(patch));
    json::parse(
        whole.to_string().as_bytes(),
        app.config.limits.json_depth_max,
    )
}

/// Applies a JSON Merge Patch (RFC 7396).
pub(super) fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (key, value) in patch {
        let Some(object) = target.as_object_mut() else {
            return;
        };
        if value.is_null() {
            object.shift_remove(&key);
        } else {
            merge(object.entry(key).or_insert(Value::Null), value);
        }
    }
}

impl From<webhooks::Error> for Problem {
    fn from(error: webhooks::Error) -> Self {
        match error {
            webhooks::Error::Invalid(violations) => violations.into(),
            webhooks::Error::Store(error) => error.into(),
            webhooks::Error::Vault(error) => error.into(),
            webhooks::Error::Registry(error) => publish::Error::from(error).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patches_are_merged_as_rfc_7396_shows() {
        let rows = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ];
        for (mut target, patch, expected) in rows {
            let shown = format!("{target} + {patch}");
            merge(&mut target, patch);
            assert_eq!(target, expected, "{shown}");
        }
    }
}
