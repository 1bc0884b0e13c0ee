//! What a program wrote, within limits.

use std::collections::VecDeque;

/// How many bytes of log are kept. When there are more, the oldest lines go.
const LOG_LIMIT: usize = 64 * 1024 * 1024;

/// The newest lines, up to [`LOG_LIMIT`].
#[derive(Debug, Default)]
pub(super) struct Logs {
    lines: VecDeque<String>,
    bytes: usize,
    /// How many lines had to go.
    pub(super) lost: usize,
}

impl Logs {
    pub(super) fn push(&mut self, line: String) {
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        while self.bytes > LOG_LIMIT
            && let Some(oldest) = self.lines.pop_front()
        {
            self.bytes -= oldest.len() + 1;
            self.lost += 1;
        }
    }

    pub(super) fn text(&self) -> String {
        self.lines
            .iter()
            .flat_map(|line| [line.as_str(), "\n"])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_lines_give_way() {
        let mut logs = Logs::default();
        for line in 0..3 {
            logs.push(format!("{line}{}", "x".repeat(LOG_LIMIT / 2 - 1)));
        }
        assert_eq!((logs.lines.len(), logs.lost), (1, 2));
        assert!(logs.text().starts_with('2'));
    }
}
