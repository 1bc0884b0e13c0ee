use serde_json::{Value, json};

use super::{MAX_FAULTS, Schema, guard};

fn order() -> Schema {
    Schema::compile(&json!({
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "pattern": "^o-[0-9]+$"},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
            "email": {"format": "email"}
        },
        "additionalProperties": false,
        "$defs": {"line": {"type": "object", "properties": {"count": {"type": "integer", "minimum": 1}}}}
    }))
    .unwrap()
}

#[test]
fn documents_are_checked() {
    let rows = [
        (
            json!({"id": "o-1", "lines": [{"count": 1}], "email": "a@example.com"}),
            vec![],
        ),
        (json!({"id": "o-x"}), vec!["/id"]),
        (json!({"lines": []}), vec![""]),
        (
            json!({"id": "o-1", "lines": [{"count": 1}, {"count": 0}]}),
            vec!["/lines/1/count"],
        ),
        (json!({"id": "o-1", "a/b": 1}), vec![""]),
        (json!({"id": "o-1", "email": "nobody"}), vec!["/email"]),
        (json!([]), vec![""]),
    ];
    for (document, expected) in rows {
        let faults = order().faults(&document, document.to_string().len());
        let places: Vec<_> = faults.iter().map(|fault| &*fault.pointer).collect();
        assert_eq!(places, expected, "{document}: {faults:?}");
    }
}

#[test]
fn faults_are_few_and_do_not_repeat_the_document() {
    let long = "x".repeat(10_000);
    let many: Vec<_> = (0..100).map(|_| json!({"count": long})).collect();
    let faults = order().faults(&json!({"id": "o-1", "lines": many}), 1_000_000);
    assert_eq!(faults.len(), MAX_FAULTS);
    assert!(
        faults.iter().all(|fault| fault.detail.len() < 200),
        "{faults:?}"
    );
}

#[test]
fn bad_schemas_are_refused_with_the_place() {
    let deep = (0..40).fold(json!({}), |inner, _| json!({"not": inner}));
    // Each definition refers twice to the next: 2^30 visits if nothing stopped it.
    let mut doubling = json!({"$ref": "#/$defs/d0"});
    for i in 0..30 {
        let next = json!({"$ref": format!("#/$defs/d{}", i + 1)});
        doubling["$defs"][format!("d{i}")] = json!({"anyOf": [next, next]});
    }
    doubling["$defs"]["d30"] = json!({"type": "integer"});
    let twice = (0..15).fold(
        json!({}),
        |inner, _| json!({"allOf": [inner], "unevaluatedProperties": false}),
    );
    // The shallowest definition comes first, so that each link of the chain is known when it is followed.
    let mut chain = json!({"$defs": {"d0": {}}});
    for i in 1..100 {
        chain["$defs"][format!("d{i}")] = json!({"$ref": format!("#/$defs/d{}", i - 1)});
    }
    let rows: Vec<(Value, &str, &str)> = vec![
        (json!(1), "", "object, true or false"),
        (json!({"type": "strng"}), "/type", ""),
        (
            json!({"properties": {"a": {"minimum": "1"}}}),
            "/properties/a/minimum",
            "",
        ),
        (
            json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
            "/$schema",
            "2020-12",
        ),
        (
            json!({"properties": {"a": {"$ref": "https://example.com/s.json"}}}),
            "/properties/a/$ref",
            "never fetched",
        ),
        (
            json!({"$ref": "file:///etc/passwd"}),
            "/$ref",
            "never fetched",
        ),
        (json!({"$ref": "other.json#/a"}), "/$ref", "never fetched"),
        (json!({"$ref": "#/$defs/none"}), "/$ref", "does not point"),
        (json!({"not": {"$ref": "#/not"}}), "/not/$ref", "leads back"),
        (json!({"$ref": "#"}), "/$ref", ""),
        (
            json!({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}),
            "/$defs/a/items/$ref",
            "leads back",
        ),
        (json!({"$dynamicRef": "#a"}), "/$dynamicRef", "not taken"),
        (
            json!({"$defs": {"a": {"$anchor": "x"}}}),
            "/$defs/a/$anchor",
            "not taken",
        ),
        (
            json!({"items": {"$id": "https://example.com/x"}}),
            "/items/$id",
            "whole schema",
        ),
        (json!({"pattern": "(a"}), "/pattern", "opens a group"),
        (json!({"pattern": "((\\w{50}){50}){50}"}), "/pattern", ""),
        (
            json!({"patternProperties": {"(a": {}}}),
            "/patternProperties",
            "",
        ),
        (
            json!({"description": "x".repeat(guard::MAX_BYTES)}),
            "",
            "at most 65536 bytes",
        ),
        (deep, "/not/not", "32 levels"),
        (doubling, "/$defs", ""),
        (twice, "", "4096 parts"),
        (chain, "/$defs", "32 levels"),
    ];
    for (schema, pointer, says) in rows {
        let Err(faults) = Schema::compile(&schema) else {
            panic!("{schema} is taken");
        };
        let fault = &faults[0];
        assert!(fault.pointer.starts_with(pointer), "{schema}: {fault:?}");
        assert!(fault.detail.contains(says), "{schema}: {fault:?}");
    }
}

#[test]
fn names_that_look_like_keywords_are_no_keywords() {
    let schema = json!({"properties": {"$anchor": {"type": "string"}}, "const": {"$ref": "x"}});
    assert!(Schema::compile(&schema).is_ok());
    let hidden = json!({"properties": {"const": {"items": {"$ref": "#/properties/const"}}}});
    assert!(Schema::compile(&hidden).is_err());
}

#[test]
fn what_would_cost_too_much_is_refused_whole() {
    let wide: Vec<_> = (0..1_000).map(|n| json!({"const": n})).collect();
    let schema = Schema::compile(&json!({"items": {"anyOf": wide}})).unwrap();
    let document = json!(vec![2_000; 100_000]);
    let bytes = document.to_string().len();
    let begun = std::time::Instant::now();
    let faults = schema.faults(&document, bytes);
    assert!(faults[0].detail.contains("takes at most"), "{faults:?}");
    assert!(begun.elapsed().as_millis() < 500);
    assert!(schema.faults(&json!([1, 2]), 5).is_empty());
}
