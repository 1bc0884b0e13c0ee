//! Which fields probably belong together: by the words of their names, by what providers call things, by their types.
//!
//! The same fields always give the same answer, whatever their order in memory or the day.

use std::cmp::Reverse;

use serde::Serialize;

use crate::canonical;
use crate::types::{Field, FieldType, Fit, MAX_FIELDS, fit};

mod words;

use words::{Vocabulary, Words};

/// Pairs that score less are not suggested.
pub const LEAST_SCORE: u8 = 50;

/// Two fields that probably belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// The field that would be read.
    pub source: String,
    /// The field that would be written.
    pub target: String,
    /// How sure it is, from [`LEAST_SCORE`] to 100.
    pub score: u8,
    /// What speaks for it.
    pub because: Vec<&'static str>,
}

/// The likeliest partner of each source field, the surest first; no field is in two pairs.
///
/// Fields that nobody can write are no targets. With a `provider`, its default mappings come before any likeness of
/// names. Looks at [`MAX_FIELDS`] of each side at most; the time grows with the product of both.
pub fn suggest(sources: &[Field], targets: &[Field], provider: Option<&str>) -> Vec<Suggestion> {
    let mut vocabulary = Vocabulary::default();
    let sources: Vec<Named<'_>> = sources
        .iter()
        .take(MAX_FIELDS)
        .map(|field| Named {
            defaults: default_fields(provider, field),
            ..Named::of(field, &mut vocabulary)
        })
        .collect();
    let writable = |field: &&Field| {
        !field.read_only && !field.hidden && (field.createable || field.updateable)
    };
    let targets = targets.iter().filter(writable).take(MAX_FIELDS);
    let targets: Vec<Named<'_>> = targets
        .map(|field| Named::of(field, &mut vocabulary))
        .collect();
    let mut scored = Vec::new();
    for (s, source) in sources.iter().enumerate() {
        for (t, target) in targets.iter().enumerate() {
            if let Some((score, because)) = score(source, target) {
                scored.push((score, s, t, because));
            }
        }
    }
    scored.sort_by_key(|(score, s, t, _)| (Reverse(*score), *s, *t));
    let mut taken = (vec![false; sources.len()], vec![false; targets.len()]);
    let mut suggestions = Vec::new();
    for (score, s, t, because) in scored {
        if taken.0[s] || taken.1[t] {
            continue;
        }
        (taken.0[s], taken.1[t]) = (true, true);
        suggestions.push(Suggestion {
            source: sources[s].field.name.clone(),
            target: targets[t].field.name.clone(),
            score,
            because: because.words(),
        });
    }
    suggestions
}

/// A field with the words of its name and of its label.
struct Named<'f> {
    field: &'f Field,
    name: Words,
    label: Option<Words>,
    /// Where the provider keeps it by default.
    defaults: Vec<&'static str>,
}

impl<'f> Named<'f> {
    fn of(field: &'f Field, vocabulary: &mut Vocabulary) -> Self {
        Self {
            field,
            name: vocabulary.read(&field.name),
            label: field.label.as_deref().map(|label| vocabulary.read(label)),
            defaults: Vec::new(),
        }
    }

    /// How alike the names are, or the labels, or a name and a label: in percent.
    fn likeness(&self, other: &Self) -> u8 {
        let ours = [Some(&self.name), self.label.as_ref()];
        let theirs = [Some(&other.name), other.label.as_ref()];
        let pairs = ours.into_iter().flatten();
        let pairs = pairs.flat_map(|a| theirs.into_iter().flatten().map(move |b| a.likeness(b)));
        pairs.max().unwrap_or_default()
    }
}

/// The external fields that the provider's default mappings give this field of ours, which may be named with or
/// without its object.
fn default_fields(provider: Option<&str>, field: &Field) -> Vec<&'static str> {
    let pairs =
        provider.and_then(|provider| canonical::defaults(provider, field.object.as_deref()));
    let named = |canonical: &str| {
        let bare = canonical
            .split_once('.')
            .map_or(canonical, |(_, bare)| bare);
        canonical == field.name || bare == field.name
    };
    let pairs = pairs
        .into_iter()
        .flatten()
        .filter(|(canonical, _)| named(canonical));
    pairs.map(|(_, external)| external).collect()
}

/// What speaks for a pair.
#[derive(Clone, Copy)]
struct Because {
    default: bool,
    same_words: bool,
    kind: bool,
}

impl Because {
    fn words(self) -> Vec<&'static str> {
        let said = [
            (self.default, "default of the provider"),
            (self.same_words, "same words"),
            (!self.same_words && !self.default, "like words"),
            (self.kind, "same type"),
        ];
        said.into_iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, word)| word)
            .collect()
    }
}

fn score(source: &Named<'_>, target: &Named<'_>) -> Option<(u8, Because)> {
    let default = source.defaults.contains(&target.field.name.as_str());
    let likeness = source.likeness(target);
    if likeness == 0 && !default {
        return None;
    }
    let kind = fit(source.field.kind, target.field.kind);
    if matches!(kind, Fit::Refused(..)) {
        return None;
    }
    // The kind of a field says most where it is rare: of two e-mail fields, one is probably the other.
    let telling = source.field.kind == target.field.kind && source.field.kind != FieldType::Text;
    let kind_points = match kind {
        Fit::Fits | Fit::FitsIf(..) if telling => 10,
        Fit::Fits | Fit::FitsIf(..) => 5,
        _ => 0,
    };
    let score = if default {
        100
    } else {
        likeness - likeness / 10 + kind_points
    };
    let because = Because {
        default,
        same_words: likeness == 100,
        kind: telling,
    };
    (score >= LEAST_SCORE).then_some((score.min(100), because))
}

#[cfg(test)]
mod tests;
