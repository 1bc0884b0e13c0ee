//! The names that the schema of an operation's input knows.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use tieline_mapping::{nearest, template::Name};

/// How many parts of a schema are looked at.
const MOST_PARTS: usize = 256;

/// Keywords under which a schema says more of the same object.
const SAME_OBJECT: [&str; 6] = ["allOf", "anyOf", "oneOf", "if", "then", "else"];

/// The names that a schema knows.
#[derive(Debug)]
pub(super) struct Parameters<'s> {
    names: BTreeSet<&'s str>,
    /// Whether it takes others as well, and says so.
    open: bool,
    properties: Option<&'s Map<String, Value>>,
}

impl<'s> Parameters<'s> {
    pub(super) fn of(schema: &'s Value) -> Self {
        let mut found = Self {
            names: BTreeSet::new(),
            open: false,
            properties: schema.get("properties").and_then(Value::as_object),
        };
        let mut open = vec![schema];
        let mut left = MOST_PARTS;
        while let Some(part) = open.pop() {
            left = left.saturating_sub(1);
            if left == 0 {
                found.open = true;
                break;
            }
            found.read(schema, part, &mut open);
        }
        found
    }

    fn read(&mut self, root: &'s Value, part: &'s Value, more: &mut Vec<&'s Value>) {
        let Some(keywords) = part.as_object() else {
            return;
        };
        let properties = keywords.get("properties").and_then(Value::as_object);
        self.names.extend(
            properties
                .into_iter()
                .flat_map(Map::keys)
                .map(String::as_str),
        );
        let says_more = |keyword: &str| {
            let given = keywords.get(keyword);
            given.is_some_and(|given| !matches!(given, Value::Bool(false)))
        };
        self.open |= says_more("additionalProperties")
            || says_more("patternProperties")
            || says_more("unevaluatedProperties");
        for keyword in SAME_OBJECT {
            match keywords.get(keyword) {
                Some(Value::Array(parts)) => more.extend(parts),
                Some(part) => more.push(part),
                None => {}
            }
        }
        let dependent = keywords.get("dependentSchemas").and_then(Value::as_object);
        more.extend(dependent.into_iter().flat_map(Map::values));
        let target = keywords.get("$ref").and_then(Value::as_str);
        more.extend(target.and_then(|target| root.pointer(target.strip_prefix('#')?)));
    }

    /// Whether `name` may be in the input; says what is wrong if not.
    pub(super) fn check(&self, name: &Name) -> Result<(), String> {
        let root = name.root();
        if !self.names.contains(root) {
            if self.open {
                return Ok(());
            }
            let meant = nearest(root, self.names.iter().copied());
            return Err(unknown("parameter", root, meant, &self.names));
        }
        let schema = self.properties.and_then(|properties| properties.get(root));
        match (schema, name.steps().get(1)) {
            (Some(schema), Some(step)) => below(root, schema, step),
            _ => Ok(()),
        }
    }
}

/// Whether the schema of one parameter knows `step`; what it leaves open is taken.
fn below(root: &str, schema: &Value, step: &str) -> Result<(), String> {
    let Some(keywords) = schema.as_object() else {
        return Ok(());
    };
    let is_closed = keywords
        .keys()
        .all(|key| !SAME_OBJECT.contains(&key.as_str()) && key != "$ref")
        && !keywords.contains_key("additionalProperties")
        && !keywords.contains_key("patternProperties");
    match keywords.get("properties").and_then(Value::as_object) {
        Some(properties) if is_closed && !properties.contains_key(step) => {
            let names = properties.keys().map(String::as_str).collect();
            let meant = nearest(step, properties.keys().map(String::as_str));
            Err(unknown(&format!("`{root}` has no"), step, meant, &names))
        }
        _ => Ok(()),
    }
}

fn unknown(what: &str, name: &str, meant: Option<&str>, names: &BTreeSet<&str>) -> String {
    let begin = if what.contains('`') {
        format!("{what} `{name}`")
    } else {
        format!("there is no {what} `{name}`")
    };
    let known: Vec<_> = names.iter().copied().take(20).collect();
    match meant {
        Some(meant) => format!("{begin}; did you mean `{meant}`?"),
        None if known.is_empty() => {
            format!("{begin}: the schema has no properties; declare it there")
        }
        None => format!("{begin}; there are {}", known.join(", ")),
    }
}
