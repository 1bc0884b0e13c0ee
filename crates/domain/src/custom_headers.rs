//! Headers that a subscription adds to its deliveries, and those that it may not.

use std::collections::BTreeMap;

use crate::{Bounds, Violation};

/// The longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 128;
/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 2_048;

/// Why a header is not for users to set.
struct Denied {
    /// Whole names in lower case; one that ends in `*` is the beginning of names.
    names: &'static [&'static str],
    /// To be read after the name.
    why: &'static str,
}

/// Every header that may not be set (RFC 9110 7.6.1 and 9113 8.2.2 for the connection's own).
const DENIED: &[Denied] = &[
    Denied {
        names: &[
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "te",
            "trailer",
            "upgrade",
            "expect",
            "http2-settings",
            "proxy-*",
        ],
        why: "belongs to the connection",
    },
    Denied {
        names: &["content-type", "content-encoding", "accept-encoding"],
        why: "says how the body is written, which is always the same",
    },
    Denied {
        names: &["webhook-*", "x-webhook-signature"],
        why: "belongs to the signature",
    },
    Denied {
        names: &["authorization"],
        why: "is a credential: give it as `auth`, which is sealed",
    },
    Denied {
        names: &["cookie*", "set-cookie*"],
        why: "is a cookie, and deliveries have no session",
    },
    Denied {
        names: &["forwarded", "x-forwarded-*", "x-real-ip", "via"],
        why: "would say that the request came from somewhere else",
    },
    Denied {
        names: &["traceparent", "tracestate", "baggage"],
        why: "belongs to the trace",
    },
    Denied {
        names: &["metadata", "metadata-flavor", "x-aws-ec2-metadata-*"],
        why: "opens the metadata services of clouds",
    },
];

/// Why no header of this name may be set by users; `None` if it may.
fn denied(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let fits = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == **pattern,
    };
    DENIED
        .iter()
        .find(|denied| denied.names.iter().any(fits))
        .map(|denied| denied.why)
}

/// What is wrong with the name of a header, to be read after it; `None` if it may be set.
pub fn name_fault(name: &str) -> Option<String> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Some("is no header name: use letters, digits and hyphens".to_owned());
    }
    if name.len() > MAX_NAME_BYTES {
        return Some(format!(
            "is too long: at most {MAX_NAME_BYTES} bytes are accepted"
        ));
    }
    denied(name).map(str::to_owned)
}

/// What is wrong with the value of a header, to be read after "the value"; `None` if it may be
/// sent. RFC 9110 5.5: a line break in it would begin another header.
pub fn value_fault(value: &str, at_most: usize) -> Option<String> {
    if value.is_empty() || value.len() > at_most {
        return Some(format!(
            "has {} bytes; 1 to {at_most} are accepted",
            value.len()
        ));
    }
    if !value.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return Some(
            "may hold visible ASCII characters and spaces only, no line breaks".to_owned(),
        );
    }
    (value.trim() != value).then(|| "may not begin or end with a space".to_owned())
}

/// Everything that is wrong with `headers`, with pointers below `/headers`.
pub fn violations(headers: &BTreeMap<String, String>, bounds: &Bounds) -> Vec<Violation> {
    let mut found = Vec::new();
    let total: usize = headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if headers.len() > bounds.headers || total > bounds.header_bytes {
        let (most, bytes) = (bounds.headers, bounds.header_bytes);
        let detail = format!("give at most {most} headers with {bytes} bytes altogether");
        found.push(Violation::new("/headers", detail));
        return found;
    }
    let mut before: Vec<String> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        let fault = name_fault(name)
            .map(|fault| format!("`{name}` {fault}"))
            .or_else(|| {
                value_fault(value, MAX_VALUE_BYTES).map(|fault| format!("the value {fault}"))
            })
            .or_else(|| {
                let twice = before.contains(&lower);
                twice.then(|| "stands here twice: upper and lower case are the same".to_owned())
            });
        if let Some(detail) = fault {
            let pointer = format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"));
            found.push(Violation::new(pointer, detail));
        }
        before.push(lower);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str, expected: Option<&str>) {
        let headers = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let found = violations(&headers, &Bounds::default());
        match expected {
            None => assert!(found.is_empty(), "{name:?}: {found:?}"),
            Some(words) => {
                assert_eq!(found.len(), 1, "{name:?}: {found:?}");
                assert!(found[0].detail.contains(words), "{name:?}: {}", found[0]);
                assert!(found[0].pointer.starts_with("/headers/"), "{}", found[0]);
            }
        }
    }

    #[test]
    fn names_and_values_that_may_and_may_not_be_sent() {
        for (name, value, expected) in [
            ("x-region", "eu-1", None),
            ("X-Api-Version", "2026-11-22; draft", None),
            ("user-agent", "Acme/1", None),
            ("hosts", "x", None),
            ("webhooks", "x", None),
            ("Host", "x", Some("connection")),
            ("CONTENT-LENGTH", "1", Some("connection")),
            ("transfer-encoding", "chunked", Some("connection")),
            ("Connection", "close", Some("connection")),
            ("proxy-authorization", "x", Some("connection")),
            ("content-type", "text/plain", Some("body")),
            ("webhook-id", "x", Some("signature")),
            ("Webhook-Signature", "x", Some("signature")),
            ("x-webhook-signature", "x", Some("signature")),
            ("Authorization", "Bearer x", Some("`auth`")),
            ("cookie", "a=b", Some("cookie")),
            ("cookie2", "a=b", Some("cookie")),
            ("X-Forwarded-For", "10.0.0.1", Some("somewhere else")),
            ("metadata-flavor", "Google", Some("metadata")),
            ("traceparent", "x", Some("trace")),
            ("", "x", Some("no header name")),
            ("a b", "x", Some("no header name")),
            ("a:b", "x", Some("no header name")),
            ("a/b", "x", Some("no header name")),
            ("é", "x", Some("no header name")),
            ("x\r\nhost", "x", Some("no header name")),
            ("x-a", "1\r\nhost: x", Some("line breaks")),
            ("x-a", "1\nb", Some("line breaks")),
            ("x-a", "\0", Some("line breaks")),
            ("x-a", "é", Some("ASCII")),
            ("x-a", " 1", Some("space")),
            ("x-a", "", Some("0 bytes")),
        ] {
            check(name, value, expected);
        }
        check(&"x".repeat(129), "1", Some("too long"));
        check("x-a", &"x".repeat(2_049), Some("2049 bytes"));
    }

    #[test]
    fn their_number_and_their_size_are_bounded_and_names_are_unique() {
        let many = |count: usize, length: usize| -> BTreeMap<String, String> {
            let header = |n| (format!("x-{n}"), "v".repeat(length));
            (0..count).map(header).collect()
        };
        assert!(violations(&many(20, 100), &Bounds::default()).is_empty());
        for headers in [many(21, 1), many(5, 2_000)] {
            assert_eq!(
                violations(&headers, &Bounds::default())[0].pointer,
                "/headers"
            );
        }
        let twice = [("X-A", "1"), ("x-a", "2")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        let found = violations(&BTreeMap::from(twice), &Bounds::default());
        assert_eq!(found[0].pointer, "/headers/x-a");
    }
}
