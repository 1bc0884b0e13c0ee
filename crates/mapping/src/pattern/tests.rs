//! What patterns mean, and that none takes long.

use std::time::{Duration, Instant};

use super::*;

fn matches(source: &str, text: &str) -> bool {
    let pattern = Pattern::compile(source).unwrap_or_else(|fault| panic!("{source}: {fault}"));
    pattern
        .is_match(text)
        .unwrap_or_else(|error| panic!("{source} of {text}: {error}"))
}

#[test]
fn bad_patterns_are_refused_with_the_place() {
    let rows: &[(&str, &str)] = &[
        (
            "[a",
            "at character 1: `[` opens a set that nothing closes; write `\\[` for the bracket itself",
        ),
        (
            "a)",
            "at character 2: `)` closes no group; write `\\)` for the parenthesis itself",
        ),
        (
            "*a",
            "at character 1: there is nothing to repeat before `*`; write `\\*` for the character itself",
        ),
        (
            "a++",
            "at character 3: there is nothing to repeat before `+`; write `\\+` for the character itself",
        ),
        (
            "a{2}{3}",
            "at character 7: there is nothing to repeat before `{`; write `\\{` for the character itself",
        ),
        (
            "[z-a]",
            "at character 1: the range from 'z' to 'a' is the wrong way round",
        ),
        (
            "a{3,2}",
            "at character 2: a repetition goes from the smaller number to the larger",
        ),
        (
            "(?i)a",
            "at character 1: `(?i` is no group of JavaScript; write (?:…), (?=…), (?!…), (?<=…), (?<!…) or (?<name>…)",
        ),
        (
            "a\\",
            "at character 2: `\\` escapes nothing at the end of the pattern",
        ),
        (
            "\\ud800",
            "at character 1: half of a surrogate pair stands for no character",
        ),
        (
            "\\p{",
            "at character 1: `\\p{…}` needs a property of Unicode between braces, such as \\p{L}",
        ),
        ("(?<a>.)\\k<b>", "at character 8: no group has the name `b`"),
        (
            "(\\p{L}{50}){50}",
            "the pattern is too large once its repetitions are written out; repeat less",
        ),
        (
            "(?:\\p{L}{100}){100}",
            "the pattern is too large once its repetitions are written out; repeat less",
        ),
    ];
    for (source, expected) in rows {
        let fault = Pattern::compile(source).expect_err(source);
        assert_eq!(fault.to_string(), *expected, "{source}");
    }
    let long = "a".repeat(MAX_LENGTH + 1);
    let fault = Pattern::compile(&long).expect_err("too long");
    assert_eq!(fault.to_string(), "a pattern has at most 1000 characters");
}

#[test]
fn only_what_must_looks_back() {
    for (source, linear) in [
        (r"^[\w-\.]+@([\w-]+\.)+[\w-]{2,4}$", true),
        (r"^(a+)+$", true),
        (r"\bword\b", true),
        (r"^(?!test)", false),
        (r"(?<=a)b", false),
        (r"(a)\1", false),
        (r"\Bx", false),
    ] {
        let pattern = Pattern::compile(source).expect(source);
        assert_eq!(pattern.is_linear(), linear, "{source}");
    }
}

#[test]
fn places_of_matches_are_found() {
    let digits = Pattern::compile(r"\d+").expect("compiles");
    assert_eq!(digits.find("a1 22 333", 2), Ok(vec![1..2, 3..5]));
    let ahead = Pattern::compile(r"\d(?=€)").expect("compiles");
    assert_eq!(ahead.find("1€ 2$ 3€", 9), Ok(vec![0..1, 8..9]));
}

#[test]
fn hostile_patterns_are_refused_or_end_quickly() {
    let text = "a".repeat(30_000) + "!";
    let sources = [
        "^(a+)+$".to_owned(),
        "^(a|a)*$".to_owned(),
        "(a*)*b".to_owned(),
        "(.*)*x".to_owned(),
        "^(([a-z])+.)+[A-Z]([a-z])+$".to_owned(),
        "(?=(a+)+$)".to_owned(),
        "^(?:(a+)+)\\1$".to_owned(),
        "(?!.*x)(a|aa)+$".to_owned(),
        "(a?){1000}a{1000}".to_owned(),
        "a{1000}{1000}".to_owned(),
        "(((((a{10}){10}){10}){10}){10})".to_owned(),
        "(".repeat(400) + &")".repeat(400),
        "(?:".repeat(300) + &")*".repeat(300),
        "[".repeat(999),
        "\\".repeat(999),
        "(?=".repeat(200) + &")".repeat(200),
        "(?<=".repeat(200) + &")".repeat(200),
        "a|".repeat(499),
        "\\p{L}".repeat(160),
        "[\\w-".repeat(200),
    ];
    for source in &sources {
        let started = Instant::now();
        if let Ok(pattern) = Pattern::compile(source) {
            let least = if pattern.is_linear() {
                &text
            } else {
                &text[text.len() - MAX_TEXT_LOOKING..]
            };
            let _whatever = pattern.is_match(least);
        }
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{source:.40}: {:?}",
            started.elapsed()
        );
    }
    let pattern = Pattern::compile("^(a|aa)+\\1b").expect("compiles");
    assert_eq!(
        pattern.is_match(&text[..MAX_TEXT_LOOKING]),
        Err(TooHard::TooManySteps)
    );
    assert_eq!(
        pattern.is_match(&text),
        Err(TooHard::TooLong(MAX_TEXT_LOOKING))
    );
    let pattern = Pattern::compile("a").expect("compiles");
    assert_eq!(
        pattern.is_match(&"b".repeat(MAX_TEXT + 1)),
        Err(TooHard::TooLong(MAX_TEXT))
    );
}

#[test]
fn escapes_stand_for_characters() {
    let rows: &[(&str, &str, bool)] = &[
        (r"^\u0041\x42\cJ\t$", "AB\n\t", true),
        (r"^\uD83E\uDD80$", "🦀", true),
        (r"^\u{1F980}$", "🦀", true),
        (r"^\e\a\z$", "eaz", true),
        (r"^[\b]$", "\u{8}", true),
        (r"^\101\0$", "A\0", true),
        (r"^[^]$", "\n", true),
        (r"[]", "a", false),
        (r"^.$", "\u{2028}", false),
        (r"^\d$", "٣", false),
        (r"^\w$", "é", false),
        (r"^\s$", "\u{a0}", true),
        (r"^a{,2}$", "a{,2}", true),
        (r"^x{$", "x{", true),
        (r"^\p{L}+$", "Straße", true),
        (r"^(?<y>\d)-\k<y>$", "3-3", true),
        (r"^(a)?b\1$", "b", true),
        (r"a$", "a\n", false),
    ];
    for (source, text, expected) in rows {
        assert_eq!(matches(source, text), *expected, "{source} of {text:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(source in "[a-c0-9\\\\^$.|?*+()\\[\\]{},:=!<>uxpkdw-]{0,40}", text in ".{0,20}") {
        if let Ok(pattern) = Pattern::compile(&source) {
            let _whatever = pattern.is_match(&text);
        }
    }
}

/// What JavaScript itself says (tests/data/patterns.mjs made the file with Node 20).
#[test]
fn patterns_mean_what_they_mean_in_javascript() {
    const SAID: &str = include_str!("../../tests/data/patterns.json");
    /// Refused here though JavaScript takes it: a look ahead is not repeated.
    const REFUSED: [&str; 2] = ["(?=a)*b", "(?=a){2}a"];
    let said: serde_json::Value = serde_json::from_str(SAID).expect("JSON");
    let strings = |list: &serde_json::Value| -> Vec<String> {
        let list = list.as_array().into_iter().flatten();
        list.map(|text| text.as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let texts = strings(&said["texts"]);
    let mut wrong = Vec::new();
    let mut asked = 0;
    for row in said["rows"].as_array().expect("a list") {
        let source = row["pattern"].as_str().expect("text");
        let valid = row["valid"] == true;
        let pattern = match Pattern::compile(source) {
            Ok(_) if !valid => {
                wrong.push(format!("{source}: taken"));
                continue;
            }
            Err(fault) => {
                if valid && !REFUSED.contains(&source) {
                    wrong.push(format!("{source}: refused: {fault}"));
                }
                continue;
            }
            Ok(pattern) => pattern,
        };
        let matching = strings(&row["matches"]);
        let told = |text: &&String| row["unicode"] == true || text.chars().all(|c| c <= '\u{ffff}');
        for text in texts.iter().filter(told) {
            asked += 1;
            let found = pattern.is_match(text).expect("short texts");
            if found != matching.contains(text) {
                wrong.push(format!("{source} of {text:?}: {found}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(asked > 19_000, "{asked}");
}
