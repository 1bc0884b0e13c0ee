//! Which operations of a description are wanted.

use super::document::Operation;

/// The longest pattern, in characters.
pub const MAX_PATTERN: usize = 200;

/// A pattern that chooses operations: an `operationId` (`listPets`, `list*`), a path (`/pets/*`), a method and a
/// path (`GET /pets/*`) or a tag (`tag:pets`). `*` stands for any text, of no length too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    field: Field,
    pattern: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Id,
    Path,
    MethodAndPath,
    Tag,
}

impl Include {
    /// Reads a pattern; whatever the text, it is one.
    pub fn new(text: &str) -> Self {
        let (field, pattern) = match text.split_once(' ') {
            Some((method, path)) if path.starts_with('/') || path == "*" => (
                Field::MethodAndPath,
                format!("{} {path}", method.to_ascii_lowercase()),
            ),
            _ if text.starts_with('/') => (Field::Path, text.to_owned()),
            _ => match text.strip_prefix("tag:") {
                Some(tag) => (Field::Tag, tag.to_owned()),
                None => (Field::Id, text.to_owned()),
            },
        };
        Self { field, pattern }
    }

    /// Whether the operation is wanted.
    pub(super) fn matches(&self, operation: &Operation<'_>) -> bool {
        let Self { field, pattern } = self;
        match field {
            Field::Id => operation.id().is_some_and(|id| fits(pattern, id)),
            Field::Path => fits(pattern, operation.path),
            Field::MethodAndPath => {
                fits(pattern, &format!("{} {}", operation.method, operation.path))
            }
            Field::Tag => {
                let tags = operation
                    .content
                    .get("tags")
                    .and_then(|tags| tags.as_array());
                let mut tags = tags.into_iter().flatten().filter_map(|tag| tag.as_str());
                tags.any(|tag| fits(pattern, tag))
            }
        }
    }
}

/// Whether `text` fits a pattern with `*`. Each part between two stars is looked for once, from where the part
/// before it ended, so the time is bounded by the two lengths.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut text) = text.strip_suffix(tail) else {
        return false;
    };
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        let rows = [
            ("listPets", "listPets", true),
            ("listPets", "listPetsNow", false),
            ("list*", "listPets", true),
            ("*Pets", "listPets", true),
            ("*", "", true),
            ("l*P*s", "listPets", true),
            ("l*P*x", "listPets", false),
            ("a*a", "a", false),
            ("/pets/*", "/pets/{id}/photos", true),
            ("/pets/*/photos", "/pets/{id}/photos", true),
            ("/pets/*/photos", "/pets/{id}/names", false),
            ("**a**", "bab", true),
        ];
        for (pattern, text, expected) in rows {
            assert_eq!(fits(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn patterns_say_what_they_look_at() {
        let rows = [
            ("listPets", Field::Id, "listPets"),
            ("/pets", Field::Path, "/pets"),
            ("GET /pets", Field::MethodAndPath, "get /pets"),
            ("DELETE *", Field::MethodAndPath, "delete *"),
            ("tag:pets", Field::Tag, "pets"),
            ("two words", Field::Id, "two words"),
        ];
        for (text, field, pattern) in rows {
            let include = Include::new(text);
            assert_eq!(
                (include.field, &*include.pattern),
                (field, pattern),
                "{text}"
            );
        }
    }
}
