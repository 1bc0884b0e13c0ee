use serde_json::{Value, json};

use super::*;

fn faults(document: &Value) -> Vec<(String, String)> {
    let faults = Definition::read(document).expect_err("refused");
    faults
        .into_iter()
        .map(|fault| (fault.pointer, fault.detail))
        .collect()
}

#[test]
fn both_forms_of_the_seed_are_one() {
    let rows = [
        json!({"source": "a", "target": "b", "transformation": "concat", "separator": " "}),
        json!({"source_field": "a", "target_field": "b", "transformation": ["concat"], "separator": " "}),
        json!({"source": "a", "target": "b", "transformation": {"name": "concat", "separator": " "}}),
        json!({"source": "a", "target": "b", "transformation": [{"name": "concat", "separator": " "}]}),
    ];
    for written in rows {
        let definition = Definition::read(&json!({"mappings": [written]})).expect("valid");
        assert_eq!(
            (definition.direction, definition.form),
            (Direction::ToExternal, Form::Rules)
        );
        let rule = &definition.rules[0];
        assert_eq!(
            (rule.source_text().as_str(), rule.target.text.as_str()),
            ("a", "b"),
            "{written}"
        );
        assert_eq!(rule.functions[0].name, "concat");
        assert_eq!(
            Value::Object(rule.functions[0].parameters.clone()),
            json!({"separator": " "})
        );
    }
}

#[test]
fn a_lone_rule_stands_for_a_list_of_one() {
    let definition =
        Definition::read(&json!({"mappings": {"source_field": "a", "target_field": "b"}}));
    let definition = definition.expect("valid");
    assert_eq!(
        (definition.form, definition.rules[0].pointer.as_str()),
        (Form::Rules, "/mappings")
    );
}

#[test]
fn canonical_keys_lie_over_the_defaults_of_the_provider() {
    let pairs = |document: Value| -> Vec<String> {
        let definition = Definition::read(&document).expect("valid");
        assert_eq!(
            (definition.form, definition.direction),
            (Form::Keys, Direction::Both)
        );
        let pair = |rule: &Rule| format!("{}={}", rule.source_text(), rule.target.text);
        definition.rules.iter().map(pair).collect()
    };
    assert_eq!(
        pairs(json!({"mappings": {"contact.x": "X", "contact.y": null}})),
        ["contact.x=X"]
    );
    assert_eq!(
        pairs(json!({"provider": "hubspot", "object": "ticket"})),
        [
            "ticket.subject=subject",
            "ticket.description=content",
            "ticket.priority=hs_ticket_priority"
        ]
    );
    assert_eq!(
        pairs(
            json!({"provider": "hubspot", "object": "ticket", "mappings": {
            "ticket.priority": null, "ticket.title": "subject", "ticket.tags": "tags"}})
        ),
        [
            "ticket.description=content",
            "ticket.title=subject",
            "ticket.tags=tags"
        ],
        "a key takes the place of the default for the same key, and of that for the same field"
    );
    assert_eq!(
        pairs(json!({"provider": "other", "mappings": {"contact.x": "X"}})),
        ["contact.x=X"]
    );
}

#[test]
fn overrides_take_the_place_of_rules() {
    let base = Definition::read(&json!({"mappings": [
        {"source": "email", "target": "Email"}, {"source": "phone", "target": "Phone"},
        {"source": ["first", "last"], "target": "Name"}, {"source": "city", "target": "City"}]}));
    let base = base.expect("valid");
    let rows = [
        (
            json!({"email": "PersonEmail", "phone": null}),
            "first,last=Name city=City email=PersonEmail",
        ),
        (
            json!([{"source": "name", "target": "Name"}]),
            "email=Email phone=Phone city=City name=Name",
        ),
        (
            json!({"source": "city", "target": "Town"}),
            "email=Email phone=Phone first,last=Name city=Town",
        ),
        (
            json!(null),
            "email=Email phone=Phone first,last=Name city=City",
        ),
    ];
    for (written, expected) in rows {
        let overrides =
            Overrides::read(&written, "/field_mappings", base.direction, base.form).expect("valid");
        let rules = overrides.over(base.rules.clone(), base.direction);
        let pairs: Vec<String> = rules
            .iter()
            .map(|rule| format!("{}={}", rule.source_text(), rule.target.text))
            .collect();
        assert_eq!(pairs.join(" "), expected, "{written}");
    }
    let wrong = Overrides::read(
        &json!({"a": 1}),
        "/field_mappings",
        Direction::Both,
        Form::Keys,
    );
    assert_eq!(wrong.expect_err("refused")[0].pointer, "/field_mappings/a");
}

#[test]
fn every_fault_of_form_has_its_place() {
    let rows = [
        (json!([]), "", "a mapping is an object"),
        (json!({}), "/mappings", "a mapping needs `mappings`"),
        (
            json!({"provider": "salesfroce"}),
            "/provider",
            "`salesfroce` is no provider with default mappings; the nearest is `salesforce`",
        ),
        (
            json!({"mappings": [], "mapings": []}),
            "/mapings",
            "the nearest is `mappings`",
        ),
        (
            json!({"mappings": [], "direction": "to_extern"}),
            "/direction",
            "the nearest is `to_external`",
        ),
        (
            json!({"mappings": [], "direction": 1}),
            "/direction",
            "no direction",
        ),
        (json!({"mappings": [], "name": 1}), "/name", "must be text"),
        (
            json!({"mappings": [], "lookup_tables": []}),
            "/lookup_tables",
            "an object of tables",
        ),
        (
            json!({"mappings": [], "lookup_tables": {"a/b": 1}}),
            "/lookup_tables/a~1b",
            "is an object",
        ),
        (json!({"mappings": 1}), "/mappings", "a list of rules"),
        (
            json!({"mappings": {"a": 1}}),
            "/mappings/a",
            "maps to the name of an external field",
        ),
        (
            json!({"mappings": [1]}),
            "/mappings/0",
            "a rule is an object",
        ),
        (
            json!({"mappings": [{"source": "a"}]}),
            "/mappings/0",
            "a rule needs a `target`",
        ),
        (
            json!({"mappings": [{"target": "a"}]}),
            "/mappings/0",
            "a rule needs a `source`",
        ),
        (
            json!({"mappings": [{"source": [], "target": "a"}]}),
            "/mappings/0/source",
            "a list of paths",
        ),
        (
            json!({"mappings": [{"source": ["a", 1], "target": "a"}]}),
            "/mappings/0/source/1",
            "the path of a field",
        ),
        (
            json!({"mappings": [{"source": vec!["a"; 33], "target": "a"}]}),
            "/mappings/0/source",
            "at most 32",
        ),
        (
            json!({"mappings": [{"source": "a", "source_field": "b", "target": "c"}]}),
            "/mappings/0/source_field",
            "two names for one thing",
        ),
        (
            json!({"mappings": [{"source": "a", "target": 1}]}),
            "/mappings/0/target",
            "the path of one field",
        ),
        (
            json!({"mappings": [{"source": "a", "target": "b", "transformation": 1}]}),
            "/mappings/0/transformation",
            "a function is its name",
        ),
        (
            json!({"mappings": [{"source": "a", "target": "b", "transformation": ["trim", {}]}]}),
            "/mappings/0/transformation/1",
            "a function is its name",
        ),
        (
            json!({"mappings": [{"source": "a", "target": "b", "transformation": vec!["trim"; 17]}]}),
            "/mappings/0/transformation",
            "at most 16",
        ),
        (
            json!({"mappings": [{"source": "a", "target": "b", "validation": 1}]}),
            "/mappings/0/validation",
            "a validation is a name",
        ),
        (
            json!({"mappings": [{"source": "a", "target": "b", "required": "yes"}]}),
            "/mappings/0/required",
            "true or false",
        ),
        (
            json!({"mappings": [{"source": "a", "target": "b", "direction": "up"}]}),
            "/mappings/0/direction",
            "no direction",
        ),
        (
            json!({"mappings": [{"source": "a", "target": "b", "requierd": true}]}),
            "/mappings/0/requierd",
            "the nearest is `required`",
        ),
        (
            json!({"mappings": [{"source": "a", "target": "b", "transformation": "concat", "seperator": "x"}]}),
            "/mappings/0/seperator",
            "the nearest is `separator`",
        ),
        (
            json!({"mappings": [{"source": "a", "target": "b", "separator": "x"}]}),
            "/mappings/0/separator",
            "no field of a rule",
        ),
        (
            json!({"mappings": [{"source": "a", "target": "b", "transformation": ["concat", "split"], "separator": "x"}]}),
            "/mappings/0/separator",
            "several functions take",
        ),
        (
            json!({"mappings": [{"source": "a", "target": "b", "transformation": {"name": "concat", "separator": ","}, "separator": "x"}]}),
            "/mappings/0/separator",
            "already",
        ),
        (
            json!({"mappings": vec![json!({"source": "a", "target": "b"}); 501]}),
            "/mappings",
            "at most 500",
        ),
    ];
    for (document, pointer, detail) in rows {
        let found = faults(&document);
        assert_eq!(found.len(), 1, "{document}: {found:?}");
        assert_eq!(found[0].0, pointer, "{document}");
        assert!(found[0].1.contains(detail), "{document}: {}", found[0].1);
    }
}

#[test]
fn faults_are_told_together() {
    let found = faults(
        &json!({"nmae": "x", "mappings": [{"source": 1}, {"source": "a", "target": "b", "x": 1}]}),
    );
    let pointers: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/nmae",
            "/mappings/0/source",
            "/mappings/0",
            "/mappings/1/x"
        ]
    );
}
