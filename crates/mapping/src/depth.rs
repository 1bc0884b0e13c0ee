//! How deeply JSON nests, told from its bytes before anything parses it.

/// Nesting that a body may have unless the operator says otherwise.
pub const DEFAULT_MAX_DEPTH: usize = 64;

/// A body that nests more deeply than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "JSON nests more than {max} levels deep at byte {position}: flatten it or raise limits.json_depth_max"
)]
pub struct TooDeep {
    /// Offset in bytes, from 0, of the bracket that opens one level too many.
    pub position: usize,
    /// The levels that were allowed.
    pub max: usize,
}

/// Checks that `json` opens at most `max` arrays and objects inside one another.
///
/// One pass over the bytes, no allocation, no validation: brackets inside strings do not count,
/// and what is no JSON is left for the parser to refuse.
pub fn check_depth(json: &[u8], max: usize) -> Result<(), TooDeep> {
    // Most documents do not even have that many brackets, and counting all is quicker than following
    // each: the compiler does it many bytes at a time.
    let opening = json.iter().filter(|byte| matches!(byte, b'[' | b'{'));
    if opening.count() <= max {
        return Ok(());
    }
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (position, byte) in json.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > max {
                    return Err(TooDeep { position, max });
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_brackets_outside_strings() {
        let rows: &[(&str, usize, Option<usize>)] = &[
            ("", 0, None),
            ("1", 0, None),
            ("[]", 1, None),
            ("[]", 0, Some(0)),
            (r#"{"a":[1]}"#, 2, None),
            (r#"{"a":[1]}"#, 1, Some(5)),
            ("[[],[],[]]", 2, None),
            (r#"["[[[["]"#, 1, None),
            (r#"["\"[[[["]"#, 1, None),
            (r#"["\\",[]]"#, 1, Some(6)),
            (r#"["\\\"[",[]]"#, 2, None),
            ("]]]][[", 2, None),
            ("]]]][[[", 2, Some(6)),
            (r#""unclosed [[["#, 0, None),
        ];
        for (json, max, too_deep_at) in rows {
            let found = check_depth(json.as_bytes(), *max).err().map(|e| e.position);
            assert_eq!(found, *too_deep_at, "{json} with max {max}");
        }
    }

    #[test]
    fn says_where_and_what_to_do() {
        let deep = "[".repeat(65);
        let error = check_depth(deep.as_bytes(), DEFAULT_MAX_DEPTH).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "JSON nests more than 64 levels deep at byte 64: flatten it or raise limits.json_depth_max"
        );
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_the_parser(depth in 0_usize..100) {
            let json = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            proptest::prop_assert_eq!(check_depth(json.as_bytes(), 64).is_ok(), depth <= 64);
        }
    }
}
