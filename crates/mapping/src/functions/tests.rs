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
