//! What is printed: one place for colour, and for keeping what strangers wrote from steering the
//! terminal.

use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

/// How standard output is written: in colour if it is a terminal and nobody objects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    colour: bool,
}

/// What a colour says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ink {
    Good,
    Bad,
    Warning,
    Dim,
    Strong,
}

impl Ink {
    /// The parameter of the escape sequence (ECMA-48, select graphic rendition).
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::Warning => "33",
            Self::Dim => "2",
            Self::Strong => "1",
        }
    }
}

impl Terminal {
    /// The standard output of this process; `plain` forbids colour.
    pub(super) fn of_process(plain: bool) -> Self {
        Self {
            colour: !plain && io::stdout().is_terminal(),
        }
    }

    /// `text` in colour, if there is any.
    pub(super) fn paint(self, ink: Ink, text: &str) -> Cow<'_, str> {
        if self.colour {
            format!("\x1b[{}m{text}\x1b[0m", ink.code()).into()
        } else {
            text.into()
        }
    }
}

/// Prints a line on standard output and flushes it, so that a script that waits for it sees it.
pub(super) fn say(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Prints a line on standard error. If that fails there is no one left to tell.
pub(super) fn say_error(text: impl Display) {
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// The text with every control character but line breaks and tabs written out: what a stranger sent
/// must not move the cursor, set a title or answer for the terminal.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(harmful) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if harmful(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_left_out_where_nobody_sees_it() {
        let painted = |colour| Terminal { colour }.paint(Ink::Bad, "no").into_owned();
        assert_eq!(painted(true), "\x1b[31mno\x1b[0m");
        assert_eq!(painted(false), "no");
    }

    #[test]
    fn what_a_stranger_sent_cannot_steer_the_terminal() {
        for (sent, shown) in [
            ("plain\n\ttext é", "plain\n\ttext é"),
            ("\x1b[2Jgone", "\\u{1b}[2Jgone"),
            ("a\rb\u{9b}31m", "a\\u{d}b\\u{9b}31m"),
        ] {
            assert_eq!(visible(sent), shown);
        }
    }
}
