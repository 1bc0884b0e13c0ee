//! Reading Server-Sent Events (WHATWG HTML, 9.2) as they come: the data of each event.

use std::collections::VecDeque;

/// Takes bytes as they come and gives the data of each event that is complete.
#[derive(Default)]
pub(super) struct Reader {
    line: Vec<u8>,
    /// Whether the last byte was a carriage return, whose line feed ends no line of its own.
    returned: bool,
    data: Option<String>,
    ready: VecDeque<String>,
}

impl Reader {
    /// Takes the next bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let was_return = std::mem::replace(&mut self.returned, byte == b'\r');
            match byte {
                b'\n' if was_return => {}
                b'\r' | b'\n' => self.end_line(),
                other => self.line.push(other),
            }
        }
    }

    /// The data of the next event that is complete.
    pub(super) fn event(&mut self) -> Option<String> {
        self.ready.pop_front()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            self.ready.extend(self.data.take());
            return;
        }
        let Ok(line) = std::str::from_utf8(&line) else {
            return;
        };
        let Some(data) = line.strip_prefix("data:") else {
            return;
        };
        let data = data.strip_prefix(' ').unwrap_or(data);
        match &mut self.data {
            None => self.data = Some(data.to_owned()),
            Some(whole) => {
                whole.push('\n');
                whole.push_str(data);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_they_are_cut() {
        let text = "\u{feff}: hello\r\n\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\nevent: x\ndata:two\n\nid: 7\rdata: é\r\rdata: rest";
        let expected = ["{\"a\":\n1}", "two", "é"];
        for size in [1, 2, 3, 7, 1_000] {
            let mut reader = Reader::default();
            for piece in text.as_bytes().chunks(size) {
                reader.take(piece);
            }
            let events: Vec<_> = std::iter::from_fn(|| reader.event()).collect();
            assert_eq!(events, expected, "{size}");
        }
    }
}
