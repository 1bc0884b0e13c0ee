use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn text(written: &str) -> Text {
    Text::parse(written, Syntax::Double).unwrap()
}

fn body(template: Value, values: Value) -> Option<Value> {
    let template = Template::parse(&template, Syntax::Double).unwrap();
    template.render(&values).unwrap()
}

#[test]
fn json_is_rendered() {
    let values = json!({
        "identifier": "john@acme.com", "fields": ["name", "status"], "count": 3, "rate": 1.50, "on": true,
        "nothing": null, "nested": {"a-b": {"c": [10, 20]}}, "quote": "a\"b\\c\n\u{0}", "größe": "L"
    });
    let rows = [
        // Seed 000.
        (
            json!({"query": "{{identifier}}", "select": "{{fields}}"}),
            json!({"query": "john@acme.com", "select": ["name", "status"]}),
        ),
        (
            json!(["{{count}}", "{{rate}}", "{{on}}", "{{nothing}}"]),
            json!([3, 1.5, true, null]),
        ),
        (
            json!({"a": "{{absent}}", "b": "x {{absent}}", "c": "x {{nothing}}", "d": 1}),
            json!({"d": 1}),
        ),
        (json!(["{{absent}}", 1]), json!([1])),
        (
            json!("{{count}} of {{fields}}: {{ on }}"),
            json!("3 of [\"name\",\"status\"]: true"),
        ),
        (
            json!("{{nested.a-b.c.1}} {{nested.a-b.c[0]}}"),
            json!("20 10"),
        ),
        (
            json!({"deep": [{"x": "{{nested}}"}]}),
            json!({"deep": [{"x": {"a-b": {"c": [10, 20]}}}]}),
        ),
        (json!("<{{quote}}>"), json!("<a\"b\\c\n\u{0}>")),
        (json!("{{größe}}"), json!("L")),
        (json!("{{'{{'}}literal{{\"}}\"}}"), json!("{{literal}}")),
        (json!("{single} { {"), json!("{single} { {")),
        (
            json!({"n": 1, "l": [null, "text"]}),
            json!({"n": 1, "l": [null, "text"]}),
        ),
    ];
    for (template, expected) in rows {
        assert_eq!(
            body(template.clone(), values.clone()),
            Some(expected),
            "{template}"
        );
    }
    assert_eq!(body(json!("{{absent}}"), values), None);
}

#[test]
fn filters_do_what_their_examples_say() {
    for filter in FILTERS {
        let (value, usage, expected) = filter.example;
        let value: Value = serde_json::from_str(value).unwrap();
        let expected: Value = serde_json::from_str(expected).unwrap();
        let found = body(json!(format!("{{{{v | {usage}}}}}")), json!({"v": value}));
        assert_eq!(found, Some(expected), "{}", filter.name);
        assert!(usage.starts_with(filter.name), "{}", filter.name);
        // Total: any value goes in, and absence stays absence.
        for value in [
            json!(null),
            json!(1),
            json!("x"),
            json!([1, [2]]),
            json!({"a": {}}),
        ] {
            body(json!(format!("{{{{v | {usage}}}}}")), json!({"v": value}));
        }
        let absent = body(json!(format!("{{{{v | {usage}}}}}")), json!({}));
        assert_eq!(
            absent.is_some(),
            filter.name == "default",
            "{}",
            filter.name
        );
    }
    let rows = [
        ("{{a | trim | upper}}", json!("X")),
        ("{{b|default(7)}}", json!(7)),
        ("{{b | default('it\\'s') | upper}}", json!("IT'S")),
        ("{{b | default(null) | default(true)}}", json!(true)),
        ("{{n | string}}", json!("5")),
        ("{{l | join}}", json!("1,2")),
        ("{{b | lower | default('-')}}", json!("-")),
    ];
    for (written, expected) in rows {
        let values = json!({"a": " x ", "n": 5, "l": [1, 2], "b": null});
        assert_eq!(body(json!(written), values), Some(expected), "{written}");
    }
}

#[test]
fn the_manual_lists_every_filter() {
    let manual = include_str!("../../../../docs/tools-and-actions.md");
    for filter in FILTERS {
        let (value, _, result) = filter.example;
        let row = format!(
            "| `{}` | {} | `{value}` becomes `{result}` |",
            filter.usage, filter.summary
        );
        assert!(manual.contains(&row), "the manual has not the line\n{row}");
    }
}

#[test]
fn bad_templates_are_refused_with_the_place() {
    let many = vec!["{{a}}"; MAX_PLACEHOLDERS + 1];
    let deep = (0..MAX_DEPTH).fold(json!("{{a}}"), |inner, _| json!([inner]));
    let rows = [
        (
            json!({"a": "x {{name"}),
            "/a",
            "at character 9: the placeholder does not end",
        ),
        (
            json!({"a": ["{{}}"]}),
            "/a/0",
            "at character 3: a name is expected",
        ),
        (json!("{{ }}"), "", "a name is expected"),
        (json!("{{a..b}}"), "", "a name is expected"),
        (json!("{{a.b[x]}}"), "", "a name is expected"),
        (json!("{{a b}}"), "", "at character 5: `|` and a filter"),
        (json!("{{a + 1}}"), "", "`|` and a filter"),
        (
            json!("{{a | lowr}}"),
            "",
            "no filter `lowr` (did you mean `lower`?)",
        ),
        (json!("{{a | }}"), "", "no filter ``"),
        (json!("{{a | lower(1)}}"), "", "is written `lower`"),
        (json!("{{a | default}}"), "", "is written `default('none')`"),
        (
            json!("{{a | default(1,2)}}"),
            "",
            "is written `default('none')`",
        ),
        (json!("{{a | default(x)}}"), "", "an argument is"),
        (
            json!("{{a | default('x}}"),
            "",
            "the quoted text does not end",
        ),
        (
            json!("{{'x}}"),
            "",
            "at character 3: the quoted text does not end",
        ),
        (
            json!("{{a | trim | trim | trim | trim | trim | trim | trim | trim | trim}}"),
            "",
            "at most 8 filters",
        ),
        (json!({"{{a}}": 1}), "/{{a}}", "a key cannot hold"),
        (json!({"a/b": {"{{": 1}}), "/a~1b/{{", "a key cannot hold"),
        (
            json!("x".repeat(MAX_TEXT_BYTES + 1)),
            "",
            "at most 65536 bytes",
        ),
        (json!(many), "/1000", "at most 1000 placeholders"),
        (deep, &"/0".repeat(MAX_DEPTH), "at most 32 levels"),
    ];
    for (template, pointer, says) in rows {
        let shown: String = template.to_string().chars().take(80).collect();
        let error = Template::parse(&template, Syntax::Double).unwrap_err();
        assert_eq!(error.pointer, pointer, "{shown}: {error}");
        assert!(error.to_string().contains(says), "{shown}: {error}");
    }
}

#[test]
fn single_braces_are_another_spelling_of_the_same() {
    let values =
        json!({"contact": {"id": "11", "queue": null}, "authentications": {"api-key": "k"}});
    let rows = [
        (
            "https://x.example/{contact.id}",
            Some("https://x.example/11"),
        ),
        ("{authentications.api-key}", Some("k")),
        (
            "source='{contact.id}' {} { x } {\"a\": {contact.id}}",
            Some("source='11' {} { x } {\"a\": 11}"),
        ),
        ("a {contact.queue}", None),
    ];
    for (written, expected) in rows {
        let parsed = Text::parse(written, Syntax::Single).unwrap();
        let found = parsed.render(&values, Place::Plain, Gaps::Drop).unwrap();
        assert_eq!(found.as_deref(), expected, "{written}");
    }
    let blank = Text::parse("a {contact.queue}", Syntax::Single).unwrap();
    let found = blank.render(&values, Place::Plain, Gaps::Blank).unwrap();
    assert_eq!(found.as_deref(), Some("a "));
    assert!(Text::parse("{a", Syntax::Single).is_err());
}

#[test]
fn values_are_encoded_for_their_place() {
    let hostile = "a/b\\..%2f?#&=@:\u{202e}\u{ff0e}\"'<\u{e9}";
    let rows = [
        (Place::Plain, hostile),
        (
            Place::PathSegment,
            "a%2Fb%5C..%252f%3F%23%26%3D%40%3A%E2%80%AE%EF%BC%8E%22%27%3C%C3%A9",
        ),
        (
            Place::Query,
            "a%2Fb%5C..%252f%3F%23%26%3D%40%3A%E2%80%AE%EF%BC%8E%22%27%3C%C3%A9",
        ),
        (Place::Header, hostile),
        (
            Place::Markup,
            "a/b\\..%2f?#&amp;=@:\u{202e}\u{ff0e}&quot;&#39;&lt;\u{e9}",
        ),
    ];
    for (place, expected) in rows {
        let found = text("{{v}}").render(&json!({"v": hostile}), place, Gaps::Drop);
        assert_eq!(found.unwrap().as_deref(), Some(expected), "{place:?}");
    }
    for control in ["a\r\nX-Evil: 1", "a\nb", "\0", "a\u{7f}", "\u{85}"] {
        for place in [Place::PathSegment, Place::Header] {
            let error = text("x{{a.b}}").render(&json!({"a": {"b": control}}), place, Gaps::Drop);
            let error = error.unwrap_err().to_string();
            assert!(
                error.starts_with("`a.b` holds a control character"),
                "{control:?}: {error}"
            );
        }
    }
}

#[test]
fn what_is_rendered_is_bounded() {
    let values = json!({"v": "x".repeat(1_000_000)});
    for template in [
        json!(vec!["{{v}}"; 10]),
        json!(vec!["a{{v}}"; 10]),
        json!("{{v}}".repeat(10)),
    ] {
        let template = Template::parse(&template, Syntax::Double).unwrap();
        let error = template.render(&values).unwrap_err();
        assert_eq!(error.reason, Unwritable::TooLong);
    }
}

#[test]
fn names_are_listed_with_their_place() {
    let template = json!({"a": ["{{x.y}} {{secrets.KEY}}", {"b~/": "{{'l'}} {{z | default(1)}}"}]});
    let template = Template::parse(&template, Syntax::Double).unwrap();
    let uses: Vec<_> = template
        .uses()
        .into_iter()
        .map(|used| (used.pointer, used.name.to_string()))
        .collect();
    let expected = [
        ("/a/0", "x.y"),
        ("/a/0", "secrets.KEY"),
        ("/a/1/b~0~1", "z"),
    ];
    assert_eq!(
        uses,
        expected.map(|(place, name)| (place.to_owned(), name.to_owned()))
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|n| json!(n)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_whole_value_comes_back_as_it_went_in(value in any_json()) {
        let rendered = body(json!({"k": "{{v}}"}), json!({"v": value}));
        let written = rendered.unwrap().to_string();
        let read: Value = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(read, json!({"k": value}));
    }

    #[test]
    fn text_cannot_break_out_of_json(value in any::<String>()) {
        let rendered = body(json!({"k": "<{{v}}>", "z": 1}), json!({"v": value}));
        let written = rendered.unwrap().to_string();
        let read: Value = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(read, json!({"k": format!("<{value}>"), "z": 1}));
    }

    #[test]
    fn encoded_values_are_unreserved_and_decode_to_what_they_were(value in any::<String>()) {
        let rendered = text("{{v}}").render(&json!({"v": value}), Place::Query, Gaps::Drop);
        let encoded = rendered.unwrap().unwrap();
        let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"-._~%".contains(&b);
        prop_assert!(encoded.bytes().all(is_safe), "{}", encoded);
        let mut decoded = Vec::new();
        let mut bytes = encoded.bytes();
        while let Some(byte) = bytes.next() {
            decoded.push(if byte == b'%' {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            } else {
                byte
            });
        }
        prop_assert_eq!(String::from_utf8(decoded).unwrap(), value);
    }

    #[test]
    fn headers_hold_no_line_breaks(value in any::<String>()) {
        let rendered = text("Bearer {{v}}").render(&json!({"v": value}), Place::Header, Gaps::Drop);
        if let Ok(Some(header)) = rendered {
            prop_assert!(!header.chars().any(char::is_control));
        }
    }

    #[test]
    fn the_parser_takes_whatever_comes(written in "(\\{\\{|\\}\\}|[{}|'\"().,\\[\\]a\u{e9} \\\\0-]|default|join){0,40}") {
        for syntax in [Syntax::Double, Syntax::Single] {
            if let Ok(parsed) = Text::parse(&written, syntax) {
                let again = Text::from_parts(parsed.parts());
                prop_assert_eq!(&again, &parsed);
                let _ = parsed.render(&json!({"a": [1, "x"]}), Place::Plain, Gaps::Blank);
            }
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(written in any::<String>(), value in any_json()) {
        for syntax in [Syntax::Double, Syntax::Single] {
            let _ = Text::parse(&written, syntax);
            let _ = Template::parse(&value, syntax);
        }
    }
}
