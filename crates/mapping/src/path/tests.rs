use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn document() -> Value {
    json!({
        "data": {"id": 7, "first name": "Ada", "none": null, "tags": ["a", "b", "c"]},
        "items": [
            {"sku": "x1", "price": 5, "in": {"stock": true}},
            {"sku": "x2", "price": 15},
            {"sku": "x3", "price": 25}
        ],
        "ünï": {"a-b": 1}
    })
}

/// The selection as a transform would write it.
fn found(path: &Path, document: &Value) -> Option<Value> {
    match path.select(document) {
        Selection::None => None,
        Selection::One(value) => Some(value.clone()),
        Selection::Many(values) => Some(values.into_iter().cloned().collect()),
    }
}

#[test]
fn selects() {
    let rows: &[(&str, Option<Value>)] = &[
        ("$", Some(document())),
        ("$.data.id", Some(json!(7))),
        ("  $.data.id  ", Some(json!(7))),
        ("$.data.missing", None),
        ("$.data.none", Some(Value::Null)),
        ("$['data']['first name']", Some(json!("Ada"))),
        ("$.data.tags[*]", Some(json!(["a", "b", "c"]))),
        ("$.data.tags", Some(json!(["a", "b", "c"]))),
        ("$.data.tags[-1]", Some(json!("c"))),
        ("$.data.tags[0:2]", Some(json!(["a", "b"]))),
        ("$.data.tags['0']", None),
        ("$.items[?@.price > 10].sku", Some(json!(["x2", "x3"]))),
        ("$.items[?@.in.stock].sku", Some(json!("x1"))),
        (
            "$.items[?(@.price < 10 || @.sku == 'x3')].sku",
            Some(json!(["x1", "x3"])),
        ),
        (
            "$.items[?length(@.sku) == 2].price",
            Some(json!([5, 15, 25])),
        ),
        ("$..stock", Some(json!(true))),
        ("$.data['id','first name']", Some(json!([7, "Ada"]))),
        // dotted
        ("data.id", Some(json!(7))),
        ("data.first name", Some(json!("Ada"))),
        ("data.missing.deeper", None),
        ("data.tags[1]", Some(json!("b"))),
        ("data.tags[-1]", Some(json!("c"))),
        ("items[0].in.stock", Some(json!(true))),
        ("items[*].sku", Some(json!(["x1", "x2", "x3"]))),
        ("ünï.a-b", Some(json!(1))),
    ];
    let document = document();
    for (text, expected) in rows {
        let path = Path::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found(&path, &document), *expected, "{text}");
    }
}

#[test]
fn tells_one_null_and_one_array_from_none_and_many() {
    let document = document();
    let select = |text: &str| Path::parse(text).expect("valid").select(&document);
    assert_eq!(select("$.data.none"), Selection::One(&Value::Null));
    assert!(matches!(
        select("$.data.tags"),
        Selection::One(Value::Array(_))
    ));
    assert!(matches!(select("$.data.tags[*]"), Selection::Many(values) if values.len() == 3));
    assert_eq!(select("$.nothing"), Selection::None);
}

#[test]
fn refuses_with_position_and_remedy() {
    let long = format!("$.{}", "a".repeat(511));
    let parentheses = format!("$[?{}@.a{}]", "(".repeat(17), ")".repeat(17));
    let rows: &[(&str, usize, &str)] = &[
        ("", 1, "the path is empty; write $ for the whole document"),
        (
            "   ",
            1,
            "the path is empty; write $ for the whole document",
        ),
        (
            &long,
            513,
            "a path has at most 512 characters; select a nearer value",
        ),
        (
            &parentheses,
            20,
            "a path has at most 16 parentheses; drop those that only group",
        ),
        (
            "$[?@[?@[?@[?@.a]]]]",
            12,
            "filters nest at most 3 deep; filter in fewer steps",
        ),
        (
            "$..a..b",
            6,
            "`..` may occur once; name the steps in between",
        ),
        (
            "$[0,1][0,1][0,1][0,1][0,1]",
            26,
            "lists such as ['a','b'] may multiply to at most 16 alternatives; use fewer",
        ),
        (
            "$.*.*[1:2][?@.a].*.*.*.*.*",
            26,
            "a path has at most 8 wildcards, slices and filters; name the steps in between",
        ),
        (
            "$[?@.a == $.b]",
            11,
            "`$` inside a filter is not supported; compare values under `@`",
        ),
        (
            "$[?match(@.a, 'x')]",
            9,
            "match() and search() are not supported; compare with == or filter by existence",
        ),
        (
            "$[?@.a && search(@.a, 'x')]",
            17,
            "match() and search() are not supported; compare with == or filter by existence",
        ),
        (
            "a..b",
            3,
            "a name is missing; write a.b.c, or $..name to search at any depth",
        ),
        (
            "a.",
            3,
            "a name is missing; write a.b.c, or $..name to search at any depth",
        ),
        (
            ".a",
            1,
            "a name is missing; write a.b.c, or $..name to search at any depth",
        ),
        (
            "a.b*",
            4,
            "'*' is not allowed in a dotted path; write it as JSONPath, such as $['first name']",
        ),
        (
            "ü.a[x]",
            4,
            "brackets in a dotted path hold an index or *, such as items[0].name",
        ),
        (
            "a[0][",
            5,
            "brackets in a dotted path hold an index or *, such as items[0].name",
        ),
        (
            "a[0]b",
            5,
            "brackets in a dotted path hold an index or *, such as items[0].name",
        ),
    ];
    for (text, position, problem) in rows {
        let error = Path::parse(text).expect_err(text);
        assert_eq!(
            (error.position, error.problem.to_string().as_str()),
            (*position, *problem),
            "{text}"
        );
    }
    for text in ["$.", "$[", "$.a b", "$['a", "$.ü[", "$[01]", "$[?]", "$x"] {
        let error = Path::parse(text).expect_err(text);
        assert!(
            matches!(error.problem, Problem::Syntax(_)),
            "{text}: {error}"
        );
        assert!(
            (1..=text.chars().count() + 1).contains(&error.position),
            "{text}: {error}"
        );
    }
}

#[test]
fn quoted_characters_are_not_limits() {
    for text in [
        "$['((((((((((((((((((((']",
        "$['????']",
        "$['a..b..c']",
        r"$['it\'s..((..']",
        "$[\"$,$,$\"]",
    ] {
        Path::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

/// Facts: libraries 4, and what the evaluator's source shows beside it.
#[test]
fn hostile_selectors_end_quickly() {
    let nest = |depth: usize| format!("$[?{}@.a{}]", "@[?".repeat(depth), "]".repeat(depth));
    let refused = [
        nest(20),
        nest(500),
        format!("$[?{}@{}]", "(".repeat(2000), ")".repeat(2000)),
        "$..*..*..*..*..*".to_owned(),
        format!("${}", "[*,*]".repeat(64)),
        format!("$..[?@{}]", "[*]".repeat(60)),
        "$[?count($[*]) > 1]".to_owned(),
        "$[?$[?$[*]]]".to_owned(),
        r"$[?search(@, '(\\w{50}){50}')]".to_owned(),
    ];
    let started = Instant::now();
    for text in &refused {
        Path::parse(text).expect_err(text);
    }
    // The worst that the guard lets through: refused or not, it must come back.
    let functions = format!("$[?{}@{}]", "length(".repeat(16), ")".repeat(16));
    let mixed = format!("$[?@[?@[?{}@.a{}]]]", "!(".repeat(16), ")".repeat(16));
    for text in [functions, mixed, format!("$[?{}1]", "@.a==1||".repeat(63))] {
        let _ = Path::parse(&text);
    }
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn results_are_cut_and_counted() {
    let document = Value::from((0..MAX_RESULTS + 5).collect::<Vec<_>>());
    let (selection, count) = Path::parse("$[*]")
        .expect("valid")
        .select_counted(&document);
    assert_eq!(count, MAX_RESULTS + 5);
    assert!(matches!(selection, Selection::Many(values) if values.len() == MAX_RESULTS));
}

#[test]
fn reads_and_writes_as_its_text() {
    let path: Path = serde_json::from_value(json!("data.id")).expect("valid");
    assert_eq!(
        serde_json::to_value(&path).expect("valid"),
        json!("data.id")
    );
    assert_eq!(path, Path::parse("data.id").expect("valid"));
    let error = serde_json::from_value::<Path>(json!("$..a..b")).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "at character 6: `..` may occur once; name the steps in between"
    );
}

proptest! {
    #[test]
    fn never_panics_on_any_text(text in any::<String>()) {
        let _ = Path::parse(&text);
    }

    #[test]
    fn never_panics_on_nearly_paths(text in r#"\$?([.\[\]?@()*,:'"\\&|!=<>$ abü0-9-]|length|count|value|null){0,60}"#) {
        if let Ok(path) = Path::parse(&text) {
            let _ = path.select(&document());
        }
    }
}
