//! Schemas of a description as JSON Schema 2020-12: without references, bounded, and only what an input needs.
//!
//! References are followed and written out, because models and clients read them poorly. Where that would not
//! end, or would not fit, the schema is left open (`{}`), which takes anything: the service checks it anyway.

use serde_json::{Map, Value, json};
use tieline_mapping::Schema;

use crate::violation::pointer_step;

use super::{
    Note,
    document::{Document, Release, shortened},
};

/// How deep the schema of an operation's input may nest, in schemas.
const MAX_LEVELS: usize = 12;
/// What the schemas of one operation may take, in bytes of text, estimated.
const MAX_BYTES: usize = 40 * 1_024;
/// What a keyword or a value costs beside its own text: quotes, colons, commas.
const OVERHEAD: usize = 6;
/// What a schema costs beside what it says: it is weighed when it is compiled, however short it is.
const SCHEMA: usize = 60;
/// The longest description within a schema, in characters.
const MAX_DESCRIPTION: usize = 300;

/// The type that a keyword's value must have.
#[derive(Clone, Copy)]
enum Takes {
    /// A string.
    Text,
    /// A number.
    Number,
    /// A whole number from 0.
    Count,
    /// True or false.
    Flag,
    /// A list of strings.
    Names,
    /// A list that is not empty.
    Values,
    /// Any value.
    Anything,
    /// One schema.
    Schema,
    /// A list of schemas that is not empty.
    Schemas,
    /// An object of schemas.
    NamedSchemas,
}

/// The keywords that an input keeps. What else a schema says (`xml`, `discriminator`, `externalDocs`, extensions) says
/// nothing about what is valid.
const KEYWORDS: [(&str, Takes); 34] = [
    ("title", Takes::Text),
    ("description", Takes::Text),
    ("format", Takes::Text),
    ("pattern", Takes::Text),
    ("enum", Takes::Values),
    ("const", Takes::Anything),
    ("default", Takes::Anything),
    ("minimum", Takes::Number),
    ("maximum", Takes::Number),
    ("exclusiveMinimum", Takes::Number),
    ("exclusiveMaximum", Takes::Number),
    ("multipleOf", Takes::Number),
    ("minLength", Takes::Count),
    ("maxLength", Takes::Count),
    ("minItems", Takes::Count),
    ("maxItems", Takes::Count),
    ("minProperties", Takes::Count),
    ("maxProperties", Takes::Count),
    ("uniqueItems", Takes::Flag),
    ("required", Takes::Names),
    ("properties", Takes::NamedSchemas),
    ("patternProperties", Takes::NamedSchemas),
    ("additionalProperties", Takes::Schema),
    ("propertyNames", Takes::Schema),
    ("items", Takes::Schema),
    ("prefixItems", Takes::Schemas),
    ("contains", Takes::Schema),
    ("allOf", Takes::Schemas),
    ("anyOf", Takes::Schemas),
    ("oneOf", Takes::Schemas),
    ("not", Takes::Schema),
    ("if", Takes::Schema),
    ("then", Takes::Schema),
    ("else", Takes::Schema),
];

/// The types of JSON Schema.
const TYPES: [&str; 7] = [
    "string", "number", "integer", "boolean", "array", "object", "null",
];

/// Writes out the schemas of one operation.
pub(super) struct Writer<'a> {
    document: &'a Document,
    /// The bytes that are left.
    left: usize,
    /// The references that are being followed.
    open: Vec<String>,
    /// What had to be left open or out, each thing once.
    pub notes: Vec<Note>,
}

impl<'a> Writer<'a> {
    /// A writer for the schemas of one operation of `document`.
    pub(super) fn new(document: &'a Document) -> Self {
        Self {
            document,
            left: MAX_BYTES,
            open: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The schema at `place`, written out. An error is a reference that leads nowhere.
    pub(super) fn write(&mut self, schema: &'a Value, place: &str) -> Result<Value, Note> {
        self.schema(schema, place, MAX_LEVELS)
    }

    fn schema(&mut self, schema: &'a Value, place: &str, levels: usize) -> Result<Value, Note> {
        let content = match schema {
            Value::Object(content) => content,
            Value::Bool(allowed) => return Ok(json!(allowed)),
            _ => return Ok(self.open(place, "it is no schema")),
        };
        let Some(below) = levels.checked_sub(1) else {
            return Ok(self.open(place, "it nests too deep"));
        };
        if !self.pay(SCHEMA) {
            return Ok(self.open(place, "the input would become too large"));
        }
        match content.get("$ref").and_then(Value::as_str) {
            Some(target) => self.reference(content, target, place, below),
            None => self.keywords(content, place, below),
        }
    }

    /// What a reference leads to, with what stands beside it (which counts from 3.1 on).
    fn reference(
        &mut self,
        content: &'a Map<String, Value>,
        target: &'a str,
        place: &str,
        below: usize,
    ) -> Result<Value, Note> {
        if self.open.iter().any(|open| open == target) {
            return Ok(self.open(place, "it contains itself"));
        }
        let (found, pointer) = self.document.follow(target, place)?;
        self.open.push(target.to_owned());
        let written = self.schema(found, &pointer, below);
        self.open.pop();
        let mut written = written?;
        if self.document.release == Release::V30 || content.len() == 1 {
            return Ok(written);
        }
        let beside = self.keywords(content, place, below)?;
        let Value::Object(mut beside) = beside else {
            return Ok(written);
        };
        for annotation in ["title", "description", "default"] {
            if let (Some(own), Value::Object(written)) =
                (beside.shift_remove(annotation), &mut written)
            {
                written.insert(annotation.to_owned(), own);
            }
        }
        if beside.is_empty() {
            return Ok(written);
        }
        Ok(json!({"allOf": [written, beside]}))
    }

    fn keywords(
        &mut self,
        content: &'a Map<String, Value>,
        place: &str,
        below: usize,
    ) -> Result<Value, Note> {
        let mut written = Map::new();
        if let Some(types) = self.types(content) {
            written.insert("type".to_owned(), types);
        }
        for (keyword, takes) in KEYWORDS {
            let Some(value) = content.get(keyword) else {
                continue;
            };
            let place = format!("{place}/{keyword}");
            if let Some(value) = self.value(keyword, takes, value, &place, below)? {
                written.insert(keyword.to_owned(), value);
            }
        }
        if self.document.release == Release::V30 {
            old_bounds(content, &mut written);
            nullable_enum(content, &mut written);
        }
        without_read_only(content, &mut written);
        Ok(Value::Object(written))
    }

    /// `type`, and in 3.0 `nullable` with it.
    fn types(&self, content: &Map<String, Value>) -> Option<Value> {
        let is_type = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
        let mut types: Vec<Value> = match content.get("type")? {
            Value::Array(types) => types.iter().filter(|name| is_type(name)).cloned().collect(),
            name if is_type(name) => vec![name.clone()],
            _ => return None,
        };
        if is_nullable(self.document.release, content) && !types.contains(&json!("null")) {
            types.push(json!("null"));
        }
        types.dedup();
        match types.len() {
            0 => None,
            1 => types.pop(),
            _ => Some(Value::Array(types)),
        }
    }

    /// The value that a keyword is written with; `None` leaves the keyword out.
    fn value(
        &mut self,
        keyword: &str,
        takes: Takes,
        value: &'a Value,
        place: &str,
        below: usize,
    ) -> Result<Option<Value>, Note> {
        let kept = match (takes, value) {
            (Takes::Text, Value::String(text)) => return Ok(self.text(keyword, text, place)),
            (Takes::Number, Value::Number(_))
            | (Takes::Flag, Value::Bool(_))
            | (Takes::Anything, _) => value.clone(),
            (Takes::Count, Value::Number(number)) if number.is_u64() => value.clone(),
            (Takes::Values, Value::Array(values)) if !values.is_empty() => value.clone(),
            (Takes::Names, Value::Array(names)) => Value::Array(
                names
                    .iter()
                    .filter(|name| name.is_string())
                    .cloned()
                    .collect(),
            ),
            (Takes::Schema, Value::Object(_) | Value::Bool(_)) => {
                return self.schema(value, place, below).map(Some);
            }
            (Takes::Schemas, Value::Array(parts)) if !parts.is_empty() => {
                let parts = parts.iter().enumerate();
                let parts =
                    parts.map(|(i, part)| self.schema(part, &format!("{place}/{i}"), below));
                return parts
                    .collect::<Result<_, _>>()
                    .map(|parts| Some(Value::Array(parts)));
            }
            (Takes::NamedSchemas, Value::Object(named)) => {
                return self.named(named, place, below).map(Some);
            }
            _ => return Ok(None),
        };
        let is_affordable = self.pay(kept.to_string().len() + keyword.len());
        if !is_affordable {
            self.note(place, "left out: the input would become too large");
        }
        Ok(is_affordable.then_some(kept))
    }

    fn text(&mut self, keyword: &str, text: &str, place: &str) -> Option<Value> {
        if keyword == "pattern" && Schema::compile(&json!({"pattern": text})).is_err() {
            self.note(place, "left out: the pattern is not one that is read here");
            return None;
        }
        let text = if keyword == "description" {
            shortened(text.trim(), MAX_DESCRIPTION)
        } else {
            text.into()
        };
        self.pay(text.len() + keyword.len()).then(|| json!(text))
    }

    fn named(
        &mut self,
        named: &'a Map<String, Value>,
        place: &str,
        below: usize,
    ) -> Result<Value, Note> {
        let mut written = Map::new();
        for (name, schema) in named {
            if is_read_only(schema) {
                continue;
            }
            if !self.pay(name.len()) {
                self.note(
                    place,
                    "fields are left out: the input would become too large",
                );
                break;
            }
            let place = format!("{place}{}", pointer_step(name));
            written.insert(name.clone(), self.schema(schema, &place, below)?);
        }
        Ok(Value::Object(written))
    }

    fn pay(&mut self, bytes: usize) -> bool {
        let left = self.left.checked_sub(bytes + OVERHEAD);
        self.left = left.unwrap_or(0);
        left.is_some()
    }

    /// A schema that takes anything, and why.
    fn open(&mut self, place: &str, why: &str) -> Value {
        self.note(place, &format!("left open, takes anything: {why}"));
        json!({})
    }

    fn note(&mut self, place: &str, detail: &str) {
        const MOST: usize = 20;
        let note = Note::new(place, detail);
        if self.notes.len() < MOST && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

fn is_nullable(release: Release, content: &Map<String, Value>) -> bool {
    release == Release::V30 && content.get("nullable") == Some(&json!(true))
}

/// In 3.0 a nullable enumeration still had to list null (OAS 3.0.3, a clarification that few descriptions follow).
fn nullable_enum(content: &Map<String, Value>, written: &mut Map<String, Value>) {
    if !is_nullable(Release::V30, content) {
        return;
    }
    if let Some(Value::Array(values)) = written.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}

/// In 3.0 `exclusiveMinimum: true` says that `minimum` itself is not allowed.
fn old_bounds(content: &Map<String, Value>, written: &mut Map<String, Value>) {
    for (bound, exclusive) in [
        ("minimum", "exclusiveMinimum"),
        ("maximum", "exclusiveMaximum"),
    ] {
        if content.get(exclusive) == Some(&json!(true))
            && let Some(value) = written.shift_remove(bound)
        {
            written.insert(exclusive.to_owned(), value);
        }
    }
}

/// What the service alone sets is no input.
fn is_read_only(schema: &Value) -> bool {
    schema.get("readOnly") == Some(&json!(true))
}

/// Takes from `required` what is no property any more.
fn without_read_only(content: &Map<String, Value>, written: &mut Map<String, Value>) {
    let Some(properties) = content.get("properties").and_then(Value::as_object) else {
        return;
    };
    if let Some(Value::Array(required)) = written.get_mut("required") {
        required.retain(|name| {
            let property = name.as_str().and_then(|name| properties.get(name));
            !property.is_some_and(is_read_only)
        });
    }
}
