//! The fields of one side, found by the paths that rules write.

use std::collections::HashMap;

use super::{Field, FieldType};
use crate::nearest::nearest;
use crate::path::Path;
use crate::rules::Steps;

/// The fields of one side by name.
pub(super) struct Fields<'f> {
    pub(super) all: &'f [Field],
    pub(super) by_name: HashMap<&'f str, &'f Field>,
}

/// What a path is on one side.
pub(super) enum Found<'f> {
    /// A field.
    Field(&'f Field),
    /// Nothing that could be told: the fields are not known, or the path chooses among several.
    Untold,
    /// No field of that side.
    Nowhere,
}

impl<'f> Fields<'f> {
    pub(super) fn of(all: &'f [Field]) -> Self {
        let by_name = all
            .iter()
            .map(|field| (field.name.as_str(), field))
            .collect();
        Self { all, by_name }
    }

    /// The field that the path names, or one that holds it.
    pub(super) fn find(&self, path: &str) -> Found<'f> {
        if self.all.is_empty() || path.starts_with("@.") {
            return Found::Untold;
        }
        if let Some(field) = self.by_name.get(path) {
            return Found::Field(field);
        }
        let Some(steps) = Path::parse(path).ok().and_then(|path| Steps::of(&path)) else {
            return Found::Untold;
        };
        let dotted = steps.to_string();
        let exact = self.by_name.get(dotted.as_str());
        if let Some(field) = exact.or_else(|| self.by_name.get(without_positions(&dotted).as_str()))
        {
            return Found::Field(field);
        }
        let mut holder = dotted.as_str();
        while let Some((before, _)) = holder.rsplit_once(['.', '[']) {
            if self
                .by_name
                .get(before)
                .is_some_and(|field| field.kind == FieldType::Other)
            {
                return Found::Untold;
            }
            holder = before;
        }
        Found::Nowhere
    }

    pub(super) fn hint(&self, name: &str) -> String {
        let known = nearest(name, self.all.iter().map(|field| field.name.as_str()));
        known.map_or_else(String::new, |known| format!("; the nearest is `{known}`"))
    }
}

/// The path without `[*]` and positions, as lists of fields name what lies in arrays.
fn without_positions(dotted: &str) -> String {
    let parts = dotted
        .split('[')
        .map(|part| part.split_once(']').map_or(part, |(_, rest)| rest));
    parts.collect()
}
