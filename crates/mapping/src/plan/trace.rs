//! What each rule did to a record, step by step.

use serde::Serialize;
use serde_json::Value;

use super::leg::Trouble;
use super::run::{Program, Watch};
use super::{IssueCode, Outcome};
use crate::transform::weigh;

/// Items of one rule that are shown; more are counted.
pub const MAX_ITEMS: usize = 20;

/// What a trace shows altogether: values, and bytes of text. What is more is not shown.
pub const MAX_SHOWN: usize = 1 << 20;

/// One rule at work on a record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleTrace {
    /// The rule, as a JSON pointer into the definition.
    pub pointer: String,
    /// The fields it reads.
    pub source: String,
    /// The fields it writes.
    pub target: String,
    /// Each time it ran: once, or for each item of a list, [`MAX_ITEMS`] at most.
    pub items: Vec<ItemTrace>,
    /// Items that are not shown.
    #[serde(skip_serializing_if = "crate::is_zero")]
    pub more_items: usize,
}

/// A rule at work on one value. What is absent is left out; null is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ItemTrace {
    /// The positions in the lists on the way, for a rule that runs for each item.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<usize>,
    /// What it read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// What each function made of it.
    pub steps: Vec<StepTrace>,
    /// What the validation found; absent if there was none to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<String>,
    /// How it ended.
    pub ending: Ending,
    /// What was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Why nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The kind of fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<IssueCode>,
    /// Whether some values are not shown, because the trace would become larger than [`MAX_SHOWN`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// One function at work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepTrace {
    /// The function.
    pub function: &'static str,
    /// What it made of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Why it made nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How a rule ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A value is in the target.
    Written,
    /// There was no value, so the target is left out.
    #[default]
    LeftOut,
    /// The value is invalid and the field optional: left out with a warning.
    Dropped,
    /// The record is rejected.
    Rejected,
}

/// Runs the program and writes down what happens.
pub(super) fn run(program: &Program, record: &Value) -> (Outcome, Vec<RuleTrace>) {
    let rules = program.legs.iter().map(|leg| {
        let targets: Vec<String> = leg.targets.iter().map(|t| t.steps.to_string()).collect();
        RuleTrace {
            pointer: leg.pointer.clone(),
            source: leg.source_text.clone(),
            target: targets.join(","),
            items: Vec::new(),
            more_items: 0,
        }
    });
    let mut watch = Notes {
        rules: rules.collect(),
        current: 0,
        shown: true,
        room: MAX_SHOWN,
    };
    let outcome = program.run(record, &mut watch);
    (outcome, watch.rules)
}

struct Notes {
    rules: Vec<RuleTrace>,
    current: usize,
    /// Whether the current item is among those that are shown.
    shown: bool,
    /// What may still be shown.
    room: usize,
}

impl Notes {
    fn item(&mut self) -> Option<&mut ItemTrace> {
        if !self.shown {
            return None;
        }
        self.rules[self.current].items.last_mut()
    }

    /// A copy of the value, if there is room for one; else the item says that something is not shown.
    fn copy(&mut self, value: Option<&Value>) -> Option<Value> {
        let value = value.filter(|_| self.shown)?;
        if let Some(weight) = weigh(value, self.room) {
            self.room -= weight;
            return Some(value.clone());
        }
        if let Some(item) = self.item() {
            item.cut = true;
        }
        None
    }
}

impl Watch for Notes {
    fn begins(&mut self, leg: usize, at: &[usize]) {
        self.current = leg;
        let rule = &mut self.rules[leg];
        self.shown = rule.items.len() < MAX_ITEMS;
        if !self.shown {
            rule.more_items += 1;
            return;
        }
        rule.items.push(ItemTrace {
            at: at.to_vec(),
            ..ItemTrace::default()
        });
    }

    fn input(&mut self, value: Option<&Value>) {
        let copy = self.copy(value);
        if let Some(item) = self.item() {
            item.input = copy;
        }
    }

    fn stepped(&mut self, function: &'static str, value: Result<Option<&Value>, &str>) {
        let output = self.copy(value.ok().flatten());
        if let Some(item) = self.item() {
            item.steps.push(StepTrace {
                function,
                output,
                error: value.err().map(str::to_owned),
            });
        }
    }

    fn checked(&mut self, valid: Result<(), &str>) {
        if let Some(item) = self.item() {
            item.validation = Some(valid.err().unwrap_or("valid").to_owned());
        }
    }

    fn ends(&mut self, end: Result<Option<&Value>, (&Trouble, bool)>) {
        let output = self.copy(end.as_ref().ok().copied().flatten());
        let Some(item) = self.item() else {
            return;
        };
        match end {
            Ok(None) => item.ending = Ending::LeftOut,
            Ok(Some(_)) => {
                item.ending = Ending::Written;
                item.output = output;
            }
            Err((trouble, rejects)) => {
                item.ending = if rejects {
                    Ending::Rejected
                } else {
                    Ending::Dropped
                };
                item.code = Some(trouble.code);
                item.detail = Some(trouble.detail.clone());
            }
        }
    }
}
