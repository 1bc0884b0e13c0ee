use serde_json::{Value, json};

use super::*;

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
        (
            json!([a_to(&vec!["a"; 33].join("."))]),
            "/mappings/0/target",
            "at most 32 steps",
        ),
        (
            json!([{"source": "a", "target": "b", "reverse": "lowercas"}]),
            "/mappings/0/reverse",
            "the nearest is `lowercase`",
        ),
        (
            json!([{"source": "$.a[5:2].b", "target": "b"}]),
            "/mappings/0/source",
            "`[5:2]` holds nothing, so the path can match no record",
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
