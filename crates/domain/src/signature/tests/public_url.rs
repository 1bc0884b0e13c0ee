//! The forms of a public URL that a sender may have signed.

use crate::signature::UrlRule;
use crate::signature::public_url::{decode, forms};

#[test]
fn the_port_may_be_added_or_removed_and_nothing_else_changes() {
    let rule = UrlRule {
        decoded: &[],
        port_may_differ: true,
    };
    let rows = [
        (
            "https://a.test/in/x",
            ["https://a.test/in/x", "https://a.test:443/in/x"],
        ),
        ("http://a.test", ["http://a.test", "http://a.test:80"]),
        (
            "https://a.test:8443/x:1",
            ["https://a.test:8443/x:1", "https://a.test/x:1"],
        ),
        (
            "https://[::1]/x",
            ["https://[::1]/x", "https://[::1]:443/x"],
        ),
        (
            "https://[::1]:443/x",
            ["https://[::1]:443/x", "https://[::1]/x"],
        ),
        (
            "https://A.test/%7Ex/../y?q=1#f",
            ["https://A.test/%7Ex/../y", "https://A.test:443/%7Ex/../y"],
        ),
    ];
    for (url, expected) in rows {
        assert_eq!(forms(url, rule).unwrap(), expected, "{url}");
        assert_eq!(
            forms(url, UrlRule::VERBATIM).unwrap(),
            expected[..1],
            "{url}"
        );
    }
}

#[test]
fn only_the_named_escapes_are_decoded() {
    let rows = [
        ("a%3Ab%2fc", "a:b/c"),
        ("%20%3a%41", "%20:%41"),
        ("%253A", "%253A"),
        ("%%3A%", "%:%"),
        ("%3", "%3"),
        ("%é3A", "%é3A"),
        ("plain", "plain"),
    ];
    for (text, expected) in rows {
        assert_eq!(decode(text, &["3A", "2F"]), expected, "{text}");
        assert_eq!(decode(text, &[]), text);
    }
}
