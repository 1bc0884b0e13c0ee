//! How deeply the brackets of a source nest, told before the parser goes down its stack for each of them.
//!
//! Strings and comments are read as the lexer reads them (cel-spec, "Syntax"), for a bracket in a string must neither
//! hide nor make up for one outside.

/// The most brackets that are open at once.
pub(super) fn nesting(source: &str) -> usize {
    let mut rest = source;
    let (mut open, mut most) = (0_usize, 0);
    // The letters and digits read last: the prefix of a string, if they are only that.
    let mut word = "";
    while let Some(character) = rest.chars().next() {
        let mut length = character.len_utf8();
        match character {
            '"' | '\'' => {
                length = string(rest, word.eq_ignore_ascii_case("r") || is_raw_bytes(word));
            }
            '/' if rest.starts_with("//") => length = rest.find('\n').unwrap_or(rest.len()),
            '(' | '[' | '{' => {
                open += 1;
                most = most.max(open);
            }
            ')' | ']' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
        let in_word = character.is_ascii_alphanumeric() || character == '_';
        word = if in_word {
            grown(source, rest, word)
        } else {
            ""
        };
        rest = &rest[length..];
    }
    most
}

fn is_raw_bytes(word: &str) -> bool {
    word.eq_ignore_ascii_case("br") || word.eq_ignore_ascii_case("rb")
}

/// The word with the next letter of the rest.
fn grown<'s>(source: &'s str, rest: &str, word: &str) -> &'s str {
    let at = source.len() - rest.len();
    &source[at - word.len()..=at]
}

/// How long the string is that begins here; only its quote when nothing ends it, for the lexer then goes on behind.
fn string(text: &str, raw: bool) -> usize {
    let quote = &text[..1];
    let triple = quote.repeat(3);
    let (begin, end) = if text.starts_with(&triple) {
        (3, triple.as_str())
    } else {
        (1, quote)
    };
    let mut at = begin;
    while let Some(character) = text[at..].chars().next() {
        if text[at..].starts_with(end) {
            return at + end.len();
        }
        if begin == 1 && matches!(character, '\n' | '\r') {
            break;
        }
        at += character.len_utf8();
        if character == '\\' && !raw {
            at += text[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::nesting;

    #[test]
    fn brackets_of_strings_and_comments_do_not_count() {
        let rows = [
            ("", 0),
            ("a", 0),
            ("(a)[b]{c}", 1),
            ("f(g(h([])))", 4),
            ("'((('", 0),
            (r"'\'((('", 0),
            (r"r'\'((('", 3),
            (r"R'\'((('", 3),
            (r"br'\'((('", 3),
            (r"bar'\'((('", 0),
            ("'''a'(\n('''(", 1),
            ("'(((", 3),
            ("'(((\n'", 3),
            ("// ((( '\n(", 1),
            ("\"]\" + [']]]']", 1),
            ("'🦀(' + (", 1),
            ("'\\", 0),
        ];
        for (source, expected) in rows {
            assert_eq!(nesting(source), expected, "{source}");
        }
    }
}
