use serde_json::{Value, json};

use super::*;

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
fn what_a_record_costs_is_bounded() {
    let text = "x".repeat(MAX_OUTPUT / 8);
    let functions = [vec!["trim"; 15], vec!["hash"]].concat();
    let many: Vec<Value> = (0..100)
        .map(|n| json!({"source": "text", "target": format!("t{n}"), "transformation": functions}))
        .collect();
    let affordable = MAX_WORK / (text.len() + 1) / functions.len();
    let outcome = rules(Value::from(many)).to_external(&json!({"text": text}));
    assert_eq!(outcome.errors.len(), 100 - affordable);
    assert_eq!(outcome.errors[0].code, IssueCode::TooLarge);

    let choices: Vec<Value> = (0..200)
        .map(|n| json!({"source": format!("$.list[?@.n == {n}].n"), "target": format!("t{n}")}))
        .collect();
    let plan = rules(Value::from(choices));
    let list = |note: &str| {
        let items: Vec<Value> = (0..100).map(|n| json!({"n": n, "note": note})).collect();
        json!({"list": items})
    };
    assert!(plan.to_external(&list("short")).is_accepted());
    let outcome = plan.to_external(&list(&"x".repeat(10_000)));
    assert_eq!(outcome.errors[0].code, IssueCode::TooLarge);
}

#[test]
fn what_a_trace_shows_is_bounded() {
    let many: Vec<Value> = (0..10)
        .map(|n| json!({"source": "text", "target": format!("t{n}")}))
        .collect();
    let record = json!({"text": "x".repeat(MAX_SHOWN / 10)});
    let (outcome, trace) = rules(Value::from(many)).run_traced(Way::ToExternal, &record);
    assert!(outcome.is_accepted());
    let cut: Vec<bool> = trace.iter().map(|rule| rule.items[0].cut).collect();
    assert_eq!(
        cut,
        [
            false, false, false, false, true, true, true, true, true, true
        ],
        "input and output each"
    );
    assert!(trace[9].items[0].ending == Ending::Written && trace[9].items[0].output.is_none());
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
