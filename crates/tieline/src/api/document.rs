//! Configuration objects as the store keeps them: read, patched, and what is wrong with them.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tieline_domain::TenantId;
use tieline_store::{
    self as store,
    documents::{Document, Kind},
};

use super::{
    caller::Caller,
    json,
    problem::{Code, Problem},
};
use crate::{
    app::App,
    publish,
    references::{self, Target},
    webhooks,
};

/// What an object's id and its kind are called in the API.
pub(super) const WEBHOOK: &str = "webhook";

/// A document of the tenant; 404 if there is none.
pub(super) async fn find(
    app: &App,
    tenant: TenantId,
    kind: Kind,
    id: &str,
) -> Result<Document, Problem> {
    let found = app.store.find_document(tenant, kind, id).await?;
    found.ok_or_else(|| Problem::not_found(WEBHOOK))
}

/// Refuses to remove what something else uses; `targets` are the ways in which that may name it.
pub(super) async fn unused(
    app: &App,
    caller: &Caller,
    what: &str,
    targets: &[Target],
) -> Result<(), Problem> {
    let users = references::users(&app.store, caller.tenant_id, targets).await?;
    if users.is_empty() {
        return Ok(());
    }
    let users = references::shown(&users);
    let detail = format!("the {what} is used by {users}; change or delete that first");
    Err(Problem::new(Code::InUse, detail))
}

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
    let mut whole = content(document)?;
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
