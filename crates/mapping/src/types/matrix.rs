//! Which types fit which (facts: integration-practice 3.6), as data.

use super::FieldType;

/// How a value of one type fits a field of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It fits.
    Fits,
    /// It fits where the condition holds; else with these limits.
    FitsIf(Condition, &'static str, &'static str),
    /// It may fit: the limits, and what to do about them.
    Limited(&'static str, &'static str),
    /// It does not fit: why, and what to do instead.
    Refused(&'static str, &'static str),
}

/// What a fit depends on beside the types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The text is no longer than the field.
    FitsLength,
    /// The field keeps as many digits behind the point.
    KeepsDigits,
    /// Every option has its counterpart.
    OptionsMapped,
    /// Both are e-mail addresses, both phone numbers, or both pages.
    SameKind,
    /// Both refer to the same kind of record.
    SameObject,
}

use Condition::{FitsLength, KeepsDigits, OptionsMapped, SameKind, SameObject};
use Fit::{Fits, FitsIf, Limited, Refused};

/// Columns of [`MATRIX`]: what the field that is written holds. E-mail, phone and URL are one column.
pub(super) const COLUMNS: [FieldType; 9] = [
    FieldType::Text,
    FieldType::Number,
    FieldType::Enum,
    FieldType::MultiEnum,
    FieldType::Date,
    FieldType::Datetime,
    FieldType::Boolean,
    FieldType::Email,
    FieldType::Reference,
];

const NO: Fit = Refused(
    "the types have nothing in common",
    "choose another field, or a text field",
);
const MAP: &str = "add `lookup` with a table of the options";
const PARSE_DATE: &str = "add `format_date` with the `input_format` that is written";
const MIDNIGHT: Fit = Limited(
    "a day becomes midnight",
    "say the zone with `format_date` and `timezone`",
);

/// For each type that is read, how it fits the types of [`COLUMNS`] in their order. E-mail, phone and URL are one row.
pub const MATRIX: [(FieldType, [Fit; 9]); 9] = [
    (
        FieldType::Text,
        [
            FitsIf(
                FitsLength,
                "the text may be longer than the field",
                "add `substring`, or `validation` with a length",
            ),
            Limited("text may be no number", "add `number`"),
            Limited("text may be none of the options", MAP),
            Limited(
                "text is not yet a list of options",
                "add `split`, then `lookup`",
            ),
            Limited("text may be no date", PARSE_DATE),
            Limited("text may be no time, or lack its zone", PARSE_DATE),
            Limited("text may be neither true nor false", "add `boolean`"),
            Limited("text may be no valid address or number", "add `validation`"),
            Limited(
                "a reference needs the id of a record, not its name",
                "add `lookup` from name or e-mail to id",
            ),
        ],
    ),
    (
        FieldType::Number,
        [
            Fits,
            FitsIf(
                KeepsDigits,
                "digits behind the point are lost",
                "add `round` with the digits that are kept",
            ),
            Limited("a number is none of the options", MAP),
            NO,
            Refused(
                "a number is no day",
                "map a date, or `format_date` if it counts seconds",
            ),
            Limited(
                "a number is a time only if it counts seconds or milliseconds",
                "add `format_date`",
            ),
            Limited("only 0 and 1 mean false and true", "add `boolean`"),
            NO,
            Limited(
                "a number may be no id of a record",
                "make sure that it is the id on the other side",
            ),
        ],
    ),
    (
        FieldType::Enum,
        [
            FitsIf(
                FitsLength,
                "an option may be longer than the field",
                "add `substring`",
            ),
            Limited(
                "an option may be no number",
                "add `lookup` from options to numbers",
            ),
            FitsIf(OptionsMapped, "some options have no counterpart", MAP),
            Limited(
                "one option becomes a set of one",
                "add `split` if several are written in one text",
            ),
            NO,
            NO,
            Limited(
                "only two options can mean true and false",
                "add `lookup` from options to true and false",
            ),
            NO,
            NO,
        ],
    ),
    (
        FieldType::MultiEnum,
        [
            Limited(
                "several options become one text",
                "add `join` with the separator that is wanted, such as ;",
            ),
            NO,
            Limited("only one of several options can be kept", "add `first`"),
            FitsIf(OptionsMapped, "some options have no counterpart", MAP),
            NO,
            NO,
            NO,
            NO,
            NO,
        ],
    ),
    (
        FieldType::Date,
        [Fits, NO, NO, NO, Fits, MIDNIGHT, NO, NO, NO],
    ),
    (
        FieldType::Datetime,
        [
            Fits,
            Limited(
                "a time becomes a count of seconds",
                "add `format_date` with the `output_format` `epoch` or `epoch_ms`",
            ),
            NO,
            NO,
            Limited(
                "the time of day is lost, and the day depends on the zone",
                "add `format_date` with `timezone`",
            ),
            Fits,
            NO,
            NO,
            NO,
        ],
    ),
    (
        FieldType::Boolean,
        [
            Fits,
            Limited("true and false become 1 and 0", "add `number`"),
            Limited(
                "true and false are none of the options",
                "add `lookup` from true and false to two options",
            ),
            NO,
            NO,
            NO,
            Fits,
            NO,
            NO,
        ],
    ),
    (
        FieldType::Email,
        [
            FitsIf(
                FitsLength,
                "the text may be longer than the field",
                "add `validation` with a length",
            ),
            NO,
            NO,
            NO,
            NO,
            NO,
            NO,
            FitsIf(
                SameKind,
                "an address of one kind is rarely one of another",
                "choose a field of the same kind",
            ),
            Limited(
                "a reference needs the id of a record",
                "add `lookup` from e-mail to id",
            ),
        ],
    ),
    (
        FieldType::Reference,
        [
            Limited(
                "a record becomes its name or id",
                "choose the field of the record that is meant",
            ),
            NO,
            NO,
            NO,
            NO,
            NO,
            NO,
            NO,
            FitsIf(
                SameObject,
                "the records may not be linked on the other side",
                "export that kind of record first",
            ),
        ],
    ),
];

/// How a value of type `ours` fits a field of type `theirs`. What is [`FieldType::Other`] always fits: nothing is
/// known of it.
pub fn fit(ours: FieldType, theirs: FieldType) -> Fit {
    let row = MATRIX.iter().find(|(kind, _)| *kind == grouped(ours));
    let column = COLUMNS.iter().position(|kind| *kind == grouped(theirs));
    match (row, column) {
        (Some((_, fits)), Some(column)) => fits[column],
        _ => Fits,
    }
}

/// E-mail, phone and URL share a row and a column.
fn grouped(kind: FieldType) -> FieldType {
    match kind {
        FieldType::Phone | FieldType::Url => FieldType::Email,
        kind => kind,
    }
}
