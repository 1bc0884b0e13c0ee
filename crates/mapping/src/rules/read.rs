//! A document becomes a definition.

use serde_json::{Map, Value};

use super::{Definition, Direction, Form, MAX_RULES, Overrides, Place, Rule, rule};
use crate::Fault;
use crate::canonical;
use crate::fault::pointer_step;

/// The fields that a document may have.
const FIELDS: [&str; 7] = [
    "name",
    "description",
    "provider",
    "object",
    "direction",
    "mappings",
    "lookup_tables",
];

pub(super) fn definition(document: &Value) -> Result<Definition, Vec<Fault>> {
    let Value::Object(fields) = document else {
        let detail = "a mapping is an object such as {\"mappings\": [{\"source\": \"email\", \"target\": \"Email\"}]}";
        return Err(vec![Fault::new("", detail)]);
    };
    let mut faults = Vec::new();
    for name in fields
        .keys()
        .filter(|name| !FIELDS.contains(&name.as_str()))
    {
        let pointer = format!("/{}", pointer_step(name));
        faults.push(Fault::unknown(
            pointer,
            "no field of a mapping",
            name,
            FIELDS,
        ));
    }
    text(fields, "description", &mut faults);
    let name = text(fields, "name", &mut faults);
    let provider = text(fields, "provider", &mut faults);
    let object = text(fields, "object", &mut faults);
    let mappings = given(fields, "mappings");
    let form = form_of(mappings);
    let direction = direction(fields, "", &mut faults).unwrap_or(match form {
        Form::Rules => Direction::ToExternal,
        Form::Keys => Direction::Both,
    });
    let lookup_tables = tables(fields, &mut faults);
    let defaults = match (form, provider.as_deref()) {
        (Form::Keys, Some(provider)) => {
            canonical::default_rules(provider, object.as_deref(), direction)
        }
        _ => None,
    };
    let given = match mappings {
        Some(mappings) => Overrides::read_as(mappings, "/mappings", direction, form, &mut faults),
        None if defaults.is_some() => Overrides::default(),
        None => {
            faults.push(no_rules(provider.as_deref()));
            Overrides::default()
        }
    };
    let rules = given.over(defaults.unwrap_or_default(), direction);
    if rules.len() > MAX_RULES {
        let detail = format!(
            "{} rules, but a mapping has at most {MAX_RULES}; split it by object",
            rules.len()
        );
        faults.push(Fault::new("/mappings", detail));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Definition {
        name,
        provider,
        object,
        direction,
        form,
        rules,
        lookup_tables,
    })
}

fn no_rules(provider: Option<&str>) -> Fault {
    let without =
        "a mapping needs `mappings`: a list of rules, or canonical keys with external fields";
    let Some(provider) = provider else {
        return Fault::new("/mappings", without);
    };
    let known = canonical::PROVIDERS.iter().map(|(name, _)| *name);
    let mut fault = Fault::unknown(
        "/provider",
        "no provider with default mappings",
        provider,
        known,
    );
    fault.detail.push_str("; or give `mappings`");
    fault
}

/// What is written for the field; null counts as nothing.
pub(super) fn given<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    fields.get(name).filter(|value| !value.is_null())
}

/// Rules in a list, or canonical keys (also when nothing is given and the provider's defaults stand).
fn form_of(mappings: Option<&Value>) -> Form {
    match mappings {
        Some(Value::Object(keys)) if !rule::is_one(keys) => Form::Keys,
        None => Form::Keys,
        Some(_) => Form::Rules,
    }
}

fn text(fields: &Map<String, Value>, name: &str, faults: &mut Vec<Fault>) -> Option<String> {
    let value = given(fields, name)?;
    if !value.is_string() {
        let detail = format!("`{name}` must be text");
        faults.push(Fault::new(format!("/{name}"), detail));
    }
    value.as_str().map(str::to_owned)
}

pub(super) fn direction(
    fields: &Map<String, Value>,
    place: &str,
    faults: &mut Vec<Fault>,
) -> Option<Direction> {
    let value = given(fields, "direction")?;
    let word = value.as_str().unwrap_or_default();
    let known = Direction::WORDS.iter().find(|(known, _)| *known == word);
    if known.is_none() {
        let words = Direction::WORDS.map(|(word, _)| word);
        let written = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let mut fault = Fault::unknown(
            format!("{place}/direction"),
            "no direction",
            &written,
            words,
        );
        fault.detail.push_str(" (to_external, from_external, both)");
        faults.push(fault);
    }
    known.map(|(_, direction)| *direction)
}

fn tables(fields: &Map<String, Value>, faults: &mut Vec<Fault>) -> Map<String, Value> {
    let tables = match given(fields, "lookup_tables") {
        None => return Map::new(),
        Some(Value::Object(tables)) => tables,
        Some(_) => {
            let detail = "`lookup_tables` is an object of tables by name, such as {\"priority\": {\"low\": \"P3\"}}";
            faults.push(Fault::new("/lookup_tables", detail));
            return Map::new();
        }
    };
    for (name, _) in tables.iter().filter(|(_, table)| !table.is_object()) {
        let pointer = format!("/lookup_tables/{}", pointer_step(name));
        faults.push(Fault::new(
            pointer,
            "a lookup table is an object: what is looked up to what it becomes",
        ));
    }
    tables.clone()
}

/// Canonical keys as rules, and the keys that are taken out.
pub(super) fn keys(
    keys: &Map<String, Value>,
    place: &str,
    direction: Direction,
    form: Form,
    faults: &mut Vec<Fault>,
) -> (Vec<Rule>, Vec<String>) {
    let mut rules = Vec::new();
    let mut removed = Vec::new();
    for (key, external) in keys {
        let pointer = format!("{place}/{}", pointer_step(key));
        match external {
            Value::String(external) if !external.is_empty() => {
                rules.push(key_rule(key, external, pointer, direction, form));
            }
            Value::Null | Value::String(_) => removed.push(key.clone()),
            _ => {
                let detail = "a canonical key maps to the name of an external field, or null to leave it out";
                faults.push(Fault::new(pointer, detail));
            }
        }
    }
    (rules, removed)
}

/// The rule that one canonical key stands for.
pub(crate) fn key_rule(
    canonical: &str,
    external: &str,
    pointer: String,
    direction: Direction,
    form: Form,
) -> Rule {
    let place = |text: &str| Place {
        text: text.to_owned(),
        pointer: pointer.clone(),
    };
    let (source, target) = match direction {
        Direction::FromExternal => (place(external), place(canonical)),
        _ => (place(canonical), place(external)),
    };
    Rule {
        pointer,
        sources: vec![source],
        gathers: false,
        target,
        functions: Vec::new(),
        reverse: None,
        validation: None,
        required: false,
        direction: None,
        form,
    }
}
