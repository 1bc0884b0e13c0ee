use serde_json::{Value, json};

use super::*;

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

#[test]
fn the_way_back_undoes_what_can_be_undone() {
    let plan = plan(
        &json!({"direction": "both", "lookup_tables": {"priority": {"low": "P3", "high": "P1"}}, "mappings": [
        {"source": "email", "target": "Email", "validation": "email", "required": true},
        {"source": "priority", "target": "Priority", "transformation": "lookup", "table": "priority"},
        {"source": ["first", "last"], "target": "Name", "transformation": "concat", "separator": " "},
        {"source": "tags", "target": "Tags", "transformation": "join", "separator": ";"},
        {"source": "lines[*].sku", "target": "Items[*].Code"},
        {"source": "parts[*].no", "target": "Numbers"},
        {"source": "notes[*]", "target": "Notes"},
        {"source": "city", "target": "City", "transformation": "uppercase"},
        {"source": "zip", "target": "Zip", "transformation": "trim", "reverse": []},
        {"source": "state", "target": "State", "transformation": "uppercase", "direction": "to_external"},
        {"target": "Origin", "transformation": {"name": "constant", "value": "web"}}]}),
    );
    let record = json!({"email": "a@b.de", "priority": "low", "first": "Ada", "last": "Lovelace", "tags": ["x", "y"],
        "lines": [{"sku": "1"}, {"sku": "2"}], "parts": [{"no": 1}, {"no": 2}], "notes": ["n"], "zip": "75001"});
    let out = plan.to_external(&record);
    let external = out.output.expect("accepted");
    assert_eq!(external["Numbers"], json!([1, 2]));
    let back = plan.from_external(&external);
    assert_eq!(shown(&back), json!([record, [], []]), "{external}");
    let pointers: Vec<&str> = plan
        .notices()
        .iter()
        .map(|notice| notice.pointer.as_str())
        .collect();
    assert_eq!(
        pointers,
        ["/mappings/7"],
        "what does not come back unasked is told"
    );
    assert!(
        plan.notices()[0]
            .detail
            .starts_with("`uppercase` has no inverse here")
    );

    let rows = [
        (
            json!({"Email": "no address"}),
            json!([null, ["Email invalid"], []]),
        ),
        (
            json!({"Email": "a@b.de", "Name": "Ada King Lovelace"}),
            json!([{"email": "a@b.de"}, [], ["first parts", "last parts"]]),
        ),
        (
            json!({"Email": "a@b.de", "Name": null}),
            json!([{"email": "a@b.de", "first": null, "last": null}, [], []]),
        ),
        (
            json!({"Email": "a@b.de", "Priority": "P7"}),
            json!([{"email": "a@b.de"}, [], ["priority function"]]),
        ),
    ];
    for (external, expected) in rows {
        let back = plan.from_external(&external);
        let mut shown = shown(&back);
        if external["Email"] == "no address" {
            shown[1][0] = "Email invalid".into();
        }
        assert_eq!(shown, expected, "{external}");
    }
}

#[test]
fn a_mapping_runs_only_its_ways() {
    let rows = [
        ("to_external", true, false),
        ("from_external", false, true),
        ("both", true, true),
    ];
    for (direction, there, back) in rows {
        let plan =
            plan(&json!({"direction": direction, "mappings": [{"source": "a", "target": "b"}]}));
        assert_eq!(
            (plan.runs(Way::ToExternal), plan.runs(Way::FromExternal)),
            (there, back),
            "{direction}"
        );
        let outcome = plan.to_external(&json!({"a": 1}));
        assert_eq!(outcome.is_accepted(), there);
        if !there {
            assert_eq!(outcome.errors[0].code, IssueCode::Direction);
        }
    }
    let inbound = plan(
        &json!({"direction": "from_external", "mappings": [{"source": "Email", "target": "contact.email"}]}),
    );
    assert_eq!(
        inbound.from_external(&json!({"Email": 1})).output,
        Some(json!({"contact": {"email": 1}}))
    );
}

#[test]
fn every_fault_of_meaning_has_its_place() {
    let a_to = |target: &str| json!({"source": "a", "target": target});
    let rows = [
        (
            json!([{"source": "a", "target": "b", "transformation": "lowercas"}]),
            "/mappings/0/transformation",
            "the nearest is `lowercase`",
        ),
        (
            json!([{"source": "a", "target": "b", "transformation": ["trim", {"name": "upercase"}]}]),
            "/mappings/0/transformation/1/name",
            "the nearest is `uppercase`",
        ),
        (
            json!([{"source": "a", "target": "b", "transformation": {"name": "concat", "seperator": ","}}]),
            "/mappings/0/transformation/seperator",
            "the nearest is `separator`",
        ),
        (
            json!([{"source": "a", "target": "b", "transformation": "concat", "separator": 1}]),
            "/mappings/0/separator",
            "must be text",
        ),
        (
            json!([{"source": "a", "target": "b", "transformation": "lookup", "table": "countries"}]),
            "/mappings/0/table",
            "lookup_tables",
        ),
        (
            json!([{"source": "a", "target": "b", "transformation": {"name": "lookup"}}]),
            "/mappings/0/transformation",
            "needs `table`",
        ),
        (
            json!([{"source": "a", "target": "b", "validation": "emial"}]),
            "/mappings/0/validation",
            "the nearest is `email`",
        ),
        (
            json!([{"source": "a", "target": "b", "validation": {"pattern": "("}}]),
            "/mappings/0/validation/pattern",
            "",
        ),
        (
            json!([{"source": "", "target": "b"}]),
            "/mappings/0/source",
            "empty",
        ),
        (
            json!([{"source": ["a", "b..c"], "target": "b"}]),
            "/mappings/0/source/1",
            "a name is missing",
        ),
        (json!([a_to("")]), "/mappings/0/target", "empty"),
        (
            json!([a_to("$..b")]),
            "/mappings/0/target",
            "chooses among places",
        ),
        (
            json!([a_to("b[-1]")]),
            "/mappings/0/target",
            "from 0 to 999",
        ),
        (
            json!([a_to("b[1000]")]),
            "/mappings/0/target",
            "from 0 to 999",
        ),
        (
            json!([a_to("b"), a_to("b")]),
            "/mappings/1/target",
            "is written by /mappings/0/target too",
        ),
        (
            json!([a_to("b"), a_to("b.c")]),
            "/mappings/1/target",
            "one lies inside the other",
        ),
        (
            json!([a_to("b.c"), a_to("b")]),
            "/mappings/1/target",
            "one lies inside the other",
        ),
        (
            json!([a_to("b.c"), a_to("b[0]")]),
            "/mappings/1/target",
            "one wants names",
        ),
        (
            json!([{"source": "a", "target": "b[*]"}]),
            "/mappings/0/target",
            "as many [*], 1 where there are 0",
        ),
        (
            json!([{"source": ["a[*]"], "target": "b[*]"}]),
            "/mappings/0/target",
            "as many [*]",
        ),
        (
            json!([{"source": "@.Nmae", "target": "b"}, a_to("Name")]),
            "/mappings/0/source",
            "the nearest is `Name`",
        ),
        (
            json!([{"source": "@.c[*]", "target": "b"}, {"source": "a[*]", "target": "c[*]"}]),
            "/mappings/0/source",
            "item by item",
        ),
        (
            json!([{"source": "@.b", "target": "b"}]),
            "/mappings/0",
            "`b` need one another's result",
        ),
        (
            json!([{"source": "@.c", "target": "b"}, {"source": "@.b", "target": "c"}]),
            "/mappings/0",
            "`b`, `c` need one another's result",
        ),
        (
            json!([{"source": "a", "target": "b", "direction": "from_external"}]),
            "/mappings/0/direction",
            "runs `to_external`",
        ),
    ];
    for (rules, pointer, detail) in rows {
        let faults = compile(&json!({"mappings": rules})).expect_err("refused");
        assert_eq!(faults[0].pointer, pointer, "{rules}: {faults:?}");
        assert!(
            faults[0].detail.contains(detail),
            "{rules}: {}",
            faults[0].detail
        );
    }
    let searches: Vec<Value> = (0..9)
        .map(|n| json!({"source": format!("$..f{n}"), "target": format!("t{n}")}))
        .collect();
    let faults = compile(&json!({"mappings": searches})).expect_err("refused");
    assert_eq!(
        (faults.len(), faults[0].pointer.as_str()),
        (1, "/mappings/8/source")
    );
}

#[test]
fn what_cannot_come_back_is_refused_when_it_is_asked_for() {
    let rows = [
        (
            json!([{"source": "a", "target": "b"}, {"source": "a", "target": "c"}]),
            "/mappings/1/source",
            "on the way back, /mappings/0/source would write `a` too",
        ),
        (
            json!([{"source": "a", "target": "b"}, {"source": "a.x", "target": "c"}]),
            "/mappings/1/source",
            "would clash",
        ),
        (
            json!([{"source": "a", "target": "b", "transformation": "uppercase", "direction": "both"}]),
            "/mappings/0",
            "`uppercase` has no inverse here, so this rule cannot run back",
        ),
        (
            json!([{"source": "$..a", "target": "b", "direction": "both"}]),
            "/mappings/0",
            "no place that could be written",
        ),
    ];
    for (rules, pointer, detail) in rows {
        let faults =
            compile(&json!({"direction": "both", "mappings": rules})).expect_err("refused");
        assert_eq!(faults[0].pointer, pointer, "{rules}");
        assert!(
            faults[0].detail.contains(detail),
            "{rules}: {}",
            faults[0].detail
        );
    }
}

#[test]
fn what_a_record_becomes_is_bounded() {
    let whole: Vec<Value> = (0..20)
        .map(|n| json!({"source": "$", "target": format!("t{n}")}))
        .collect();
    let plan = rules(Value::from(whole));
    let record = json!({"text": "x".repeat(MAX_OUTPUT / 10)});
    let outcome = plan.to_external(&record);
    assert_eq!((outcome.output, outcome.errors.len()), (None, 11));
    assert_eq!(outcome.errors[0].code, IssueCode::TooLarge);

    let items = rules(json!([{"source": "to[*]", "target": "cc[*]", "validation": "email"}]));
    let outcome = items.to_external(&json!({"to": vec!["x"; MAX_ISSUES + 7]}));
    assert_eq!(
        (outcome.warnings.len(), outcome.more_issues),
        (MAX_ISSUES, 7)
    );
}

#[test]
fn a_trace_tells_each_step() {
    let plan = rules(json!([
        {"source": "email", "target": "Email", "transformation": ["trim", "lowercase"], "validation": "email"},
        {"source": "gone", "target": "Gone", "transformation": "trim"},
        {"source": "list", "target": "List", "transformation": ["trim", "lowercase"], "required": true},
        {"source": "to[*]", "target": "Cc[*]"}]));
    let (outcome, trace) = plan.run_traced(
        Way::ToExternal,
        &json!({"email": " A@B.DE ", "list": {}, "to": [1, 2]}),
    );
    assert_eq!(
        outcome,
        plan.to_external(&json!({"email": " A@B.DE ", "list": {}, "to": [1, 2]}))
    );
    assert_eq!(
        serde_json::to_value(&trace).expect("valid"),
        json!([
            {"pointer": "/mappings/0", "source": "email", "target": "Email", "items": [{
                "input": " A@B.DE ",
                "steps": [{"function": "trim", "output": "A@B.DE"}, {"function": "lowercase", "output": "a@b.de"}],
                "validation": "valid", "ending": "written", "output": "a@b.de"}]},
            {"pointer": "/mappings/1", "source": "gone", "target": "Gone", "items": [{
                "steps": [{"function": "trim"}], "ending": "left_out"}]},
            {"pointer": "/mappings/2", "source": "list", "target": "List", "items": [{
                "input": {}, "steps": [{"function": "trim", "error": "`trim` takes text, not an object"}],
                "ending": "rejected", "code": "function", "detail": "`trim` takes text, not an object"}]},
            {"pointer": "/mappings/3", "source": "to[*]", "target": "Cc[*]", "items": [
                {"at": [0], "input": 1, "steps": [], "ending": "written", "output": 1},
                {"at": [1], "input": 2, "steps": [], "ending": "written", "output": 2}]},
        ])
    );
    let (_, trace) = plan.run_traced(Way::ToExternal, &json!({"to": vec![0; MAX_ITEMS + 3]}));
    assert_eq!((trace[3].items.len(), trace[3].more_items), (MAX_ITEMS, 3));
}

#[test]
fn a_connection_lays_its_fields_over_the_mapping() {
    let definition =
        Definition::read(&json!({"provider": "salesforce", "object": "contact"})).expect("valid");
    let overrides =
        json!({"contact.phone": "MobilePhone", "contact.company": null, "contact.title": "Title"});
    let overrides = Overrides::read(
        &overrides,
        "/field_mappings",
        definition.direction,
        definition.form,
    );
    let plan = Plan::compile(&definition, &overrides.expect("valid")).expect("valid");
    let record = json!({"contact.email": "a@b.de", "contact.phone": "1", "contact.company": "Acme", "contact.title": "CTO"});
    let external = json!({"Email": "a@b.de", "MobilePhone": "1", "Title": "CTO"});
    assert_eq!(plan.to_external(&record).output, Some(external.clone()));
    let back = json!({"contact.email": "a@b.de", "contact.phone": "1", "contact.title": "CTO"});
    assert_eq!(plan.from_external(&external).output, Some(back));
}
