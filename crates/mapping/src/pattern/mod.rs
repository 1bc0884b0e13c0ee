//! Regular expressions of users, written and meant as in JavaScript, and bounded.
//!
//! A pattern is rewritten for an engine whose time is linear in the text; only what that cannot do, looking around
//! and references to groups, goes to one that backtracks, with a budget of steps (facts: libraries 5). Patterns are read
//! as with JavaScript's `u` flag where that differs for characters beyond the basic plane, `\u{…}` and `\p{…}`, and
//! otherwise with the lenient forms that browsers take without it (ECMA-262, annex B.1.2).

mod class;
mod rewrite;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::Fault;

/// Longest pattern, in characters.
pub const MAX_LENGTH: usize = 1_000;
/// What a compiled pattern may take, in bytes.
pub const MAX_COMPILED: usize = 256 * 1_024;
/// Longest text that a pattern looks at, in bytes.
pub const MAX_TEXT: usize = 64 * 1_024;
/// The same for one that looks around or refers to groups: it may go over the text again from each character.
pub const MAX_TEXT_LOOKING: usize = 4 * 1_024;
/// Steps back that a pattern which looks around may take on one text.
pub const MAX_BACKTRACKS: usize = 10_000;

/// A compiled pattern.
pub struct Pattern {
    source: String,
    engine: Engine,
}

enum Engine {
    /// Linear in the text.
    Linear(regex::Regex),
    /// With look-around or references to groups: a budget of steps.
    Bounded(Box<fancy_regex::Regex>),
}

/// A text that a pattern gives no answer on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooHard {
    /// Longer than [`MAX_TEXT`] or [`MAX_TEXT_LOOKING`].
    #[error("is longer than {0} bytes, the most that this pattern looks at")]
    TooLong(usize),
    /// More steps than [`MAX_BACKTRACKS`].
    #[error("takes the pattern more than {MAX_BACKTRACKS} steps; write it without look-around")]
    TooManySteps,
}

impl Pattern {
    /// Compiles a pattern as JavaScript's `new RegExp(source)` would.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with an empty pointer.
    pub fn compile(source: &str) -> Result<Self, Fault> {
        if source.chars().count() > MAX_LENGTH {
            let detail = format!("a pattern has at most {MAX_LENGTH} characters");
            return Err(Fault::new("", detail));
        }
        let rewritten =
            rewrite::rewrite(source).map_err(|error| Fault::new("", error.to_string()))?;
        let engine = if rewritten.linear {
            linear(&rewritten.text)?
        } else {
            bounded(&rewritten.text)?
        };
        Ok(Self {
            source: source.to_owned(),
            engine,
        })
    }

    /// The pattern as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether its time is linear in the text; if not, it has a budget of steps.
    pub fn is_linear(&self) -> bool {
        matches!(self.engine, Engine::Linear(_))
    }

    /// Whether it matches anywhere in the text.
    ///
    /// # Errors
    ///
    /// A text that is too long, or takes too many steps.
    pub fn is_match(&self, text: &str) -> Result<bool, TooHard> {
        self.check_length(text)?;
        match &self.engine {
            Engine::Linear(regex) => Ok(regex.is_match(text)),
            Engine::Bounded(regex) => regex.is_match(text).map_err(|_| TooHard::TooManySteps),
        }
    }

    fn check_length(&self, text: &str) -> Result<(), TooHard> {
        let most = if self.is_linear() {
            MAX_TEXT
        } else {
            MAX_TEXT_LOOKING
        };
        if text.len() > most {
            return Err(TooHard::TooLong(most));
        }
        Ok(())
    }

    /// The places of its first `most` matches, in bytes from the beginning; none of them is inside another.
    ///
    /// # Errors
    ///
    /// As [`Pattern::is_match`].
    pub fn find(&self, text: &str, most: usize) -> Result<Vec<std::ops::Range<usize>>, TooHard> {
        self.check_length(text)?;
        match &self.engine {
            Engine::Linear(regex) => {
                let found = regex.find_iter(text).take(most);
                Ok(found.map(|found| found.range()).collect())
            }
            Engine::Bounded(regex) => {
                let found = regex.find_iter(text).take(most);
                let found = found.map(|found| found.map(|found| found.range()));
                found
                    .collect::<Result<_, _>>()
                    .map_err(|_| TooHard::TooManySteps)
            }
        }
    }
}

fn linear(text: &str) -> Result<Engine, Fault> {
    let built = regex::RegexBuilder::new(text)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .build();
    built.map(Engine::Linear).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => too_big(),
        error => refused(&error.to_string()),
    })
}

fn bounded(text: &str) -> Result<Engine, Fault> {
    let built = fancy_regex::RegexBuilder::new(text)
        .backtrack_limit(MAX_BACKTRACKS)
        .delegate_size_limit(MAX_COMPILED)
        .delegate_dfa_size_limit(MAX_COMPILED)
        .build();
    let engine = built.map(|regex| Engine::Bounded(Box::new(regex)));
    engine.map_err(|error| refused(&error.to_string()))
}

fn too_big() -> Fault {
    let detail = "the pattern is too large once its repetitions are written out; repeat less";
    Fault::new("", detail)
}

/// The engine's last line says what is wrong; those before it show a pattern that nobody wrote.
fn refused(message: &str) -> Fault {
    let last = message.lines().last().unwrap_or_default().trim();
    let reason = last.strip_prefix("error: ").unwrap_or(last);
    let detail = format!("not a pattern: {}", crate::excerpt(reason));
    Fault::new("", detail)
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.source).finish()
    }
}
