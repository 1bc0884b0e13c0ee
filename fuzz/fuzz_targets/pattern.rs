//! A pattern of a tenant, a line break, and a text: refused, too hard, or decided, and never for long (libFuzzer's time-out).
#![no_main]

use libfuzzer_sys::fuzz_target;
use tieline_mapping::pattern::Pattern;

fuzz_target!(|input: &str| {
    let (source, text) = input.split_once('\n').unwrap_or((input, ""));
    let Ok(pattern) = Pattern::compile(source) else {
        return;
    };
    let matches = pattern.is_match(text);
    let found = pattern.find(text, 10);
    if let (Ok(matches), Ok(found)) = (matches, found) {
        assert_eq!(matches, !found.is_empty(), "{source:?} {text:?}");
        assert!(
            found.iter().all(|range| text.get(range.clone()).is_some()),
            "{source:?} {text:?}"
        );
    }
});
