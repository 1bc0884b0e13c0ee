use serde_json::json;

use super::*;

#[test]
fn fields_that_cannot_be_written_are_red() {
    let rule = json!({"source": "a", "target": "b"});
    let target = |key: &str, value: bool| json!({"name": "b", key: value});
    let rows = [
        (target("read_only", true), Mode::Create, "error read_only"),
        (target("hidden", true), Mode::Update, "error hidden"),
        (
            target("createable", false),
            Mode::Create,
            "error not_createable",
        ),
        (target("createable", false), Mode::Update, "ok"),
        (
            target("updateable", false),
            Mode::Update,
            "error not_updateable",
        ),
        (
            target("updateable", false),
            Mode::Upsert,
            "warning not_updateable",
        ),
        (target("updateable", false), Mode::Create, "ok"),
        (
            json!({"name": "b", "updateable": false, "createable": false}),
            Mode::Upsert,
            "error read_only",
        ),
        (
            target("required", true),
            Mode::Create,
            "warning may_be_missing",
        ),
        (target("required", true), Mode::Update, "ok"),
    ];
    for (target, mode, expected) in rows {
        assert_eq!(
            one(rule.clone(), json!({"name": "a"}), target.clone(), mode),
            expected,
            "{target} {mode:?}"
        );
    }
    let required = json!({"source": "a", "target": "b", "required": true});
    assert_eq!(
        one(
            required,
            json!({"name": "a"}),
            target("required", true),
            Mode::Create
        ),
        "ok"
    );
}

#[test]
fn fields_that_are_not_there_and_fields_of_others() {
    let rows = [
        (
            json!({"source": "x", "target": "b"}),
            json!({"name": "a"}),
            json!({"name": "b"}),
            "warning unknown_source",
        ),
        (
            json!({"source": "a", "target": "bb"}),
            json!({"name": "a"}),
            json!({"name": "b"}),
            "error unknown_target",
        ),
        (
            json!({"source": "a", "target": "Account.Name"}),
            json!({"name": "a"}),
            json!({"name": "AccountId", "type": "reference"}),
            "error related_record",
        ),
        (
            json!({"source": "a[*].x", "target": "b[*].y"}),
            json!({"name": "a.x"}),
            json!({"name": "b[*].y"}),
            "ok",
        ),
        (
            json!({"source": "$.a[?@.x].y", "target": "b"}),
            json!({"name": "a"}),
            json!({"name": "b"}),
            "ok",
        ),
        (
            json!({"source": "a.deep", "target": "b"}),
            json!({"name": "a", "type": "object"}),
            json!({"name": "b"}),
            "ok",
        ),
        (
            json!({"source": "a", "target": "b"}),
            json!({"name": "a", "object": "company"}),
            json!({"name": "b", "object": "contact"}),
            "error other_object",
        ),
        (
            json!({"source": "a", "target": "b"}),
            json!({"name": "a", "hidden": true}),
            json!({"name": "b"}),
            "warning hidden",
        ),
    ];
    for (rule, source, target, expected) in rows {
        assert_eq!(
            one(rule.clone(), source, target, Mode::Upsert),
            expected,
            "{rule}"
        );
    }
}

#[test]
fn unknown_fields_are_not_judged() {
    let definition = Definition::read(&json!({"provider": "salesforce"})).expect("valid");
    let report = check(&definition, &Overrides::default(), &[], &[], Mode::Create);
    assert_eq!(
        (report.status, report.rules.len(), report.findings.len()),
        (Status::Ok, 8, 0)
    );
}

/// Seed 002's `contact.company` to `Account.Name`, against the fields that Salesforce describes.
#[test]
fn the_related_record_of_the_seed_is_red() {
    let definition =
        Definition::read(&json!({"provider": "salesforce", "object": "contact"})).expect("valid");
    let targets = fields(json!([
        {"name": "Email", "type": "email"}, {"name": "FirstName"}, {"name": "LastName", "required": true},
        {"name": "Phone", "type": "phone"}, {"name": "AccountId", "type": "reference", "references": "Account"}]));
    let report = check(
        &definition,
        &Overrides::default(),
        &[],
        &targets,
        Mode::Create,
    );
    let company = report
        .rules
        .iter()
        .find(|rule| rule.source == "contact.company")
        .expect("there");
    assert_eq!(said(company), "error related_record");
}

#[test]
fn fields_are_read_strictly() {
    let rows = [
        (json!({}), "", "fields are a list"),
        (
            json!([{"name": "a"}, {"name": "b", "readonly": true}]),
            "/source_fields/1",
            "unknown field `readonly`",
        ),
        (
            json!([{"type": "text"}]),
            "/source_fields/0",
            "missing field `name`",
        ),
        (
            json!(vec![json!({"name": "a"}); MAX_FIELDS + 1]),
            "",
            "at most 2000",
        ),
    ];
    for (list, pointer, detail) in rows {
        let fault = Field::read_list(&list, "/source_fields").expect_err("refused");
        assert!(
            fault.pointer.ends_with(pointer) && fault.detail.contains(detail),
            "{fault}"
        );
    }
}
