//! What passes which validation.

use serde_json::{Value, json};

use super::*;

fn check(written: &Value) -> Check {
    Check::compile(written).unwrap_or_else(|faults| panic!("{written}: {faults:?}"))
}

fn read(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

#[test]
fn every_kind_takes_its_good_values_and_no_bad_ones() {
    for kind in KINDS {
        let mut written = json!({"type": kind.name});
        if kind.members.contains(&"values") {
            written["values"] = json!(["new", "old"]);
        }
        let check = check(&written);
        for good in kind.good {
            assert_eq!(check.check(&read(good)), Ok(()), "{} {good}", kind.name);
        }
        for bad in kind.bad {
            let invalid = check.check(&read(bad)).expect_err(bad);
            assert_eq!(invalid.rule, kind.name, "{bad}");
            assert!(invalid.detail.starts_with("must be "), "{}", invalid.detail);
        }
    }
}

#[test]
fn members_narrow_a_kind() {
    let rows: &[(Value, Value, Option<&str>)] = &[
        (
            json!({"type": "number", "min": 1, "max": 5}),
            json!(3),
            None,
        ),
        (
            json!({"type": "number", "min": 1, "max": 5}),
            json!("5.5"),
            Some("must be 1 to 5"),
        ),
        (
            json!({"type": "integer", "min": 18}),
            json!(17),
            Some("must be at least 18"),
        ),
        (
            json!({"type": "length", "min": 2}),
            json!("é"),
            Some("must have at least 2 characters, not 1"),
        ),
        (
            json!({"type": "length", "max": 1}),
            json!([1, 2]),
            Some("must have at most 1 values, not 2"),
        ),
        (
            json!({"type": "text", "max_length": 2}),
            json!("🦀🦀"),
            None,
        ),
        (
            json!({"type": "text", "max_length": 2}),
            json!("abc"),
            Some("must have at most 2 characters, not 3"),
        ),
        (
            json!({"type": "url", "schemes": ["FTP"]}),
            json!("ftp://a.example/x"),
            None,
        ),
        (
            json!({"type": "url", "schemes": ["ftp"]}),
            json!("https://a.example"),
            Some("must be a whole URL such as https://example.com/page"),
        ),
        (
            json!({"type": "enum", "values": ["a", 1]}),
            json!("b"),
            Some("must be one of \"a\", 1"),
        ),
        (json!({"pattern": "^A-\\d+$"}), json!("A-17"), None),
        (
            json!({"pattern": "^A-\\d+$"}),
            json!("A-x"),
            Some("must match the pattern ^A-\\d+$"),
        ),
        (json!({"pattern": "^\\d+$"}), json!(17), None),
        (
            json!({"pattern": "^\\d+$"}),
            json!({}),
            Some("must be text, not an object"),
        ),
        (
            json!({"pattern": "^\\d+$"}),
            json!(null),
            Some("must be text, not null"),
        ),
        (
            json!({"min_length": 1}),
            json!(null),
            Some("must not be null"),
        ),
        (
            json!({"type": "email"}),
            json!(["a@b.example", "c@d.example"]),
            None,
        ),
        (
            json!({"type": "email"}),
            json!(["a@b.example", "c"]),
            Some("must be an e-mail address such as ada@example.com"),
        ),
    ];
    for (written, value, expected) in rows {
        let found = check(written)
            .check(value)
            .err()
            .map(|invalid| invalid.detail);
        assert_eq!(found.as_deref(), *expected, "{written} of {value}");
    }
}

/// Seed 001's validation, as it is written there.
#[test]
fn the_seed_s_pattern_means_what_it_means_in_javascript() {
    let written = json!({"type": "email", "pattern": "^[\\w-\\.]+@([\\w-]+\\.)+[\\w-]{2,4}$"});
    let check = check(&written);
    for (value, good) in [
        ("ada@example.com", true),
        ("a-b.c_d@sub.example.info", true),
        ("ada@example.museum", false),
        ("ada+tag@example.com", false),
        ("ada@example", false),
    ] {
        assert_eq!(check.check(&json!(value)).is_ok(), good, "{value}");
    }
}

#[test]
fn bad_validations_are_refused_with_the_place() {
    let rows: &[(Value, &[&str])] = &[
        (
            json!("emial"),
            &["`emial` is no kind of validation; the nearest is `email`"],
        ),
        (
            json!(7),
            &["a validation is a name or an object, not a number"],
        ),
        (
            json!({}),
            &["a validation needs a `type`, a `pattern` or a length"],
        ),
        (
            json!({"type": "intger", "maximum": 3}),
            &[
                "/type: `intger` is no kind of validation; the nearest is `integer`",
                "/maximum: `maximum` is no member of a validation without a `type`",
            ],
        ),
        (
            json!({"type": "email", "values": [1]}),
            &["/values: `values` is no member of a validation of type email"],
        ),
        (
            json!({"type": "enum"}),
            &["/values: `values` must be a list of 1 to 1000 values that are taken"],
        ),
        (
            json!({"type": "number", "min": 3, "max": 2}),
            &["/max: `max` must not be less than `min`"],
        ),
        (
            json!({"type": "length", "min": -1}),
            &["/min: `min` must be a number that fits, not a number"],
        ),
        (
            json!({"pattern": "(a"}),
            &[
                "/pattern: at character 1: `(` opens a group that nothing closes; write `\\(` for the parenthesis itself",
            ],
        ),
        (
            json!({"pattern": 1}),
            &["/pattern: `pattern` must be text: a regular expression"],
        ),
    ];
    for (written, expected) in rows {
        let faults = Check::compile(written).expect_err("refused");
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, *expected, "{written}");
    }
}
