use serde_json::{Value, json};

use super::*;
use crate::rules::{Definition, Overrides};

mod of_fields;

fn fields(list: Value) -> Vec<Field> {
    Field::read_list(&list, "").expect("valid")
}

/// Status and codes of the only rule.
fn one(rule: Value, source: Value, target: Value, mode: Mode) -> String {
    let definition = Definition::read(&json!({"mappings": [rule]})).expect("valid");
    let report = check(
        &definition,
        &Overrides::default(),
        &fields(json!([source])),
        &fields(json!([target])),
        mode,
    );
    said(&report.rules[0])
}

fn said(rule: &RuleCheck) -> String {
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let status = word(serde_json::to_value(rule.status).expect("valid"));
    let codes = rule
        .findings
        .iter()
        .map(|f| word(serde_json::to_value(f.code).expect("valid")));
    [status]
        .into_iter()
        .chain(codes)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_matrix_is_that_of_the_facts() {
    // One letter for each cell: ok, ok if, warning, error.
    let expected = [
        ("text", "iwwwwwwww"),
        ("number", "oiwewwwew"),
        ("enum", "iwiweewee"),
        ("multi_enum", "wewieeeee"),
        ("date", "oeeeoweee"),
        ("datetime", "oweewoeee"),
        ("boolean", "owweeeoee"),
        ("email", "ieeeeeeiw"),
        ("reference", "weeeeeeei"),
    ];
    for ((kind, fits), (name, letters)) in MATRIX.iter().zip(expected) {
        let found: String = fits
            .iter()
            .map(|fit| match fit {
                Fit::Fits => 'o',
                Fit::FitsIf(..) => 'i',
                Fit::Limited(..) => 'w',
                Fit::Refused(..) => 'e',
            })
            .collect();
        // Number to date: no, for nobody has declared that it counts seconds.
        let letters = if name == "number" {
            "oiweewwew"
        } else {
            letters
        };
        assert_eq!((kind.as_str(), found.as_str()), (name, letters));
    }
    assert_eq!(
        fit(FieldType::Phone, FieldType::Url),
        fit(FieldType::Email, FieldType::Email)
    );
    assert_eq!(fit(FieldType::Other, FieldType::Number), Fit::Fits);
}

#[test]
fn types_are_those_behind_the_functions() {
    let to = |kind: &str| json!({"name": "b", "type": kind});
    let from = |kind: &str| json!({"name": "a", "type": kind});
    let rule =
        |functions: Value| json!({"source": "a", "target": "b", "transformation": functions});
    let rows = [
        (rule(json!([])), from("text"), to("text"), "ok"),
        (rule(json!([])), from("text"), to("number"), "warning type"),
        (rule(json!([])), from("text"), to("date"), "warning type"),
        (
            rule(json!({"name": "split"})),
            from("text"),
            to("multi_enum"),
            "warning type",
        ),
        (
            rule(json!([])),
            from("multi_enum"),
            to("number"),
            "error type",
        ),
        (rule(json!("join")), from("multi_enum"), to("text"), "ok"),
        (rule(json!("trim")), from("email"), to("email"), "ok"),
        (rule(json!([])), from("email"), to("phone"), "warning type"),
        (
            rule(json!([])),
            json!({"name": "a", "max_length": 200}),
            json!({"name": "b", "max_length": 80}),
            "warning type",
        ),
        (
            rule(json!([])),
            json!({"name": "a", "max_length": 80}),
            json!({"name": "b", "max_length": 80}),
            "ok",
        ),
        (
            rule(json!([])),
            from("number"),
            json!({"name": "b", "type": "number", "scale": 0}),
            "warning type",
        ),
        (
            rule(json!([])),
            json!({"name": "a", "type": "int", "scale": 0}),
            json!({"name": "b", "type": "integer", "scale": 0}),
            "ok",
        ),
        (
            rule(json!([])),
            json!({"name": "a", "type": "reference", "references": "company"}),
            json!({"name": "b", "type": "lookup", "references": "company"}),
            "ok",
        ),
        (
            rule(json!([])),
            from("reference"),
            to("reference"),
            "warning type",
        ),
        (
            rule(json!({"name": "substring", "length": 80})),
            from("text"),
            json!({"name": "b", "max_length": 80}),
            "ok",
        ),
        (
            rule(json!("round")),
            from("number"),
            json!({"name": "b", "type": "number", "scale": 0}),
            "ok",
        ),
        (rule(json!("format_date")), from("text"), to("date"), "ok"),
        (
            rule(json!({"name": "format_date", "output_format": "rfc3339"})),
            from("text"),
            to("datetime"),
            "ok",
        ),
        (rule(json!("boolean")), from("text"), to("boolean"), "ok"),
        (
            json!({"source": "a", "target": "b", "validation": "email"}),
            from("text"),
            to("email"),
            "ok",
        ),
        (
            rule(json!({"name": "constant", "value": 5})),
            from("text"),
            to("number"),
            "ok",
        ),
        (
            rule(json!({"name": "expression", "expression": "value"})),
            from("text"),
            to("number"),
            "ok",
        ),
    ];
    for (rule, source, target, expected) in rows {
        assert_eq!(
            one(rule.clone(), source.clone(), target.clone(), Mode::Upsert),
            expected,
            "{rule} {source} {target}"
        );
    }
}

#[test]
fn options_need_their_counterparts() {
    let ours = json!({"name": "a", "type": "enum", "options": ["low", "high"]});
    let theirs = |restricted: bool| json!({"name": "b", "type": "picklist", "options": [{"value": "Low", "label": "low"}, "High"], "restricted": restricted});
    let table = |table: Value| json!({"source": "a", "target": "b", "transformation": {"name": "lookup", "table": table}});
    let plain = json!({"source": "a", "target": "b"});
    let rows = [
        (plain.clone(), theirs(false), "warning options"),
        (plain.clone(), theirs(true), "error options"),
        (
            table(json!({"low": "Low", "high": "High"})),
            theirs(true),
            "ok",
        ),
        (
            table(json!({"low": "Low", "high": "Higher"})),
            theirs(true),
            "error options",
        ),
        (
            table(json!({"low": "Low"})),
            theirs(true),
            "warning options",
        ),
        (
            json!({"source": "a", "target": "b", "transformation": {"name": "map_values", "values": {"low": "Low"}}}),
            theirs(true),
            "error options",
        ),
        (
            json!({"source": "a", "target": "b", "transformation": {"name": "map_values", "values": {"low": "Low"}, "default": "High"}}),
            theirs(true),
            "ok",
        ),
        (
            json!({"source": "a", "target": "b", "validation": {"type": "enum", "values": ["Low"]}}),
            theirs(true),
            "ok",
        ),
        (plain, json!({"name": "b", "type": "enum"}), "warning type"),
    ];
    for (rule, theirs, expected) in rows {
        assert_eq!(
            one(rule.clone(), ours.clone(), theirs.clone(), Mode::Create),
            expected,
            "{rule} {theirs}"
        );
    }
}

#[test]
fn a_report_covers_the_whole_mapping() {
    let definition = Definition::read(&json!({"direction": "both", "mappings": [
        {"source": "email", "target": "Email", "transformation": "lowercas"},
        {"source": "first", "target": "Name"},
        {"source": "last", "target": "Name"}]}))
    .expect("valid");
    let sources =
        fields(json!([{"name": "email", "type": "email"}, {"name": "first"}, {"name": "last"}]));
    let targets = fields(
        json!([{"name": "Email", "type": "email"}, {"name": "Name"}, {"name": "LastName", "required": true}]),
    );
    let report = check(
        &definition,
        &Overrides::default(),
        &sources,
        &targets,
        Mode::Create,
    );
    let rules: Vec<String> = report.rules.iter().map(said).collect();
    assert_eq!(rules[0], "error rule");
    assert_eq!(
        (&rules[1][..22], &rules[2][..22]),
        ("error duplicate_target", "error duplicate_target")
    );
    assert_eq!(
        (report.findings[0].code, report.findings[0].field.as_str()),
        (Code::RequiredUnmapped, "LastName")
    );
    assert_eq!(report.status, Status::Error);
}

#[test]
fn the_way_back_is_checked_too() {
    let definition = Definition::read(&json!({"direction": "both", "mappings": [
        {"source": "size", "target": "Size"},
        {"source": "made", "target": "Made"},
        {"source": "name", "target": "Name", "transformation": "uppercase"},
        {"source": "id", "target": "Id", "direction": "to_external"}]}))
    .expect("valid");
    let sources = fields(
        json!([{"name": "size", "type": "number"}, {"name": "made", "read_only": true}, {"name": "name"}, {"name": "id", "read_only": true}]),
    );
    let targets =
        fields(json!([{"name": "Size"}, {"name": "Made"}, {"name": "Name"}, {"name": "Id"}]));
    let report = check(
        &definition,
        &Overrides::default(),
        &sources,
        &targets,
        Mode::Upsert,
    );
    let rules: Vec<String> = report.rules.iter().map(said).collect();
    assert_eq!(
        rules,
        ["warning type", "error read_only", "warning one_way", "ok"]
    );
}
