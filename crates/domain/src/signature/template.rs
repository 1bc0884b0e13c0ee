//! The signed content as a user writes it: `{timestamp}.{body}`.

use std::borrow::Cow;

use super::scheme::Part;

/// Longest template that is taken, in bytes.
const MAX_LENGTH: usize = 256;

/// The placeholders of a template.
const PLACEHOLDERS: [(&str, Part); 5] = [
    ("timestamp", Part::Timestamp),
    ("id", Part::Id),
    ("body", Part::Body),
    ("method", Part::Method),
    ("url", Part::Url),
];

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It does not sign the body.
    #[error("it must hold `{{body}}`, or the body could be changed without notice")]
    NoBody,
    /// It is too long.
    #[error("it is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// A brace has no partner.
    #[error("a `{{` or `}}` at byte {at} has no partner")]
    Unbalanced {
        /// Where it stands.
        at: usize,
    },
    /// A placeholder that does not exist.
    #[error(
        "there is no placeholder `{{{name}}}`; there are {{timestamp}}, {{id}}, {{body}}, {{method}} and {{url}}"
    )]
    Unknown {
        /// What was written.
        name: String,
    },
}

/// Compiles a template into the parts of the signed message.
pub(super) fn parse(template: &str) -> Result<Vec<Part>, TemplateError> {
    if template.len() > MAX_LENGTH {
        return Err(TemplateError::TooLong);
    }
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let here = template.len() - rest.len() + at;
        push_literal(&mut parts, &rest[..at]);
        let inside = rest[at..]
            .strip_prefix('{')
            .ok_or(TemplateError::Unbalanced { at: here })?;
        let (name, after) = inside
            .split_once('}')
            .ok_or(TemplateError::Unbalanced { at: here })?;
        parts.push(placeholder(name)?);
        rest = after;
    }
    push_literal(&mut parts, rest);
    if parts.contains(&Part::Body) {
        Ok(parts)
    } else {
        Err(TemplateError::NoBody)
    }
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Literal(Cow::Owned(text.to_owned())));
    }
}

fn placeholder(name: &str) -> Result<Part, TemplateError> {
    let found = PLACEHOLDERS.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, part)| part.clone())
        .ok_or_else(|| TemplateError::Unknown {
            name: name.to_owned(),
        })
}
