//! The name that was probably meant.

/// Letters of a mistyped name that are looked at: what is longer is no typing error.
const COMPARED: usize = 64;

/// Which of `known` is nearest to `name`, by the letters to insert, delete or replace without regard to case; the
/// first of several that are as near. `None` only when nothing is known.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let name = comparable(name);
    let known = known.into_iter();
    known.min_by_key(|candidate| distance(&name, &comparable(candidate)))
}

fn comparable(name: &str) -> Vec<char> {
    let letters = name.chars().flat_map(char::to_lowercase);
    letters.take(COMPARED).collect()
}

/// Levenshtein's distance.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_name_with_the_fewest_changes_is_nearest() {
        let known = ["lowercase", "uppercase", "trim", "format_date"];
        let rows = [
            ("lowercas", "lowercase"),
            ("UpperCase", "uppercase"),
            ("formatDate", "format_date"),
            ("tirm", "trim"),
            ("", "trim"),
            (&"x".repeat(100_000), "lowercase"),
        ];
        for (name, expected) in rows {
            assert_eq!(nearest(name, known), Some(expected), "{name:.20}");
        }
        assert_eq!(nearest("anything", []), None);
    }
}
