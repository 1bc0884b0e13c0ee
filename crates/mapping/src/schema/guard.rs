//! What a schema must pass before it is compiled.
//!
//! A validator visits a place once for every way that leads through the schema to it: thirty definitions
//! that each refer twice to the next are a billion visits. So every reference points into the schema
//! itself, none leads back to where it came from, and what a schema weighs with all references
//! followed is bounded.

use std::collections::HashMap;

use serde_json::Value;

use super::Fault;

/// The longest schema, in bytes of JSON.
pub const MAX_BYTES: usize = 64 * 1_024;
/// How deep a schema may nest.
pub const MAX_DEPTH: usize = 32;
/// What a schema may weigh: its objects and lists, and those that its references lead to, each time.
pub const MAX_WEIGHT: usize = 4_096;
/// The dialect that is read.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Keywords that are left out, with the reason: what they lead to cannot be told from the text alone.
const REFUSED: [(&str, &str); 5] = [
    (
        "$dynamicRef",
        "use $ref with a pointer, such as #/$defs/address",
    ),
    ("$dynamicAnchor", "name a definition under $defs"),
    (
        "$recursiveRef",
        "use $ref with a pointer, such as #/$defs/address",
    ),
    (
        "$anchor",
        "name a definition under $defs and point to it with #/$defs/name",
    ),
    (
        "$vocabulary",
        "the vocabularies of 2020-12 are always in force",
    ),
];

/// Weighs a schema, or says what is wrong with it.
pub(super) fn weigh(schema: &Value) -> Result<usize, Vec<Fault>> {
    if !matches!(schema, Value::Object(_) | Value::Bool(_)) {
        return Err(vec![Fault::new("", "a schema is an object, true or false")]);
    }
    let bytes = schema.to_string().len();
    if bytes > MAX_BYTES {
        let detail = format!("a schema has at most {MAX_BYTES} bytes, this one has {bytes}");
        return Err(vec![Fault::new("", detail)]);
    }
    let dialect = schema.get("$schema").and_then(Value::as_str);
    if dialect.is_some_and(|dialect| dialect.trim_end_matches('#') != DIALECT) {
        let detail = format!("only {DIALECT} is read; leave $schema out or give that");
        return Err(vec![Fault::new("/$schema", detail)]);
    }
    let mut scale = Scale {
        root: schema,
        known: HashMap::new(),
    };
    let load = scale.weigh(schema, "", MAX_DEPTH, Keys::Keywords);
    load.map(|load| load.weight).map_err(|fault| vec![fault])
}

/// What a part of a schema amounts to, with its references followed.
#[derive(Clone, Copy)]
struct Load {
    weight: usize,
    height: usize,
}

impl Load {
    const VALUE: Self = Self {
        weight: 1,
        height: 1,
    };

    fn add(&mut self, part: Self) {
        self.weight += part.weight;
        self.height = self.height.max(part.height + 1);
    }
}

/// What the keys of an object are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    Keywords,
    Names,
}

struct Scale<'a> {
    root: &'a Value,
    /// What each reference leads to; `None` while it is being followed.
    known: HashMap<&'a str, Option<Load>>,
}

impl<'a> Scale<'a> {
    fn weigh(
        &mut self,
        value: &'a Value,
        pointer: &str,
        levels: usize,
        keys: Keys,
    ) -> Result<Load, Fault> {
        let Some(below) = levels.checked_sub(1) else {
            return Err(too_deep(pointer));
        };
        let mut load = Load::VALUE;
        match value {
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    load.add(self.weigh(item, &format!("{pointer}/{i}"), below, Keys::Keywords)?);
                }
            }
            Value::Object(members) => {
                for (key, member) in members {
                    let step = key.replace('~', "~0").replace('/', "~1");
                    let place = format!("{pointer}/{step}");
                    load.add(match keys {
                        Keys::Names => self.weigh(member, &place, below, Keys::Keywords)?,
                        Keys::Keywords => self.keyword(key, member, &place, below)?,
                    });
                }
            }
            _ => {}
        }
        if value.get("unevaluatedProperties").is_some() || value.get("unevaluatedItems").is_some() {
            // What the keyword leaves out is found by visiting everything beside it once more.
            load.weight *= 2;
        }
        if load.weight > MAX_WEIGHT {
            let detail = format!(
                "the schema has more than {MAX_WEIGHT} parts once its references are followed; make it smaller"
            );
            return Err(Fault::new(pointer, detail));
        }
        Ok(load)
    }

    fn keyword(
        &mut self,
        key: &str,
        member: &'a Value,
        place: &str,
        levels: usize,
    ) -> Result<Load, Fault> {
        match (key, member) {
            ("$ref", Value::String(target)) => self.follow(target, place, levels),
            ("$id", Value::String(_)) if place != "/$id" => {
                Err(Fault::new(place, "only the whole schema may have an $id"))
            }
            // Values, not schemas: nothing in them leads anywhere.
            ("const" | "enum" | "default" | "examples", _) => Ok(Load::VALUE),
            // Visited only where a reference leads to them.
            ("$defs", _) => {
                let load = self.weigh(member, place, levels, Keys::Names);
                load.map(|_| Load::VALUE)
            }
            ("properties" | "patternProperties" | "dependentSchemas", _) => {
                self.weigh(member, place, levels, Keys::Names)
            }
            _ => {
                if let Some((_, instead)) = REFUSED.iter().find(|(word, _)| *word == key) {
                    let detail = format!("`{key}` is not taken: {instead}");
                    return Err(Fault::new(place, detail));
                }
                self.weigh(member, place, levels, Keys::Keywords)
            }
        }
    }

    fn follow(&mut self, target: &'a str, place: &str, levels: usize) -> Result<Load, Fault> {
        match self.known.get(target) {
            Some(Some(load)) if load.height <= levels => return Ok(*load),
            Some(Some(_)) => return Err(too_deep(place)),
            Some(None) => {
                let detail = format!(
                    "`{target}` leads back to itself; a schema that contains itself is not taken"
                );
                return Err(Fault::new(place, detail));
            }
            None => {}
        }
        let pointer = target.strip_prefix('#');
        let found = pointer.and_then(|pointer| Some((pointer, self.root.pointer(pointer)?)));
        let Some((pointer, found)) = found else {
            let detail = format!(
                "`{target}` does not point into this schema; write #/$defs/name (other documents are never fetched)"
            );
            return Err(Fault::new(place, detail));
        };
        self.known.insert(target, None);
        let load = self.weigh(found, pointer, levels, Keys::Keywords)?;
        self.known.insert(target, Some(load));
        Ok(load)
    }
}

fn too_deep(place: &str) -> Fault {
    let detail = format!("a schema nests at most {MAX_DEPTH} levels deep, its references followed");
    Fault::new(place, detail)
}
