//! What is said of a rule or a field.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing is wrong (the blue check).
    #[default]
    Ok,
    /// It may go wrong for some records (the yellow exclamation mark).
    Warning,
    /// It cannot be applied (the red X).
    Error,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The rule itself is wrong: a function, a path, a pattern.
    Rule,
    /// Two rules write one target.
    DuplicateTarget,
    /// The source is not among the fields.
    UnknownSource,
    /// The target is not among the fields.
    UnknownTarget,
    /// The target is a field of a related record.
    RelatedRecord,
    /// The types do not fit, or not always.
    Type,
    /// Options have no counterpart.
    Options,
    /// The target cannot be written at all.
    ReadOnly,
    /// The target cannot be set when a record is made.
    NotCreateable,
    /// The target cannot be changed later.
    NotUpdateable,
    /// The target is hidden or archived.
    Hidden,
    /// A field of another kind of record, such as a company's in the contacts' mapping.
    OtherObject,
    /// The target is required and the rule may give nothing.
    MayBeMissing,
    /// The field is required and no rule writes it.
    RequiredUnmapped,
    /// The rule does not run on the way back.
    OneWay,
}

/// One thing that is to be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub status: Status,
    /// What it is about.
    pub code: Code,
    /// The field it is about.
    pub field: String,
    /// Why, in a sentence.
    pub reason: String,
    /// What to do about it.
    pub fix: String,
}

impl Finding {
    pub(super) fn new(
        status: Status,
        code: Code,
        field: &str,
        reason: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            field: field.to_owned(),
            reason: reason.into(),
            fix: fix.into(),
        }
    }
}
