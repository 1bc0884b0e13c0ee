//! Traces: which requests, events and attempts belong together (W3C Trace Context).

use std::fmt;

use crate::EventId;

/// Where something stands in a trace: a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace; never zero.
    pub trace_id: u128,
    /// The span; never zero.
    pub span_id: u64,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

impl TraceContext {
    /// Reads a `traceparent` (W3C Trace Context, 3.2); `None` if it is malformed, and a new trace has
    /// to begin. A later version is read as far as this one goes.
    pub fn parse(text: &str) -> Option<Self> {
        let (version, rest) = field(text, 2)?;
        let (trace_id, rest) = field(rest.strip_prefix('-')?, 32)?;
        let (span_id, rest) = field(rest.strip_prefix('-')?, 16)?;
        let (flags, rest) = field(rest.strip_prefix('-')?, 2)?;
        let complete = rest.is_empty() || (version != 0 && rest.starts_with('-'));
        let valid = version != 0xff && complete && trace_id != 0 && span_id != 0;
        valid.then_some(Self {
            trace_id,
            span_id: span_id as u64,
            sampled: flags & 1 == 1,
        })
    }

    /// The trace as text: 32 hex digits.
    pub fn trace_text(&self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

/// The first `digits` hex digits as a number, and what follows them.
fn field(text: &str, digits: usize) -> Option<(u128, &str)> {
    let (head, rest) = text.split_at_checked(digits)?;
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let number = head
        .bytes()
        .all(hex)
        .then(|| u128::from_str_radix(head, 16));
    Some((number?.ok()?, rest))
}

impl fmt::Display for TraceContext {
    /// As a `traceparent`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(
            f,
            "00-{:032x}-{:016x}-{flags:02x}",
            self.trace_id, self.span_id
        )
    }
}

/// The span in which an event was accepted: it follows from the id, so that every attempt to deliver the
/// event knows its parent, also after a restart and on another node.
pub fn span_of(event: EventId) -> u64 {
    // The last 64 bits of a UUID of version 7 are its variant and chance; the variant is never zero.
    event.as_u128() as u64
}

/// Whether a trace is among the `percent` that are recorded; every node decides alike.
pub fn is_sampled(trace_id: u128, percent: u8) -> bool {
    // Chance sits in the last bits (W3C Trace Context level 2: at least the last 56 are random).
    let chance = (trace_id as u64) & 0x00ff_ffff_ffff_ffff;
    u128::from(chance) * 100 < (1_u128 << 56) * u128::from(percent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn traceparents_are_read_as_the_standard_says() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let rows = [
            (good.to_owned(), Some(true)),
            (good.replace("-01", "-00"), Some(false)),
            (good.replace("-01", "-03"), Some(true)),
            (good.replace("-01", "-fe"), Some(false)),
            (good.replacen("00", "cc", 1), Some(true)),
            (good.replacen("00", "cc", 1) + "-later", Some(true)),
            (good.replacen("00", "cc", 1) + ".later", None),
            (good.to_owned() + "-later", None),
            (good.replacen("00", "ff", 1), None),
            (good.to_uppercase(), None),
            (
                good.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
                None,
            ),
            (good.replace("00f067aa0ba902b7", &"0".repeat(16)), None),
            (good.replace("4b", "+b"), None),
            (good.replace("4b", "b"), None),
            (good.replace('-', "_"), None),
            (good[..54].to_owned(), None),
            (
                "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01".to_owned(),
                None,
            ),
            (String::new(), None),
        ];
        for (text, expected) in rows {
            let read = TraceContext::parse(&text);
            assert_eq!(read.map(|context| context.sampled), expected, "{text}");
        }
        assert_eq!(TraceContext::parse(good).unwrap().to_string(), good);
    }

    #[test]
    fn so_many_traces_are_sampled() {
        // Numbers spread evenly over what chance may give.
        let spread = |n: u128| (n << 120) | (n * 0x00ff_ffff_ffff_ffff / 1_000);
        for percent in [0, 1, 25, 50, 99, 100] {
            let sampled = (0..1_000)
                .filter(|n| is_sampled(spread(*n), percent))
                .count();
            assert!(
                sampled.abs_diff(usize::from(percent) * 10) <= 10,
                "{percent}: {sampled}"
            );
        }
        assert!(!is_sampled(u128::MAX, 99));
        assert!(is_sampled(u128::MAX, 100));
    }

    #[test]
    fn the_span_of_an_event_is_never_zero() {
        assert_ne!(span_of(EventId::new(Timestamp::from_micros(0), 0)), 0);
    }
}
