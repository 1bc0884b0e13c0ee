use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;

const SECRET: &str = "pä/ss \"w+rd\"<1>~'";

fn redact(text: &str) -> String {
    Redactor::new([SECRET]).text(text).into_owned()
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    let spellings = [
        SECRET.to_owned(),
        // base64: standard, without padding, URL-safe
        "cMOkL3NzICJ3K3JkIjwxPn4n".to_owned(),
        STANDARD
            .encode(format!("{SECRET}!"))
            .trim_end_matches("IQ==")
            .to_owned(),
        // percent: all, unreserved kept, encodeURIComponent, form, path; both cases
        "p%C3%A4%2Fss%20%22w%2Brd%22%3C1%3E%7E%27".to_owned(),
        "p%c3%a4%2fss%20%22w%2brd%22%3c1%3e%7e%27".to_owned(),
        "p%C3%A4%2Fss%20%22w%2Brd%22%3C1%3E~%27".to_owned(),
        "p%C3%A4%2Fss%20%22w%2Brd%22%3C1%3E~'".to_owned(),
        "p%C3%A4%2Fss+%22w%2Brd%22%3C1%3E%7E%27".to_owned(),
        "p%c3%a4/ss%20%22w+rd%22%3c1%3e~'".to_owned(),
        // JSON: plain, slash, ASCII, HTML-safe in both cases
        r#"pä/ss \"w+rd\"<1>~'"#.to_owned(),
        r#"pä\/ss \"w+rd\"<1>~'"#.to_owned(),
        r#"p\u00e4/ss \"w+rd\"<1>~'"#.to_owned(),
        r#"p\u00E4\/ss \"w+rd\"<1>~'"#.to_owned(),
        r#"p\u00e4/ss \"w+rd\"\u003c1\u003e~\u0027"#.to_owned(),
        r#"p\u00E4/ss \"w+rd\"\u003C1\u003E~\u0027"#.to_owned(),
        hex::encode(SECRET),
        hex::encode_upper(SECRET),
    ];
    for spelling in spellings {
        let text = format!("before={spelling}&after {spelling}");
        assert_eq!(
            redact(&text),
            "before=[redacted]&after [redacted]",
            "{spelling}"
        );
    }
}

#[test]
fn base64_of_a_longer_text_hides_the_secret_at_every_alignment() {
    let secret = "s3cr3t-t0ken-value";
    let redactor = Redactor::new([secret]);
    for before in ["", "u", "us", "use", "user:", "user7:"] {
        for after in ["", "x", "xy", "xyz"] {
            let encoded = STANDARD.encode(format!("{before}{secret}{after}"));
            let clean = redactor.text(&encoded).into_owned();
            let left: Vec<u8> = clean.replace(REDACTED, "").into_bytes();
            assert!(clean.contains(REDACTED), "{before}|{after}: {clean}");
            let neighbours = (before.len() + after.len()) * 4 / 3 + 6;
            assert!(left.len() <= neighbours, "{before}|{after}: {clean}");
        }
    }
}

#[test]
fn a_basic_credential_given_as_a_secret_is_hidden_whole() {
    let redactor = Redactor::new(["hunter2!", "amy:hunter2!"]);
    let header = format!("Basic {}", STANDARD.encode("amy:hunter2!"));
    assert_eq!(
        &*redactor.header_value(header.as_bytes()),
        b"Basic [redacted]"
    );
}

#[test]
fn nothing_to_hide_costs_nothing() {
    for redactor in [
        Redactor::new([SECRET]),
        Redactor::new(Vec::<&str>::new()),
        Redactor::new([""]),
    ] {
        assert!(matches!(
            redactor.text("harmless"),
            Cow::Borrowed("harmless")
        ));
        assert!(matches!(
            redactor.cut(b"harmless"),
            Cow::Borrowed(b"harmless")
        ));
    }
}

#[test]
fn short_secrets_are_replaced_only_as_whole_header_values() {
    let redactor = Redactor::new(["abc"]);
    for (value, expected) in [
        ("abc", "[redacted]"),
        ("Bearer abc", "Bearer [redacted]"),
        ("abcd", "abcd"),
        ("xabc", "xabc"),
        ("", ""),
    ] {
        assert_eq!(
            &*redactor.header_value(value.as_bytes()),
            expected.as_bytes()
        );
    }
    assert_eq!(redactor.text("abc is in abc"), "abc is in abc");
}

#[test]
fn the_longest_secret_wins() {
    let redactor = Redactor::new(["token-12", "token-12-and-more"]);
    assert_eq!(
        redactor.text("a token-12-and-more b token-12"),
        "a [redacted] b [redacted]"
    );
}

#[test]
fn a_secret_cut_in_two_by_the_limit_is_hidden() {
    let redactor = Redactor::new(["s3cr3t-t0ken-value"]);
    for (text, expected) in [
        ("say s3cr3t-t0ken-value", "say [redacted]"),
        ("say s3cr3t-t0ken-valu", "say [redacted]"),
        ("say s3cr", "say [redacted]"),
        ("say s3c", "say s3c"),
        ("s3cr3t-t0ken-value and s3cr3t", "[redacted] and [redacted]"),
    ] {
        assert_eq!(
            &*redactor.cut(text.as_bytes()),
            expected.as_bytes(),
            "{text}"
        );
    }
}

#[test]
fn bytes_that_are_not_text_are_searched_too() {
    let redactor = Redactor::new([b"\xff\x00\xfe\x01\xfd\x02".as_slice()]);
    assert_eq!(
        &*redactor.bytes(b"\x80\xff\x00\xfe\x01\xfd\x02\x81"),
        b"\x80[redacted]\x81"
    );
    assert_eq!(redactor.text("ff00fe01fd02"), REDACTED);
}

#[test]
fn debugging_shows_no_secret() {
    assert!(!format!("{:?}", Redactor::new([SECRET])).contains("ss"));
}
