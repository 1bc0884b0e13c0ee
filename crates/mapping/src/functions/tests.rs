//! Every example of every function, and what all functions have in common.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::*;

fn object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn value(json: &str) -> Option<Value> {
    (!json.is_empty())
        .then(|| serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}")))
}

fn compiled(name: &str, parameters: &str) -> Result<Function, Vec<String>> {
    let tables = object(r#"{"countries": {"DE": "Germany"}}"#);
    let tables = Tables::read(&tables).expect("good tables");
    Function::compile(name, &object(parameters), &tables)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

#[test]
fn examples_are_true() {
    for declaration in ALL {
        assert!(!declaration.examples.is_empty(), "{}", declaration.name);
        for example in declaration.examples {
            let said = format!(
                "{} {} of {}",
                declaration.name, example.parameters, example.input
            );
            let function = compiled(declaration.name, example.parameters)
                .unwrap_or_else(|faults| panic!("{said}: {faults:?}"));
            let record = example.record.and_then(value).unwrap_or_default();
            let context = Context { record: &record };
            let (input, output) = (value(example.input), value(example.output));
            let borrowed = function.apply(input.as_ref().map(Cow::Borrowed), &context);
            let borrowed = borrowed.unwrap_or_else(|error| panic!("{said}: {error}"));
            assert_eq!(borrowed.map(Cow::into_owned), output, "{said}");
            let owned = function
                .apply(input.map(Cow::Owned), &context)
                .expect("as before");
            assert_eq!(owned.map(Cow::into_owned), output, "{said}, owned");
        }
    }
}

#[test]
fn declarations_are_whole() {
    for (i, declaration) in ALL.iter().enumerate() {
        let name = declaration.name;
        assert_eq!(find(name).map(|found| found.name), Some(name));
        assert!(
            ALL[..i].iter().all(|other| other.name != name),
            "{name} twice"
        );
        assert!(
            declaration.summary.ends_with('.'),
            "{name}: {}",
            declaration.summary
        );
        for parameter in declaration.parameters {
            let default = parameter.default.map(serde_json::from_str::<Value>);
            assert!(
                default.is_none_or(|d| d.is_ok()),
                "{name}.{}",
                parameter.name
            );
            assert!(
                !(parameter.required && parameter.default.is_some()),
                "{name}.{}",
                parameter.name
            );
        }
        let schema = declaration.parameter_schema();
        let schema = crate::Schema::compile(&schema).expect("a schema");
        for example in declaration.examples {
            let parameters = Value::Object(object(example.parameters));
            let faults = schema.faults(&parameters, example.parameters.len());
            assert_eq!(faults, [], "{name} {}", example.parameters);
        }
    }
}

#[test]
fn absent_and_null_pass_unless_declared() {
    for declaration in ALL.iter().filter(|declaration| !declaration.sees_nulls) {
        let function =
            compiled(declaration.name, declaration.examples[0].parameters).expect("compiles");
        let absent = function.apply(None, &Context::NONE).expect("passes");
        assert_eq!(absent, None, "{}", declaration.name);
        let null = function
            .apply(Some(Cow::Owned(Value::Null)), &Context::NONE)
            .expect("passes");
        assert_eq!(null.as_deref(), Some(&Value::Null), "{}", declaration.name);
    }
}

#[test]
fn no_value_panics() {
    let values = [
        json!(true),
        json!(0),
        json!(-1.5e300),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}\u{202e}🦀"),
        json!("9".repeat(400)),
        json!([]),
        json!([[], {}, null, "x"]),
        json!({}),
        json!({"a": {"b": [1]}}),
    ];
    for declaration in ALL {
        for example in declaration.examples {
            let function = compiled(declaration.name, example.parameters).expect("compiles");
            for value in &values {
                let _whatever =
                    function.apply(Some(Cow::Borrowed(value)), &Context { record: value });
            }
        }
    }
}

#[test]
fn inverses_undo_the_examples() {
    let mut inverted = 0;
    for declaration in ALL {
        for example in declaration.examples {
            let function = compiled(declaration.name, example.parameters).expect("compiles");
            let Some(inverse) = function.invert() else {
                continue;
            };
            assert!(
                declaration.inverse.is_some(),
                "{} says nothing of it",
                declaration.name
            );
            let output = value(example.output);
            let back = inverse.apply(output.as_ref().map(Cow::Borrowed), &Context::NONE);
            let back = back.unwrap_or_else(|error| panic!("{}: {error}", declaration.name));
            let again = function.apply(back, &Context::NONE).expect("as before");
            assert_eq!(
                again.as_deref(),
                output.as_ref(),
                "{} {}",
                declaration.name,
                example.parameters
            );
            inverted += 1;
        }
    }
    assert!(inverted > 3, "{inverted}");
}

#[test]
fn bad_parameters_are_refused_with_the_place() {
    let rows: &[(&str, &str, &[&str])] = &[
        (
            "lowercas",
            "{}",
            &["/name: `lowercas` is no function; the nearest is `lowercase`"],
        ),
        (
            "trim",
            r#"{"side": "left"}"#,
            &["/side: `trim` takes no parameters"],
        ),
        (
            "concat",
            r#"{"seperator": " ", "skip_empty": 1}"#,
            &[
                "/seperator: `seperator` is no parameter of `concat`; the nearest is `separator`",
                "/skip_empty: `skip_empty` must be true or false, not a number",
            ],
        ),
        (
            "concat",
            r#"{"separator": 1}"#,
            &["/separator: `separator` must be text, not a number"],
        ),
        (
            "split",
            r#"{"separator": ""}"#,
            &["/separator: `separator` must not be empty: there is nothing to cut at"],
        ),
        (
            "split",
            r#"{"limit": 0}"#,
            &["/limit: `limit` must be a whole number from 1 to 10000"],
        ),
        (
            "default",
            "{}",
            &["`default` needs `value`: what stands in"],
        ),
        (
            "lookup",
            r#"{"table": "country"}"#,
            &[
                "/table: `country` is none of the mapping's `lookup_tables`; the nearest is `countries`",
            ],
        ),
        (
            "lookup",
            r#"{"table": ["DE"]}"#,
            &["/table: `table` must be an object, or the name of a lookup table, not a list"],
        ),
        (
            "lookup",
            r#"{"table": {"de": 1, "DE": 2}, "case_sensitive": false}"#,
            &[
                "/table: two keys of the table differ only in case (`DE`); set `case_sensitive` to true or drop one",
            ],
        ),
        (
            "expression",
            r#"{"expression": "vale > 1"}"#,
            &["/expression: `vale` is no variable here; the nearest is `value`"],
        ),
    ];
    for (name, parameters, expected) in rows {
        let faults = compiled(name, parameters).expect_err(name);
        assert_eq!(faults, *expected, "{name} {parameters}");
    }
}

#[test]
fn what_is_wrong_with_a_value_is_told() {
    let rows: &[(&str, &str, Value, &str)] = &[
        (
            "lowercase",
            "{}",
            json!({"a": 1}),
            "takes text, not an object",
        ),
        ("trim", "{}", json!([["a"]]), "takes text, not a list"),
        ("concat", "{}", json!([{}]), "takes text, not an object"),
        (
            "lookup",
            r#"{"table": "countries"}"#,
            json!("FR"),
            "has no entry in the table (`DE`); add one, or a `default`",
        ),
        ("split", "{}", json!({}), "takes text, not an object"),
    ];
    for (name, parameters, value, expected) in rows {
        let function = compiled(name, parameters).expect("compiles");
        let error = function
            .apply(Some(Cow::Borrowed(value)), &Context::NONE)
            .expect_err(name);
        assert_eq!(error.to_string(), *expected, "{name} of {value}");
    }
}

#[test]
fn values_at_the_edge() {
    // Function, parameters, value, and what comes out; an error where that is no JSON.
    let rows: &[(&str, &str, &str, &str)] = &[
        ("number", r#"{"decimal": ","}"#, r#""1 234,5""#, "1234.5"),
        ("number", "{}", r#""\u22125""#, "-5"),
        ("number", "{}", r#""1e3""#, "1000.0"),
        (
            "number",
            "{}",
            r#""18446744073709551615""#,
            "18446744073709551615",
        ),
        ("number", "{}", r#""12a""#, "is no number"),
        ("number", "{}", r#""1.2.3""#, "is no number"),
        ("number", "{}", r#""$""#, "is no number"),
        ("number", "{}", "[]", "takes a number or text, not a list"),
        ("boolean", "{}", r#"" ON ""#, "true"),
        ("boolean", "{}", "1", "true"),
        (
            "boolean",
            "{}",
            r#""maybe""#,
            "is none of `true`, `yes`, `y`, `on`, `1`, `false`, `no`, `n`, `off`, `0`",
        ),
        ("round", r#"{"digits": 2}"#, "2.675", "2.68"),
        ("round", "{}", "-2.5", "-3"),
        ("round", r#"{"digits": 2}"#, "-0.001", "0.0"),
        ("round", "{}", "1e21", "1e21"),
        (
            "round",
            r#"{"digits": 2}"#,
            "1e300",
            "is too large to be rounded",
        ),
        (
            "round",
            "{}",
            r#""2""#,
            "takes a number; put `number` before it, not text",
        ),
        (
            "substring",
            r#"{"start": -100, "length": 2}"#,
            r#""abc""#,
            r#""ab""#,
        ),
        (
            "substring",
            r#"{"start": 1, "length": 0}"#,
            r#""abc""#,
            r#""""#,
        ),
        (
            "replace",
            r#"{"find": "x*", "with": "-", "pattern": true}"#,
            r#""ab""#,
            r#""-a-b-""#,
        ),
        (
            "replace",
            r#"{"find": "^\\s+|\\s+$", "pattern": true}"#,
            r#"" a b ""#,
            r#""a b""#,
        ),
        (
            "replace",
            r#"{"find": "(a)\\1", "with": "b", "pattern": true}"#,
            r#""aaa""#,
            r#""ba""#,
        ),
        ("split", "{}", r#"",a,""#, r#"["", "a", ""]"#),
        ("concat", "{}", r#""a""#, r#""a""#),
        ("concat", "{}", "[]", "null"),
        (
            "lookup",
            r#"{"table": {}, "default": null}"#,
            r#""x""#,
            "null",
        ),
        (
            "lookup",
            r#"{"table": "countries"}"#,
            r#"["DE", null]"#,
            r#"["Germany", null]"#,
        ),
        (
            "map_values",
            r#"{"values": {"1": "one"}}"#,
            "[1, 2]",
            r#"["one", 2]"#,
        ),
        (
            "format_phone",
            r#"{"default_country": "us"}"#,
            "6502530000",
            r#""+16502530000""#,
        ),
        (
            "format_phone",
            r#"{"default_country": "US"}"#,
            r#""123""#,
            "is no telephone number, neither of US nor with + and the code of a country",
        ),
        (
            "format_date",
            "{}",
            r#""2024-02-30""#,
            "names a day or a time that there is not",
        ),
        (
            "format_date",
            r#"{"input_format": "DD/MM/YYYY"}"#,
            r#""2024-03-04""#,
            "is not written as DD/MM/YYYY",
        ),
        (
            "parse_json",
            "{}",
            r#""{""#,
            "is no JSON: see line 1, character 1",
        ),
        ("capitalize", "{}", r#""""#, r#""""#),
        ("slug", "{}", r#""  --  ""#, r#""""#),
        (
            "template",
            r#"{"template": "{{value.a}}"}"#,
            r#"{"a": [1]}"#,
            "[1]",
        ),
        (
            "expression",
            r#"{"expression": "value.a"}"#,
            "{}",
            "there is no `a`: ask first with has(…), as in `has(a.a) ? a.a : ''`",
        ),
    ];
    for (name, parameters, input, expected) in rows {
        let function =
            compiled(name, parameters).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        let input = value(input);
        let found = function.apply(input.as_ref().map(Cow::Borrowed), &Context::NONE);
        match (found, serde_json::from_str::<Value>(expected)) {
            (Ok(found), Ok(expected)) => {
                assert_eq!(
                    found.as_deref(),
                    Some(&expected),
                    "{name} {parameters} of {input:?}"
                );
            }
            (Err(error), Err(_)) => assert_eq!(error.to_string(), *expected, "{name} of {input:?}"),
            (found, _) => panic!("{name} {parameters} of {input:?}: {found:?}, not {expected}"),
        }
    }
}

#[test]
fn what_parameters_mean_is_checked_too() {
    let rows: &[(&str, &str, &str)] = &[
        (
            "format_date",
            r#"{"timezone": "Europe/Berlim"}"#,
            "/timezone: `Europe/Berlim` is no time zone; the nearest is `Europe/Berlin`",
        ),
        (
            "format_date",
            r#"{"output_format": "yyyy-mm-dd"}"#,
            "/output_format: `mm` are minutes, and no hour goes with them; write MM for the month",
        ),
        (
            "format_phone",
            r#"{"default_country": "XX"}"#,
            "/default_country: `XX` is no country with telephones; write two letters such as US or DE",
        ),
        (
            "format_phone",
            r#"{"format": "e164"}"#,
            "/format: `format` must be one of `E.164`, `international`, `national`, `rfc3966`",
        ),
        (
            "boolean",
            r#"{"true_values": ["1"], "false_values": ["1"]}"#,
            "/false_values: `1` stands for true and for false",
        ),
        (
            "boolean",
            r#"{"true_values": [1]}"#,
            "/true_values: `true_values` must be a list of text only",
        ),
        (
            "replace",
            r#"{"find": ""}"#,
            "/find: `find` must not be empty",
        ),
        (
            "replace",
            r#"{"find": "(", "pattern": true}"#,
            "/find: at character 1: `(` opens a group that nothing closes; write `\\(` for the parenthesis itself",
        ),
        (
            "map_values",
            r#"{"values": "countries"}"#,
            "/values: `values` must be an object, not text",
        ),
    ];
    for (name, parameters, expected) in rows {
        let faults = compiled(name, parameters).expect_err(name);
        assert_eq!(faults, [*expected], "{name} {parameters}");
    }
}
