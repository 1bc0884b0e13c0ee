//! What a JSONPath chooses among, told from its text before any record is there.

use crate::path::Path;

/// A path without what stands in quotes and in filters.
pub(super) struct Skeleton(String);

impl Skeleton {
    pub(super) fn of(path: &Path) -> Self {
        let mut skeleton = String::new();
        let mut quote = None;
        let mut escaped = false;
        // For each open bracket, whether it holds a filter.
        let mut brackets: Vec<bool> = Vec::new();
        for character in path.as_str().chars() {
            match quote {
                Some(_) if escaped => escaped = false,
                Some(_) if character == '\\' => escaped = true,
                Some(open) if character == open => quote = None,
                Some(_) => {}
                None => {
                    match character {
                        '\'' | '"' => quote = Some(character),
                        '[' => brackets.push(brackets.last().copied().unwrap_or(false)),
                        ']' => drop(brackets.pop()),
                        '?' => brackets
                            .last_mut()
                            .into_iter()
                            .for_each(|filter| *filter = true),
                        _ => {}
                    }
                    if !brackets.last().copied().unwrap_or(false) {
                        skeleton.push(character);
                    }
                }
            }
        }
        Self(skeleton)
    }

    /// Whether the path names many values whatever the record holds: by `*`, a slice, a list or `..`.
    pub(super) fn names_many(&self) -> bool {
        self.0.contains(['*', ':', ',']) || self.0.contains("..")
    }

    /// The first brackets that hold nothing but slices which are always empty, such as `[5:2]`: then the path can
    /// match no record.
    pub(super) fn empty_slice(&self) -> Option<&str> {
        let brackets = self
            .0
            .split('[')
            .skip(1)
            .filter_map(|rest| rest.split(']').next());
        brackets
            .into_iter()
            .find(|inside| !inside.is_empty() && inside.split(',').all(is_empty_slice))
    }
}

/// Whether `start:end:step` is empty for every array (RFC 9535, section 2.3.4).
fn is_empty_slice(selector: &str) -> bool {
    if !selector.contains(':') {
        return false;
    }
    let mut parts = selector
        .split(':')
        .map(|part| part.trim().parse::<i64>().ok());
    let mut next = || parts.next().flatten();
    let (start, end, step) = (next(), next(), next().unwrap_or(1));
    let meet = |from: i64, to: i64| {
        (from < 0) == (to < 0) && if step > 0 { to <= from } else { to >= from }
    };
    match (start, end) {
        _ if step == 0 => true,
        (None, Some(0)) => step > 0,
        (Some(start), Some(end)) => meet(start, end),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_a_path_chooses_among() {
        let rows = [
            ("$.a[*]", true, None),
            ("a[*].b", true, None),
            ("$.a[1:3]", true, None),
            ("$['a','b']", true, None),
            ("$..a", true, None),
            ("$.a[?@.b == '*,:..']", false, None),
            ("$.a[?@['b','c'][1:0]].d", false, None),
            ("$['*,:..[2:1]']", false, None),
            ("$.a[5:2].b", true, Some("5:2")),
            ("$.a[-1:-3]", true, Some("-1:-3")),
            ("$.a[:0]", true, Some(":0")),
            ("$.a[::0]", true, Some("::0")),
            ("$.a[1:3:-1]", true, Some("1:3:-1")),
            ("$.a[3:1:-1]", true, None),
            ("$.a[-3:2]", true, None),
            ("$.a[2:1,0:1]", true, None),
            ("$.a[2:1, 4:4]", true, Some("2:1, 4:4")),
            ("$.a[2:1,0]", true, None),
        ];
        for (text, many, empty) in rows {
            let skeleton = Skeleton::of(&Path::parse(text).expect(text));
            assert_eq!(
                (skeleton.names_many(), skeleton.empty_slice()),
                (many, empty),
                "{text}"
            );
        }
    }

    /// A slice that is said to be empty must select nothing.
    #[test]
    fn empty_slices_select_nothing() {
        let arrays: Vec<serde_json::Value> = (0..6).map(|length| (0..length).collect()).collect();
        for start in -4..=4 {
            for end in -4..=4 {
                for step in [-2, -1, 0, 1, 2] {
                    let text = format!("$[{start}:{end}:{step}]");
                    let path = Path::parse(&text).expect("valid");
                    let matches = arrays
                        .iter()
                        .any(|array| !path.select(array).values().is_empty());
                    let empty = Skeleton::of(&path).empty_slice().is_some();
                    assert!(!(empty && matches), "{text}");
                }
            }
        }
    }
}
