//! The nearest valid name to a misspelt one, for messages that say what was probably meant.

/// The longest name that is compared, in characters: what is longer is no misspelling.
const LONGEST: usize = 64;

/// The candidate that takes the fewest edits to reach from `given`: at most a third of its
/// characters, rounded up. `None` if none is that near.
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given: Vec<char> = given.chars().flat_map(char::to_lowercase).collect();
    if given.len() > LONGEST {
        return None;
    }
    let most = given.len().div_ceil(3);
    let measured = candidates.into_iter().filter_map(|candidate| {
        let other: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
        let edits = (other.len() <= LONGEST).then(|| edits(&given, &other))?;
        (edits <= most).then_some((edits, candidate))
    });
    measured
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// How many insertions, removals and replacements lead from one to the other (Levenshtein).
fn edits(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let names = ["identifier", "fields", "email", "Größe"];
        let rows = [
            ("identifer", Some("identifier")),
            ("Fields", Some("fields")),
            ("emial", Some("email")),
            ("größe", Some("Größe")),
            ("phone", None),
            ("", None),
        ];
        for (given, expected) in rows {
            assert_eq!(nearest(given, names), expected, "{given}");
        }
        assert_eq!(nearest(&"x".repeat(10_000), names), None);
    }
}
