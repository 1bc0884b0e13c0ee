use serde_json::json;

use super::*;

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
