//! What the document promises: completeness, unique ids, no dead reference.

use super::*;

fn each(mut check: impl FnMut(&str, &str, &Value)) {
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            check(path, method, operation);
        }
    }
}

#[test]
fn every_operation_is_documented_in_full() {
    let mut faults = Vec::new();
    each(|path, method, operation| {
        let mut demand = |met: bool, what: &str| {
            if !met {
                faults.push(format!("{method} {path} lacks {what}"));
            }
        };
        demand(
            operation["summary"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "a summary",
        );
        demand(operation["operationId"].is_string(), "an operation id");
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        demand(TAGS.iter().any(|(name, _)| *name == tag), "one of the tags");
        for media in content(operation.get("requestBody")) {
            demand(media.get("example").is_some(), "an example of its body");
        }
        let responses = operation["responses"].as_object().unwrap();
        let good: Vec<_> = responses
            .iter()
            .filter(|(status, _)| status.starts_with('2'))
            .collect();
        demand(!good.is_empty(), "an answer for success");
        for (status, response) in good {
            let shown = content(Some(response)).all(|media| media.get("example").is_some());
            demand(
                shown && (status == "204" || response.get("content").is_some()),
                "an example of its answer",
            );
        }
        let open = is_open(operation) && method == "get";
        demand(
            open || responses.keys().any(|status| status.starts_with('4')),
            "a 4xx answer",
        );
        demand(is_open(operation) || responses.contains_key("401"), "a 401");
        let named = operation["parameters"].as_array().into_iter().flatten();
        let named = named.filter(|parameter| parameter["in"] == "path").count();
        demand(
            named == path.matches('{').count(),
            "the parameters of its path",
        );
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

fn content(holder: Option<&Value>) -> impl Iterator<Item = &Value> {
    holder
        .and_then(|holder| holder["content"].as_object())
        .into_iter()
        .flat_map(Map::values)
}

#[test]
fn operation_ids_are_unique() {
    let mut ids = std::collections::BTreeSet::new();
    each(|path, method, operation| {
        assert!(
            ids.insert(operation["operationId"].to_string()),
            "{method} {path}"
        );
    });
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(map) => {
                if let Some(path) = map.get("$ref").and_then(Value::as_str) {
                    let found = document.pointer(path.trim_start_matches('#'));
                    assert!(found.is_some(), "{path}");
                }
                open.extend(map.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert_eq!(document["openapi"], "3.1.0");
    assert!(!document.to_string().contains(SCHEMAS));
}
