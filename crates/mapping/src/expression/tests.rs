//! What expressions compute, and that no expression takes more than its bounds.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;

fn refusal(source: &str) -> String {
    Expression::parse(source).expect_err(source).to_string()
}

fn evaluated(source: &str, variables: &Value) -> Result<Value, Error> {
    let expression = Expression::parse(source).unwrap_or_else(|fault| panic!("{source}: {fault}"));
    expression.evaluate(variables)
}

#[test]
fn values_keep_what_they_are() {
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1.0),
        json!(0.1),
        json!(-1.5e300),
        json!(""),
        json!("🦀 \u{0} \"quoted\""),
        json!([1, [2.5, null], {}]),
        json!({"": 0, "a": {"b": [1, "x", false]}, "with space": {}}),
    ];
    for value in values {
        let found = evaluated("v", &json!({"v": value}));
        assert_eq!(found.as_ref(), Ok(&value));
        assert_eq!(found.expect("evaluated").to_string(), value.to_string());
    }
}

#[test]
fn expressions_compute() {
    let event = json!({
        "event": {"type": "order.paid", "data": {"total": 120.5, "items": 3, "tags": ["vip", "eu"], "customer": {"email": "Ada@Example.com"}}},
        "zeta": {"b": 2, "a": 1},
    });
    let rows: &[(&str, Value)] = &[
        (
            "event.type == 'order.paid' && event.data.total > 100",
            json!(true),
        ),
        ("event.data.total > 100 ? 'high' : 'low'", json!("high")),
        ("event.data.items * 2 + 1", json!(7)),
        ("event.data.items / 2", json!(1)),
        ("double(event.data.items) / 2.0", json!(1.5)),
        ("'vip' in event.data.tags", json!(true)),
        ("event.data['total'] >= 120.5", json!(true)),
        ("has(event.data.coupon)", json!(false)),
        (
            "has(event.data.coupon) && event.data.coupon == 'x'",
            json!(false),
        ),
        (
            "event.data.tags.filter(t, t.startsWith('v')).map(t, t + '!')",
            json!(["vip!"]),
        ),
        ("event.data.tags.all(t, size(t) < 4)", json!(true)),
        (
            "event.data.tags.exists(t, t == event.data.tags[1])",
            json!(true),
        ),
        (
            "event.data.customer.email.matches('^[\\\\w-\\\\.]+@')",
            json!(true),
        ),
        (
            "event.data.tags.filter(t, matches(t, '^v') || t.matches('x'))",
            json!(["vip"]),
        ),
        ("event.data.tags + ['new']", json!(["vip", "eu", "new"])),
        ("event.data.tags == ['vip', 'eu']", json!(true)),
        ("['vip', 'eu'] == event.data.tags", json!(true)),
        (
            "{'total': event.data.total, 'n': 1u}",
            json!({"n": 1, "total": 120.5}),
        ),
        ("zeta.map(k, k)", json!(["a", "b"])),
        ("zeta.map(k, zeta[k])", json!([1, 2])),
        (
            "event.data.customer.email.lowerAscii()",
            json!("ada@example.com"),
        ),
        (
            "event.data.customer.email.split('@')[1]",
            json!("Example.com"),
        ),
        ("string(event.data.items) + ' items'", json!("3 items")),
        ("type(event.data.total) == double", json!(true)),
        ("int('12') + 1", json!(13)),
        ("'' == '' ? null : 1", json!(null)),
    ];
    for (source, expected) in rows {
        assert_eq!(evaluated(source, &event), Ok(expected.clone()), "{source}");
    }
}

#[test]
fn only_what_is_read_is_asked_for() {
    let expression =
        Expression::parse("a.b == c[0].d && a['x'] && [1].exists(i, i == e)").expect("parses");
    let names: Vec<&str> = expression.variables().collect();
    assert_eq!(names, ["a", "c", "e"]);
    assert_eq!(
        expression.evaluate(&json!({"a": {}, "c": []})),
        Err(Error::Absent("e".into()))
    );
    let unread = "x".repeat(2 * MAX_INPUT);
    let found = evaluated("a.b", &json!({"a": {"b": 1, "unread": unread}}));
    assert_eq!(found, Ok(json!(1)));
    let found = evaluated("size(a)", &json!({"a": {"b": 1, "unread": unread}}));
    assert_eq!(found, Err(Error::InputTooLarge));
}

#[test]
fn what_has_no_result_says_why() {
    let v = json!({"v": {"text": "a", "n": 1, "list": [1], "null": null, "big": i64::MAX}});
    let rows: &[(&str, &str)] = &[
        (
            "v.missing == 1",
            "there is no `missing`: ask first with has(…), as in `has(a.missing) ? a.missing : ''`",
        ),
        (
            "w",
            "there is no `w`: ask first with has(…), as in `has(a.w) ? a.w : ''`",
        ),
        ("v.text + v.n", "`+` does not take text and a whole number"),
        ("v.text > v.n", "`>` does not take text and a whole number"),
        (
            "v.list + v",
            "needs something that can be added, not an object",
        ),
        (
            "v.list.map(i, [i] + {'k': i})",
            "needs something that can be added, not an object",
        ),
        ("v.n / 0", "divides by zero"),
        ("v.big + v.big", "`+` gives a number too large for 64 bits"),
        ("v.list[7]", "the index is past the end of the list"),
        (
            "v.n && true",
            "`&&` does not take a whole number and a boolean",
        ),
        ("!v['null']", "`!` does not take null"),
        (
            "v.n.startsWith('a')",
            "startsWith() does not take a whole number and text",
        ),
        (
            "0.0 / 0.0",
            "the result is not a finite number, which JSON cannot hold",
        ),
        ("b'abc'", "the result is bytes, which JSON cannot hold"),
        (
            "v.n.matches('a')",
            "matches() does not take a whole number and pattern",
        ),
        ("int('x')", "int() cannot read the value"),
    ];
    for (source, expected) in rows {
        let error = evaluated(source, &v).expect_err(source);
        assert_eq!(error.to_string(), *expected, "{source}");
    }
    let condition = Expression::parse("v.text").expect("parses");
    let error = condition.is_true(&v).expect_err("no condition");
    assert_eq!(
        error.to_string(),
        "a condition must come to true or false, not text"
    );
}

#[test]
fn bad_expressions_are_refused() {
    let rows: &[(&str, &str)] = &[
        (
            "",
            "the expression is empty; write a condition such as `value > 10`",
        ),
        (
            "lowerASCII('A')",
            "`lowerASCII` is no function here; the nearest is `lowerAscii`",
        ),
        (
            "[1].all(a, [2].all(b, a == b))",
            "a loop such as all(), map() or filter() cannot stand inside another; chain them",
        ),
        (
            "a.matches('(')",
            "at character 1: `(` opens a group that nothing closes; write `\\(` for the parenthesis itself",
        ),
        (
            "a.matches(b)",
            "matches() takes one text and a pattern that is written out, as in name.matches('^A')",
        ),
        (
            "a.matches('^(?!x)')",
            "a pattern in an expression cannot look around or refer to its groups",
        ),
        (
            "Message{a: 1}",
            "messages such as `Name{…}` are not supported; write an object, as in {'name': value}",
        ),
        ("'a'.replace('', 'aaaa')", "`replace` is no function here"),
    ];
    for (source, expected) in rows {
        assert_eq!(refusal(source), *expected, "{source}");
    }
    assert!(
        refusal("1 +").starts_with("line 1, character "),
        "{}",
        refusal("1 +")
    );
    assert!(
        refusal("a.?b").starts_with("line 1, character "),
        "{}",
        refusal("a.?b")
    );
    let known = Expression::parse_with("evnt.type == 'x'", &["event"]).expect_err("unknown");
    assert_eq!(known.nearest.as_deref(), Some("event"));
}

/// Runs what is hostile where a tokio worker would: on a stack of 2 MiB.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(work);
    thread
        .expect("a thread")
        .join()
        .expect("no panic, no overflow");
}

#[test]
fn hostile_sources_end_quickly() {
    on_a_small_stack(|| {
        let started = Instant::now();
        let sources = [
            "1+".repeat(400) + "1",
            "1+".repeat(127) + "1",
            "1+".repeat(39) + "1",
            "a.".repeat(250) + "b",
            "a.".repeat(39) + "b",
            "!".repeat(1_000) + "true",
            "!".repeat(250) + "true",
            "-".repeat(255) + "1",
            "(".repeat(16) + "1" + &")".repeat(16),
            "[".repeat(16) + &"]".repeat(16),
            "{'a':".repeat(16) + "1" + &"}".repeat(16),
            "size(".repeat(16) + "a" + &")".repeat(16),
            "a[".repeat(16) + "0" + &"]".repeat(16),
            "(true?[".repeat(8) + "1" + &"]:1)".repeat(8),
            "true?".repeat(20) + "1" + &":1".repeat(20),
            "true?1:".repeat(60) + "1",
            "-(!".repeat(16) + "1" + &")".repeat(16),
            "(".repeat(100) + "1" + &")".repeat(100),
            "(".repeat(250) + "1",
            "[".repeat(250) + "1",
            "[".repeat(40) + &"]".repeat(40),
            "{'a':".repeat(60) + "1" + &"}".repeat(60),
            "true?".repeat(60) + "1" + &":1".repeat(60),
            "a[".repeat(120) + "0" + &"]".repeat(120),
            "size(".repeat(120) + "a" + &")".repeat(120),
            "true||".repeat(120) + "true",
            "x.all(y,".repeat(60) + "1" + &")".repeat(60),
            "'".repeat(900),
            "\"\"\"".repeat(300),
            "`a`".repeat(300),
            "\u{0}\u{202e}🦀".repeat(100),
            "0x".repeat(400),
            "9".repeat(1_000),
            "a b ".repeat(250),
            "{".repeat(250),
        ];
        for source in sources {
            if let Ok(expression) = Expression::parse(&source) {
                let _whatever = expression.evaluate(&json!({"a": [1], "x": [1]}));
            }
        }
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{:?}",
            started.elapsed()
        );
    });
}

#[test]
fn hostile_values_are_refused_or_end_quickly() {
    on_a_small_stack(|| {
        let list: Vec<Value> = (0..20_000).map(Value::from).collect();
        let variables = json!({"l": list, "s": "x".repeat(900_000), "o": {"a": list}});
        let refused = [
            "l.map(x, l)",
            "l.map(x, l + l)",
            "l.all(x, x in l)",
            "l.map(x, o.a)",
            "l.map(x, s)",
            "l.all(x, s.contains(string(x)))",
            "s + s + s + s",
            "[s, s, s, s]",
            "l.map(x, [x, x, x]).map(x, [x, x, x]).map(x, [x, x, x]).map(x, [x, x, x]).map(x, [x, x, x])",
            "l.map(x, string(x) + string(x)).map(x, x + x + x).map(x, x + x + x).map(x, x + x + x)",
        ];
        for source in refused {
            let started = Instant::now();
            let found = evaluated(source, &variables);
            assert!(
                matches!(found, Err(Error::TooCostly | Error::InputTooLarge)),
                "{source}: {found:.80?}"
            );
            assert!(
                started.elapsed() < Duration::from_secs(2),
                "{source}: {:?}",
                started.elapsed()
            );
        }
        let allowed = [
            ("l.filter(x, x > 19997)", json!([19998, 19999])),
            ("l.exists_one(x, x == 7)", json!(true)),
            ("size(l.map(x, x * 2).filter(x, x % 3 == 0))", json!(6667)),
            ("s.contains('y')", json!(false)),
            ("size(l + o.a)", json!(40_000)),
        ];
        for (source, expected) in allowed {
            let started = Instant::now();
            assert_eq!(evaluated(source, &variables), Ok(expected), "{source}");
            assert!(
                started.elapsed() < Duration::from_secs(4),
                "{source}: {:?}",
                started.elapsed()
            );
        }
        let found = evaluated("l", &variables);
        assert_eq!(
            found.map(|all| all.as_array().map(Vec::len)),
            Ok(Some(20_000))
        );
        assert_eq!(evaluated("s", &variables), Err(Error::OutputTooLarge));
    });
}

proptest::proptest! {
    #[test]
    fn no_text_panics(source in "[a-c0-9.+*<>=!&|?:,'\"()\\[\\]{} ]{0,60}") {
        if let Ok(expression) = Expression::parse(&source) {
            let _whatever = expression.evaluate(&json!({"a": 1, "b": [1, "x"], "c": {"a": null}}));
        }
    }
}
