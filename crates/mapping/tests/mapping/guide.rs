//! The guide (docs/mapping.md) is tested: its examples run, and its tables are those of the code.
//!
//! `cargo nextest run --workspace --test mapping --run-ignored only -E 'test(rewrite_the_tables)'` writes the tables.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tieline_mapping::canonical::PROVIDERS;
use tieline_mapping::types::{Fit, MATRIX};

use super::{compliance, plan};

fn guide() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/mapping.md")
}

/// The fenced blocks of JSON with the word behind `json`, such as `mapping`, `record` or `output`.
fn blocks(text: &str) -> Vec<(String, Value)> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("```json ") {
        let (word, after) = after.split_once('\n').expect("a block has lines");
        let (json, after) = after.split_once("```").expect("a block ends");
        let value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        blocks.push((word.trim().to_owned(), value));
        rest = after;
    }
    blocks
}

#[test]
fn the_examples_of_the_guide_run() {
    let text = fs::read_to_string(guide()).expect("the guide is committed");
    let mut mapping = None;
    let mut record = Value::Null;
    let mut checked = 0;
    for (word, value) in blocks(&text) {
        let plan = || {
            plan(
                mapping
                    .as_ref()
                    .expect("a mapping stands before its records"),
            )
        };
        match word.as_str() {
            "mapping" => mapping = Some(value),
            "record" => record = value,
            "output" => {
                assert_eq!(plan().to_external(&record).output, Some(value), "{record}");
                checked += 1;
            }
            "back" => {
                assert_eq!(
                    plan().from_external(&record).output,
                    Some(value),
                    "{record}"
                );
                checked += 1;
            }
            "errors" | "warnings" => {
                let outcome = plan().to_external(&record);
                let issues = if word == "errors" {
                    outcome.errors
                } else {
                    outcome.warnings
                };
                assert_eq!(
                    serde_json::to_value(issues).expect("valid"),
                    value,
                    "{record}"
                );
                checked += 1;
            }
            other => panic!("no kind of block: {other}"),
        }
    }
    assert!(checked >= 8, "{checked} examples");
}

/// The tables between `<!-- name -->` and `<!-- end -->`.
fn tables() -> [(&'static str, String); 3] {
    [
        ("types", types()),
        ("defaults", defaults()),
        ("compliance", compliance::table()),
    ]
}

fn types() -> String {
    let columns = [
        "text",
        "number",
        "enum",
        "multi_enum",
        "date",
        "datetime",
        "boolean",
        "email, phone, url",
        "reference",
    ];
    let mut lines = vec![
        format!("| from ↓ to → | {} |", columns.join(" | ")),
        format!("| --- {}|", "| --- ".repeat(columns.len())),
    ];
    for ((_, fits), name) in MATRIX.iter().zip(columns) {
        let cells = fits.iter().map(|fit| match fit {
            Fit::Fits => "ok".to_owned(),
            Fit::FitsIf(_, why, _) => format!("ok, or: {why}"),
            Fit::Limited(why, _) => format!("warning: {why}"),
            Fit::Refused(..) => "error".to_owned(),
        });
        lines.push(format!(
            "| **{name}** | {} |",
            cells.collect::<Vec<_>>().join(" | ")
        ));
    }
    lines.join("\n")
}

fn defaults() -> String {
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in PROVIDERS.iter().flat_map(|(_, pairs)| *pairs) {
        if !keys.contains(key) {
            keys.push(key);
        }
    }
    let providers: Vec<&str> = PROVIDERS.iter().map(|(name, _)| *name).collect();
    let mut lines = vec![
        format!("| canonical key | {} |", providers.join(" | ")),
        format!("| --- {}|", "| --- ".repeat(providers.len())),
    ];
    for key in keys {
        let fields = PROVIDERS.iter().map(|(_, pairs)| {
            let field = pairs.iter().find(|(known, _)| *known == key);
            field.map_or(String::new(), |(_, field)| format!("`{field}`"))
        });
        lines.push(format!(
            "| `{key}` | {} |",
            fields.collect::<Vec<_>>().join(" | ")
        ));
    }
    lines.join("\n")
}

fn with_table(text: &str, name: &str, table: &str) -> String {
    let begin = format!("<!-- {name} -->\n");
    let (before, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("the guide has no {begin}"));
    let (_, after) = rest.split_once("<!-- end -->").expect("the table ends");
    format!("{before}{begin}{table}\n<!-- end -->{after}")
}

#[test]
fn the_tables_of_the_guide_are_those_of_the_code() {
    let text = fs::read_to_string(guide()).expect("the guide is committed");
    for (name, table) in tables() {
        assert!(
            with_table(&text, name, &table) == text,
            "the table `{name}` should be:\n{table}"
        );
    }
}

#[test]
#[ignore = "writes the guide"]
fn rewrite_the_tables() {
    let mut text = fs::read_to_string(guide()).expect("the guide is committed");
    for (name, table) in tables() {
        text = with_table(&text, name, &table);
    }
    fs::write(guide(), text).expect("writable");
}
