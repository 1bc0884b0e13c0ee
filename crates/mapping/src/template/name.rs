//! Names of values: `a`, `a.b-c`, `items.0.id`, `items[0].id`.

use std::{borrow::Cow, fmt};

use serde_json::Value;

/// The most steps of one name.
pub const MAX_STEPS: usize = 16;

/// The name of a value: steps from the root inwards. A step is a key of an object or an index of an array.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    steps: Vec<String>,
}

/// Where names lead: what a template is rendered with.
pub trait Scope {
    /// The value of `name`; `None` if there is none.
    fn find(&self, name: &Name) -> Option<Cow<'_, Value>>;
}

impl Scope for Value {
    fn find(&self, name: &Name) -> Option<Cow<'_, Value>> {
        name.within(self).map(Cow::Borrowed)
    }
}

/// Whether a step may hold the character. Letters and digits of every script, and what stands in names of
/// headers, variables and keys.
pub(super) fn is_name_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '@')
}

impl Name {
    /// Reads a name; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (name, indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
            if name.is_empty() || !name.chars().all(is_name_character) {
                return None;
            }
            steps.push(name.to_owned());
            let mut rest = indexes;
            while !rest.is_empty() {
                let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
                let is_index = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
                if !is_index {
                    return None;
                }
                steps.push(index.to_owned());
                rest = after;
            }
        }
        (steps.len() <= MAX_STEPS).then_some(Self { steps })
    }

    /// The first step.
    pub fn root(&self) -> &str {
        self.steps.first().map_or("", String::as_str)
    }

    /// All steps, from the root inwards; at least one.
    pub fn steps(&self) -> &[String] {
        &self.steps
    }

    /// The value that the name leads to from `root`.
    pub fn within<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        follow(&self.steps, root)
    }

    /// The value that the steps after the first lead to from `root`, which is the value of the first.
    pub fn below_root<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        follow(self.steps.get(1..).unwrap_or_default(), root)
    }
}

fn follow<'v>(steps: &[String], root: &'v Value) -> Option<&'v Value> {
    steps.iter().try_fold(root, |value, step| match value {
        Value::Object(members) => members.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.steps.join("."))
    }
}
