//! The mapper of seed 002, rewritten line for line, as an oracle over random records; and the cases in which it is
//! wrong and Tieline differs on purpose (docs/mapping.md lists them).

use indexmap::IndexMap;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tieline_mapping::canonical::PROVIDERS;

use super::{compile, plan};

/// `class FieldMapper`.
struct FieldMapper {
    mappings: IndexMap<String, String>,
}

impl FieldMapper {
    fn new(provider: &str, custom: &IndexMap<String, String>) -> Self {
        let defaults = PROVIDERS
            .iter()
            .filter(|(name, _)| *name == provider)
            .flat_map(|(_, pairs)| *pairs);
        let mut mappings: IndexMap<String, String> = defaults
            .map(|(key, field)| ((*key).to_owned(), (*field).to_owned()))
            .collect();
        mappings.extend(custom.clone());
        Self { mappings }
    }

    fn to_external(&self, canonical: &Map<String, Value>) -> Value {
        let mut result = Map::new();
        for (key, value) in canonical {
            if let Some(external) = self
                .mappings
                .get(key)
                .filter(|external| !external.is_empty())
            {
                set_nested(&mut result, external, value.clone());
            }
        }
        Value::Object(result)
    }

    #[expect(
        clippy::wrong_self_convention,
        reason = "the name that the seed gives it"
    )]
    fn from_external(&self, external: &Map<String, Value>) -> Value {
        let reverse: IndexMap<&str, &str> = self
            .mappings
            .iter()
            .map(|(key, field)| (field.as_str(), key.as_str()))
            .collect();
        let mut flat = IndexMap::new();
        flatten(external, "", &mut flat);
        let mut result = Map::new();
        for (key, value) in flat {
            if let Some(canonical) = reverse.get(key.as_str()) {
                result.insert((*canonical).to_owned(), value);
            }
        }
        Value::Object(result)
    }
}

fn set_nested(mut object: &mut Map<String, Value>, key: &str, value: Value) {
    let mut keys: Vec<&str> = key.split('.').collect();
    let last = keys.pop().expect("a text has one part at least");
    for key in keys {
        let inner = object.entry(key).or_insert_with(|| json!({}));
        object = inner.as_object_mut().expect("the seed fails here too");
    }
    object.insert(last.to_owned(), value);
}

fn flatten(object: &Map<String, Value>, prefix: &str, items: &mut IndexMap<String, Value>) {
    for (key, value) in object {
        let key = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            Value::Object(inner) => flatten(inner, &key, items),
            value => drop(items.insert(key, value.clone())),
        }
    }
}

/// A provider, with canonical keys of the customer's own whose fields nobody else writes.
fn mapper() -> impl Strategy<Value = (&'static str, IndexMap<String, String>)> {
    let providers = prop_oneof![
        Just("salesforce"),
        Just("hubspot"),
        Just("zendesk"),
        Just("unknown")
    ];
    let fields = prop::sample::subsequence(
        vec![
            ("contact.title", "Title"),
            ("contact.city", "Mailing.City"),
            ("contact.zip", "Mailing.Zip"),
            ("lead", "Lead__c"),
            ("contact.phone", "MobilePhone"),
            ("ticket.tags", ""),
        ],
        0..=6,
    );
    let custom = fields.prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(key, field)| (key.to_owned(), field.to_owned()))
            .collect()
    });
    (providers, custom)
}

fn document(provider: &str, custom: &IndexMap<String, String>) -> Value {
    json!({"provider": provider, "mappings": custom})
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |f| f.is_finite())
            .prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..3).prop_map(Value::from),
        Just(json!([{"in": "a list"}])),
    ]
}

fn canonical_record() -> impl Strategy<Value = Value> {
    let keys = [
        "contact.email",
        "contact.first_name",
        "contact.name",
        "contact.phone",
        "contact.company",
        "contact.title",
        "contact.city",
        "contact.zip",
        "ticket.subject",
        "ticket.description",
        "ticket.priority",
        "ticket.tags",
        "lead",
        "unknown.key",
        "unknown",
    ];
    prop::collection::btree_map(prop::sample::select(keys.to_vec()), leaf(), 0..12).prop_map(
        |fields| {
            fields
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<Map<_, _>>()
                .into()
        },
    )
}

fn external_record() -> impl Strategy<Value = Value> {
    let names = [
        "Email",
        "email",
        "FirstName",
        "Phone",
        "phone",
        "MobilePhone",
        "Subject",
        "subject",
        "content",
        "hs_ticket_priority",
        "Priority",
        "priority",
        "Title",
        "Lead__c",
        "Unknown",
        "company",
        "name",
    ];
    let fields = prop::collection::btree_map(prop::sample::select(names.to_vec()), leaf(), 0..10);
    let nested = prop::collection::btree_map(
        prop::sample::select(&["Name", "City", "Zip", "body", "Else"][..]),
        leaf(),
        0..4,
    );
    let holder = prop::sample::select(&["Account", "Mailing", "comment", "Nothing"][..]);
    (fields, prop::collection::btree_map(holder, nested, 0..3)).prop_map(|(fields, nested)| {
        let mut record: Map<String, Value> =
            fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        for (holder, inner) in nested {
            let inner: Map<String, Value> =
                inner.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
            record.insert(holder.to_owned(), inner.into());
        }
        record.into()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn agrees_with_the_seed(
        (provider, custom) in mapper(), canonical in canonical_record(), external in external_record(),
    ) {
        let oracle = FieldMapper::new(provider, &custom);
        let plan = plan(&document(provider, &custom));
        let there = plan.to_external(&canonical);
        prop_assert_eq!(there.output, Some(oracle.to_external(canonical.as_object().expect("an object"))));
        let back = plan.from_external(&external);
        prop_assert_eq!(back.output, Some(oracle.from_external(external.as_object().expect("an object"))));
    }
}

/// Two canonical fields on one external field: the seed keeps both on the way there (the last wins) and only one on
/// the way back. Tieline refuses such a mapping; a default that a key of the customer displaces is no second one.
#[test]
fn where_the_seed_loses_a_field_on_the_way_back_the_mapping_is_refused() {
    let custom = IndexMap::from([
        ("contact.work".to_owned(), "Mail".to_owned()),
        ("contact.home".to_owned(), "Mail".to_owned()),
    ]);
    let oracle = FieldMapper::new("none", &custom);
    let canonical = json!({"contact.work": "w", "contact.home": "h"});
    let there = oracle.to_external(canonical.as_object().expect("an object"));
    assert_eq!(there, json!({"Mail": "h"}), "the seed loses one");
    assert_eq!(
        oracle.from_external(there.as_object().expect("an object")),
        json!({"contact.home": "h"})
    );
    let faults = compile(&document("none", &custom)).expect_err("refused");
    assert_eq!(faults[0].pointer, "/mappings/contact.home");
}

/// A field and one inside it: the seed fails when it runs, Tieline when it is saved.
#[test]
fn where_the_seed_fails_at_work_the_mapping_is_refused() {
    let custom = IndexMap::from([
        ("a".to_owned(), "Account".to_owned()),
        ("b".to_owned(), "Account.Name".to_owned()),
    ]);
    let faults = compile(&document("none", &custom)).expect_err("refused");
    assert!(
        faults[0].detail.contains("one lies inside the other"),
        "{faults:?}"
    );
}

/// A mapped field that holds an object: the seed flattens it away, Tieline brings it back.
#[test]
fn where_the_seed_drops_an_object_it_comes_back() {
    let custom = IndexMap::from([("contact.address".to_owned(), "Address".to_owned())]);
    let canonical = json!({"contact.address": {"city": "Paris"}});
    let oracle = FieldMapper::new("none", &custom);
    let external = oracle.to_external(canonical.as_object().expect("an object"));
    assert_eq!(
        oracle.from_external(external.as_object().expect("an object")),
        json!({}),
        "the seed drops it"
    );
    let plan = plan(&document("none", &custom));
    assert_eq!(plan.to_external(&canonical).output, Some(external.clone()));
    assert_eq!(plan.from_external(&external).output, Some(canonical));
}

/// Nested records in canonical form are read as flat ones are; the seed reads flat ones only.
#[test]
fn nested_canonical_records_are_read_too() {
    let plan = plan(&json!({"provider": "hubspot"}));
    let outcome = plan.to_external(&json!({"contact": {"email": "a@b.de"}, "contact.phone": "1"}));
    assert_eq!(
        outcome.output,
        Some(json!({"email": "a@b.de", "phone": "1"}))
    );
}
