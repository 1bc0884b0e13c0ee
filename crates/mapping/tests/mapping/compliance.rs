//! The JSONPath Compliance Test Suite (`tests/cts`, as the npm package jsonpath-rfc9535 1.3.0 carries it) against the
//! one evaluator of paths. What the guard leaves out is counted by reason, so that it cannot grow unseen.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use tieline_mapping::Path;
use tieline_mapping::path::Problem;

const SUITE: &str = include_str!("../cts/cts.json");

#[derive(Deserialize)]
struct Suite {
    tests: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    selector: String,
    #[serde(default)]
    document: Value,
    #[serde(default)]
    result: Option<Vec<Value>>,
    #[serde(default)]
    results: Vec<Vec<Value>>,
    #[serde(default)]
    invalid_selector: bool,
}

/// What becomes of a case, as the guide counts it.
fn verdict(case: &Case) -> &'static str {
    let path = Path::parse(&case.selector);
    match (case.invalid_selector, path) {
        (true, Err(_)) => "refused, as the suite asks",
        (true, Ok(_)) if case.selector.trim() != case.selector => {
            "accepted: white space around a path is dropped"
        }
        (true, Ok(_)) if !case.selector.starts_with('$') => "accepted: read as a dotted path",
        (false, Err(error)) => match error.problem {
            Problem::RegexFunction => "left out: `match()` and `search()`",
            Problem::RootInFilter => "left out: `$` inside a filter",
            Problem::Descents => "left out: more than one `..`",
            Problem::Syntax(_) => "WRONG",
            _ => "left out: another limit",
        },
        (false, Ok(path)) => {
            let found: Vec<Value> = path
                .select(&case.document)
                .values()
                .iter()
                .map(|v| (*v).clone())
                .collect();
            let right = case.result.as_ref() == Some(&found) || case.results.contains(&found);
            if right {
                "found what the suite finds"
            } else {
                "WRONG"
            }
        }
        (true, Ok(_)) => "WRONG",
    }
}

/// The counts as a table of the guide.
pub(crate) fn table() -> String {
    let suite: Suite = serde_json::from_str(SUITE).expect("the suite is JSON");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &suite.tests {
        *counts.entry(verdict(case)).or_default() += 1;
    }
    let mut lines = vec![
        "| cases | what becomes of them |".to_owned(),
        "| ---: | --- |".to_owned(),
    ];
    lines.extend(
        counts
            .iter()
            .map(|(verdict, count)| format!("| {count} | {verdict} |")),
    );
    lines.push(format!("| **{}** | all |", suite.tests.len()));
    lines.join("\n")
}

#[test]
fn no_case_of_the_suite_is_wrong() {
    let suite: Suite = serde_json::from_str(SUITE).expect("the suite is JSON");
    assert_eq!(suite.tests.len(), 687);
    let wrong = suite.tests.iter().filter(|case| verdict(case) == "WRONG");
    let wrong: Vec<String> = wrong
        .map(|case| format!("{}: {}", case.name, case.selector))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}
