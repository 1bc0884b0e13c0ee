//! The scan that a selector must pass before the JSONPath parser may see it.
//!
//! The parser doubles its time with each nested filter and recurses without limit, and the
//! evaluator builds every result it can reach (facts: libraries 4). Each limit below stops one way
//! to hang or abort a server with a short text; what remains is linear in the document.

use super::{PathError, Problem};

/// Longest path, in characters.
pub const MAX_LENGTH: usize = 512;
/// Opening parentheses in one path, those of functions included.
pub const MAX_PARENTHESES: usize = 16;
/// Filters inside one another.
pub const MAX_NESTED_FILTERS: usize = 3;
/// Times `..` may occur: each one more multiplies the nodes visited.
pub const MAX_DESCENTS: usize = 1;
/// Product of the sizes of all `[a,b,…]` lists: `[*,*][*,*]…` doubles the result at each step.
pub const MAX_ALTERNATIVES: usize = 16;
/// Wildcards, slices and filters in one path: below `..`, each is tried from every ancestor.
pub const MAX_FAN_OUTS: usize = 8;
/// Functions that compile a regular expression for each node they look at.
const UNBOUNDED_FUNCTIONS: [&str; 2] = ["match", "search"];

/// Refuses a selector whose cost is not bounded; says nothing about its grammar.
///
/// Returns whether the selector searches the whole document with `..`.
pub(super) fn check(text: &str) -> Result<bool, PathError> {
    let mut scan = Scan::default();
    for (index, character) in text.chars().enumerate() {
        let position = index + 1;
        if position > MAX_LENGTH {
            return Err(Problem::TooLong.at(position));
        }
        if !scan.in_quotes(character) {
            scan.step(character)
                .map_err(|problem| problem.at(position))?;
        }
    }
    Ok(scan.descents > 0)
}

/// An open bracket or parenthesis.
enum Open {
    Bracket { alternatives: usize, filter: bool },
    Parenthesis,
}

#[derive(Default)]
struct Scan {
    quote: Option<char>,
    escaped: bool,
    open: Vec<Open>,
    /// The letters read last: the function's name when a parenthesis opens.
    word: String,
    previous: Option<char>,
    parentheses: usize,
    descents: usize,
    alternatives: usize,
    fan_outs: usize,
}

impl Scan {
    /// Whether the character belongs to a quoted name or text, its quotes included.
    fn in_quotes(&mut self, character: char) -> bool {
        match self.quote {
            Some(_) if self.escaped => self.escaped = false,
            Some(_) if character == '\\' => self.escaped = true,
            Some(quote) if character == quote => self.quote = None,
            Some(_) => {}
            None if matches!(character, '\'' | '"') => {
                self.quote = Some(character);
                self.word.clear();
                self.previous = None;
            }
            None => return false,
        }
        true
    }

    fn step(&mut self, character: char) -> Result<(), Problem> {
        if matches!(character, '*' | ':' | '?') {
            self.fan_out()?;
        }
        match character {
            '(' => self.parenthesis()?,
            '[' => self.open.push(Open::Bracket {
                alternatives: 1,
                filter: false,
            }),
            ')' => drop(self.open.pop_if(|open| matches!(open, Open::Parenthesis))),
            ']' => self.close_bracket()?,
            ',' => {
                if let Some(Open::Bracket { alternatives, .. }) = self.open.last_mut() {
                    *alternatives += 1;
                }
            }
            '?' => self.filter()?,
            '$' if self.nested_filters() > 0 => return Err(Problem::RootInFilter),
            '.' if self.previous == Some('.') => {
                self.descents += 1;
                if self.descents > MAX_DESCENTS {
                    return Err(Problem::Descents);
                }
            }
            _ => {}
        }
        if character.is_alphanumeric() || character == '_' {
            self.word.push(character);
        } else {
            self.word.clear();
        }
        self.previous = Some(character);
        Ok(())
    }

    fn parenthesis(&mut self) -> Result<(), Problem> {
        if UNBOUNDED_FUNCTIONS.contains(&self.word.as_str()) {
            return Err(Problem::RegexFunction);
        }
        self.parentheses += 1;
        if self.parentheses > MAX_PARENTHESES {
            return Err(Problem::Parentheses);
        }
        self.open.push(Open::Parenthesis);
        Ok(())
    }

    fn close_bracket(&mut self) -> Result<(), Problem> {
        if let Some(Open::Bracket { alternatives, .. }) = self.open.pop() {
            self.alternatives = self.alternatives.max(1).saturating_mul(alternatives);
            if self.alternatives > MAX_ALTERNATIVES {
                return Err(Problem::Alternatives);
            }
        }
        Ok(())
    }

    fn fan_out(&mut self) -> Result<(), Problem> {
        self.fan_outs += 1;
        if self.fan_outs > MAX_FAN_OUTS {
            return Err(Problem::FanOuts);
        }
        Ok(())
    }

    fn filter(&mut self) -> Result<(), Problem> {
        if let Some(Open::Bracket { filter, .. }) = self.open.last_mut() {
            *filter = true;
        }
        if self.nested_filters() > MAX_NESTED_FILTERS {
            return Err(Problem::NestedFilters);
        }
        Ok(())
    }

    fn nested_filters(&self) -> usize {
        let is_filter = |open: &&Open| matches!(open, Open::Bracket { filter: true, .. });
        self.open.iter().filter(is_filter).count()
    }
}
