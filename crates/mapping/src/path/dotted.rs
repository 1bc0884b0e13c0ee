//! Dotted paths (`contact.emails[0].value`) written as JSONPath.

use super::{PathError, Problem};

/// The JSONPath that selects what the dotted path names.
///
/// A step is a name, then any number of `[index]` or `[*]`. Names take every character but those
/// with a meaning in JSONPath, so that a mistyped JSONPath is refused, not read as an odd name.
pub(super) fn translate(text: &str) -> Result<String, PathError> {
    let mut jsonpath = String::from("$");
    let mut position = 1;
    for step in text.split('.') {
        let (name, indexes) = step.split_at(step.find('[').unwrap_or(step.len()));
        push_name(&mut jsonpath, name, position)?;
        push_indexes(&mut jsonpath, indexes, position + name.chars().count())?;
        position += step.chars().count() + 1;
    }
    Ok(jsonpath)
}

fn push_name(jsonpath: &mut String, name: &str, position: usize) -> Result<(), PathError> {
    if name.is_empty() {
        return Err(Problem::MissingName.at(position));
    }
    let reserved = |c: char| c.is_control() || "'\"\\[](){}?*@$,:&|!<>=".contains(c);
    if let Some((offset, character)) = name.chars().enumerate().find(|(_, c)| reserved(*c)) {
        return Err(Problem::NotDotted(character).at(position + offset));
    }
    jsonpath.push_str("['");
    jsonpath.push_str(name);
    jsonpath.push_str("']");
    Ok(())
}

fn push_indexes(jsonpath: &mut String, indexes: &str, position: usize) -> Result<(), PathError> {
    let mut rest = indexes;
    while !rest.is_empty() {
        let index = rest
            .strip_prefix('[')
            .and_then(|inside| inside.split_once(']'))
            .filter(|(index, _)| *index == "*" || index.parse::<i32>().is_ok());
        let Some((index, after)) = index else {
            let consumed = indexes.len() - rest.len();
            return Err(Problem::Index.at(position + consumed));
        };
        jsonpath.push('[');
        jsonpath.push_str(index);
        jsonpath.push(']');
        rest = after;
    }
    Ok(())
}
