//! Mapping definitions as their authors write them, read leniently and checked strictly.
//!
//! Both forms of seed 001 (`source`/`target`, `source_field`/`target_field`) and the canonical keys of seed 002
//! become the same [`Rule`]s. Reading finds what is wrong with the form; what is wrong with the meaning is found when
//! a [plan](crate::plan) is compiled.

use serde_json::{Map, Value};

use crate::Fault;
use crate::fault::pointer_step;

mod overrides;
mod read;
mod rule;
mod steps;

pub use overrides::Overrides;
pub(crate) use read::key_rule;
pub use steps::{Step, Steps};

/// Rules that one mapping may have.
pub const MAX_RULES: usize = 500;
/// Functions that one rule may run.
pub const MAX_FUNCTIONS: usize = 16;
/// Fields that one rule may read.
pub const MAX_SOURCES: usize = 32;
/// Rules of one mapping that may search the whole record with `..`.
pub const MAX_SEARCHES: usize = 8;

/// A mapping as its document holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// What people call it.
    pub name: Option<String>,
    /// The provider on the external side, such as `salesforce`.
    pub provider: Option<String>,
    /// The kind of record on our side, such as `contact`.
    pub object: Option<String>,
    /// Which ways it runs.
    pub direction: Direction,
    /// How its rules were written.
    pub form: Form,
    /// The rules.
    pub rules: Vec<Rule>,
    /// Named tables for `lookup`, each an object.
    pub lookup_tables: Map<String, Value>,
}

/// Which ways a mapping or a rule runs.
///
/// Sources are ours and targets external in `to_external` and `both`; in `from_external` it is the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From our record to the external one.
    ToExternal,
    /// From the external record to ours.
    FromExternal,
    /// Both: written as `to_external`, and run backwards where the functions have an inverse.
    Both,
}

/// How rules were written, which decides how our side of a record is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A list of rules (seed 001): dotted names nest on both sides.
    Rules,
    /// Canonical keys (seed 002): `contact.email` is one key of a flat record. A nested record is read too.
    Keys,
}

/// One rule: from where, through what, to where.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Where it stands in its document, such as `/mappings/0`.
    pub pointer: String,
    /// The fields it reads; none for a fixed value.
    pub sources: Vec<Place>,
    /// Whether the sources were written as an array, and so reach the functions as one.
    pub gathers: bool,
    /// The field it writes.
    pub target: Place,
    /// The functions, run in order.
    pub functions: Vec<Call>,
    /// What runs on the way back instead of the functions' inverses.
    pub reverse: Option<Vec<Call>>,
    /// What the value must be, as it was written, and where.
    pub validation: Option<(Value, String)>,
    /// Whether a record without a valid value is rejected.
    pub required: bool,
    /// The ways it runs, where that is less than its mapping's.
    pub direction: Option<Direction>,
    /// How it was written.
    pub form: Form,
}

/// A path in a document, with the place it was written at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path.
    pub text: String,
    /// Where it stands in the document.
    pub pointer: String,
}

/// A function called by a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Its parameters, not yet checked.
    pub parameters: Map<String, Value>,
    /// Where the parameters stand in the document.
    pub pointer: String,
    /// Where the name stands in the document.
    pub name_pointer: String,
    /// Parameters written beside the function, as fields of the rule itself: the rule's place, and their names.
    pub beside: Option<(String, Vec<String>)>,
}

impl Call {
    /// A fault of the function itself, with the place in the document.
    pub(crate) fn locate(&self, mut fault: Fault) -> Fault {
        if fault.pointer == "/name" {
            fault.pointer.clone_from(&self.name_pointer);
            return fault;
        }
        let first = fault.pointer.split('/').nth(1).unwrap_or_default();
        let is_first = |name: &String| pointer_step(name) == first;
        match &self.beside {
            Some((rule, names)) if names.iter().any(is_first) => fault.under(rule),
            _ => fault.under(&self.pointer),
        }
    }
}

impl Direction {
    /// The words for the directions.
    pub const WORDS: [(&'static str, Self); 3] = [
        ("to_external", Self::ToExternal),
        ("from_external", Self::FromExternal),
        ("both", Self::Both),
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToExternal => "to_external",
            Self::FromExternal => "from_external",
            Self::Both => "both",
        }
    }

    /// Whether what runs this way also runs that way.
    pub fn covers(self, way: Self) -> bool {
        self == Self::Both || self == way
    }
}

impl Definition {
    /// Reads a definition, or lists everything that is wrong with its form, each with a JSON pointer.
    ///
    /// With a `provider` and without `mappings`, the provider's default mappings are the rules; canonical keys are
    /// laid over them (seed 002).
    pub fn read(document: &Value) -> Result<Self, Vec<Fault>> {
        read::definition(document)
    }
}

impl Rule {
    /// The fields on our side, as overrides name them.
    pub(crate) fn ours(&self, of: Direction) -> String {
        if of == Direction::FromExternal {
            return self.target.text.clone();
        }
        let texts: Vec<&str> = self
            .sources
            .iter()
            .map(|place| place.text.as_str())
            .collect();
        texts.join(",")
    }

    /// The fields it reads, as they were written.
    pub fn source_text(&self) -> String {
        self.ours(Direction::ToExternal)
    }
}

#[cfg(test)]
mod tests;
