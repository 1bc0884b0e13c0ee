//! What becomes of an answer.

use indexmap::IndexMap;
use serde_json::{Map, Value};
use tieline_mapping::transform::{CompiledTransform, MAX_METADATA_KEYS, Transform, VARIABLES};

use crate::{Violation, violation::pointer_step};

/// The output mapping of an operation, compiled.
#[derive(Clone, Debug)]
pub struct OutputMapping {
    names: Vec<String>,
    compiled: CompiledTransform,
}

impl OutputMapping {
    /// Compiles a mapping from names to paths, or lists what is wrong, with pointers relative to it.
    pub fn compile(mapping: &IndexMap<String, String>) -> Result<Self, Vec<Violation>> {
        let variables = mapping
            .iter()
            .filter(|(_, path)| VARIABLES.contains(&path.as_str()));
        let mut faults: Vec<_> = variables
            .map(|(name, path)| {
                let detail = format!("`{path}` has no meaning here; give a JSONPath such as $.id");
                Violation::new(pointer_step(name), detail)
            })
            .collect();
        if mapping.len() > MAX_METADATA_KEYS {
            let detail = format!("an output mapping has at most {MAX_METADATA_KEYS} names");
            faults.push(Violation::new("", detail));
        }
        let transform = Transform {
            message: None,
            metadata: mapping.clone(),
        };
        match transform.compile() {
            Ok(compiled) if faults.is_empty() => Ok(Self {
                names: mapping.keys().cloned().collect(),
                compiled,
            }),
            Ok(_) => Err(faults),
            Err(errors) => {
                faults.extend(errors.iter().map(|error| {
                    let pointer = error.pointer();
                    let pointer = pointer.strip_prefix("/metadata").unwrap_or(pointer);
                    let text = error.to_string();
                    let detail = text.split_once(": ").map_or(&*text, |(_, detail)| detail);
                    Violation::new(pointer, detail)
                }));
                Err(faults)
            }
        }
    }

    /// The mapped answer: every name, with `null` where its path finds nothing.
    pub fn apply(&self, answer: &Value) -> Value {
        let mut found = self.compiled.apply(answer, Default::default()).metadata;
        let named = self.names.iter().map(|name| {
            let value = found.swap_remove(name).unwrap_or(Value::Null);
            (name.clone(), value)
        });
        Value::Object(named.collect::<Map<_, _>>())
    }
}
