use serde_json::{Value, json};

use super::*;

mod bounds_and_traces;
mod faults;
mod way_back;

fn compile(document: &Value) -> Result<Plan, Vec<Fault>> {
    Plan::compile(&Definition::read(document)?, &Overrides::default())
}

fn plan(document: &Value) -> Plan {
    compile(document).unwrap_or_else(|faults| panic!("{document}: {faults:?}"))
}

fn rules(rules: Value) -> Plan {
    plan(&json!({"mappings": rules}))
}

/// Output, errors and warnings, each of these as "target code".
fn shown(outcome: &Outcome) -> Value {
    let issues = |issues: &[Issue]| -> Value {
        let code = |issue: &Issue| serde_json::to_value(issue.code).expect("valid");
        let line =
            |issue: &Issue| format!("{} {}", issue.target, code(issue).as_str().expect("text"));
        issues.iter().map(line).collect()
    };
    json!([
        outcome.output,
        issues(&outcome.errors),
        issues(&outcome.warnings)
    ])
}

#[test]
fn a_plan_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Plan>();
}

#[test]
fn absent_null_and_empty_are_three_things() {
    let optional = rules(json!([{"source": "a", "target": "b", "transformation": "trim"}]));
    let required =
        rules(json!([{"source": "a", "target": "b", "transformation": "trim", "required": true}]));
    let rows = [
        (
            json!({}),
            json!([{}, [], []]),
            json!([null, ["b missing"], []]),
        ),
        (
            json!({"a": null}),
            json!([{"b": null}, [], []]),
            json!([null, ["b null"], []]),
        ),
        (
            json!({"a": ""}),
            json!([{"b": ""}, [], []]),
            json!([null, ["b empty"], []]),
        ),
        (
            json!({"a": "  "}),
            json!([{"b": ""}, [], []]),
            json!([null, ["b empty"], []]),
        ),
        (
            json!({"a": " x "}),
            json!([{"b": "x"}, [], []]),
            json!([{"b": "x"}, [], []]),
        ),
        (
            json!({"a": 0}),
            json!([{"b": "0"}, [], []]),
            json!([{"b": "0"}, [], []]),
        ),
        (
            json!("no object"),
            json!([{}, [], []]),
            json!([null, ["b missing"], []]),
        ),
    ];
    for (record, as_optional, as_required) in rows {
        assert_eq!(
            shown(&optional.to_external(&record)),
            as_optional,
            "{record}"
        );
        assert_eq!(
            shown(&required.to_external(&record)),
            as_required,
            "{record}"
        );
    }
}

#[test]
fn a_record_is_rejected_with_all_its_errors_or_passed_on_whole() {
    let plan = rules(json!([
        {"source": "email", "target": "Email", "validation": "email", "required": true},
        {"source": "backup", "target": "Backup", "validation": "email"},
        {"source": "name", "target": "Name", "required": true},
        {"source": "tags", "target": "Tags", "transformation": "lowercase"}]));
    let rows = [
        (
            json!({"email": "a@b.de", "backup": "c@d.de", "name": "A", "tags": ["X"]}),
            json!([{"Email": "a@b.de", "Backup": "c@d.de", "Name": "A", "Tags": ["x"]}, [], []]),
        ),
        (
            json!({"email": "a@b.de", "backup": "nothing", "name": "A", "tags": {"no": "text"}}),
            json!([{"Email": "a@b.de", "Name": "A"}, [], ["Backup invalid", "Tags function"]]),
        ),
        (
            json!({"email": "nothing", "backup": "nothing"}),
            json!([null, ["Email invalid", "Name missing"], ["Backup invalid"]]),
        ),
        (
            json!({"email": "a@b.de", "backup": null, "name": "A"}),
            json!([{"Email": "a@b.de", "Backup": null, "Name": "A"}, [], []]),
        ),
    ];
    for (record, expected) in rows {
        assert_eq!(shown(&plan.to_external(&record)), expected, "{record}");
    }
    let outcome = plan.to_external(&json!({"name": "Ada", "email": "secret@"}));
    let error = serde_json::to_value(&outcome.errors[0]).expect("valid");
    assert_eq!(
        (&error["pointer"], &error["source"], &error["target"]),
        (&json!("/mappings/0"), &json!("email"), &json!("Email"))
    );
    assert!(!error.to_string().contains("secret@"), "{error}");
}

#[test]
fn targets_nest_and_lists_are_mapped_item_by_item() {
    let plan = rules(json!([
        {"source": "company", "target": "Account.Name"},
        {"source": "city", "target": "Account.Address.City"},
        {"source": "work", "target": "emails[1].value"},
        {"source": "home", "target": "emails[0].value"},
        {"source": "lines[*].sku", "target": "Items[*].Code", "transformation": "uppercase"},
        {"source": "lines[*].qty", "target": "Items[*].Quantity"},
        {"source": "$.lines[*].sku", "target": "Codes"},
        {"source": "$.lines[?@.main].sku", "target": "Main"}]));
    let rows = [
        (
            json!({"company": "Acme", "work": "w@x", "lines": [{"sku": "a", "qty": 1}, {"sku": "b", "main": true}]}),
            json!({"Account": {"Name": "Acme"}, "emails": [{"value": "w@x"}],
                "Items": [{"Code": "A", "Quantity": 1}, {"Code": "B"}], "Codes": ["a", "b"], "Main": "b"}),
        ),
        (
            json!({"city": null, "lines": []}),
            json!({"Account": {"Address": {"City": null}}, "Items": []}),
        ),
        (
            json!({"home": "h", "work": "w"}),
            json!({"emails": [{"value": "h"}, {"value": "w"}]}),
        ),
        (json!({"lines": "none"}), json!({})),
    ];
    for (record, expected) in rows {
        assert_eq!(plan.to_external(&record).output, Some(expected), "{record}");
    }
}

#[test]
fn an_invalid_item_is_dropped_or_rejects() {
    let rule = |required: bool| {
        rules(
            json!([{"source": "to[*].mail", "target": "cc[*]", "validation": "email", "required": required}]),
        )
    };
    let rows = [
        (
            json!({"to": [{"mail": "a@b.de"}, {"mail": "x"}, {"mail": "c@d.de"}]}),
            json!([{"cc": ["a@b.de", "c@d.de"]}, [], ["cc[1] invalid"]]),
            json!([null, ["cc[1] invalid"], []]),
        ),
        (
            json!({"to": [{}]}),
            json!([{"cc": []}, [], []]),
            json!([null, ["cc[0] missing"], []]),
        ),
        (
            json!({"to": []}),
            json!([{"cc": []}, [], []]),
            json!([null, ["cc[*] missing"], []]),
        ),
        (
            json!({}),
            json!([{}, [], []]),
            json!([null, ["cc[*] missing"], []]),
        ),
    ];
    for (record, optional, required) in rows {
        assert_eq!(
            shown(&rule(false).to_external(&record)),
            optional,
            "{record}"
        );
        assert_eq!(
            shown(&rule(true).to_external(&record)),
            required,
            "{record}"
        );
    }
}

#[test]
fn a_rule_may_read_what_another_has_written() {
    let list = json!([
        {"source": "@.FullName", "target": "Greeting", "transformation": ["uppercase"]},
        {"source": ["first", "last"], "target": "FullName", "transformation": "concat", "separator": " "},
        {"source": ["@.Greeting", "@.FullName"], "target": "Both", "transformation": "concat", "separator": "/"}]);
    let record = json!({"first": "Ada", "last": "Lovelace"});
    let expected = json!({"FullName": "Ada Lovelace", "Greeting": "ADA LOVELACE", "Both": "ADA LOVELACE/Ada Lovelace"});
    assert_eq!(rules(list).to_external(&record).output, Some(expected));
}

#[test]
fn a_fixed_value_needs_no_source() {
    let plan = rules(
        json!([{"target": "Source", "transformation": {"name": "constant", "value": "Tieline"}}]),
    );
    assert_eq!(
        plan.to_external(&json!({})).output,
        Some(json!({"Source": "Tieline"}))
    );
}
