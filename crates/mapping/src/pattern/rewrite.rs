//! JavaScript's patterns in the words of the engines: one pass from left to right, without recursion.

use std::iter::Peekable;
use std::str::Chars;

use super::class::{self, NO_LINE_END, literal, set_of};

/// A pattern rewritten.
pub(super) struct Rewritten {
    pub(super) text: String,
    /// Whether it needs neither look-around nor references to groups.
    pub(super) linear: bool,
}

/// What is wrong with a pattern, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {problem}")]
pub(super) struct SyntaxError {
    position: usize,
    problem: Syntax,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Syntax {
    #[error("`[` opens a set that nothing closes; write `\\[` for the bracket itself")]
    OpenSet,
    #[error("`(` opens a group that nothing closes; write `\\(` for the parenthesis itself")]
    OpenGroup,
    #[error("`)` closes no group; write `\\)` for the parenthesis itself")]
    Unopened,
    #[error("there is nothing to repeat before `{0}`; write `\\{0}` for the character itself")]
    NothingToRepeat(char),
    #[error("the range from {0:?} to {1:?} is the wrong way round")]
    Range(char, char),
    #[error("a repetition goes from the smaller number to the larger")]
    Repetition,
    #[error(
        "`(?{0}` is no group of JavaScript; write (?:…), (?=…), (?!…), (?<=…), (?<!…) or (?<name>…)"
    )]
    Group(String),
    #[error("`\\` escapes nothing at the end of the pattern")]
    Trailing,
    #[error("half of a surrogate pair stands for no character")]
    Surrogate,
    #[error("`\\{0}{{…}}` needs a property of Unicode between braces, such as \\p{{L}}")]
    Property(char),
    #[error("`{0}` is no name of a group, or that of two; names are letters and digits")]
    GroupName(String),
    #[error("no group has the name `{0}`")]
    NoSuchGroup(String),
}

impl Syntax {
    pub(super) fn at(self, position: usize) -> SyntaxError {
        SyntaxError {
            position,
            problem: self,
        }
    }
}

/// What an escape stands for.
pub(super) enum Escape {
    Character(char),
    Set(String),
    /// The text of an earlier group.
    Group(usize),
    /// The border of a word, or (`false`) a place that is none.
    Boundary(bool),
}

/// The characters of a pattern, and the groups that it has.
pub(super) struct Scanner<'p> {
    rest: Peekable<Chars<'p>>,
    position: usize,
    /// The names of the groups, in the order of their parentheses.
    groups: Vec<Option<String>>,
}

/// What stands before a place, as far as a repetition may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing that can be repeated.
    Nothing,
    /// A character, a set or a group.
    Atom,
}

/// Rewrites a pattern, or says what JavaScript would not take in it.
pub(super) fn rewrite(pattern: &str) -> Result<Rewritten, SyntaxError> {
    let groups = groups_of(pattern);
    check_names(&groups)?;
    let mut scanner = Scanner {
        rest: pattern.chars().peekable(),
        position: 0,
        groups,
    };
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut linear = true;
    let mut before = Before::Nothing;
    // Where each open group began.
    let mut open: Vec<(usize, Group)> = Vec::new();
    while let Some(character) = scanner.next() {
        let position = scanner.position;
        before = match character {
            '^' => assertion(&mut out, r"\A"),
            '$' => assertion(&mut out, r"\z"),
            '|' => assertion(&mut out, "|"),
            '.' => atom(&mut out, NO_LINE_END),
            '[' => {
                class::class(&mut scanner, &mut out)?;
                Before::Atom
            }
            '(' => {
                let group = scanner.group(&mut out)?;
                linear &= group != Group::Look;
                open.push((position, group));
                Before::Nothing
            }
            ')' => {
                out.push(')');
                match open.pop().ok_or(Syntax::Unopened.at(position))? {
                    // JavaScript lets a look ahead be repeated, which says nothing; nobody means it.
                    (_, Group::Look) => Before::Nothing,
                    _ => Before::Atom,
                }
            }
            '*' | '+' | '?' => {
                scanner.repeated(before, character, &character.to_string(), &mut out)?;
                Before::Nothing
            }
            '{' => match scanner.braces().map_err(|problem| problem.at(position))? {
                Some(quantifier) => {
                    scanner.repeated(before, '{', &quantifier, &mut out)?;
                    Before::Nothing
                }
                None => literal_atom(&mut out, '{'),
            },
            '\\' => match scanner.escape(false)? {
                Escape::Character(character) => literal_atom(&mut out, character),
                Escape::Set(set) => atom(&mut out, &set),
                Escape::Boundary(word) => {
                    linear &= word;
                    assertion(&mut out, if word { BORDER } else { NO_BORDER })
                }
                Escape::Group(number) => {
                    linear = false;
                    // A group that took no part is empty in JavaScript.
                    atom(&mut out, &format!("(?:(?({number})\\{number}))"))
                }
            },
            character => literal_atom(&mut out, character),
        };
    }
    match open.first() {
        Some((position, _)) => Err(Syntax::OpenGroup.at(*position)),
        None => Ok(Rewritten { text: out, linear }),
    }
}

const BORDER: &str = r"(?-u:\b)";
const NO_BORDER: &str = r"(?:(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<![0-9A-Za-z_])(?![0-9A-Za-z_]))";

fn assertion(out: &mut String, text: &str) -> Before {
    out.push_str(text);
    Before::Nothing
}

fn atom(out: &mut String, text: &str) -> Before {
    out.push_str(text);
    Before::Atom
}

fn literal_atom(out: &mut String, character: char) -> Before {
    literal(character, out);
    Before::Atom
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Capturing,
    Plain,
    Look,
}

impl Scanner<'_> {
    /// Characters read so far.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        self.position += 1;
        Some(next)
    }

    pub(super) fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    /// Reads the character if it is this one.
    pub(super) fn take(&mut self, character: char) -> bool {
        let taken = self.peek() == Some(character);
        if taken {
            self.next();
        }
        taken
    }

    fn skip(&mut self, characters: usize) {
        for _ in 0..characters {
            self.next();
        }
    }

    /// Reads the text if it comes next.
    fn take_text(&mut self, text: &str) -> bool {
        let comes = self.rest.clone().take(text.len()).eq(text.chars());
        if comes {
            self.skip(text.len());
        }
        comes
    }

    /// Reads what follows `(` and writes the group's beginning. Groups lose their names: only numbers refer to them.
    fn group(&mut self, out: &mut String) -> Result<Group, SyntaxError> {
        const LOOKS: [&str; 4] = ["?=", "?!", "?<=", "?<!"];
        let position = self.position;
        if let Some(look) = LOOKS.iter().find(|look| self.take_text(look)) {
            out.push('(');
            out.push_str(look);
            return Ok(Group::Look);
        }
        if self.take_text("?:") {
            out.push_str("(?:");
            return Ok(Group::Plain);
        }
        if self.take_text("?<") {
            while self.next().is_some_and(|character| character != '>') {}
            out.push('(');
            return Ok(Group::Capturing);
        }
        if self.take('?') {
            let next = self.peek().map(String::from).unwrap_or_default();
            return Err(Syntax::Group(next).at(position));
        }
        out.push('(');
        Ok(Group::Capturing)
    }

    /// Writes a repetition of what stands before it.
    fn repeated(
        &mut self,
        before: Before,
        sign: char,
        quantifier: &str,
        out: &mut String,
    ) -> Result<(), SyntaxError> {
        if before == Before::Nothing {
            return Err(Syntax::NothingToRepeat(sign).at(self.position));
        }
        out.push_str(quantifier);
        if self.take('?') {
            out.push('?');
        }
        Ok(())
    }

    /// Reads the rest of `{n}`, `{n,}` or `{n,m}`; `None` for a brace that is only a brace, and nothing is read.
    fn braces(&mut self) -> Result<Option<String>, Syntax> {
        let inside: String = self.rest.clone().take_while(|c| *c != '}').collect();
        let closed = self.rest.clone().nth(inside.chars().count()) == Some('}');
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let (least, most) = match inside.split_once(',') {
            None => (inside.as_str(), inside.as_str()),
            Some((least, most)) => (least, most),
        };
        if !closed || !number(least) || !(most.is_empty() || number(most)) {
            return Ok(None);
        }
        let count = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
        if !most.is_empty() && count(least) > count(most) {
            return Err(Syntax::Repetition);
        }
        self.skip(inside.chars().count() + 1);
        let least = count(least);
        Ok(Some(match (inside.contains(','), most) {
            (false, _) => format!("{{{least}}}"),
            (true, "") => format!("{{{least},}}"),
            (true, most) => format!("{{{least},{}}}", count(most)),
        }))
    }

    /// Reads an escape whose `\` has been read. What has no meaning stands for itself, as in annex B.
    pub(super) fn escape(&mut self, in_set: bool) -> Result<Escape, SyntaxError> {
        let position = self.position;
        if self.peek() == Some('c') && !self.control_follows() {
            // The backslash stands for itself, and the `c` comes next.
            return Ok(Escape::Character('\\'));
        }
        let Some(letter) = self.next() else {
            return Err(Syntax::Trailing.at(position));
        };
        if let Some(set) = set_of(letter) {
            return Ok(Escape::Set(set));
        }
        let character = match letter {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'b' if !in_set => return Ok(Escape::Boundary(true)),
            'B' if !in_set => return Ok(Escape::Boundary(false)),
            'c' => char::from(self.next().map_or(0, |letter| letter as u8 % 32)),
            'x' => self.hexadecimal(2).unwrap_or('x'),
            'u' => self.unicode().map_err(|problem| problem.at(position))?,
            'p' | 'P' => {
                let property = self
                    .property(letter)
                    .map_err(|problem| problem.at(position))?;
                return Ok(Escape::Set(property));
            }
            'k' if !in_set => return self.named_reference(position),
            '0'..='9' => return Ok(self.number(letter, in_set)),
            other => other,
        };
        Ok(Escape::Character(character))
    }

    /// Whether a letter follows the `c` that comes next, as in `\cJ`.
    fn control_follows(&self) -> bool {
        let letter = self.rest.clone().nth(1);
        letter.is_some_and(|letter| letter.is_ascii_alphabetic())
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<char> {
        char::from_u32(self.hexadecimal_number(digits)?)
    }

    fn hexadecimal_number(&mut self, digits: usize) -> Option<u32> {
        let text: String = self.rest.clone().take(digits).collect();
        let hexadecimal = text.chars().all(|c| c.is_ascii_hexdigit());
        if text.len() != digits || !hexadecimal {
            return None;
        }
        self.skip(digits);
        u32::from_str_radix(&text, 16).ok()
    }

    /// `\u0041`, a pair of surrogates, or `\u{1f980}`; else the letter itself.
    fn unicode(&mut self) -> Result<char, Syntax> {
        if self.peek() == Some('{') {
            let inside: String = self
                .rest
                .clone()
                .skip(1)
                .take_while(|c| *c != '}')
                .collect();
            let character = u32::from_str_radix(&inside, 16)
                .ok()
                .and_then(char::from_u32);
            if let Some(character) = character {
                self.skip(inside.chars().count() + 2);
                return Ok(character);
            }
        }
        let Some(unit) = self.hexadecimal_number(4) else {
            return Ok('u');
        };
        if !(0xd800..0xe000).contains(&unit) {
            return char::from_u32(unit).ok_or(Syntax::Surrogate);
        }
        if unit >= 0xdc00 || !self.take_text("\\u") {
            return Err(Syntax::Surrogate);
        }
        let low = self
            .hexadecimal_number(4)
            .filter(|low| (0xdc00..0xe000).contains(low));
        let low = low.ok_or(Syntax::Surrogate)?;
        char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)).ok_or(Syntax::Surrogate)
    }

    /// `\p{L}`, `\p{Script=Greek}`: the engines know the same properties.
    fn property(&mut self, letter: char) -> Result<String, Syntax> {
        let inside: String = self
            .rest
            .clone()
            .skip(1)
            .take_while(|c| *c != '}')
            .collect();
        let named = inside
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '=');
        if self.peek() != Some('{') || inside.is_empty() || !named {
            return Err(Syntax::Property(letter));
        }
        self.skip(inside.chars().count() + 2);
        Ok(format!("\\{letter}{{{inside}}}"))
    }

    fn named_reference(&mut self, position: usize) -> Result<Escape, SyntaxError> {
        // Without a named group, `\k` is the letter.
        if self.groups.iter().all(Option::is_none) || !self.take('<') {
            return Ok(Escape::Character('k'));
        }
        let name: String = self.rest.clone().take_while(|c| *c != '>').collect();
        self.skip(name.chars().count() + 1);
        let known = self
            .groups
            .iter()
            .position(|group| group.as_ref() == Some(&name));
        match known {
            Some(index) => Ok(Escape::Group(index + 1)),
            None => Err(Syntax::NoSuchGroup(name).at(position)),
        }
    }

    /// A reference to a group, if there are so many, or a character by its octal number.
    fn number(&mut self, first: char, in_set: bool) -> Escape {
        let digits: String = std::iter::once(first)
            .chain(self.rest.clone().take_while(char::is_ascii_digit))
            .collect();
        let number = digits.parse::<usize>().unwrap_or(usize::MAX);
        if !in_set && first != '0' && number <= self.groups.len() {
            self.skip(digits.len() - 1);
            return Escape::Group(number);
        }
        let most = if first <= '3' { 3 } else { 2 };
        let octal = digits
            .chars()
            .take(most)
            .take_while(|c| ('0'..='7').contains(c))
            .count();
        if octal == 0 {
            return Escape::Character(first);
        }
        self.skip(octal - 1);
        let number = u32::from_str_radix(&digits[..octal], 8).unwrap_or_default();
        Escape::Character(char::from_u32(number).unwrap_or_default())
    }
}

/// The names of the capturing groups, in order: a first pass, for references may come before their group.
fn groups_of(pattern: &str) -> Vec<Option<String>> {
    let mut groups = Vec::new();
    let mut rest = pattern.chars();
    let mut in_set = false;
    while let Some(character) = rest.next() {
        match character {
            '\\' => drop(rest.next()),
            '[' => in_set = true,
            ']' => in_set = false,
            '(' if !in_set => {
                let after = rest.as_str();
                let name = after
                    .strip_prefix("?<")
                    .filter(|name| !name.starts_with(['=', '!']));
                match name {
                    Some(name) => {
                        let name = name.split('>').next().unwrap_or_default();
                        groups.push(Some(name.to_owned()));
                    }
                    None if !after.starts_with('?') => groups.push(None),
                    None => {}
                }
            }
            _ => {}
        }
    }
    groups
}

fn check_names(groups: &[Option<String>]) -> Result<(), SyntaxError> {
    for (at, name) in groups.iter().enumerate() {
        let Some(name) = name else { continue };
        let letter = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
        let good = name.chars().all(letter) && !name.starts_with(|c: char| c.is_ascii_digit());
        if name.is_empty() || !good || groups[..at].contains(&Some(name.clone())) {
            return Err(Syntax::GroupName(name.clone()).at(1));
        }
    }
    Ok(())
}
