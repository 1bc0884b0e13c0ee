//! What holds for every mapping and every record.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use tieline_mapping::plan::{Issue, Way};
use tieline_mapping::rules::{Definition, Overrides};
use tieline_mapping::suggest::suggest;
use tieline_mapping::types::{Field, Mode, check};

use super::{compile, plan};

/// Text without the separators that joined lists are cut at.
fn word() -> impl Strategy<Value = Value> {
    "[a-zA-Z0-9äß ]{1,8}".prop_map(Value::from)
}

/// Rules that have an inverse, each with the records that they are exact for.
fn invertible() -> Vec<(Value, BoxedStrategy<(&'static str, Value)>)> {
    let any_value = prop_oneof![
        word(),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!({"x": [1]}))
    ];
    let list = || prop::collection::vec(word(), 1..4).prop_map(Value::from);
    let named = |name: &'static str, values: BoxedStrategy<Value>| {
        values.prop_map(move |v| (name, v)).boxed()
    };
    vec![
        (
            json!({"source": "plain", "target": "Plain"}),
            named("plain", any_value.boxed()),
        ),
        (
            json!({"source": "$['odd name']", "target": "Odd.Name"}),
            named("odd name", word().boxed()),
        ),
        (
            json!({"source": "tags", "target": "Tags", "transformation": "join", "separator": ";"}),
            named("tags", list().boxed()),
        ),
        (
            json!({"source": "csv", "target": "List", "transformation": "split"}),
            named(
                "csv",
                "[a-z]{1,4}(,[a-z]{1,4}){0,3}".prop_map(Value::from).boxed(),
            ),
        ),
        (
            json!({"source": "level", "target": "Level", "transformation": "lookup", "table": {"low": "1", "high": "2"}}),
            named(
                "level",
                prop::sample::select(&["low", "high"][..])
                    .prop_map(Value::from)
                    .boxed(),
            ),
        ),
        (
            json!({"source": "lines[*].sku", "target": "Items[*].Code"}),
            named(
                "lines",
                prop::collection::vec(word().prop_map(|sku| json!({"sku": sku})), 1..4)
                    .prop_map(Value::from)
                    .boxed(),
            ),
        ),
        (
            json!({"source": ["pair.a", "pair.b"], "target": "Pair", "transformation": "concat", "separator": "|"}),
            named(
                "pair",
                (word(), word())
                    .prop_map(|(a, b)| json!({"a": a, "b": b}))
                    .boxed(),
            ),
        ),
        (
            json!({"source": "spots[*].x", "target": "Xs"}),
            named(
                "spots",
                prop::collection::vec(any::<u8>().prop_map(|x| json!({"x": x})), 1..4)
                    .prop_map(Value::from)
                    .boxed(),
            ),
        ),
    ]
}

/// Some of the rules in any order, and a record that some of them find their fields in.
fn invertible_mapping() -> impl Strategy<Value = (Vec<Value>, Value)> {
    let all = invertible();
    let count = all.len();
    prop::sample::subsequence((0..count).collect::<Vec<_>>(), 1..=count)
        .prop_shuffle()
        .prop_flat_map(move |chosen| {
            let rules: Vec<Value> = chosen.iter().map(|n| all[*n].0.clone()).collect();
            let fields: Vec<_> = chosen
                .iter()
                .map(|n| prop::option::of(all[*n].1.clone()))
                .collect();
            let record = fields.prop_map(|fields| {
                let fields = fields
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| (name.to_owned(), value));
                Value::Object(fields.collect::<Map<_, _>>())
            });
            (Just(rules), record)
        })
}

/// Rules that read and write what records of [`any_json`] have, some of them one another's results; in the order
/// written and in another.
fn rules_in_two_orders() -> impl Strategy<Value = (Vec<Value>, Vec<Value>)> {
    let rules = vec![
        json!({"source": "a", "target": "t.a", "transformation": "trim", "required": true}),
        json!({"source": "b", "target": "t.b", "transformation": "lowercase", "validation": "email"}),
        json!({"source": ["a", "b", "c"], "target": "all", "transformation": "concat", "separator": "-"}),
        json!({"source": "@.all", "target": "loud", "transformation": "uppercase"}),
        json!({"source": ["@.loud", "@.t.a"], "target": "both"}),
        json!({"source": "c[*]", "target": "items[*].c"}),
        json!({"source": "a[*].b", "target": "items[*].b", "transformation": "trim"}),
        json!({"source": "$..email", "target": "emails[1]"}),
        json!({"source": "email", "target": "emails[0]", "validation": "email"}),
        json!({"target": "fixed", "transformation": {"name": "constant", "value": 1}}),
    ];
    Just(rules.clone())
        .prop_shuffle()
        .prop_map(move |shuffled| (rules.clone(), shuffled))
}

/// JSON that is not chosen to please anybody.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word(),
        "\\PC{0,20}".prop_map(Value::from),
        Just(json!("ada@example.com")),
        Just(json!("2024-02-30")),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(
            &[
                "a", "b", "c", "email", "source", "target", "mappings", "name", "contact"
            ][..]
        )
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ]
}

/// Paths that are right or nearly.
fn path() -> impl Strategy<Value = Value> {
    let texts = [
        "a",
        "a.b",
        "a[*].b",
        "b[0]",
        "$.a[?@.b].c",
        "$..c",
        "$['a']",
        "@.a",
        "@.t1",
        "$",
        "c[*]",
        "a..b",
        "$[",
        "",
        "contact.email",
    ];
    prop_oneof![
        6 => prop::sample::select(texts.to_vec()).prop_map(Value::from),
        1 => "\\PC{0,12}".prop_map(Value::from),
        1 => prop::collection::vec(prop::sample::select(texts.to_vec()), 0..4).prop_map(Value::from),
        1 => any_json(),
    ]
}

fn function() -> impl Strategy<Value = Value> {
    let names: Vec<&'static str> = tieline_mapping::functions::ALL
        .iter()
        .map(|known| known.name)
        .collect();
    let names = prop::sample::select(names);
    let parameters = prop::sample::select(
        &[
            "separator",
            "table",
            "value",
            "pattern",
            "expression",
            "output_format",
            "length",
            "with",
        ][..],
    );
    let object = (
        names.clone(),
        prop::collection::btree_map(parameters, any_json(), 0..3),
    )
        .prop_map(|(name, fields)| {
            let mut call: Map<String, Value> =
                fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
            call.insert("name".to_owned(), name.into());
            Value::Object(call)
        });
    prop_oneof![names.prop_map(Value::from), object, any_json()]
}

/// Sources that are right, or [`path`]s.
fn source() -> impl Strategy<Value = Value> {
    let right = [
        "a",
        "a.b",
        "b[0]",
        "$.a[?@.b].c",
        "$..c",
        "c[*]",
        "email",
        "contact.name",
    ];
    prop_oneof![5 => prop::sample::select(right.to_vec()).prop_map(Value::from), 1 => path()]
}

/// Targets that have a place beside one another, or [`path`]s.
fn target() -> impl Strategy<Value = Value> {
    let right = [
        "t1", "t2", "t3", "x.y", "x.z", "k[0].v", "k[3].v", "q", "$['r s']", "email", "name",
        "u.v.w",
    ];
    prop_oneof![8 => prop::sample::select(right.to_vec()).prop_map(Value::from), 1 => path()]
}

fn rule() -> impl Strategy<Value = Value> {
    let functions = prop::collection::vec(function(), 0..3).prop_map(Value::from);
    let validation = prop_oneof![
        Just(json!("email")),
        Just(json!({"pattern": "^a+$"})),
        Just(Value::Null),
        any_json()
    ];
    (source(), target(), functions, validation, any::<Option<bool>>()).prop_map(|(source, target, functions, validation, required)| {
        json!({"source": source, "target": target, "transformation": functions, "validation": validation, "required": required})
    })
}

fn definition() -> impl Strategy<Value = Value> {
    let direction = prop::sample::select(&["to_external", "from_external", "both"][..]);
    let rules = prop::collection::vec(rule(), 0..6).prop_map(Value::from);
    let whole = (rules, direction)
        .prop_map(|(rules, direction)| json!({"mappings": rules, "direction": direction}));
    let keys = prop::collection::btree_map(name(), path(), 0..5)
        .prop_map(|keys| json!({"mappings": Value::Object(keys.into_iter().collect())}));
    prop_oneof![6 => whole, 2 => keys, 1 => any_json()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_goes_there_comes_back((rules, record) in invertible_mapping()) {
        let plan = plan(&json!({"direction": "both", "mappings": rules}));
        prop_assert_eq!(plan.notices(), &[]);
        let there = plan.to_external(&record);
        prop_assert_eq!(&there.warnings, &vec![]);
        let external = there.output.expect("accepted");
        let back = plan.from_external(&external);
        prop_assert_eq!(back.output, Some(record), "{}", external);
    }

    #[test]
    fn the_order_of_rules_does_not_matter((rules, shuffled) in rules_in_two_orders(), record in any_json()) {
        let outcomes = [rules, shuffled].map(|rules| {
            let outcome = plan(&json!({"mappings": rules})).to_external(&record);
            let told = |issues: &[Issue]| {
                let mut told: Vec<String> =
                    issues.iter().map(|issue| format!("{} {:?} {}", issue.target, issue.code, issue.detail)).collect();
                told.sort();
                told
            };
            (outcome.output, told(&outcome.errors), told(&outcome.warnings))
        });
        prop_assert_eq!(&outcomes[0], &outcomes[1]);
    }

    /// Whatever is written as a mapping and given as a record: an answer or a fault, never a panic, and no output
    /// beside an error.
    #[test]
    fn nothing_panics(document in definition(), record in any_json()) {
        let Ok(definition) = Definition::read(&document) else {
            return Ok(());
        };
        let fields = [Field::text("a"), Field::text("a.b")];
        check(&definition, &Overrides::default(), &fields, &fields, Mode::Upsert);
        let Ok(plan) = compile(&document) else {
            return Ok(());
        };
        for way in [Way::ToExternal, Way::FromExternal] {
            let outcome = plan.run(way, &record);
            prop_assert_eq!(outcome.output.is_some(), outcome.errors.is_empty());
            let (traced, _) = plan.run_traced(way, &record);
            prop_assert_eq!(traced, outcome);
        }
    }

    #[test]
    fn suggestions_never_panic_and_never_share_a_field(ours in prop::collection::vec("\\PC{0,20}", 0..8), theirs in prop::collection::vec("[a-zA-Z_.]{0,20}", 0..8)) {
        let fields = |names: &[String]| names.iter().map(|name| Field::text(name)).collect::<Vec<_>>();
        let found = suggest(&fields(&ours), &fields(&theirs), Some("hubspot"));
        prop_assert!(found.len() <= ours.len().min(theirs.len()));
        prop_assert!(found.is_sorted_by(|a, b| a.score >= b.score));
    }
}

/// The definitions that are made up above reach the plan often enough to be worth making up.
#[test]
fn made_up_definitions_are_not_all_refused() {
    let mut runner = TestRunner::deterministic();
    let compiled = (0..500).filter(|_| {
        let made = definition().new_tree(&mut runner).expect("made");
        compile(&made.current()).is_ok_and(|plan| plan.to_external(&Value::Null).errors.len() < 5)
    });
    let compiled = compiled.count();
    assert!(compiled >= 100, "{compiled} of 500");
}
