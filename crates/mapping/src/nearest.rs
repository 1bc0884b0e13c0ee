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

/// How many insertions, removals, replacements and swaps of neighbours lead from one to the other (Levenshtein's
/// distance with Damerau's swaps).
fn edits(one: &[char], other: &[char]) -> usize {
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let replaced = last[j] + usize::from(a != b);
            let mut fewest = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                let swapped: usize = before[j - 1];
                fewest = fewest.min(swapped + 1);
            }
            row.push(fewest);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let names = ["identifier", "fields", "email", "id", "Größe"];
        let rows = [
            ("identifer", Some("identifier")),
            ("Fields", Some("fields")),
            ("emial", Some("email")),
            ("di", Some("id")),
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
