//! How a value fits the field that it would be written to.

use super::chain::Known;
use super::check::Mode;
use super::findings::{Code, Finding, Status};
use super::matrix::{Condition, Fit, fit};
use super::{Field, FieldType};

/// What stands against writing the field.
pub(super) fn writable(field: &Field, mode: Mode) -> Option<Finding> {
    let name = &field.name;
    let other = "choose another field";
    if field.hidden {
        let reason = "the field is hidden or archived";
        return Some(Finding::new(
            Status::Error,
            Code::Hidden,
            name,
            reason,
            other,
        ));
    }
    if field.read_only {
        let reason = "the field is read-only, or computed";
        return Some(Finding::new(
            Status::Error,
            Code::ReadOnly,
            name,
            reason,
            other,
        ));
    }
    let (status, code, reason, fix) = match (mode, field.createable, field.updateable) {
        (Mode::Create, false, _) => (
            Status::Error,
            Code::NotCreateable,
            "the field cannot be set when a record is made",
            other,
        ),
        (Mode::Update, _, false) => (
            Status::Error,
            Code::NotUpdateable,
            "the field cannot be changed later",
            other,
        ),
        (Mode::Upsert, false, false) => (
            Status::Error,
            Code::ReadOnly,
            "the field can never be written",
            other,
        ),
        (Mode::Upsert, false, true) => (
            Status::Error,
            Code::NotCreateable,
            "the field cannot be set when a record is made",
            "use the mapping only for updates, or choose another field",
        ),
        (Mode::Upsert, true, false) => (
            Status::Warning,
            Code::NotUpdateable,
            "the field is set when a record is made, and not changed later",
            "leave it so if that is meant",
        ),
        _ => return None,
    };
    Some(Finding::new(status, code, name, reason, fix))
}

/// Options of the source that the rule's table has no entry for: their values are left out of the record.
pub(super) fn lacking(known: &Known, field: &str) -> Option<Finding> {
    if known.lacking.is_empty() {
        return None;
    }
    let reason = format!("the table has no entry for {}", named(&known.lacking));
    let fix = "add the entries, or a `default`";
    Some(Finding::new(
        Status::Warning,
        Code::Options,
        field,
        reason,
        fix,
    ))
}

/// Some of the values, for a sentence.
fn named(values: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = values
        .iter()
        .take(SHOWN)
        .map(|value| format!("`{}`", crate::excerpt(value)));
    let more = if values.len() > SHOWN { ", …" } else { "" };
    shown.collect::<Vec<_>>().join(", ") + more
}

/// How the value fits the field.
pub(super) fn fitting(known: &Known, field: &Field) -> Option<Finding> {
    if let Some(finding) = options(known, field) {
        return Some(finding);
    }
    let (from, into) = (known.kind.as_str(), field.kind.as_str());
    let say = |status, why: &str, fix: &str| {
        let reason = format!("{from} to {into}: {why}");
        Some(Finding::new(status, Code::Type, &field.name, reason, fix))
    };
    match fit(known.kind, field.kind) {
        Fit::Fits => None,
        Fit::FitsIf(condition, ..) if holds(condition, known, field) => None,
        Fit::FitsIf(_, why, fix) | Fit::Limited(why, fix) => say(Status::Warning, why, fix),
        Fit::Refused(why, fix) => say(Status::Error, why, fix),
    }
}

/// Values that the field has no option for: an error where it takes nothing else.
fn options(known: &Known, field: &Field) -> Option<Finding> {
    let values = known.values.as_ref()?;
    if field.options.is_empty() || !matches!(field.kind, FieldType::Enum | FieldType::MultiEnum) {
        return None;
    }
    let is_option = |value: &String| field.options.iter().any(|option| option.value() == value);
    let missing: Vec<String> = values
        .iter()
        .filter(|value| !is_option(value))
        .cloned()
        .collect();
    if missing.is_empty() {
        return None;
    }
    let (status, so) = if field.restricted {
        (Status::Error, "and takes nothing else")
    } else {
        (Status::Warning, "and may refuse them")
    };
    let reason = format!("the field has no option {}, {so}", named(&missing));
    let fix = "add `lookup` with a table of the options";
    Some(Finding::new(
        status,
        Code::Options,
        &field.name,
        reason,
        fix,
    ))
}

fn holds(condition: Condition, known: &Known, field: &Field) -> bool {
    match condition {
        Condition::FitsLength => match (known.max_length, field.max_length) {
            (Some(has), Some(most)) => has <= most,
            _ => true,
        },
        Condition::KeepsDigits => match (known.scale, field.scale) {
            (_, None) => true,
            (Some(has), Some(keeps)) => has <= keeps,
            (None, Some(_)) => false,
        },
        // Options that are known and missing are told before.
        Condition::OptionsMapped => known.values.is_some() && !field.options.is_empty(),
        Condition::SameKind => known.kind == field.kind,
        Condition::SameObject => known.references.is_some() && known.references == field.references,
    }
}

pub(super) fn other_object(source: &Field, target: &Field) -> Option<Finding> {
    let (ours, theirs) = (source.object.as_deref()?, target.object.as_deref()?);
    (ours != theirs).then(|| {
        let reason = format!(
            "`{}` belongs to a {ours}, `{}` to a {theirs}: the export can fail",
            source.name, target.name
        );
        let fix = format!("map it with the other fields of a {ours}, and link the two records");
        Finding::new(Status::Error, Code::OtherObject, &target.name, reason, fix)
    })
}
