//! One rule, read from either form of seed 001.

use serde_json::{Map, Value};

use super::read::{direction, given};
use super::{Call, Form, MAX_FUNCTIONS, MAX_SOURCES, Place, Rule};
use crate::Fault;
use crate::fault::pointer_step;
use crate::functions;

/// The fields that a rule may have, beside the parameters of its function.
const FIELDS: [&str; 10] = [
    "source",
    "source_field",
    "target",
    "target_field",
    "transformation",
    "reverse",
    "validation",
    "required",
    "direction",
    "description",
];

/// Whether the object is one rule, not a table of canonical keys.
pub(super) fn is_one(fields: &Map<String, Value>) -> bool {
    let has = |name: &str| fields.contains_key(name);
    has("source_field") || has("target_field") || (has("source") && has("target"))
}

/// Reads the rule at `place`; what is wrong with it joins the faults.
pub(super) fn read(written: &Value, place: &str, faults: &mut Vec<Fault>) -> Option<Rule> {
    let Value::Object(fields) = written else {
        let detail = "a rule is an object such as {\"source\": \"email\", \"target\": \"Email\"}";
        faults.push(Fault::new(place, detail));
        return None;
    };
    let before = faults.len();
    let sources = sources(fields, place, faults);
    let target = target(fields, place, faults);
    let mut functions = calls(fields, "transformation", place, faults);
    parameters_of_rule(fields, place, &mut functions, faults);
    let reverse = given(fields, "reverse").map(|_| calls(fields, "reverse", place, faults));
    if functions.is_empty()
        && sources
            .as_ref()
            .is_some_and(|(sources, _)| sources.is_empty())
    {
        let detail =
            "a rule needs a `source`, or a function that makes its value, such as `constant`";
        faults.push(Fault::new(place, detail));
    }
    let validation = validation(fields, place, faults);
    let rule = Rule {
        pointer: place.to_owned(),
        gathers: sources.as_ref().is_some_and(|(_, gathers)| *gathers),
        sources: sources.map(|(sources, _)| sources).unwrap_or_default(),
        target: target?,
        functions,
        reverse,
        validation,
        required: flag(fields, "required", place, faults),
        direction: direction(fields, place, faults),
        form: Form::Rules,
    };
    (faults.len() == before).then_some(rule)
}

/// The value of the one of two spellings that is there, with its pointer.
fn either<'v>(
    fields: &'v Map<String, Value>,
    spellings: [&str; 2],
    place: &str,
    faults: &mut Vec<Fault>,
) -> Option<(&'v Value, String)> {
    let [short, long] = spellings;
    let at = |name: &str| given(fields, name).map(|value| (value, format!("{place}/{name}")));
    match (at(short), at(long)) {
        (Some(_), Some((_, pointer))) => {
            let detail =
                format!("`{long}` and `{short}` are two names for one thing; give one of them");
            faults.push(Fault::new(pointer, detail));
            None
        }
        (short, long) => short.or(long),
    }
}

/// The sources, and whether they were written as an array; `None` if they cannot be read.
fn sources(
    fields: &Map<String, Value>,
    place: &str,
    faults: &mut Vec<Fault>,
) -> Option<(Vec<Place>, bool)> {
    let before = faults.len();
    let Some((written, pointer)) = either(fields, ["source", "source_field"], place, faults) else {
        return (faults.len() == before).then(|| (Vec::new(), false));
    };
    let items = match written {
        Value::String(text) => {
            let text = text.clone();
            return Some((vec![Place { text, pointer }], false));
        }
        Value::Array(items) if !items.is_empty() => items,
        _ => {
            faults.push(Fault::new(
                pointer,
                "a source is the path of a field, or a list of paths",
            ));
            return None;
        }
    };
    if items.len() > MAX_SOURCES {
        let detail =
            format!("a rule reads at most {MAX_SOURCES} fields; build the value in two steps");
        faults.push(Fault::new(pointer, detail));
        return None;
    }
    let mut sources = Vec::new();
    for (number, item) in items.iter().enumerate() {
        let pointer = format!("{pointer}/{number}");
        match item {
            Value::String(text) => sources.push(Place {
                text: text.clone(),
                pointer,
            }),
            _ => faults.push(Fault::new(pointer, "a source is the path of a field")),
        }
    }
    Some((sources, true))
}

fn target(fields: &Map<String, Value>, place: &str, faults: &mut Vec<Fault>) -> Option<Place> {
    let before = faults.len();
    let Some((written, pointer)) = either(fields, ["target", "target_field"], place, faults) else {
        if faults.len() == before {
            faults.push(Fault::new(
                place,
                "a rule needs a `target`: the field that it writes",
            ));
        }
        return None;
    };
    let Value::String(text) = written else {
        faults.push(Fault::new(
            pointer,
            "a target is the path of one field, such as Account.Name",
        ));
        return None;
    };
    let text = text.clone();
    Some(Place { text, pointer })
}

/// The functions at `field`: a name, `{"name", …parameters}`, or a list of these.
fn calls(
    fields: &Map<String, Value>,
    field: &str,
    place: &str,
    faults: &mut Vec<Fault>,
) -> Vec<Call> {
    let pointer = format!("{place}/{field}");
    let items = match given(fields, field) {
        None => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(one) => return call(one, &pointer, faults).into_iter().collect(),
    };
    if items.len() > MAX_FUNCTIONS {
        let detail =
            format!("a rule runs at most {MAX_FUNCTIONS} functions; write an `expression`");
        faults.push(Fault::new(pointer, detail));
        return Vec::new();
    }
    let read = items.iter().enumerate();
    let read = read.filter_map(|(number, item)| call(item, &format!("{pointer}/{number}"), faults));
    read.collect()
}

fn call(written: &Value, pointer: &str, faults: &mut Vec<Fault>) -> Option<Call> {
    let called = |name: &str, parameters, name_pointer: String| Call {
        name: name.to_owned(),
        parameters,
        pointer: pointer.to_owned(),
        name_pointer,
        beside: None,
    };
    match written {
        Value::String(name) => return Some(called(name, Map::new(), pointer.to_owned())),
        Value::Object(fields) => {
            if let Some(Value::String(name)) = fields.get("name") {
                let mut parameters = fields.clone();
                parameters.shift_remove("name");
                return Some(called(name, parameters, format!("{pointer}/name")));
            }
        }
        _ => {}
    }
    let detail =
        "a function is its name, or an object such as {\"name\": \"concat\", \"separator\": \" \"}";
    faults.push(Fault::new(pointer, detail));
    None
}

/// Gives each field that the rule itself does not know to the one function that takes it, as seed 001 writes
/// `separator` beside `concat`.
fn parameters_of_rule(
    fields: &Map<String, Value>,
    place: &str,
    functions: &mut [Call],
    faults: &mut Vec<Fault>,
) {
    for (name, value) in fields
        .iter()
        .filter(|(name, _)| !FIELDS.contains(&name.as_str()))
    {
        let takes = |call: &&mut Call| {
            functions::find(&call.name).is_some_and(|known| known.parameter(name).is_some())
        };
        let pointer = format!("{place}/{}", pointer_step(name));
        let mut taking: Vec<&mut Call> = functions.iter_mut().filter(takes).collect();
        match taking.as_mut_slice() {
            [call] if call.parameters.contains_key(name) => {
                let detail = format!("`{}` has its `{name}` already; drop this one", call.name);
                faults.push(Fault::new(pointer, detail));
            }
            [call] => {
                call.parameters.insert(name.clone(), value.clone());
                let (_, names) = call
                    .beside
                    .get_or_insert_with(|| (place.to_owned(), Vec::new()));
                names.push(name.clone());
            }
            [] => faults.push(unknown(pointer, name, functions)),
            _ => {
                let detail = format!(
                    "several functions take `{name}`; write it inside the one that is meant"
                );
                faults.push(Fault::new(pointer, detail));
            }
        }
    }
}

fn unknown(pointer: String, name: &str, functions: &[Call]) -> Fault {
    let declared = functions
        .iter()
        .filter_map(|call| functions::find(&call.name));
    let parameters = declared.flat_map(|known| known.parameters.iter().map(|p| p.name));
    Fault::unknown(
        pointer,
        "no field of a rule",
        name,
        FIELDS.into_iter().chain(parameters),
    )
}

fn validation(
    fields: &Map<String, Value>,
    place: &str,
    faults: &mut Vec<Fault>,
) -> Option<(Value, String)> {
    let written = given(fields, "validation")?;
    let pointer = format!("{place}/validation");
    if !matches!(written, Value::String(_) | Value::Object(_)) {
        let detail =
            "a validation is a name such as \"email\", or an object such as {\"type\": \"email\"}";
        faults.push(Fault::new(pointer, detail));
        return None;
    }
    Some((written.clone(), pointer))
}

fn flag(fields: &Map<String, Value>, name: &str, place: &str, faults: &mut Vec<Fault>) -> bool {
    match given(fields, name) {
        None => false,
        Some(Value::Bool(flag)) => *flag,
        Some(_) => {
            let detail = format!("`{name}` must be true or false");
            faults.push(Fault::new(format!("{place}/{name}"), detail));
            false
        }
    }
}
