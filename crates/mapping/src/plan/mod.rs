//! A definition made ready to run: compiled once, immutable, shared, quick.
//!
//! Rules read only the record, or by `@.target` what another rule has written; so their order does not matter. A
//! record with an error gives no output at all: there is no record that is written in part.

use serde::Serialize;
use serde_json::Value;

use crate::Fault;
use crate::rules::{Definition, Direction, Overrides};

mod compile;
mod layout;
mod leg;
mod order;
mod run;
mod skeleton;
mod source;
mod trace;
mod way_back;

pub use layout::{MAX_DEPTH, MAX_INDEX};
pub use trace::{Ending, ItemTrace, MAX_ITEMS, MAX_SHOWN, RuleTrace, StepTrace};

/// What one record may become: values, and bytes of text, altogether.
pub const MAX_OUTPUT: usize = 4 << 20;
/// What the rules may look at in one record, each value as often as a function or a search looks at it.
pub const MAX_WORK: usize = 64 << 20;
/// Errors and warnings told of one record; more are counted.
pub const MAX_ISSUES: usize = 100;

/// A mapping ready to run. `Send` and `Sync`: one plan serves every thread, behind an `Arc`.
#[derive(Debug)]
pub struct Plan {
    direction: Direction,
    /// As the rules are written.
    forth: run::Program,
    /// Backwards, where the mapping runs both ways.
    back: Option<run::Program>,
    notices: Vec<Notice>,
}

/// Which way a record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From our record to the external one.
    ToExternal,
    /// From the external record to ours.
    FromExternal,
}

/// What became of one record.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// The record made; `None` when there are errors.
    pub output: Option<Value>,
    /// Why the record is rejected: required fields that are missing or invalid.
    pub errors: Vec<Issue>,
    /// Optional fields that were left out because their values are invalid.
    pub warnings: Vec<Issue>,
    /// Errors and warnings beyond [`MAX_ISSUES`], which are only counted.
    #[serde(skip_serializing_if = "crate::is_zero")]
    pub more_issues: usize,
}

/// What is wrong with one field of a record. It names fields, never their values, which may be personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// The rule, as a JSON pointer into the definition.
    pub pointer: String,
    /// The fields that were read.
    pub source: String,
    /// The field that would have been written.
    pub target: String,
    /// What kind of fault it is.
    pub code: IssueCode,
    /// What is wrong, in a sentence.
    pub detail: String,
}

/// Kinds of faults in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueCode {
    /// Required, and absent.
    Missing,
    /// Required, and null.
    Null,
    /// Required, and an empty text.
    Empty,
    /// Not what the rule's validation asks for.
    Invalid,
    /// A function could make nothing of the value.
    Function,
    /// A list with another number of values than there are fields to fill.
    Parts,
    /// The record would become larger than [`MAX_OUTPUT`], or take more than [`MAX_WORK`].
    TooLarge,
    /// The mapping does not run this way.
    Direction,
}

/// Something that holds of a plan and that its author should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The rule, as a JSON pointer into the definition.
    pub pointer: String,
    /// What holds, and what to do if it is not meant.
    pub detail: String,
}

impl Plan {
    /// Compiles a definition with what a connection lays over it, or lists everything that is wrong with it: unknown
    /// functions and parameters, bad patterns and paths, targets that clash, rules that need one another's result.
    pub fn compile(definition: &Definition, overrides: &Overrides) -> Result<Self, Vec<Fault>> {
        compile::plan(definition, overrides)
    }

    /// The direction of the mapping.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Rules that run only one way in a mapping that runs both.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Our record as the external one.
    pub fn to_external(&self, record: &Value) -> Outcome {
        self.run(Way::ToExternal, record)
    }

    /// The external record as ours.
    pub fn from_external(&self, record: &Value) -> Outcome {
        self.run(Way::FromExternal, record)
    }

    /// Runs the mapping this way.
    pub fn run(&self, way: Way, record: &Value) -> Outcome {
        match self.program(way) {
            Some(program) => program.run(record, &mut run::Unwatched),
            None => self.does_not_run(way),
        }
    }

    /// Runs the mapping this way and tells what each rule did.
    pub fn run_traced(&self, way: Way, record: &Value) -> (Outcome, Vec<RuleTrace>) {
        match self.program(way) {
            Some(program) => trace::run(program, record),
            None => (self.does_not_run(way), Vec::new()),
        }
    }

    /// Whether the mapping runs this way.
    pub fn runs(&self, way: Way) -> bool {
        self.program(way).is_some()
    }

    fn program(&self, way: Way) -> Option<&run::Program> {
        match (self.direction, way) {
            (Direction::FromExternal, Way::FromExternal)
            | (Direction::ToExternal | Direction::Both, Way::ToExternal) => Some(&self.forth),
            (_, Way::FromExternal) => self.back.as_ref(),
            (Direction::FromExternal, Way::ToExternal) => None,
        }
    }

    fn does_not_run(&self, way: Way) -> Outcome {
        let (runs, asked) = (self.direction.as_str(), Direction::from(way).as_str());
        let issue = Issue {
            pointer: "/direction".to_owned(),
            source: String::new(),
            target: String::new(),
            code: IssueCode::Direction,
            detail: format!(
                "the mapping runs `{runs}`, not `{asked}`; set its direction to `both`"
            ),
        };
        Outcome {
            errors: vec![issue],
            ..Outcome::default()
        }
    }
}

impl Outcome {
    /// Whether there is a record to pass on.
    pub fn is_accepted(&self) -> bool {
        self.output.is_some()
    }
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::ToExternal => Self::ToExternal,
            Way::FromExternal => Self::FromExternal,
        }
    }
}

#[cfg(test)]
mod tests;
