//! Sets of characters, `[…]`, and the escapes that stand for them.

use std::fmt::Write as _;

use super::rewrite::{Escape, Scanner, Syntax, SyntaxError};

/// What JavaScript's `\d`, `\w` and `\s` take, as the inside of a set. The first two are ASCII only.
const DIGITS: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r"\t\n\x0B\x0C\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}";
/// Line ends, which a dot does not take.
pub(super) const NO_LINE_END: &str = r"[^\n\r\x{2028}\x{2029}]";
/// Any character at all.
pub(super) const ANYTHING: &str = r"(?s:.)";
/// No character: a set without a member.
pub(super) const NOTHING: &str = r"[^\x{0}-\x{10ffff}]";

/// The set that an escape letter stands for, written so that it can stand inside another set too.
pub(super) fn set_of(letter: char) -> Option<String> {
    let (inside, negated) = match letter {
        'd' => (DIGITS, false),
        'D' => (DIGITS, true),
        'w' => (WORD, false),
        'W' => (WORD, true),
        's' => (SPACE, false),
        'S' => (SPACE, true),
        _ => return None,
    };
    Some(format!("[{}{inside}]", if negated { "^" } else { "" }))
}

/// One member of a set.
enum Member {
    Character(char),
    Set(String),
}

/// Reads a set whose `[` has been read, and writes it.
pub(super) fn class(scanner: &mut Scanner<'_>, out: &mut String) -> Result<(), SyntaxError> {
    let start = scanner.position();
    let negated = scanner.take('^');
    let mut members = Vec::new();
    loop {
        match scanner.next() {
            None => return Err(Syntax::OpenSet.at(start)),
            Some(']') => break,
            Some('\\') => members.push((member_escape(scanner)?, true)),
            Some(character) => members.push((Member::Character(character), false)),
        }
    }
    if members.is_empty() {
        out.push_str(if negated { ANYTHING } else { NOTHING });
        return Ok(());
    }
    out.push_str(if negated { "[^" } else { "[" });
    write_members(&members, out).map_err(|problem| problem.at(start))?;
    out.push(']');
    Ok(())
}

fn member_escape(scanner: &mut Scanner<'_>) -> Result<Member, SyntaxError> {
    match scanner.peek() {
        Some('b') => {
            scanner.next();
            return Ok(Member::Character('\u{8}'));
        }
        // Without the `u` flag, `\c` takes digits and `_` too inside a set; nobody means that.
        Some('B' | 'k') => {
            let letter = scanner.next();
            return Ok(Member::Character(letter.unwrap_or_default()));
        }
        _ => {}
    }
    Ok(match scanner.escape(true)? {
        Escape::Character(character) => Member::Character(character),
        Escape::Set(set) => Member::Set(set),
        Escape::Group(_) | Escape::Boundary(_) => Member::Character('\\'),
    })
}

/// A hyphen makes a range between two characters; beside a set, at either end or escaped, it is itself.
fn write_members(members: &[(Member, bool)], out: &mut String) -> Result<(), Syntax> {
    let mut rest = members;
    loop {
        rest = match rest {
            [] => return Ok(()),
            [
                (Member::Character(from), _),
                (Member::Character('-'), false),
                (Member::Character(to), _),
                after @ ..,
            ] => {
                if from > to {
                    return Err(Syntax::Range(*from, *to));
                }
                literal(*from, out);
                out.push('-');
                literal(*to, out);
                after
            }
            // Beside a set, the hyphen and what follows stand for themselves.
            [
                (from, _),
                (Member::Character('-'), false),
                (to, _),
                after @ ..,
            ] => {
                member(from, out);
                literal('-', out);
                member(to, out);
                after
            }
            [(one, _), after @ ..] => {
                member(one, out);
                after
            }
        };
    }
}

fn member(member: &Member, out: &mut String) {
    match member {
        Member::Character(character) => literal(*character, out),
        Member::Set(set) => out.push_str(set),
    }
}

/// A character that stands for itself, inside a set or outside.
pub(super) fn literal(character: char, out: &mut String) {
    if character.is_alphanumeric() {
        out.push(character);
    } else {
        // Writing to a String cannot fail.
        let _ = write!(out, r"\x{{{:x}}}", u32::from(character));
    }
}
