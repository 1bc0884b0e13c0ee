//! One rule in one direction, made ready.

use std::borrow::Cow;

use serde_json::Value;

use super::run::Watch;
use super::source::Source;
use super::{IssueCode, MAX_WORK};
use crate::functions::{Context, Flow, Function};
use crate::rules::Steps;
use crate::transform::weigh;
use crate::validation::Check;

/// A rule that runs one way.
#[derive(Debug)]
pub(super) struct Leg {
    /// The rule, as a JSON pointer into the definition.
    pub(super) pointer: String,
    /// What it reads, for people.
    pub(super) source_text: String,
    /// What it reads.
    pub(super) reads: Reads,
    /// What it does, in order.
    pub(super) functions: Vec<Function>,
    /// What the value must be.
    pub(super) check: Option<Check>,
    /// Whether that is asked of what comes in, not of what goes out: so on the way back.
    pub(super) checks_input: bool,
    /// Whether the record is rejected without a valid value.
    pub(super) required: bool,
    /// What it writes.
    pub(super) targets: Vec<Target>,
}

/// How often a rule runs on one record.
#[derive(Debug)]
pub(super) enum Reads {
    /// Once.
    Once(Source),
    /// For each item that the steps with `[*]` lead to.
    EachItem(Steps),
}

/// A place in what comes out.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) steps: Steps,
    pub(super) cell: usize,
    /// Where it is written in the definition.
    pub(super) pointer: String,
}

/// What the rules may still look at in one record, in the units of [`weigh`]: values, and bytes of text.
#[derive(Debug)]
pub(super) struct Work(usize);

impl Work {
    pub(super) fn for_record() -> Self {
        Self(MAX_WORK)
    }

    /// Looks at a value once.
    pub(super) fn charge(&mut self, value: Option<&Value>) -> Result<(), Trouble> {
        let Some(value) = value else {
            return Ok(());
        };
        let weight = weigh(value, self.0).ok_or_else(|| {
            let detail = format!(
                "the rules look at more than {MAX_WORK} bytes of one record; map fewer fields"
            );
            Trouble::new(IssueCode::TooLarge, detail)
        })?;
        self.0 -= weight;
        Ok(())
    }
}

/// Why a value is not written.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) code: IssueCode,
    pub(super) detail: String,
}

impl Trouble {
    pub(super) fn new(code: IssueCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}

impl Leg {
    /// What the value becomes; `None` is absent.
    pub(super) fn evaluate<'v>(
        &self,
        input: Option<Flow<'v>>,
        context: Context<'_>,
        work: &mut Work,
        watch: &mut impl Watch,
    ) -> Result<Option<Flow<'v>>, Trouble> {
        watch.input(input.as_deref());
        if self.checks_input {
            self.check(input.as_deref(), watch)?;
        }
        let mut value = input;
        for function in &self.functions {
            let name = function.declaration().name;
            work.charge(value.as_deref())?;
            value = match function.apply(value, &context) {
                Ok(value) => value,
                Err(error) => {
                    let detail = format!("`{name}` {error}");
                    watch.stepped(name, Err(&detail));
                    return Err(Trouble::new(IssueCode::Function, detail));
                }
            };
            watch.stepped(name, Ok(value.as_deref()));
        }
        self.demand(value.as_deref())?;
        if !self.checks_input {
            self.check(value.as_deref(), watch)?;
        }
        Ok(value)
    }

    /// Whether the value is what the rule asks for. Absent and null values are no values.
    fn check(&self, value: Option<&Value>, watch: &mut impl Watch) -> Result<(), Trouble> {
        let (Some(check), Some(value)) = (&self.check, value.filter(|value| !value.is_null()))
        else {
            return Ok(());
        };
        match check.check(value) {
            Ok(()) => {
                watch.checked(Ok(()));
                Ok(())
            }
            Err(invalid) => {
                let detail = invalid.to_string();
                watch.checked(Err(&detail));
                Err(Trouble::new(IssueCode::Invalid, detail))
            }
        }
    }

    /// Whether a required value is there.
    fn demand(&self, value: Option<&Value>) -> Result<(), Trouble> {
        if !self.required {
            return Ok(());
        }
        let (code, is) = match value {
            None => (IssueCode::Missing, "is missing"),
            Some(Value::Null) => (IssueCode::Null, "is null"),
            Some(Value::String(text)) if text.is_empty() => (IssueCode::Empty, "is empty"),
            Some(_) => return Ok(()),
        };
        Err(Trouble::new(
            code,
            format!("the field is required and {is}"),
        ))
    }

    /// The values for each of several targets: a list with as many values.
    pub(super) fn parts(&self, value: Option<Flow<'_>>) -> Result<Vec<Option<Value>>, Trouble> {
        let fields = self.targets.len();
        match value.map(Cow::into_owned) {
            None => Ok(vec![None; fields]),
            Some(Value::Null) => Ok(vec![Some(Value::Null); fields]),
            Some(Value::Array(items)) if items.len() == fields => {
                Ok(items.into_iter().map(Some).collect())
            }
            Some(Value::Array(items)) => {
                let detail = format!(
                    "the value has {} parts, and {fields} fields to fill",
                    items.len()
                );
                Err(Trouble::new(IssueCode::Parts, detail))
            }
            Some(_) => {
                let detail = format!("the value is no list, and there are {fields} fields to fill");
                Err(Trouble::new(IssueCode::Parts, detail))
            }
        }
    }

    /// The rules whose results it reads.
    pub(super) fn needs(&self) -> Vec<usize> {
        fn outputs(source: &Source, into: &mut Vec<usize>) {
            match source {
                Source::Output(leg) => into.push(*leg),
                Source::List(sources) => sources.iter().for_each(|source| outputs(source, into)),
                _ => {}
            }
        }
        let mut needs = Vec::new();
        if let Reads::Once(source) = &self.reads {
            outputs(source, &mut needs);
        }
        needs
    }
}
