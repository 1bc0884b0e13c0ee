//! Which fields probably belong together: by the words of their names, by what providers call things, by their types.
//!
//! The same fields always give the same answer, whatever their order in memory or the day.

use serde::Serialize;

use crate::canonical;
use crate::types::{Field, FieldType, Fit, fit};

mod words;

use words::Words;

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
/// names. Looks at [`MAX_FIELDS`](crate::types::MAX_FIELDS) of each side at most.
pub fn suggest(sources: &[Field], targets: &[Field], provider: Option<&str>) -> Vec<Suggestion> {
    let sources: Vec<Named<'_>> = sources
        .iter()
        .take(crate::types::MAX_FIELDS)
        .map(Named::of)
        .collect();
    let targets: Vec<Named<'_>> = targets
        .iter()
        .filter(|field| !field.read_only && !field.hidden && (field.createable || field.updateable))
        .take(crate::types::MAX_FIELDS)
        .map(Named::of)
        .collect();
    let mut scored = Vec::new();
    for (s, source) in sources.iter().enumerate() {
        for (t, target) in targets.iter().enumerate() {
            if let Some((score, because)) = score(source, target, provider) {
                scored.push((score, s, t, because));
            }
        }
    }
    scored.sort_by_key(|(score, s, t, _)| (std::cmp::Reverse(*score), *s, *t));
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
}

impl<'f> Named<'f> {
    fn of(field: &'f Field) -> Self {
        Self {
            field,
            name: Words::of(&field.name),
            label: field.label.as_deref().map(Words::of),
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

fn score(source: &Named<'_>, target: &Named<'_>, provider: Option<&str>) -> Option<(u8, Because)> {
    let kind = fit(source.field.kind, target.field.kind);
    if matches!(kind, Fit::Refused(..)) {
        return None;
    }
    let default = provider.is_some_and(|provider| is_default(provider, source.field, target.field));
    let likeness = source.likeness(target);
    let telling = source.field.kind == target.field.kind && source.field.kind != FieldType::Text;
    // The kind of a field says most where it is rare: of two e-mail fields, one is probably the other.
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
    (score >= LEAST_SCORE && (default || likeness > 0)).then_some((score.min(100), because))
}

/// Whether the provider's default mappings hold this pair. Our field may be named with or without its object.
fn is_default(provider: &str, source: &Field, target: &Field) -> bool {
    let Some(mut pairs) = canonical::defaults(provider, source.object.as_deref()) else {
        return false;
    };
    pairs.any(|(canonical, external)| {
        let bare = canonical
            .split_once('.')
            .map_or(canonical, |(_, field)| field);
        external == target.name && (canonical == source.name || bare == source.name)
    })
}

#[cfg(test)]
mod tests;
