//! The names that operations and their parameters get.

use std::collections::HashMap;

use super::document::{Document, Operation};

/// The longest name of a tool, in characters: what model providers and MCP clients take.
pub const MAX_NAME: usize = 64;
/// The first segments of placeholders that do not name a parameter: a parameter called so is renamed.
const RESERVED: [&str; 3] = ["secrets", "connection", "input"];

/// The tool name of every operation, in the order of [`Document::operations`]. A name follows from the whole
/// description, not from what is chosen of it, so that it is the same whenever it is imported.
pub(super) fn tool_names(document: &Document, prefix: &str) -> Vec<String> {
    let mut taken = Taken::default();
    let operations = document.operations();
    operations
        .map(|operation| taken.take(&tool_name(&operation, prefix)))
        .collect()
}

/// `listPets` becomes `list_pets`; without an operationId, `GET /pets/{petId}` becomes `get_pets_pet_id`.
fn tool_name(operation: &Operation<'_>, prefix: &str) -> String {
    let own = match operation.id().map(snake_case) {
        Some(name) if !name.is_empty() => name,
        _ => snake_case(&format!("{} {}", operation.method, operation.path)),
    };
    let mut name = format!("{prefix}{own}");
    name.truncate(MAX_NAME);
    name
}

/// The names that are taken, each with the last number that made another one of it.
#[derive(Default)]
struct Taken(HashMap<String, u64>);

impl Taken {
    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Takes `name`, or that with the first number that makes it a new one.
    fn take(&mut self, name: &str) -> String {
        let mut number = self.0.get(name).copied().unwrap_or(0);
        let mut candidate = name.to_owned();
        while self.has(&candidate) {
            number = number.max(1) + 1;
            let suffix = format!("_{number}");
            let kept = name.len().min(MAX_NAME - suffix.len());
            candidate = format!("{}{suffix}", &name[..kept]);
        }
        self.0.insert(name.to_owned(), number);
        self.0.entry(candidate.clone()).or_insert(0);
        candidate
    }
}

/// ASCII letters and digits in lower case, words parted by single underscores.
fn snake_case(text: &str) -> String {
    let mut name = String::with_capacity(text.len().min(MAX_NAME) + 8);
    let mut before = ' ';
    for letter in text.chars().take(4 * MAX_NAME) {
        let begins_word =
            letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
        let parts_words = begins_word || !letter.is_ascii_alphanumeric();
        if parts_words && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        if letter.is_ascii_alphanumeric() {
            name.push(letter.to_ascii_lowercase());
        }
        before = letter;
    }
    name.truncate(name.trim_end_matches('_').len());
    name
}

/// The names that the inputs of one operation have taken so far.
#[derive(Default)]
pub(super) struct InputNames(Taken);

impl InputNames {
    /// The input's name for a parameter: letters, digits, `_` and `-` stay, everything else becomes `_`, and
    /// what is taken or would read as a secret gets a number. A placeholder of this name can only mean this
    /// parameter.
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let kept: String = wanted
            .chars()
            .take(MAX_NAME)
            .map(|c| if is_plain(c) { c } else { '_' })
            .collect();
        let name = match kept.trim_matches('_') {
            "" => "value".to_owned(),
            _ if kept.starts_with(|c: char| c.is_ascii_digit() || c == '-') => format!("p_{kept}"),
            _ => kept,
        };
        let reserved = RESERVED.contains(&name.as_str());
        self.0.take(&if reserved {
            format!("{name}_value")
        } else {
            name
        })
    }

    /// Whether a body's field can be an input under its own name.
    pub(super) fn has_room_for(&self, field: &str) -> bool {
        let is_plain_name = (1..=MAX_NAME).contains(&field.len()) && field.chars().all(is_plain);
        is_plain_name && !RESERVED.contains(&field) && !self.0.has(field)
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        let rows = [
            ("listPets", "list_pets"),
            ("pets/list-all", "pets_list_all"),
            ("GET /pets/{petId}", "get_pets_pet_id"),
            ("HTTPServer2Go", "httpserver2_go"),
            ("__a__", "a"),
            ("Ünï", "n"),
            ("!!!", ""),
        ];
        for (text, expected) in rows {
            assert_eq!(snake_case(text), expected, "{text}");
        }
    }

    #[test]
    fn names_are_unique_and_short() {
        let mut taken = Taken::default();
        let long = "a".repeat(MAX_NAME);
        let names: Vec<_> = (0..12).map(|_| taken.take(&long)).collect();
        assert!(names.iter().all(|name| name.len() <= MAX_NAME));
        assert_eq!(
            names.iter().collect::<std::collections::HashSet<_>>().len(),
            12
        );
        assert!(names[11].ends_with("a_12"));
    }

    #[test]
    fn inputs_never_read_as_secrets() {
        let rows = [
            ("petId", "petId"),
            ("filter[name]", "filter_name_"),
            ("secrets.CRM_KEY", "secrets_CRM_KEY"),
            ("secrets", "secrets_value"),
            ("connection", "connection_value"),
            ("}}{{secrets.X", "____secrets_X"),
            ("1st", "p_1st"),
            ("…", "value"),
            ("petId", "petId_2"),
        ];
        let mut names = InputNames::default();
        for (wanted, expected) in rows {
            assert_eq!(names.take(wanted), expected, "{wanted}");
        }
        assert!(!names.has_room_for("petId"));
        assert!(!names.has_room_for("secrets"));
        assert!(names.has_room_for("name"));
    }
}
