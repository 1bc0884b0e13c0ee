use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Document, Filter, MAX_DEPTH, MAX_LISTED, MAX_TEXT};
use crate::{EventId, TenantId, Timestamp, event::Event};

/// How many parts are allowed.
const PARTS: usize = 64;

fn event(data: &str, subject: Option<&str>) -> Event {
    Event {
        id: EventId::new(Timestamp::from_micros(1), 1),
        tenant_id: TenantId::new(Timestamp::from_micros(1), 1),
        event_type: "order.created".parse().unwrap(),
        source: "/v1/events".into(),
        subject: subject.map(Into::into),
        time: Timestamp::from_micros(1),
        data: data.into(),
        cause_id: None,
        trace_id: "".into(),
        trust: None,
    }
}

fn matches(filter: &Value, data: &str) -> bool {
    let filter =
        Filter::compile(filter, PARTS).unwrap_or_else(|faults| panic!("{filter}: {faults:?}"));
    filter.matches(&Document::of(&event(data, Some("order/1042"))))
}

#[test]
fn conditions() {
    let rows = [
        (json!({"field": "data.a", "eq": 1}), r#"{"a": 1}"#, true),
        (json!({"field": "data.a", "eq": 1}), r#"{"a": 1.0}"#, true),
        (json!({"field": "data.a", "eq": 1}), r#"{"a": "1"}"#, false),
        (json!({"field": "data.a", "eq": "1"}), r#"{"a": 1}"#, false),
        (json!({"field": "data.a", "eq": true}), r#"{"a": 1}"#, false),
        (
            json!({"field": "data.a", "eq": null}),
            r#"{"a": null}"#,
            true,
        ),
        (json!({"field": "data.a", "eq": null}), "{}", false),
        (
            json!({"field": "data.a", "eq": "b"}),
            r#"{"a": ["b"]}"#,
            false,
        ),
        (
            json!({"field": "data.a[*]", "eq": "b"}),
            r#"{"a": ["a", "b"]}"#,
            true,
        ),
        (
            json!({"field": "$.data.a[?@.n > 1].s", "eq": "y"}),
            r#"{"a": [{"n": 1, "s": "y"}, {"n": 2, "s": "z"}]}"#,
            false,
        ),
        (
            json!({"field": "$..s", "eq": "z"}),
            r#"{"a": [{"n": 2, "s": "z"}]}"#,
            true,
        ),
        (
            json!({"field": "data.a", "in": ["x", 2, null]}),
            r#"{"a": 2.0}"#,
            true,
        ),
        (
            json!({"field": "data.a", "in": ["x", 2, null]}),
            r#"{"a": 3}"#,
            false,
        ),
        (json!({"field": "data.a", "gt": 2}), r#"{"a": 2}"#, false),
        (json!({"field": "data.a", "gte": 2}), r#"{"a": 2}"#, true),
        (json!({"field": "data.a", "lt": 2}), r#"{"a": 1.999}"#, true),
        (
            json!({"field": "data.a", "lte": 2}),
            r#"{"a": 2.001}"#,
            false,
        ),
        (json!({"field": "data.a", "gt": 2}), r#"{"a": "3"}"#, false),
        (json!({"field": "data.a", "gt": 2}), "{}", false),
        (json!({"field": "data.a", "lte": 2}), "{}", false),
        (
            json!({"field": "data.a", "gte": 10, "lt": 20}),
            r#"{"a": 15}"#,
            true,
        ),
        (
            json!({"field": "data.a", "gte": 10, "lt": 20}),
            r#"{"a": 20}"#,
            false,
        ),
        // One value must pass all the tests, not one value each.
        (
            json!({"field": "data.a[*]", "gte": 10, "lt": 20}),
            r#"{"a": [1, 30]}"#,
            false,
        ),
        // Texts go by code point: `Z` before `a`, U+FFFF before U+10000.
        (json!({"field": "data.a", "lt": "a"}), r#"{"a": "Z"}"#, true),
        (
            json!({"field": "data.a", "gt": "\u{ffff}"}),
            r#"{"a": "\ud800\udc00"}"#,
            true,
        ),
        (
            json!({"field": "data.a", "prefix": "ab"}),
            r#"{"a": "abc"}"#,
            true,
        ),
        (
            json!({"field": "data.a", "prefix": "ab"}),
            r#"{"a": "ABC"}"#,
            false,
        ),
        (
            json!({"field": "data.a", "prefix": "1"}),
            r#"{"a": 12}"#,
            false,
        ),
        (
            json!({"field": "data.a", "exists": true}),
            r#"{"a": null}"#,
            true,
        ),
        (json!({"field": "data.a", "exists": true}), "{}", false),
        (json!({"field": "data.a", "exists": false}), "{}", true),
        (
            json!({"field": "data.a.b", "exists": false}),
            r#"{"a": 1}"#,
            true,
        ),
        (json!({"field": "data", "eq": 7}), "7", true),
        (json!({"field": "data[1]", "eq": 7}), "[0, 7]", true),
        (json!({"field": "type", "prefix": "order."}), "{}", true),
        (json!({"field": "subject", "eq": "order/1042"}), "{}", true),
        (json!({"field": "source", "eq": "/v1/events"}), "{}", true),
        (json!({"not": {"field": "data.a", "eq": 1}}), "{}", true),
        (
            json!({"all": [{"field": "data.a", "eq": 1}, {"field": "data.b", "eq": 2}]}),
            r#"{"a": 1, "b": 2}"#,
            true,
        ),
        (
            json!({"all": [{"field": "data.a", "eq": 1}, {"field": "data.b", "eq": 2}]}),
            r#"{"a": 1}"#,
            false,
        ),
        (
            json!({"any": [{"field": "data.a", "eq": 1}, {"field": "data.b", "eq": 2}]}),
            r#"{"b": 2}"#,
            true,
        ),
        (
            json!({"any": [{"field": "data.a", "eq": 1}, {"field": "data.b", "eq": 2}]}),
            "{}",
            false,
        ),
    ];
    for (filter, data, expected) in rows {
        assert_eq!(matches(&filter, data), expected, "{filter} on {data}");
    }
}

#[test]
fn numbers_are_compared_exactly() {
    // (event's, filter's, event's > filter's, equal)
    let rows = [
        (
            "9007199254740993",
            json!(9_007_199_254_740_992_i64),
            true,
            false,
        ),
        (
            "9007199254740993",
            json!(9_007_199_254_740_992.0),
            true,
            false,
        ),
        (
            "9007199254740992",
            json!(9_007_199_254_740_992.0),
            false,
            true,
        ),
        (
            "18446744073709551615",
            json!(18_446_744_073_709_551_614_u64),
            true,
            false,
        ),
        (
            "18446744073709551615",
            json!(18_446_744_073_709_551_616.0),
            false,
            false,
        ),
        ("-9223372036854775808", json!(-9.3e18), true, false),
        ("-1", json!(18_446_744_073_709_551_615_u64), false, false),
        ("0.1", json!(0), true, false),
        ("-0.5", json!(-1), true, false),
        ("-1", json!(-0.5), false, false),
        ("-0.0", json!(0), false, true),
        ("1e400", json!(1), false, false),
    ];
    for (data, limit, greater, equal) in rows {
        // What no number can hold is no JSON to the parser; such an event meets nothing.
        assert_eq!(
            matches(&json!({"field": "data", "gt": limit}), data),
            greater,
            "{data} > {limit}"
        );
        assert_eq!(
            matches(&json!({"field": "data", "eq": limit}), data),
            equal,
            "{data} = {limit}"
        );
    }
}

#[test]
fn a_missing_subject_is_missing() {
    let filter = Filter::compile(&json!({"field": "subject", "exists": false}), PARTS).unwrap();
    assert!(filter.matches(&Document::of(&event("{}", None))));
    assert!(!filter.matches(&Document::of(&event("{}", Some("s")))));
}

#[test]
fn faults_say_where_they_are() {
    let long = "a".repeat(MAX_TEXT + 1);
    let many = vec![1; MAX_LISTED + 1];
    let rows = [
        (json!(1), "", "expected an object"),
        (json!({}), "", "one thing at a time"),
        (json!({"all": [], "any": []}), "", "one thing at a time"),
        (json!({"all": []}), "/all", "at least one"),
        (json!({"any": {}}), "/any", "at least one"),
        (
            json!({"all": [{"field": "data.a", "eq": 1}, 2]}),
            "/all/1",
            "expected an object",
        ),
        (json!({"nor": []}), "/nor", "unknown word `nor`"),
        (json!({"a/b": []}), "/a~1b", "unknown word"),
        (
            json!({"not": {"field": "data.a", "equals": 1}}),
            "/not/equals",
            "unknown word `equals`",
        ),
        (json!({"field": "data.a"}), "", "nothing is asked"),
        (json!({"field": 1, "eq": 1}), "/field", "expected a text"),
        (
            json!({"field": "total", "eq": 1}),
            "/field",
            "write data.total",
        ),
        (
            json!({"field": "data..a", "eq": 1}),
            "/field",
            "a name is missing",
        ),
        (
            json!({"field": "$.data[?match(@.a, 'x')]", "eq": 1}),
            "/field",
            "match()",
        ),
        (
            json!({"field": "data.a", "eq": [1]}),
            "/eq",
            "expected a text, a number",
        ),
        (
            json!({"field": "data.a", "eq": long}),
            "/eq",
            "at most 1024 characters",
        ),
        (
            json!({"field": "data.a", "in": 1}),
            "/in",
            "expected a list",
        ),
        (json!({"field": "data.a", "in": []}), "/in", "1 to 100"),
        (json!({"field": "data.a", "in": many}), "/in", "1 to 100"),
        (
            json!({"field": "data.a", "in": [{}]}),
            "/in",
            "expected a text",
        ),
        (
            json!({"field": "data.a", "gt": true}),
            "/gt",
            "expected a number or a text",
        ),
        (
            json!({"field": "data.a", "lt": null}),
            "/lt",
            "expected a number or a text",
        ),
        (
            json!({"field": "data.a", "prefix": 1}),
            "/prefix",
            "expected a text",
        ),
        (
            json!({"field": "data.a", "prefix": ""}),
            "/prefix",
            "at least one",
        ),
        (
            json!({"field": "data.a", "exists": "yes"}),
            "/exists",
            "true or false",
        ),
        (
            json!({"field": "data.a", "exists": true, "eq": 1}),
            "/exists",
            "stands alone",
        ),
    ];
    for (filter, pointer, says) in rows {
        let faults = Filter::compile(&filter, PARTS).unwrap_err();
        assert_eq!(faults[0].pointer, pointer, "{filter}: {faults:?}");
        assert!(faults[0].detail.contains(says), "{filter}: {faults:?}");
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let condition = json!({"field": "data.a", "eq": 1});
    let wide = |parts: usize| json!({"any": vec![condition.clone(); parts]});
    let deep =
        |levels: usize| (1..levels).fold(condition.clone(), |inner, _| json!({"not": inner}));
    let search = |parts: usize| json!({"any": vec![json!({"field": "$..a", "eq": 1}); parts]});
    let rows = [
        (wide(PARTS - 1), None),
        (wide(PARTS), Some("at most 64 parts")),
        (wide(10_000), Some("at most 64 parts")),
        (deep(MAX_DEPTH), None),
        (deep(MAX_DEPTH + 1), Some("at most 8 levels")),
        (deep(60), Some("at most 8 levels")),
        (search(4), None),
        (search(5), Some("at most 4 fields")),
    ];
    for (filter, says) in rows {
        let faults = Filter::compile(&filter, PARTS).err().unwrap_or_default();
        assert_eq!(faults.len(), usize::from(says.is_some()), "{faults:?}");
        assert!(
            says.is_none_or(|says| faults[0].detail.contains(says)),
            "{faults:?}"
        );
    }
}

#[test]
fn a_filter_explains_itself() {
    let filter = json!({"all": [{"field": "data.total", "gte": 100}, {"not": {"field": "data.test", "exists": true}}]});
    let filter = Filter::compile(&filter, PARTS).unwrap();
    let event = event(r#"{"total": 99.5}"#, None);
    let explained: Vec<_> = filter
        .explain(&Document::of(&event))
        .into_iter()
        .map(|e| (e.pointer, e.holds, e.detail))
        .collect();
    assert_eq!(
        explained,
        [
            (
                "/all/0".to_owned(),
                false,
                "`data.total` is 99.5; asked for: gte 100".to_owned()
            ),
            (
                "/all/1/not".to_owned(),
                false,
                "`data.test` is missing; asked for: exists true".to_owned()
            ),
        ]
    );
}

/// Filters over two fields, of every form.
fn any_filter() -> impl Strategy<Value = Value> {
    let condition = (
        prop_oneof![Just("data.a"), Just("data.b[*]")],
        -2_i64..3,
        0_usize..6,
    )
        .prop_map(|(field, n, word)| match word {
            5 => json!({"field": field, "exists": n > 0}),
            4 => json!({"field": field, "in": [n, n + 2]}),
            _ => json!({"field": field, ["eq", "gt", "gte", "lt"][word]: n}),
        });
    condition.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(|parts| json!({"all": parts})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|parts| json!({"any": parts})),
            inner.prop_map(|part| json!({"not": part})),
        ]
    })
}

proptest! {
    #[test]
    fn the_laws_of_logic_hold(x in any_filter(), y in any_filter(), a in -2_i64..3, b in prop::collection::vec(-2_i64..3, 0..3)) {
        let data = json!({"a": a, "b": b}).to_string();
        let holds = |filter: Value| matches(&filter, &data);
        prop_assert_eq!(holds(json!({"not": {"not": x}})), holds(x.clone()));
        prop_assert_ne!(holds(json!({"not": x})), holds(x.clone()));
        // De Morgan.
        prop_assert_eq!(
            holds(json!({"not": {"all": [x, y]}})),
            holds(json!({"any": [{"not": x}, {"not": y}]}))
        );
        prop_assert_eq!(holds(json!({"all": [x]})), holds(json!({"any": [x]})));
    }

    #[test]
    fn nothing_panics(filter in any_json(), data in any_json()) {
        if let Ok(filter) = Filter::compile(&filter, PARTS) {
            let event = event(&data.to_string(), None);
            filter.matches(&Document::of(&event));
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("all"),
        Just("any"),
        Just("not"),
        Just("field"),
        Just("eq"),
        Just("in"),
        Just("exists"),
        Just("data.a")
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..4).prop_map(|pairs| pairs
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect::<Value>()),
        ]
    })
}
