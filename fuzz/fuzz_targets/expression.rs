//! An expression of a tenant, over a record that has something of each type: refused, an error, or a value, and never for long.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tieline_mapping::expression::Expression;

static RECORD: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "a": 1, "b": -2.5, "s": "Ada Lovelace", "t": true, "n": null, "l": [1, 2, [3, "x"]],
        "m": {"k": "v", "list": [{"id": 1}, {"id": 2}]}, "when": "2026-11-22T10:00:00Z",
    })
});

fuzz_target!(|source: &str| {
    if let Ok(expression) = Expression::parse(source) {
        let first = expression.evaluate(&RECORD);
        let second = expression.evaluate(&RECORD);
        assert_eq!(first.ok(), second.ok(), "the same record, the same value");
    }
});
