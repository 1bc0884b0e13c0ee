//! What may be said in conversations, and of who talks.

use serde_json::{Map, Value};
use tieline_domain::{Violation, conversation::About, violation};

use super::Error;

/// The longest field that says who talks, in characters.
pub(super) const MOST_WHO: usize = 256;

/// The largest metadata, in bytes of JSON.
const MOST_METADATA: usize = 16 * 1_024;

/// Everything that is wrong with what is said of who talks.
pub(super) fn about(about: &About) -> Vec<Violation> {
    let texts = [
        ("/channel", &about.channel),
        ("/user_id", &about.user_id),
        ("/user_email", &about.user_email),
    ];
    let mut found: Vec<_> = texts
        .into_iter()
        .filter_map(|(pointer, text)| violation::length(pointer, text.as_deref()?, 1, MOST_WHO))
        .collect();
    found.extend(metadata_violations(&about.metadata));
    found
}

fn metadata_violations(metadata: &Map<String, Value>) -> Vec<Violation> {
    let bytes = serde_json::to_string(metadata).map_or(0, |text| text.len());
    let detail = format!("must have at most {MOST_METADATA} bytes of JSON, has {bytes}");
    let too_long = (bytes > MOST_METADATA).then(|| Violation::new("/metadata", detail));
    too_long.into_iter().collect()
}

/// Refuses a message that may not be said; `most`: the longest content, in bytes.
pub(super) fn message(
    content: &str,
    metadata: &Map<String, Value>,
    most: usize,
) -> Result<(), Error> {
    let mut found = metadata_violations(metadata);
    if content.trim().is_empty() {
        found.push(Violation::new("/content", "must not be empty"));
    } else if content.len() > most {
        let detail = format!("must have at most {most} bytes, has {}", content.len());
        found.push(Violation::new("/content", detail));
    } else if content.contains('\0') {
        found.push(Violation::new(
            "/content",
            "must not contain the character NUL",
        ));
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(found))
    }
}
