//! Rules that are laid over others: a connection's `field_mappings` over its mapping.

use serde_json::Value;

use super::{Direction, Form, Rule, read, rule};
use crate::Fault;

/// Rules to lay over those of a mapping, and keys to take out.
///
/// An override takes the place of every rule for the same field of ours (seed 002's `mappings.update`) and of every
/// rule for the same target, since two cannot write one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    rules: Vec<Rule>,
    removed: Vec<String>,
}

impl Overrides {
    /// Reads what a connection writes over a mapping of this direction and form: canonical keys (null takes one out),
    /// a list of rules, or one rule. Faults point below `place`.
    pub fn read(
        written: &Value,
        place: &str,
        direction: Direction,
        form: Form,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let read = Self::read_as(written, place, direction, form, &mut faults);
        if faults.is_empty() {
            Ok(read)
        } else {
            Err(faults)
        }
    }

    pub(super) fn read_as(
        written: &Value,
        place: &str,
        direction: Direction,
        form: Form,
        faults: &mut Vec<Fault>,
    ) -> Self {
        match written {
            Value::Array(rules) => {
                let read = rules.iter().enumerate();
                let read =
                    read.filter_map(|(i, one)| rule::read(one, &format!("{place}/{i}"), faults));
                Self {
                    rules: read.collect(),
                    removed: Vec::new(),
                }
            }
            Value::Object(fields) if rule::is_one(fields) => Self {
                rules: rule::read(written, place, faults).into_iter().collect(),
                removed: Vec::new(),
            },
            Value::Object(keys) => {
                let (rules, removed) = read::keys(keys, place, direction, form, faults);
                Self { rules, removed }
            }
            Value::Null => Self::default(),
            _ => {
                let detail =
                    "write a list of rules, or an object of canonical keys and external fields";
                faults.push(Fault::new(place, detail));
                Self::default()
            }
        }
    }

    /// Whether nothing is laid over.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.removed.is_empty()
    }

    /// The rules that hold when these are laid over `base`.
    pub(crate) fn over(&self, base: Vec<Rule>, direction: Direction) -> Vec<Rule> {
        let displaced = |rule: &Rule| {
            let ours = rule.ours(direction);
            let same =
                |new: &Rule| new.ours(direction) == ours || new.target.text == rule.target.text;
            self.removed.contains(&ours) || self.rules.iter().any(same)
        };
        let kept = base.into_iter().filter(|rule| !displaced(rule));
        kept.chain(self.rules.iter().cloned()).collect()
    }
}
